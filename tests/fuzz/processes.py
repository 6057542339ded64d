"""A search in several processes, with a bar on standard error and failures as they come."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from queue import Empty
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.fuzz.report import Found
from tests.fuzz.runs import Runs
from tests.fuzz.search import Searched, search

CHUNK = 100
"""Programs between two reports of a process."""

LINE = 10_000
"""Programs between two lines, where there is no terminal for a bar."""


def hunt(start: int, count: int, processes: int) -> int:
    """All seeds from `start`, shared out in chunks. Prints a summary; 1 where a program failed or not all ran."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ctrl-C is ignored in the background of a shell
    context = multiprocessing.get_context("spawn")  # threads of a parent do not live on in a fork
    chunks, done = context.Queue(), context.Queue()
    starts = set(range(start, start + count, CHUNK))
    for first in sorted(starts):
        chunks.put(range(first, min(first + CHUNK, start + count)))
    workers = [context.Process(target=_work, args=(chunks, done), daemon=True) for _ in range(processes)]
    for worker in workers:
        chunks.put(None)
        worker.start()
    total, console = Searched(), Console(stderr=True)
    with Progress(*_columns(), console=console) as progress:
        task = progress.add_task("programs", total=count, rate="-", failures=0)
        try:
            for first, report in _reports(done, workers, len(starts)):
                if isinstance(report, Found):
                    progress.console.print(f"\n{report}\n", markup=False, highlight=False, soft_wrap=True)
                    continue
                starts.discard(first)
                total.update(report)
                speed = progress.tasks[0].speed
                rate = f"{speed:.0f}" if speed else "-"
                progress.update(task, advance=report.coverage.programs, rate=rate, failures=total.kinds.total())
                if not console.is_terminal and total.coverage.programs % LINE == 0:
                    console.print(f"{total.coverage.programs} programs, {rate}/s, {total.kinds.total()} failures")
        except KeyboardInterrupt:
            console.print(f"stopped; go on with --start {min(starts, default=start + count)}")
    for worker in workers:
        worker.terminate()
    chunks.cancel_join_thread()  # nobody takes what an interrupted search leaves in it
    print(summary(total))
    return 1 if total.kinds or starts else 0


def _columns() -> tuple[Any, ...]:
    return (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}/s"),
        TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[failures]} failures"),
    )  # fmt: skip


def _work(chunks: Any, done: Any) -> None:
    """One process: chunks of seeds in, reports out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with Runs() as runs:
        told: list[Found] = []
        while (seeds := chunks.get()) is not None:
            report = search(seeds, runs, told, lambda found: done.put((0, found)))
            done.put((seeds.start, report))


def _reports(done: Any, workers: list[Any], count: int) -> Iterator[tuple[int, Any]]:
    """What the processes report, until all chunks are done. Raises where one of them died."""
    while count:
        try:
            start, report = done.get(timeout=1.0)
        except Empty:
            if any(worker.exitcode for worker in workers):
                raise RuntimeError("a process of the search died in a chunk that is not reported") from None
            continue
        count -= not isinstance(report, Found)
        yield start, report


def summary(total: Searched) -> str:
    """Failures and coverage, for a person."""
    kinds = "\n".join(f"  {count:6,} x {kind}" for kind, count in total.kinds.most_common())
    failures = f"{total.kinds.total():,} failures:\n{kinds}" if kinds else "no failures"
    return f"{total.coverage.programs:,} programs, {failures}\n\nof the programs had:\n{total.coverage}"
