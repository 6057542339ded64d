r"""A JSON schema to a regex of the answers: JSON texts, each valid for the schema.

    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}
    =>  \{"a": (?:0|-?[1-9][0-9]*)(?:, "b": (?:true|false))?\}

Exact: every text is valid, and every valid value of which the schema names all parts has a text. What is not regular, or
not known here, is refused at its place in the schema. How a value is written:

- One space after `:` and `,` and no other white space, as `json.dumps` writes. So the structure is forced text, which is
  not decoded token by token; a model that is free to write white space can also write it without end.
- Properties in the order of the schema, and none that the schema does not name, even where it would allow them. The same
  holds for the items of `prefixItems` without `items`.
- Names, constants and strings that are counted or have a pattern spell each character in one way: itself, or the escape
  of `json.dumps(..., ensure_ascii=False)`. (Counted, each spelling costs states: with every escape the longest
  `maxLength` is 740.) Other strings may use every escape of JSON; half a surrogate pair is none.
- An integer is written in digits, and an exponent has three digits at most: every double has such a text.
- Dates begin with the year 1, and no minute has 61 seconds: Python's `datetime` knows no others. A domain of an email is
  of letters, digits, hyphens and dots, and its local part is not quoted.
- `oneOf` stands where a value written for one alternative is provably invalid for the others (other types, other
  constants, a property that tells them apart). Elsewhere it is refused: as `anyOf` it would let wrong answers pass.

`pattern` is a search, as JSON Schema says, in the regular part of JavaScript's syntax, with characters as units.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias
from urllib.parse import unquote

from sglc.ir.errors import ConstraintError
from sglc.ir.values import what_is_wrong_with_text
from sglc.passes.regex import tree as rx
from sglc.passes.regex.charset import EVERY, CharSet, char_set, complement, intersection, union
from sglc.passes.regex.syntax import MAX_DEPTH, MAX_LENGTH, MAX_OPERATORS, refusal

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Schema: TypeAlias = dict[str, Json]

MAX_NESTING = 50  # schemas in one another
MAX_CHARACTERS = 1_500  # of a counted string: a bit less than what one alone may have in the compiler's bounds
MAX_BOUND = 10**100  # of integers
MAX_COMPARISONS = 20_000  # of alternatives of oneOf, and of what is in them: half a second

ANNOTATIONS = {
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "discriminator"),
    *("$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "contentEncoding", "contentMediaType"),
}
"""Keywords that no value is checked against; so are those that begin with `x-`."""

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

_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DATE = f"(?:{_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)"
_HOUR = "(?:[01][0-9]|2[0-3])"
_TIME = rf"{_HOUR}(?::[0-5][0-9]){{2}}(?:\.[0-9]+)?(?:Z|[+-]{_HOUR}:[0-5][0-9])"
_WORD = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HEX = "[0-9a-fA-F]"

FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "uuid": f"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}",
    "email": rf"{_WORD}(?:\.{_WORD})*@{_LABEL}(?:\.{_LABEL})+",
    "ipv4": rf"{_BYTE}(?:\.{_BYTE}){{3}}",
}

INTEGER = "(?:0|-?[1-9][0-9]*)"
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"
ANY_SPELLING = (
    r'(?:[^\x00-\x1f"\\]|\\(?:["\\/bfnrt]|u(?i:[0-9a-ce-f][0-9a-f]{3}|d[0-7][0-9a-f]{2}'
    r"|d[89ab][0-9a-f]{2}\\(?-i:u)d[c-f][0-9a-f]{2})))"
)
"""One character in a string, with every escape."""


def regex_of_schema(schema: str) -> str:
    """The regex, in Python's syntax, of the JSON texts that may answer a schema; an answer matches as a whole.

    schema: JSON text of an object. Raises `ConstraintError`, with a JSON pointer to the place, for what is no schema, what
    no value is valid for, what is not regular or not known here, and what needs a regex longer than the compiler takes.
    """
    try:
        root: Json = json.loads(schema, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ConstraintError(f"json_schema is no JSON: {error}", hint="give a JSON schema as JSON text") from error
    if not isinstance(root, dict):
        raise ConstraintError("json_schema is not an object", hint='give one, such as {"type": "integer"}')
    try:
        text = _Reader(root).value(root, "#")
    except RecursionError as error:  # from whatever depth we are called at
        raise ConstraintError("json_schema is nested too deeply", hint="use fewer values in one another") from error
    if _groups_in_one_another(text) > MAX_DEPTH:
        _refuse("#", "its values are nested too deeply", "use fewer arrays and objects in one another")
    if sum(map(text.count, "\\.*+?{[|(")) > MAX_OPERATORS:  # as the compiler of regexes counts
        _refuse("#", "it needs too complex a regex", "say less, or split the answer into several gens")
    return text


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _refuse(at: str, what: str, hint: str) -> NoReturn:
    """at: a JSON pointer as a fragment, such as `#/properties/a`."""
    raise ConstraintError(f"json_schema at {at}: {what}", hint=hint)


class _Reader:
    """Walks one schema. Its methods give regexes that can be put side by side: what has alternatives is a group."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._references = ["#"]  # those that are being read
        self._known: dict[str, str] = {}  # the regexes of those that have been read
        self._nesting = 0
        self._comparisons = 0

    def value(self, schema: Json, at: str) -> str:
        if self._nesting == MAX_NESTING:
            _refuse(at, f"more than {MAX_NESTING} schemas in one another", "use fewer arrays and objects")
        self._nesting += 1
        text = self._value(_checked(schema, at), at)
        self._nesting -= 1
        _check_length(len(text), at)
        return text

    def _value(self, schema: Schema, at: str) -> str:
        if "$ref" in schema:
            return self._reference(schema["$ref"], at)
        if "allOf" in schema:
            return self.value(_only(schema["allOf"], f"{at}/allOf"), f"{at}/allOf/0")
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._alternatives(schema[keyword], f"{at}/{keyword}", exclusive=keyword == "oneOf")
        if (values := _constants(schema, at)) is not None:
            return _either(_literal(_spelled(value, at)) for value in values)
        return _either(self._of_type(kind, schema, at) for kind in _types(schema, at))

    def _all(self, schemas: Sequence[Json], places: Iterable[object], at: str) -> list[str]:
        """The regexes of the schemas at some places below one."""
        texts: list[str] = []
        length = 0
        for schema, place in zip(schemas, places, strict=True):
            texts.append(self.value(schema, f"{at}/{_escaped(str(place))}"))
            length += len(texts[-1])
            _check_length(length, at)
        return texts

    def _reference(self, target: Json, at: str) -> str:
        if isinstance(target, str) and target in self._references:
            what = f"{target} contains itself, and no regex describes what nests without end"
            _refuse(f"{at}/$ref", what, "write out as many levels as you need")
        schema, place = self._found(target, at)
        if place not in self._known:
            self._references.append(place)
            self._known[place] = self.value(schema, place)
            self._references.pop()
        return self._known[place]

    def _found(self, target: Json, at: str) -> tuple[Json, str]:
        """What a reference points to, and the pointer."""
        if not isinstance(target, str) or not re.fullmatch("#(/.*)?", target, re.DOTALL):
            what = "$ref does not point into this schema"
            _refuse(f"{at}/$ref", what, 'copy what it means to "$defs" and write "#/$defs/NAME"')
        found: Json = self._root
        for step in unquote(target).split("/")[1:]:
            found = _part(found, step.replace("~1", "/").replace("~0", "~"))
        if found is None:
            _refuse(f"{at}/$ref", f"nothing is at {target}", 'add it, or write "#/$defs/NAME" of what is there')
        return found, target

    def _alternatives(self, schemas: Json, at: str, *, exclusive: bool) -> str:
        if not isinstance(schemas, list) or not schemas:
            _refuse(at, "it is not a list of schemas", "list one or more")
        texts = self._all(schemas, range(len(schemas)), at)
        for i, one in enumerate(schemas if exclusive else ()):
            for j, other in enumerate(schemas):
                if i != j and not self._apart(one, other, at):
                    what = f"a value of alternative {i} may be valid for alternative {j} too, and is wrong then"
                    hint = "use anyOf, or tell them apart by a required property with different constants"
                    _refuse(at, what, hint)
        return _either(texts)

    def _of_type(self, kind: str, schema: Schema, at: str) -> str:
        match kind:
            case "object":
                return self._object(schema, at)
            case "array":
                return self._array(schema, at)
            case "string":
                return _string(schema, at)
            case "integer":
                return _integer(schema, at)
            case "number":
                _refuse_bounds(schema, at)
                return NUMBER
            case "boolean":
                return "(?:true|false)"
            case _:
                return "null"

    def _object(self, schema: Schema, at: str) -> str:
        properties, required = _properties(schema, at), _required(schema, at)
        if not isinstance(schema.get("additionalProperties", True), bool):
            what = "properties without a name are not supported"
            _refuse(f"{at}/additionalProperties", what, HINTS["patternProperties"])
        if "properties" not in schema and schema.get("additionalProperties", True):
            what = "it allows any object, which no regex describes"
            _refuse(at, what, 'list its "properties", or write "additionalProperties": false for {}')
        for name in required:
            if name not in properties:
                what = f"{json.dumps(name)} is required, and properties does not say what it is"
                _refuse(f"{at}/required", what, "add it to properties, or leave it out here")
        names = [_literal(_spelled(name, at)) for name in properties]
        texts = self._all(list(properties.values()), properties, f"{at}/properties")
        members = [f"{name}: {text}" for name, text in zip(names, texts, strict=True)]
        return r"\{" + _members(members, [name in required for name in properties]) + r"\}"

    def _array(self, schema: Schema, at: str) -> str:
        least, most = _counts(schema, at, "Items")
        prefix, items = schema.get("prefixItems", []), schema.get("items", True)
        if not isinstance(prefix, list):
            _refuse(f"{at}/prefixItems", "it is not a list of schemas", 'use "items" for one that all items share')
        if isinstance(items, list):
            _refuse(f"{at}/items", "it is a list of schemas", 'write it as "prefixItems"')
        if items is True and not prefix and most != 0:
            _refuse(at, "it allows any items, which no regex describes", 'say with "items" what they are')
        if isinstance(items, bool):  # false: there are no others; true: we write no others
            most = len(prefix) if most is None else min(most, len(prefix))
        if most is not None and least > most:
            what = f"it needs {least} items, and at most {most} are allowed or described"
            _refuse(at, what, 'change "minItems" or "maxItems", or describe the others with "items"')
        firsts = self._all(prefix, range(len(prefix)), f"{at}/prefixItems")[:most]
        others = ""
        if not isinstance(items, bool) and most != len(firsts):
            item = self.value(items, f"{at}/items")
            firsts = firsts or [item]
            others = _times(f"(?:, {item})", max(0, least - len(firsts)), None if most is None else most - len(firsts))
        return r"\[" + _items(firsts, others, least) + r"\]"

    def _apart(self, a: Json, b: Json, at: str) -> bool:
        """Whether it is certain that no value written for schema a is valid for schema b. Both have been read.

        at: the oneOf that asks.
        """
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            _refuse(at, "too many alternatives to tell them apart", "use anyOf or enum")
        a, b = self._resolved(a), self._resolved(b)
        for keyword in ("anyOf", "oneOf"):
            if isinstance(branches := a.get(keyword), list):
                return all(self._apart(branch, b, at) for branch in branches)
            if isinstance(branches := b.get(keyword), list):
                return all(self._apart(a, branch, at) for branch in branches)
        shared = _kinds(a) & _kinds(b)
        if not shared:
            return True
        of_a, of_b = _constants(a, "#"), _constants(b, "#")
        if of_a is not None and of_b is not None:
            return not {_key(value) for value in of_a} & {_key(value) for value in of_b}
        return of_a is None and of_b is None and shared == {"object"} and self._objects_apart(a, b, at)

    def _objects_apart(self, a: Schema, b: Schema, at: str) -> bool:
        in_a, in_b = _properties(a, "#"), _properties(b, "#")
        always_a, always_b = _required(a, "#"), _required(b, "#")
        return (
            any(name not in in_a for name in always_b)
            or (b.get("additionalProperties") is False and any(name not in in_b for name in always_a))
            or any(
                self._apart(in_a[name], in_b[name], at)
                for name in dict.fromkeys([*always_a, *always_b])
                if name in in_a and name in in_b
            )
        )

    def _resolved(self, schema: Json) -> Schema:
        """What a reference, or the one schema of an allOf, stands for."""
        while True:
            checked = _checked(schema, "#")
            if "$ref" in checked:
                schema, _ = self._found(checked["$ref"], "#")
            elif "allOf" in checked:
                schema = _only(checked["allOf"], "#")
            else:
                return checked


