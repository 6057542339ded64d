"""Masks: a token is allowed exactly where its bytes lead on to a match."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regular import tokens
from sglc.passes.regular.source import Source
from sglc.passes.regular.tokens import token_automaton
from tests.regex.oracle import allowed_after, byte_level, check, distances, ids, sentence_piece, sparse
from tests.regexes import compile_bytes, compile_regex, random_regex, stepped

VOCABULARY = byte_level()


def allowed_ids(automaton: TokenAutomaton, state: int) -> set[int]:
    return ids(automaton.row(state))


def some_vocabulary(draw: random.Random) -> Vocabulary:
    return draw.choice([lambda draw: VOCABULARY, sentence_piece, sparse])(draw)


@pytest.mark.parametrize("seed", range(6))
def test_masks_of_random_regexes(seed: int) -> None:
    draw = random.Random(seed)
    refused = 0
    for _ in range(40):
        vocabulary = some_vocabulary(draw)
        pattern = random_regex(draw)
        dfa = compile_bytes(pattern)
        try:
            automaton = token_automaton(dfa, vocabulary, Source("regex", pattern))
        except ConstraintError:
            refused += 1
            continue
        states = list(range(len(dfa.accept)))
        check(automaton, dfa, vocabulary, draw.sample(states, min(len(states), 12)))
        assert automaton.distance.tolist() == distances(dfa, vocabulary)
        assert automaton.class_of.dtype == automaton.next.dtype == automaton.distance.dtype == np.int32
        assert automaton.forced.dtype == automaton.row_of.dtype == automaton.row(0).dtype == np.int32
        assert automaton.accept.dtype == automaton.final.dtype == np.bool_
        first = [states[row] for row in np.unique(automaton.row_of, return_index=True)[1]]
        assert len({row.tobytes() for row in automaton.rows(first)}) == len(automaton.row_ends), "a mask is kept once"
        assert len({column.tobytes() for column in automaton.next.T}) == automaton.next.shape[1], "and so is a class"
    assert refused < 25


@pytest.mark.parametrize("seed", range(4))
def test_a_vocabulary_is_refused_exactly_where_tokens_lead_to_a_dead_end(seed: int) -> None:
    draw = random.Random(seed)
    refused = 0
    for _ in range(60):
        vocabulary, pattern = sparse(draw), random_regex(draw)
        dfa = compile_bytes(pattern)
        far = distances(dfa, vocabulary)
        reached, stack = {0}, [0]
        while stack:
            state = stack.pop()
            for to in allowed_after(dfa, vocabulary, state).values():
                if to is not None and to not in reached:
                    reached.add(to)
                    stack.append(to)
        dead = any(far[state] < 0 for state in reached)
        refused += dead
        if dead:
            with pytest.raises(ConstraintError, match="cannot write every text"):
                token_automaton(dfa, vocabulary, Source("regex", pattern))
        else:
            token_automaton(dfa, vocabulary, Source("regex", pattern))
    assert 3 < refused < 57


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), choices=st.lists(st.integers(0, 10**6), max_size=30))
def test_a_walk_by_tokens_is_the_walk_by_bytes(seed: int, choices: list[int]) -> None:
    """Whatever is chosen of what is allowed: the state is that of the bytes, the masks of all steps stand, a state that
    was kept goes on as it did, and the distance never falls by more than one."""
    draw = random.Random(seed)
    vocabulary, pattern = draw.choice([VOCABULARY, sentence_piece(draw)]), random_regex(draw)
    dfa = compile_bytes(pattern)
    automaton = token_automaton(dfa, vocabulary, Source("regex", pattern))
    states, taken = [0], list[int]()
    for choice in choices:
        allowed = sorted(allowed_ids(automaton, states[-1]) - vocabulary.end_ids)
        if not allowed:
            break
        taken.append(allowed[choice % len(allowed)])
        states.append(stepped(automaton, states[-1], taken[-1]))
        assert automaton.distance[states[-1]] >= automaton.distance[states[-2]] - 1
    text = b"".join(vocabulary.tokens[token] or b"" for token in taken)
    assert automaton.walk(0, text) == states[-1]
    check(automaton, dfa, vocabulary, states[-1:])
    middle = len(taken) // 2
    state = states[middle]
    for token, expected in zip(taken[middle:], states[middle + 1 :], strict=True):
        state = stepped(automaton, state, token)
        assert state == expected


def test_the_shortest_way_out_is_as_long_as_the_distance_says() -> None:
    automaton = compile_regex(r"(a{3}){4}(\.a)?b", VOCABULARY)
    state, steps = 0, 0
    while automaton.distance[state]:
        after = [to for token in allowed_ids(automaton, state) if (to := automaton.step(state, token)) is not None]
        state = min(after, key=lambda to: automaton.distance[to])
        steps += 1
    assert automaton.accept[state]
    assert steps == automaton.distance[0] == 6 + 1 - 1  # aa five times, aab


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
            state = automaton.walk(0, prefix)
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
    after_one, after_two = automaton.walk(0, b"1"), automaton.walk(0, b"2")
    assert allowed_ids(automaton, after_one) == {VOCABULARY.tokens.index(b"0")} | VOCABULARY.end_ids
    assert automaton.final[after_two]
    assert allowed_ids(automaton, after_two) == VOCABULARY.end_ids


def test_without_end_ids_a_final_state_allows_nothing() -> None:
    automaton = compile_regex("ab?", Vocabulary((b"a", b"b", None), frozenset(), 3, "test"))
    end = automaton.walk(0, b"ab")
    assert automaton.final[end]
    assert not automaton.row(end).any()
    assert automaton.forced.tolist() == [0, 1, -1]


def test_where_no_token_may_follow_an_accepted_text_the_answer_ends() -> None:
    """No end id, and the byte that may follow has no token: there would be nothing to draw."""
    automaton = compile_regex("a(bc)?", Vocabulary((b"a", b"abc", None), frozenset(), 3, "test"))
    assert automaton.final.tolist() == [bool(accepts) for accepts in automaton.accept]


def test_an_end_id_with_text_is_an_end_id() -> None:
    automaton = compile_regex("a*b", Vocabulary((b"a", b"b"), frozenset({0}), 2, "test"))
    assert allowed_ids(automaton, 0) == {1}
    assert allowed_ids(automaton, automaton.walk(0, b"b")) == {0}


@pytest.mark.parametrize("pattern", ["ac", "a*c?d", "(a|bc)*"])
def test_texts_that_the_vocabulary_cannot_write_are_refused(pattern: str) -> None:
    with pytest.raises(ConstraintError, match="cannot write every text"):
        compile_regex(pattern, Vocabulary((b"a", b"b", None), frozenset({2}), 3, "test"))


def test_characters_that_the_vocabulary_lacks_are_no_harm_where_others_will_do() -> None:
    automaton = compile_regex("[ac]*|é+", Vocabulary((b"a", "é".encode(), None), frozenset({2}), 3, "test"))
    assert allowed_ids(automaton, 0) == {0, 1, 2}


def test_a_large_vocabulary_takes_a_moment() -> None:
    draw = random.Random(0)
    words = {bytes(draw.choices(b"abcdefghij 0123456789.,\n\xc3\xa9", k=draw.randint(2, 9))) for _ in range(32_000)}
    large = Vocabulary(
        (*(bytes([b]) for b in range(256)), *sorted(words), None), frozenset({256 + len(words)}), 33_000, ""
    )
    dfa = compile_bytes(r"[a-j]{3,20} \d{1,3}(\.\d+)?")
    check(token_automaton(dfa, large, Source("regex", "large")), dfa, large, [0, 7, len(dfa.accept) - 1])


def test_the_trie_of_a_vocabulary_is_made_once() -> None:
    assert VOCABULARY.trie is VOCABULARY.trie


def test_masks_are_made_on_first_use_and_kept() -> None:
    automaton = compile_regex("a|bc", VOCABULARY)
    assert automaton.row(0) is automaton.row(0)
    assert not automaton.row(0).flags.writeable
    states = [1, 0, 1]
    assert [row.tobytes() for row in automaton.rows(states)] == [automaton.row(state).tobytes() for state in states]
    assert automaton.rows([]).shape == (0, 10)


@pytest.mark.parametrize("limit", ["MAX_WORK", "MAX_CELLS", "MAX_MASK_BYTES"])
def test_tables_that_would_be_too_large_are_refused(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, limit, 10)
    with pytest.raises(ConstraintError) as caught:
        compile_regex("[ab]{1,9}c{1,9}", VOCABULARY)
    assert caught.value.what == (
        "the regex '[ab]{1,9}c{1,9}' has too many different places for this vocabulary to keep a mask for each"
    )
    assert caught.value.hint == "make its repeats smaller, or split the answer into several gens"
