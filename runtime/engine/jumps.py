"""What a constraint forces next, as the ids that the tokenizer would write for it: jump-forward.

Where an automaton allows one byte only, nothing is to be drawn. The forced bytes are encoded behind the id before them;
of their ids those are taken that nothing after them can change. An id is held back, and all after it, where the
automaton allows there a token that reaches beyond the forced bytes: the tokenizer may join what comes then (the rule is
llguidance's). Nothing is taken where the forced bytes would change the id before them. So the ids of an answer are those
of its text, and none is ever taken back. What is held back is drawn, by its mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sglc.ir.errors import ModelError
from sglc.ir.tokens import TokenAutomaton, Vocabulary

MAX_BYTES = 256
"""Of forced text that is looked at at once; longer text is several jumps."""


@dataclass(slots=True)
class _Known:
    """Of one automaton. reaches: int64 [classes]; the bytes of the longest token of each. forced: by state; the text that
    must come, and the states before each of its bytes. ids: by state and the id before."""

    reaches: NDArray[np.int64]
    forced: dict[int, tuple[list[int], bytes]] = field(default_factory=dict[int, tuple[list[int], bytes]])
    ids: dict[tuple[int, int | None], tuple[int, ...]] = field(
        default_factory=dict[tuple[int, "int | None"], tuple[int, ...]]
    )


class Jumps:
    """Of all constraints of a vocabulary; each place is computed once.

    encode: a text that follows other text -> ids.
    """

    def __init__(self, vocabulary: Vocabulary, encode: Callable[[str], Sequence[int]]) -> None:
        self._tokens = vocabulary.tokens
        self._encode = encode
        self._lengths = np.zeros(vocabulary.size, dtype=np.int64)
        self._lengths[: len(vocabulary.tokens)] = [len(token or b"") for token in vocabulary.tokens]
        self._known: WeakKeyDictionary[TokenAutomaton, _Known] = WeakKeyDictionary()

    def ids(self, automaton: TokenAutomaton, state: int, before: int | None) -> tuple[int, ...]:
        """The ids that are certain to come in a state. before: the id before them, None at the start of an answer."""
        known = self._known.get(automaton)
        if known is None:
            known = self._known[automaton] = _Known(self._reaches(automaton))
        forced = known.forced.get(state)
        if forced is None:
            forced = known.forced[state] = _forced(automaton, state)
        if not forced[1]:  # most states, and those that every id comes before
            return ()
        found = known.ids.get((state, before))
        if found is None:
            found = known.ids[state, before] = self._computed(automaton, *forced, before, known.reaches)
        return found

    def _computed(
        self,
        automaton: TokenAutomaton,
        states: list[int],
        forced: bytes,
        before: int | None,
        reaches: NDArray[np.int64],
    ) -> tuple[int, ...]:
        text = _text(forced)
        context = "" if before is None else _text_of(self._tokens[before])
        if not text or context is None:
            return ()
        try:
            ids = list(self._encode(context + text))
        except ModelError:  # a text that only a control token can write
            return ()
        if before is not None and ids[:1] != [before]:
            return ()
        ids = ids if before is None else ids[1:]
        pieces = [self._tokens[token] or b"" for token in ids]
        if b"".join(pieces) != text.encode():  # a tokenizer that puts something before a text, or cannot write it
            return ()
        place = 0
        for count, piece in enumerate(pieces):
            if _longest(automaton, states[place], reaches) > len(forced) - place:
                return tuple(ids[:count])
            place += len(piece)
        return tuple(ids)

    def _reaches(self, automaton: TokenAutomaton) -> NDArray[np.int64]:
        """int64 [classes]: the bytes of the longest token of each class."""
        longest = np.zeros(automaton.next.shape[1], dtype=np.int64)
        np.maximum.at(longest, automaton.class_of, self._lengths[: automaton.size])
        return longest


def _longest(automaton: TokenAutomaton, state: int, reaches: NDArray[np.int64]) -> int:
    """The bytes of the longest token that is allowed in a state."""
    return int(reaches[automaton.next[state] >= 0].max(initial=0))


def _forced(automaton: TokenAutomaton, state: int) -> tuple[list[int], bytes]:
    """The bytes that must come, and the states before each of them."""
    states: list[int] = []
    forced = bytearray()
    while len(forced) < MAX_BYTES and not automaton.accept[state]:
        (classes,) = np.nonzero(automaton.moves[state] >= 0)
        if len(classes) != 1:
            break
        (allowed,) = np.nonzero(automaton.byte_class == classes[0])
        if len(allowed) != 1:
            break
        states.append(state)
        forced.append(int(allowed[0]))
        state = int(automaton.moves[state, classes[0]])
    return states, bytes(forced)


def _text(data: bytes) -> str:
    """Bytes as text, without an unfinished character at their end; "" where they begin inside of one."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        return data[: error.start].decode()


def _text_of(token: bytes | None) -> str | None:
    """The text of a token; None for one that is no whole text."""
    try:
        return None if token is None else token.decode()
    except UnicodeDecodeError:
        return None
