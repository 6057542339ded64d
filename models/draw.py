"""Random choices that know whether they are for training or for evaluation.

What the evaluation asks is held out by construction: names, numbers and sums are divided by a hash of their text, and
each task names the wordings that training never sees. So no choice of a training document can be one of an evaluation
document, whatever the seeds.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from models.world.names import CODAS, FIRST, LAST, ONSETS, TOWN_ENDINGS, VOWELS
from models.world.pieces import BEGINNINGS, ENDINGS, MIDDLES, WORDS

T = TypeVar("T")

HELD_OUT_SHARE = 10
"""One in so many names, numbers and sums is kept for the evaluation."""


def is_held_out(key: str) -> bool:
    return zlib.crc32(key.encode()) % HELD_OUT_SHARE == 0


class Draw:
    """A seeded source. held_out: it draws what only the evaluation may see."""

    def __init__(self, seed: int | str, *, held_out: bool) -> None:
        self.random = random.Random(f"{seed}/{held_out}")
        self.held_out = held_out

    def of(self, items: Sequence[T]) -> T:
        """Any item: a matter of course, not held out."""
        return items[self.random.randrange(len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        return self.random.sample(list(items), count)

    def wording(self, *, train: Sequence[T], held_out: Sequence[T]) -> T:
        return self.of(held_out if self.held_out else train)

    def below(self, share: float) -> bool:
        return self.random.random() < share

    def int(self, low: int, high: int) -> int:
        """Any integer from low to high."""
        return self.random.randint(low, high)

    def fresh_int(self, low: int, high: int, kind: str = "number") -> int:
        """An integer of this draw's side. The range must be wide enough to have some of both."""
        while True:
            number = self.int(low, high)
            if is_held_out(f"{kind} {number}") == self.held_out:
                return number

    def pair(self, operator: str, low: int, high: int) -> tuple[int, int]:
        """Two integers whose sum or difference is of this draw's side, whichever comes first."""
        while True:
            one, other = self.int(low, high), self.int(low, high)
            if is_held_out(pair_key(operator, one, other)) == self.held_out:
                return one, other

    def may_add(self, one: int, other: int) -> bool:
        """Whether a sum is of this draw's side; sums with a number of one digit are on both."""
        return min(one, other) < 10 or is_held_out(pair_key("+", one, other)) == self.held_out

    def _name(self, make: Sequence[str] | None) -> str:
        while True:
            name = self.of(make) if make and self.below(0.6) else self.invented().capitalize()
            if is_held_out(f"name {name}") == self.held_out:
                return name

    def invented(self) -> str:
        """A word that stands for nothing: of syllables, of pieces of other words, or another word."""
        kind = self.random.random()
        if kind < 0.4:
            count = self.of((1, 1, 2, 2, 2, 2, 3))
            parts = [self.of(ONSETS) + self.of(VOWELS) + self.of(CODAS) for _ in range(count)]
            return "".join(parts) + (self.of(CODAS) if count == 1 else "")
        if kind < 0.85:
            return self.of(BEGINNINGS) + (self.of(MIDDLES) if self.below(0.3) else "") + self.of(ENDINGS)
        return self.of(WORDS)

    def first(self) -> str:
        return self._name(FIRST)

    def last(self) -> str:
        return self._name(LAST)

    def person(self) -> str:
        return f"{self.first()} {self.last()}"

    def place(self) -> str:
        """A town or the like."""
        return self._name(None) + (self.of(TOWN_ENDINGS) if self.below(0.6) else "")

    def known_or(self, names: Sequence[str], invent: Callable[[], str]) -> str:
        """One of the names that is of this draw's side, or an invented one, which is more frequent."""
        name = self.of(names)
        return name if self.below(0.25) and is_held_out(f"name {name}") == self.held_out else invent()

    def thing(self) -> str:
        """The name of a river, a mountain, a building: one or two words. Two are practised more: the second is easily lost."""
        return (
            self._name(None) if self.below(0.7 if self.held_out else 0.5) else f"{self._name(None)} {self._name(None)}"
        )


def pair_key(operator: str, one: int, other: int) -> str:
    low, high = sorted((one, other))
    return f"{low} {operator} {high}"