# --- keywords


def _checked(schema: Json, at: str) -> Schema:
    """The schema without its annotations. Raises `ConstraintError` for keywords that are unknown or cannot be together."""
    if isinstance(schema, bool):
        what = "any value is allowed, which no regex describes" if schema else "no value is allowed"
        _refuse(at, what, "write a schema with a type")
    if not isinstance(schema, dict):
        _refuse(at, "it is no schema", "a schema is an object")
    if "$id" in schema and at != "#":
        _refuse(f"{at}/$id", "only the whole schema may have an $id", "leave it out")
    kept = {key: value for key, value in schema.items() if key not in ANNOTATIONS and not key.startswith("x-")}
    if kept.get("uniqueItems") is False:
        del kept["uniqueItems"]
    for key in kept:
        if key not in KNOWN:
            hint = HINTS.get(key, "leave it out, and check the answer afterwards")
            _refuse(f"{at}/{_escaped(key)}", f"{json.dumps(key)} is not supported", hint)
    for key in (*ALONE, *CONSTANTS):
        beside = [other for other in kept if other != key and (key in ALONE or other not in ("type", *CONSTANTS))]
        if key in kept and beside:
            hint = "leave it out, or write it where the alternatives are"
            _refuse(f"{at}/{beside[0]}", f"{json.dumps(beside[0])} beside {json.dumps(key)} is not supported", hint)
    return kept


