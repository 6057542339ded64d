"""A schedule is plain data: what the runtime does, in which order, and when KV dies.

passes and runtime never see each other; they meet here. Ops are named by their index in `Graph.ops` of the graph that
the schedule was lowered from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Prefix:
    """A constant prompt to prefill before the first request; `uses` counts the steps whose prompt begins with it."""

    op: int
    uses: int


@dataclass(frozen=True, slots=True)
class Step:
    """One request to the engine, or one call of a host function.

    op:       the `gen` (decode), `select` (score) or `call`.
    region:   index in `Graph.regions` of the region it stands in; it runs when the program gets there.
    after:    steps (indices in `Schedule.steps`, all smaller than this one's) whose answers its prompt reads.
    priority: tokens that may be decoded from the start of this step to the end of the program along the longest chain
              of steps that wait for it, if only because their region does. Larger goes first.
    order:    position of its prompt in a depth-first walk of the prefix tree; neighbours share the longest prefixes.
              Calls, which have no prompt, come last.
    fork:     index in `Graph.forks` of the group it belongs to, or -1.
    """

    op: int
    kind: Literal["decode", "score", "call"]
    after: tuple[int, ...]
    priority: int
    order: int
    fork: int
    region: int = 0


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The KV of one state.

    state: the op. uses: steps whose prompt begins with this state. last: the steps after all of which the KV is dead,
    those of regions that the program does not get to left out; () for a state no step reads.
    """

    state: int
    uses: int
    last: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    prefixes: tuple[Prefix, ...]
    steps: tuple[Step, ...]
    lifetimes: tuple[Lifetime, ...]
