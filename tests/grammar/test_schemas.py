r"""JSON schemas that llguidance follows mean there what they mean in an automaton: names, formats, patterns, other properties."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sglc.ir.errors import ConstraintError
from tests.grammar.lanes import GRAMMARS, followed, grammar
from tests.grammar.open_schemas import OpenSchemas, sampled, written
from tests.schemas.cases import CASES, Case
from tests.schemas.oracle import valid
from tests.schemas.spellings import spellings

INTEGER, STRING = {"type": "integer"}, {"type": "string"}


def beside_itself(schema: Any) -> dict[str, Any]:
    """A schema of {"v": a value of the given one}, which contains itself and so is no automaton's."""
    return {
        "type": "object",
        "properties": {"v": schema, "k": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["v"],
    }


OPEN = {"type": "object", "properties": {"a": INTEGER}, "additionalProperties": STRING}
NAMED = {"type": "object", "patternProperties": {"^S_": STRING}, "additionalProperties": INTEGER}
TWO = {"type": "object", "patternProperties": {"^a": INTEGER}, "required": ["ab"], "additionalProperties": False}
BASE = {"type": "object", "properties": {"a": INTEGER, "t": {"$ref": "#/$defs/base"}}, "required": ["a"]}
BOTH = {"allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": STRING}, "required": ["b"]}], "$defs": {"base": BASE}}
MANY = {"type": "object", "additionalProperties": INTEGER}
KIND = {"oneOf": [{"$ref": "#/$defs/c"}, {"$ref": "#/$defs/d"}], "$defs": {
    name: {"type": "object", "properties": {"k": {"const": name}, "of": {"$ref": "#"}}, "required": ["k"]} for name in "cd"
}}  # fmt: skip

