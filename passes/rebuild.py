"""What passes share: putting a graph together again from other ops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sglc.ir.graph import Graph, map_leaves
from sglc.ir.ops import Op, Part


def rebuilt(graph: Graph, prefixes: Iterable[Op], body: Iterable[Op], new: Callable[[Op], Op] = lambda op: op) -> Graph:
    """The graph with these ops, and each op `x` of its results replaced by `new(x)`.

    Forks describe the graph as it was, so they go; `detect_forks` finds them again.
    """
    return replace(
        graph,
        prefixes=tuple(prefixes),
        body=tuple(body),
        final=new(graph.final),
        variables={name: map_leaves(tree, new) for name, tree in graph.variables.items()},
        value=map_leaves(graph.value, new),
        forks=(),
    )


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
