"""The requests of one run of a program, and what such a run is expected to take."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc.runtime.engine.sequence import Sequence

REMEMBERED = 32
"""Runs of a program that the next ones are expected to be like."""

LONGER = 0.5
"""The share of runs that may take longer than all those that have ended, where these say what is to be expected."""


class Kind:
    """What is known of the runs of one program. taken: by the last runs after their first prompts. alive: those that have begun
    and not ended. expected: of the next ones, tokens: the most that one of the last runs took, or one that is alive. None where
    it is not known: of runs that began together the short ones end first, so as long as many have taken more than any that
    has ended, these say too little."""

    __slots__ = ("alive", "expected", "taken")

    def __init__(self) -> None:
        self.taken: deque[int] = deque(maxlen=REMEMBERED)
        self.alive: set[Family] = set()
        self.expected: int | None = None

    def learn(self, taken: int) -> None:
        """From a run that has ended."""
        self.taken.append(taken)
        ages = sorted(family.taken_since() for family in self.alive)
        self.expected = max((*self.taken, *ages)) if longer(self.taken, ages) <= LONGER else None


def longer(ended: Iterable[int], ages: list[int]) -> float:
    """The share of runs that take longer than any of those that ended, estimated from what they took and, in ascending order,
    what the others have taken so far: the product-limit estimator (Kaplan and Meier 1958)."""
    share = 1.0
    lengths = sorted(ended)
    for number, length in enumerate(lengths):
        at_risk = len(lengths) - number + len(ages) - bisect_left(ages, length)
        share *= 1 - 1 / at_risk
    return share


class Family:
    """bound: tokens that it may take after its first prompt, as far as they can be told before such runs have ended. begun: a
    request of it has been admitted. first: tokens of the first one's prompt that were computed. taken: tokens
    that its requests have pages for, or had; those in the cache before and those computed again are not counted.
    waiting: its requests that wait, until it begins. alive: its requests that have not ended. ended: the run has."""

    __slots__ = ("alive", "begun", "bound", "ended", "first", "kind", "taken", "waiting")

    def __init__(self, kind: Kind, bound: int) -> None:
        self.kind = kind
        self.bound = bound
        self.begun = False
        self.alive = 0
        self.ended = False
        self.first = 0
        self.taken = 0
        self.waiting: dict[Sequence, None] = {}

    def expected(self) -> int:
        """Tokens that it is expected to take after its first prompt."""
        return self.bound if self.kind.expected is None else self.kind.expected

    def coming(self) -> int:
        """Tokens that it is expected to take yet."""
        return max(0, self.first + self.expected() - self.taken)

    def taken_since(self) -> int:
        """Tokens that it has taken after its first prompt."""
        return max(0, self.taken - self.first)

    def begin(self, need: int) -> None:
        """Its first request is admitted, and takes so many tokens."""
        self.begun, self.first = True, need
        self.kind.alive.add(self)

    def tell(self) -> None:
        """It has ended: its kind learns from it."""
        self.kind.alive.discard(self)
        self.kind.learn(self.taken_since())
