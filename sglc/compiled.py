"""A compiled program, run without its Python: from `compile`, or from an artifact."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.backends import chosen_backend
from sglc.compiler import Compiled
from sglc.compiler import load as load_compiled
from sglc.ir.artifact import ModelPart
from sglc.ir.errors import ArgumentsError
from sglc.ir.graph import Graph
from sglc.ir.ops import Call
from sglc.ir.schedule import Schedule
from sglc.language.arguments import Arguments, argument_names, bind_compiled
from sglc.language.host_function import Host
from sglc.language.settings import RUN_SETTINGS, checked_settings

if TYPE_CHECKING:
    from sglc.result import Result
    from sglc.runtime.program import Program
    from sglc.runtime.runner import Runner


class CompiledProgram(Compiled):
    """Serves the calls whose arguments have the shape that was compiled; the texts among them are open.

    hosts: the host functions that it calls, by name. A run that leaves the compiled paths fails: there is no Python to go
    on with.
    """

    def __init__(
        self,
        graph: Graph,
        schedule: Schedule,
        models: dict[str, ModelPart],
        hosts: Mapping[str, Host] | None = None,
    ) -> None:
        super().__init__(graph, schedule, models)
        self.hosts = dict(hosts or {})

    def program(self, backend: Runner) -> Program:
        """What the runtime runs."""
        from sglc.runtime.program import Program  # here: the compiler alone needs no model

        part = self.for_model(backend.tokenizer)
        automata = {constraint: backend.follow(compiled) for constraint, compiled in part.automata.items()}
        return Program(self.graph, self.schedule, automata, self.hosts)

    def witnessed(self, *row: Any) -> None:
        """There is no Python to run instead: see `LiveProgram.witnessed`."""

    @property
    def calls(self) -> list[str]:
        """The names of the host functions that it calls."""
        return list(dict.fromkeys(op.function for op in self.graph.body if isinstance(op, Call)))

    def warm(self, backend: Runner) -> None:
        """Prefills the constant prompts."""
        backend.warm(self.for_model(backend.tokenizer).prefix_ids)

    def run(self, *, backend: Runner | None = None, seed: int | None = None, **kwargs: Any) -> Result:
        """Runs once. Takes the program's arguments by name, and the settings that `SglFunction.run` takes."""
        names = argument_names(self.graph)
        settings = {name: value for name, value in kwargs.items() if name in RUN_SETTINGS and name not in names}
        row = {name: value for name, value in kwargs.items() if name not in settings}
        return self._results([bind_compiled(self.graph, row, self.graph.name)], backend, seed, settings)[0]

    def run_batch(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        backend: Runner | None = None,
        seed: int | None = None,
        progress_bar: bool = False,
        **settings: Any,
    ) -> list[Result]:
        """Runs for each row of named arguments, all at once; results in the order of the rows."""
        bound = [bind_compiled(self.graph, row, f"row {number}") for number, row in enumerate(rows)]
        return self._results(bound, backend, seed, settings, progress_bar)

    def _results(
        self,
        rows: Sequence[Arguments],
        backend: Runner | None,
        seed: int | None,
        settings: Mapping[str, Any],
        progress_bar: bool = False,
    ) -> list[Result]:
        from sglc.batch import collect, ready_rows, run_rows  # here: torch comes with it

        sampling, n = checked_settings(**{RUN_SETTINGS[name]: value for name, value in settings.items()})
        if n not in (None, 1):
            raise ArgumentsError("n is fixed when a program is compiled", hint='give it to the gen: gen("x", n=3)')
        seed = secrets.randbelow(2**62) if seed is None else seed
        backend = chosen_backend(backend)
        ready = ready_rows(lambda _: self, rows, backend, sampling, seed)
        return collect(run_rows(ready, backend), len(rows), progress_bar)


def load(path: str | Path, hosts: Mapping[str, Callable[..., Any]] | None = None) -> CompiledProgram:
    """Reads an artifact. hosts: the host functions that it calls, by the names that `sglc ir` shows.

    Raises `ArtifactError`.
    """
    compiled = load_compiled(path)
    known = {name: Host.of(function) for name, function in (hosts or {}).items()}
    return CompiledProgram(compiled.graph, compiled.schedule, compiled.models, known)
