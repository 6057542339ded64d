"""What each pass is worth: every example with one pass of the pipeline off, in turn; and with all of them off.

For each example the first rows of its data, on the engine with the embedded model; texts must be equal whatever is off.
Counted are the tokens prefilled and the forward passes of the batch. Constant prompts are computed before it, as `sglc
warmup` does: without hoist_prefix there are none. Latency is of the whole batch, by the clock, as a ratio to that of the
full pipeline in the same round; all take turns, and the medians of the rounds count.

`lower` off: the steps' priorities are 0 and their order is that of the program. `all` off: that, on the graph as it was
traced. Where a pass being off gives the same graph and schedule, another pass does its work too or there is none in that
example: nothing is run for it, and the table has "=".

tokens_PASS and passes_PASS are the sums over all examples with it off, as ratios to those of the full pipeline;
latency_PASS the median over the examples. tokens_PASS_EXAMPLE are counts, where they are others than those of the full
pipeline.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks._report import Report, main
from sglc import Engine, SglFunction
from sglc.batch import ready_rows, run_rows
from sglc.command.program_file import load_program
from sglc.compiler import Compiled
from sglc.ir.graph import Graph
from sglc.ir.ops import Sampling
from sglc.ir.printer import print_graph
from sglc.ir.schedule import Schedule
from sglc.language.arguments import Arguments, bind
from sglc.live import LiveProgram
from sglc.passes.pipeline import GRAPH_PASSES, lowered, optimise
from sglc.trace.confirm import confirmed_trace

ROOT = Path(__file__).resolve().parent.parent
ROWS = 6
ROUNDS = 3
MAX_NEW_TOKENS = 24
FULL, LOWER, ALL = "full", "lower", "all"
OFF = (*(graph_pass.__name__ for graph_pass in GRAPH_PASSES), LOWER, ALL)


@dataclass
class Variant:
    """A program compiled with something off. traced: its graphs, by the shape of the arguments."""

    function: SglFunction
    off: str
    made: dict[Any, LiveProgram] = field(default_factory=dict[Any, LiveProgram])

    def compiled(self, row: Arguments) -> LiveProgram:
        if row.shape not in self.made:
            traced = confirmed_trace(self.function.func, row, self.function.bounds)
            self.made[row.shape] = LiveProgram(self.function.func, row, traced, compiled(traced.graph, self.off))
        return self.made[row.shape]

    def same_as(self, other: Variant) -> bool:
        return all(_shown(self.made[shape].compiled) == _shown(other.made[shape].compiled) for shape in self.made)


def compiled(graph: Graph, off: str) -> Compiled:
    """The model-free compile with this pass, `lower` or `all` off."""
    passes = [graph_pass for graph_pass in GRAPH_PASSES if off not in (ALL, graph_pass.__name__)]
    optimised = optimise(graph, passes=passes)
    schedule = lowered(optimised)
    return Compiled(optimised, in_program_order(schedule) if off in (LOWER, ALL) else schedule)


def in_program_order(schedule: Schedule) -> Schedule:
    steps = (replace(step, order=index, priority=0) for index, step in enumerate(schedule.steps))
    return replace(schedule, steps=tuple(steps))


def _shown(made: Compiled) -> tuple[str, Schedule]:
    return print_graph(made.graph), made.schedule


@dataclass(frozen=True)
class Cost:
    """One batch. ahead: tokens that were prefilled before it."""

    texts: Sequence[str]
    ahead: int
    tokens: int
    passes: int
    seconds: float


def cost(engine: Engine, variant: Variant, rows: Sequence[Arguments]) -> Cost:
    """Runs the rows with an empty cache, but for the constant prompts."""
    engine.flush_cache()
    engine.reset_stats()
    for row in rows:
        engine.warm(variant.compiled(row).compiled.for_model(engine.tokenizer).prefix_ids)
    ahead = engine.stats().prefilled_tokens
    engine.reset_stats()
    ready = ready_rows(variant.compiled, rows, engine, Sampling(max_tokens=MAX_NEW_TOKENS), seed=0)
    start = time.perf_counter()
    results = [result for _, result in sorted(run_rows(ready, engine), key=lambda numbered: numbered[0])]
    seconds = time.perf_counter() - start
    failed = [error for result in results if (error := result.error()) is not None]
    if failed:
        raise AssertionError(f"{len(failed)} rows of {variant.function.__name__} failed, the first with: {failed[0]}")
    stats = engine.stats()
    return Cost([r.text() for r in results], ahead, stats.prefilled_tokens, stats.forward_passes, seconds)


@dataclass(frozen=True)
class Measured:
    """Of one example with something off; ratio: of its latency to that of the full pipeline. same: nothing was run, for
    there is no difference."""

    ahead: int
    tokens: int
    passes: int
    ratio: float
    same: bool = False


def ablated(
    engine: Engine, function: SglFunction, data: Iterable[Mapping[str, Any]], rounds: int = ROUNDS
) -> dict[str, Measured]:
    """What is off -> what the rows cost then; first with nothing off."""
    rows = [bind(function.func, (), row) for row in data]
    variants = {off: Variant(function, off) for off in (FULL, *OFF)}
    for variant in variants.values():
        for row in rows:
            variant.compiled(row)
    full = variants[FULL]
    run = {off: variant for off, variant in variants.items() if variant is full or not variant.same_as(full)}
    costs: dict[str, list[Cost]] = {off: [] for off in run}
    for _ in range(rounds + 1):
        for off, variant in run.items():
            costs[off].append(cost(engine, variant, rows))
            if costs[off][-1].texts != costs[FULL][0].texts:
                raise AssertionError(f"the texts of {function.__name__} are others without {off}")
    timed = {off: found[1:] for off, found in costs.items()}  # the first runs compile what comes after exits
    measured = {off: _measured(found, timed[FULL]) for off, found in timed.items()}
    return {off: measured.get(off) or replace(measured[FULL], same=True) for off in variants}


def _measured(costs: Sequence[Cost], full: Sequence[Cost]) -> Measured:
    """costs: one a round, as those of the full pipeline."""
    return Measured(
        ahead=costs[0].ahead,
        tokens=round(statistics.median(each.tokens for each in costs)),
        passes=round(statistics.median(each.passes for each in costs)),
        ratio=statistics.median(each.seconds / other.seconds for each, other in zip(costs, full, strict=True)),
    )


def measure() -> Report:
    print(f"{'tokens prefilled':20}{'ahead':>8}{FULL:>8}" + "".join(f"{off:>15}" for off in OFF))
    found: dict[str, dict[str, Measured]] = {}
    with Engine(device="cpu", speculate=False) as engine:
        for path in sorted((ROOT / "examples").glob("*.py")):
            lines = path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines[:ROWS]]
            found[path.stem] = ablated(engine, load_program(str(path)), rows)
            print(_line(path.stem, found[path.stem]), flush=True)
    examples = found.values()
    figures: dict[str, float] = {}
    for off in OFF:
        tokens, passes = (sum(getattr(each[off], name) for each in examples) for name in ("tokens", "passes"))
        figures[f"tokens_{off}"] = tokens / sum(each[FULL].tokens for each in examples)
        figures[f"passes_{off}"] = passes / sum(each[FULL].passes for each in examples)
        figures[f"latency_{off}"] = statistics.median(each[off].ratio for each in examples)
    print()
    print(f"{'sum of all':20}{'':>16}" + "".join(f"{figures[f'tokens_{off}']:>14.3f}x" for off in OFF))
    print(f"{'forward passes':20}{'':>16}" + "".join(f"{figures[f'passes_{off}']:>14.3f}x" for off in OFF))
    print(f"{'latency, median':20}{'':>16}" + "".join(f"{figures[f'latency_{off}']:>14.3f}x" for off in OFF))
    print()
    for name, example in found.items():
        for off, each in example.items():
            if off == FULL or each.tokens != example[FULL].tokens:
                figures[f"tokens_{off}_{name}"] = each.tokens
    return Report(figures)


def _line(name: str, measured: Mapping[str, Measured]) -> str:
    full = measured[FULL]
    cells = (
        "=" if each.same else f"{each.tokens - full.tokens:+,} {each.ratio:5.2f}x"
        for each in map(measured.get, OFF)
        if each
    )
    return f"{name:20}{full.ahead:>8,}{full.tokens:>8,}" + "".join(f"{cell:>15}" for cell in cells)


if __name__ == "__main__":
    main("ablation", measure)
