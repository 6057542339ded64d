"""Finds the gens and selects that can run at once on one prompt.

    %1 = append %0, [%essay]                           =>   (the same)
    %2 = append %1, ["Is it clear?"]                        fork %1: %3, %5
    %3 = gen %2 {number=0}
    %4 = append %1, ["Is it true?"]
    %5 = gen %4 {number=1}

A fork's members reach its state through appends alone. Each of them waits for equally many answers in a row, so none
waits for another and all are ready in the same round. A gen or select belongs to the fork nearest to it: those that
share a longer prompt are a fork of their own, and the outer fork has the rest, where that is at least two. The members
of a fork stand in one region: others run only if the program gets there.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sglc.ir.graph import Fork, Graph, Region, with_regions
from sglc.ir.ops import Append, Gen, Op, Primitive, Select, operands


@dataclass(slots=True)
class _Waiting:
    """Gens and selects that go on from a state and are in no fork yet, by their round; crowded rounds have several."""

    rounds: dict[int, list[Op]] = field(default_factory=dict[int, list[Op]])
    crowded: set[int] = field(default_factory=set[int])

    def add(self, number: int, members: Sequence[Op]) -> None:
        here = self.rounds.setdefault(number, [])
        here.extend(members)
        if len(here) > 1:
            self.crowded.add(number)


def detect_forks(graph: Graph) -> Graph:
    position = {op: index for index, op in enumerate(graph.ops)}
    rounds = _rounds(graph)

    def found(region: Region) -> tuple[tuple[Op, ...], tuple[Fork, ...]]:
        forks = _forks(region.body, position, rounds)
        return region.body, tuple(sorted(forks, key=lambda fork: position[fork.members[0]]))

    return replace(graph, region=with_regions(graph.region, found))


def _forks(body: Sequence[Op], position: dict[Op, int], rounds: dict[Op, int]) -> list[Fork]:
    """The forks among the ops of one region; their states may stand in the regions around it."""
    waiting: dict[Op, _Waiting] = {}
    last: list[tuple[int, Op]] = []  # the states in `waiting`, the last first: what goes on from a state is behind it
    forks: list[Fork] = []

    def at(state: Op) -> _Waiting:
        if state not in waiting:
            waiting[state] = _Waiting()
            heapq.heappush(last, (-position[state], state))
        return waiting[state]

    for op in body:
        if isinstance(op, Gen | Select):
            at(op.state).add(rounds[op], [op])
    while last:
        _, state = heapq.heappop(last)
        here = waiting.pop(state)
        for number in here.crowded:
            forks.append(Fork(state, tuple(sorted(here.rounds.pop(number), key=position.__getitem__))))
        here.crowded.clear()
        if isinstance(state, Append) and here.rounds:
            above = at(state.state)
            waiting[state.state] = _united(above, here)
    return forks


def _rounds(graph: Graph) -> dict[Op, int]:
    """How many gens and selects are on the longest chain that ends with each op."""
    rounds: dict[Op, int] = {}
    for op in graph.ops:
        rounds[op] = max((rounds[x] for x in operands(op)), default=0) + isinstance(op, Primitive)
    return rounds


def _united(a: _Waiting, b: _Waiting) -> _Waiting:
    """Both; the smaller is poured into the larger, so that long chains of appends stay fast."""
    large, small = (a, b) if len(a.rounds) >= len(b.rounds) else (b, a)
    for number, members in small.rounds.items():
        large.add(number, members)
    return large
