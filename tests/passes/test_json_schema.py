"""Schemas that people write, the whole way to the automaton of a vocabulary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sglc.ir.ops import Constraint
from sglc.ir.tokens import Vocabulary
from tests.regexes import compile_automaton, stepped
from tests.schemas.random_schemas import nested
from tests.schemas.texts import dumped

INVOICE = {
    "title": "Invoice",
    "type": "object",
    "$defs": {
        "Money": {
            "type": "object",
            "properties": {"amount": {"type": "number"}, "currency": {"enum": ["EUR", "USD", "¥"]}},
            "required": ["amount", "currency"],
            "additionalProperties": False,
        }
    },
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "issued": {"type": "string", "format": "date"},
        "total": {"$ref": "#/$defs/Money"},
        "note": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}], "default": None},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "count": {"type": "integer", "minimum": 1, "maximum": 999},
                    "price": {"$ref": "#/$defs/Money"},
                },
                "required": ["text", "count"],
            },
            "minItems": 1,
        },
    },
    "required": ["id", "issued", "total", "lines"],
}
EXAMPLE = {
    "id": "0123abcd-0123-4567-89ab-0123456789ab",
    "issued": "2024-02-29",
    "total": {"amount": 12.5, "currency": "¥"},
    "lines": [{"text": 'né\n"', "count": 20}, {"text": "", "count": 1, "price": {"amount": 0, "currency": "EUR"}}],
}
BYTES = Vocabulary((*(bytes([byte]) for byte in range(256)), None), frozenset({256}), 257, "test")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (INVOICE, EXAMPLE),
        ({"type": "array", "items": INVOICE["$defs"]["Money"], "maxItems": 3}, [{"amount": 1e-7, "currency": "EUR"}]),
        ({"type": "string", "maxLength": 1500}, "é" * 1500),
        ({"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(20)}}, {"p3": "a", "p19": "b"}),
        (nested(8), [[[[[[[[None, None]]]]]], []]]),
    ],
)
def test_the_compiler_takes_them(schema: Any, value: Any) -> None:
    automaton = compile_automaton(Constraint("json_schema", json.dumps(schema)), BYTES)
    state = 0
    for byte in dumped(value).encode():
        state = stepped(automaton, state, byte)
    assert automaton.accept[state]
