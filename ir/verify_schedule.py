"""The rules of a valid schedule: what the runtime may rely on without checking."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.ir.errors import IRError
from sglc.ir.graph import Graph
from sglc.ir.made_of import made_of
from sglc.ir.ops import Append, Call, Gen, Op, Primitive, Select, Type, operands
from sglc.ir.schedule import Prefix, Schedule, Step


def verify_schedule(graph: Graph, schedule: Schedule) -> None:
    """Raises `IRError` for the first rule that a schedule of a valid graph breaks."""
    ops = graph.ops
    _prefixes(graph, schedule.prefixes)
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
        bounded = step.kind == "decode" and (step.longest or 0) >= 0
        _check(step.longest is None or bounded, f"step {index} has a longest answer that is none")
    _answers(ops, schedule.steps)
    _forks(graph, schedule)

    _check(len({life.state for life in schedule.lifetimes}) == len(schedule.lifetimes), "a state has two lifetimes")
    for life in schedule.lifetimes:
        known = 0 <= life.state < len(ops)
        _check(known and ops[life.state].result is Type.STATE, "a lifetime is not of a state")
        _check(life.uses >= 0, "a count of uses is negative")
        _check(life.tokens >= 0, "a count of tokens is negative")
        _check(_increasing(life.last, len(schedule.steps)), "a lifetime ends with a step that is none")


def _prefixes(graph: Graph, prefixes: Sequence[Prefix]) -> None:
    """Those of the program are constants, and those of a batch are made of the arguments that they name."""
    ops, body = graph.ops, len(graph.params) + len(graph.prefixes)
    made = made_of(graph) if any(prefix.scope == "batch" for prefix in prefixes) else {}
    _check(len({prefix.op for prefix in prefixes}) == len(prefixes), "a prefix is named twice")
    for prefix in prefixes:
        if prefix.scope == "program":
            constant = len(graph.params) <= prefix.op < body
            _check(constant and ops[prefix.op].result is Type.STATE, "a prefix is no constant state")
        else:
            known = body <= prefix.op < len(ops)
            _check(known and ops[prefix.op].result is Type.STATE, "a prefix is no state of the body")
        if prefix.scope == "batch":
            _check(_increasing(prefix.params, len(graph.params)), "a prefix of a batch names a param that is none")
            named = sum(1 << index for index in prefix.params)
            _check(bool(named) and made[ops[prefix.op]] == named, "a prefix of a batch is not made of its params")
        else:
            _check(not prefix.params, "a prefix that is of no batch names params")
        _check(prefix.uses >= 0, "a count of uses is negative")


def _forks(graph: Graph, schedule: Schedule) -> None:
    """The plans are of the graph's forks, and a group's prompts begin with those of the groups around it."""
    ops, plans = graph.ops, schedule.forks
    _check(len(plans) == len(graph.forks), "the plans of forks are not those of the graph's forks")
    step_of = {ops[step.op]: index for index, step in enumerate(schedule.steps)}
    place = {op: index for index, op in enumerate(ops)}
    below = _below(ops) if plans else {}
    for number, (plan, fork) in enumerate(zip(plans, graph.forks, strict=True)):
        same = plan.state == place[fork.state] and plan.members == tuple(step_of[op] for op in fork.members)
        _check(same, f"fork {number} is not that of the graph")
        if plan.within != -1:
            known = 0 <= plan.within < len(plans) and plan.within != number
            _check(
                known and below[fork.state].start in below[graph.forks[plan.within].state],
                f"fork {number} is not in the one around it",
            )


def _below(ops: Sequence[Op]) -> dict[Op, range]:
    """The place of each state in a walk of the tree of prompts, and those of all prompts that begin with it."""
    states = [op for op in ops if op.result is Type.STATE]
    size = dict.fromkeys(states, 1)
    for op in reversed(states):
        if isinstance(op, Append | Gen | Select):
            size[op.state] += size[op]
    found: dict[Op, range] = {}
    free: dict[Op | None, int] = {None: 0}
    for op in states:
        above = op.state if isinstance(op, Append | Gen | Select) else None
        found[op] = range(free[above], free[above] + size[op])
        free[above] += size[op]
        free[op] = found[op].start + 1
    return found


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
