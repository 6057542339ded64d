"""How deep llguidance goes into a grammar when it reads one.

It reads what a rule leads to before it goes on with the rule, each once, in the order in which they are written, on the stack
of the thread: 8 MiB end between 900 rules and 2,700, a process with them. So what goes deep is refused before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

Steps: TypeAlias = Iterable[tuple[int, str]]
"""The rules that one leads to, in order, and for each how many levels of the rule it stands in."""

MAX_DEPTH = 800  # levels, of 3 to 5 KB each


def depth(start: str, steps: Callable[[str], Steps]) -> int:
    """The levels of the deepest place that a walk from a rule comes to, which goes into each rule where it first meets it."""
    met = {start}
    open_: list[tuple[int, Iterator[tuple[int, str]]]] = [(0, iter(steps(start)))]
    deepest = 0
    while open_:
        level, left = open_[-1]
        step = next(left, None)
        if step is None:
            open_.pop()
            continue
        down, name = step
        deepest = max(deepest, level + down)
        if name not in met:
            met.add(name)
            open_.append((level + down, iter(steps(name))))
    return deepest
