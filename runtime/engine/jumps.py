"""What a constraint forces next, as the ids that the tokenizer would write for it: jump-forward.

Where a constraint allows one byte only, nothing is to be drawn. The forced bytes are encoded behind the id before them;
of their ids those are taken that nothing after them can change. An id is held back, and all after it, where the
constraint allows there a token that reaches beyond the forced bytes: the tokenizer may join what comes then (the rule is
llguidance's). Nothing is taken where the forced bytes would change the id before them. So the ids of an answer are those
of its text, and none is ever taken back. What is held back is drawn, by its mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from sglc.ir.errors import ModelError
from sglc.ir.in_time import InTime
from sglc.ir.tokens import TokenConstraint, Vocabulary


@dataclass(slots=True)
class _Known:
    """Of one constraint. forced: by state, the bytes that must come. ids: by state and the id before."""

    forced: dict[Any, bytes] = field(default_factory=dict[Any, bytes])
    ids: dict[tuple[Any, int | None], tuple[int, ...]] = field(
        default_factory=dict[tuple[Any, "int | None"], tuple[int, ...]]
    )


class Jumps:
    """Of all constraints of a vocabulary; each place of an automaton is computed once.

    encode: a text that follows other text -> ids.
    """

    def __init__(self, vocabulary: Vocabulary, encode: Callable[[str], Sequence[int]]) -> None:
        self._tokens = vocabulary.tokens
        self._encode = encode
        self._lengths = np.zeros(vocabulary.size, dtype=np.int64)
        self._lengths[: len(vocabulary.tokens)] = [len(token or b"") for token in vocabulary.tokens]
        self._known: WeakKeyDictionary[TokenConstraint, _Known] = WeakKeyDictionary()

    def ids(self, constraint: TokenConstraint, state: Any, before: int | None) -> tuple[int, ...]:
        """The ids that are certain to come in a state. before: the id before them, None at the start of an answer."""
        if isinstance(constraint, InTime):  # what is known is known of the automaton, whatever is left of the tokens
            return constraint.in_reach(state, self.ids(constraint.automaton, state[0], before))
        if not constraint.finite:
            forced = constraint.forced_bytes(state)
            return self._computed(constraint, state, forced, before) if forced else ()
        known = self._known.get(constraint)
        if known is None:
            known = self._known[constraint] = _Known()
        forced = known.forced.get(state)
        if forced is None:
            forced = known.forced[state] = constraint.forced_bytes(state)
        if not forced:  # most states, and those that every id comes before
            return ()
        found = known.ids.get((state, before))
        if found is None:
            found = known.ids[state, before] = self._computed(constraint, state, forced, before)
        return found

    def _computed(self, constraint: TokenConstraint, state: Any, forced: bytes, before: int | None) -> tuple[int, ...]:
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
        left = len(forced)
        for count, (token, piece) in enumerate(zip(ids, pieces, strict=True)):
            if constraint.reach(state, self._lengths) > left:
                return tuple(ids[:count])
            state = constraint.step(state, token)
            left -= len(piece)
        return tuple(ids)


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
