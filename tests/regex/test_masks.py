"""Masks: a token is allowed exactly where its bytes lead on to a match."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regex.compile import compile_regex
from tests.regexes import random_regex

MERGED = b"ab ba aa bb aab abb \xc3\xa9\xc3\xa9 a\xc3\xa9 \xc3\xa9a 10 100 .a C Ca _a 0- bc abc \n\n a\n".split(b" ")
ODD = [b" a", b"  ", b"\xc3\xa9", b"\xa9a", b"b\xc3", b"\xe4\xb8", b"\xb8\xad", b"\xe4\xb8\xad", b"\xff\xfe", b""]


def vocabulary() -> Vocabulary:
    """302 columns: every byte, some words, pieces of characters, control tokens, two end ids, columns without a token."""
    tokens = list(dict.fromkeys([*(bytes([byte]) for byte in range(256)), *MERGED, *ODD]))
    padding: list[bytes | None] = [None] * (298 - len(tokens))
    return Vocabulary((*tokens, *padding), frozenset({290, 297}), 302, "test")


VOCABULARY = vocabulary()


def allowed_ids(automaton: TokenAutomaton, state: int, size: int = VOCABULARY.size) -> set[int]:
    row = automaton.rows[automaton.row_of[state]]
    assert len(row) == -(-size // 32)
    return {32 * word + bit for word, value in enumerate(row.tolist()) for bit in range(32) if value >> bit & 1}


def check(automaton: TokenAutomaton, vocabulary: Vocabulary, states: list[int]) -> None:
    """Every array against the definition in `ir/tokens.py`, for the given states."""
    for state in states:
        expected = {
            index for index, token in enumerate(vocabulary.tokens) if token and automaton.step(state, token) >= 0
        }
        if automaton.accept[state]:
            expected |= vocabulary.end_ids
        assert allowed_ids(automaton, state, vocabulary.size) == expected
        assert automaton.forced[state] == (min(expected) if len(expected) == 1 else -1)
        assert automaton.final[state] == (automaton.accept[state] and bool((automaton.table[state] < 0).all()))
        assert expected or automaton.final[state]


@pytest.mark.parametrize("seed", range(6))
def test_masks_of_random_regexes(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(50):
        pattern = random_regex(draw)
        automaton = compile_regex(pattern, VOCABULARY)
        states = list(range(len(automaton.accept)))
        check(automaton, VOCABULARY, draw.sample(states, min(len(states), 25)))
        assert automaton.table.dtype == automaton.rows.dtype == automaton.row_of.dtype == np.int32
        assert automaton.forced.dtype == np.int32
        assert automaton.accept.dtype == automaton.final.dtype == np.bool_
        assert len({row.tobytes() for row in automaton.rows}) == len(automaton.rows), "a mask is kept once"


FINITE = ["a", "b", "é", "aé", "ab", "a?", "(?:ab)?", "b{1,2}", "[aé]", "(?:a|bé)", "(?:a|ab|)", "[ab]{0}"]


@pytest.mark.parametrize("seed", range(4))
def test_masks_of_finite_languages_without_any_automaton(seed: int) -> None:
    """The language is listed by `re`; a token is allowed after a prefix where a word begins with both."""
    draw = random.Random(seed)
    words = ["".join(word) for length in range(7) for word in itertools.product("abé", repeat=length)]
    for _ in range(25):
        body = "".join(draw.choice(FINITE) for _ in range(draw.randint(1, 3)))
        pattern = f"(?:{body}|{draw.choice(FINITE)})"
        language = [word.encode() for word in words if re.fullmatch(pattern, word)]
        prefixes = {word[:end] for word in language for end in range(len(word) + 1)}
        automaton = compile_regex(pattern, VOCABULARY)
        for prefix in prefixes:
            state = automaton.step(0, prefix)
            expected = {
                index
                for index, token in enumerate(VOCABULARY.tokens)
                if token and any(word.startswith(prefix + token) for word in language)
            }
            expected |= VOCABULARY.end_ids if prefix in language else set()
            assert allowed_ids(automaton, state) == expected, (pattern, prefix)


def test_a_number_from_one_to_ten() -> None:
    automaton = compile_regex("[1-9]|10", VOCABULARY)
    ten = VOCABULARY.tokens.index(b"10")
    digits = {VOCABULARY.tokens.index(bytes([byte])) for byte in b"123456789"}
    assert allowed_ids(automaton, 0) == digits | {ten}
    after_one, after_two = automaton.step(0, b"1"), automaton.step(0, b"2")
    assert allowed_ids(automaton, after_one) == {VOCABULARY.tokens.index(b"0")} | VOCABULARY.end_ids
    assert automaton.final[after_two]
    assert allowed_ids(automaton, after_two) == VOCABULARY.end_ids


def test_without_end_ids_a_final_state_allows_nothing() -> None:
    automaton = compile_regex("ab?", Vocabulary((b"a", b"b", None), frozenset(), 3, "test"))
    end = automaton.step(0, b"ab")
    assert automaton.final[end]
    assert not automaton.rows[automaton.row_of[end]].any()
    assert automaton.forced.tolist() == [0, 1, -1]


def test_an_end_id_with_text_is_an_end_id() -> None:
    automaton = compile_regex("a*b", Vocabulary((b"a", b"b"), frozenset({0}), 2, "test"))
    assert allowed_ids(automaton, 0, 2) == {1}
    assert allowed_ids(automaton, automaton.step(0, b"b"), 2) == {0}


@pytest.mark.parametrize("pattern", ["ac", "a*c?d", "(a|bc)*"])
def test_texts_that_the_vocabulary_cannot_write_are_refused(pattern: str) -> None:
    with pytest.raises(ConstraintError, match="cannot write every text"):
        compile_regex(pattern, Vocabulary((b"a", b"b", None), frozenset({2}), 3, "test"))


def test_characters_that_the_vocabulary_lacks_are_no_harm_where_others_will_do() -> None:
    automaton = compile_regex("[ac]*|é+", Vocabulary((b"a", "é".encode(), None), frozenset({2}), 3, "test"))
    assert allowed_ids(automaton, 0, 3) == {0, 1, 2}


def test_a_large_vocabulary_takes_a_moment() -> None:
    draw = random.Random(0)
    words = {bytes(draw.choices(b"abcdefghij 0123456789.,\n\xc3\xa9", k=draw.randint(2, 9))) for _ in range(32_000)}
    large = Vocabulary(
        (*(bytes([b]) for b in range(256)), *sorted(words), None), frozenset({256 + len(words)}), 33_000, ""
    )
    automaton = compile_regex(r"[a-j]{3,20} \d{1,3}(\.\d+)?", large)
    check(automaton, large, [0, 7, len(automaton.accept) - 1])
