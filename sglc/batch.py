"""Runs rows of arguments and gathers what comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sglc.interpreter import interpret
from sglc.ir.errors import ArgumentsError
from sglc.ir.ops import Sampling
from sglc.language.arguments import Arguments
from sglc.result import Result
from sglc.runtime.jobs import Outcome, Prompt
from sglc.runtime.program import Program
from sglc.runtime.runner import Row, Runner

Numbered = tuple[int, Result]


class BatchInterrupted(KeyboardInterrupt):
    """Ctrl-C in a batch. results: one a row, None for rows that were not done."""

    def __init__(self, results: list[Result | None]) -> None:
        self.results = results
        self.done = sum(result is not None for result in results)
        super().__init__(f"stopped: {self.done} of {len(results)} rows are done")


class Runnable(Protocol):
    def program(self, backend: Runner, /) -> Program: ...

    def witnessed(
        self, row: Arguments, backend: Runner, sampling: Sampling, seed: int, number: int, /
    ) -> Outcome | None:
        """What came of a row that had to be run by plain Python; None where it may be run compiled."""
        ...


Compiles = Callable[[Arguments], Runnable | Exception]
"""The compiled program for arguments of a shape, or what is wrong with it."""


def ready_rows(
    compiled: Compiles,
    rows: Sequence[Arguments | ArgumentsError],
    backend: Runner,
    sampling: Sampling,
    seed: int,
    waits: bool = True,
) -> Iterator[Row | Result]:
    """The rows with their programs; for one that does not fit, whose program is wrong, or that had to be run by plain Python, the result. waits:
    the caller can wait for such a run."""
    runnables: dict[tuple[Any, ...], Runnable | Exception] = {}
    programs: dict[tuple[Any, ...], Program] = {}
    context, desk = copy_context(), backend.desk(len(rows))
    for number, row in enumerate(rows):
        if isinstance(row, ArgumentsError):
            yield Result(Outcome(error=row))
            continue
        shape = row.shape
        program = programs.get(shape)
        if program is None:
            if shape not in runnables:
                runnables[shape] = compiled(row)
            runnable = runnables[shape]
            if isinstance(runnable, Exception):
                yield Result(Outcome(error=runnable))
                continue
            if waits and (outcome := runnable.witnessed(row, backend, sampling, seed, number)) is not None:
                yield Result(outcome)
                continue
            program = programs[shape] = runnable.program(backend)
        yield Row(number, program, row.texts, sampling, seed, context=context, desk=desk, given=row)


def run_rows(rows: Iterable[Row | Result], backend: Runner) -> Iterator[Numbered]:
    """Results as they end, with the number of their row."""
    ready: list[Row] = []
    for number, row in enumerate(rows):
        if isinstance(row, Result):
            yield number, row
        else:
            ready.append(row)
    outcomes = backend.run(ready)
    with backend.holding(in_common(ready)), contextlib.closing(outcomes):  # leaving early gives up what is under way
        for row, outcome in outcomes:
            yield row.number, Result(outcome)


def in_common(rows: Iterable[Row | Result]) -> list[Prompt]:
    """The prompts that all rows of a program begin prompts with, because some of their arguments are equal."""
    texts: dict[Program, list[Mapping[str, str]]] = {}
    for row in rows:
        if isinstance(row, Row):
            texts.setdefault(row.program, []).append(row.texts)
    return [prompt for program, own in texts.items() if len(own) > 1 for prompt in program.in_common(own)]


def interpret_rows(
    function: Callable[..., Any],
    rows: Sequence[Arguments | ArgumentsError],
    engine: Runner,
    sampling: Sampling,
    seed: int,
    n: int | None = None,
) -> Iterator[Numbered]:
    """The same by plain Python, row after row."""
    for number, row in enumerate(rows):
        outcome = (
            Outcome(error=row)
            if isinstance(row, ArgumentsError)
            else interpret(function, row, engine, sampling, seed, number, n)
        )
        yield number, Result(outcome)


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
    with Progress(*columns, console=Console(stderr=True)) if progress_bar else contextlib.nullcontext() as progress:
        task = None if progress is None else progress.add_task("rows", total=count)
        try:
            for number, result in results:
                gathered[number] = result
                if keep is not None:
                    keep(number, result)
                if progress is not None and task is not None:
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