def _types(schema: Schema, at: str) -> list[str]:
    """The types that are named, each once; "number" stands for "integer" too."""
    types = schema.get("type")
    if types is None:
        _refuse(at, "it names no type, and no regex describes values of every type", 'add "type"')
    names = types if isinstance(types, list) else [types]
    found = [name for name in names if isinstance(name, str) and name in KEYWORDS]
    if not found or len(found) < len(names):
        _refuse(f"{at}/type", f"{json.dumps(types)} is no type", "use " + ", ".join(KEYWORDS))
    return [name for name in dict.fromkeys(found) if name != "integer" or "number" not in found]


def _kinds(schema: Schema) -> set[str]:
    """The types of the values that are valid; those of "number" may be an "integer" too."""
    if (values := _constants(schema, "#")) is not None:
        return {_kind(value) for value in values}
    types = _types(schema, "#")
    return {*types, "integer"} if "number" in types else set(types)


def _kind(value: Json) -> str:
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


def _constants(schema: Schema, at: str) -> list[Json] | None:
    """The values that enum, const and type leave, each once; None where there is neither enum nor const."""
    if not any(keyword in schema for keyword in CONSTANTS):
        return None
    listed = schema.get("enum", [schema.get("const")])
    if not isinstance(listed, list):
        _refuse(f"{at}/enum", "it is not a list of values", "list one or more")
    values: dict[Hashable, Json] = {}
    for value in listed:
        values.setdefault(_key(value), value)
    if "const" in schema:
        values = {key: value for key, value in values.items() if key == _key(schema["const"])}
    if "type" in schema:
        types = {*_types(schema, at)}
        kinds = types | {"integer"} if "number" in types else types
        values = {key: value for key, value in values.items() if _kind(value) in kinds}
    if not values:
        _refuse(at, "no value is allowed", "let enum, const and type have a value in common")
    return list(values.values())


