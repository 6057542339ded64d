"""The regex of a JSON schema: each text that matches is valid, and each valid value that it should write has a text.

The oracle is a validator of its own (`valid`), on the values that `json.loads` reads.
"""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import json
import random
import re
import string
import time
import uuid
from typing import Any

import numpy as np
import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import Vocabulary
from sglc.passes.json_schema import regex_of_schema
from sglc.passes.regex.compile import compile_bytes, compile_regex
from sglc.passes.regex.utf8 import ByteDfa

# --- the oracle


def valid(value: Any, schema: Any, root: Any, *, as_written: bool = False) -> bool:
    """Whether a value is valid. as_written: whether it has, besides, only the parts that the schema names, in its order
    (which is looser in one respect: any alternative of a oneOf will do)."""

    def check(value: Any, schema: Any) -> bool:
        return valid(value, schema, root, as_written=as_written)

    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return check(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(has_type(value, name) for name in types):
            return False
    if "enum" in schema or "const" in schema:
        listed = schema.get("enum", [schema.get("const")])
        return any(same(value, other, as_written) for other in listed)
    if "oneOf" in schema:
        count = sum(check(value, other) for other in schema["oneOf"])
        return count >= 1 if as_written else count == 1
    if not all(check(value, other) for other in schema.get("allOf", [])):
        return False
    if "anyOf" in schema and not any(check(value, other) for other in schema["anyOf"]):
        return False
    match value:
        case str():
            return valid_string(value, schema)
        case bool() | None:
            return True
        case int() | float():
            return (
                schema.get("minimum", value) <= value <= schema.get("maximum", value)
                and ("exclusiveMinimum" not in schema or schema["exclusiveMinimum"] < value)
                and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
            )
        case list():
            prefix, items = schema.get("prefixItems", []), schema.get("items", True)
            if items is True and as_written and "type" in schema:
                items = False
            return (
                schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
                and all(itertools.starmap(check, zip(value, prefix, strict=False)))
                and all(check(item, items) for item in value[len(prefix) :])
            )
        case _:
            properties = schema.get("properties", {})
            if as_written and "type" in schema and [name for name in properties if name in value] != [*value]:
                return False
            return (
                all(name in value for name in schema.get("required", []))
                and all(check(value[name], other) for name, other in properties.items() if name in value)
                and (schema.get("additionalProperties", True) is not False or value.keys() <= properties.keys())
            )


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


def same(a: Any, b: Any, as_written: bool) -> bool:
    return json.dumps(a, sort_keys=not as_written) == json.dumps(b, sort_keys=not as_written)


def valid_string(value: str, schema: Any) -> bool:
    pattern = schema.get("pattern", "").replace("$", r"\Z")
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and re.search(pattern, value, re.ASCII) is not None
        and ("format" not in schema or FORMATS[schema["format"]](value))
    )


def parses(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    shape = re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:[0-5]\d)", text, re.ASCII)
    return shape is not None and parses(datetime.time.fromisoformat, text)


def is_date(text: str) -> bool:
    return len(text) == 10 and text[4::3] == "--" and parses(datetime.date.fromisoformat, text)


