r"""A JSON schema to one that means the same wherever it is read, for llguidance.

    {"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"d": {"format": "date"}, "n": {"$ref": "#/$defs/n"}}}}}
    =>  {"$ref": "#/$defs/0", "$defs": {"0": {"type": ["object"], "properties": {"d": ..., "n": {"$ref": "#/$defs/0"}}, ...}}}

The library reads patterns as Rust's, takes names of other properties in every escape of JSON, has formats of its own, and
writes properties that no schema names. So that an answer means here what it means in an automaton (`passes/json_schema`):

- Types are listed. What is said of a value in several places (`allOf`, beside a reference or alternatives) is one schema.
- An object has the properties that the schema names, those that match a pattern or are described by additionalProperties,
  and no others. Names that are not listed are patterns, of which what is listed is no part.
- Patterns, and the formats that we know, are regexes made of our own trees.
- Each reference leads to an entry of `$defs`; what nothing leads to is left out.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import TypeAlias, cast

from sglc.ir.values import MAX_CONSTRAINT, what_is_wrong_with_text
from sglc.passes.grammar.names import EVERY_NAME, but, matches, others, overlap, whole, written_out
from sglc.passes.json_schema.formats import ANY_TEXT, FORMATS
from sglc.passes.json_schema.keywords import KEYWORDS, counts, properties_of, required_of, says_nothing, types
from sglc.passes.json_schema.patterns import Pattern
from sglc.passes.json_schema.places import Json, NoneIsValidError, Schema, beyond, escaped, none_is_valid, refuse
from sglc.passes.json_schema.references import References
from sglc.passes.json_schema.spelling import spelled
from sglc.passes.json_schema.values import constants, key_of, kind_of
from sglc.passes.regular.tree import Both, Regular

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

NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
OBJECTS = ("properties", "additionalProperties", "patternProperties", "required", "minProperties", "maxProperties")
ARRAYS = ("items", "additionalItems", "prefixItems", "minItems", "maxItems")

MAX_INTEGER = 2**53  # up to which a double tells integers apart
MAX_PLACES = 20_000  # schemas in a schema
MAX_OPTIONAL = 4_000_000  # sum of the squares of the numbers of optional properties: the library takes a second for it

_Given: TypeAlias = "tuple[Json, str]"
"""A schema and its place."""


class Normal:
    """Of one schema. closed: whether objects have no properties but those that the schema names, and any alternative of a
    oneOf will do. Otherwise all is as JSON Schema says, names in any spelling: of that the library can be asked whether
    the alternatives exclude one another.

    defs: the entries of `$defs`. nothing: why no value is valid for some of them. exclusive: whether a oneOf was seen.
    """

    def __init__(self, root: Schema, *, closed: bool) -> None:
        self._closed = closed
        self._references = References(root)
        self._numbers: dict[str, str] = {}  # of what is said -> the name of its entry
        self._waiting: list[tuple[str, list[_Given]]] = []
        self._patterns: dict[str, Regular] = {}
        self._regexes: dict[str, list[str]] = {}  # of each pattern; all of them hold
        self._characters = 0  # in them
        self._open: list[tuple[str, ...]] = []  # the places that are being written in place
        self._places = 0
        self._optional = 0  # squares of their numbers so far
        self.defs: dict[str, Json] = {}
        self.nothing: list[NoneIsValidError] = []
        self.exclusive = False
        self.root = self._entry([(root, "#")])
        while self._waiting:
            name, given = self._waiting.pop()
            self.defs[name] = self._value(given)

    def _value(self, given: Sequence[_Given]) -> Json:
        """What all that is given says of a value; False where no value is valid."""
        try:
            match given:
                case [({"$ref": target, **beside}, at)] if not KNOWN & beside.keys():
                    self._check({"$ref": target, **beside}, at)
                    schema, place = self._references.found(target, at)
                    return self._entry([(schema, place)])
                case _:
                    return self._together(given)
        except NoneIsValidError as error:
            self.nothing.append(error)
            return False

    def _entry(self, given: Sequence[_Given]) -> Schema:
        """A reference to an entry for what is given."""
        unlike = {
            json.dumps([at, *sorted(schema)] if isinstance(schema, dict) else [at]): (schema, at)
            for schema, at in given
        }
        key = json.dumps(sorted(unlike))
        if key not in self._numbers:
            self._numbers[key] = str(len(self._numbers))
            self._waiting.append((self._numbers[key], list(unlike.values())))
        return {"$ref": f"#/$defs/{self._numbers[key]}"}

    def _of(self, given: Sequence[_Given]) -> Json:
        """As `_value`, for a schema inside of another: in place where it is one."""
        return self._value(given) if len(given) == 1 else self._entry(given) if given else {}

    def _together(self, given: Sequence[_Given]) -> Json:
        parts: list[tuple[Schema, str]] = []
        choices: list[tuple[str, list[Json], str]] = []
        for schema, at in given:
            self._flatten(schema, at, parts, choices, ())
        if not choices:
            return self._simple(parts)
        (keyword, branches, at), *more = choices
        rest: list[_Given] = [*parts, *(({other: schemas}, place) for other, schemas, place in more)]
        branch_of = self._in_place if keyword == "oneOf" and not self._closed else self._of
        made = [branch_of([(branch, f"{at}/{number}"), *rest]) for number, branch in enumerate(branches)]
        self.exclusive |= keyword == "oneOf"
        left = [each for each in made if each is not False]
        return {"anyOf" if self._closed else keyword: cast("Json", left)} if left else False

    def _in_place(self, given: Sequence[_Given]) -> Json:
        """As `_of`, without a reference at the top: the library does not follow it when it compares alternatives."""
        places = tuple(at for _, at in given)
        if places in self._open:
            return self._of(given)
        self._open.append(places)
        try:
            return self._together(given)
        except NoneIsValidError as error:
            self.nothing.append(error)
            return False
        finally:
            self._open.pop()

    def _flatten(
        self,
        schema: Json,
        at: str,
        parts: list[tuple[Schema, str]],
        choices: list[tuple[str, list[Json], str]],
        within: tuple[str, ...],
    ) -> None:
        """Adds what a schema says by itself to the parts, and its alternatives to the choices."""
        if schema is True:
            return
        if schema is False:
            none_is_valid(at, "no value is allowed", "write a schema with a type")
        if not isinstance(schema, dict):
            refuse(at, "it is no schema", "a schema is an object")
        self._check(schema, at)
        if "$ref" in schema:
            target, place = self._references.found(schema["$ref"], at)
            if place in within:
                none_is_valid(at, "no text is valid for it: it contains itself without end", "give it a way to end")
            self._flatten(target, place, parts, choices, (*within, place))
        for keyword in ("allOf", "anyOf", "oneOf"):
            if keyword not in schema:
                continue
            branches = schema[keyword]
            if not isinstance(branches, list) or not branches:
                refuse(f"{at}/{keyword}", "it is not a list of schemas", "list one or more")
            if keyword == "allOf":
                for number, each in enumerate(branches):
                    self._flatten(each, f"{at}/allOf/{number}", parts, choices, within)
            else:
                choices.append((keyword, branches, f"{at}/{keyword}"))
        alone = {key: value for key, value in schema.items() if key in KNOWN - {"$ref", "allOf", "anyOf", "oneOf"}}
        if alone:
            parts.append((alone, at))

    def _check(self, schema: Schema, at: str) -> None:
        self._places += 1
        if self._places > MAX_PLACES:
            refuse(at, f"more than {MAX_PLACES:,} schemas are in it", "split the answer into several gens")
        if "x-guidance" in schema:
            refuse(f"{at}/x-guidance", "a schema cannot change how grammars are read", "leave it out")
        required_of(schema, at)  # whatever the type
        for key, value in schema.items():
            if key not in KNOWN and not says_nothing(key, value):
                beyond(f"{at}/{escaped(key)}", f"{json.dumps(key)} is not supported", "leave it out")

    def _simple(self, parts: Sequence[tuple[Schema, str]]) -> Json:
        """Of schemas without references and alternatives."""
        if not parts:
            return {}
        at = parts[0][1]
        kinds = _kinds(parts)
        if (values := _constants(parts, kinds)) is not None:
            return self._of_constants(values, parts, kinds)
        if not kinds:
            none_is_valid(f"{at}/type", "no value has all of these types", "let them have one in common")
        made: Schema = {"type": list(kinds)}
        also: list[Json] = []
        nothing: list[NoneIsValidError] = []
        for kind, adds in (("object", self._object), ("array", self._array), ("string", self._string)):
            if kind in kinds:
                try:
                    adds(parts, made, also)
                except NoneIsValidError as error:
                    kinds.remove(kind)
                    nothing.append(error)
        if not kinds:
            raise nothing[0]
        made["type"] = (
            kinds[0] if len(kinds) == 1 else list(kinds)
        )  # the library tells alternatives apart by one type only
        if "number" in kinds or "integer" in kinds:
            _number(parts, made, also)
        return {**made, "allOf": also} if also else made

    def _of_constants(self, values: list[Json], parts: Sequence[tuple[Schema, str]], kinds: list[str]) -> Json:
        made: Schema = {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
        also: list[Json] = []
        if any(isinstance(value, dict | list) for value in values):
            for schema, at in parts:
                for keyword in (*OBJECTS, *ARRAYS):
                    if keyword in schema:
                        what = f"{json.dumps(keyword)} beside a constant is not supported"
                        beyond(f"{at}/{keyword}", what, "leave one of them out")
        if "string" in kinds:
            self._string(parts, made, also)
        if "number" in kinds or "integer" in kinds:
            _number(parts, made, also)
        return {**made, "allOf": also} if also else made

    def _pattern(self, pattern: Json, at: str) -> Regular:
        if not isinstance(pattern, str):
            refuse(at, "it is not a string", "give a regex")
        if pattern not in self._patterns:
            self._characters += len(pattern)
            if self._characters > 2 * MAX_CONSTRAINT["regex"]:
                what = f"the patterns so far have more than {2 * MAX_CONSTRAINT['regex']:,} characters"
                refuse(at, what, "say less, or split the answer into several gens")
            self._patterns[pattern] = Pattern(pattern, at).tree()
        return self._patterns[pattern]

    def _string(self, parts: Sequence[tuple[Schema, str]], made: Schema, also: list[Json]) -> None:
        said: list[Schema] = []
        least, most = 0, None
        for schema, at in parts:
            low, high = counts(schema, at, "Length")
            least, most = max(least, low), high if most is None or (high is not None and high < most) else most
            if "pattern" in schema:
                tree = self._pattern(schema["pattern"], f"{at}/pattern")
                pattern = str(schema["pattern"])
                if pattern not in self._regexes:
                    parts_of = tree.parts if isinstance(tree, Both) else (tree,)
                    self._regexes[pattern] = [whole(part, f"{at}/pattern", pattern) for part in parts_of]
                said.extend({"pattern": regex} for regex in self._regexes[pattern])
            if "format" in schema and schema["format"] not in ANY_TEXT:
                name = schema["format"]
                known = FORMATS.get(name) if isinstance(name, str) else None
                said.append({"format": name} if known is None else {"pattern": whole(known, f"{at}/format")})
        if most is not None and least > most:
            what = f"no string has at least {least} characters and at most {most}"
            none_is_valid(parts[0][1], what, "change minLength or maxLength")
        made |= {"minLength": least} if least else {}
        made |= {"maxLength": most} if most is not None else {}
        for each in said:
            if made.keys() & each.keys():
                also.append(each)
            else:
                made |= each

    def _array(self, parts: Sequence[tuple[Schema, str]], made: Schema, also: list[Json]) -> None:
        if not any(keyword in schema for schema, _ in parts for keyword in ARRAYS):
            return
        least, most = 0, None
        firsts: list[list[_Given]] = []
        after: list[_Given] = []
        described = False  # what comes after the first items
        for schema, at in parts:
            low, high = counts(schema, at, "Items")
            least, most = max(least, low), high if most is None or (high is not None and high < most) else most
            prefix, rest, key = schema.get("prefixItems", []), schema.get("items", True), "items"
            if isinstance(rest, list):  # as it was written before 2020
                prefix, rest, key = rest, schema.get("additionalItems", True), "additionalItems"
            if not isinstance(prefix, list):
                refuse(f"{at}/prefixItems", "it is not a list of schemas", 'use "items" for one that all items share')
            place = f"{at}/{'items' if key == 'additionalItems' else 'prefixItems'}"
            for number in range(max(len(prefix), len(firsts))):
                if number == len(firsts):
                    firsts.append(list(after))
                if number < len(prefix):
                    firsts[number].append((prefix[number], f"{place}/{number}"))
                elif rest is not True:
                    firsts[number].append((rest, f"{at}/{key}"))
            if rest is not True:
                after.append((rest, f"{at}/{key}"))
                described = True
        if self._closed and firsts and not described and least <= len(firsts):
            after = [(False, parts[0][1])]  # no items that the schema does not describe
        if most is not None and least > most:
            what = f"it needs {least} items, and at most {most} are allowed"
            none_is_valid(parts[0][1], what, 'change "minItems" or "maxItems"')
        items = False if (False, parts[0][1]) in after else self._of(after)
        heads = [self._of(each) for each in firsts]
        made |= {"prefixItems": cast("Json", heads)} if heads else {}
        made |= {"items": items} if items != {} else {}
        made |= {"minItems": least} if least else {}
        made |= {"maxItems": most} if most is not None else {}

    def _object(self, parts: Sequence[tuple[Schema, str]], made: Schema, also: list[Json]) -> None:
        if not any(keyword in schema for schema, _ in parts for keyword in OBJECTS):
            return
        at = parts[0][1]
        required = list(dict.fromkeys(name for schema, place in parts for name in required_of(schema, place)))
        names = dict.fromkeys(name for schema, place in parts for name in properties_of(schema, place))
        names |= dict.fromkeys(required)
        needed = frozenset(required)
        properties: Schema = {}
        for name in names:
            value = self._property(name, parts, name in needed, at)
            if value is not False or not self._closed:
                properties[name] = value
        self._optional += (len(properties) - len(needed & properties.keys())) ** 2
        if self._optional > MAX_OPTIONAL:
            beyond(at, "so many properties may be missing that the library would take too long", "require most of them")
        rest = self._others(parts, names, at) if self._closed else self._as_written(parts, at)
        least, most = 0, None
        for schema, place in parts:
            low, high = counts(schema, place, "Properties")
            least, most = max(least, low), high if most is None or (high is not None and high < most) else most
        open_ = bool(rest.get("patternProperties"))
        if not open_ and self._closed and least > len(properties):
            what = f"it needs {least} properties, and at most {len(properties)} are described"
            none_is_valid(at, what, 'change "minProperties", or describe the others')
        if open_ and least > len(required) + 1:
            what = f"{least} properties of any names are not supported: one that comes twice would count as two"
            beyond(
                f"{at}/minProperties", what, "require some by name, or use an array of objects with a key and a value"
            )
        if any(what_is_wrong_with_text(name) for name in names):
            refuse(f"{at}/properties", "a name holds half a character (a lone surrogate)", "write the whole character")
        made |= {"properties": properties} if properties else {}
        made |= {"required": cast("Json", required)} if required else {}
        made |= rest
        made |= {"minProperties": least} if least > len(required) else {}
        made |= {"maxProperties": most} if most is not None and (open_ or most < len(properties)) else {}

    def _property(self, name: str, parts: Sequence[tuple[Schema, str]], needed: bool, at: str) -> Json:
        """What is said of the property of a name; False where it may not be there."""
        said, forbidden = self._said_of(name, parts)
        if forbidden:
            for given in said:
                self._value([given])  # what makes no sense is an error wherever it stands
            what = f"{json.dumps(name)} is required, and additionalProperties forbids it"
            hint = "add it to properties, or leave it out here"
        else:
            if (value := self._of(said)) is not False:
                return value
            what, hint = f"{json.dumps(name)} is required, and no value is valid for it", "change its schema"
        if needed:
            none_is_valid(f"{at}/required", what, hint)
        return False

    def _said_of(self, name: str, parts: Sequence[tuple[Schema, str]]) -> tuple[list[_Given], bool]:
        """What the parts say of the property of a name, and whether one of them forbids it."""
        said: list[_Given] = []
        forbidden = False
        for schema, at in parts:
            known = properties_of(schema, at)
            here: list[_Given] = [(known[name], f"{at}/properties/{escaped(name)}")] if name in known else []
            here += [
                (each, f"{at}/patternProperties/{escaped(pattern)}")
                for pattern, each, tree in self._named(schema, at)
                if matches(tree, name, f"{at}/patternProperties")
            ]
            rest = schema.get("additionalProperties", True)
            forbidden |= rest is False and not here
            said += here or [(rest, f"{at}/additionalProperties")] * (not isinstance(rest, bool))
        return said, forbidden

    def _named(self, schema: Schema, at: str) -> list[tuple[str, Json, Regular]]:
        """(pattern, schema, tree) of each of the patternProperties."""
        found = schema.get("patternProperties", {})
        if not isinstance(found, dict):
            refuse(f"{at}/patternProperties", "it is not an object", "give the schema for each pattern")
        return [(name, each, self._pattern(name, f"{at}/patternProperties")) for name, each in found.items()]

    def _others(self, parts: Sequence[tuple[Schema, str]], taken: Iterable[str], at: str) -> Schema:
        """The keywords for properties without a name: patterns that have none of those with one, and of one another."""
        telling = [
            (schema, place)
            for schema, place in parts
            if schema.get("patternProperties") or schema.get("additionalProperties", True) is not True
        ]
        closed = [each for each, _ in telling if each.get("additionalProperties") is False]
        if any(not each.get("patternProperties") for each in closed):
            return {"additionalProperties": False}
        if len(telling) > 1:
            what = "properties without a name are described in several of the schemas that hold together"
            beyond(telling[1][1], what, "describe them in one")
        made: Schema = {}
        if not telling:
            if any("properties" in schema for schema, _ in parts):  # none but those, as in an automaton
                return {"additionalProperties": False}
            made = self._pattern_of(others(taken, ()), [], at)
        for schema, place in telling:
            named = self._named(schema, place)
            for (one, _, tree), (other, _, tree2) in itertools.combinations(named, 2):
                if overlap(tree, tree2, place):
                    what = f"names can match both {json.dumps(one)} and {json.dumps(other)}, which is not supported"
                    beyond(f"{place}/patternProperties", what, "write patterns that exclude one another")
            for pattern, each, tree in named:
                where = f"{place}/patternProperties/{escaped(pattern)}"
                given: list[_Given] = [(each, where)]
                if any(matches(tree, name, where) for name in taken):
                    made |= self._pattern_of(but(tree, taken), given, where)
                elif (value := self._of(given)) is not False:
                    made[whole(tree, where, pattern)] = value
            rest = schema.get("additionalProperties", True)
            if not isinstance(rest, bool):
                tree = others(taken, [each for _, _, each in named])
                made |= self._pattern_of(tree, [(rest, f"{place}/additionalProperties")], place)
        return {**({"patternProperties": made} if made else {}), "additionalProperties": False}

    def _pattern_of(self, tree: Regular, given: list[_Given], at: str) -> Schema:
        """The names of a tree, as a pattern with a schema; nothing where there are none, or no value."""
        regex = whole(tree, at) if tree == EVERY_NAME else written_out(tree, at)
        value = self._of(given)
        return {} if regex is None or value is False else {regex: value}

    def _as_written(self, parts: Sequence[tuple[Schema, str]], at: str) -> Schema:
        """As `_others`, where objects are open."""
        made: Schema = {}
        for schema, place in parts:
            named = {
                whole(tree, place, pattern): self._of([(each, f"{place}/patternProperties/{escaped(pattern)}")])
                for pattern, each, tree in self._named(schema, place)
            }
            rest = schema.get("additionalProperties", True)
            said: Schema = {"patternProperties": named} if named else {}
            if rest is not True:
                said["additionalProperties"] = rest and self._of([(rest, f"{place}/additionalProperties")])
            if said and made:
                what = "properties without a name are described in several of the schemas that hold together"
                beyond(place, what, "describe them in one")
            made |= said
        return made


def _kinds(parts: Sequence[tuple[Schema, str]]) -> list[str]:
    """The types that all of the parts allow."""
    kinds = [kind for kind in KEYWORDS if kind != "integer"]
    for schema, at in parts:
        if "type" in schema:
            named = types(schema, at)
            kinds = [
                *(kind for kind in kinds if kind in named or (kind == "integer" and "number" in named)),
                *(["integer"] if "number" in kinds and "integer" in named else []),
            ]
    return kinds


def _constants(parts: Sequence[tuple[Schema, str]], kinds: Sequence[str]) -> list[Json] | None:
    """The values that enum, const and type leave; None where there is neither enum nor const."""
    found: list[Json] | None = None
    for schema, at in parts:
        values = constants(schema, at)
        if values is None:
            continue
        for value in values:
            spelled(value, at)
            _check_double(value, at)
        known = None if found is None else {key_of(value) for value in found}
        found = [value for value in values if known is None or key_of(value) in known]
    if found is None:
        return None
    kinds = [*kinds, *(["integer"] if "number" in kinds else [])]
    found = [value for value in found if kind_of(value) in kinds]
    if not found:
        none_is_valid(parts[0][1], "no value is allowed", "let enum, const and type have a value in common")
    return found


def _number(parts: Sequence[tuple[Schema, str]], made: Schema, also: list[Json]) -> None:
    for schema, at in parts:
        said = {keyword: schema[keyword] for keyword in NUMBERS if keyword in schema}
        for keyword, number in said.items():
            _check_double(number, f"{at}/{keyword}")
        if made.keys() & said.keys():
            also.append(said)
        else:
            made |= said


def _check_double(value: Json, at: str) -> None:
    """Refuses integers that the library would round."""
    match value:
        case int() if abs(value) > MAX_INTEGER:
            beyond(at, f"an integer beyond {MAX_INTEGER:,} is not supported", "use one that a double tells from others")
        case list():
            for item in value:
                _check_double(item, at)
        case dict():
            for item in value.values():
                _check_double(item, at)
        case _:
            return
