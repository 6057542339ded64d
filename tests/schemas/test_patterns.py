"""`pattern`: a search, in the regular part of JavaScript's syntax."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sglc.ir.errors import ConstraintError
from tests.schemas.oracle import valid_string
from tests.schemas.texts import Sampler, accepts, compiled, dumped, matches, tried

DECIMAL = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"
DECIMAL_PLACES = r"^(?!^[-+.]*$)[+-]?0*(?:\d{0,8}|(?=[\d.]{1,11}0*$)\d{0,8}\.\d{0,2}0*$)"
"""What pydantic writes for a Decimal, and for one of 10 digits, 2 of them behind the point."""

JAVASCRIPT: list[tuple[str, list[str], list[str]]] = [
    ("", ["", "a\n"], []),
    ("b", ["b", "abc", "\nb\n", '"b"'], ["", "a"]),
    ("^b", ["b", "bc"], ["ab", "\nb"]),
    ("b$", ["b", "ab"], ["b\n", "bc"]),
    ("^$", [""], ["a"]),
    ("a(?=b)", ["ab", "xaby"], ["a", "ba", "axb"]),
    ("a(?!b)", ["a", "xay", "aba"], ["ab", "b"]),
    ("(?=a)", ["a", "ba"], ["", "b"]),
    ("(?!a)", ["", "a", "b"], []),
    ("^(?!a)", ["", "ba"], ["a", "ab"]),
    ("^(?!^a$)(?=..?$)", ["ab", "b", "ba"], ["a", "", "abc"]),
    ("^(?=.*[0-9])(?=.*[a-z])[a-z0-9]{2,4}$", ["a1", "1a", "abc1"], ["ab", "11", "1", "a1-", "abcd1"]),
    ("^(?:(?!--)[a-z-]*|[0-9](?![0-9]))$", ["a-b", "a--b", "", "1"], ["--a", "12", "a1"]),
    ("^a(?!b|c$)(?=(?!x).)", ["ad", "acc", 'a"'], ["a", "ab", "ac", "ax", "a\n"]),
    ('^(?![^"]*n)["\\\\n]*$', ["", '"', "\\", '"n'], ["n", "\\n", "a", "\n"]),
    (DECIMAL, ["1", "-.5", "+0.10", "007"], ["", ".", "-", "+.", "1.2.3", "a", "1e5"]),
    (DECIMAL_PLACES, ["1.25", "12345678.900", "-0.5"], ["-", ".", ""]),
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
        if isinstance(dfa := tried(schema), ConstraintError):
            nothing = "no string matches the pattern and has the length" in dfa.what
            assert nothing or "cannot be counted in this pattern" in dfa.what
            assert not (nothing and any(valid_string(text, schema) for text in texts)), schema
            refused += 1
            continue
        sampler = Sampler(dfa)
        texts += [json.loads(sampler.text(draw, about=12)) for _ in range(10)]
        for text in texts:
            if len(text) < 12:
                expected = valid_string(text, schema)
                counts[expected] += 1
                assert accepts(dfa, dumped(text)) == expected, (schema, text)
    assert counts[True] > 100
    assert counts[False] > 100
    assert 0 < refused < 25


@pytest.mark.parametrize(
    ("pattern", "what", "part"),
    [
        ("(?:a(?=b))+", "a look ahead is supported only where all that comes behind it is in its alternative", "(?="),
        ("(?:a(?!b)|c)d", "a look ahead is supported only where all that comes behind it is in its alternative", "(?!"),
        ("a(?=^b)", "^ is supported only at the start of the pattern", "^"),
        ("(?=a)*b", "nothing to repeat", "*"),
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
        compiled({"type": "string", "pattern": pattern})
    message, line, carets = caught.value.what.split("\n")
    assert message == f"json_schema at #/pattern: {what}"
    assert line[carets.index("^") : carets.rindex("^") + 1] == part
