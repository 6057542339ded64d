"""What a trace cannot hold, and plain Python can run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType, ModuleType, WrapperDescriptorType
from typing import Any

from sglc.guards import Guard
from sglc.guards.values import constant
from sglc.ir.errors import ProgramError
from sglc.ir.ops import Call, Op
from sglc.language.host_function import Host, host_of
from sglc.language.symbolic import holds_marker


class Untraceable(ProgramError):
    """Of what a trace cannot hold, and plain Python can run."""


def refuse_own_tools(function: Callable[..., Any], guard: Guard, ops: Iterable[Op], hosts: Mapping[str, Host]) -> None:
    """Raises `Untraceable` for a call of a host function that the body makes itself. What such a function holds on to is of
    one run: texts that another run has otherwise, lists that are new each time, names that stand for something else by the
    time of the call."""
    for op in ops:
        if isinstance(op, Call) and _is_made_inside(hosts[op.function].function, guard):
            raise Untraceable(
                f"{function.__name__} makes the host function {op.function} itself, so each run has another",
                where=op.loc,
                hint="make it outside of the body, and give it what it needs as arguments",
            )


def _is_made_inside(tool: Any, guard: Guard) -> bool:
    """Whether a function, or what it holds on to, is new in each run of a body."""
    if guard.knows(tool) or _stands_in_module(tool):
        return False
    match tool:
        case FunctionType():
            defaults = (*(tool.__defaults__ or ()), *(tool.__kwdefaults__ or {}).values())
            return bool(tool.__closure__) or not all(map(_is_constant, defaults))
        case MethodType(__self__=owner) | BuiltinFunctionType(__self__=owner):
            outside = owner is None or isinstance(owner, ModuleType) or guard.knows(owner) or _is_constant(owner)
            return not outside and not _stands_in_module(owner)
        case MethodDescriptorType() | WrapperDescriptorType():
            return False
        case _:
            return True


def _is_constant(value: object) -> bool:
    return constant(value) is not None and not (isinstance(value, str) and holds_marker(value))


def _stands_in_module(thing: Any) -> bool:
    """Whether a module has a function or class, or the host function made of it, by its own name."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<locals>" in name:
        return False
    found: Any = reduce(lambda owner, part: getattr(owner, part, None), name.split("."), sys.modules.get(module))
    host = None if found is None else host_of(found)
    return found is thing or (host is not None and host.function is thing)
