"""Where a generated program gets its decisions from: a seed, or the list of decisions of an earlier program.

A program is a function of the list alone, so a failing one is shrunk by shrinking its list (`tests.fuzz.shrink`). 0 is
always the simplest decision, and a list that ends early goes on with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """made: the decisions so far."""

    __slots__ = ("_given", "_random", "made")

    def __init__(self, given: Sequence[int] = (), random: Random | None = None) -> None:
        self.made: list[int] = []
        self._given = given
        self._random = random

    @classmethod
    def of_seed(cls, seed: int) -> Choices:
        return cls(random=Random(seed))

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        place = len(self.made)
        if place < len(self._given):
            made = self._given[place] % count
        else:
            made = int(self._random.random() * count) if self._random is not None else 0
        self.made.append(made)
        return made

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases; 0 is False."""
        return self.below(100) >= 100 - percent

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, the simplest of which is first."""
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[tuple[int, T]]) -> T:
        """One of the options, each as often as its weight says."""
        left = self.below(sum(weight for weight, _ in options))
        for weight, option in options:
            left -= weight
            if left < 0:
                return option
        raise AssertionError("the weights are no numbers over 0")
