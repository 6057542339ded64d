"""Whose code it is: the user's, which is walked, or a library's."""

from __future__ import annotations

import functools
import os
import re
import sys
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TypeGuard

from sglc.guards.classes import module_of, own_dict, type_of
from sglc.language.symbolic import PACKAGE

_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LIBRARIES = frozenset({*sys.stdlib_module_names, "sglc"})
_INSTALLED = re.compile(r".*?/(?:site|dist)-packages/[^/]+")


def home_of(function: Any) -> str | None:
    """The installed package that a function is from: who runs its programs means it as their own."""
    code = getattr(function, "__code__", None)
    found = _INSTALLED.match(code.co_filename) if isinstance(code, CodeType) else None
    return found[0] if found else None


def is_users_file(file: str, home: str | None) -> bool:
    if (found := _INSTALLED.match(file)) is not None:
        return found[0] == home
    return not file.startswith((_LIBRARY, PACKAGE, "<frozen "))


def is_users_module(name: str, home: str | None) -> bool:
    module = sys.modules.get(name)
    file = vars(module).get("__file__") if is_module(module) else None
    if isinstance(file, str):
        return is_users_file(file, home) and not file.endswith(".so")
    return name.partition(".")[0] not in _LIBRARIES


def base_of(kind: type, home: str | None) -> type:
    """The class that an instance's memory begins with: the nearest base that is not the user's. The class itself where
    nobody knows its module, so that it may be written in C."""
    while is_users_module(module_of(kind), home) and module_of(kind) in sys.modules and kind.__base__ is not None:
        kind = kind.__base__
    return kind


def innermost(function: Any) -> Any:
    """The function inside of partials, methods and programs."""
    for _ in range(100):
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif type(function) is not FunctionType and "func" in (own := own_dict(function)):
            function = own["func"]
        else:
            break
    return function


def is_module(value: Any) -> TypeGuard[ModuleType]:
    return issubclass(type_of(value), ModuleType)


def name_of(module: ModuleType) -> str:
    return str(vars(module).get("__name__"))
