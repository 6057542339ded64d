"""What it is worth to take steps by their critical path: forward passes of a batch where few requests run at once.

A schedule knows how many tokens may follow each step (`Step.priority`). The engine takes what waits row after row, in the
order of the prompt tree (`depth_first`). Here, each example as a batch of rows on the device that computes hashes, also: of a
row, the steps before the longest chain first (`in_row`), and of all rows (`of_all`). Lower is better; texts and computed
tokens are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks._hit_rate_engine import EVERYTHING, Simulated
from benchmarks._report import Report, main
from benchmarks.hit_rate import batch, many, rows_of
from sglc.command.program_file import load_program
from sglc.ir.graph import Graph
from sglc.ir.ops import Op
from sglc.ir.schedule import Schedule
from sglc.runtime.executor import Executor
from sglc.runtime.jobs import Job
from sglc.runtime.program import Plan, Program, Run

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
RUNNING = (2, 4, 8, 32)
ROWS = 12

Order = Callable[[int, int, int], tuple[int, ...]]
ORDERS: dict[str, Order] = {
    "depth_first": lambda row, priority, order: (row, order),
    "in_row": lambda row, priority, order: (row, -priority, order),
    "of_all": lambda row, priority, order: (-priority, row, order),
}
"""Of a step: its row, its priority and its place in the walk of the prompts -> who comes first."""


def measure() -> Report:
    passes = {f"{name}_{running}": 0.0 for running in RUNNING for name in ORDERS}
    priorities: dict[Op, int] = {}
    made, asked = Program.__init__, Executor._job

    def noted(program: Program, graph: Graph, schedule: Schedule, *rest: Any) -> None:
        priorities.update((graph.ops[step.op], step.priority) for step in schedule.steps)
        made(program, graph, schedule, *rest)

    def ordered(executor: Executor, run: Run, plan: Plan) -> Job:
        job = asked(executor, run, plan)
        object.__setattr__(job, "order", chosen(run.row, priorities.get(plan.op, 0), plan.order))
        return job

    chosen = ORDERS["depth_first"]
    with patch.object(Program, "__init__", noted), patch.object(Executor, "_job", ordered), Simulated() as backend:
        for path in sorted(EXAMPLES.glob("*.py")):
            run = batch(backend, load_program(str(path)), many(rows_of(path), ROWS))
            backend.measure(run)  # traced and compiled here
            alike = backend.measure(run)
            line = f"{path.stem:22}"
            for running in RUNNING:
                for name, chosen in ORDERS.items():  # noqa: B007 - `ordered` reads it
                    found = backend.measure(run, "ours", EVERYTHING, running)
                    if (found.texts, found.computed) != (alike.texts, alike.computed):
                        raise AssertionError(f"the texts or the computed tokens of {path.stem} depend on the order")
                    passes[f"{name}_{running}"] += found.passes
                    line += f"{found.passes:>7,}"
                line += "  "
            print(line, flush=True)
    return Report(passes)


if __name__ == "__main__":
    main("priorities", measure)