def _key(value: Json) -> Hashable:
    """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, list):
        return ("array", *map(_key, value))
    if isinstance(value, dict):
        return ("object", frozenset((name, _key(item)) for name, item in value.items()))
    return (isinstance(value, bool), value)


def _only(schemas: Json, at: str) -> Json:
    if not isinstance(schemas, list) or len(schemas) != 1:
        _refuse(at, "allOf of other than one schema is not supported", "write one schema that says all of it")
    return schemas[0]


def _part(value: Json, step: str) -> Json:
    """What a step of a JSON pointer leads to, None where that is nothing."""
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and re.fullmatch("[0-9]{1,6}", step) and int(step) < len(value):
        return value[int(step)]
    return None


def _properties(schema: Schema, at: str) -> Schema:
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        _refuse(f"{at}/properties", "it is not an object", "give the schema of each property by its name")
    return properties


def _required(schema: Schema, at: str) -> list[str]:
    required = schema.get("required", [])
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    if names != required:
        _refuse(f"{at}/required", "it is not a list of names", "list the names of the required properties")
    return names


def _counts(schema: Schema, at: str, of: str) -> tuple[int, int | None]:
    """What min and max of items, or of the length, say; None is without end."""
    counts: list[int | None] = []
    for keyword in (f"min{of}", f"max{of}"):
        count = schema.get(keyword)
        if keyword in schema and (type(count) is not int or count < 0):
            _refuse(f"{at}/{keyword}", f"{json.dumps(count)} is no count", "use 0, 1, 2 ...")
        counts.append(count if isinstance(count, int) else None)
    return counts[0] or 0, counts[1]


# --- objects and arrays


def _members(members: list[str], required: list[bool]) -> str:
    """The members in order, with commas between those that are there."""
    if True not in required:
        return f"(?:{_some(members)})?" if members else ""
    first = required.index(True)
    before = "".join(f"(?:{member}, )?" for member in members[:first])
    after = (
        f", {member}" if needed else f"(?:, {member})?"
        for member, needed in zip(members[first + 1 :], required[first + 1 :], strict=True)
    )
    return before + members[first] + "".join(after)


def _some(members: list[str]) -> str:
    """One or more of them, in order, with commas between. The last of n stands there log2(n) + 1 times, the first once."""
    if len(members) == 1:
        return members[0]
    half = len(members) // 2
    rest = "".join(f"(?:, {member})?" for member in members[half:])
    return f"(?:{_some(members[:half])}{rest}|{_some(members[half:])})"


def _items(firsts: list[str], others: str, least: int) -> str:
    """The first items, of which those behind `least` may be missing, and what follows the last of them."""
    text = others
    for index in reversed(range(len(firsts))):
        text = (", " if index else "") + firsts[index] + text
        if index >= least:
            text = f"(?:{text})?"
    return text


# --- integers


def _bounds(schema: Schema, keyword: str, at: str) -> list[int | float]:
    """The bound that a keyword sets, if it does."""
    if keyword not in schema:
        return []
    bound = schema[keyword]
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        _refuse(f"{at}/{keyword}", f"{json.dumps(bound)} is no bound", "give a number")
    if not -MAX_BOUND <= bound <= MAX_BOUND:
        _refuse(f"{at}/{keyword}", "the bound has more than 100 digits", "leave it out")
    return [bound]


def _refuse_bounds(schema: Schema, at: str) -> None:
    for keyword in KEYWORDS["integer"]:
        if keyword in schema:
            what = f"{keyword} is supported for integers only, because a number has many texts: 20, 2e1, 200e-1"
            _refuse(f"{at}/{keyword}", what, 'write "type": "integer", or check the answer afterwards')


def _integer(schema: Schema, at: str) -> str:
    lows = [
        *map(math.ceil, _bounds(schema, "minimum", at)),
        *(math.floor(bound) + 1 for bound in _bounds(schema, "exclusiveMinimum", at)),
    ]
    highs = [
        *map(math.floor, _bounds(schema, "maximum", at)),
        *(math.ceil(bound) - 1 for bound in _bounds(schema, "exclusiveMaximum", at)),
    ]
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        _refuse(at, f"no integer is at least {low} and at most {high}", "change the bounds")
    return INTEGER if low is None and high is None else _either(_integers(low, high))


def _integers(low: int | None, high: int | None) -> list[str]:
    """Alternatives for the integers from low to high; None is without end."""
    texts: list[str] = []
    if low is None or low < 0:
        nearest = 1 if high is None else max(1, -high)
        texts += ["-" + text for text in _naturals(nearest, None if low is None else -low)]
    if high is None or high >= 0:
        texts += _naturals(max(0, low or 0), high)
    return texts


def _naturals(low: int, high: int | None) -> list[str]:
    """As `_integers`, for 0 <= low."""
    digits = len(str(low))
    if high is not None and len(str(high)) == digits:
        return _of_equal_length(str(low), str(high))
    texts = _of_equal_length(str(low), "9" * digits)
    most = None if high is None else len(str(high)) - 1
    if most is None or most > digits:
        texts.append("[1-9]" + _times("[0-9]", digits, None if most is None else most - 1))
    if high is not None:
        texts += _of_equal_length("1" + "0" * (len(str(high)) - 1), str(high))
    return texts


def _of_equal_length(low: str, high: str) -> list[str]:
    """Alternatives for the strings of digits from low to high, which have as many."""
    if low == high:
        return [low]
    if low[0] == high[0]:
        return [low[0] + text for text in _of_equal_length(low[1:], high[1:])]
    size = len(low) - 1
    first, last = int(low[0]), int(high[0])
    start: list[str] = []
    end: list[str] = []
    if low[1:] != "0" * size:
        start = [low[0] + text for text in _of_equal_length(low[1:], "9" * size)]
        first += 1
    if high[1:] != "9" * size:
        end = [high[0] + text for text in _of_equal_length("0" * size, high[1:])]
        last -= 1
    middle = [f"[{first}-{last}]" + _times("[0-9]", size, size)] if first <= last else []
    return start + middle + end


# --- strings


def _string(schema: Schema, at: str) -> str:
    least, most = _counts(schema, at, "Length")
    if most is not None and least > most:
        _refuse(at, f"no string has at least {least} characters and at most {most}", "change minLength or maxLength")
    if max(least, most or 0) > MAX_CHARACTERS:
        keyword = "minLength" if least > MAX_CHARACTERS else "maxLength"
        what = f"more than {MAX_CHARACTERS:,} characters are too many to count"
        _refuse(f"{at}/{keyword}", what, "leave it out, and bound the answer with max_tokens")
    pattern = schema.get("pattern")
    if "format" in schema:
        return f'"{_format(schema, at)}"'
    if "pattern" not in schema:
        counted = most is not None or least > 1
        return '"' + _times(_units(EVERY) if counted else ANY_SPELLING, least, most) + '"'
    if not isinstance(pattern, str):
        _refuse(f"{at}/pattern", "it is not a string", "give a regex")
    tree = _of_length(_Pattern(pattern, f"{at}/pattern").tree(), least, most)
    if tree is None:
        what = "the lengths that minLength and maxLength allow cannot be counted in this pattern"
        _refuse(f"{at}/pattern", what, "write the length into the pattern, as in ^[a-z]{1,20}$")
    if tree == NOTHING:
        _refuse(at, "no string matches the pattern and has the length", "change pattern, minLength or maxLength")
    return f'"{_text_of(tree)}"'


def _format(schema: Schema, at: str) -> str:
    name = schema["format"]
    if not isinstance(name, str) or name not in FORMATS:
        hint = "leave it out, write a pattern, or use " + ", ".join(FORMATS)
        _refuse(f"{at}/format", f"the format {json.dumps(name)} is not supported", hint)
    for keyword in ("pattern", "minLength", "maxLength"):
        if keyword in schema:
            what = f"{keyword} beside format is not supported"
            _refuse(f"{at}/{keyword}", what, "leave one of them out")
    return FORMATS[name]


ANYTHING = rx.Repeat(rx.Chars(EVERY), 0, None, (0, 0))
NOTHING = rx.Choice(())

_ESCAPE = (
    rf"\\(?:u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|u{_HEX}{{4}}|u\{{{_HEX}{{1,6}}\}}|x{_HEX}{{2}}"
    r"|[dDwWsStnvfr]|0(?![0-9])|[^0-9a-zA-Z])"
)
_TOKEN = re.compile(
    rf"(?P<escape>{_ESCAPE})|(?P<class>\[(?!\^?\])(?:\\.|[^\]\\])+\])"
    r"|(?P<open>\((?:\?:|\?<\w+>|(?!\?)))|(?P<close>\))|(?P<bar>\|)|(?P<anchor>[\^$])"
    r"|(?P<count>(?:[*+?]|\{[0-9]{1,9}(?:,[0-9]{0,9})?\})\??)|(?P<dot>\.)|(?P<character>[^\\\[({])",
    re.DOTALL,
)
_UNIT = re.compile(rf"(?:{_ESCAPE}|\\b|[^\\])", re.DOTALL)
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0, "b": 8}
_LINE_ENDS: CharSet = ((10, 10), (13, 13), (0x2028, 0x2029))
_SPACES = " \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
_CATEGORIES: dict[str, CharSet] = {
    "d": char_set([(48, 57)]),
    "w": char_set([(48, 57), (65, 90), (95, 95), (97, 122)]),
    "s": char_set([(9, 13), *((ord(c), ord(c)) for c in _SPACES), (0x2000, 0x200A)]),
}
"""What JavaScript means by them, which is not what Python means."""


@dataclass(slots=True)
class _Group:
    branches: list[list[_Item]]


@dataclass(frozen=True, slots=True)
class _Item:
    """atom: characters, an anchor, or a group. counts: least and most, where a quantifier stands after it."""

    atom: CharSet | str | _Group
    span: tuple[int, int]
    counts: tuple[int, int | None] | None = None


class _Pattern:
    """Reads one regex in JavaScript's syntax, for a search."""

    def __init__(self, pattern: str, at: str) -> None:
        self._pattern = pattern
        self._at = at

    def tree(self) -> rx.Regular:
        """What the whole string matches when the pattern is found in it."""
        _check_length(len(self._pattern), self._at)
        return self._choice(self._read(), before=True, after=True)

    def _read(self) -> _Group:
        stack = [_Group([[]])]
        for token in self._tokens():
            text, span = token[0], token.span()
            items = stack[-1].branches[-1]
            match token.lastgroup:
                case "open":
                    if len(stack) > MAX_DEPTH:
                        self._refuse(span, f"more than {MAX_DEPTH} groups in one another", "make it simpler")
                    stack.append(_Group([[]]))
                    items.append(_Item(stack[-1], span))
                case "close":
                    stack.pop()
                    if not stack:
                        self._refuse(span, "no group begins before this", "write \\) for the character itself")
                case "bar":
                    stack[-1].branches.append([])
                case "count":
                    if not items or items[-1].counts or isinstance(items[-1].atom, str):
                        self._refuse(span, "nothing to repeat", "escape it, or leave it out")
                    items[-1] = replace(items[-1], counts=self._counts(text, span))
                case "anchor":
                    items.append(_Item(text, span))
                case "class":
                    items.append(_Item(self._class(text, span), span))
                case _:
                    items.append(_Item(self._some(_characters(text), span), span))
        if len(stack) > 1:
            span = stack[-2].branches[-1][-1].span
            self._refuse(span, "this group has no end", "add the ), or write \\( for the character itself")
        return stack[0]

    def _tokens(self) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(self._pattern):
            token = _TOKEN.match(self._pattern, at)
            if token is None:
                what, hint = _UNKNOWN[self._pattern[at]]
                self._refuse((at, min(at + 2, len(self._pattern))), what, hint)
            yield token
            at = token.end()

    def _counts(self, text: str, span: tuple[int, int]) -> tuple[int, int | None]:
        if not text.startswith("{"):
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text[0]]
        least, comma, most = text[1 : text.index("}")].partition(",")
        counts = (int(least), (int(most) if most else None) if comma else int(least))
        if counts[1] is not None and counts[1] < counts[0]:
            self._refuse(span, "it repeats at least more often than at most", "write the smaller number first")
        return counts

    def _class(self, text: str, span: tuple[int, int]) -> CharSet:
        body = text[1:-1].removeprefix("^")
        units: list[str] = _UNIT.findall(body)
        if "".join(units) != body:
            self._refuse(span, *_UNKNOWN["\\"])
        sets: list[CharSet] = []
        while units:
            first = _characters(units.pop(0), in_class=True)
            if len(units) > 1 and units[0] == "-":
                last = _characters(units[1], in_class=True)
                if not _is_one(first) or not _is_one(last) or last < first:
                    self._refuse(span, "a range goes from one character to a later one", "write \\- for a minus")
                first = char_set([(first[0][0], last[0][0])])
                del units[:2]
            sets.append(first)
        chars = union(sets)
        return self._some(complement(chars) if text.startswith("[^") else chars, span)

    def _some(self, chars: CharSet, span: tuple[int, int]) -> CharSet:
        if not chars:
            self._refuse(span, "no character matches this", "leave it out; a character beyond U+FFFF is \\u{HEX}")
        return chars

    def _choice(self, group: _Group, *, before: bool, after: bool) -> rx.Regular:
        """before, after: whether the group stands at that end of the pattern, where other text may be."""
        return rx.choice([self._branch(items, before=before, after=after) for items in group.branches])

    def _branch(self, items: list[_Item], *, before: bool, after: bool) -> rx.Regular:
        begins = bool(before and items and items[0].atom == "^")
        items = items[begins:]
        ends = bool(after and items and items[-1].atom == "$")
        items = items[: len(items) - ends]
        before, after = before and not begins, after and not ends
        if not items:
            return ANYTHING if before or after else rx.EMPTY
        last = len(items) - 1
        return rx.sequence(
            self._item(item, before=before and index == 0, after=after and index == last)
            for index, item in enumerate(items)
        )

    def _item(self, item: _Item, *, before: bool, after: bool) -> rx.Regular:
        if isinstance(item.atom, str):
            edge = "start" if item.atom == "^" else "end"
            self._refuse(item.span, f"{item.atom} is supported only at the {edge} of the pattern", "leave it out")
        if isinstance(item.atom, _Group) and not item.counts:
            return self._choice(item.atom, before=before, after=after)
        atom = item.atom
        body = self._choice(atom, before=False, after=False) if isinstance(atom, _Group) else rx.Chars(atom)
        tree = rx.repeat(body, *(item.counts or (1, 1)), item.span)
        return rx.sequence([*[ANYTHING] * before, tree, *[ANYTHING] * after])

    def _refuse(self, span: tuple[int, int], what: str, hint: str) -> NoReturn:
        raise refusal(self._pattern, span, f"json_schema at {self._at}: {what}", hint)


