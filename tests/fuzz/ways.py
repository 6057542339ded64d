"""Other ways to run a compiled program: streamed, awaited, saved and loaded, unoptimised. What comes of it must be the same."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sglc as sgl
from sglc import compiler
from sglc.function import SglFunction
from sglc.passes.pipeline import optimise
from tests.fuzz.observe import Seen, failed, seen

Rows = Sequence[Mapping[str, Any]]
Way = Callable[[SglFunction, Rows, Mapping[str, Any]], Sequence["Seen | None"]]
"""(program, rows, settings of the run) -> what came of each row, or so many
times of each; None where the way is not open."""


def _streamed(function: SglFunction, rows: Rows, settings: Mapping[str, Any]) -> list[Seen]:
    return [_stream(function, row, settings) for row in rows]


def _stream(function: SglFunction, row: Mapping[str, Any], settings: Mapping[str, Any]) -> Seen:
    """Raises ValueError where the pieces are not the text."""
    try:
        result = function.run(**row, **settings, stream=True)
    except sgl.ProgramError as error:
        return failed(error)
    if result.error() is None and "".join(result.text_iter()) != result.text():
        raise ValueError(f"the pieces are {list(result.text_iter())}, and the text is {result.text()!r}")
    return seen(result)


def _awaited(function: SglFunction, rows: Rows, settings: Mapping[str, Any]) -> list[Seen]:
    async def one(row: Mapping[str, Any]) -> Seen:
        try:
            return seen(await function.arun(**row, **settings))
        except sgl.ProgramError as error:
            return failed(error)

    async def all_rows() -> list[Seen]:
        return list(await asyncio.gather(*map(one, rows)))

    return asyncio.run(all_rows())


def _awaited_batch(function: SglFunction, rows: Rows, settings: Mapping[str, Any]) -> list[Seen]:
    async def all_rows() -> list[Seen]:
        return [seen(result) async for result in function.arun_batch(rows, **settings)]

    return asyncio.run(all_rows())


def _bound(function: SglFunction, rows: Rows, settings: Mapping[str, Any]) -> list[Seen]:
    def run(row: Mapping[str, Any]) -> Seen:
        try:
            return seen(function.bind(**row).run(**settings))
        except sgl.ProgramError as error:
            return failed(error)

    return [run(row) for row in rows]


def _unoptimised(function: SglFunction, rows: Rows, settings: Mapping[str, Any]) -> list[Seen]:
    """A new function, compiled without any pass."""
    new = sgl.function(function.func, max_paths=function.bounds.max_paths, max_depth=function.bounds.max_depth)
    with patch.object(compiler, "optimise", lambda graph, observe=None: optimise(graph, observe, ())):
        return _bound(new, rows, settings)


def _in_threads(function: SglFunction, rows: Rows, settings: Mapping[str, Any]) -> list[Seen]:
    """A new function, so that it is compiled in one thread while it runs in others."""
    new = sgl.function(function.func, max_paths=function.bounds.max_paths, max_depth=function.bounds.max_depth)

    def run(row: Mapping[str, Any]) -> Seen:
        try:
            return seen(new.run(**row, **settings))
        except sgl.ProgramError as error:
            return failed(error)

    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(run, [row for row in rows for _ in range(3)]))


def _saved(function: SglFunction, rows: Rows, settings: Mapping[str, Any]) -> list[Seen | None]:
    """Compiled for the first row, saved, loaded, and run without its Python as far as the compiled paths go."""
    first = rows[0]
    none: list[Seen | None] = [None] * len(rows)
    if "n" in settings or "card" in signature(function.func).parameters:
        return none  # n is fixed by then; and an artifact makes no instance of the user's class
    try:
        compiled = function.compile(**first)
    except (sgl.ProgramError, sgl.RunError):
        return none
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.sglc"
        compiled.save(path)
        loaded = sgl.load(path, hosts={name: host.function for name, host in compiled.hosts.items()})
    result = loaded.run(**first, **settings)
    error = result.error()
    left = isinstance(error, sgl.RunError) and "leaves the compiled paths" in error.what
    return none if left else [seen(result), *none[1:]]


WAYS: dict[str, Way] = {
    "streamed": _streamed,
    "awaited": _awaited,
    "awaited in a batch": _awaited_batch,
    "bound": _bound,
    "in threads": _in_threads,
    "unoptimised": _unoptimised,
    "saved": _saved,
}
"""By name."""
