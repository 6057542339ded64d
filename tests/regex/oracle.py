"""Vocabularies of several kinds, and what a token automaton must be: a token's bytes walked one by one."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regular.utf8 import ByteDfa

MERGED = b"ab ba aa bb aab abb \xc3\xa9\xc3\xa9 a\xc3\xa9 \xc3\xa9a 10 100 .a C Ca _a 0- bc abc \n\n a\n".split(b" ")
ODD = [b" a", b"  ", b"\xc3\xa9", b"\xa9a", b"b\xc3", b"\xe4\xb8", b"\xb8\xad", b"\xe4\xb8\xad", b"\xff\xfe", b""]


def byte_level() -> Vocabulary:
    """302 columns: every byte, some words, pieces of characters, control tokens, two end ids, columns without a token."""
    tokens = list(dict.fromkeys([*(bytes([byte]) for byte in range(256)), *MERGED, *ODD]))
    padding: list[bytes | None] = [None] * (298 - len(tokens))
    return Vocabulary((*tokens, *padding), frozenset({290, 297}), 302, "test")


def sentence_piece(draw: random.Random) -> Vocabulary:
    """As SentencePiece with byte fallback: control tokens first, then single bytes, then words with and without a space
    before them, characters of several bytes, twins (two ids of one text), one end id with a text, padded columns."""
    letters = ["a", "b", "C", "0", "1", "é", "中", ".", "_", "-", "\n", " "]
    words = {"".join(draw.choices(letters, k=draw.randint(1, 5))) for _ in range(150)}
    texts: list[bytes | None] = [None, None, b"</s>", *(bytes([byte]) for byte in range(256))]
    for word in sorted(words):
        texts += [word.encode(), b" " + word.encode()]
    texts += [b"a", b"ab", None, b""]
    return Vocabulary(tuple(texts), frozenset({1, 2, len(texts) + 5}), len(texts) + draw.randint(0, 70), "test")


def sparse(draw: random.Random) -> Vocabulary:
    """Half of the bytes, some of them as a part of longer tokens only, in no order; sometimes without an end id."""
    texts: list[bytes | None] = [bytes([byte]) for byte in b"ab01.-_ C\n\xc3\xa9" if draw.random() < 0.8]
    texts += [bytes(draw.choices(b"ab01.\xc3\xa9", k=draw.randint(2, 6))) for _ in range(60)]
    texts.append(None)
    draw.shuffle(texts)
    ends = frozenset({texts.index(None)}) if draw.random() < 0.8 else frozenset[int]()
    return Vocabulary(tuple(texts), ends, len(texts), "test")


def after(dfa: ByteDfa, state: int, text: bytes) -> int:
    """The state after bytes, -1 where one is not allowed."""
    for byte in text:
        if state < 0:
            return -1
        state = int(dfa.table[state, byte])
    return state


def allowed_after(dfa: ByteDfa, vocabulary: Vocabulary, state: int) -> dict[int, int | None]:
    """id -> the state after it, None for an end id: all that is allowed in a state."""
    found: dict[int, int | None] = {}
    for token, text in enumerate(vocabulary.tokens):
        if text and token not in vocabulary.end_ids and (to := after(dfa, state, text)) >= 0:
            found[token] = to
    for token, to in dfa.ids.items():
        if to[state] >= 0:
            assert found.setdefault(token, int(to[state])) == to[state]
    if dfa.accept[state]:
        found |= {end: None for end in vocabulary.end_ids if end < vocabulary.size}
    return found


def ids(row: NDArray[np.int32]) -> set[int]:
    """The ids of the bits that are set in a mask, bit by bit."""
    return {32 * word + bit for word, value in enumerate(row.tolist()) for bit in range(32) if value >> bit & 1}


def check(automaton: TokenAutomaton, dfa: ByteDfa, vocabulary: Vocabulary, states: list[int]) -> None:
    """Everything that a token automaton says of the given states; `dfa` has the same states."""
    assert automaton.size == vocabulary.size
    for state in states:
        expected = allowed_after(dfa, vocabulary, state)
        row = automaton.row(state)
        assert row.shape == (-(-vocabulary.size // 32),)
        assert ids(row) == set(expected)
        for token in range(vocabulary.size):
            assert automaton.step(state, token) == expected.get(token)
        assert automaton.forced[state] == (min(expected) if len(expected) == 1 else -1)
        going = set(expected) - vocabulary.end_ids or bool((dfa.table[state] >= 0).any())
        final = bool(dfa.accept[state]) and not (expected and going)
        assert bool(automaton.final[state]) == final
        assert automaton.walk(state, b"a") == after(dfa, state, b"a")


def distances(dfa: ByteDfa, vocabulary: Vocabulary) -> list[int]:
    """The fewest tokens to acceptance, for every state: relaxed until nothing changes; -1 where there is no way."""
    moves = [
        {to for to in allowed_after(dfa, vocabulary, state).values() if to is not None}
        for state in range(len(dfa.accept))
    ]
    found: list[float] = [0 if accepts else float("inf") for accepts in dfa.accept]
    changed = True
    while changed:
        changed = False
        for state, targets in enumerate(moves):
            shorter = min((found[to] + 1 for to in targets), default=found[state])
            if shorter < found[state]:
                found[state], changed = shorter, True
    return [-1 if value == float("inf") else int(value) for value in found]