MEANING: list[tuple[str, Any, list[str], list[str]]] = [  # what, schema, texts that are answers, texts that are none
    (
        "another property has no listed name, in no spelling",
        OPEN,
        ['{"a": 1, "b": "x"}', '{"b": "x"}', '{"": "x", "ab": "y"}', "{}", r'{"a\"": "x"}'],
        [r'{"a": 1, "\u0061": "x"}', r'{"\u0061": "x"}', '{"a": "x"}', '{"a": 1, "a": "x"}', '{"b": 1}'],
    ),
    (
        "nor one that is listed in a recursive schema",
        beside_itself(INTEGER),
        ['{"v": 1}', '{"v": 1, "k": [{"v": 2}]}'],
        [r'{"v": 1, "\u0076": "x"}', r'{"v": 1, "\u006b": 3}', '{"v": 1, "z": 1}'],
    ),
    (
        "nor one that a pattern describes",
        NAMED,
        ['{"S_a": "x"}', '{"a": 5, "S_": "", "S": 1}', "{}"],
        [r'{"S\u005fa": 5}', '{"S_a": 5}', '{"a": "x"}'],
    ),
    (
        "a listed property is what the pattern of its name says too",
        {"type": "object", "properties": {"ab": {"minimum": 3}}, "patternProperties": {"^a": INTEGER}},
        ['{"ab": 3}', '{"ab": 4, "ac": 1}', '{"ac": 1}'],
        ['{"ab": 1}', '{"ab": "x"}', '{"b": 1}', '{"ac": 1, "ab": 1}'],
    ),
    ("a required one may have its schema from a pattern", TWO, ['{"ab": 1}', '{"ab": 1, "ac": 2}'], ['{"ac": 2}', '{"ab": ""}']),
    (
        "a required one that is not listed is any value",
        {"type": "object", "properties": {"a": INTEGER}, "required": ["b"]},
        ['{"a": 1, "b": [null, {}]}', '{"b": ""}'],
        ['{"a": 1}', '{"b": 1, "c": 1}'],
    ),
    (
        "others than many names",
        {"type": "object", "properties": {f"p{number}q": INTEGER for number in range(60)}, "additionalProperties": STRING},
        ['{"p1q": 1, "p7q": 2, "p": "", "p61q": "x"}', '{"p60q": "x"}', '{"p1": ""}'],
        ['{"p1q": ""}', '{"p59q": "x"}', '{"p61q": 1}', r'{"\u00701q": ""}'],
    ),
    (
        "others than names and patterns",
        {"type": "object", "properties": {"a": INTEGER}, "patternProperties": {"^[ab]+c?$": {}}, "additionalProperties": STRING},
        ['{"a": 1, "abc": null, "x": ""}', '{"ac": 1}', '{"acc": ""}'],
        ['{"a": null}', '{"x": 1}', '{"acc": 1}', '{"a": 1, "a": null}'],
    ),
    ("one name suffices for minProperties 1", {**MANY, "minProperties": 1}, ['{"a": 1}', '{"a": 1, "b": 2}'], ["{}"]),
    (
        "and for one more than the required",
        {**MANY, "required": ["b"], "minProperties": 2},
        ['{"b": 1, "a": 2}'],
        ['{"b": 1}', '{"a": 1, "c": 2}', '{"b": 1, "b": 2}'],
    ),
    ("required ones are enough", {**MANY, "required": ["a", "b"], "minProperties": 2}, ['{"a": 1, "b": 2}'], ['{"a": 1}']),
    ("others are not written", beside_itself(True), ['{"v": null}'], ['{"v": 1, "z": 1}']),
    (
        "even where the schema allows them",
        {**beside_itself(INTEGER), "additionalProperties": True},
        ['{"v": 1}'],
        ['{"v": 1, "z": 1}'],
    ),
    (
        "nor other items than the first ones",
        beside_itself({"type": "array", "prefixItems": [INTEGER]}),
        ['{"v": []}', '{"v": [1]}'],
        ['{"v": [1, 2]}'],
    ),
    ("where nothing is named, any are", beside_itself({"type": "object"}), ['{"v": {}}', '{"v": {"z": [1]}}'], ['{"v": 1}']),
    (
        "of schemas that hold together all properties are written",
        BOTH,
        ['{"a": 1, "b": ""}', '{"a": 1, "t": {"a": 2, "t": {"a": 3}}, "b": ""}'],
        ['{"a": 1}', '{"b": ""}', '{"a": 1, "b": "", "c": 1}', '{"a": 1, "t": {"a": 2, "b": ""}, "b": ""}'],
    ),
    (
        "alternatives beside properties",
        {**beside_itself(INTEGER), "anyOf": [{"required": ["k"]}, {"properties": {"v": {"minimum": 5}}}]},
        ['{"v": 5}', '{"v": 1, "k": []}'],
        ['{"v": 1}', '{"k": []}'],
    ),
    (
        "alternatives that a constant tells apart",
        KIND,
        ['{"k": "c"}', '{"k": "d", "of": {"k": "c"}}'],
        ['{"k": "e"}', '{"k": "c", "of": {}}', "{}"],
    ),
    (
        "what holds together may contain itself",
        {"$defs": {"a": {"properties": {"n": {"$ref": "#/$defs/a"}}}, "b": {"properties": {"n": {"$ref": "#/$defs/b"}, "x": INTEGER}}},
         "type": "object", "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "required": ["x"]},
        ['{"x": 1}', '{"n": {"n": {"x": 1}}, "x": 1}', '{"n": "any but an object", "x": 1}'],
        ['{"n": {}}', '{"n": {"x": "1"}, "x": 1}', '{"n": {"z": 1}, "x": 1}'],
    ),
    (
        "definitions in groups",
        {"definitions": {"group": {"A": {"type": "array", "items": {"$ref": "#/definitions/group/A"}}}}, "$ref": "#/definitions/group/A"},
        ["[]", "[[], [[]]]"],
        ["[1]", "{}"],
    ),
    (
        "what nothing refers to is not read",
        {"$defs": {"odd": {"typo": 1}, "list": [1]}, "type": "array", "items": {"$ref": "#"}},
        ["[[]]"],
        ["[1]"],
    ),
    ("an alternative without a value goes away", {"anyOf": [False, {"type": "array", "items": {"$ref": "#"}}]}, ["[[]]"], ["1"]),
    (
        "and so does one that contains itself without end",
        {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "array", "items": {"$ref": "#"}}],
         "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}, "minItems": 1}}},
        ["[[]]"],
        ["1"],
    ),
]  # fmt: skip


def accepts(constraint: Any, text: str) -> bool:
    state = constraint.start
    for byte in text.encode():
        state = None if state is None else constraint.step(state, byte)
    return state is not None and constraint.accepts(state)


@pytest.mark.parametrize(("schema", "good", "bad"), [case[1:] for case in MEANING], ids=[case[0] for case in MEANING])
def test_meaning(schema: Any, good: list[str], bad: list[str]) -> None:
    constraint = followed("json_schema", schema)
    assert [text for text in good if not accepts(constraint, text)] == []
    assert [text for text in bad if accepts(constraint, text)] == []
    assert all(valid(json.loads(text), schema, schema) for text in good)


