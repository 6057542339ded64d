"""What a person wants to know about a graph: its values, as comments for the printer, and its paths, in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sglc.ir.grammar import CompiledConstraint, Grammar
from sglc.ir.graph import End, Graph, Switch
from sglc.ir.ops import Constraint, Gen, Op, Select, Type
from sglc.ir.schedule import Schedule


def notes(
    graph: Graph,
    schedule: Schedule | None = None,
    prefix_ids: tuple[tuple[int, ...], ...] = (),
    automata: Mapping[Constraint, CompiledConstraint] | None = None,
) -> dict[Op, str]:
    """op -> comment: how many prompts go on from a state, and, for one model, how many tokens a constant prompt has
    for sure and how large a gen's automaton is, or why it has none. prefix_ids: one for each of the schedule's prefixes
    of the program."""
    said: dict[Op, list[str]] = {}
    ops = graph.ops
    for op, users in graph.users().items():
        branches = sum(user.result is Type.STATE for user in dict.fromkeys(users))
        if op.result is Type.STATE and branches > 1:
            said.setdefault(op, []).append(f"shared by {branches}")
        if isinstance(op, Gen) and op.constraint is not None and automata and op.constraint in automata:
            said.setdefault(op, []).append(_size(automata[op.constraint]))
        if isinstance(op, Select):
            said.setdefault(op, []).append(f"{len(op.choices)} choices are scored")
    if schedule is not None:
        for prefix, ids in zip(schedule.of_scope("program"), prefix_ids, strict=False):
            said.setdefault(ops[prefix.op], []).append(f"{len(ids)} tokens can be prefilled")
    return {op: ", ".join(words) for op, words in said.items()}


def _size(compiled: CompiledConstraint) -> str:
    if isinstance(compiled, Grammar):
        return f"llguidance: {compiled.why}"
    return f"{len(compiled.accept)} states, {len(compiled.row_ends)} masks"


MAX_EXITS = 5
"""Places of exits that a summary names."""


def summary(graph: Graph) -> str:
    """What is compiled, and what is left to the Python function: its paths, and where it has exits and why.

    One line: `3 paths compiled, 2 exits: judge.py:14 int() of s["n"]; judge.py:20 len() of essay`.
    """
    ends = [region.end for region in graph.regions]
    paths = sum(isinstance(end, End) for end in ends)
    exits = [end for end in ends if isinstance(end, Switch) and end.open]
    compiled = f"{_count(paths, 'path')} compiled"
    if not exits:
        return f"{compiled}, no exit"
    places = Counter(" ".join(filter(None, (str(end.loc or ""), " ".join(end.why.split())))) or "?" for end in exits)
    said = [place if times == 1 else f"{place} (on {times} paths)" for place, times in places.items()]
    more = [f"and {len(said) - MAX_EXITS} more"] if len(said) > MAX_EXITS else []
    return f"{compiled}, {_count(len(exits), 'exit')}: {'; '.join([*said[:MAX_EXITS], *more])}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
