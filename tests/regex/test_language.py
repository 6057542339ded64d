"""The strings of a finite regex, against `re` by brute force and against the paths of its automaton."""

from __future__ import annotations

import functools
import itertools
import random
import re
import time

import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.passes.finite_language import finite_language
from tests.regexes import compile_bytes, random_regex

DIGITS = tuple(chr(point) for point in range(0x110000) if re.fullmatch(r"\d", chr(point)))

CASES: list[tuple[str, tuple[str, ...] | None]] = [
    ("", ("",)),
    ("[1-9]|10", ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10")),
    ("(yes|no)", ("yes", "no")),
    ("no|yes|maybe|no", ("no", "yes", "maybe")),
    ("True|False", ("True", "False")),
    ("(?P<verdict>good|bad)[.!]?", ("good", "good!", "good.", "bad", "bad!", "bad.")),
    ("a{0,3}", ("", "a", "aa", "aaa")),
    ("a{0,3}?", ("", "a", "aa", "aaa")),
    ("(ab?){1,2}", ("a", "ab", "aa", "aab", "aba", "abab")),
    ("(ab|a)(c|bc)", ("ac", "abc", "abbc")),
    ("(ab|aa)(cc|bcc)", ("abcc", "abbcc", "aacc", "aabcc")),
    ("(a|b){0,2}", ("", "a", "b", "aa", "ab", "ba", "bb")),
    ("(a?b?){2}", ("", "b", "a", "ab", "bb", "ba", "bab", "aa", "aab", "abb", "aba", "abab")),
    ("(|)*", ("",)),
    ("(x{0})*y", ("y",)),
    ("^yes$", ("yes",)),
    (r"\Aa\Z|b", ("a", "b")),
    (r"\.|\n|\x41|é|中|𝔸", ("\n", ".", "A", "é", "中", "𝔸")),
    ("(?x) a  b # and\n | c", ("c", "ab")),
    ("(?s:.)a{0}", None),
    (r"\d", DIGITS),
    (r"(?a)\d", tuple("0123456789")),
    ("(?i)no", ("NO", "No", "nO", "no")),
    ("(?i)ok", ("OK", "Ok", "O\u212a", "oK", "ok", "o\u212a")),  # the sign of Kelvin too: so Python has it
    ("(?i:a)b", ("Ab", "ab")),
    (r"[^\s\S]", ()),
    (r"[^\s\S]x*", ()),
    (r"[^\s\S]|a", ("a",)),
    (r"[^\s\S]?b", ("b",)),
    (r"([^\s\S]+x*|a)b", ("ab",)),
    ("\ud800|a", ("a",)),  # no text that has bytes holds a surrogate
    ("x*", None),
    ("(a|b+)c", None),
    ("a{3,}", None),
    ("(?:a?)*", None),
    (".", None),
    (r"\w", None),
    ("[a-z]{3}", None),
    ("a{0,5000}", None),
    ("a{0,4000000000}", None),
    ("(a", None),
    ("a**", None),
    (r"(a)\1", None),
    ("(?=a)a", ("a",)),
    (r"\b(?:yes|no|)\b", ("yes", "no")),
    (r"(?!no|yess)(?:yes|no|maybe)s?", ("yes", "maybe", "maybes")),
    ("(?=(?:yes|no)$)[a-z]+", ("no", "yes")),
    ("(?=b|ab?$)[ab]*(?<!bb)", None),
    ("(?=b|ab?$)[ab]{,2}(?<!bb)", ("a", "b", "ab", "ba")),
    ("(?>ab|a)", None),
    ("(?>ab|b)c?+", ("b", "bc", "ab", "abc")),
    ("a++", None),
    ("a++a", None),
    ("a^b", ()),
    (r"(?!a)\w", None),
]


@pytest.mark.parametrize(("regex", "strings"), CASES)
def test_cases(regex: str, strings: tuple[str, ...] | None) -> None:
    assert finite_language(Constraint("regex", regex), 1_000) == strings


@pytest.mark.parametrize("regex", [regex for regex, strings in CASES if strings])
def test_the_limit_is_exact(regex: str) -> None:
    strings = finite_language(Constraint("regex", regex), 1_000)
    assert strings
    assert finite_language(Constraint("regex", regex), len(strings)) == strings
    assert finite_language(Constraint("regex", regex), len(strings) - 1) is None


def count(pattern: str) -> int | None:
    """How many texts the automaton of a pattern accepts; None: no end of them."""
    try:
        dfa = compile_bytes(pattern)
    except ConstraintError as error:
        if "no text matches" not in str(error):
            raise
        return 0
    open_states: set[int] = set()

    @functools.cache
    def from_here(state: int) -> int | None:  # every state reaches acceptance: a circle has no end of texts
        if state in open_states:
            return None
        open_states.add(state)
        after = [from_here(int(target)) for target in dfa.table[state] if target >= 0]
        open_states.remove(state)
        return None if None in after else sum(filter(None, after)) + int(dfa.accept[state])

    return from_here(0)


@pytest.mark.parametrize("seed", range(6))
def test_random_regexes_have_as_many_strings_as_their_automaton(seed: int) -> None:
    draw = random.Random(seed)
    written = 0
    for _ in range(60):
        pattern = random_regex(draw)
        limit = draw.choice([1, 3, 10, 100, 1_000])
        expected, strings = count(pattern), finite_language(Constraint("regex", pattern), limit)
        if strings is None:
            assert expected is None or expected > limit, pattern
        else:
            written += 1
            assert len(set(strings)) == len(strings) == expected, pattern
            assert all(re.fullmatch(pattern, string) for string in strings), pattern
    assert written > 10


PIECES = ["a", "b", "ab", "", "[ab]", "(?:a|ba)", "(?:ab|a|)", "(?:b|a)", "(?:(?:a|b)?b)"]
COUNTS = ["", "", "?", "{2}", "{0,2}", "{1,2}?", "{0}", "??"]
WORDS = ["".join(word) for length in range(9) for word in itertools.product("ab", repeat=length)]


@pytest.mark.parametrize("seed", range(6))
def test_all_strings_of_small_regexes(seed: int) -> None:
    """Two pieces of two characters, doubled: no string is longer than the words."""
    draw = random.Random(seed)
    for _ in range(60):
        sequences = ["".join(f"(?:{draw.choice(PIECES)}){draw.choice(COUNTS)}" for _ in range(2)) for _ in range(2)]
        pattern = draw.choice(["{}|{}", "(?:{}|{})", "(?:{}|)|{}"]).format(*sequences)
        expected = {word for word in WORDS if re.fullmatch(pattern, word)}
        strings = finite_language(Constraint("regex", pattern), 5_000)
        assert strings is not None, pattern
        assert set(strings) == expected, pattern
        assert len(strings) == len(expected), pattern


@pytest.mark.parametrize(
    ("regex", "strings"),
    [
        ("a" * 20_000, 1),
        ("a{40000}", 1),
        ("(a{40000}|b)c", 2),
        ("ab|" * 5_000 + "c", 2),
        ("a?" * 90, 91),
        ("(a|b)?" * 60, None),
        ("(a?b?)" * 60, None),
        ("[ab]{40000}", None),
        ("(a{0,200}){0,200}", None),
        ("(a{30000}|b{30000}){1}", None),
        ("(" * 49 + "a|b" + ")?" * 49, 3),
        (".{0,40000}", None),
        ("(a|b)*a(a|b){60}", None),
        ("|".join(f"{i:05}" for i in range(3_000)), None),
        ("|".join(f"{i:05}" for i in range(90)), 90),
        ("(?i)" + "k" * 5_000, None),
    ],
)
def test_long_and_hostile_regexes_end_soon(regex: str, strings: int | None) -> None:
    start = time.monotonic()
    found = finite_language(Constraint("regex", regex), 100)
    assert (None if found is None else len(found)) == strings
    assert time.monotonic() - start < 10.0  # seconds: several times what a loaded machine takes


@pytest.mark.parametrize(
    "regex", ["[ab]{17}", "(a{0,60}b{0,60}){9}", "(a|b|ab|ba|aab){0,30}", "a{0,5000}", ".", "(.|a){2}"]
)
def test_work_is_bounded_without_a_limit(regex: str) -> None:
    start = time.monotonic()
    assert finite_language(Constraint("regex", regex), 10**12) is None
    assert time.monotonic() - start < 10.0


def test_none_from_deep_in_the_stack() -> None:
    def deep(depth: int) -> tuple[str, ...] | None:
        try:
            return deep(depth + 1)
        except RecursionError:
            return finite_language(Constraint("regex", "((((((a|b))))))"), 10)

    assert deep(0) in (None, ("a", "b"))
