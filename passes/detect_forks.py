"""Finds the gens and selects that can run at once on one prompt.

    %1 = append %0, [%essay]                           =>   (the same)
    %2 = append %1, ["Is it clear?"]                        fork %1: %3, %5
    %3 = gen %2 {sample=0}
    %4 = append %1, ["Is it true?"]
    %5 = gen %4 {sample=1}

A fork's members reach its state through appends alone. Each of them waits for equally many answers in a row, so none
waits for another and all are ready in the same round. A gen or select belongs to the fork nearest to it: those that
share a longer prompt are a fork of their own, and the outer fork has the rest, where that is at least two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sglc.ir.graph import Fork, Graph
from sglc.ir.ops import Append, Gen, Op, Select, operands


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
    waiting: dict[Op, _Waiting] = defaultdict(_Waiting)
    forks: list[Fork] = []
    for op in reversed(graph.ops):  # what goes on from a state comes before the state
        here = waiting.pop(op, None) or _Waiting()
        for number in here.crowded:
            forks.append(Fork(op, tuple(sorted(here.rounds.pop(number), key=position.__getitem__))))
        here.crowded.clear()
        if isinstance(op, Gen | Select):
            waiting[op.state].add(rounds[op], [op])
        elif isinstance(op, Append) and here.rounds:
            waiting[op.state] = _united(waiting[op.state], here)
    return replace(graph, forks=tuple(sorted(forks, key=lambda fork: position[fork.members[0]])))


def _rounds(graph: Graph) -> dict[Op, int]:
    """How many gens and selects are on the longest chain that ends with each op."""
    rounds: dict[Op, int] = {}
    for op in graph.ops:
        rounds[op] = max((rounds[x] for x in operands(op)), default=0) + isinstance(op, Gen | Select)
    return rounds


def _united(a: _Waiting, b: _Waiting) -> _Waiting:
    """Both; the smaller is poured into the larger, so that long chains of appends stay fast."""
    large, small = (a, b) if len(a.rounds) >= len(b.rounds) else (b, a)
    for number, members in small.rounds.items():
        large.add(number, members)
    return large
