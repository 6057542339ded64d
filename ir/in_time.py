"""Closing in time: a constraint over an automaton whose text is whole before the tokens run out.

A token is allowed where what is left after it is at least the distance of the state that it leads to: the fewest tokens
from there to acceptance. So as long as the start is near enough, some token is allowed until the text is whole, and none
is ever taken back. Far from the limit the masks are those of the automaton.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sglc.ir.errors import ConstraintError
from sglc.ir.grammar import Grammar
from sglc.ir.tokens import TokenAutomaton, TokenConstraint

State: TypeAlias = tuple[int, int]
"""A state of the automaton, and how many tokens may still come."""

_FAR = 1 << 31  # further than any number of tokens
_MOST_ROWS = 1024  # of an automaton; a row of 128,000 ids takes 16 kB


@dataclass(slots=True)
class _Known:
    """Of one automaton. spread: by state, the least and the largest distance of the states after it. rows: by state and
    tokens left, the narrowed mask and the only id that it allows, or -1."""

    spread: dict[int, tuple[int, int]] = field(default_factory=dict[int, "tuple[int, int]"])
    rows: dict[State, tuple[NDArray[np.int32], int]] = field(
        default_factory=dict[State, "tuple[NDArray[np.int32], int]"]
    )


_known: WeakKeyDictionary[TokenAutomaton, _Known] = WeakKeyDictionary()


def in_time(constraint: TokenConstraint | Grammar | None, max_tokens: int) -> InTime:
    """The constraint of an answer that matches within so many tokens; an end id counts as none.

    Raises `ConstraintError` where there is no such answer, or where the constraint cannot tell.
    """
    if not isinstance(constraint, TokenAutomaton):
        why = f" ({constraint.why})" if isinstance(constraint, Grammar) else ""
        what = "without a constraint" if constraint is None else f"with a constraint that has no automaton{why}"
        raise ConstraintError(
            f"finish_in_time {what}: nothing says how many tokens an answer needs to its end",
            hint="give a regex or a schema that is regular, or leave finish_in_time out and raise max_tokens",
        )
    fewest = int(constraint.distance[constraint.start])
    if not 0 <= fewest <= max_tokens:
        raise ConstraintError(
            f"max_tokens is {max_tokens}, and with finish_in_time the answer needs at least {fewest} tokens to match",
            hint=f"raise max_tokens to {fewest} or more, or leave finish_in_time out",
        )
    known = _known.get(constraint)
    if known is None:
        known = _known[constraint] = _Known()
    return InTime(constraint, max_tokens, known)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class InTime:
    """Implements `TokenConstraint`. `in_time` makes one, for one answer; what is computed is kept by the automaton."""

    finite: ClassVar[bool] = True
    automaton: TokenAutomaton
    max_tokens: int
    _known: _Known

    @property
    def size(self) -> int:
        return self.automaton.size

    @property
    def start(self) -> State:
        return self.automaton.start, self.max_tokens

    def step(self, state: State, token: int) -> State | None:
        """None also where the text could not become whole any more."""
        after, left = self.automaton.step(state[0], token), state[1] - 1
        if after is None or not 0 <= self.automaton.distance[after] <= left:
            return None
        return after, left

    def row(self, state: State) -> NDArray[np.int32]:
        constraint, of = self.masked_by(state)
        return self._narrowed(state)[0] if constraint is self else constraint.row(of)

    def accepts(self, state: State) -> bool:
        return self.automaton.accepts(state[0])

    def is_final(self, state: State) -> bool:
        """Also where more may follow, and none of it could become whole in time."""
        automaton = self.automaton
        return automaton.accepts(state[0]) and (automaton.is_final(state[0]) or self._spread(state[0])[0] >= state[1])

    def only_id(self, state: State) -> int:
        if self._spread(state[0])[1] < state[1]:
            return self.automaton.only_id(state[0])
        return self._narrowed(state)[1]

    def forced_bytes(self, state: State) -> bytes:
        return self.automaton.forced_bytes(state[0])

    def reach(self, state: State, lengths: NDArray[np.int64]) -> int:
        """In the automaton, where more may be allowed."""
        return self.automaton.reach(state[0], lengths)

    def in_reach(self, state: State, ids: Sequence[int]) -> tuple[int, ...]:
        """As many of the ids, from the first on, as leave the end in reach: the fewest tokens of a forced text may be
        other ones than those that the tokenizer writes."""
        for count, token in enumerate(ids):
            after = self.step(state, token)
            if after is None:
                return tuple(ids[:count])
            state = after
        return tuple(ids)

    def masked_by(self, state: State) -> tuple[TokenConstraint, Any]:
        """A constraint in a state that has the same mask: far from the limit the automaton's own, of which a device may
        keep the masks."""
        if self._spread(state[0])[1] < state[1]:
            return self.automaton, state[0]
        return self, state

    def _spread(self, state: int) -> tuple[int, int]:
        """The least and the largest distance of the states after one; both too far where there are none, the largest
        where one has no way to the end."""
        found = self._known.spread.get(state)
        if found is None:
            after = self.automaton.next[state]
            distances = self.automaton.distance[after[after >= 0]].astype(np.int64)
            distances[distances < 0] = _FAR
            found = (int(distances.min(initial=_FAR)), int(distances.max(initial=-1)))
            self._known.spread[state] = found
        return found

    def _narrowed(self, state: State) -> tuple[NDArray[np.int32], int]:
        found = self._known.rows.get(state)
        if found is None:
            automaton, after = self.automaton, self.automaton.next[state[0]]
            distance = np.where(after >= 0, automaton.distance[after], -1)
            row = automaton.mask((distance >= 0) & (distance < state[1]), ends=automaton.accepts(state[0]))
            while len(self._known.rows) >= _MOST_ROWS:
                del self._known.rows[next(iter(self._known.rows))]
            found = self._known.rows[state] = row, _only(row)
        return found


def _only(row: NDArray[np.int32]) -> int:
    """The only id that a mask allows, -1 where it allows none or several."""
    words = np.flatnonzero(row)
    if len(words) != 1:
        return -1
    word = int(row[words[0]]) & 0xFFFFFFFF
    return -1 if word & (word - 1) else 32 * int(words[0]) + word.bit_length() - 1