def is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    atom = set(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~")
    labels = domain.split(".")
    return (
        all(part and set(part) <= atom for part in local.split("."))
        and len(labels) > 1
        and all(0 < len(label) < 64 and "-" not in label[0] + label[-1] for label in labels)
        and set(domain) <= set(string.ascii_letters + string.digits + "-.")
    )


FORMATS = {
    "date": is_date,
    "time": is_time,
    "date-time": lambda text: is_date(text[:10]) and text[10:11] == "T" and is_time(text[11:]),
    "uuid": lambda text: len(text) == 36 and parses(uuid.UUID, text) and str(uuid.UUID(text)) == text.lower(),
    "email": is_email,
    "ipv4": lambda text: parses(ipaddress.IPv4Address, text),
}


# --- texts


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def accepts(dfa: ByteDfa, text: str) -> bool:
    state = 0
    for byte in text.encode():
        if state >= 0:
            state = int(dfa.table[state, byte])
    return state >= 0 and bool(dfa.accept[state])


class Sampler:
    """Random texts that an automaton accepts."""

    def __init__(self, dfa: ByteDfa) -> None:
        self.dfa = dfa
        self.moves = [np.flatnonzero(row >= 0).tolist() for row in dfa.table]
        self.to_go = np.where(dfa.accept, 0, len(dfa.accept) + 1)  # bytes to the next end
        while True:
            behind = np.where(dfa.table >= 0, self.to_go[dfa.table] + 1, len(dfa.accept) + 1).min(axis=1)
            if (behind >= self.to_go).all():
                break
            self.to_go = np.minimum(self.to_go, behind)

    def text(self, draw: random.Random, about: int = 40) -> str:
        state, data = 0, bytearray()
        while not (self.dfa.accept[state] and (not self.moves[state] or len(data) > about or draw.random() < 0.2)):
            choices = self.moves[state]
            if len(data) > about or draw.random() < 0.2:
                choices = [b for b in choices if self.to_go[self.dfa.table[state, b]] < self.to_go[state]] or choices
            elif draw.random() < 0.4:
                choices = [b for b in choices if b in b'"\\{}[],u0'] or choices
            data.append(draw.choice(choices))
            state = int(self.dfa.table[state, data[-1]])
        return data.decode()


def tried(schema: Any) -> str | ConstraintError:
    try:
        return regex_of_schema(schema if isinstance(schema, str) else json.dumps(schema))
    except ConstraintError as error:
        return error


# --- random schemas and values

NAMES = ["a", "b", "c", 'q"\\', "é\n", "a.b", "x y", "(d)", ""]
STRINGS = [
    "",
    "a",
    "ab",
    "abc",
    'x"y',
    "\\",
    "é",
    "𝔸b",
    "\x00",
    "\x1f\x7f",
    "a\nb",
    "</a>",
    "\u2028",
    "12",
    "a1,b2",
    "Żółw",
]
PATTERNS = {
    "^[a-z]+$": ["a", "ab", "abc"],
    "b": ["b", "ab", "xbé", 'b"', "\nb"],
    "^a|b$": ["a", "a\n", "xb", "a\x00"],
    r"^\d{2,3}-(?:\w|é)*$": ["12-", "123-_aé"],
    r"^[^a-z]{2}$": ["A\n", '"\\', "𝔸é"],
}
TEXTS = {
    "date": ["2024-02-29", "0001-01-01", "1999-12-31"],
    "time": ["00:00:00Z", "23:59:59.125+14:00"],
    "date-time": ["2024-02-29T12:00:00-00:30"],
    "uuid": ["0123abCD-0123-4567-89ab-0123456789ab"],
    "email": ["a@b.c", "x.y+z@mail-1.example.org"],
    "ipv4": ["0.0.0.0", "255.249.199.99"],
}
SCALARS = [None, True, False, 0, 1, -1, 7, 10, -12, 10**20, 0.5, -1.25, 1.5e-300, 1e-7, "a", "b", 'é"']
LEAVES = [*SCALARS, *STRINGS, *(text for texts in TEXTS.values() for text in texts), [], {}, [1], {"a": 1}]


class Schemas:
    """Random schemas that are supported, with references to two definitions."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.root: dict[str, Any] = {"$defs": {}}
        for name in ("one", "two"):
            self.root["$defs"][name] = self.schema(1)
        self.root.update(self.schema(3))

    def schema(self, depth: int) -> dict[str, Any]:
        shapes = [self.string, self.integer, self.constants, self.simple]
        if depth:
            shapes += [self.object, self.object, self.array, self.tuple, self.any_of, self.tagged, self.reference]
        return {**self.draw.choice(shapes)(depth - 1), **self.draw.choice([{}, {"title": "t", "default": 1, "x-y": 2}])}

    def simple(self, _: int) -> dict[str, Any]:
        kinds = self.draw.sample(["number", "boolean", "null", "integer", "string"], self.draw.choice([1, 1, 2, 3]))
        return {"type": kinds if len(kinds) > 1 else kinds[0]}

    def string(self, _: int) -> dict[str, Any]:
        least = self.draw.choice([0, 1, 2])
        return {
            "type": "string",
            **self.draw.choice(
                [
                    {},
                    {"minLength": least},
                    {"minLength": least, "maxLength": least + self.draw.choice([0, 1, 3])},
                    {"maxLength": 3, "pattern": "^[a-z]+$"},
                    {"pattern": self.draw.choice([*PATTERNS])},
                    {"format": self.draw.choice([*TEXTS])},
                ]
            ),
        }

    def integer(self, _: int) -> dict[str, Any]:
        low = self.draw.choice([-(10**6), -15, -1, 0, 1, 7, 99])
        high = low + self.draw.choice([0, 1, 5, 120, 10**7])
        lower, upper = self.draw.choice([{}, {"minimum": low}, {"exclusiveMinimum": low - 0.5}]), {}
        if self.draw.random() < 0.6:
            upper = self.draw.choice([{"maximum": high}, {"exclusiveMaximum": high + 1}, {"maximum": high + 0.25}])
        return {"type": "integer", **lower, **upper}

    def constants(self, _: int) -> dict[str, Any]:
        if self.draw.random() < 0.3:
            return {"const": self.draw.choice(SCALARS)}
        values = self.draw.sample([*SCALARS, [1, "a"], {"b": 1, "a": [True]}], self.draw.randrange(1, 5))
        kinds = ["null", "boolean", "number", "string", "array", "object"]
        return {"enum": values, **self.draw.choice([{}, {"type": kinds}])}

    def object(self, depth: int) -> dict[str, Any]:
        names = self.draw.sample(NAMES, self.draw.choice([0, 1, 2, 3, 4]))
        most = self.draw.choice([0, 1, len(names)])
        return {
            "type": "object",
            "properties": {name: self.schema(depth) for name in names},
            "required": self.draw.sample(names, min(most, len(names))),
            **self.draw.choice([{}, {"additionalProperties": False}, {"additionalProperties": True}]),
        }

    def array(self, depth: int) -> dict[str, Any]:
        least = self.draw.choice([0, 0, 1, 2])
        most = self.draw.choice([{}, {"maxItems": least}, {"maxItems": least + 2}])
        return {"type": "array", "items": self.schema(depth), "minItems": least, **most}

    def tuple(self, depth: int) -> dict[str, Any]:
        prefix = [self.schema(depth) for _ in range(self.draw.choice([1, 2, 3]))]
        items, size = self.draw.choice([{}, {"items": False}, {"items": True}, {"items": self.schema(0)}]), len(prefix)
        least = self.draw.choice([{}, {"minItems": size - 1}, {"minItems": size}])
        most = self.draw.choice([{}, {"maxItems": size}, {"maxItems": size + 1}])
        return {"type": "array", "prefixItems": prefix, **items, **least, **most}

    def any_of(self, depth: int) -> dict[str, Any]:
        if self.draw.random() < 0.3:
            return {"allOf": [self.schema(depth)]}
        return {"anyOf": [self.schema(depth) for _ in range(self.draw.choice([1, 2, 3]))]}

    def tagged(self, depth: int) -> dict[str, Any]:
        def tag(value: str) -> dict[str, Any]:
            schema = self.object(depth)
            properties = {"kind": {"const": value}, **schema["properties"]}
            return {**schema, "properties": properties, "required": ["kind", *schema["required"]]}

        return {"oneOf": [tag("x"), tag("y"), {"type": ["null", "array"], "items": self.schema(0)}]}

    def reference(self, _: int) -> dict[str, Any]:
        names = [*self.root["$defs"]]
        return {"$ref": f"#/$defs/{self.draw.choice(names)}"} if names else {"type": "null"}

    def example(self, schema: Any) -> Any:
        """A valid value with the parts that the schema names, in its order."""
        draw = self.draw
        if "$ref" in schema:
            return self.example(self.root["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self.example(draw.choice(schema[keyword]))
        if "enum" in schema or "const" in schema:
            return draw.choice(schema.get("enum", [schema.get("const")]))
        kind = draw.choice(schema["type"]) if isinstance(schema["type"], list) else schema["type"]
        match kind:
            case "object":
                required = schema["required"]
                there = [name for name in schema["properties"] if name in required or draw.random() < 0.5]
                return {name: self.example(schema["properties"][name]) for name in there}
            case "array":
                prefix, items = schema.get("prefixItems", []), schema.get("items", False)
                most = len(prefix) if isinstance(items, bool) else schema.get("minItems", 0) + len(prefix) + 2
                size = draw.randint(schema.get("minItems", 0), min(most, schema.get("maxItems", most)))
                return [self.example(part) for part in [*prefix, *[items] * size][:size]]
            case "string" if "format" in schema:
                return draw.choice(TEXTS[schema["format"]])
            case "string" if "pattern" in schema:
                return draw.choice(PATTERNS[schema["pattern"]])
            case "string":
                least = schema.get("minLength", 0)
                size = draw.randint(least, schema.get("maxLength", least + 3))
                return "".join(draw.choice([*"abc019", *'"\\/\n\x00\x1f\x7fé中𝔸\u2028\ufeff']) for _ in range(size))
            case "integer":
                edges = [int(schema[bound]) for bound in schema if "imum" in bound] or [0]
                near = [edge + step for edge in edges for step in (-60, -9, -2, -1, 0, 1, 2, 9, 60)]
                return draw.choice([n for n in near if valid(n, schema, {})])
            case _:
                return draw.choice([value for value in SCALARS if has_type(value, kind)])

    def mutated(self, value: Any) -> Any:
        """The value with one part replaced, dropped or doubled."""
        draw = self.draw
        if not isinstance(value, list | dict) or not value or draw.random() < 0.2:
            return draw.choice([*LEAVES, self.example(self.root)])
        if isinstance(value, list):
            at = draw.randrange(len(value))
            changed = draw.choice([[self.mutated(value[at])], [], [value[at]] * 2])
            return [*value[:at], *changed, *value[at + 1 :]]
        name = draw.choice([*value])
        return draw.choice(
            [
                {**value, name: self.mutated(value[name])},
                {other: item for other, item in value.items() if other != name},
                {other: value[other] for other in reversed(value)},
                {**value, "new": 1},
            ]
        )


@pytest.mark.parametrize("seed", range(12))
def test_texts_are_valid_and_valid_values_have_texts(seed: int) -> None:
    draw = random.Random(seed)
    right = wrong = 0
    for _ in range(12):
        schemas = Schemas(draw)
        root = schemas.root
        pattern = regex_of_schema(json.dumps(root))
        dfa = compile_bytes(pattern)
        sampler = Sampler(dfa)
        for _ in range(12):
            text = sampler.text(draw)
            assert valid(json.loads(text), root, root), (root, text)
            assert re.fullmatch(pattern, text), (root, text)
        for _ in range(10):
            value = schemas.example(root)
            assert accepts(dfa, dumped(value)), (root, value)
            for _ in range(5):
                value = schemas.mutated(value)
                expected = valid(value, root, root) and valid(value, root, root, as_written=True)
                assert accepts(dfa, dumped(value)) == expected, (root, value)
                right, wrong = right + expected, wrong + (not expected)
    assert right > 50
    assert wrong > 50


@pytest.mark.parametrize("seed", range(4))
def test_a_one_of_is_refused_or_right(seed: int) -> None:
    draw = random.Random(seed)
    taken = refused = 0
    for _ in range(40):
        schemas = Schemas(draw)
        root = {"$defs": schemas.root["$defs"], "oneOf": [schemas.schema(2), schemas.schema(2)]}
        if isinstance(pattern := tried(root), ConstraintError):
            assert re.match(r"json_schema at #.*/oneOf: a value of alternative [01] may be valid for", pattern.what)
            refused += 1
            continue
        dfa = compile_bytes(pattern)
        taken += 1
        sampler = Sampler(dfa)
        for text in (sampler.text(draw) for _ in range(20)):
            assert valid(json.loads(text), root, root), (root, text)
        assert all(accepts(dfa, dumped(schemas.example(root))) for _ in range(10))
    assert taken > 5
    assert refused > 5


# --- single values


def matches(schema: Any, *texts: str) -> list[bool]:
    pattern = regex_of_schema(json.dumps(schema))
    dfa = compile_bytes(pattern)
    found = [accepts(dfa, text) for text in texts]
    assert found == [re.fullmatch(pattern, text) is not None for text in texts]
    return found


WRITTEN: list[tuple[Any, list[str], list[str]]] = [
    ({"type": "null"}, ["null"], ["", "nul", " null", "null ", "NULL"]),
    ({"type": "boolean"}, ["true", "false"], ["1", '"true"', "True"]),
    ({"type": "integer"}, ["0", "-1", "10", "9" * 50], ["-0", "01", "1.0", "1e2", "+1", "-", "٣"]),
    (
        {"type": "number"},
        ["0", "-0.0", "1e300", "1E-7", "1.25e+10", "1.7976931348623157e+308"],
        [".5", "5.", "1e", "1e1000"],
    ),
    ({"type": ["integer", "number"]}, ["1", "1.5"], ['"1"']),
    ({"type": "string"}, ['""', '"é𝔸\x7f\u2028"', r'"\"\\\/\b\f\n\r\t\u0041\u00E9\uD83D\uDe00\udbff\udfff"'], ['"']),
    (
        {"type": "string"},
        [r'"\ud7ff\ue000"'],
        [r'"\ud800"', r'"\udc00"', r'"\ud800\u0041"', r'"\U0041"', r'"\x41"', r'"\"'],
    ),
    ({"type": "string"}, [], ['"\n"', '"\x00"', '"\x1f"', '"a" ', "'a'", '"a""']),
    ({"type": "string", "maxLength": 2}, ['""', '"𝔸é"', r'"\n\u0000"', r'"\"\\"'], ['"abc"', r'"\u0041"', r'"\u000A"']),
    ({"type": "string", "minLength": 1}, ['"a"', r'"\u0041"', r'"\ud83d\ude00"'], ['""']),
    ({"type": "string", "minLength": 2}, ['"ab"', '"abc"'], ['"𝔸"', r'"\n"', r'"\u0041\u0042"']),
    (
        {"type": "string", "pattern": "^(ab)*c$|^é", "minLength": 4, "maxLength": 7},
        ['"ababc"', '"abababc"', '"éabc"', '"éabcabc"'],
        ['"abc"', '"ababababc"', '"éab"', '"éabcabca"'],
    ),
    ({"const": 'é"\n\x7f𝔸'}, ['"é\\"\\n\x7f𝔸"'], [r'"\u00e9\"\n\u007f\ud835\udd38"']),
    ({"const": {"b": [1, 1.5], "a": None}}, ['{"b": [1, 1.5], "a": null}'], ['{"b":[1,1.5],"a":null}']),
    ({"enum": ["a.b", "a.b", 1, True, 1.0]}, ['"a.b"', "1", "true"], ['"axb"', "1.0", "false"]),
    (
        {"enum": [1, "a", None, 2.0, 2.5, True], "type": ["integer", "string"]},
        ["1", '"a"', "2.0"],
        ["2.5", "null", "true"],
    ),
    ({"enum": [1, 2, "1"], "const": 1.0}, ["1"], ["2", '"1"', "1.0"]),
    ({"type": "object", "properties": {}}, ["{}"], ["{ }", '{"a": 1}', ""]),
    ({"type": "object", "additionalProperties": False}, ["{}"], ['{"a": 1}']),
    ({"type": "array", "items": {"type": "null"}, "maxItems": 0}, ["[]"], ["[null]"]),
    ({"type": "array", "items": False}, ["[]"], ["[null]"]),
    ({"type": "array", "maxItems": 0}, ["[]"], ["[null]"]),
    (
        {"type": "array", "items": {"type": "null"}, "minItems": 1},
        ["[null]", "[null, null]"],
        ["[]", "[null,null]", "[null, ]"],
    ),
    (
        {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}]},
        ["[]", "[1]", "[1, 2]"],
        ["[2]", "[1, 2, 3]", "[, 2]"],
    ),
    (
        {"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}, "maxItems": 3},
        ["[]", "[1]", "[1, 2]", "[1, 2, 2]"],
        ["[2]", "[1, 1]", "[1, 2, 2, 2]"],
    ),
    (
        {"$defs": {"a/b~c d": {"const": 1}, "x": {"$ref": "#/$defs/a~1b~0c%20d"}}, "anyOf": [{"$ref": "#/$defs/x"}]},
        ["1"],
        ["2"],
    ),
    (
        {
            "anyOf": [{"const": 1}, {"$ref": "#/anyOf/0"}, {"$ref": "#/definitions/n"}],
            "definitions": {"n": {"type": "null"}},
        },
        ["1", "null"],
        ["2"],
    ),
    ({"type": "string", "minimum": 3, "items": 5}, ['"a"'], ["3"]),  # what is about other types means nothing
    ({"type": ["string", "null"], "maxLength": 1, "uniqueItems": False}, ['"a"', "null"], ['"ab"']),
    ({"$schema": "x", "$id": "y", "allOf": [{"type": "null"}], "examples": [1]}, ["null"], ["1"]),
]


@pytest.mark.parametrize(("schema", "right", "wrong"), WRITTEN)
def test_how_values_are_written(schema: Any, right: list[str], wrong: list[str]) -> None:
    assert matches(schema, *right, *wrong) == [True] * len(right) + [False] * len(wrong)


def test_the_regex_itself() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}
    assert regex_of_schema(json.dumps(schema)) == r'\{"a": (?:0|-?[1-9][0-9]*)(?:, "b": (?:true|false))?\}'


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_commas_in_every_combination(count: int) -> None:
    names = "abcdefgh"[:count]
    for required in {"", names[0], names[-1], names[count // 2], names[::2]}:
        properties: Any = {name: {"type": "null"} for name in names}
        schema = {"type": "object", "properties": properties, "required": [*required]}
        dfa = compile_bytes(regex_of_schema(json.dumps(schema)))
        for there in itertools.product([False, True], repeat=count):
            value = {name: None for name, is_there in zip(names, there, strict=True) if is_there}
            assert accepts(dfa, json.dumps(value)) == (set(required) <= value.keys()), (schema, value)
        for text in ("{, }", '{"a": null, }', '{, "a": null}', '{"a": null "b": null}', '{"a": null, "a": null}'):
            assert not accepts(dfa, text)


def test_integers_between_bounds() -> None:
    draw = random.Random(0)
    edges = [*range(-22, 23), 99, 100, 101, -99, -100, -101, 999, 1000, 12345]
    for _ in range(150):
        low, high = draw.choice([None, *edges]), draw.choice([None, *edges])
        bounds = {"minimum": low} if low is not None else {}
        if high is not None:
            bounds |= {"maximum": high}
        if low is not None and high is not None and low > high:
            with pytest.raises(ConstraintError, match=f"no integer is at least {low} and at most {high}"):
                regex_of_schema(json.dumps({"type": "integer", **bounds}))
            continue
        pattern = re.compile(regex_of_schema(json.dumps({"type": "integer", **bounds})))
        numbers = [*range(-130, 131), *(10**n + d for n in range(3, 7) for d in (-1, 0, 1)), 12344, 12345, 12346]
        for number in numbers + [-number for number in numbers]:
            expected = (low is None or low <= number) and (high is None or number <= high)
            assert (pattern.fullmatch(str(number)) is not None) == expected, (low, high, number)
        assert not any(pattern.fullmatch(text) for text in ("-0", "00", "01", "-01", "", "-", "1.0"))


@pytest.mark.parametrize(
    ("bounds", "first", "last"),
    [
        ({"minimum": 0.5, "maximum": 7.5}, 1, 7),
        ({"exclusiveMinimum": 0.5, "exclusiveMaximum": 7.5}, 1, 7),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 7}, 1, 6),
        ({"minimum": -3, "exclusiveMinimum": -3.0, "maximum": 12, "exclusiveMaximum": 12.5}, -2, 12),
        ({"minimum": -(2**63), "maximum": 2**63 - 1}, -(2**63), 2**63 - 1),
        ({"minimum": 10**100, "maximum": 10**100}, 10**100, 10**100),
    ],
)
def test_bounds_are_exact(bounds: dict[str, Any], first: int, last: int) -> None:
    texts = [str(number) for number in (first - 1, first, last, last + 1)]
    assert matches({"type": "integer", **bounds}, *texts) == [False, True, True, False]


def test_dates() -> None:
    pattern = re.compile(regex_of_schema('{"type":"string","format":"date"}'))
    for year in (0, 1, 4, 99, 100, 400, 1000, 1900, 1904, 2000, 2023, 2024, 2100, 9996, 9999):
        for month, day in itertools.product(range(14), range(33)):
            text = f"{year:04}-{month:02}-{day:02}"
            assert (pattern.fullmatch(f'"{text}"') is not None) == is_date(text), text


TIMES = ["00:00:00Z", "23:59:59Z", "24:00:00Z", "12:60:00Z", "12:00:60Z", "1:00:00Z", "12:00Z", "12:00:00", "12:00:00z"]
TIMES += ["12:00:00.5Z", "12:00:00.Z", "12:00:00+23:59", "12:00:00-24:00", "12:00:00+0100", "12:00:00+01:60"]
IPS = [
    "0.0.0.0",
    "255.255.255.255",
    "256.0.0.0",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.",
    "199.200.249.250",
    "1.2.3.٤",
]
EMAILS = ["a@b.c", "a@b", "@b.c", "a.@b.c", ".a@b.c", "a..b@c.d", "a@-b.c", "a@b-.c", "a@b-c.d", "a b@c.d", "é@b.c"]
EMAILS += [f"a@{'b' * 63}.c", f"a@{'b' * 64}.c", "a@b..c", "a@b.c.", "a+b@c.d", "a@b@c.d", "a@b_c.d"]
UUIDS = [TEXTS["uuid"][0], TEXTS["uuid"][0][:-1], TEXTS["uuid"][0].replace("-", ""), "g" + TEXTS["uuid"][0][1:]]
DATE_TIMES = [f"{date}T{time}" for date in ("2023-02-28", "2023-02-29") for time in TIMES] + ["2023-01-01 00:00:00Z"]


@pytest.mark.parametrize(
    ("name", "texts"),
    [("time", TIMES), ("ipv4", IPS), ("email", EMAILS), ("uuid", UUIDS), ("date-time", DATE_TIMES)],
)
def test_formats(name: str, texts: list[str]) -> None:
    expected = [FORMATS[name](text) and not text.endswith("z") for text in texts]
    assert True in expected
    assert False in expected
    assert matches({"type": "string", "format": name}, *map(dumped, texts)) == expected


def test_strings_may_use_every_escape() -> None:
    draw = random.Random(0)
    dfa = compile_bytes(regex_of_schema('{"type":"string"}'))
    for _ in range(300):
        points = [
            draw.choice([draw.randrange(128), draw.randrange(0xD800), draw.randrange(0xE000, 0x110000)]) for _ in "abc"
        ]
        text = "".join(map(chr, points))
        escaped = "".join(f"\\u{unit:04X}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))
        assert accepts(dfa, json.dumps(text))
        assert accepts(dfa, dumped(text))
        assert accepts(dfa, f'"{escaped}"')


# --- patterns


JAVASCRIPT: list[tuple[str, list[str], list[str]]] = [
    ("", ["", "a\n"], []),
    ("b", ["b", "abc", "\nb\n", '"b"'], ["", "a"]),
    ("^b", ["b", "bc"], ["ab", "\nb"]),
    ("b$", ["b", "ab"], ["b\n", "bc"]),
    ("^$", [""], ["a"]),
    ("^a|b$", ["a", "ax", "b", "xb"], ["xa", "bx"]),
    ("^(a|b)$", ["a", "b"], ["ab", "xa"]),
    ("(^$)|(^[a-z]+$)", ["", "ab"], ["a1", " "]),
    ("(?:^|,)a(?:,|$)", ["a", "a,b", "b,a", "b,a,c"], ["ba", "ab", "b,ab"]),
    ("(x)*a|(b)+", ["b", "xbx", "xxa"], ["c"]),
    (r"^\d$", ["1"], ["١", "a"]),
    (r"^\w\W$", ["a-", "_é"], ["é-", "ab"]),
    (r"^\s$", [" ", "\t", "\v", "\xa0", "\ufeff", "\u2028", "\u3000", "\u2007"], ["\x1c", "\x85", "\u200b", "a"]),
    (r"^[^\S]$", [" ", "\ufeff"], ["a", "\x1f"]),
    (r"^[\D\d]$", ["1", "a", "\n"], [""]),
    ("^.$", ["a", "𝔸", "\x85", "\x00", '"'], ["\n", "\r", "\u2028", "\u2029", ""]),
    ("^[^a]$", ["b", "\n", "\\", "𝔸"], ["a"]),
    (r"^\u{1F600}\ud83d\ude01\u00e9\xe9$", ["😀😁éé"], ["😀😁éE"]),
    (r"^[\ud83d\ude00-\u{1F64F}x]$", ["😀", "🙏", "x"], ["🙐", "y"]),
    (r"^\/\-\_\.\"\\$", ['/-_."\\'], ['/-_x"\\']),
    (r"^\t\n\v\f\r\0[\b]$", ["\t\n\v\f\r\0\b"], []),
    (r"^[\w-]+[a\]]$", ["a-a", "-]"], ["a", "é]"]),
    (r"^[\d.-]+$", ["1.-", "-"], [",", "/"]),
    ("^a]}$", ["a]}"], ["a"]),
    ("^(?<year>[0-9]{4})-(?:1|2){1,2}?$", ["2024-1", "2024-12"], ["2024-", "2024-3"]),
    ("^a{2}b{0}c{1,}d{0,1}$", ["aac", "aaccd"], ["ac", "aabc"]),
    ("^[&~|^-]+$", ["&~|^-"], ["a"]),
    ("^(a|)$", ["", "a"], ["aa"]),
    ("^(a+|a+)*(bc|bc){2}$", ["bcbc", "aabcbc"], ["bc"]),
    ("^[-a][b-]$", ["-b", "a-"], ["bb"]),
]


@pytest.mark.parametrize(("pattern", "right", "wrong"), JAVASCRIPT)
def test_patterns_are_searches_in_javascript_syntax(pattern: str, right: list[str], wrong: list[str]) -> None:
    found = matches({"type": "string", "pattern": pattern}, *map(dumped, [*right, *wrong]))
    assert found == [True] * len(right) + [False] * len(wrong)


def random_pattern(draw: random.Random, depth: int = 2, *, first: bool = True, last: bool = True) -> str:
    """Of the part of the syntax that means the same in Python; anchors only where a search begins or ends."""
    branches: list[str] = []
    for _ in range(draw.choice([1, 1, 2])):
        size = draw.choice([0, 1, 1, 2, 3])
        start, end = first and draw.random() < 0.3, last and draw.random() < 0.3
        items: list[str] = []
        for index in range(size):
            count = draw.choice(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}?", "{1,}"])
            if depth and draw.random() < 0.3:
                edges = {
                    "first": first and not start and not count and index == 0,
                    "last": last and not end and not count and index == size - 1,
                }
                atom = f"({draw.choice(['', '?:'])}{random_pattern(draw, depth - 1, **edges)})"
            else:
                atom = draw.choice(
                    ["a", "b", "é", '"', r"\\", r"\d", r"\W", ".", "[ab]", "[^a]", r"[\w-]", r"\n", "[a-é]"]
                )
            items.append(atom + count)
        branches.append("^" * start + "".join(items) + "$" * end)
    return "|".join(branches)


@pytest.mark.parametrize("seed", range(6))
def test_random_patterns(seed: int) -> None:
    draw = random.Random(seed)
    counts = {True: 0, False: 0}
    refused = 0
    for _ in range(40):
        schema: dict[str, Any] = {"type": "string", "pattern": random_pattern(draw)}
        schema |= draw.choice([{}, {}, {"maxLength": 4}, {"minLength": 2, "maxLength": 3}, {"minLength": 3}])
        texts = ["".join(draw.choice('aab1é"\\\n-𝔸') for _ in range(draw.randrange(6))) for _ in range(40)]
        if isinstance(pattern := tried(schema), ConstraintError):
            nothing = "no string matches the pattern and has the length" in pattern.what
            assert nothing or "cannot be counted in this pattern" in pattern.what
            assert not (nothing and any(valid_string(text, schema) for text in texts)), schema
            refused += 1
            continue
        dfa = compile_bytes(pattern)
        sampler = Sampler(dfa)
        texts += [json.loads(sampler.text(draw, about=12)) for _ in range(10)]
        for text in texts:
            if len(text) < 12 and "\r" not in text and "\u2028" not in text and "\u2029" not in text:
                expected = valid_string(text, schema)
                counts[expected] += 1
                assert accepts(dfa, dumped(text)) == expected, (schema, text)
    assert counts[True] > 100
    assert counts[False] > 100
    assert 0 < refused < 25


# --- what is refused

OBJECT = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}
OPEN = {"type": "object", "properties": {"b": {"type": "null"}}}
REFUSED: list[tuple[Any, str, str]] = [
    ({}, "#", "it names no type"),
    ({"title": "t"}, "#", "it names no type"),
    ({"properties": {"a": {}}}, "#", "it names no type"),
    ({"type": "text"}, "#/type", '"text" is no type'),
    ({"type": []}, "#/type", "[] is no type"),
    ({"type": ["null", 5]}, "#/type", '["null", 5] is no type'),
    ({"anyOf": [True]}, "#/anyOf/0", "any value is allowed"),
    ({"anyOf": [{"type": "null"}, False]}, "#/anyOf/1", "no value is allowed"),
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
    ({"type": "string", "maxLength": 1501}, "#/maxLength", "more than 1,500 characters are too many to count"),
    ({"type": "string", "minLength": 1501}, "#/minLength", "more than 1,500 characters are too many to count"),
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
        regex_of_schema(schema if isinstance(schema, str) else json.dumps(schema))
    assert caught.value.what.startswith(f"json_schema at {at}: {what}")
    assert caught.value.hint


def test_whole_messages() -> None:
    with pytest.raises(ConstraintError) as caught:
        regex_of_schema(
            '{"type":"object","properties":{"a":{"type":"array","items":{"type":"null"},"uniqueItems":true}}}'
        )
    assert str(caught.value) == (
        'json_schema at #/properties/a/uniqueItems: "uniqueItems" is not supported\n'
        "  hint: leave it out, and drop what occurs twice from the answer"
    )
    with pytest.raises(ConstraintError) as caught:
        regex_of_schema(json.dumps({"type": "string", "pattern": r"^(a|\pL)$"}))
    assert str(caught.value) == (
        "json_schema at #/pattern: an escape of this kind is not supported\n"
        "    ^(a|\\pL)$\n        ^^\n  hint: write the characters that it stands for"
    )


@pytest.mark.parametrize(
    ("text", "what"), [("{", "no JSON: Expecting"), ("[]", "not an object"), ('{"const": NaN}', "NaN is no")]
)
def test_what_is_no_schema(text: str, what: str) -> None:
    with pytest.raises(ConstraintError, match=what):
        regex_of_schema(text)


@pytest.mark.parametrize(
    ("pattern", "what", "part"),
    [
        ("a(?=b)", "a group of this kind is not supported", "(?"),
        ("a(?!b)", "a group of this kind is not supported", "(?"),
        ("(?<=a)b", "a group of this kind is not supported", "(?"),
        ("(?P<a>b)", "a group of this kind is not supported", "(?"),
        ("(?i)a", "a group of this kind is not supported", "(?"),
        (r"(a)\1", "an escape of this kind is not supported", r"\1"),
        (r"a\b", "an escape of this kind is not supported", r"\b"),
        (r"\Aa\Z", "an escape of this kind is not supported", r"\A"),
        (r"\p{L}", "an escape of this kind is not supported", r"\p"),
        (r"[\p{L}]", "an escape of this kind is not supported", r"[\p{L}]"),
        (r"\01", "an escape of this kind is not supported", r"\0"),
        ("a\\", "an escape of this kind is not supported", "\\"),
        ("a{,3}", "this is no count", "{,"),
        ("a{3,2}", "it repeats at least more often than at most", "{3,2}"),
        ("[]a]", "a class needs characters and an end", "[]"),
        ("[^]", "a class needs characters and an end", "[^"),
        ("[a", "a class needs characters and an end", "[a"),
        ("[z-a]", "a range goes from one character to a later one", "[z-a]"),
        (r"[\w-z]", "a range goes from one character to a later one", r"[\w-z]"),
        (r"[^\s\S]", "no character matches this", r"[^\s\S]"),
        (r"\ud800", "no character matches this", r"\ud800"),
        ("a**", "nothing to repeat", "*"),
        ("a++", "nothing to repeat", "+"),
        ("^*a", "nothing to repeat", "*"),
        ("|*", "nothing to repeat", "*"),
        ("(a", "this group has no end", "("),
        ("a)", "no group begins before this", ")"),
        ("a^b", "^ is supported only at the start of the pattern", "^"),
        ("a$b", "$ is supported only at the end of the pattern", "$"),
        ("(^a)*", "^ is supported only at the start of the pattern", "^"),
        ("(" * 51 + "a", "more than 50 groups in one another", "("),
    ],
)
def test_what_is_refused_in_a_pattern(pattern: str, what: str, part: str) -> None:
    with pytest.raises(ConstraintError) as caught:
        regex_of_schema(json.dumps({"type": "string", "pattern": pattern}))
    message, line, carets = caught.value.what.split("\n")
    assert message == f"json_schema at #/pattern: {what}"
    assert line[carets.index("^") : carets.rindex("^") + 1] == part


def doubled(depth: int) -> dict[str, Any]:
    """A schema of 2**depth values, written once each."""
    levels = {
        f"d{level}": {"type": "array", "prefixItems": [{"$ref": f"#/$defs/d{level + 1}"}] * 2, "minItems": 2}
        for level in range(depth)
    }
    return {"$defs": {**levels, f"d{depth}": {"type": "boolean"}}, "$ref": "#/$defs/d0"}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


WIDE = {"type": "object", "properties": {f"p{i}": {"$ref": "#/$defs/d0"} for i in range(2_000)}}
HOSTILE: list[tuple[str, str]] = [
    (json.dumps(doubled(20)), r"json_schema at #/\$defs/d\d+/prefixItems: it needs a regex of [\d,]+ characters, at most 20,000"),
    (json.dumps({**WIDE, "$defs": doubled(8)["$defs"]}), "json_schema at #/properties: it needs a regex of"),
    (json.dumps({"enum": ["x" * 30 + str(i) for i in range(1_000)]}), "json_schema at #: it needs a regex of"),
    (json.dumps({"const": "(" * 9_990}), "json_schema at #: it needs too complex a regex"),
    (json.dumps({"oneOf": [{"const": i} for i in range(500)]}), "json_schema at #/oneOf: too many alternatives to tell"),
    (json.dumps({"type": "string", "pattern": "a" * 1_000_000}), "json_schema at #/pattern: it needs a regex of 1,000,000"),
    (json.dumps(nested(12)), "json_schema at #(/items)*: it needs a regex of"),
    (json.dumps(nested(60)), "json_schema at #(/items)+: more than 50 schemas in one another"),
    ('{"a":' * 5_000 + "1" + "}" * 5_000, "json_schema is no JSON|nested too deeply|not supported"),
    ('{"type":"integer","minimum":' + "9" * 5_000 + "}", "json_schema is no JSON: Exceeds the limit"),
    (json.dumps({"type": "array", "prefixItems": [{"type": "null"}] * 60}), "json_schema at #: its values are nested too deep"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "what"), HOSTILE)
def test_what_is_too_large_is_refused_soon(schema: str, what: str) -> None:
    start = time.process_time()
    with pytest.raises(ConstraintError, match=what):
        regex_of_schema(schema)
    assert time.process_time() - start < 5  # seconds: many times what it takes


def test_a_deep_constant_is_written_or_refused() -> None:
    """Python's own limit of nesting depends on where we are called from; it must never show."""
    for depth in range(700, 1_010, 3):
        value = "[" * depth + "]" * depth
        pattern = tried(f'{{"const":{value}}}')
        if isinstance(pattern, ConstraintError):
            assert "nested too deeply" in pattern.what or "is no JSON" in pattern.what
        else:
            assert pattern.replace("\\", "") == value


# --- and the whole way

INVOICE = {
    "title": "Invoice",
    "type": "object",
    "$defs": {
        "Money": {
            "type": "object",
            "properties": {"amount": {"type": "number"}, "currency": {"enum": ["EUR", "USD", "¥"]}},
            "required": ["amount", "currency"],
            "additionalProperties": False,
        }
    },
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "issued": {"type": "string", "format": "date"},
        "total": {"$ref": "#/$defs/Money"},
        "note": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}], "default": None},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "count": {"type": "integer", "minimum": 1, "maximum": 999},
                    "price": {"$ref": "#/$defs/Money"},
                },
                "required": ["text", "count"],
            },
            "minItems": 1,
        },
    },
    "required": ["id", "issued", "total", "lines"],
}
EXAMPLE = {
    "id": "0123abcd-0123-4567-89ab-0123456789ab",
    "issued": "2024-02-29",
    "total": {"amount": 12.5, "currency": "¥"},
    "lines": [{"text": 'né\n"', "count": 20}, {"text": "", "count": 1, "price": {"amount": 0, "currency": "EUR"}}],
}
BYTES = Vocabulary((*(bytes([byte]) for byte in range(256)), None), frozenset({256}), 257, "test")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (INVOICE, EXAMPLE),
        ({"type": "array", "items": INVOICE["$defs"]["Money"], "maxItems": 3}, [{"amount": 1e-7, "currency": "EUR"}]),
        ({"type": "string", "maxLength": 1500}, "é" * 1500),
        ({"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(20)}}, {"p3": "a", "p19": "b"}),
        (nested(8), [[[[[[[[None, None]]]]]], []]]),
    ],
)
def test_the_compiler_of_regexes_takes_them(schema: Any, value: Any) -> None:
    automaton = compile_regex(regex_of_schema(json.dumps(schema)), BYTES)
    state = 0
    for byte in dumped(value).encode():
        state = automaton.step(state, byte)
        assert state >= 0
    assert automaton.accept[state]
