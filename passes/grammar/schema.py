"""A JSON schema to a grammar of llguidance's own, and what it lets pass and must not.

The library reads the schema itself. It is asked to be strict; beyond that, keywords that it does not know are refused
here by name (it passes over them in silence), and so are patterns that it would read as another language's, and schemas
that no finite text is valid for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from sglc.passes.json_schema.keywords import ANNOTATIONS
from sglc.passes.json_schema.patterns import Pattern
from sglc.passes.json_schema.places import Json, beyond, escaped, refuse
from sglc.passes.json_schema.references import pointed

KNOWN = frozenset(
    [
        *("anyOf", "oneOf", "allOf", "$ref", "const", "enum", "type"),
        *("items", "additionalItems", "prefixItems", "minItems", "maxItems"),
        *("properties", "additionalProperties", "patternProperties", "required", "minProperties", "maxProperties"),
        *("minLength", "maxLength", "pattern", "format"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    ]
)
"""What the library checks."""

ONE = ("items", "additionalItems", "additionalProperties")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
MAPS = ("properties", "patternProperties", "$defs", "definitions")

MAX_PLACES = 100_000  # schemas in a schema


def lark_of_schema(text: str, whitespace: int | None) -> str:
    """The grammar of the answers, white space between 0 and `whitespace` characters wherever JSON allows some; None: one
    space after each `:` and `,` and no other.

    text: JSON of an object. Raises `ConstraintError` for keywords that the library does not know, and for a schema that
    no text is valid for.
    """
    root = cast("dict[str, Json]", json.loads(text))
    for at, schema in _schemas(root):
        for key in schema:
            if key not in KNOWN and key not in ANNOTATIONS and not key.startswith("x-"):
                beyond(f"{at}/{escaped(key)}", f"{json.dumps(key)} is not supported", "leave it out")
        if "x-guidance" in schema:
            refuse(f"{at}/x-guidance", "a schema cannot change how grammars are read", "leave it out")
        _check_patterns(schema, at)
    if not _Finite(root).finite(root):
        refuse("#", "no text is valid for it: it contains itself without end", "give it a way to end")
    return f"start: %json {json.dumps({**root, 'x-guidance': _options(whitespace)})}"


def _check_patterns(schema: dict[str, Json], at: str) -> None:
    """Refuses what is no pattern of JavaScript: the library would read it as one of Rust's."""
    if isinstance(pattern := schema.get("pattern"), str):
        Pattern(pattern, f"{at}/pattern").tree()
    if isinstance(named := schema.get("patternProperties"), dict):
        for pattern in named:
            Pattern(pattern, f"{at}/patternProperties").tree()


def _options(whitespace: int | None) -> dict[str, Json]:
    options: dict[str, Json] = {
        "item_separator": ", " if whitespace is None else ",",
        "key_separator": ": " if whitespace is None else ":",
        "whitespace_flexible": bool(whitespace),
        "coerce_one_of": False,
        "lenient": False,
    }
    if whitespace:
        options["whitespace_pattern"] = f"[\\x20\\x0A\\x0D\\x09]{{1,{whitespace}}}"
    return options


def _schemas(root: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """(place, schema) of each schema in a schema. Raises `ConstraintError` where there are too many."""
    waiting = [("#", root)]
    count = 0
    while waiting:
        at, schema = waiting.pop()
        if not isinstance(schema, dict):
            continue
        count += 1
        if count > MAX_PLACES:
            refuse(at, f"more than {MAX_PLACES:,} schemas are in it", "split the answer into several gens")
        yield at, schema
        for key in ONE:
            waiting.append((f"{at}/{key}", schema.get(key)))
        for key in ("items", *LISTS):
            if isinstance(found := schema.get(key), list):
                waiting += ((f"{at}/{key}/{place}", each) for place, each in enumerate(found))
        for key in MAPS:
            if isinstance(found := schema.get(key), dict):
                waiting += ((f"{at}/{key}/{escaped(name)}", each) for name, each in found.items())


class _Finite:
    """Which schemas a finite text can be valid for, as far as what contains itself decides it: the least fixed point,
    found by rounds over the references."""

    def __init__(self, root: dict[str, Json]) -> None:
        self._root = root
        self._known: set[str] = set()  # references that are finite
        self._asked: set[str] = set()

    def finite(self, schema: Json) -> bool:
        while True:
            before = len(self._known), len(self._asked)
            found = self._look(schema)
            for target in sorted(self._asked - self._known):
                if self._look(pointed(self._root, target)):
                    self._known.add(target)
            if found or before == (len(self._known), len(self._asked)):
                return found

    def _look(self, schema: Json) -> bool:
        """Whether it is finite where the references known so far are. What is malformed is the library's to refuse."""
        if not isinstance(schema, dict):
            return schema is not False
        if isinstance(target := schema.get("$ref"), str):
            self._asked.add(target)
            if target not in self._known:
                return False
        for key in ("anyOf", "oneOf"):
            if isinstance(branches := schema.get(key), list) and not any(self._look(each) for each in branches):
                return False
        if isinstance(parts := schema.get("allOf"), list) and not all(self._look(each) for each in parts):
            return False
        if "const" in schema or "enum" in schema:
            return True
        types = schema.get("type")
        kinds = types if isinstance(types, list) else [types]
        return any(self._of_kind(kind, schema) for kind in kinds)

    def _of_kind(self, kind: Json, schema: dict[str, Json]) -> bool:
        if kind == "object":
            properties, required = schema.get("properties"), schema.get("required")
            names = required if isinstance(required, list) else []
            known = properties if isinstance(properties, dict) else {}
            rest = schema.get("additionalProperties", True)
            return all(self._look(known.get(name, rest) if isinstance(name, str) else True) for name in names)
        least = schema.get("minItems")
        if kind == "array" and isinstance(least, int) and least > 0:
            prefix, items = schema.get("prefixItems"), schema.get("items", True)
            firsts = prefix if isinstance(prefix, list) else []
            return all(self._look(each) for each in [*firsts, items][:least])
        return True
