"""The byte automaton of a regex accepts exactly what Python's `re.fullmatch` matches."""

from __future__ import annotations

import random
import re
import unicodedata

import numpy as np
import pytest

from sglc.ir.errors import ConstraintError
from sglc.passes.regex.characters import characters
from sglc.passes.regex.syntax import parse
from sglc.passes.regular.utf8 import ByteDfa
from tests.regexes import compile_bytes, near_misses, random_regex, random_text

NOTHING = ByteDfa(np.zeros(256, dtype=np.uint8), np.full((1, 1), -1, dtype=np.int32), np.array([False]))


def accepts(dfa: ByteDfa, data: bytes) -> bool:
    state = 0
    for byte in data:
        if state >= 0:
            state = int(dfa.table[state, byte])
    return state >= 0 and bool(dfa.accept[state])


def sampled(draw: random.Random, dfa: ByteDfa, longest: int = 14) -> str | None:
    """A text that a walk through the automaton ends with, None where it gets too long."""
    state, data = 0, bytearray()
    while len(data) <= longest:
        allowed = [byte for byte in range(256) if dfa.table[state, byte] >= 0]
        if dfa.accept[state] and (not allowed or draw.random() < 0.4):
            return data.decode()
        data.append(draw.choice(allowed))
        state = int(dfa.table[state, data[-1]])
    return None


@pytest.mark.parametrize("seed", range(8))
def test_random_regexes_mean_what_python_means(seed: int) -> None:
    draw = random.Random(seed)
    matches = 0
    for _ in range(60):
        pattern = random_regex(draw)
        dfa = compile_bytes(pattern)
        walks = [sampled(draw, dfa) for _ in range(4)]
        texts = [random_text(draw) for _ in range(6)] + [text for text in walks if text is not None]
        texts += [near for text in texts for near in near_misses(draw, text)]
        python = re.compile(pattern)
        for text in texts:
            expected = python.fullmatch(text) is not None
            matches += expected
            assert accepts(dfa, text.encode()) == expected, (pattern, text)
    assert matches > 200


def test_cpython_own_table() -> None:
    table = pytest.importorskip("test.re_tests")
    refused: list[str] = []
    compared = 0
    for pattern, text, *_ in table.tests:
        if not isinstance(pattern, str):
            continue
        try:
            python = re.compile(pattern)
        except re.error:
            with pytest.raises(ConstraintError, match="not a valid regex"):
                parse(pattern)
            continue
        try:
            dfa = compile_bytes(pattern)
        except ConstraintError as error:
            if "no text matches" not in error.what:
                refused.append(error.what.splitlines()[0])
                continue
            dfa = NOTHING
        for candidate in {
            text,
            *(text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1) if len(text) < 12),
        }:
            compared += 1
            assert accepts(dfa, candidate.encode()) == (python.fullmatch(candidate) is not None), (pattern, candidate)
    assert compared > 3_000
    assert set(refused) == {"a back-reference is not regular"}


