"""States of a grammar are values: whatever is stepped, forked and taken up again, each is what a fresh matcher says."""

from __future__ import annotations

import gc
import json
import random
import weakref
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from sglc.ir.errors import RunError
from sglc.ir.grammar import Grammar
from sglc.ir.tokens import TokenConstraint
from sglc.runtime import grammar as module
from sglc.runtime.grammar import GrammarState
from tests.grammar.lanes import GRAMMARS, TOKENS, TREE, VOCABULARY, allowed, followed, grammar, text_of, walk

ARITHMETIC = Grammar(
    '%llguidance {"no_forcing": true}\nstart: sum\nsum: term (" + " term)*\nterm: /[0-9a-b]{1,3}/ | "(" sum ")"',
    "nests",
)
CASES = [
    grammar("json_schema", TREE),
    grammar("json_schema", TREE, 2),
    ARITHMETIC,
    grammar("regex", "(ab|abc)*(é|ab){2,9}"),
]


class Fresh:
    """The library itself, over the same bytes, asked anew for each place."""

    def __init__(self, made: Grammar) -> None:
        ends = VOCABULARY.end_ids
        self.bos_token_id, self.special_token_ids, self.is_tokenizer_wrapper = None, list[int](), True
        self.tokens = [b"" if token is None or i in ends else token for i, token in enumerate(TOKENS)] + [b""]
        self.eos_token_id = len(TOKENS)
        self._tokenizer = LLTokenizer(self)  # type: ignore[arg-type]
        self._text = made.text

    def __call__(self, text: Any) -> list[int]:
        raise AssertionError("nothing is forced")

    def at(self, ids: list[int]) -> tuple[list[int], bool]:
        """The ids that may follow, and whether the text may end."""
        matcher = LLMatcher(self._tokenizer, self._text, log_level=0)
        assert not ids or matcher.consume_tokens(ids)
        mask = matcher.compute_bitmask()
        ends = matcher.is_accepting()
        found = [i for i in range(len(TOKENS)) if mask[i // 8] >> (i % 8) & 1]
        return sorted([*found, *VOCABULARY.end_ids] if ends else found), ends


@pytest.mark.parametrize("made", CASES, ids=["tree", "tree with white space", "arithmetic", "regex"])
def test_any_order_of_steps_and_forks(made: Grammar) -> None:
    draw, fresh, constraint = random.Random(5), Fresh(made), GRAMMARS.follow(made)
    states: list[tuple[Any, list[int]]] = [(constraint.start, [])]
    for turn in range(250):
        state, ids = draw.choice(states[-12:]) if draw.random() < 0.8 else draw.choice(states)
        if draw.random() < 0.3:
            forced = constraint.forced_bytes(state)  # asked before, or after, or never
            assert not forced or all(
                (TOKENS[t] or b"").startswith(forced) or forced.startswith(TOKENS[t] or b"") for t in fresh.at(ids)[0]
            )
        if draw.random() < 0.5:
            assert (allowed(constraint.row(state)), constraint.accepts(state)) == fresh.at(ids)
        token = draw.choice(fresh.at(ids)[0]) if draw.random() < 0.8 else draw.randrange(VOCABULARY.size)
        after = constraint.step(state, token)
        assert (after is not None) == (token in fresh.at(ids)[0] and token not in VOCABULARY.end_ids)
        if after is not None:
            states.append((after, [*ids, token]))
        if draw.random() < 0.3 and len(states) > 1:  # nobody wants it any more
            states.pop(draw.randrange(1, len(states)))
        if turn % 100 == 99:
            gc.collect()
    assert max(len(ids) for _, ids in states) > 5


def test_trees_are_json_of_any_depth() -> None:
    constraint, draw, deepest, whole = followed("json_schema", TREE), random.Random(3), 0, 0

    def depth(node: Any) -> int:
        assert set(node) == {"name", "children"}
        assert isinstance(node["name"], str)
        return 1 + max(map(depth, node["children"]), default=0)

    for _ in range(150):
        state, ids = list(walk(constraint, draw, 60))[-1]
        while not constraint.accepts(state) and len(ids) < 400:  # what closes is taken where it can be
            tokens = allowed(constraint.row(state))
            token = next((t for t in (*b'"]}', *tokens) if t in tokens and t not in VOCABULARY.end_ids), None)
            assert token is not None
            state, ids = constraint.step(state, token), [*ids, token]
        if constraint.accepts(state):
            whole += 1
            deepest = max(deepest, depth(json.loads(text_of(ids))))
    assert whole > 100
    assert deepest > 1
    nested = b'{"name": "", "children": [' * 60 + b"]}" * 60
    state = constraint.start
    for byte in nested:
        state = constraint.step(state, byte)
        assert state is not None
    assert constraint.is_final(state)
    assert allowed(constraint.row(state)) == sorted(VOCABULARY.end_ids)


def test_a_state_that_nobody_has_is_freed_without_the_collector() -> None:
    constraint = followed("json_schema", TREE)
    gc.disable()
    try:
        state = constraint.start
        seen: list[weakref.ref[GrammarState]] = []
        cursors = []
        for byte in b'{"name": "abc", "children": []}':
            constraint.row(state)
            seen.append(weakref.ref(state))
            state = constraint.step(state, byte)
            assert state is not None
            cursors.append(id(state.cursor))
        assert len(set(cursors)) == 1  # the matcher went along, nothing was copied
        assert [ref() for ref in seen] == [None] * len(seen)
    finally:
        gc.enable()


def test_a_look_ahead_gives_the_matcher_back() -> None:
    constraint = followed("json_schema", TREE)
    state: Any = constraint.start
    cursor: Any = None
    for token in b'{"name':  # as a jump does: step on, and forget
        after = constraint.step(state, token)
        assert after is not None
        del after
        cursor = cursor or state.cursor
        assert constraint.step(state, token) is not None
        assert state.cursor is cursor
        state = constraint.step(state, token)


def test_a_limit_of_the_library_ends_one_answer() -> None:
    constraint = followed("regex", "(.{1,1000}x){1,1000}")
    state = other = constraint.start

    def answer() -> None:
        nonlocal state
        for turn in range(2000):
            state = constraint.step(state, ord("x" if turn % 3 else "A"))
            constraint.row(state)

    with pytest.raises(RunError, match=r"cannot be followed further: llguidance: .*too many expressions") as caught:
        answer()
    assert "repeats" in caught.value.hint
    assert constraint.step(other, ord("A")) is not None  # the others go on
    for _ in range(3):  # and so do later ones, though the library's copies share one lexer
        state = constraint.start
        for _ in range(20):
            constraint.row(state)
            state = constraint.step(state, ord("x"))
            assert state is not None


def test_what_the_vocabulary_cannot_write_is_said() -> None:
    tokens = (b"a", b"b", None)
    small = module.Grammars(type(VOCABULARY)(tokens, frozenset({2}), 3, "small"))
    constraint = small.follow(grammar("regex", "a(c|d)"))
    state = constraint.step(constraint.start, 0)
    with pytest.raises(RunError, match="vocabulary cannot write what the grammar asks for"):
        constraint.row(state)


def test_a_grammar_of_another_version_is_refused() -> None:
    from sglc.ir.errors import ConstraintError

    with pytest.raises(ConstraintError, match=r"llguidance refuses a grammar: .*"):
        GRAMMARS.follow(Grammar("start: %unknown x", "older"))


def test_a_grammar_is_made_once_and_dropped_with_its_users() -> None:
    made = grammar("regex", "[a-c]{3}only here")
    one: TokenConstraint | None = GRAMMARS.follow(made)
    assert GRAMMARS.follow(made) is one
    gone = weakref.ref(one)  # type: ignore[arg-type]
    del one
    assert gone() is None
