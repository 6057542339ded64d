"""A tree of regular operations to an NFA over characters (Thompson), and the classes of characters that it tells apart.

Looking around is a move without a character that holds only at some places (a guard). What is looked for is an NFA of
its own among the same states; `looking.py` says where it holds.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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


class Block(NamedTuple):
    """A DFA with sets of characters. State 0 is the start.

    sets: the sets of characters. counts: int32 [states]; the moves of each. move_set, move_to: int32 [moves], in the order
    of the states that they leave; the number of a set, and the next state. accepts: bool [states].
    """

    sets: list[CharSet]
    counts: NDArray[np.int32]
    move_set: NDArray[np.int32]
    move_to: NDArray[np.int32]
    accepts: NDArray[np.bool_]


class _Copy(NamedTuple):
    """A block as states of an NFA: its own first, then one for each move. Each is the bytes of int32 numbers, or these
    numbers as they are where the first state and what comes behind the block are 0.

    step_set: bytes [states + moves], as in `Nfa`. step_to: the next state, -1 of the first states. free_to: the moves
    without a character, state by state. ends: where in `free_to` those to what comes behind the block are. free_begin,
    free_end: [states + moves], where in `free_to` the moves of each state are.
    """

    step_set: bytes
    step_to: NDArray[np.int32]
    states: int
    free_to: NDArray[np.int32]
    ends: NDArray[np.intp]
    free_begin: NDArray[np.int32]
    free_end: NDArray[np.int32]


class Nfa:
    """States with moves without a character (and `guards` at some of the states) or at most one move with one.

    They are numbers in flat arrays: a large schema has 100,000 states, and objects for each would be most of the time.

    step_set, step_to: of each state, the number of its set of characters, -1 for none, and the next state. free_to: the
    states after moves without a character, those of state n from free_begin[n] to free_end[n]. looks: the start of what
    each is for, and whether it looks ahead; a look's number is larger than those of the looks in it.
    """

    def __init__(self, block: Callable[[Regular], Block], often: set[Part], budget: Budget) -> None:
        """block: the DFA of a tree that stands for itself. often: the parts for which that is worth it."""
        self.char_sets: dict[CharSet, int] = {}
        self.step_set = array("i")
        self.step_to = array("i")
        self.free_to = array("i")
        self.free_begin = array("i")
        self.free_end = array("i")
        self.guards: dict[int, Guard] = {}
        self.looks: list[tuple[int, bool]] = []
        self.void = False  # whether some part matches no text
        self._look_of: dict[tuple[Regular, bool], int] = {}
        self._loops: list[_Loop] = []
        self._block = block
        self._often = often
        self._built: dict[tuple[Part, int], int] = {}
        self._copies: dict[int, tuple[Block, _Copy]] = {}  # by the id of the block
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

    def free(self, state: int) -> array[int]:
        """The states after its moves without a character."""
        return self.free_to[self.free_begin[state] : self.free_end[state]]

    def _state(self, free: Iterable[int] = ()) -> int:
        self.step_set.append(-1)
        self.step_to.append(-1)
        self.free_begin.append(len(self.free_to))
        self.free_to.extend(free)
        self.free_end.append(len(self.free_to))
        return len(self.step_set) - 1

    def _step(self, chars: CharSet, after: int) -> int:
        """A state with a move."""
        if not chars:
            self.void = True
        number = len(self.step_set)
        self.step_set.append(self.char_sets.setdefault(chars, len(self.char_sets)))
        self.step_to.append(after)
        self.free_begin.append(0)
        self.free_end.append(0)
        return number

    def _build(self, tree: Regular, after: int) -> int:
        """The state from which `tree` and then `after` is matched."""
        match tree:
            case Chars(chars):
                return self._step(chars, after)
            case Token(number):
                return self._step(((FIRST_ID + number, FIRST_ID + number),), after)
            case Sequence(parts):
                return self._sequence(parts, after)
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

    def _sequence(self, parts: tuple[Regular, ...], after: int) -> int:
        """Most parts are characters: for these it does what `_step` does, without asking what they are first."""
        sets, step_set, step_to = self.char_sets, self.step_set, self.step_to
        free_begin, free_end = self.free_begin, self.free_end
        for part in reversed(parts):
            if not isinstance(part, Chars):
                after = self._build(part, after)
                continue
            chars = part.chars
            if not chars:
                self.void = True
            step_set.append(sets.setdefault(chars, len(sets)))
            step_to.append(after)
            free_begin.append(0)
            free_end.append(0)
            after = len(step_set) - 1
        return after

    def _repeat(self, body: Regular, least: int, most: int | None, after: int) -> int:
        entry = after
        if most is None:
            entry = self._state()
            body_start = self._build(body, entry)
            self.free_begin[entry] = len(self.free_to)
            self.free_to.extend((body_start, after))
            self.free_end[entry] = len(self.free_to)
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
        self.void |= not len(block.accepts)
        if not len(block.accepts):
            return self._state()
        if id(block) not in self._copies:
            numbers = np.array([self.set_number(chars) for chars in block.sets], dtype=np.int32)
            self._copies[id(block)] = block, _copy_of(block, numbers)
        copy = self._copies[id(block)][1]
        start, free = len(self.step_set), len(self.free_to)
        self.step_set.frombytes(copy.step_set)
        step_to = copy.step_to + np.int32(start)
        step_to[: copy.states] = -1
        self.step_to.frombytes(step_to.tobytes())
        free_to = copy.free_to + np.int32(start)
        free_to[copy.ends] = after
        self.free_to.frombytes(free_to.tobytes())
        self.free_begin.frombytes((copy.free_begin + np.int32(free)).tobytes())
        self.free_end.frombytes((copy.free_end + np.int32(free)).tobytes())
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
        return not block.counts[block.accepts].any()

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
            if (number := self.step_set[state]) >= 0:
                chars = next(chars for chars, each in self.char_sets.items() if each == number)
                if intersection(chars, loop.chars):
                    raise self._atomic_refusal(loop.span)
            self._budget.spend(1 + len(self.char_sets))
            after = {(to, guarded) for to in self.free(state)}
            if guard := self.guards.get(state):
                after.add((guard.after, True))
            stack += after - seen
            seen |= after

    def _atomic_refusal(self, span: Place) -> Exception:
        what = "an atomic group or possessive quantifier is supported only where giving back makes no difference"
        return self._budget.source.refusal(span, what, "let what follows begin with another character")


def _copy_of(block: Block, numbers: NDArray[np.int32]) -> _Copy:
    """numbers: those of the block's sets, in an NFA."""
    states, moves = len(block.accepts), len(block.move_to)
    until = np.cumsum(block.counts, dtype=np.int32)  # of the moves of each state
    ends = until[block.accepts] + np.arange(np.count_nonzero(block.accepts), dtype=np.int32)
    free_to = np.empty(moves + len(ends), dtype=np.int32)
    to_move = np.ones(len(free_to), dtype=np.bool_)
    to_move[ends] = False
    free_to[to_move] = np.arange(states, states + moves)
    free_end = until + np.cumsum(block.accepts, dtype=np.int32)
    free_begin = free_end - block.counts - block.accepts
    none = np.zeros(moves, dtype=np.int32)
    return _Copy(
        np.concatenate([np.full(states, -1, dtype=np.int32), numbers[block.move_set]]).tobytes(),
        np.concatenate([np.zeros(states, dtype=np.int32), block.move_to]),
        states,
        free_to,
        ends.astype(np.intp),
        np.concatenate([free_begin, none]),
        np.concatenate([free_end, none]),
    )


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