STRINGS: list[tuple[dict[str, Any], list[str]]] = [  # what is said of a string; texts of which some are none
    ({"format": "date"}, ["2024-02-29", "2023-02-29", "0000-01-01", "0001-01-01"]),
    ({"format": "date-time"}, ["2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01t00:00:00z"]),
    ({"format": "time"}, ["12:00:59Z", "12:00:60Z", "24:00:00Z"]),
    ({"format": "email"}, ["a@b.c", "a@b", "a..b@c.d"]),
    ({"format": "ipv4"}, ["127.0.0.1", "256.0.0.1", "01.0.0.1"]),
    ({"format": "uuid"}, ["0123abCD-0123-4567-89ab-0123456789ab", "0123abCD-0123-4567-89ab-0123456789a"]),
    ({"pattern": "^[a-z[0-9]]$"}, ["b", "[]", "[", "a]"]),
    ({"pattern": "^[a~~b]$"}, ["~", "a", "c"]),
    ({"pattern": "[a&&b]"}, ["a", "&", "c"]),
    ({"pattern": "[[a]"}, ["a", "[", "b"]),
    ({"pattern": "^a|b$"}, ["ax", "xb", "xax", "b"]),
    ({"pattern": "^.$"}, ["\u2028", "\r", "\n", "x", "\x85"]),
    ({"pattern": r"^\s$"}, ["\x85", "\ufeff", " ", "\u2028", "x"]),
    ({"pattern": r"^\S$"}, ["\x85", "\ufeff", "x"]),
    ({"pattern": r"^\w\d$"}, ["a1", "é1", "a\u0661"]),
    ({"pattern": r"\<"}, ["<", "a<b", "a"]),
    ({"pattern": r"^[\b]$"}, ["\b", "b"]),
    ({"pattern": r"^(?!^[-+.]*$)[+-]?\d*\.?\d*$"}, ["1", "-.5", ".", "", "+", "1.2.3"]),
    ({"pattern": r"^(?=.*\d)\S{2,3}$", "maxLength": 2}, ["a1", "1a", "ab", "ab1"]),
    ({"pattern": "^(?=.*[a-z])(?=.*[A-Z])(?!.*--)[a-zA-Z-]{2,64}$"}, ["aB", "ab", "AB", "a--B", "-a-B-", "aB1"]),
    ({"pattern": "a(?!b)"}, ["a", "ab", "aba", "b", '"a"', "\\a"]),
    ({"pattern": r"^\0$"}, ["\0", "0"]),
    ({"pattern": r"^[^\"]*$"}, ['a"', "a", '"', "\\", "\n"]),
    ({"pattern": r"^[^\\]*$"}, ["\\", "a", '"', "\n"]),
    ({"pattern": r"^[\x00-\x1f]{2}$"}, ['""', "\\\\", "\n\t", "a\n"]),
    ({"pattern": r"^(?:[\x01-\x1f]|\0|a)$"}, ['"', "\\", "\n", "a", "b"]),
    ({"pattern": "^[a-z]*$", "minLength": 2, "maxLength": 3}, ["a", "ab", "abc", "abcd", "AB"]),
    ({"pattern": "^[a-zé𝔸]+$", "maxLength": 2}, ["é𝔸", "é𝔸a"]),
]  # fmt: skip


@pytest.mark.parametrize(("said", "texts"), STRINGS, ids=[json.dumps(said) for said, _ in STRINGS])
def test_strings_are_those_of_an_automaton(said: dict[str, Any], texts: list[str]) -> None:
    schema = {"type": "string", **said}
    constraint = followed("json_schema", beside_itself(schema))
    for text in texts:
        spelled = json.dumps({"v": text}, ensure_ascii=False)
        assert accepts(constraint, spelled) == valid(text, schema, schema, as_written=True), text
    assert any(valid(text, schema, schema, as_written=True) for text in texts)
    assert not all(valid(text, schema, schema, as_written=True) for text in texts)


def test_half_a_character_is_in_no_name() -> None:
    constraint = followed("json_schema", {"type": "object", "additionalProperties": True})
    assert accepts(constraint, '{"a": [{"b": 1}]}')
    assert not accepts(constraint, r'{"\ud800": 1}')


LOOSE = {name: case for name, case in CASES.items() if case.invalid}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in LOOSE.items()])
def test_nothing_invalid_is_an_answer(case: Case) -> None:
    """The cases of tests/schemas, each in the lane of grammars, or refused there."""
    try:
        constraint = followed("json_schema", case.schema)
    except ConstraintError:
        return
    assert [text for value in case.invalid for text in spellings(value) if accepts(constraint, text)] == []


SEEDS = range(120)


def test_random_open_schemas() -> None:
    followed_ = texts = 0
    for seed in SEEDS:
        draw = random.Random(seed)
        schema = OpenSchemas(draw).root
        try:
            constraint = GRAMMARS.follow(grammar("json_schema", written(schema)))
        except ConstraintError:
            continue
        followed_ += 1
        for text in filter(None, (sampled(constraint, draw) for _ in range(5))):
            assert valid(json.loads(text), schema, schema), (seed, text)
            texts += 1
    assert followed_ > len(SEEDS) / 3
    assert texts > len(SEEDS)