_UNKNOWN = {
    "(": ("a group of this kind is not supported", "say it without, or check the answer afterwards"),
    "\\": ("an escape of this kind is not supported", "write the characters that it stands for"),
    "[": ("a class needs characters and an end", "write \\[ for the character itself"),
    "{": ("this is no count", "write \\{ for the character itself"),
}
"""What can begin with a character that begins no token."""


def _characters(text: str, *, in_class: bool = False) -> CharSet:
    """The characters that a character, an escape or the dot stands for."""
    if text == "." and not in_class:
        return complement(_LINE_ENDS)
    if len(text) > 1 and text[1].lower() in _CATEGORIES:
        chars = _CATEGORIES[text[1].lower()]
        return complement(chars) if text[1].isupper() else chars
    point = _code_point(text)
    return char_set([(point, point)])


def _code_point(text: str) -> int:
    """Of a character, or of an escape of one."""
    if len(text) == 1:
        return ord(text)
    match text[1]:
        case "u" if len(text) == 12:
            return 0x10000 + (int(text[2:6], 16) - 0xD800) * 0x400 + int(text[8:], 16) - 0xDC00
        case "u" | "x":
            return int(text[2:].strip("{}"), 16)
        case letter:
            return _CONTROLS.get(letter, ord(letter))


def _is_one(chars: CharSet) -> bool:
    return len(chars) == 1 and chars[0][0] == chars[0][1]


