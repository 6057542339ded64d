"""What steps go on from: the ways of `futures.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sglc.ir.ops import Append, Gen, Op, Primitive, Root, Select

Ways = dict[Op, dict[Op, int]]
"""state -> the ops that go on from it, each with the order of the first step that they lead to."""


def ways_of(steps: Iterable[tuple[Primitive, int]], known: Callable[[Op], bool]) -> Ways:
    """The ways that steps, each with its order, take from known states on."""
    ways: Ways = {}
    for step, order in steps:
        op: Op = step
        while isinstance(op, Append | Gen | Select) and not known(op):
            found = ways.setdefault(op.state, {})
            if op in found:
                found[op] = min(found[op], order)
                break
            found[op] = order
            op = op.state
    return {state: found for state, found in ways.items() if not isinstance(state, Root)}
