"""What is refused, where, and how soon."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sglc.ir.errors import ConstraintError
from tests.schemas.random_schemas import nested
from tests.schemas.texts import accepts, compiled, tried

OBJECT = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}
SO_FAR = "json_schema at #: the names, constants and patterns so far have more than 50,000 characters"
OPEN = {"type": "object", "properties": {"b": {"type": "null"}}}
REFUSED: list[tuple[Any, str, str]] = [
    ({}, "#", "it names no type"),
    ({"title": "t"}, "#", "it names no type"),
    ({"properties": {"a": {}}}, "#", "it names no type"),
    ({"type": "text"}, "#/type", '"text" is no type'),
    ({"type": []}, "#/type", "[] is no type"),
    ({"type": ["null", 5]}, "#/type", '["null", 5] is no type'),
    ({"anyOf": [True]}, "#/anyOf/0", "any value is allowed"),
    ({"anyOf": [False, False]}, "#/anyOf/0", "no value is allowed"),
    ({"$ref": "#/" + "a/" * 100_000}, "#/$ref", "nothing is at #/a/a/"),
    ({"anyOf": [{"type": "null"}, 5]}, "#/anyOf/1", "it is no schema"),
    ({"anyOf": []}, "#/anyOf", "it is not a list of schemas"),
    ({"oneOf": {}}, "#/oneOf", "it is not a list of schemas"),
    ({"allOf": [{"type": "null"}] * 2}, "#/allOf", "allOf of other than one schema is not supported"),
    ({"anyOf": [{"type": "null"}], "type": "null"}, "#/type", '"type" beside "anyOf" is not supported'),
    ({"enum": ["a"], "maxLength": 5}, "#/maxLength", '"maxLength" beside "enum" is not supported'),
    ({"enum": []}, "#", "no value is allowed"),
    ({"enum": 5}, "#/enum", "it is not a list of values"),
    ({"enum": ["a"], "type": "integer"}, "#", "no value is allowed"),
    ({"enum": [True], "const": 1}, "#", "no value is allowed"),
    ({"const": "\ud800"}, "#", "a text holds half a character"),
    ('{"const": 1e999}', "#", "a number is too large"),
    ({"type": "object"}, "#", "it allows any object"),
    ({"type": "object", "properties": []}, "#/properties", "it is not an object"),
    ({"type": "object", "properties": {"a/b~": {}}}, "#/properties/a~1b~0", "it names no type"),
    ({"type": "object", "properties": {}, "required": ["a"]}, "#/required", '"a" is required, and properties does not say'),
    ({**OBJECT, "required": "a"}, "#/required", "it is not a list of names"),
    ({"type": "object", "properties": {"a": {"type": "string", "required": True}}}, "#/properties/a/required",
     "it is not a list of names"),
    ({**OBJECT, "required": [5]}, "#/required", "it is not a list of names"),
    ({**OBJECT, "additionalProperties": {"type": "null"}}, "#/additionalProperties", "properties without a name"),
    ({**OBJECT, "patternProperties": {}}, "#/patternProperties", '"patternProperties" is not supported'),
    ({**OBJECT, "minProperties": 1}, "#/minProperties", '"minProperties" is not supported'),
    ({**OBJECT, "not": {}}, "#/not", '"not" is not supported'),
    ({**OBJECT, "if": {}, "then": {}}, "#/if", '"if" is not supported'),
    ({"type": "array"}, "#", "it allows any items"),
    ({"type": "array", "items": True}, "#", "it allows any items"),
    ({"type": "array", "items": {}}, "#/items", "it names no type"),
    ({"type": "array", "items": [{"type": "null"}]}, "#/items", "it is a list of schemas"),
    ({"type": "array", "prefixItems": {}}, "#/prefixItems", "it is not a list of schemas"),
    ({"type": "array", "prefixItems": [{"type": "null"}, {}]}, "#/prefixItems/1", "it names no type"),
    ({"type": "array", "prefixItems": [{"type": "null"}], "minItems": 2}, "#", "it needs 2 items, and at most 1 are"),
    ({"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 1}, "#", "it needs 2 items, and at most 1"),
    ({"type": "array", "items": {"type": "null"}, "minItems": -1}, "#/minItems", "-1 is no count"),
    ({"type": "array", "items": {"type": "null"}, "maxItems": True}, "#/maxItems", "true is no count"),
    ({"type": "array", "items": {"type": "null"}, "uniqueItems": True}, "#/uniqueItems", '"uniqueItems" is not supported'),
    ({"type": "integer", "minimum": 3, "maximum": 2}, "#", "no integer is at least 3 and at most 2"),
    ({"type": "integer", "minimum": 0.1, "maximum": 0.9}, "#", "no integer is at least 1 and at most 0"),
    ({"type": "integer", "minimum": "3"}, "#/minimum", '"3" is no bound'),
    ({"type": "integer", "exclusiveMinimum": True}, "#/exclusiveMinimum", "true is no bound"),
    ({"type": "integer", "maximum": 10**101}, "#/maximum", "the bound has more than 100 digits"),
    ({"type": "integer", "multipleOf": 2}, "#/multipleOf", '"multipleOf" is not supported'),
    ({"type": "number", "exclusiveMaximum": 2}, "#/exclusiveMaximum", "exclusiveMaximum is supported for integers only"),
    ({"type": "string", "minLength": 3, "maxLength": 2}, "#", "no string has at least 3 characters and at most 2"),
    ({"type": "string", "maxLength": 8000}, "#/maxLength", "this repeat stands for"),
    ({"type": "string", "minLength": 8000}, "#/minLength", "this repeat stands for"),
    ({"type": "string", "maxLength": 1e300}, "#/maxLength", "this repeat stands for"),
    ({"type": "string", "minLength": 1.5}, "#/minLength", "1.5 is no count"),
    ({"type": "array", "items": {"type": "null"}, "minItems": 20_000}, "#/minItems", "this repeat stands for"),
    ({"type": ["integer", "string"], "minimum": 3, "maximum": 2, "minLength": 2, "maxLength": 1},
     "#", "no integer is at least 3 and at most 2"),
    ({"type": "string", "maxlength": 3}, "#/maxlength", '"maxlength" is not supported'),
    ({"type": "string", "format": "uri"}, "#/format", 'the format "uri" is not supported'),
    ({"type": "string", "format": "date", "minLength": 3}, "#/minLength", "minLength beside format is not supported"),
    ({"type": "string", "pattern": 5}, "#/pattern", "it is not a string"),
    ({"type": "string", "pattern": "^a+b+$", "maxLength": 5}, "#/pattern", "the lengths that minLength and maxLength"),
    ({"type": "string", "pattern": "^a$", "minLength": 2}, "#", "no string matches the pattern and has the length"),
    ({"$ref": "#"}, "#/$ref", "# contains itself"),
    ({"$ref": "other.json#/a"}, "#/$ref", "$ref does not point into this schema"),
    ({"$ref": "#name"}, "#/$ref", "$ref does not point into this schema"),
    ({"$ref": 5}, "#/$ref", "$ref does not point into this schema"),
    ({"$ref": "#/$defs/x"}, "#/$ref", "nothing is at #/$defs/x"),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/x"}]}}},
     "#/$defs/x/anyOf/1/$ref", "#/$defs/x contains itself"),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "array", "items": {}}}}, "#/$defs/x/items", "it names no type"),
    ({"$ref": "#/$defs/x", "type": "null"}, "#/type", '"type" beside "$ref" is not supported'),
    ({"anyOf": [{"$id": "x", "type": "null"}]}, "#/anyOf/0/$id", "only the whole schema may have an $id"),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "#/oneOf", "a value of alternative 0 may be valid for"),
    ({"oneOf": [OBJECT, OPEN]}, "#/oneOf", "a value of alternative 0 may be valid for alternative 1 too"),
    ({"oneOf": [{"const": 1}, {"enum": [1.0, 2]}]}, "#/oneOf", "a value of alternative 0 may be valid"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "at", "what"), REFUSED)
def test_what_is_refused_and_where(schema: Any, at: str, what: str) -> None:
    with pytest.raises(ConstraintError) as caught:
        compiled(schema)
    assert caught.value.what.startswith(f"json_schema at {at}: {what}")
    assert caught.value.hint


def test_whole_messages() -> None:
    with pytest.raises(ConstraintError) as caught:
        compiled('{"type":"object","properties":{"a":{"type":"array","items":{"type":"null"},"uniqueItems":true}}}')
    assert str(caught.value) == (
        'json_schema at #/properties/a/uniqueItems: "uniqueItems" is not supported\n'
        "  hint: leave it out, and drop what occurs twice from the answer"
    )
    with pytest.raises(ConstraintError) as caught:
        compiled({"type": "string", "pattern": r"^(a|\pL)$"})
    assert str(caught.value) == (
        "json_schema at #/pattern: an escape of this kind is not supported\n"
        "    ^(a|\\pL)$\n        ^^\n  hint: write the characters that it stands for"
    )


@pytest.mark.parametrize(
    ("text", "what"), [("{", "no JSON: Expecting"), ("[]", "not an object"), ('{"const": NaN}', "NaN is no")]
)
def test_what_is_no_schema(text: str, what: str) -> None:
    with pytest.raises(ConstraintError, match=what):
        compiled(text)


def doubled(depth: int) -> dict[str, Any]:
    """A schema of 2**depth values, written once each."""
    levels = {
        f"d{level}": {"type": "array", "prefixItems": [{"$ref": f"#/$defs/d{level + 1}"}] * 2, "minItems": 2}
        for level in range(depth)
    }
    return {"$defs": {**levels, f"d{depth}": {"type": "boolean"}}, "$ref": "#/$defs/d0"}


WIDE = {"type": "object", "properties": {f"p{i}": {"$ref": "#/$defs/d0"} for i in range(2_000)}}
HOSTILE: list[tuple[str, str]] = [
    (json.dumps(doubled(20)), r"json_schema at #/\$defs/d\d+: this stands for [\d,]+ characters or classes, at most 50,000"),
    (json.dumps({**WIDE, "$defs": doubled(8)["$defs"]}), "json_schema at #: this stands for"),
    (json.dumps({"enum": ["x" * 30 + str(i) for i in range(10_000)]}), SO_FAR),
    (json.dumps({"const": "(" * 60_000}), SO_FAR),
    (json.dumps({"oneOf": [{"const": i} for i in range(500)]}), "json_schema at #/oneOf: too many alternatives to tell"),
    (json.dumps({"type": "string", "pattern": "a" * 1_000_000}), "json_schema at #/pattern: the pattern is too long: 1,000,000"),
    (json.dumps(nested(30)), "json_schema at #(/items)+: this stands for"),
    (json.dumps(nested(60)), "json_schema at #(/items)+: more than 50 schemas in one another"),
    ('{"a":' * 5_000 + "1" + "}" * 5_000, "json_schema is no JSON|nested too deeply|not supported"),
    ('{"type":"integer","minimum":' + "9" * 5_000 + "}", "json_schema is no JSON: Exceeds the limit"),
    (json.dumps({"type": "array", "prefixItems": [{"type": "null"}] * 101}), "json_schema at #/prefixItems: more than 100 of its"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "what"), HOSTILE)
def test_what_is_too_large_is_refused_soon(schema: str, what: str) -> None:
    start = time.process_time()
    with pytest.raises(ConstraintError, match=what):
        compiled(schema)
    assert time.process_time() - start < 5  # seconds: many times what it takes


def test_a_deep_constant_is_written_or_refused() -> None:
    """Python's own limit of nesting depends on where we are called from; it must never show."""
    for depth in range(700, 1_010, 3):
        value = "[" * depth + "]" * depth
        dfa = tried(f'{{"const":{value}}}')
        if isinstance(dfa, ConstraintError):
            assert "nested too deeply" in dfa.what or "is no JSON" in dfa.what
        else:
            assert accepts(dfa, value)
