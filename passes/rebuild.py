"""What passes share: putting a graph together again from other ops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sglc.ir.graph import Graph, Region, with_regions
from sglc.ir.ops import Op, Part


def rebuilt(
    graph: Graph,
    prefixes: Iterable[Op],
    body: Callable[[Region], Iterable[Op]],
    new: Callable[[Op], Op] = lambda op: op,
) -> Graph:
    """The graph with these prefixes, the ops `body(region)` in each region, and each op `x` that an end or a switch
    reads replaced by `new(x)`. `body` sees each region before those inside it.

    Forks describe the graph as it was, so they go; `detect_forks` finds them again.
    """

    region = with_regions(graph.region, lambda old: (tuple(body(old)), ()), new)
    return replace(graph, prefixes=tuple(prefixes), region=region)


def joined(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts with neighbouring literals as one and without empty ones; `parts` itself where nothing changed."""
    out: list[Part] = []
    literals: list[str] = []
    for part in (*parts, None):
        if isinstance(part, str):
            literals.append(part)
            continue
        if text := "".join(literals):
            out.append(text)
        literals.clear()
        if part is not None:
            out.append(part)
    return parts if len(out) == len(parts) else tuple(out)
