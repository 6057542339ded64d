"""How large the automaton of a regex may become, and which of its parts is to blame."""

from __future__ import annotations

from dataclasses import dataclass

from sglc.ir.errors import ConstraintError
from sglc.passes.regular.source import NotRegular, Place, Source
from sglc.passes.regular.tree import Chars, Look, Part, Regular, Repeat, Token, children

MAX_STATES = 1 << 16  # of the byte automaton: numpy sorts numbers of 16 bits several times faster
MAX_POSITIONS = 50_000  # characters in the tree with its repeats written out
MAX_WORK = 1_000_000  # steps of the constructions: a second or two


@dataclass(slots=True)
class Budget:
    """Work that is left, counted in steps so that the answer does not depend on the machine, and what to blame when
    none is."""

    source: Source
    blame: Place
    work: int = MAX_WORK

    @staticmethod
    def of(tree: Regular, source: Source) -> Budget:
        """A fresh budget for a tree. Raises `ConstraintError` where its repeats alone are too large."""
        return Budget(source, _largest_repeat(tree, source))

    def spend(self, work: int) -> None:
        self.work -= work
        if self.work < 0:
            raise self.exceeded()

    def exceeded(self) -> ConstraintError:
        what = f"the {self.source.name} needs too large an automaton (more than {MAX_STATES:,} states, or too long to build)"
        return self.source.refusal(self.blame, what, "make this repeat smaller, or what it repeats simpler", NotRegular)


def _largest_repeat(tree: Regular, source: Source) -> Place:
    """The span of the repeat that makes the automaton large; refuses one that is too large by itself."""
    span, largest = source.whole, 0
    within = [source.whole]  # the places of the parts that are open
    sizes: dict[Part, int] = {}

    def size(tree: Regular) -> int:
        """The characters of a tree with its repeats written out."""
        nonlocal span, largest
        match tree:
            case Part(body):
                if tree not in sizes:
                    within.append(tree.span)
                    sizes[tree] = size(body)
                    within.pop()
                    if sizes[tree] > MAX_POSITIONS:
                        what = f"this stands for {sizes[tree]:,} characters or classes, at most {MAX_POSITIONS:,}"
                        raise source.refusal(
                            tree.span, what, "say less, or split the answer into several gens", NotRegular
                        )
                return sizes[tree]
            case Chars() | Token():
                return 1
            case Look(body):
                return 1 + size(body)
            case Repeat(body, least, most):
                found = size(body) * max(1, least if most is None else most)
                counted = max(least, most or 0) > 1
                if counted and found > MAX_POSITIONS:
                    what = f"this repeat stands for {found:,} characters or classes, at most {MAX_POSITIONS:,}"
                    raise source.refusal(tree.span or within[-1], what, "make the repeat smaller", NotRegular)
                if counted and found > largest:
                    span, largest = tree.span or within[-1], found
                return found
            case _:
                return sum(map(size, children(tree)))

    if (found := size(tree)) > MAX_POSITIONS:
        what = f"the {source.name} stands for {found:,} characters or classes, at most {MAX_POSITIONS:,}"
        raise source.refusal(span, what, "make this repeat smaller", NotRegular)
    return span
