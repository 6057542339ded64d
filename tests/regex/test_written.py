"""Regexes that people write (`written.txt`, one a line), id by id through the automaton of a vocabulary, beside Python's `re`."""

from __future__ import annotations

import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from sglc.ir.tokens import TokenAutomaton
from tests.regex.oracle import byte_level, ids
from tests.regexes import ALPHABET, compile_regex, near_misses

PATTERNS = (Path(__file__).parent / "written.txt").read_text(encoding="utf-8").split("\n")[:-1]
VOCABULARY = byte_level()
IDS: dict[bytes, int] = {
    text: id_ for id_, text in enumerate(VOCABULARY.tokens) if text and id_ not in VOCABULARY.end_ids
}
LONGEST = max(map(len, IDS))
PARTS = 8


def cut(text: bytes, draw: random.Random) -> list[int]:
    """A text as ids, one of many ways."""
    found, at = list[int](), 0
    while at < len(text):
        length = draw.choice([n for n in range(1, LONGEST + 1) if text[at : at + n] in IDS and at + n <= len(text)])
        found.append(IDS[text[at : at + length]])
        at += length
    return found


def accepts(automaton: TokenAutomaton, text: str, draw: random.Random) -> bool:
    state = automaton.start
    for id_ in cut(text.encode(), draw):
        after = automaton.step(state, id_)
        assert (after is not None) == bool(int(automaton.row(state)[id_ // 32]) >> id_ % 32 & 1)
        if after is None:
            return False
        state = after
    return automaton.accepts(state)


def sampled(automaton: TokenAutomaton, draw: random.Random, most: int) -> str:
    """A text along random ids, and from some length on along those that lead to its end soonest."""
    state, text = automaton.start, b""
    while not automaton.accepts(state) or (draw.random() < 0.7 and len(text) < most):
        allowed = sorted(ids(automaton.row(state)) - VOCABULARY.end_ids)
        if not allowed:
            break
        after = np.array([automaton.step(state, id_) for id_ in allowed])
        chosen = draw.randrange(len(allowed)) if len(text) < most else int(automaton.distance[after].argmin())
        state, text = int(after[chosen]), text + (VOCABULARY.tokens[allowed[chosen]] or b"")
    return text.decode()


def test_there_are_many() -> None:
    assert len(PATTERNS) == len(set(PATTERNS)) > 350


@pytest.mark.parametrize("part", range(PARTS))
def test_they_mean_what_python_means(part: int) -> None:
    draw = random.Random(part)
    for pattern in PATTERNS[part::PARTS]:
        with warnings.catch_warnings(action="ignore"):  # of what a future Python may read another way
            python = re.compile(pattern)
        automaton = compile_regex(pattern, VOCABULARY)
        texts = [sampled(automaton, draw, draw.choice([4, 12, 24])) for _ in range(5)]
        texts += [near for text in texts for near in near_misses(draw, text)]
        texts += ["".join(draw.choices(ALPHABET, k=draw.randint(0, 4))) for _ in range(5)]
        letters = [c for c in pattern if c.isalnum()] or ["a"]
        texts += ["".join(draw.choices(letters, k=draw.randint(1, 5))) for _ in range(5)]
        for text in texts:
            if len(text) <= 60:  # Python backtracks
                assert accepts(automaton, text, draw) == (python.fullmatch(text) is not None), (pattern, text)
