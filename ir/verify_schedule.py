"""The rules of a valid schedule: what the runtime may rely on without checking."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.ir.errors import IRError
from sglc.ir.graph import Graph
from sglc.ir.ops import Call, Op, Primitive, Select, Type, operands
from sglc.ir.schedule import Schedule, Step


def verify_schedule(graph: Graph, schedule: Schedule) -> None:
    """Raises `IRError` for the first rule that a schedule of a valid graph breaks."""
    ops = graph.ops
    prefixes = range(len(graph.params), len(graph.params) + len(graph.prefixes))
    _check(len({p.op for p in schedule.prefixes}) == len(schedule.prefixes), "a prefix is named twice")
    for prefix in schedule.prefixes:
        _check(prefix.op in prefixes and ops[prefix.op].result is Type.STATE, "a prefix is no constant state")
        _check(prefix.uses >= 0, "a count of uses is negative")

    _check(
        {s.op for s in schedule.steps} == _requests(ops), "the steps are not the gens, selects and calls of the graph"
    )
    members = [set(fork.members) for fork in graph.forks]
    region = {op: number for number, region in enumerate(graph.regions) for op in region.body}
    _check(len({s.op for s in schedule.steps}) == len(schedule.steps), "an op has two steps")
    _check(sorted(s.order for s in schedule.steps) == list(range(len(schedule.steps))), "the steps' order has gaps")
    for index, step in enumerate(schedule.steps):
        _check(step.kind == _kind(ops[step.op]), f"step {index} is of the wrong kind")
        _check(step.region == region[ops[step.op]], f"step {index} is not in its region")
        _check(_increasing(step.after, index), f"step {index} waits for a step that is not before it")
        _check(step.priority >= 0, f"step {index} has a negative priority")
        in_fork = 0 <= step.fork < len(members) and ops[step.op] in members[step.fork]
        _check(step.fork == -1 or in_fork, f"step {index} is not in its fork")
    _answers(ops, schedule.steps)

    _check(len({life.state for life in schedule.lifetimes}) == len(schedule.lifetimes), "a state has two lifetimes")
    for life in schedule.lifetimes:
        known = 0 <= life.state < len(ops)
        _check(known and ops[life.state].result is Type.STATE, "a lifetime is not of a state")
        _check(life.uses >= 0, "a count of uses is negative")
        _check(_increasing(life.last, len(schedule.steps)), "a lifetime ends with a step that is none")


def _requests(ops: Sequence[Op]) -> set[int]:
    return {index for index, op in enumerate(ops) if isinstance(op, Primitive)}


def _kind(op: Op) -> str:
    return "score" if isinstance(op, Select) else "call" if isinstance(op, Call) else "decode"


def _increasing(numbers: Sequence[int], end: int) -> bool:
    """Whether the numbers grow, from 0 to below `end`."""
    return all(a < b for a, b in zip((-1, *numbers), (*numbers, end), strict=True))


def _answers(ops: Sequence[Op], steps: Sequence[Step]) -> None:
    """Each step waits, if only through others, for every answer that its prompt reads. Sets of steps are bits."""
    step_of = {ops[step.op]: index for index, step in enumerate(steps)}
    earlier = [0] * len(steps)  # all that a step waits for
    for index, step in enumerate(steps):
        for j in step.after:
            earlier[index] |= earlier[j] | 1 << j
    read: dict[Op, int] = {}  # answers that a value is made of
    for op in ops:
        bits = 0
        for operand in operands(op):
            bits |= read[operand]
        index = step_of.get(op)
        if index is None:
            read[op] = bits
        else:
            _check(not bits & ~earlier[index], f"step {index} does not wait for an answer that it reads")
            read[op] = 1 << index


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise IRError(what, hint="the schedule does not belong to this graph; lower the graph again")
