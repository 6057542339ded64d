"""How large the automaton of a regex may become, and which of its parts is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sglc.ir.errors import ConstraintError
from sglc.passes.regex.syntax import refusal
from sglc.passes.regex.tree import Chars, Choice, Regular, Repeat, Sequence

MAX_STATES = 50_000  # of the byte automaton
MAX_POSITIONS = 50_000  # characters in the pattern with its repeats written out
MAX_WORK = 1_000_000  # steps of the constructions: half a second


@dataclass(slots=True)
class Budget:
    """Work that is left, counted in steps so that the answer does not depend on the machine, and what to blame when
    none is."""

    pattern: str
    blame: tuple[int, int]
    work: int = MAX_WORK

    @staticmethod
    def of(tree: Regular, pattern: str) -> Budget:
        """A fresh budget for a pattern. Raises `ConstraintError` where its repeats alone are too large."""
        return Budget(pattern, _largest_repeat(tree, pattern))

    def spend(self, work: int) -> None:
        self.work -= work
        if self.work < 0:
            raise self.exceeded()

    def exceeded(self) -> ConstraintError:
        what = f"the regex needs too large an automaton (more than {MAX_STATES:,} states, or too long to build)"
        return refusal(self.pattern, self.blame, what, "make this repeat smaller, or what it repeats simpler")


def _positions(tree: Regular) -> int:
    """The characters of a tree with its repeats written out."""
    match tree:
        case Chars():
            return 1
        case Sequence(parts) | Choice(parts):
            return sum(map(_positions, parts))
        case Repeat(body, least, most):
            return _positions(body) * max(1, least if most is None else most)


def _repeats(tree: Regular) -> Iterator[Repeat]:
    """The repeats of a tree, inner before outer."""
    match tree:
        case Chars():
            return
        case Sequence(parts) | Choice(parts):
            for part in parts:
                yield from _repeats(part)
        case Repeat(body):
            yield from _repeats(body)
            yield tree


def _largest_repeat(tree: Regular, pattern: str) -> tuple[int, int]:
    """The span of the repeat that makes the automaton large; refuses one that is too large by itself."""
    span, largest = (0, len(pattern)), 0
    for repeat in _repeats(tree):
        size = _positions(repeat)
        if size > MAX_POSITIONS:
            what = f"this repeat stands for {size:,} characters or classes, at most {MAX_POSITIONS:,}"
            raise refusal(pattern, repeat.span, what, "make the repeat smaller")
        counted = max(repeat.least, repeat.most or 0)
        if counted > 1 and size > largest:
            span, largest = repeat.span, size
    if (size := _positions(tree)) > MAX_POSITIONS:
        what = f"the regex stands for {size:,} characters or classes, at most {MAX_POSITIONS:,}"
        raise refusal(pattern, span, what, "make this repeat smaller")
    return span
