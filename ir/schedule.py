"""A schedule is plain data: what the runtime does, in which order, and when KV dies.

passes and runtime never see each other; they meet here. Ops are named by their index in `Graph.ops` of the graph that
the schedule was lowered from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scope: TypeAlias = Literal["program", "batch", "call"]
"""Who begins prompts with a prefix: all calls; the rows of a batch in which some arguments are equal; one call."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prompt that several prompts begin with.

    op:     the state. uses: steps whose prompt begins with it.
    scope:  "program": of constants, computed before the first call. "batch": of constants and of some of the arguments,
            so rows in which these are equal share it. "call": of answers too, or of all arguments that there are in
            prompts; several prompts of one call go on from it.
    params: of a batch's prefix, the arguments that it is made of, by their index in `Graph.params`; else ().
    """

    op: int
    uses: int
    scope: Scope = "program"
    params: tuple[int, ...] = ()


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
    fork:     index in `Schedule.forks` of the group it belongs to, or -1.
    longest:  tokens of the longest answer that its constraint allows, whatever max_tokens is; None where that is not
              known. `ops.token_bound` makes the step's bound of it.
    """

    op: int
    kind: Literal["decode", "score", "call"]
    after: tuple[int, ...]
    priority: int
    order: int
    fork: int
    region: int = 0
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The KV of one state.

    state: the op. uses: steps whose prompt begins with this state. last: the steps after all of which the KV is dead,
    those of regions that the program does not get to left out; () for a state no step reads. tokens: that those steps
    may decode at most, all together on one path; a select or a call counts as one.
    """

    state: int
    uses: int
    last: tuple[int, ...]
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ForkPlan:
    """Steps that run at once on one prompt, for attention that reads the prompt's KV once for all of them.

    state:   the op whose KV all of them share. members: the steps (indices in `Schedule.steps`).
    within:  index in `Schedule.forks` of the nearest group around it, or -1: its steps run in the same round, and its
             state is a beginning of this one's. So the KV of a group's state is read once for its own members and those
             of all groups within it; what this group's state has beyond that, for those of this group.
    """

    state: int
    members: tuple[int, ...]
    within: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """prefixes: those of the program first. forks: one for each of `Graph.forks`."""

    prefixes: tuple[Prefix, ...]
    steps: tuple[Step, ...]
    lifetimes: tuple[Lifetime, ...]
    forks: tuple[ForkPlan, ...] = ()

    def of_scope(self, scope: Scope) -> tuple[Prefix, ...]:
        return tuple(prefix for prefix in self.prefixes if prefix.scope == scope)
