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
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

from sglc.ir.errors import ProgramError


@dataclass(frozen=True, eq=False)
class Host:
    """A host function. timeout: seconds, or None. gives_text: whether its value is a text."""

    function: Callable[..., Any]
    name: str
    timeout: float | None
    gives_text: bool

    @classmethod
    def of(cls, function: Callable[..., Any], timeout: float | None = None) -> Host:
        name = getattr(function, "__qualname__", None) or type(function).__name__
        if not callable(function):
            raise ProgramError(f"a {type(function).__name__} is no host function", hint="give a function")
        if timeout is not None and (isinstance(timeout, bool) or not timeout > 0):
            raise ProgramError(f"timeout is {timeout!r}, not a number of seconds over 0")
        return cls(function, f"{getattr(function, '__module__', '')}.{name}", timeout, _gives_text(function))


def same_function(one: Callable[..., Any], two: Callable[..., Any]) -> bool:
    """Whether two functions are one, or made by the same line from the same values."""
    if one is two:
        return True
    code = getattr(one, "__code__", None)
    if code is None or code is not getattr(two, "__code__", None):
        return False
    return _captured(one) == _captured(two) and one.__defaults__ == two.__defaults__


def _captured(function: Any) -> list[Any]:
    return [cell.cell_contents for cell in function.__closure__ or ()]


def captures(function: Callable[..., Any], is_wanted: Callable[[object], bool]) -> bool:
    """Whether a function holds on to such a value of the function around it."""
    return any(map(is_wanted, _captured(function))) if getattr(function, "__closure__", None) else False


def _gives_text(function: Callable[..., Any]) -> bool:
    try:
        returns = inspect.signature(function).return_annotation
    except (TypeError, ValueError):  # some C functions have none
        return True
    return returns in (str, "str", inspect.Signature.empty)


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
        from sglc.language.machine import current_machine  # here: it imports this module

        machine = current_machine()
        return function(*args, **kwargs) if machine is None else machine.call(made, args, kwargs)

    called.__dict__["sglc_host"] = made
    return called


def call(function: Callable[..., Any], *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
    """Calls a function as a host function: `sglc.call(search, s["query"], timeout=2.0)`."""
    known = getattr(function, "sglc_host", None)
    if isinstance(known, Host):
        function, timeout = known.function, known.timeout if timeout is None else timeout
    return host_with(function, timeout)(*args, **kwargs)
