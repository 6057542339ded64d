"""Makes neighbouring literals one, and appends one after another one append.

    %1 = append %0, ["Write ", "", "about "]          =>   %2 = append %0, ["Write about ", %topic]
    %2 = append %1, [%topic]
    final %2                                               final %2

A state that something else reads too (another op, or a result) stays as it is, and so does a constant prefix that the
body goes on from: it is prefilled once for all calls. The first append's line is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sglc.ir.errors import Location
from sglc.ir.graph import Graph, rewritten
from sglc.ir.ops import Append, Format, Op, Part, Select, Unordered, with_operands
from sglc.passes.rebuild import joined, rebuilt


def fold_text(graph: Graph) -> Graph:
    return _with_chains_merged(rewritten(graph, _with_literals_joined))


def _with_literals_joined(op: Op) -> Op | None:
    match op:
        case Append(parts=parts) if (folded := joined(parts)) is not parts:
            return replace(op, parts=folded) if folded else op.state
        case Append(parts=()):
            return op.state
        case Format(parts=parts) if (folded := joined(parts)) is not parts:
            return replace(op, parts=folded)
        case Unordered(groups=groups) if (folded_groups := _each_joined(groups)) is not groups:
            return replace(op, groups=folded_groups)
        case Select(choices=choices) if (folded_choices := _each_joined(choices)) is not choices:
            return replace(op, choices=folded_choices)
        case _:
            return None


def _each_joined(groups: tuple[tuple[Part, ...], ...]) -> tuple[tuple[Part, ...], ...]:
    folded = tuple(map(joined, groups))
    return folded if any(a is not b for a, b in zip(folded, groups, strict=True)) else groups


@dataclass(slots=True)
class _Chain:
    """Appends one after another, none of which but the last is read by anything else."""

    state: Op
    parts: list[Part]
    loc: Location | None


def _with_chains_merged(graph: Graph) -> Graph:
    users, outputs = graph.users(), set(graph.outputs())
    new: dict[Op, Op] = {}
    chains: dict[Op, _Chain] = {}  # by their last append so far, which is not emitted

    def section(ops: tuple[Op, ...]) -> list[Op]:
        out: list[Op] = []
        here = set(ops)
        for op in ops:
            moved = with_operands(op, lambda x: new.get(x, x))
            if isinstance(moved, Append):
                earlier = chains.pop(moved.state, None)
                chain = earlier or _Chain(moved.state, [], moved.loc)
                chain.parts.extend(moved.parts)
                if op not in outputs and [type(user) for user in users[op]] == [Append] and users[op][0] in here:
                    chains[op] = chain
                    continue
                if earlier:
                    moved = Append(state=chain.state, parts=joined(tuple(chain.parts)), loc=chain.loc)
            new[op] = moved
            out.append(moved)
        return out

    return rebuilt(graph, section(graph.prefixes), lambda region: section(region.body), lambda op: new.get(op, op))
