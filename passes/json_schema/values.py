"""The types and the constants of the values that a schema allows."""

from __future__ import annotations

from collections.abc import Hashable

from sglc.passes.json_schema.keywords import CONSTANTS, types
from sglc.passes.json_schema.places import Json, Schema, refuse


def kinds(schema: Schema) -> set[str]:
    """The types of the values that are valid, for a schema that has been read."""
    if (values := constants(schema, "#")) is not None:
        return {kind_of(value) for value in values}
    return _kinds_of_types(schema, "#")


def _kinds_of_types(schema: Schema, at: str) -> set[str]:
    """Those that "type" names; a value of "number" may be an "integer" too."""
    named = types(schema, at)
    return {*named, "integer"} if "number" in named else set(named)


def constants(schema: Schema, at: str) -> list[Json] | None:
    """The values that enum, const and type leave, each once; None where there is neither enum nor const."""
    if not any(keyword in schema for keyword in CONSTANTS):
        return None
    listed = schema.get("enum", [schema.get("const")])
    if not isinstance(listed, list):
        refuse(f"{at}/enum", "it is not a list of values", "list one or more")
    values: dict[Hashable, Json] = {}
    for value in listed:
        values.setdefault(key_of(value), value)
    if "const" in schema:
        values = {key: value for key, value in values.items() if key == key_of(schema["const"])}
    if "type" in schema:
        kinds = _kinds_of_types(schema, at)
        values = {key: value for key, value in values.items() if kind_of(value) in kinds}
    if not values:
        refuse(at, "no value is allowed", "let enum, const and type have a value in common")
    return list(values.values())


def kind_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def key_of(value: Json) -> Hashable:
    """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, list):
        return ("array", *map(key_of, value))
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(item)) for name, item in value.items()))
    return (isinstance(value, bool), value)
