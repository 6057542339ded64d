"""A tree of regular operations to an NFA over characters (Thompson), and the classes of characters that it tells apart.

Looking around is a move without a character that holds only at some places (a guard). What is looked for is an NFA of
its own among the same states; `looking.py` says where it holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from sglc.passes.regular.charset import FIRST_ID, CharSet, intersection
from sglc.passes.regular.limits import Budget
from sglc.passes.regular.source import Place
from sglc.passes.regular.tree import (
    Atomic,
    Both,
    Chars,
    Choice,
    Look,
    Not,
    Part,
    Regular,
    Repeat,
    Sequence,
    Token,
    nodes,
)

ACCEPT = -1
"""The final state: here the text, or what a look behind is for, ends."""
FOUND = -2
"""The final state of what a look ahead is for: whatever comes after it."""


@dataclass(frozen=True, slots=True)
class Run:
    """The characters first .. last are all of one letter. From FIRST_ID on they are token ids."""

    first: int
    last: int
    letter: int


@dataclass(frozen=True, slots=True)
class Guard:
    """A move to `after` where the look of that number holds, or where it does not (not `wanted`)."""

    look: int
    wanted: bool
    after: int


@dataclass(frozen=True, slots=True)
class _Loop:
    """A loop over `chars` that gives none back; `exit` is the state behind it."""

    exit: int
    chars: CharSet
    span: Place


_States: TypeAlias = list[int] | tuple[int, ...] | range


class Block(NamedTuple):
    """A DFA: its sets of characters; of each state the moves, with the number of a set and the next state, and whether it
    accepts. State 0 is the start."""

    sets: list[CharSet]
    moves: list[list[tuple[int, int]]]
    accepts: list[bool]


class Nfa:
    """States with moves without a character (`free`, and `guards` at some of the states) or at most one move with one
    (`step`: set number, next state). looks: the start of what each is for, and whether it looks ahead; a look's number
    is larger than those of the looks in it."""

    def __init__(self, block: Callable[[Regular], Block], often: set[Part], budget: Budget) -> None:
        """block: the DFA of a tree that stands for itself. often: the parts for which that is worth it."""
        self.char_sets: dict[CharSet, int] = {}
        self.free: list[_States] = []
        self.step: list[tuple[int, int] | None] = []
        self.guards: dict[int, Guard] = {}
        self.looks: list[tuple[int, bool]] = []
        self.void = False  # whether some part matches no text
        self._look_of: dict[tuple[Regular, bool], int] = {}
        self._loops: list[_Loop] = []
        self._block = block
        self._often = often
        self._built: dict[tuple[Part, int], int] = {}
        self._budget = budget

    def add(self, tree: Regular) -> int:
        """The state from which a tree is matched. Raises `ConstraintError` for an atomic group that makes a difference."""
        start = self._build(tree, ACCEPT)
        for loop in self._loops:
            self._check(loop)
        self._loops = []
        return start

    def set_number(self, chars: CharSet) -> int:
        return self.char_sets.setdefault(chars, len(self.char_sets))

    def _state(self, free: _States = (), step: tuple[int, int] | None = None) -> int:
        self.free.append(free)
        self.step.append(step)
        return len(self.free) - 1

    def _build(self, tree: Regular, after: int) -> int:
        """The state from which `tree` and then `after` is matched."""
        match tree:
            case Chars(chars):
                self.void |= not chars
                return self._state((), (self.set_number(chars), after))
            case Token(number):
                return self._state((), (self.set_number(((FIRST_ID + number, FIRST_ID + number),)), after))
            case Sequence(parts):
                for part in reversed(parts):
                    after = self._build(part, after)
                return after
            case Choice(parts):
                self.void |= not parts
                return self._state([self._build(part, after) for part in parts])
            case Repeat(body, least, most):
                return self._repeat(body, least, most, after)
            case Look(body, ahead, wanted):
                return self._guarded(body, ahead, wanted, after)
            case Atomic(body):
                return self._atomic(tree, body, after)
            case Both() | Not():
                return self._inlined(self._block(tree), after)
            case Part(body):
                if (tree, after) not in self._built:
                    often = tree in self._often
                    start = self._inlined(self._block(tree), after) if often else self._build(body, after)
                    self._built[tree, after] = start
                return self._built[tree, after]

    def _repeat(self, body: Regular, least: int, most: int | None, after: int) -> int:
        entry = after
        if most is None:
            entry = self._state()
            self.free[entry] = (self._build(body, entry), after)
        else:
            for _ in range(most - least):
                entry = self._state([self._build(body, entry), after])
        for _ in range(least):
            entry = self._build(body, entry)
        return entry

    def _guarded(self, body: Regular, ahead: bool, wanted: bool, after: int) -> int:
        look = self._look_of.get((body, ahead))
        if look is None:
            start = self._build(body, FOUND if ahead else ACCEPT)
            look = self._look_of[body, ahead] = len(self.looks)
            self.looks.append((start, ahead))
        state = self._state()
        self.guards[state] = Guard(look, wanted, after)
        return state

    def _inlined(self, block: Block, after: int) -> int:
        """The start of a copy of the block: its states first, then one for each move."""
        self.void |= not block.accepts
        if not block.accepts:
            return self._state()
        numbers = [self.set_number(chars) for chars in block.sets]
        start = len(self.free)
        at = start + len(block.accepts)
        for moves, accepting in zip(block.moves, block.accepts, strict=True):
            self.free.append((*range(at, at + len(moves)), after) if accepting else range(at, at + len(moves)))
            at += len(moves)
        steps = [(numbers[number], start + to) for moves in block.moves for number, to in moves]
        self.free += [()] * len(steps)
        self.step += [None] * len(block.accepts) + steps
        return start

    def _atomic(self, tree: Atomic, body: Regular, after: int) -> int:
        """As if it were not atomic. It makes no difference where no match of the body begins another, and where the
        body ends with a loop over characters none of which can come next."""
        *front, last = body.parts if isinstance(body, Sequence) and body.parts else (body,)
        if not self._begins_no_other(body):
            loop = isinstance(last, Repeat) and isinstance(last.body, Chars) and tree.greedy
            if not loop or not self._begins_no_other(Sequence(tuple(front))):
                raise self._atomic_refusal(tree.span)
            assert isinstance(last, Repeat)
            assert isinstance(last.body, Chars)
            after = self._state([after])
            self._loops.append(_Loop(after, last.body.chars, tree.span))
        return self._build(body, after)

    def _begins_no_other(self, tree: Regular) -> bool:
        if any(isinstance(node, Look) for node in nodes(tree)):
            return False
        block = self._block(tree)
        return not any(moves for moves, accepting in zip(block.moves, block.accepts, strict=True) if accepting)

    def _check(self, loop: _Loop) -> None:
        """Behind the loop comes no character of it, so it takes all there are, with or without giving back."""
        seen, stack = {(loop.exit, False)}, [(loop.exit, False)]
        while stack:
            state, guarded = stack.pop()
            if state == ACCEPT:
                continue
            if state == FOUND:  # looks ahead may end here, before the loop has taken all
                if guarded:
                    raise self._atomic_refusal(loop.span)
                continue
            if step := self.step[state]:
                chars = next(chars for chars, number in self.char_sets.items() if number == step[0])
                if intersection(chars, loop.chars):
                    raise self._atomic_refusal(loop.span)
            self._budget.spend(1 + len(self.char_sets))
            after = {(to, guarded) for to in self.free[state]}
            if guard := self.guards.get(state):
                after.add((guard.after, True))
            stack += after - seen
            seen |= after

    def _atomic_refusal(self, span: Place) -> Exception:
        what = "an atomic group or possessive quantifier is supported only where giving back makes no difference"
        return self._budget.source.refusal(span, what, "let what follows begin with another character")


def letters_of(char_sets: dict[CharSet, int]) -> tuple[list[list[int]], list[Run]]:
    """Classes of characters that the sets do not tell apart: the letters of each set, and their runs, ascending."""
    edges: dict[int, int] = defaultdict(int)  # code point -> bit set of the sets that begin or end there
    for chars, number in char_sets.items():
        for first, last in chars:
            edges[first] ^= 1 << number
            edges[last + 1] ^= 1 << number
    numbers: dict[int, int] = {}
    runs: list[Run] = []
    members, start = 0, 0
    for point in sorted(edges):
        if members:
            runs.append(Run(start, point - 1, numbers.setdefault(members, len(numbers))))
        members ^= edges[point]
        start = point
    letters: list[list[int]] = [[] for _ in char_sets]
    for members, letter in numbers.items():
        for number in bits_of(members):
            letters[number].append(letter)
    return letters, runs


def bits_of(number: int) -> Iterator[int]:
    """The positions of the bits that are set, ascending."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
