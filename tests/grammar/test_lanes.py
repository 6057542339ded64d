"""A grammar and an automaton of one constraint agree, id by id; where they do not is listed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.grammar.lanes import TOKENS, allowed, automaton, followed, lengths

REGEXES = [
    "abc", "ab?", "[a-c]{2,5}x", "(ab|abc)(c|d)*", "a.*b", "é+", "[^a]{1,3}", "(a|b){3}", r"\d{4}-\d\d", "yes|no", "",
    "(?i)ab", r"[^\n]*end", "(?s:.)*", r"/\*[a/\\\"']*\*/", "ab|ab(c|é)",
]  # fmt: skip
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "null"}}, "required": ["a"], "additionalProperties": False},
    {"enum": ["ab", "abc", 12, None]},
    {"const": {"a": [True, "é"]}},
    {"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 3},
    {"type": "integer", "minimum": 3, "maximum": 120},
    {"type": "string", "pattern": "^[a-c]+$"},
    {"type": "string", "pattern": "^ab?[0-9é]{2}$"},
    {"type": "string", "format": "uuid"},
    {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
    {"type": "object", "properties": {"x": {"enum": ["ab"]}, "é": {"type": "array", "items": {"type": "boolean"}}}, "required": ["x", "é"], "additionalProperties": False},
]  # fmt: skip
CASES = [("regex", text) for text in REGEXES] + [("json_schema", schema) for schema in SCHEMAS]


@pytest.mark.parametrize(("kind", "written"), CASES, ids=[str(written)[:40] for _, written in CASES])
def test_the_lanes_agree(kind: Any, written: Any) -> None:
    draw = random.Random(1)
    one, other = automaton(kind, written), followed(kind, written)
    assert one.size == other.size
    for _ in range(25):
        state, place = one.start, other.start
        for _ in range(20):
            tokens = allowed(one.row(state))
            assert tokens == allowed(other.row(place))
            assert one.accepts(state) == other.accepts(place)
            assert one.is_final(state) == other.is_final(place)
            assert one.only_id(state) == other.only_id(place)
            assert one.forced_bytes(state) == other.forced_bytes(place)
            assert one.reach(state, lengths()) == other.reach(place, lengths())
            tokens = [token for token in tokens if TOKENS[token] is not None and token not in one.ends]
            if not tokens:
                break
            token = draw.choice(tokens)
            after = one.step(state, token)
            assert after is not None
            state, place = after, other.step(place, token)


DIFFERENCES = [  # schema, beginning, bytes that only the automaton allows next, and those that only the grammar does
    ("no negative zero", {"type": "integer"}, b"-", b"", b"0"),
    ("an exponent without end", {"type": "number"}, b"1e123", b"", b"0123456789"),
    ("DEL is escaped", {"type": "string"}, b'"', b"\x7f", b""),
]


@pytest.mark.parametrize(
    ("schema", "begin", "ours", "theirs"), [case[1:] for case in DIFFERENCES], ids=[case[0] for case in DIFFERENCES]
)
def test_where_the_lanes_differ(schema: dict[str, Any], begin: bytes, ours: bytes, theirs: bytes) -> None:
    one, other = automaton("json_schema", schema), followed("json_schema", schema)
    state, place = one.walk(one.start, begin), other.start
    for byte in begin:
        place = other.step(place, byte)
    found, also = ({t for t in allowed(row) if t < 256} for row in (one.row(state), other.row(place)))
    assert (bytes(sorted(found - also)), bytes(sorted(also - found))) == (ours, theirs)
