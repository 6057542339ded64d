"""The requests of one run of a program, and what such a run is expected to take."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc.runtime.engine.sequence import Sequence

REMEMBERED = 32
"""Runs of a program that the next ones are expected to be like."""


class Kind:
    """What is known of the runs of one program. bound: the tokens that a run may take after its first prompt, as far as
    they can be told before the first run has ended."""

    __slots__ = ("bound", "taken")

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.taken: deque[int] = deque(maxlen=REMEMBERED)  # by the last runs, after their first prompts

    def expected(self) -> int:
        """Tokens that a run takes after its first prompt: the most that one of the last runs did."""
        return max(self.taken, default=self.bound)


class Family:
    """begun: a request of it has been admitted. first: tokens of the first one's prompt that were computed. taken: tokens
    that its requests have pages for, or had; those in the cache before and those computed again are not counted.
    waiting: its requests that wait, until it begins. alive: its requests that have not ended. ended: the run has."""

    __slots__ = ("alive", "begun", "ended", "first", "kind", "taken", "waiting")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.begun = False
        self.alive = 0
        self.ended = False
        self.first = 0
        self.taken = 0
        self.waiting: dict[Sequence, None] = {}

    def expected(self) -> int:
        """Tokens that it is expected to take after its first prompt."""
        return self.kind.expected()

    def coming(self) -> int:
        """Tokens that it is expected to take yet."""
        return max(0, self.first + self.expected() - self.taken)

    def tell(self) -> None:
        """It has ended: its kind learns from it."""
        self.kind.taken.append(max(0, self.taken - self.first))
