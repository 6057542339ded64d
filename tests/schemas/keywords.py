"""The keywords and formats of JSON Schema, draft 2020-12, and where they stand in a schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

KEYWORDS = {
    **dict.fromkeys(["$schema", "$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary", "$comment"], 1),
    **dict.fromkeys(["title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples"], 1),
    **dict.fromkeys(["contentEncoding", "contentMediaType", "contentSchema", "then", "else", "propertyNames"], 1),
    **dict.fromkeys(["dependentRequired", "dependentSchemas", "patternProperties", "minContains", "maxContains"], 1),
    **dict.fromkeys(["unevaluatedItems", "unevaluatedProperties", "minProperties", "maxProperties", "contains"], 1),
    **dict.fromkeys(["if", "not", "multipleOf", "uniqueItems", "allOf"], 3),
    **dict.fromkeys(["$defs", "$ref", "anyOf", "oneOf", "prefixItems", "items", "properties", "required"], 20),
    **dict.fromkeys(["type", "enum", "const", "additionalProperties", "format", "pattern"], 20),
    **dict.fromkeys(["minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"], 12),
    **dict.fromkeys(["exclusiveMinimum", "exclusiveMaximum"], 8),
}
"""In how many cases at least each should be."""

FORMATS = (
    *("date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
    *("uri", "uri-reference", "iri", "iri-reference", "uuid", "uri-template", "json-pointer", "relative-json-pointer"),
    "regex",
)

_SCHEMA = ("not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames", "contentSchema")
_SCHEMA += ("unevaluatedItems", "unevaluatedProperties")
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")

BEYOND_THE_ORACLE = frozenset(
    [
        *("unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$id", "$anchor"),
        *(f"format {name}" for name in FORMATS if name not in ("date", "time", "date-time", "uuid", "email", "ipv4")),
    ]
)


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and those in it. What is no schema is left out."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        parts: list[Any] = []
        if keyword in _SCHEMA:
            parts = [value]
        elif keyword in _LIST and isinstance(value, list):
            parts = value
        elif keyword in _NAMED and isinstance(value, dict):
            parts = [*value.values()]
        for part in parts:
            yield from _schemas(part)


def keywords_in(schema: Any) -> set[str]:
    """The keywords, and `format NAME` for each format of strings."""
    names = {keyword for part in _schemas(schema) for keyword in part}
    return names | {f"format {name}" for name in formats_in(schema)}


def formats_in(schema: Any) -> set[str]:
    return {str(part["format"]) for part in _schemas(schema) if "format" in part}
