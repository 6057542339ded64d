"""`sglc run`: a program or an artifact on rows of arguments, and what is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sglc.batch import BatchInterrupted, collect, interpret_rows, ready_rows, run_rows
from sglc.command.program_file import load_program
from sglc.command.report import print_results, print_savings, results_console, row_json
from sglc.command.warm import load_warm, pointed_folder
from sglc.compiled import CompiledProgram, load
from sglc.compiler import Compiled
from sglc.function import SglFunction
from sglc.ir.errors import ArtifactError
from sglc.ir.ops import NO_SETTINGS
from sglc.ir.printer import print_graph
from sglc.language.arguments import Arguments, bind, bind_compiled, without_opaque
from sglc.live import LiveProgram
from sglc.result import Result
from sglc.runtime.backend import Engine
from sglc.runtime.profile import cannot_write
from sglc.runtime.tokenizer import ModelTokenizer

PlacedRow = tuple[str, dict[str, Any]]
"""Where a row is from, and its arguments."""


@dataclass
class RunJob:
    """What to run. programs: by shape of arguments, or what is wrong with one; none of them when the function is
    interpreted."""

    rows: list[Arguments]
    programs: dict[tuple[Any, ...], LiveProgram | CompiledProgram | Exception]
    function: SglFunction | None = None
    artifact: Path | None = None

    @classmethod
    def of_file(cls, target: str, rows: Sequence[PlacedRow], mode: str) -> RunJob:
        """Raises before any model is loaded, and before any row runs."""
        function = load_program(target)
        bound = [without_opaque(bind(function.func, (), row, where), where) for where, row in rows]
        if mode != "compiled":
            return cls(bound, {}, function)
        programs: dict[tuple[Any, ...], LiveProgram | CompiledProgram | Exception] = {}
        for row in bound:
            if row.shape not in programs:
                programs[row.shape] = function.compiled_for(row)
        failures = [each for each in programs.values() if isinstance(each, Exception)]
        if failures and len(failures) == len(programs):  # else they are the errors of the rows of their shape
            raise failures[0]
        return cls(bound, programs, function)

    @classmethod
    def of_artifact(cls, target: str, rows: Sequence[PlacedRow], mode: str) -> RunJob:
        if mode == "interpret":
            raise ArtifactError(
                "an artifact holds no Python to interpret",
                where=target,
                hint="give the program's source, or leave --mode out",
            )
        program = load(target)
        if missing := [name for name in program.calls if name not in program.hosts]:
            raise ArtifactError(
                f"the program calls host functions, and an artifact holds no Python: {', '.join(missing)}",
                where=target,
                hint="run the program's source, or load it in Python: sglc.load(path, hosts={...})",
            )
        bound = [bind_compiled(program.graph, row, where) for where, row in rows]
        return cls(bound, {row.shape: program for row in bound}, artifact=Path(target))

    @property
    def compiled(self) -> list[Compiled]:
        """What was compiled, each once."""
        found = [each.compiled if isinstance(each, LiveProgram) else each for each in self.programs.values()]
        return list(dict.fromkeys(each for each in found if isinstance(each, Compiled)))

    def bind(self, tokenizer: ModelTokenizer) -> None:
        """Makes the tokens and automata now, so that a bad regex is found before the model is loaded."""
        for compiled in self.compiled:
            compiled.for_model(tokenizer)

    def run(
        self,
        engine: Engine,
        *,
        as_json: bool,
        report: bool,
        seed: int,
        warm: Path | None,
        profile: Path | None = None,
    ) -> bool:
        """Runs and prints; whether a row failed. Ctrl-C prints the rows that are done and raises `BatchInterrupted`.

        profile: where to write the trace of what ran; also after Ctrl-C, of what has ended.
        """
        recorded = None if profile is None else engine.profile()
        try:
            return self._run(engine, as_json, report, seed, warm)
        finally:
            if recorded is not None and profile is not None:
                recorded.save(profile)

    def _run(self, engine: Engine, as_json: bool, report: bool, seed: int, warm: Path | None) -> bool:
        folder = warm or (pointed_folder(self.artifact) if self.artifact else None)
        if folder is not None:
            for part in (each.for_model(engine.tokenizer) for each in self.compiled):
                load_warm(engine, part.prefix_ids, folder)
        results = self._results(engine, seed)
        lines = _JsonLines()
        try:
            bar = not as_json or sys.stderr.isatty()
            done = collect(results, len(self.rows), progress_bar=bar, keep=lines.add if as_json else None)
        except BatchInterrupted as stop:
            lines.rest()
            if not as_json:
                print_results(results_console(), stop.results)
            raise
        if not as_json:
            print_results(results_console(), done)
        if report:
            self._report(engine)
        return _report_errors(done)

    def _results(self, engine: Engine, seed: int) -> Iterator[tuple[int, Result]]:
        if self.function is not None and not self.programs:
            return interpret_rows(self.function.func, self.rows, engine, NO_SETTINGS, seed)
        ready = ready_rows(lambda row: self.programs[row.shape], self.rows, engine, NO_SETTINGS, seed)
        return run_rows(ready, engine)

    def _report(self, engine: Engine) -> None:
        console = results_console()
        for compiled in self.compiled:
            text = print_graph(compiled.graph, compiled.comments(engine.tokenizer))
            console.print(f"\n{text}", markup=False, highlight=False, soft_wrap=True)
        print_savings(console, engine.stats())


def check_writable(path: Path) -> None:
    """Raises where a trace could not be written: better before a long run than after it."""
    if path.is_dir():
        raise cannot_write(path, "it is a folder")
    if not path.parent.is_dir():
        raise cannot_write(path, "there is no such folder")
    if not os.access(path.parent, os.W_OK):
        raise cannot_write(path, "you may not write to the folder")


class _JsonLines:
    """Prints rows as JSON, each once, in the order of the rows as soon as it can."""

    def __init__(self) -> None:
        self._early: dict[int, Result] = {}
        self._wanted = 0

    def add(self, number: int, result: Result) -> None:
        self._early[number] = result
        while self._wanted in self._early:
            self._print(self._wanted)
            self._wanted += 1

    def rest(self) -> None:
        """Also those out of order: nothing more will come."""
        for number in sorted(self._early):
            self._print(number)

    def _print(self, number: int) -> None:
        print(row_json(number, self._early.pop(number)), flush=True)


def _report_errors(results: Sequence[Result | None]) -> bool:
    failed = False
    for number, result in enumerate(results):
        if result is not None and result.error() is not None:
            failed = True
            print(f"error: row {number}: {result.error()}", file=sys.stderr)
    return failed
