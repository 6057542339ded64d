"""Grammars that people write (`written.jsonl`, one a line), id by id through an automaton or a matcher of llguidance.

name; grammar: its lines; words: texts of it; others: texts that are none.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from sglc.ir.grammar import Grammar
from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenAutomaton, TokenConstraint
from sglc.passes.compile_constraints import compile_constraint
from tests.grammar.lanes import GRAMMARS, TOKENS, VOCABULARY, allowed

CASES = [json.loads(line) for line in (Path(__file__).parent / "written.jsonl").read_text("utf-8").split("\n")[:-1]]
IDS = {text: id_ for id_, text in enumerate(TOKENS) if text and id_ not in VOCABULARY.end_ids}
LONGEST = max(map(len, IDS))


def followed(text: str) -> TokenConstraint:
    compiled = compile_constraint(Constraint("ebnf", text), VOCABULARY)
    return GRAMMARS.follow(compiled) if isinstance(compiled, Grammar) else compiled


def accepts(constraint: TokenConstraint, text: bytes, draw: random.Random) -> bool:
    """Whether a text is one of the constraint's, cut into ids in one of many ways."""
    state, at = constraint.start, 0
    while at < len(text):
        length = draw.choice([n for n in range(1, LONGEST + 1) if text[at : at + n] in IDS and at + n <= len(text)])
        id_ = IDS[text[at : at + length]]
        after = constraint.step(state, id_)
        assert (after is not None) == (id_ in allowed(constraint.row(state)))
        if after is None:
            return False
        state, at = after, at + length
    return constraint.accepts(state)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_words_and_others(case: dict[str, list[str]]) -> None:
    draw = random.Random(1)
    constraint = followed("\n".join(case["grammar"]))
    for _ in range(2):
        assert [text for text in case["words"] if not accepts(constraint, text.encode(), draw)] == []
        assert [text for text in case["others"] if accepts(constraint, text.encode(), draw)] == []


def test_both_lanes_are_there() -> None:
    automata = sum(isinstance(followed("\n".join(case["grammar"])), TokenAutomaton) for case in CASES)
    assert automata >= 40
    assert len(CASES) - automata >= 20
