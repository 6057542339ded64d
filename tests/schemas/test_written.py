"""How single values are written."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from sglc.ir.errors import ConstraintError
from tests.regexes import compile_bytes as compile_regex_bytes
from tests.schemas.oracle import valid
from tests.schemas.random_schemas import TEXTS, Schemas
from tests.schemas.strings import FORMATS, is_date
from tests.schemas.texts import Matcher, Sampler, accepts, compiled, dumped, equal, matches

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


def test_the_example_of_the_docstring() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}
    regex = compile_regex_bytes(r'\{"a": (?:0|-?[1-9][0-9]*)(?:, "b": (?:true|false))?\}')
    assert equal(compiled(schema), regex)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_commas_in_every_combination(count: int) -> None:
    names = "abcdefgh"[:count]
    for required in {"", names[0], names[-1], names[count // 2], names[::2]}:
        properties: Any = {name: {"type": "null"} for name in names}
        schema = {"type": "object", "properties": properties, "required": [*required]}
        dfa = compiled(schema)
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
                compiled({"type": "integer", **bounds})
            continue
        dfa = compiled({"type": "integer", **bounds})
        numbers = [*range(-130, 131), *(10**n + d for n in range(3, 7) for d in (-1, 0, 1)), 12344, 12345, 12346]
        for number in numbers + [-number for number in numbers]:
            expected = (low is None or low <= number) and (high is None or number <= high)
            assert accepts(dfa, str(number)) == expected, (low, high, number)
        assert not any(accepts(dfa, text) for text in ("-0", "00", "01", "-01", "", "-", "1.0"))


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
    dfa, matcher = compiled({"type": "string", "format": "date"}), Matcher({"type": "string", "format": "date"})
    for year in (0, 1, 4, 99, 100, 400, 1000, 1900, 1904, 2000, 2023, 2024, 2100, 9996, 9999):
        for month, day in itertools.product(range(14), range(33)):
            text = f"{year:04}-{month:02}-{day:02}"
            assert accepts(dfa, f'"{text}"') == is_date(text), text
            assert day % 7 or matcher.matches(f'"{text}"') == is_date(text), text


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
    dfa = compiled({"type": "string"})
    for _ in range(300):
        points = [
            draw.choice([draw.randrange(128), draw.randrange(0xD800), draw.randrange(0xE000, 0x110000)]) for _ in "abc"
        ]
        text = "".join(map(chr, points))
        escaped = "".join(f"\\u{unit:04X}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))
        assert accepts(dfa, json.dumps(text))
        assert accepts(dfa, dumped(text))
        assert accepts(dfa, f'"{escaped}"')


SPACED = {
    "type": "object",
    "properties": {
        "a": {"type": "array", "items": {"type": "null"}},
        "b": {"const": {"c": [1, {}]}},
        "d": {"type": "object", "properties": {}},
        "e": {"type": "integer"},
    },
    "required": ["a"],
}
TOKENS = [
    "{",
    '"a"',
    ":",
    "[",
    "null",
    ",",
    "null",
    "]",
    ",",
    '"b"',
    ":",
    "{",
    '"c"',
    ":",
    "[",
    "1",
    ",",
    "{",
    "}",
    "]",
]
TOKENS += ["}", ",", '"d"', ":", "{", "}", ",", '"e"', ":", "12", "}"]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_white_space_between_all_tokens(most: int) -> None:
    """So many characters at most, of each kind, at every place; none before, behind and inside tokens."""
    draw = random.Random(most)
    dfa, matcher = compiled(SPACED, most), Matcher(SPACED, most)
    assert accepts(dfa, "".join(TOKENS))
    assert not accepts(dfa, " " + "".join(TOKENS))
    assert not accepts(dfa, "".join(TOKENS) + "\n")
    assert not accepts(dfa, "".join(TOKENS).replace("12", "1 2"))
    for _ in range(200):
        spaces = ["".join(draw.choices(" \t\n\r", k=draw.randint(0, most))) for _ in TOKENS[1:]]
        text = "".join(token + space for token, space in zip(TOKENS, [*spaces, ""], strict=True))
        assert json.loads(text) == {"a": [None, None], "b": {"c": [1, {}]}, "d": {}, "e": 12}
        assert accepts(dfa, text)
        assert matcher.matches(text)
        at = draw.randrange(len(spaces))
        spaces[at] = "".join(draw.choices(" \t\n\r", k=most + 1))
        text = "".join(token + space for token, space in zip(TOKENS, [*spaces, ""], strict=True))
        assert not accepts(dfa, text), text
        assert not matcher.matches(text)
    assert not accepts(compiled(SPACED, most), "".join(TOKENS).replace(":", ":\x0c"))
    sampler = Sampler(dfa)
    for text in (sampler.text(draw) for _ in range(100)):
        assert valid(json.loads(text), SPACED, SPACED, as_written=True)


def test_white_space_of_a_random_schema() -> None:
    """With 0 characters the texts are those of `json.dumps` without white space; with 8, an indent fits."""
    for seed in range(40):
        schemas = Schemas(random.Random(seed))
        compact, free = compiled(schemas.root, 0), compiled(schemas.root, 8)
        for _ in range(10):
            value = schemas.example(schemas.root)
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            assert accepts(compact, text), (schemas.root, text)
            assert accepts(compact, dumped(value)) == (dumped(value) == text)
            for other in (text, dumped(value), json.dumps(value, ensure_ascii=False, indent=1)):
                assert accepts(free, other), (schemas.root, other)
