"""Functions: what they are made of, and what their code reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import CellType, FunctionType, MappingProxyType
from typing import Any

from sglc.guards.code import (
    EFFECTS,
    ENVIRONMENT,
    ENVIRONMENT_READERS,
    FILES,
    WHOLE_GLOBALS,
    WHOLE_MODULES,
    Reads,
    module_names,
    reads_of,
)
from sglc.guards.findings import Findings
from sglc.guards.namespaces import Namespaces
from sglc.guards.owners import is_module, is_users_file, is_users_module, name_of
from sglc.guards.places import LAZY_ANNOTATIONS, annotations_of, content_of, contents_of, functions_state, keys_of
from sglc.guards.values import MISSING, Same, mapping_state
from sglc.language.host_function import host_of


class Functions:
    """Those of one walk. root: the one that it begins at, the user's wherever it is. home: see `owners.home_of`."""

    def __init__(self, findings: Findings, namespaces: Namespaces, root: Any, home: str | None) -> None:
        self._findings = findings
        self._namespaces = namespaces
        self._root = root
        self._home = home
        self._functions: list[FunctionType] = []
        self._cells: list[tuple[CellType, Any]] = []

    def visit(self, name: str, function: FunctionType) -> None:
        if function is self._root or is_users_file(function.__code__.co_filename, self._home):
            self._visit_user_function(name, function)
        else:
            self._visit_library_function(name, function)

    def finish(self) -> None:
        """Adds the checks: one for all places of a kind, since there are many."""
        functions = tuple(self._functions)
        attributes = (mapping for function in functions for mapping in (function.__dict__, annotations_of(function)))
        self._findings.checks += [
            (contents_of, tuple(cell for cell, _ in self._cells), tuple(content for _, content in self._cells)),
            (functions_state, functions, functions_state(functions)),
            (keys_of, tuple(mapping for mapping in attributes if not mapping), ()),
        ]

    def _visit_user_function(self, name: str, function: FunctionType) -> None:
        see, title = self._findings.see, function.__name__
        self._findings.note(name, function.__code__)
        self._functions.append(function)
        attributes, by_keyword, annotations = function.__dict__, function.__kwdefaults__, annotations_of(function)
        if attributes:  # empty ones are checked together, in `finish`
            self._check_content(attributes)
        see(f"name of {title}", title)
        see(f"docstring of {title}", function.__doc__)
        for parameter, default in _defaults(function):
            see(f"default of {title}'s parameter {parameter}", default)
        if by_keyword is not None:
            self._check_content(by_keyword)
        for cell_name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._see_cell(f"closure cell {cell_name!r} of {title}", cell)
        for key, value in attributes.items():
            see(f"attribute {key} of {title}", value)
        if annotations:
            self._check_content(annotations)
        for parameter, annotation in annotations.items():
            self._findings.note(f"annotation of {title}'s {parameter}", repr(annotation))
        if LAZY_ANNOTATIONS:
            see(f"annotations of {title}", getattr(function, "__annotate__", None))
        self._see_reads(function, reads_of(function.__code__))

    def _visit_library_function(self, name: str, function: FunctionType) -> None:
        """A library's function, perhaps one that a library's decorator has put around the user's."""
        self._findings.note(name, Same(function))
        self._findings.reads_environment |= function in ENVIRONMENT_READERS
        attributes = function.__dict__
        if (host := host_of(function)) is not None:
            self._findings.tools.append(host.function)
            return
        for cell in function.__closure__ or ():
            if _leads_on(content_of(cell)):
                self._see_cell(f"function inside of {name}", cell)
        space = self._namespaces.add("attribute ", f" of {name}", function, attributes, is_open=False)
        for key in [key for key, value in attributes.items() if _leads_on(value)]:
            self._namespaces.look_up(space, key)

    def _check_content(self, mapping: dict[str, Any]) -> None:
        self._findings.check(mapping_state, mapping, mapping_state(mapping))

    def _see_cell(self, name: str, cell: CellType) -> None:
        self._cells.append((cell, content_of(cell)))
        self._findings.see(name, content_of(cell))

    def _see_reads(self, function: FunctionType, reads: Reads) -> None:
        file = os.path.basename(function.__code__.co_filename)
        spaces, space = self._namespaces, function.__globals__
        spaces.names |= reads.names
        self._findings.reads_environment |= not ENVIRONMENT.isdisjoint(reads.names)
        self._findings.names_files |= not FILES.isdisjoint(reads.names)
        self._findings.compared += [space.get(name) for name in reads.identity if name]
        self._findings.compares_identity |= "" in reads.identity or "id" in reads.globals or "is_" in reads.names
        self._findings.names_effects |= not EFFECTS.isdisjoint(reads.names)
        chosen = spaces.add("global ", f" of {file}", space, space, is_open=False)
        builtins = spaces.add("builtin ", "", function.__builtins__, function.__builtins__, is_open=False)
        for name in reads.globals:
            value = spaces.look_up(chosen, name)
            if name in reads.values and is_module(value) and is_users_module(name_of(value), self._home):
                spaces.add_module(value, self._home).whole = True
            if value is MISSING:
                spaces.look_up(builtins, name)
                if name in WHOLE_GLOBALS:
                    spaces.add("global ", f" of {file}", space, space).whole = True
                spaces.all_of_modules |= name in WHOLE_MODULES
        modules = spaces.add("module ", "", sys.modules, sys.modules, is_open=False)
        for name, level in reads.imports:
            for full in module_names(name, level, space):
                if spaces.look_up(modules, full) is MISSING:
                    self._findings.absent.add((id(sys.modules), full))


def _defaults(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Parameters that have defaults, and those."""
    code, defaults = function.__code__, function.__defaults__ or ()
    parameters = code.co_varnames[: code.co_argcount]
    yield from zip(parameters[max(0, len(parameters) - len(defaults)) :], defaults, strict=False)
    yield from (function.__kwdefaults__ or {}).items()


def _leads_on(value: Any) -> bool:
    """Whether the user's code may be behind it."""
    return callable(value) or type(value) is MappingProxyType