@pytest.mark.parametrize(
    "pattern", [r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", ".", r"(?s).", r"(?a)\w", r"(?i)[a-zß-ÿ]"]
)
def test_classes_of_all_of_unicode(pattern: str) -> None:
    dfa, python = compile_bytes(pattern), re.compile(pattern)
    points = [*range(0x3000), *range(0x3000, 0x110000, 61), 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]
    for text in (chr(point) for point in points if not 0xD800 <= point <= 0xDFFF):
        assert accepts(dfa, text.encode()) == (python.fullmatch(text) is not None), text


@pytest.mark.parametrize("name", ["L", "Lu", "Mn", "Nd", "Pd", "S", "Zs", "C", "Cf", "Co", "Cn"])
def test_properties_of_all_of_unicode(name: str) -> None:
    yes, no, wider = (
        compile_bytes(rf"\p{{{name}}}"),
        compile_bytes(rf"\P{{{name}}}"),
        compile_bytes(rf"[^a\P{{{name}}}]"),
    )
    points = [
        *range(0x3000),
        *range(0x3000, 0x110000, 61),
        *range(0xE0000, 0xE0200),
        0x3FFFF,
        0xFFFFD,
        0xFFFFE,
        0x10FFFF,
    ]
    for point in points:
        if not 0xD800 <= point <= 0xDFFF:
            expected = unicodedata.category(chr(point)).startswith(name)
            found = [accepts(dfa, chr(point).encode()) for dfa in (yes, no, wider)]
            assert found == [expected, not expected, expected and point != ord("a")], point


def test_no_character_beyond_those_that_are_asked() -> None:
    """What the sets of characters take for granted about the upper planes and about ASCII in another case."""
    upper = "".join(map(chr, range(0x40000, 0x110000)))
    assert not re.search(r"[\w\s]", upper)
    assert upper.lower() == upper == upper.upper()
    every = "".join(map(chr, range(0x110000)))
    for letter in "kKiIsSzZ1-":
        python = re.findall(re.escape(letter), every, re.IGNORECASE)
        found = characters(letter, re.IGNORECASE)
        assert "".join(python) == "".join(chr(c) for first, last in found for c in range(first, last + 1))


def test_only_utf8_is_accepted() -> None:
    dfa = compile_bytes("(?s).*")
    for data in (
        b"\x80",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xff",
    ):
        assert not accepts(dfa, data)
        with pytest.raises(UnicodeDecodeError):
            data.decode()


def classes(dfa: ByteDfa) -> int:
    """The number of states with different languages (Moore: refine until nothing changes)."""
    of = np.unique(dfa.accept, return_inverse=True)[1]
    while True:
        behind = np.concatenate([of[:, None], np.append(of, -1)[dfa.table]], axis=1)
        finer = np.unique(behind, axis=0, return_inverse=True)[1].reshape(-1)
        if finer.max() == of.max():
            return int(of.max()) + 1
        of = finer


def test_no_two_states_are_alike() -> None:
    draw = random.Random(0)
    patterns = [random_regex(draw) for _ in range(150)] + ["(a|b)*a(a|b){5}", "(a{0,40}b)*", "(ab?){9}|(a|ab){3,7}c"]
    for dfa in map(compile_bytes, patterns):
        if len(dfa.accept) < 400:
            assert classes(dfa) == len(dfa.accept)


def test_automata_are_as_small_as_can_be() -> None:
    sizes = {
        "a": 2,
        "a|b": 2,
        "(a|b)*": 1,
        "(ab|ac)(d|e)": 4,
        "a{0,500}": 501,
        "(a?){500}": 501,
        "(a*)*b|b": 2,
        ".": 9,
    }
    assert {pattern: len(compile_bytes(pattern).accept) for pattern in sizes} == sizes


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"^a$", ["a"], ["a\n", ""]),  # `$` before a final newline is no full match
        (r"(^a|b)c$", ["ac", "bc"], ["c"]),
        (r"(?x) a \ b # end", ["a b"], ["ab", "a b "]),
        ("(?x)a # is it a (?\n b\n# or c|d* )?\n + # [", ["ab", "abb"], ["a", "aab", ""]),
        ("(?x:a # b?\n) *(?-x: #)", ["a #", "a   #"], ["a", " #"]),
        ("a|bc|d(?#|e)*|f", ["a", "bc", "", "ddd", "f"], ["b", "e", "bcd"]),
        ("(?:ab|a b|c){2}(?x:|c d|d e)", ["aba b", "ccde"], ["ab", "ccd e"]),
        ("(ab|cd(e)|f|)g", ["abg", "cdeg", "fg", "g"], ["cdg", "eg"]),
        (r"a{,3}", ["", "aaa"], ["aaaa"]),
        ("a{\u0663}", ["a{\u0663}"], ["aaa", "a"]),
        (r"a{x}", ["a{x}"], ["a"]),
        (r"(?i)straße", ["STRAßE", "Straẞe"], ["strasse"]),
        (r"(?i)k", ["k", "K", "\u212a"], [""]),
        ("", [""], ["a"]),
    ],
)
def test_corners(pattern: str, yes: list[str], no: list[str]) -> None:
    dfa = compile_bytes(pattern)
    assert [accepts(dfa, text.encode()) for text in yes + no] == [True] * len(yes) + [False] * len(no)
    assert [re.fullmatch(pattern, text) is not None for text in yes + no] == [True] * len(yes) + [False] * len(no)
