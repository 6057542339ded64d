"""Drops what no path of the program needs.

    %0 = root
    %1 = gen %0 {name="unread", number=0}             =>   %0 = root
    %2 = gen %0 {name="answer", number=1}                  %2 = gen %0 {name="answer", number=1}
    final %2                                               final %2

An answer that is neither a variable nor part of the program's text or value changes no result, so its gen is dead too.
Calls of host functions stay, for what they do. Before an exit all answers stay: the program may still ask for them.
Params stay: they are the program's signature.
"""

from __future__ import annotations

from collections.abc import Iterator

from sglc.ir.graph import Graph, Region, Switch
from sglc.ir.ops import Call, Numbered, Op, operands
from sglc.passes.rebuild import rebuilt


def drop_dead(graph: Graph) -> Graph:
    live = set(graph.outputs())
    live.update(_kept(graph))
    for op in reversed(graph.ops):
        if op in live:
            live.update(operands(op))
    if live.issuperset(graph.prefixes) and live.issuperset(graph.body):
        return graph
    return rebuilt(
        graph, filter(live.__contains__, graph.prefixes), lambda region: filter(live.__contains__, region.body)
    )


def _kept(graph: Graph) -> Iterator[Op]:
    """What stays, read or not."""
    before_exits: set[Region] = set()
    for region in reversed(graph.regions):  # those inside a region first
        opens = isinstance(region.end, Switch) and region.end.open
        if opens or not before_exits.isdisjoint(region.inside()):
            before_exits.add(region)
        kind = Numbered if region in before_exits else Call
        yield from (op for op in region.body if isinstance(op, kind))
