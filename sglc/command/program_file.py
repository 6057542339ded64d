"""Finds the program in a Python file, and the rows in a JSONL file."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from sglc.function import SglFunction
from sglc.ir.errors import ENDS_ALL, ArgumentsError, Location, ProgramError, in_words
from sglc.language.symbolic import note_folder, raised_at, shown_path

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one row at most."""


def load_program(target: str) -> SglFunction:
    """The program that `FILE.py` or `FILE.py:FUNCTION` names. Runs the file. Raises `ProgramError`."""
    note_folder()
    file, _, name = target.rpartition(":") if ".py:" in target else (target, "", "")
    path = Path(file)
    if not path.is_file():
        what = "this is not a file" if path.exists() else "there is no such file"
        raise ProgramError(what, where=file, hint="give a Python file with an @sglc.function")
    if path.suffix == ".sglc":
        hint = "give the program's source: only run, ir and warmup take an artifact"
        raise ProgramError("an artifact holds no Python", where=file, hint=hint)
    programs = {key: value for key, value in vars(_imported(path)).items() if isinstance(value, SglFunction)}
    if name:
        if name not in programs:
            known = f"it has: {', '.join(programs)}" if programs else "it has none"
            raise ProgramError(f"there is no @function named {name!r} in the file", where=file, hint=known)
        return programs[name]
    if not programs:
        raise ProgramError("the file has no @function", where=file, hint="decorate the program: @sglc.function")
    called = {used for program in programs.values() for used in _names_in(program.func.__code__)}
    mains = {id(program): key for key, program in programs.items() if key not in called} or dict.fromkeys(
        map(id, programs.values()), ""
    )
    if len(mains) > 1:
        names = list(programs)
        raise ProgramError(
            f"the file has {len(names)} programs: {', '.join(names)}", where=file, hint=f"name one: {file}:{names[0]}"
        )
    return programs[next(iter(mains.values()))]


def _names_in(code: CodeType) -> set[str]:
    """The global names that a function's code mentions: programs that it may call."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names


def _imported(path: Path) -> ModuleType:
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # a program imports its neighbours, as `python FILE.py` does
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise ProgramError("this is no Python file", where=str(path), hint="give a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses and pickling look their module up
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = Location(shown_path(error.filename or str(path)), error.lineno or 0)
        raise ProgramError(f"the file is no valid Python: {error.msg}", where=where) from error
    except ENDS_ALL:
        raise
    except BaseException as error:
        where = raised_at(error, str(path.resolve())) or str(path)
        hint = "install the module, or run from the folder that has it" if isinstance(error, ImportError) else ""
        raise ProgramError(f"importing the file raised {in_words(error)}", where=where, hint=hint) from error
    return module


def load_rows(path: str | None) -> list[tuple[str, dict[str, Any]]]:
    """Where and what of each row of a JSONL file: objects of arguments; blank lines count for nothing.

    No file is one row without arguments. Raises `ArgumentsError` with the line.
    """
    if path is None:
        return [("the call", {})]
    rows: list[tuple[str, dict[str, Any]]] = []
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    where = f"{path}:{number}"
                    rows.append((where, _row(line, where)))
    except OSError as error:
        raise ArgumentsError(
            f"the rows cannot be read: {error.strerror}", where=path, hint="give a JSONL file"
        ) from None
    return rows


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        if len(line) > MAX_LINE:
            raise ValueError(f"the line has {len(line)} bytes, more than {MAX_LINE}")
        row = json.loads(line.decode("utf-8-sig"), parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ArgumentsError(
            f"the line is not JSON: {detail}", where=where, hint='each line is an object: {"essay": "..."}'
        ) from None
    if not isinstance(row, dict):
        raise ArgumentsError(
            f"the line is a {type(row).__name__}, not an object", where=where, hint='write {"essay": "..."}'
        )
    return row  # pyright: ignore[reportUnknownVariableType]: plain JSON


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a name is given twice")
    return row
