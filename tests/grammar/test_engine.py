"""Grammars in the engine: episodes with preemption on the fake device, and what is forced."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from typing import Any

import pytest

from sglc.ir.grammar import Grammar
from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenConstraint, Vocabulary
from sglc.passes.compile_constraints import compile_constraint
from sglc.passes.grammar import grammar_of
from sglc.passes.regular.source import NotRegular
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.request import Failed, Finished, Request
from sglc.runtime.grammar import Grammars
from sglc.runtime.spans import SpanEncoder
from sglc.runtime.vocabulary import vocabulary_of
from tests.engine import episodes, support
from tests.tokenizers import KINDS, tokenizer

SMALL = Vocabulary(support.VOCABULARY, frozenset({support.END}), len(support.VOCABULARY), "small")


@lru_cache
def small() -> tuple[TokenConstraint, ...]:
    """Constraints over the sixteen ids: forced, after a choice, looping, nested, and one that fails after a while."""
    follow = Grammars(SMALL)
    made = [
        grammar_of(Constraint("regex", text), NotRegular("told to", hint=""))
        for text in ("aaaa", "aaab|aaac|ca", "b(b|cb)*", "( x)+€?")
    ]
    nested = Grammar('%llguidance {"no_forcing": true}\nstart: pair\npair: "a" pair "b" | "c"', "nests")
    return tuple(map(follow.follow, [*made, nested]))


def test_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "AUTOMATA", small())
    episodes.play(500_000, 400)


def test_a_failing_grammar_ends_one_request() -> None:
    follow = Grammars(SMALL)
    made = compile_constraint(Constraint("regex", "(.{1,1000}b){1,1000}"), SMALL)
    assert isinstance(made, Grammar)
    device = FakeDevice(4_000, vocabulary=len(support.VOCABULARY))
    core = EngineCore(device, support.Bytes(), max_running=8)
    endless = Request(
        ids=[2],
        max_tokens=2_000,
        min_tokens=2_000,
        end_ids=frozenset({support.END}),
        constraint=follow.follow(made),
        temperature=1.0,
    )
    fails = core.submit(endless)
    goes_on = core.submit(Request(ids=[2, 3], max_tokens=700, temperature=1.0))
    events: dict[int, Any] = {}
    while not core.idle:
        events.update((event.request, event) for event in core.step())
    assert isinstance(events[goes_on], Finished)
    assert isinstance(events[fails], Failed)
    assert "the grammar cannot be followed further" in str(events[fails].error)


class Kind:
    def __init__(self, name: str) -> None:
        made = tokenizer(name)
        self.vocabulary = vocabulary_of(made, end_ids=(), columns=0, chat_template="")
        self.encode = SpanEncoder(made).encode_inside
        self.jumps = Jumps(self.vocabulary, self.encode)
        self.grammars = Grammars(self.vocabulary)


SCHEMA = {
    "type": "object",
    "properties": {
        "first name": {"enum": ["The", "Then", "é"]},
        "state": {"type": "boolean"},
        "world": {"type": "array", "items": {"enum": ["open", "opened"]}, "maxItems": 2},
    },
    "required": ["first name", "state", "world"],
    "additionalProperties": False,
}
VALUES = [
    {"first name": name, "state": state, "world": world}
    for name in ("The", "Then", "é") for state in (True, False) for world in ([], ["open"], ["opened", "open"])
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"unigram"}))  # which has no braces
def test_both_lanes_jump_alike(name: str) -> None:
    kind, draw = Kind(name), random.Random(2)
    constraint = Constraint("json_schema", json.dumps(SCHEMA))
    one = compile_constraint(constraint, kind.vocabulary)
    assert not isinstance(one, Grammar)
    other = kind.grammars.follow(grammar_of(constraint, NotRegular("told to", hint="")))
    drawn = total = 0
    for value in draw.sample(VALUES, 8):
        ids = list(kind.encode(json.dumps(value, ensure_ascii=False)))
        state, place, at = one.start, other.start, 0
        while at < len(ids):
            before = ids[at - 1] if at else None
            jump = kind.jumps.ids(other, place, before)
            assert jump == kind.jumps.ids(one, state, before)
            assert jump == tuple(ids[at : at + len(jump)])
            drawn += not jump
            for token in jump or ids[at : at + 1]:
                after = one.step(state, token)
                assert after is not None
                state, place, at = after, other.step(place, token), at + 1
        total += len(ids)
        assert one.accepts(state)
        assert other.accepts(place)
    assert 0 < drawn < total / 2
    assert not kind.jumps._known.get(other)  # nothing is kept by its states