def _lengths(tree: rx.Regular) -> tuple[int, int | None]:
    """How few and how many characters a tree matches; None is without end."""
    match tree:
        case rx.Chars():
            return 1, 1
        case rx.Repeat(body, least, most):
            low, high = _lengths(body)
            return low * least, None if most is None or high is None else high * most
        case rx.Sequence(parts) | rx.Choice(parts):
            low, high = zip(*map(_lengths, parts), strict=True) if parts else ((0,), (0,))
            of_all = sum if isinstance(tree, rx.Sequence) else max
            known = [length for length in high if length is not None]
            shortest = sum(low) if isinstance(tree, rx.Sequence) else min(low)
            return shortest, of_all(known) if len(known) == len(high) else None


def _of_length(tree: rx.Regular, least: int, most: int | None) -> rx.Regular | None:
    """The tree for texts of some lengths only: of these, None where it takes more than changing one count to say so."""
    low, high = _lengths(tree)
    if (most is not None and low > most) or (high is not None and high < least):
        return NOTHING
    if low >= least and (most is None or (high is not None and high <= most)):
        return tree
    match tree:
        case rx.Choice(parts):
            narrowed = [_of_length(part, least, most) for part in parts]
            return None if None in narrowed else rx.choice(part for part in narrowed if part and part != NOTHING)
        case rx.Sequence(parts):
            (at, *others) = [index for index, part in enumerate(parts) if len({*_lengths(part)}) > 1]
            around = low - _lengths(parts[at])[0]
            part = _of_length(parts[at], max(0, least - around), None if most is None else most - around)
            if others or part is None or part == NOTHING:
                return None if others else part
            return rx.sequence([*parts[:at], part, *parts[at + 1 :]])
        case rx.Repeat(body, fewest, most_often, span) if len({*_lengths(body)}) == 1:
            size = _lengths(body)[0]
            fewest = max(fewest, -(-least // size))
            limits = [limit for limit in (most_often, None if most is None else most // size) if limit is not None]
            if limits and fewest > min(limits):
                return NOTHING
            return rx.repeat(body, fewest, min(limits, default=None), span)
        case _:
            return None


# --- how it is written as a regex


SHORT = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 92: "\\\\"}
"""The characters that JSON has a short escape for, in a class of Python's regexes."""
PLAIN = complement(char_set([(0, 31), (34, 34), (92, 92)]))


def _text_of(tree: rx.Regular) -> str:
    """The regex of a tree of characters, for their spelling in a string of JSON."""
    match tree:
        case rx.Chars(chars):
            return _units(chars)
        case rx.Sequence(parts):
            return "".join(map(_text_of, parts))
        case rx.Choice(parts):
            return f"(?:{'|'.join(dict.fromkeys(map(_text_of, parts)))})"
        case rx.Repeat(body, least, most):
            text = _text_of(body)
            return _times(text if isinstance(body, rx.Chars | rx.Choice) else f"(?:{text})", least, most)


def _units(chars: CharSet) -> str:
    """One of the characters, each spelled in its one way."""
    plain = intersection(chars, PLAIN)
    special = [point for first, last in intersection(chars, complement(PLAIN)) for point in range(first, last + 1)]
    short = "".join(SHORT[point] for point in special if point in SHORT)
    digits = [f"{point:02x}" for point in special if point not in SHORT]
    others = [
        high + _class_of(char_set((ord(low), ord(low)) for start, low in digits if start == high))
        for high in dict.fromkeys(start for start, _ in digits)
    ]
    escapes = [*[f"[{short}]"] * bool(short), *[f"u00{_either(others)}"] * bool(others)]
    if not escapes:
        return _class_of(plain)
    escape = rf"\\{_either(escapes)}"
    return f"(?:{_class_of(plain)}|{escape})" if plain else f"(?:{escape})"


def _class_of(chars: CharSet) -> str:
    if _is_one(chars):
        return _literal(chr(chars[0][0]))
    negated = chars[-1][1] == 0x10FFFF
    ranges = complement(chars) if negated else chars
    texts = (_point(first) + (f"-{_point(last)}" if first < last else "") for first, last in ranges)
    return f"[{'^' * negated}{''.join(texts)}]"


def _point(point: int) -> str:
    """A character as it stands in a class."""
    if chr(point) in "\\]^-[&~|":
        return "\\" + chr(point)
    if chr(point).isprintable():
        return chr(point)
    return f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}" if point < 65536 else f"\\U{point:08x}"


def _literal(text: str) -> str:
    """`re.escape` escapes what need not be, and the compiler of regexes counts escapes."""
    return re.sub(r"[\\.^$*+?{}\[\]|()]", r"\\\g<0>", text)


def _spelled(value: Json, at: str) -> str:
    """A constant as JSON. Raises `ConstraintError` for one that has no text."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        _refuse(at, "a number is too large", "use one that fits a double")
    if what_is_wrong_with_text(text):
        _refuse(at, "a text holds half a character (a lone surrogate)", "write the whole character")
    return text


def _either(texts: Iterable[str]) -> str:
    """One of the texts, as a group."""
    different = list(dict.fromkeys(texts))
    return different[0] if len(different) == 1 else f"(?:{'|'.join(different)})"


def _times(text: str, least: int, most: int | None) -> str:
    """A part that a quantifier can stand after, least to most times; None is without end."""
    if most == 0:
        return ""
    simple: dict[tuple[int, int | None], str] = {(1, 1): "", (0, 1): "?", (0, None): "*", (1, None): "+"}
    if (least, most) in simple:
        return text + simple[least, most]
    return f"{text}{{{least}}}" if least == most else f"{text}{{{least},{'' if most is None else most}}}"


def _escaped(name: str) -> str:
    """A step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _check_length(length: int, at: str) -> None:
    if length > MAX_LENGTH:
        what = f"it needs a regex of {length:,} characters, at most {MAX_LENGTH:,}"
        _refuse(at, what, "say less, or split the answer into several gens")


def _groups_in_one_another(text: str) -> int:
    deepest = depth = 0
    for part in re.findall(r"\\.|\[(?:\\.|[^\]\\])*\]|[()]", text, re.DOTALL):
        depth += (part == "(") - (part == ")")
        deepest = max(deepest, depth)
    return deepest
