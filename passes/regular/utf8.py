"""An automaton over classes of characters to one over the bytes of UTF-8.

Each state gets a tree of byte ranges. Two inner places of such trees that lead to the same states are one state, so the
smallest automaton over characters becomes the smallest over bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sglc.passes.regular.charset import FIRST_ID
from sglc.passes.regular.limits import MAX_STATES, Budget
from sglc.passes.regular.minimise import Dfa, distinct
from sglc.passes.regular.nfa import Run, bits_of


@dataclass(frozen=True, eq=False)  # no slots: `table` is kept
class ByteDfa:
    """range_of: uint8 [256]; ranges of bytes that are not told apart. by_range: int32 [states, ranges]; the state after a
    byte, -1 where it is not allowed. accept: bool [states]. State 0 is the start, and every state can reach an accepting
    one. ids: for each token id that stands for itself, int32 [states], the state after it or -1."""

    range_of: NDArray[np.uint8]
    by_range: NDArray[np.int32]
    accept: NDArray[np.bool_]
    ids: dict[int, NDArray[np.int32]] = field(default_factory=dict[int, NDArray[np.int32]])

    @cached_property
    def table(self) -> NDArray[np.int32]:
        """int32 [states, 256]: the state after each byte."""
        return self.by_range[:, self.range_of]


@dataclass(frozen=True, slots=True)
class _Tree:
    """Bytes of characters. edges: (first byte, last byte, what follows) ascending; what follows is another tree or,
    after the last byte of a character, its letter. letters: all below, as a bit set."""

    edges: tuple[tuple[int, int, int | _Tree], ...]
    letters: int = field(compare=False)


def byte_table(dfa: Dfa, runs: list[Run], budget: Budget) -> ByteDfa:
    """The automaton over bytes: the states of `dfa` first, then those inside characters.

    Raises `ConstraintError` for one of more than `MAX_STATES` states.
    """
    tree, starts = _tree([run for run in runs if run.first < FIRST_ID])
    inside = _Inside(dfa.moves, starts, budget)
    top = inside.rows(tree, np.arange(len(dfa.moves)))
    by_range = np.concatenate([top, *inside.blocks])
    accept = np.zeros(len(by_range), dtype=np.bool_)
    accept[: len(dfa.accept)] = dfa.accept
    lengths = [until - start for start, until in pairwise([*starts, 256])]
    range_of = np.repeat(np.arange(len(starts), dtype=np.uint8), lengths)
    return ByteDfa(range_of, by_range, accept, _ids(dfa.moves, runs, len(by_range)))


def _ids(moves: NDArray[np.int32], runs: list[Run], states: int) -> dict[int, NDArray[np.int32]]:
    """`ByteDfa.ids`: no id is allowed inside of a character."""
    found: dict[int, NDArray[np.int32]] = {}
    for run in runs:
        for point in range(max(run.first, FIRST_ID), run.last + 1):
            column = found[point - FIRST_ID] = np.full(states, -1, dtype=np.int32)
            column[: len(moves)] = moves[:, run.letter]
    return found


class _Inside:
    """The states inside characters. moves: int32 [states, letters], of the automaton over characters. starts: the first
    byte of each range that the trees tell apart."""

    def __init__(self, moves: NDArray[np.int32], starts: list[int], budget: Budget) -> None:
        self.blocks: list[NDArray[np.int32]] = []
        self._moves = moves
        self._range_at = {start: number for number, start in enumerate([*starts, 256])}
        self._budget = budget
        self._count = len(moves)
        self._known: dict[bytes, int] = {}
        self._targets: dict[int, NDArray[np.int32]] = {}

    def rows(self, tree: _Tree, states: NDArray[np.intp]) -> NDArray[np.int32]:
        """What each byte leads to at a place of the tree, from each of some states: int32 [states, ranges]."""
        self._budget.spend(len(states) * (8 + len(tree.edges)) // 32)
        rows = np.full((len(states), len(self._range_at) - 1), -1, dtype=np.int32)
        for first, last, after in tree.edges:
            to = self._moves[:, after] if isinstance(after, int) else self._entered(after)
            rows[:, self._range_at[first] : self._range_at[last + 1]] = to[states, None]
        return rows

    def _entered(self, tree: _Tree) -> NDArray[np.int32]:
        """The state at a place of the tree for each state of the automaton over characters, -1 where none of the
        characters below is allowed. Equal ones are one state."""
        if id(tree) in self._targets:
            return self._targets[id(tree)]
        letters = list(bits_of(tree.letters))
        below = self._moves[:, letters]
        self._budget.spend(below.size // 32)
        live = np.flatnonzero((below >= 0).any(axis=1))
        chosen, place_of = distinct(below[live])
        rows = self.rows(tree, live[chosen])
        numbers, fresh = np.empty(len(rows), dtype=np.int32), [False] * len(rows)
        for index, row in enumerate(rows):
            key = row.tobytes()
            fresh[index] = key not in self._known
            numbers[index] = self._known.setdefault(key, self._count)
            self._count += fresh[index]
        if self._count > MAX_STATES:
            raise self._budget.exceeded()
        self.blocks.append(rows[fresh])
        targets = np.full(len(self._moves), -1, dtype=np.int32)
        targets[live] = numbers[place_of]
        self._targets[id(tree)] = targets
        return targets


def _tree(runs: list[Run]) -> tuple[_Tree, list[int]]:
    """The bytes of all characters of the runs, where equal trees are one object; and the first byte of each range that
    they tell apart."""
    sequences = [(spans, run.letter) for run in runs for spans in _spans(run.first, run.last)]
    trees: dict[_Tree, _Tree] = {}

    def build(low: int, high: int, depth: int) -> _Tree:
        edges: list[tuple[int, int, int | _Tree]] = []
        letters = 0
        at = low
        while at < high:
            spans, letter = sequences[at]
            until = at + 1
            if depth == len(spans) - 1:
                after: int | _Tree = letter
                letters |= 1 << letter
            else:
                while until < high and sequences[until][0][depth] == spans[depth]:
                    until += 1
                after = build(at, until, depth + 1)
                letters |= after.letters
            first, last = spans[depth]
            if edges and edges[-1][1] == first - 1 and edges[-1][2] == after:
                edges[-1] = (edges[-1][0], last, after)
            else:
                edges.append((first, last, after))
            at = until
        tree = _Tree(tuple(edges), letters)
        return trees.setdefault(tree, tree)

    tree = build(0, len(sequences), 0)
    starts = {start for tree in trees for first, last, _ in tree.edges for start in (first, last + 1)}
    return tree, sorted({0, *starts} - {256})


_LAST = (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)  # the last character of one, two, three and four bytes


def _spans(first: int, last: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The byte ranges, one tuple of ranges after another, of the characters first .. last (no surrogates)."""
    if last < 0x80:
        yield ((first, last),)
        return
    for limit in _LAST:
        if first <= limit and last > limit:
            yield from _spans(first, limit)
            yield from _spans(limit + 1, last)
            return
    for bits in (6, 12, 18):  # split until both ends agree in front and all continuation bytes behind are free
        if first >> bits != last >> bits:
            mask = (1 << bits) - 1
            if first & mask:
                yield from _spans(first, first | mask)
                yield from _spans((first | mask) + 1, last)
                return
            if last & mask != mask:
                yield from _spans(first, (last & ~mask) - 1)
                yield from _spans(last & ~mask, last)
                return
    yield tuple(zip(chr(first).encode(), chr(last).encode(), strict=True))
