"""The keywords of one schema: which are known, and what they say."""

from __future__ import annotations

import json
from typing import NoReturn

from sglc.passes.json_schema.places import Json, Schema, beyond, escaped, refuse

ANNOTATIONS = {
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "discriminator"),
    *("$schema", "$id", "$comment", "$anchor", "$defs", "definitions"),
    *("contentEncoding", "contentMediaType", "contentSchema", "example", "externalDocs", "xml"),
}
"""Keywords that no value is checked against, of JSON Schema and of OpenAPI; so are those that begin with `x-`."""

KEYWORDS: dict[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "number": (),
    "boolean": (),
    "null": (),
}
"""The keywords of each type. Beside another type they mean nothing, as JSON Schema says."""

ALONE = ("$ref", "anyOf", "oneOf", "allOf")
CONSTANTS = ("enum", "const")
KNOWN = frozenset([*ALONE, *CONSTANTS, "type", *(keyword for keywords in KEYWORDS.values() for keyword in keywords)])

HINTS = {
    "uniqueItems": "leave it out, and drop what occurs twice from the answer",
    "nullable": 'write "type": [..., "null"]',
    "patternProperties": "list the properties by name, or use an array of objects with a key and a value",
    "additionalItems": "use prefixItems and items",
    "if": "use anyOf with the cases written out",
    "not": "use anyOf or enum with what is allowed",
    "multipleOf": "use enum, or check the answer afterwards",
    "unevaluatedProperties": "use additionalProperties",
    "$dynamicRef": "use $ref",
}


def says_nothing(key: str, value: Json) -> bool:
    """Whether no value is checked against a keyword."""
    return key in ANNOTATIONS or key.startswith("x-") or (key in ("uniqueItems", "nullable") and value is False)


def checked(schema: Json, at: str) -> Schema:
    """The schema without its annotations. Raises `ConstraintError` for keywords that are unknown or cannot be together."""
    if schema is True:
        beyond(at, "any value is allowed, which no regex describes", "write a schema with a type")
    if schema is False:
        refuse(at, "no value is allowed", "write a schema with a type")
    if not isinstance(schema, dict):
        refuse(at, "it is no schema", "a schema is an object")
    if "$id" in schema and at != "#":
        refuse_id(at)
    kept = {key: value for key, value in schema.items() if not says_nothing(key, value)}
    for key in kept:
        if key not in KNOWN:
            hint = HINTS.get(key, "leave it out, and check the answer afterwards")
            beyond(f"{at}/{escaped(key)}", f"{json.dumps(key)} is not supported", hint)
    required_of(kept, at)  # beside another type too: "required": true is what draft 3 wrote
    for key in (*ALONE, *CONSTANTS):
        beside = [other for other in kept if other != key and (key in ALONE or other not in ("type", *CONSTANTS))]
        if key in kept and beside:
            hint = "leave it out, or write it where the alternatives are"
            beyond(f"{at}/{beside[0]}", f"{json.dumps(beside[0])} beside {json.dumps(key)} is not supported", hint)
    return kept


def refuse_id(at: str) -> NoReturn:
    refuse(f"{at}/$id", "only the whole schema may have an $id", "leave it out")


def types(schema: Schema, at: str) -> list[str]:
    """The types that are named, each once; "number" stands for "integer" too."""
    types = schema.get("type")
    if types is None:
        beyond(at, "it names no type, and no regex describes values of every type", 'add "type"')
    names = types if isinstance(types, list) else [types]
    found = [name for name in names if isinstance(name, str) and name in KEYWORDS]
    if not found or len(found) < len(names):
        refuse(f"{at}/type", f"{json.dumps(types)} is no type", "use " + ", ".join(KEYWORDS))
    return [name for name in dict.fromkeys(found) if name != "integer" or "number" not in found]


def only(schemas: Json, at: str) -> Json:
    if not isinstance(schemas, list) or len(schemas) != 1:
        beyond(at, "allOf of other than one schema is not supported", "write one schema that says all of it")
    return schemas[0]


def properties_of(schema: Schema, at: str) -> Schema:
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        refuse(f"{at}/properties", "it is not an object", "give the schema of each property by its name")
    return properties


def required_of(schema: Schema, at: str) -> list[str]:
    required = schema.get("required", [])
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    if names != required:
        refuse(
            f"{at}/required", "it is not a list of names", "list those of the properties in the object that needs them"
        )
    return names


def counts(schema: Schema, at: str, of: str) -> tuple[int, int | None]:
    """What min and max of items, or of the length, say; None is without end."""
    return _count(schema, f"min{of}", at) or 0, _count(schema, f"max{of}", at)


def _count(schema: Schema, keyword: str, at: str) -> int | None:
    if keyword not in schema:
        return None
    count = schema[keyword]
    if isinstance(count, float) and count.is_integer():  # 2.0 is an integer
        count = int(count)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        refuse(f"{at}/{keyword}", f"{json.dumps(count)} is no count", "use 0, 1, 2 ...")
    return count
