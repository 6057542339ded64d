"""The oracle itself: whole matches are Python's, beginnings are those of listed languages, bytes are UTF-8."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from tests.constraints.bytewise import Follower, points_of
from tests.constraints.pattern_terms import UnsupportedError, term_of
from tests.constraints.random_constraints import of_regex, random_case
from tests.constraints.terms import TooLargeError
from tests.regexes import near_misses, random_regex, random_text


def follower(pattern: str) -> Follower:
    return of_regex(pattern).make_follower()


def test_whole_matches_are_those_of_python() -> None:
    draw, matches = random.Random(5), 0
    for _ in range(150):
        pattern = random_regex(draw)
        made, python = follower(pattern), re.compile(pattern)
        texts = [random_text(draw) for _ in range(5)]
        for text in [*texts, *(near for each in texts for near in near_misses(draw, each))]:
            expected = python.fullmatch(text) is not None
            matches += expected
            assert made.matches(text) == expected, (pattern, text)
    assert matches > 200


LISTED = [
    r"(?!da|cabd)(?:cab|da|[a-c]*)d?",
    r"(?=(?:ab|b)\Z)[ab]+",
    r"(?=ab)[abc]*",
    r"[ab]{,3}(?<!bb)",
    r"a*(?=b)[bc]*",
    r"[abc]+(?<=a)b?",
    r"(?i:a|B)c{2,}",
    r"(a|ab)(c|bcd)*?",
]


@pytest.mark.parametrize("pattern", LISTED)
def test_beginnings_are_those_of_the_texts_that_match(pattern: str) -> None:
    """Of all texts of four letters: a beginning of three letters has its end within three more, in these."""
    texts = ["".join(letters) for length in range(7) for letters in itertools.product("abcd", repeat=length)]
    made = follower(pattern)
    language = [text for text in texts if re.fullmatch(pattern, text)]
    assert language == [text for text in texts if made.matches(text)]
    begun = {text[:length] for text in language for length in range(4)}
    assert {text for text in texts if len(text) <= 3 and made.begins(text)} == begun


@pytest.mark.parametrize("pattern", [r"(a)\1", r"a\bb", r"(?>a|ab)c", "a++b", "(?:(?=a)a)*", "(?!a)b(?<=b)c", "a^b"])
def test_what_the_oracle_does_not_know(pattern: str) -> None:
    with pytest.raises(UnsupportedError):
        follower(pattern)


def test_bytes_begin_a_character_as_python_says() -> None:
    """All of two bytes, and third and fourth bytes behind each lead at the edges."""
    edges = [0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    given = [bytes(pair) for pair in itertools.product(range(256), repeat=2)]
    given += [bytes([lead, *more]) for lead in range(0xC0, 0x100) for more in itertools.product(edges, repeat=3)]
    given += [each[:3] for each in given if len(each) == 4] + [bytes([byte]) for byte in range(256)]
    for data in given:
        found = points_of(data)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            assert found is None or not found[2] or 0xD800 <= found[0] <= 0xDFFF, data
        else:
            assert (found == (ord(text), ord(text), True)) if len(text) == 1 else found is None, data
    for point in [*range(0x80, 0xD800, 97), *range(0xE000, 0x110000, 997), 0xFFFF, 0x10000, 0x10FFFF]:
        data = chr(point).encode()
        for length in range(1, len(data)):
            found = points_of(data[:length])
            assert found is not None
            assert found[0] <= point <= found[1]
            assert not found[2]


def test_random_cases_of_schemas_are_read_as_valid_json() -> None:
    """Texts of the terms of schemas are valid by the other oracle, so that the two readings check each other."""
    checked = 0
    for seed in range(120):
        draw = random.Random(seed)
        case = random_case(draw)
        if "json_schema" not in case.setting:
            continue
        made = case.make_follower()
        for _ in range(5):
            text = sample(made, draw)
            if text is not None:
                checked += 1
                assert case.whole(text), (case.constraint, text)
    assert checked > 100


def sample(made: Follower, draw: random.Random, longest: int = 80) -> str | None:
    """A text that matches, None where it gets too long."""
    state, data = 0, bytearray()
    try:
        while len(data) <= longest:
            allowed = [byte for byte in b'"\\[]{}:, 0123456789abu-.truefalsn\xc3\xa9' if made.step(state, byte) >= 0]
            if made.accepts(state) and (not allowed or draw.random() < 0.3):
                return data.decode()
            data.append(draw.choice(allowed or [byte for byte in range(256) if made.step(state, byte) >= 0]))
            state = made.step(state, data[-1])
    except TooLargeError:
        pass
    return None


def test_term_of_is_the_same_for_the_same_pattern() -> None:
    made = follower("(ab|a)*")
    assert term_of(made.terms, "(ab|a)*") == made.states[0][0]
