"""What a compile costs, and how it grows: graphs of 100 to 30,000 nodes in seven shapes.

Measured is all that needs no model: every pass with its verifier and its term validator, and lowering. Nodes are ops
and regions of the graph as it was traced. Seconds are of the processor (a compile is one thread and waits for nothing),
the best of several, so that other programs on the machine count little.

ms_1000_nodes is the slowest shape's at 1,000 nodes. growth_SHAPE is the exponent of the line that fits the times best from
1,000 nodes on, over logarithmic axes; its target is that of n log n over the same sizes.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Sequence

from benchmarks._compile_shapes import SHAPES, nodes
from benchmarks._loglog import plot
from benchmarks._report import Report, main
from sglc.compiler import compile_graph
from sglc.ir.graph import Graph

SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
AT = 1_000
"""The size that has a target, and from which on growth counts: below it, what each compile costs shows."""

Points = list[tuple[float, float]]


def measure() -> Report:
    times: dict[str, Points] = {shape.__name__: [_measured(shape(size)) for size in SIZES] for shape in SHAPES}
    _print_table(times)
    at = SIZES.index(AT)
    at_size = {name: points[at][1] * AT / points[at][0] for name, points in times.items()}
    bound = [(size, size * math.log(size)) for size, _ in times[SHAPES[0].__name__]]
    figures = {"ms_1000_nodes": max(at_size.values())}
    figures |= {f"growth_{name}": _exponent(points[at:]) for name, points in times.items()}
    scale = figures["ms_1000_nodes"] / bound[at][1]
    lines = {**times, "n log n": [(size, scale * value) for size, value in bound]}
    targets = {"ms_1000_nodes": 100.0, **{f"growth_{name}": _exponent(bound[at:]) for name in times}}
    return Report(figures, targets, plot("Time of a compile", "nodes", "milliseconds", lines, "n log n"))


def _measured(graph: Graph) -> tuple[float, float]:
    """(nodes, milliseconds)"""
    rounds = 9 if nodes(graph) < 2_000 else 3
    best = math.inf
    for _ in range(rounds):
        gc.collect()
        gc.freeze()  # what was there before, torch and all, is no part of the compile
        start = time.process_time()
        compile_graph(graph)
        best = min(best, time.process_time() - start)
    return nodes(graph), best * 1e3


def _exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the line through the points' logarithms with the least squares."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)


def _print_table(times: dict[str, Points]) -> None:
    print(f"{'milliseconds at nodes:':24}" + "".join(f"{size:>10,}" for size in SIZES))
    for name, points in times.items():
        print(f"{name:24}" + "".join(f"{milliseconds:10.1f}" for _, milliseconds in points))
    print()


if __name__ == "__main__":
    main("compile", measure)
