"""Runs rows of arguments and gathers what comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sglc.arguments import Arguments
from sglc.compiler import Compiled, compile_graph
from sglc.confirm import confirmed_trace
from sglc.interpreter import interpret
from sglc.ir.ops import Sampling
from sglc.result import Result
from sglc.runtime.backend import Engine, Row

Numbered = tuple[int, Result]


class BatchInterrupted(KeyboardInterrupt):
    """Ctrl-C in a batch. results: one a row, None for rows that were not done."""

    def __init__(self, results: list[Result | None]) -> None:
        self.results = results
        self.done = sum(result is not None for result in results)
        super().__init__(f"stopped: {self.done} of {len(results)} rows are done")


def compile_rows(function: Callable[..., Any], rows: Sequence[Arguments]) -> dict[tuple[Any, ...], Compiled]:
    """The program compiled once for each shape of arguments among the rows. Raises `ProgramError`."""
    compiled: dict[tuple[Any, ...], Compiled] = {}
    for row in rows:
        if row.shape not in compiled:
            compiled[row.shape] = compile_graph(confirmed_trace(function, row))
    return compiled


def run_rows(
    compiled: Mapping[tuple[Any, ...], Compiled],
    rows: Sequence[Arguments],
    engine: Engine,
    sampling: Sampling,
    seed: int,
) -> Iterator[Numbered]:
    """Results as they end, with the number of their row."""
    programs = {shape: each.program(engine.tokenizer) for shape, each in compiled.items()}
    outcomes = engine.run(
        Row(number, programs[row.shape], row.texts, sampling, seed) for number, row in enumerate(rows)
    )
    with contextlib.closing(outcomes):  # leaving early gives up what is under way
        for row, outcome in outcomes:
            yield row.number, Result(outcome)


def interpret_rows(
    function: Callable[..., Any], rows: Sequence[Arguments], engine: Engine, sampling: Sampling, seed: int
) -> Iterator[Numbered]:
    """The same by plain Python, row after row."""
    for number, row in enumerate(rows):
        yield number, Result(interpret(function, row, engine, sampling, seed, number))


def collect(
    results: Iterator[Numbered],
    count: int,
    progress_bar: bool = False,
    keep: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """All results in the order of the rows, with a bar on standard error if asked; `keep` gets each when it comes.

    Ctrl-C: `BatchInterrupted`.
    """
    gathered: list[Result | None] = [None] * count
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not progress_bar) as progress:
        task = progress.add_task("rows", total=count)
        try:
            for number, result in results:
                gathered[number] = result
                if keep is not None:
                    keep(number, result)
                progress.advance(task)
        except KeyboardInterrupt:
            raise BatchInterrupted(gathered) from None
    return [result for result in gathered if result is not None]


def in_order(results: Iterator[Numbered]) -> Iterator[Result]:
    """Results in the order of the rows, each as soon as all before it are done."""
    early: dict[int, Result] = {}
    wanted = 0
    for number, result in results:
        early[number] = result
        while wanted in early:
            yield early.pop(wanted)
            wanted += 1
