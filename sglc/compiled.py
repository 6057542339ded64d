"""A compiled program, run without its Python: from `compile`, or from an artifact."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.arguments import Arguments, argument_names, bind_compiled
from sglc.backends import default_backend
from sglc.compiler import Compiled
from sglc.compiler import load as load_compiled
from sglc.settings import RUN_SETTINGS, checked_sampling

if TYPE_CHECKING:
    from sglc.result import Result
    from sglc.runtime.backend import Engine


class CompiledProgram(Compiled):
    """Serves the calls whose arguments have the shape that was compiled; the texts among them are open."""

    def run(self, *, backend: Engine | None = None, seed: int | None = None, **kwargs: Any) -> Result:
        """Runs once. Takes the program's arguments by name, and the settings that `SglFunction.run` takes."""
        names = argument_names(self.graph)
        settings = {name: value for name, value in kwargs.items() if name in RUN_SETTINGS and name not in names}
        row = {name: value for name, value in kwargs.items() if name not in settings}
        return self._results([bind_compiled(self.graph, row, self.graph.name)], backend, seed, settings)[0]

    def run_batch(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        backend: Engine | None = None,
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
        backend: Engine | None,
        seed: int | None,
        settings: Mapping[str, Any],
        progress_bar: bool = False,
    ) -> list[Result]:
        from sglc.batch import collect, run_rows  # here: torch comes with it

        sampling = checked_sampling(**{RUN_SETTINGS[name]: value for name, value in settings.items()})
        seed = secrets.randbelow(2**62) if seed is None else seed
        served = {row.shape: self for row in rows}
        return collect(run_rows(served, rows, backend or default_backend(), sampling, seed), len(rows), progress_bar)


def load(path: str | Path) -> CompiledProgram:
    """Reads an artifact. Raises `ArtifactError`."""
    compiled = load_compiled(path)
    return CompiledProgram(compiled.graph, compiled.schedule, compiled.models)
