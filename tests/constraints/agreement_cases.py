"""What the engines are asked: the cases of the benchmark that they compile in seconds, and more, fixed and random."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from benchmarks._constraint_cases import CASES
from tests.constraints.agreement_kinds import Asked

PATTERNS = {
    "hex colour": "#[0-9a-f]{6}",
    "decimal": r"-?[0-9]{1,6}(\.[0-9]{1,4})?",
    "line": r"[^\n]{1,40}",
    "quoted": r'"[^"\\]*"',
    "not letters": "[^a-z]{1,9}",
    "other scripts": "[é-ü]+|東京*|[一-鿿]{2,5}",
    "any case": "(?i)yes|no",
    "an end": "(ab)*c?",
    "template": "Name: [A-Z][a-z]{1,9}\\nAge: [0-9]{1,2}\\n",
    "any": ".{1,30}",
    "digits of all scripts": r"\d{1,5}",
    "words of all scripts": r"\w{1,4}(\s\w{1,4})?",
}
SCHEMAS: dict[str, Any] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "bounded integer": {"type": "integer", "minimum": -17, "maximum": 120},
    "enum": {"enum": ["red", "green", 'q"', None, 5, True]},
    "counted strings": {"type": "array", "items": {"type": "string", "maxLength": 5}},
    "counted array": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
    "optional": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "null"}, "c": {"type": "boolean"}},
        "required": ["b"],
        "additionalProperties": False,
    },
    "either": {"anyOf": [{"type": "integer"}, {"type": "null"}, {"type": "array", "items": {"type": "null"}}]},
}
ATOMS = [
    "[a-z]",
    "[A-Za-z0-9_]",
    "[0-9]",
    "ab",
    "the ",
    "(?:yes|no|none)",
    "[^\\n,]",
    "é",
    "[.,;]",
    "(?:ab|abc|b)",
    "-",
]
COUNTS = ["", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,12}", "{2,}"]


def asked_cases(count: int) -> Iterator[Asked]:
    large = {"gsm8k", "js_maxlen", "js_hard", "js_large"}  # minutes of compiling, for xgrammar
    for case in CASES:
        if not case.free_space and case.name not in large:
            kind = "regex" if case.pattern is not None else "json_schema"
            yield Asked(case.name, kind, case.pattern or case.schema or "")
    yield from (Asked(name, "regex", pattern) for name, pattern in PATTERNS.items())
    yield from (Asked(name, "json_schema", json.dumps(schema)) for name, schema in SCHEMAS.items())
    draw = random.Random(0)
    for _ in range(count):
        branches = ["".join(_atoms(draw)) for _ in range(draw.choice([1, 1, 2, 3]))]
        yield Asked("random regexes", "regex", "|".join(branches))
    for _ in range(count):
        yield Asked("random schemas", "json_schema", json.dumps(_schema(draw, 2)))


def _atoms(draw: random.Random) -> Iterator[str]:
    for _ in range(draw.randint(1, 4)):
        yield f"(?:{draw.choice(ATOMS)}){draw.choice(COUNTS)}"


def _schema(draw: random.Random, depth: int) -> dict[str, Any]:
    if depth and draw.random() < 0.7:
        names = draw.sample(["id", "name", "the city", "x", "tags", "é"], draw.randint(1, 4))
        return {
            "type": "object",
            "properties": {name: _schema(draw, depth - 1) for name in names},
            "required": draw.choice([names, names[:1]]),
            "additionalProperties": False,
        }
    simple: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "integer"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
        {"type": "array", "items": {"type": "integer"}},
        {"enum": draw.sample(["open", "closed", "in progress", "low", "lower", 12, None], 3)},
        {"type": "string", "pattern": draw.choice(["^[a-z]{1,5}$", "^[A-Z]{2}[0-9]+$"])},
    ]
    return draw.choice(simple)
