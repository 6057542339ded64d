"""Drops what no output reaches.

    %0 = root
    %1 = gen %0 {name="unread", sample=0}             =>   %0 = root
    %2 = gen %0 {name="answer", sample=1}                  %2 = gen %0 {name="answer", sample=1}
    final %2                                               final %2

An answer that is neither a variable nor part of the program's text or value changes no result, so its gen is dead too.
Params stay: they are the program's signature.
"""

from __future__ import annotations

from sglc.ir.graph import Graph
from sglc.ir.ops import operands
from sglc.passes.rebuild import rebuilt


def drop_dead(graph: Graph) -> Graph:
    live = set(graph.outputs())
    for op in reversed(graph.ops):
        if op in live:
            live.update(operands(op))
    if live.issuperset(graph.prefixes) and live.issuperset(graph.body):
        return graph
    return rebuilt(graph, filter(live.__contains__, graph.prefixes), filter(live.__contains__, graph.body))
