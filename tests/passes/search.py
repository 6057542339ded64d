"""The passes on far more random graphs than a test run has time for.

python -m tests.passes.search [--count N] [--start SEED] [--processes P]
python -m tests.passes.search --seed SEED      one graph again, as text

Each graph goes through all passes, with the verifier and the comparison of meanings after each, and becomes a valid
schedule. Exits with 1 where a pass was left out or anything was refused, which is a broken pass or a false alarm.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from random import Random

from rich.console import Console
from rich.progress import track

from sglc.ir.graph import Graph
from sglc.ir.printer import print_graph
from sglc.ir.verify_schedule import verify_schedule
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from tests.graphs import random_graph, same

CHUNK = 500
LINE = 50_000
"""Graphs between two lines, where there is no terminal for a bar."""
SIZE = 50
"""Of a graph at most, in ops."""

Failures = list[tuple[int, str]]
"""Seeds, and what went wrong."""


def graph_of(seed: int) -> Graph:
    rng = Random(f"passes {seed}")
    return random_graph(rng, rng.randint(0, SIZE))


def passed(graph: Graph) -> list[str]:
    """Takes a graph through everything: the names of the passes that changed it. Raises whatever is wrong."""
    seen: list[tuple[str, Graph]] = [("", graph)]
    with warnings.catch_warnings(action="error"):
        after = optimise(graph, lambda name, graph: seen.append((name, graph)))
    verify_schedule(after, lower(after))
    return [name for (_, before), (name, after) in pairwise(seen) if after is not before and not same(after, before)]


def search(seeds: range) -> tuple[int, Counter[str], Failures]:
    """How many graphs, how many of them each pass changed, and the failures."""
    changed: Counter[str] = Counter()
    failures: Failures = []
    for seed in seeds:
        try:
            changed.update(passed(graph_of(seed)))
        except Exception:  # noqa: BLE001 - told, with its seed
            failures.append((seed, traceback.format_exc(limit=-3)))
    return len(seeds), changed, failures


def searched(start: int, count: int, processes: int) -> Iterator[tuple[int, Counter[str], Failures]]:
    """`search` of all seeds, in several processes, as the chunks are done."""
    chunks = [range(first, min(first + CHUNK, start + count)) for first in range(start, start + count, CHUNK)]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        yield from track(pool.map(search, chunks), "graphs", len(chunks), console=Console(stderr=True))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.passes.search", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1_000_000, help="graphs")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, help="one graph again")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        print(print_graph(graph_of(given.seed)))
        print("changed by:", *passed(graph_of(given.seed)))
        return 0
    total, changed, failed = 0, Counter[str](), 0
    for count, by_pass, failures in searched(given.start, given.count, given.processes):
        total += count
        changed.update(by_pass)
        failed += len(failures)
        for seed, what in failures:
            print(f"seed {seed}: {what}")
        if not sys.stderr.isatty() and total % LINE == 0:
            print(f"{total:,} graphs, {failed:,} failures", flush=True)
    print(f"{total:,} graphs, {failed:,} failures; changed by")
    print("\n".join(f"  {changed[name] / total:6.1%}  {name}" for name in sorted(changed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
