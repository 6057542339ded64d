"""Host functions: the tools of a program (search, a calculator ...), plain Python that a compiled program calls.

    @sglc.host
    def search(query: str) -> str: ...

    @sglc.function
    def agent(s, question):
        s += "Question: " + question + "\\nSearch for: " + sglc.gen("query", stop="\\n")
        s += "Found: " + search(s["query"])

A body may run several times, and must have no effect of its own; what has an effect, or takes long, is a host function.
Calls that do not depend on each other run at once, beside the model. Where the annotation of what it gives is no `str`,
the body goes on only when the value is there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from types import MethodType
from typing import Any, overload

from sglc.ir.errors import ProgramError
from sglc.language.host_function import Host, host_of, mark
from sglc.language.machine import current_machine
from sglc.language.state import ProgramState, ProgramStateGroup
from sglc.language.symbolic import user_location


@overload
def host(function: Callable[..., Any]) -> Callable[..., Any]: ...
@overload
def host(*, timeout: float | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
def host(function: Callable[..., Any] | None = None, *, timeout: float | None = None) -> Any:
    """Makes a host function: `@host`, or `@host(timeout=2.0)` in seconds. It may be async.

    Outside of a program it is the function itself. Inside, its arguments are texts and plain data, and an exception in
    it is the program's error.
    """
    if function is None:
        return functools.partial(host_with, timeout=timeout)
    return host_with(function, timeout)


def host_with(function: Callable[..., Any], timeout: float | None) -> Callable[..., Any]:
    made = Host.of(function, timeout)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        machine = current_machine()
        if machine is None:
            return function(*args, **kwargs)
        host = made
        if args and _is_method_of(called, args[0]):
            host, args = replace(made, function=MethodType(function, args[0])), args[1:]
        for value in (*args, *kwargs.values()):
            _refuse_state(value, host)
        return machine.call(host, args, kwargs)

    mark(called, made)
    return called


def _is_method_of(function: Callable[..., Any], owner: Any) -> bool:
    """Whether an object, or a class, has a function as its method."""
    if owner is None or isinstance(owner, str | int | float | list | tuple | dict):  # most arguments are
        return False
    bases = (owner if isinstance(owner, type) else type(owner)).__mro__  # also where a subclass has another of its name
    return any(getattr(kept, "__func__", kept) is function for base in bases for kept in vars(base).values())


def _refuse_state(value: Any, host: Host) -> None:
    """In all modes: a tool runs beside the program, which goes on with its states."""
    if isinstance(value, ProgramState | ProgramStateGroup):
        raise ProgramError(
            f"an argument of the host function {host.name} is of type {type(value).__name__}",
            where=user_location(),
            hint="give its text: s.text()",
        )


def call(function: Callable[..., Any], *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
    """Calls a function as a host function: `sglc.call(search, s["query"], timeout=2.0)`."""
    if (known := host_of(function)) is not None:
        function, timeout = known.function, known.timeout if timeout is None else timeout
    return host_with(function, timeout)(*args, **kwargs)
