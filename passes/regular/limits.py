"""How large the automaton of a regex may become, and which of its parts is to blame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sglc.ir.errors import ConstraintError
from sglc.passes.regular.source import NotRegular, Place, Source
from sglc.passes.regular.tree import Chars, Choice, Look, Part, Regular, Repeat, Sequence, Token, children

MAX_STATES = 50_000  # of the byte automaton
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


class _Size(NamedTuple):
    """Of a tree with its repeats written out: its characters, and about how many states its counted characters take."""

    characters: int
    states: int


_ONE = _Size(1, 0)


def _largest_repeat(tree: Regular, source: Source) -> Place:
    """The span of the repeat that makes the automaton large; refuses one that is too large by itself."""
    span, largest = source.whole, 0
    within = [source.whole]  # the places of the parts that are open
    sizes: dict[Part, _Size] = {}

    def check(found: _Size, place: Place, this: str, hint: str) -> _Size:
        if found.characters > MAX_POSITIONS:
            what = f"{this} stands for {found.characters:,} characters or classes, at most {MAX_POSITIONS:,}"
            raise source.refusal(place, what, hint, NotRegular)
        if found.states > MAX_STATES:
            what = f"{this} needs about {found.states:,} states, at most {MAX_STATES:,}"
            raise source.refusal(place, what, hint, NotRegular)
        return found

    def size(tree: Regular) -> _Size:
        nonlocal span, largest
        match tree:
            case Chars() | Token():
                return _ONE
            case Part(body):
                if tree not in sizes:
                    within.append(tree.span)
                    found = size(body)
                    within.pop()
                    sizes[tree] = check(found, tree.span, "this", "say less, or split the answer into several gens")
                return sizes[tree]
            case Look(body):
                return _Size(1 + size(body).characters, 0)
            case Repeat(body, least, most):
                inner, times = size(body), max(1, least if most is None else most)
                found = _Size(inner.characters * times, inner.states * times)
                if max(least, most or 0) > 1:
                    found = found._replace(states=max(found.states, _width(body) * times))
                    place = tree.span or within[-1]
                    check(found, place, "this repeat", "make the repeat smaller")
                    if found.characters > largest:
                        span, largest = place, found.characters
                return found
            case _:
                characters = states = 0
                for part in children(tree):
                    if isinstance(part, Chars):  # most are
                        characters += 1
                    else:
                        found = size(part)
                        characters += found.characters
                        states += found.states
                return _Size(characters, states)

    check(size(tree), span, f"the {source.name}", "make this repeat smaller")
    return span


def _width(tree: Regular) -> int:
    """About how many states one of many characters in a row takes, each in one of several spellings: those inside of its
    bytes are not shared with the next one. 0 for anything else, of which that is not certain."""
    match tree:
        case Part(body):
            return _width(body)
        case Chars(chars) if chars:
            last = chars[-1][1]
            return 1 if last < 0x80 else 2 if last < 0x800 else 4 if last < 0x10000 else 8
        case Sequence(parts) | Choice(parts) if parts:
            widths = list(map(_width, parts))
            if not all(widths):
                return 0
            return sum(widths) if isinstance(tree, Sequence) else 1 + sum(width - 1 for width in widths)
        case _:
            return 0
