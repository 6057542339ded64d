"""A schema to a tree of regular operations, made of those of the schemas in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sglc.ir.values import MAX_CONSTRAINT
from sglc.passes.json_schema.apart import Comparison
from sglc.passes.json_schema.commas import joined_items, joined_members
from sglc.passes.json_schema.keywords import HINTS, checked, counts, only, properties_of, required_of, types
from sglc.passes.json_schema.numbers import integer, number
from sglc.passes.json_schema.places import Json, NoneIsValidError, Schema, beyond, escaped, none_is_valid, refuse
from sglc.passes.json_schema.references import References
from sglc.passes.json_schema.spelling import constant, spelled
from sglc.passes.json_schema.strings import string
from sglc.passes.json_schema.values import constants
from sglc.passes.json_schema.writing import Layout, either, times, written
from sglc.passes.regular.limits import MAX_POSITIONS
from sglc.passes.regular.tree import EMPTY, Part, Regular

MAX_NESTING = 50  # schemas in one another
MAX_OPTIONAL = 100  # first items that may be missing: each is nested in the one before


class Reader:
    """Walks one schema. Equal trees of values are one part, so that their automaton is built once."""

    def __init__(self, root: Schema, layout: Layout) -> None:
        self._layout = layout
        self._references = References(root)
        self._comparison = Comparison(self._references)
        self._open = ["#"]  # the references that are being read
        self._known: dict[str, Regular] = {}  # the trees of those that have been read
        self._parts: dict[Regular, Part] = {}
        self._nesting = 0
        self._written = 0  # characters of constants, names and patterns so far

    def value(self, schema: Json, at: str) -> Regular:
        if self._nesting == MAX_NESTING:
            beyond(at, f"more than {MAX_NESTING} schemas in one another", "use fewer arrays and objects")
        self._nesting += 1
        tree = self._value(checked(schema, at), at)
        self._nesting -= 1
        return tree if isinstance(tree, Part) else self._parts.setdefault(tree, Part(tree, f"at {at}"))

    def _value(self, schema: Schema, at: str) -> Regular:
        if "$ref" in schema:
            return self._reference(schema["$ref"], at)
        if "allOf" in schema:
            return self.value(only(schema["allOf"], f"{at}/allOf"), f"{at}/allOf/0")
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._alternatives(schema[keyword], f"{at}/{keyword}", exclusive=keyword == "oneOf")
        if (values := constants(schema, at)) is not None:
            self._count(sum(len(spelled(value, at)) for value in values), at)
            return either(*(constant(value, self._layout, at) for value in values))
        if isinstance(pattern := schema.get("pattern"), str) and len(pattern) <= MAX_CONSTRAINT["regex"]:
            self._count(len(pattern), at)
        return self._of_types(types(schema, at), schema, at)

    def _count(self, characters: int, at: str) -> None:
        """Raises `NotRegular` before trees are made of more characters than an automaton may have."""
        self._written += characters
        if self._written > MAX_POSITIONS:
            what = f"the names, constants and patterns so far have more than {MAX_POSITIONS:,} characters"
            beyond(at, what, "say less, or split the answer into several gens")

    def _of_types(self, names: list[str], schema: Schema, at: str) -> Regular:
        """Of the types of which a value is valid: at least one."""
        found: list[Regular] = []
        nothing: list[NoneIsValidError] = []
        for name in names:
            try:
                found.append(self._of_type(name, schema, at))
            except NoneIsValidError as error:
                nothing.append(error)
        if not found:
            raise nothing[0]
        return either(*found)

    def _all(self, schemas: Sequence[Json], places: Iterable[object], at: str) -> list[Regular]:
        """The trees of the schemas at some places below one."""
        return [
            self.value(schema, f"{at}/{escaped(str(place))}") for schema, place in zip(schemas, places, strict=True)
        ]

    def _reference(self, target: Json, at: str) -> Regular:
        if isinstance(target, str) and target in self._open:
            what = f"{target} contains itself, and no regex describes what nests without end"
            beyond(f"{at}/$ref", what, "write out as many levels as you need")
        schema, place = self._references.found(target, at)
        if place not in self._known:
            self._open.append(place)
            self._known[place] = self.value(schema, place)
            self._open.pop()
        return self._known[place]

    def _alternatives(self, schemas: Json, at: str, *, exclusive: bool) -> Regular:
        if not isinstance(schemas, list) or not schemas:
            refuse(at, "it is not a list of schemas", "list one or more")
        some = {number: schema for number, schema in enumerate(schemas) if schema is not False}
        if not some:
            none_is_valid(f"{at}/0", "no value is allowed", "write a schema with a type")
        trees = self._all(list(some.values()), some, at)
        for i, one in some.items() if exclusive else ():
            for j, other in some.items():
                if i != j and not self._comparison.apart(one, other, at):
                    what = f"a value of alternative {i} may be valid for alternative {j} too, and is wrong then"
                    hint = "use anyOf, or tell them apart by a required property with different constants"
                    beyond(at, what, hint)
        return either(*trees)

    def _of_type(self, kind: str, schema: Schema, at: str) -> Regular:
        match kind:
            case "object":
                return self._object(schema, at)
            case "array":
                return self._array(schema, at)
            case "string":
                return string(schema, at)
            case "integer":
                return integer(schema, at)
            case "number":
                return number(schema, at)
            case "boolean":
                return either("true", "false")
            case _:
                return written("null")

    def _object(self, schema: Schema, at: str) -> Regular:
        properties, required = properties_of(schema, at), required_of(schema, at)
        if not isinstance(schema.get("additionalProperties", True), bool):
            what = "properties without a name are not supported"
            beyond(f"{at}/additionalProperties", what, HINTS["patternProperties"])
        if "properties" not in schema and schema.get("additionalProperties", True):
            what = "it allows any object, which no regex describes"
            beyond(at, what, 'list its "properties", or write "additionalProperties": false for {}')
        for name in required:
            if name not in properties:
                what = f"{json.dumps(name)} is required, and properties does not say what it is"
                beyond(f"{at}/required", what, "add it to properties, or leave it out here")
        properties = {name: schema for name, schema in properties.items() if schema is not False or name in required}
        self._count(sum(map(len, properties)), at)
        layout = self._layout
        trees = self._all(list(properties.values()), properties, f"{at}/properties")
        members = [
            written(spelled(name, at), layout.colon, tree, layout.space)
            for name, tree in zip(properties, trees, strict=True)
        ]
        if not members:
            return layout.enclosed("{}", EMPTY, empty=False)
        needed = frozenset(required)
        joined = joined_members(members, [name in needed for name in properties], layout.comma)
        return layout.enclosed("{}", joined, empty=not required)

    def _array(self, schema: Schema, at: str) -> Regular:
        least, most = counts(schema, at, "Items")
        prefix, items = schema.get("prefixItems", []), schema.get("items", True)
        if not isinstance(prefix, list):
            refuse(f"{at}/prefixItems", "it is not a list of schemas", 'use "items" for one that all items share')
        if isinstance(items, list):
            beyond(f"{at}/items", "it is a list of schemas", 'write it as "prefixItems"')
        if items is True and not prefix and most != 0:
            beyond(at, "it allows any items, which no regex describes", 'say with "items" what they are')
        if isinstance(items, bool):  # false: there are no others; true: we write no others
            most = len(prefix) if most is None else min(most, len(prefix))
        if most is not None and least > most:
            what = f"it needs {least} items, and at most {most} are allowed or described"
            none_is_valid(at, what, 'change "minItems" or "maxItems", or describe the others with "items"')
        trees = self._all(prefix, range(len(prefix)), f"{at}/prefixItems")[:most]
        space, comma = self._layout.space, self._layout.comma
        firsts = [written(tree, space) for tree in trees]
        others: Regular = EMPTY
        if not isinstance(items, bool) and most != len(firsts):
            item = written(self.value(items, f"{at}/items"), space)
            firsts = firsts or [item]
            fewest, most_others = max(0, least - len(firsts)), None if most is None else most - len(firsts)
            others = times(
                written(comma, item), fewest, most_others, f"{at}/{'minItems' if most is None else 'maxItems'}"
            )
        if len(firsts) - least > MAX_OPTIONAL:
            what = f"more than {MAX_OPTIONAL} of its first items may be missing"
            refuse(f"{at}/prefixItems", what, 'say with "minItems" how many there are')
        return self._layout.enclosed("[]", joined_items(firsts, others, least, comma), empty=not least)
