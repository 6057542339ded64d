"""What a person wants to know about the values of a graph, as comments for the printer."""

from __future__ import annotations

from collections.abc import Mapping

from sglc.ir.graph import Graph
from sglc.ir.ops import Gen, Op, Select, Type
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import TokenAutomaton


def notes(
    graph: Graph,
    schedule: Schedule | None = None,
    prefix_ids: tuple[tuple[int, ...], ...] = (),
    automata: Mapping[str, TokenAutomaton] | None = None,
) -> dict[Op, str]:
    """op -> comment: how many prompts go on from a state, and, for one model, how many tokens a constant prompt has
    for sure and how large a gen's automaton is. prefix_ids: one for each of the schedule's prefixes."""
    said: dict[Op, list[str]] = {}
    ops = graph.ops
    for op, users in graph.users().items():
        branches = sum(user.result is Type.STATE for user in dict.fromkeys(users))
        if op.result is Type.STATE and branches > 1:
            said.setdefault(op, []).append(f"shared by {branches}")
        if isinstance(op, Gen) and op.regex is not None and automata and op.regex in automata:
            automaton = automata[op.regex]
            said.setdefault(op, []).append(f"{len(automaton.table)} states, {len(automaton.rows)} masks")
        if isinstance(op, Select):
            said.setdefault(op, []).append(f"{len(op.choices)} choices are scored")
    if schedule is not None:
        for prefix, ids in zip(schedule.prefixes, prefix_ids, strict=False):
            said.setdefault(ops[prefix.op], []).append(f"{len(ids)} tokens can be prefilled")
    return {op: ", ".join(words) for op, words in said.items()}
