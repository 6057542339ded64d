"""Makes a failing list of decisions small: shorter lists and smaller numbers give simpler programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

Made = tuple[int, ...]
Try = Callable[[Made], "Made | None"]
"""Runs the program of a list: the decisions that it really made if it still fails, else None."""


def shrink(made: Sequence[int], attempt: Try, seconds: float = 30.0) -> Made:
    """The smallest failing list that is found in the time: parts left out, parts set to zero, numbers made smaller."""
    best = tuple(made)
    tried = {best}
    until = time.monotonic() + seconds
    improved = True
    while improved:
        improved = False
        for find in (_without_parts, _with_zeros, _with_smaller_numbers):
            options, place = find(best), 0
            while place < len(options) and time.monotonic() < until:
                option = options[place]
                place += 1
                if option in tried:
                    continue
                tried.add(option)
                found = attempt(option)
                if found is not None and _size(found) < _size(best):
                    best, improved = found, True
                    options, place = find(best), place - 1
    return best


def _size(made: Made) -> tuple[int, Made]:
    return len(made), made


def _without_parts(made: Made) -> list[Made]:
    """Lists without 32, 16 ... 1 neighbouring decisions; from the end, where parts depend on nothing."""
    return [
        made[:at] + made[at + size :]
        for size in (32, 16, 8, 4, 3, 2, 1)
        for at in range(len(made) - size, -1, -max(1, size // 2))
    ]


def _with_zeros(made: Made) -> list[Made]:
    return [
        made[:at] + (0,) * len(made[at : at + size]) + made[at + size :]
        for size in (8, 4, 2, 1)
        for at in range(0, len(made), size)
        if any(made[at : at + size])
    ]


def _with_smaller_numbers(made: Made) -> list[Made]:
    return [
        (*made[:at], smaller, *made[at + 1 :])
        for at, value in enumerate(made)
        for smaller in sorted({1, value // 2, value - 1})
        if 0 < smaller < value
    ]
