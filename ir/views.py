"""What a picture of a program shows beside its ops: its prompts as a tree, and its steps in rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sglc.ir.graph import Graph, Region, Switch
from sglc.ir.ops import Append, Gen, Op, Part, Primitive, Role, Root, Select, operands, token_bound
from sglc.ir.schedule import Schedule

Measure: TypeAlias = Callable[[str | Role], int]
"""The size of a literal or of a role's edge: characters, or a model's tokens."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt state, as a node of the tree of prompts. Ops are named by their index in `Graph.ops`.

    parent:   the state that it extends; -1 for an empty prompt.
    size:     of the literals and roles that it adds; begins: of those of all that it begins with, its own among them.
    values:   parts that it adds and that only a run knows: arguments, answers, images.
    steps:    requests whose prompt begins with it, on all paths together.
    constant: no argument and no answer is in it.
    """

    op: int
    parent: int
    size: int
    begins: int
    values: int
    steps: int
    constant: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A request or a call of a host function, where it can run at the earliest.

    op:       its index in `Graph.ops`.
    round:    so many others, one after another, have answered by then.
    start:    tokens that they may decode at most. bound: those of this one; a select or a call counts as one.
    gate:     the region whose switch it waits for because it stands in a case of it; -1 at the top.
    critical: on the longest chain of all, by tokens.
    """

    op: int
    round: int
    start: int
    bound: int
    gate: int
    critical: bool


def characters(part: str | Role) -> int:
    """The measure where no model is known: what the chat template writes at a role's edge counts for nothing."""
    return len(part) if isinstance(part, str) else 0


def prompts(graph: Graph, measure: Measure = characters) -> list[Prompt]:
    """Every prompt state, each after the one that it extends."""
    ops = graph.ops
    index = {op: place for place, op in enumerate(ops)}
    states = [op for op in ops if isinstance(op, Root | Append | Gen | Select)]
    steps: dict[Op, int] = dict.fromkeys(states, 0)
    for op in reversed(states):  # longer prompts first
        if not isinstance(op, Root):
            steps[op.state] += steps[op] + isinstance(op, Gen | Select)
    known: dict[str | Role, int] = {}
    made: dict[Op, Prompt] = {}
    for op in states:
        if isinstance(op, Root):
            made[op] = Prompt(index[op], -1, 0, 0, 0, steps[op], constant=True)
            continue
        before = made[op.state]
        parts: tuple[Part, ...] = op.parts if isinstance(op, Append) else ()
        literals = [part for part in parts if isinstance(part, str | Role)]
        size = 0
        for part in literals:
            if part not in known:
                known[part] = measure(part)
            size += known[part]
        values = len(parts) - len(literals) if isinstance(op, Append) else 1
        constant = before.constant and not values
        made[op] = Prompt(index[op], before.op, size, before.begins + size, values, steps[op], constant)
    return list(made.values())


@dataclass(slots=True)
class _Reached:
    """What must have answered before a value is known: requests one after another, their tokens, the last of them."""

    rounds: int = 0
    tokens: int = 0
    last: Primitive | None = None

    def __or__(self, other: _Reached) -> _Reached:
        longer = other if other.tokens > self.tokens else self
        return _Reached(max(self.rounds, other.rounds), longer.tokens, longer.last)


def rounds(graph: Graph, schedule: Schedule | None = None) -> list[Bar]:
    """Every request and call in the order of the graph. What stands in the cases of a switch waits for the answers that
    the switch is on. schedule: says of which gens the answers cannot have max_tokens."""
    ops = graph.ops
    longest = {ops[step.op]: step.longest for step in schedule.steps} if schedule is not None else {}
    bound = {op: token_bound(op, longest.get(op)) for op in graph.body if isinstance(op, Primitive)}
    reached: dict[Op, _Reached] = {op: _Reached() for op in (*graph.params, *graph.prefixes)}
    begins: dict[Region, tuple[_Reached, int]] = {graph.region: (_Reached(), -1)}
    waits: dict[Primitive, tuple[_Reached, int]] = {}
    for number, region in enumerate(graph.regions):
        start, gate = begins[region]
        for op in region.body:
            ready = start
            for operand in operands(op):
                ready |= reached[operand]
            if isinstance(op, Primitive):
                waits[op] = ready, gate
                ready = _Reached(ready.rounds + 1, ready.tokens + bound[op], op)
            reached[op] = ready
        if isinstance(region.end, Switch):
            for subject in region.end.subjects:
                start |= reached[subject]
            begins.update(dict.fromkeys(region.inside(), (start, number)))
    critical = _longest(waits, bound)
    index = {op: place for place, op in enumerate(ops)}
    return [
        Bar(index[op], ready.rounds, ready.tokens, bound[op], gate, critical=op in critical)
        for op, (ready, gate) in waits.items()
    ]


def _longest(waits: dict[Primitive, tuple[_Reached, int]], bound: dict[Primitive, int]) -> set[Primitive]:
    """The requests of the chain that may decode most tokens."""
    op = max(waits, key=lambda op: waits[op][0].tokens + bound[op], default=None)
    chain: set[Primitive] = set()
    while op is not None:
        chain.add(op)
        op = waits[op][0].last
    return chain
