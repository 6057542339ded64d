"""An automaton over classes of characters to one over the bytes of UTF-8.

Each state gets a tree of byte ranges. Two inner places of such trees that lead to the same states are one state, so the
smallest automaton over characters becomes the smallest over bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sglc.passes.regex.automaton import Dfa
from sglc.passes.regex.limits import MAX_STATES, Budget
from sglc.passes.regex.nfa import Run


@dataclass(frozen=True, slots=True, eq=False)
class ByteDfa:
    """table: int32 [states, 256], -1 where a byte is not allowed; accept: bool [states]. State 0 is the start, and
    every state can reach an accepting one."""

    table: NDArray[np.int32]
    accept: NDArray[np.bool_]


Edge: TypeAlias = tuple[int, int, int]
"""First byte, last byte, next state."""


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
    tree = _tree(runs)
    inside: dict[tuple[Edge, ...], int] = {}
    rows: list[tuple[Edge, ...]] = []
    for moves in dfa.moves:
        rows.append(_edges(tree, moves, inside, len(dfa.moves), budget))
        if len(dfa.moves) + len(inside) > MAX_STATES:
            raise budget.exceeded()
    rows += inside
    table = np.full((len(rows), 256), -1, dtype=np.int32)
    for state, edges in enumerate(rows):
        for first, last, target in edges:
            table[state, first : last + 1] = target
    return ByteDfa(table, np.array(dfa.accept + [False] * len(inside), dtype=np.bool_))


def _edges(
    tree: _Tree, moves: dict[int, int], inside: dict[tuple[Edge, ...], int], offset: int, budget: Budget
) -> tuple[Edge, ...]:
    """The edges of a state with the given moves. inside: the states inside characters so far, by their edges, numbered
    from `offset`; new ones are added."""
    live = sum(1 << letter for letter in moves)
    known: dict[int, int] = {}

    def edges(tree: _Tree) -> tuple[Edge, ...]:
        budget.spend(len(tree.edges))
        found: list[Edge] = []
        for first, last, after in tree.edges:
            if isinstance(after, int):
                target = moves.get(after, -1)
            elif not after.letters & live:
                target = -1
            else:
                if id(after) not in known:
                    known[id(after)] = inside.setdefault(edges(after), offset + len(inside))
                target = known[id(after)]
            if target < 0:
                continue
            if found and found[-1][1] == first - 1 and found[-1][2] == target:
                found[-1] = (found[-1][0], last, target)
            else:
                found.append((first, last, target))
        return tuple(found)

    return edges(tree)


def _tree(runs: list[Run]) -> _Tree:
    """The bytes of all characters of the runs; equal trees are one object."""
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

    return build(0, len(sequences), 0)


_LAST = (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)  # the last character of one, two, three and four bytes


def _spans(first: int, last: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The byte ranges, one tuple of ranges after another, of the characters first .. last (no surrogates)."""
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
