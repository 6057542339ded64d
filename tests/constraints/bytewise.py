"""The language of a term, followed byte by byte and token by token: slow, and easy to see through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sglc.ir.tokens import Vocabulary
from tests.constraints.terms import Terms

_LEADS = ((0x00, 0x7F, 1), (0xC0, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF7, 4))
"""First and last byte that begin a character of so many bytes."""
_LEAST = {1: 0, 2: 0x80, 3: 0x800, 4: 0x10000}
"""The first code point that takes so many bytes: a shorter one in as many is not UTF-8."""


def points_of(begun: bytes) -> tuple[int, int, bool] | None:
    """The first and last code point that begin with bytes, and whether the character is complete; None where there are
    none."""
    for first, last, length in _LEADS:
        if first <= begun[0] <= last and len(begun) <= length:
            break
    else:
        return None
    if any(byte & 0xC0 != 0x80 for byte in begun[1:]):
        return None
    point = begun[0] if length == 1 else begun[0] & (0x7F >> length)
    for byte in begun[1:]:
        point = point << 6 | byte & 0x3F
    open_bits = 6 * (length - len(begun))
    low, high = max(point << open_bits, _LEAST[length]), min((point + 1 << open_bits) - 1, 0x10FFFF)
    return (low, high, open_bits == 0) if low <= high else None


class Follower:
    """States are numbers, -1 for no way on. State 0 is the start."""

    def __init__(self, terms: Terms, term: int) -> None:
        self.terms = terms
        self.states: list[tuple[int, bytes]] = [(term, b"")]
        self._numbers = {self.states[0]: 0}
        self._steps: dict[tuple[int, int], int] = {}
        self._masks: dict[int, NDArray[np.int32]] = {}

    @property
    def is_empty(self) -> bool:
        """No text matches at all."""
        return not self.terms.live(self.states[0][0])

    def accepts(self, state: int) -> bool:
        term, begun = self.states[state]
        return not begun and self.terms.nullable(term)

    def step(self, state: int, byte: int) -> int:
        """The state after a byte; -1 where no match begins so."""
        key = (state, byte)
        if key not in self._steps:
            self._steps[key] = self._step(*self.states[state], byte)
        return self._steps[key]

    def _step(self, term: int, begun: bytes, byte: int) -> int:
        begun += bytes([byte])
        points = points_of(begun)
        if points is None:
            return -1
        low, high, complete = points
        after = [self.terms.derivative(term, kind) for kind in self.terms.kinds_between(low, high)]
        if not any(map(self.terms.live, after)):
            return -1
        place = (after[0], b"") if complete else (term, begun)
        if place not in self._numbers:
            self._numbers[place] = len(self.states)
            self.states.append(place)
        return self._numbers[place]

    def walk(self, state: int, data: bytes) -> int:
        for byte in data:
            if state < 0:
                return -1
            state = self.step(state, byte)
        return state

    def matches(self, text: str) -> bool:
        end = self.walk(0, text.encode())
        return end >= 0 and self.accepts(end)

    def begins(self, text: str) -> bool:
        """A text is the beginning of a match. An answer that is cut may end within a character: that is one U+FFFD."""
        cut = [text[:-1]] if text.endswith("\ufffd") else []
        return any(self.walk(0, each.encode()) >= 0 for each in [text, *cut])

    def mask(self, state: int, vocabulary: Vocabulary) -> NDArray[np.int32]:
        """int32 [ceil(size / 32)]: each token's bytes tried one after another; end ids where the text matches. Kept by
        state: of one vocabulary only."""
        if state not in self._masks:
            bits = np.zeros(-(-vocabulary.size // 32) * 32, dtype=np.bool_)
            for token, text in enumerate(vocabulary.tokens):
                if text and token not in vocabulary.end_ids:
                    bits[token] = self.walk(state, text) >= 0
            for end in vocabulary.end_ids:
                if end < vocabulary.size:
                    bits[end] = self.accepts(state)
            self._masks[state] = np.packbits(bits, bitorder="little").view("<i4").astype(np.int32, copy=False)
        return self._masks[state]
