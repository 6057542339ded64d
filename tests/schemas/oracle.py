"""A validator of its own, on the values that `json.loads` reads.

It knows more keywords than the compiler, and not `unevaluated*`, `$dynamicRef` and references to other than a pointer.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

from tests.schemas.strings import ANY_TEXT, FORMATS, WIDER, in_python

Check = Callable[[Any, Any], bool]


def valid(value: Any, schema: Any, root: Any, *, as_written: bool = False) -> bool:
    """Whether a value is valid. as_written: whether it has, besides, only the parts that the schema names, in its order
    (which is looser in one respect: any alternative of a oneOf will do)."""

    def check(value: Any, schema: Any) -> bool:
        return valid(value, schema, root, as_written=as_written)

    if isinstance(schema, bool):
        return schema
    if "$ref" in schema and not check(value, pointed_to(root, schema["$ref"])):
        return False
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(has_type(value, name) for name in types):
            return False
    if "enum" in schema or "const" in schema:
        lists = [schema.get("enum", [schema.get("const")]), [schema["const"]] if "const" in schema else schema["enum"]]
        if not all(any(same(value, other) for other in listed) for listed in lists):
            return False
        if as_written:
            return any(same(value, other, as_written=True) for other in lists[0])
    if not valid_combination(value, schema, check, as_written):
        return False
    match value:
        case str():
            return valid_string(value, schema, as_written=as_written)
        case bool() | None:
            return True
        case int() | float():
            return valid_number(value, schema)
        case list():
            return valid_array(value, schema, check, as_written)
        case _:
            return valid_object(value, schema, check, as_written)


def valid_combination(value: Any, schema: Any, check: Check, as_written: bool) -> bool:
    if "oneOf" in schema:
        count = sum(check(value, other) for other in schema["oneOf"])
        if not (count >= 1 if as_written else count == 1):
            return False
    if "if" in schema and not check(value, schema.get("then" if check(value, schema["if"]) else "else", True)):
        return False
    return (
        all(check(value, other) for other in schema.get("allOf", []))
        and ("anyOf" not in schema or any(check(value, other) for other in schema["anyOf"]))
        and ("not" not in schema or not check(value, schema["not"]))
    )


def valid_number(value: float, schema: Any) -> bool:
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or schema["exclusiveMinimum"] < value)
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and ("multipleOf" not in schema or Fraction(str(value)) % Fraction(str(schema["multipleOf"])) == 0)
    )


def valid_array(value: list[Any], schema: Any, check: Check, as_written: bool) -> bool:
    prefix, items = schema.get("prefixItems", []), schema.get("items", True)
    if items is True and as_written and "type" in schema:
        items = False
    if "contains" in schema:
        count = sum(check(item, schema["contains"]) for item in value)
        if not schema.get("minContains", 1) <= count <= schema.get("maxContains", count):
            return False
    return (
        schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        and all(itertools.starmap(check, zip(value, prefix, strict=False)))
        and all(check(item, items) for item in value[len(prefix) :])
        and not (schema.get("uniqueItems") and any(same(a, b) for a, b in itertools.combinations(value, 2)))
    )


def valid_object(value: dict[str, Any], schema: Any, check: Check, as_written: bool) -> bool:
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    if as_written and "type" in schema and [name for name in properties if name in value] != [*value]:
        return False
    others = [
        name for name in value if name not in properties and not any(search(pattern, name) for pattern in patterns)
    ]
    return (
        all(name in value for name in schema.get("required", []))
        and all(check(value[name], other) for name, other in properties.items() if name in value)
        and all(check(value[name], patterns[p]) for name in value for p in patterns if search(p, name))
        and all(check(value[name], schema.get("additionalProperties", True)) for name in others)
        and all(check(name, schema.get("propertyNames", True)) for name in value)
        and schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value))
        and all(
            {*names} <= value.keys() for name, names in schema.get("dependentRequired", {}).items() if name in value
        )
        and all(check(value, other) for name, other in schema.get("dependentSchemas", {}).items() if name in value)
    )


def valid_string(value: str, schema: Any, *, as_written: bool = False) -> bool:
    formats = FORMATS if as_written else {**FORMATS, **WIDER}
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and search(schema.get("pattern", ""), value)
        and (schema.get("format") in (None, *ANY_TEXT) or formats[schema["format"]](value))
    )


def search(pattern: str, text: str) -> bool:
    """Whether a regex of JavaScript is found in a text."""
    return re.search(in_python(pattern), text, re.ASCII) is not None


def has_type(value: Any, name: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "integer": number and float(value).is_integer(),
        "number": number,
        "boolean": isinstance(value, bool),
        "null": value is None,
    }[name]


def pointed_to(root: Any, pointer: str) -> Any:
    """What a reference into the schema itself leads to."""
    found = root
    for step in unquote(pointer).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found[int(name) if isinstance(found, list) else name]
    return found


def same(a: Any, b: Any, *, as_written: bool = False) -> bool:
    """Whether two values are equal: 1 and 1.0 are, 1 and true are not. as_written: whether they have one text."""
    if as_written:
        return json.dumps(a) == json.dumps(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return isinstance(a, bool) == isinstance(b, bool) and a == b
