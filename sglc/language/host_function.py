"""A host function as a program knows it: plain Python with a name, a time-out, and whether it gives text."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MethodType
from typing import Any

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


_MARK = "sglc_host"


def mark(wrapper: Callable[..., Any], host: Host) -> None:
    """Notes that a function calls a host function."""
    wrapper.__dict__[_MARK] = wrapper, host


def host_of(function: Any) -> Host | None:
    """The host function that a function, or a method, calls; None for what is no wrapper of ours. `functools.wraps` copies
    the mark to wrappers of the user's, which do more than that."""
    inner = function.__func__ if isinstance(function, MethodType) else function
    wrapper, host = inspect.getattr_static(inner, _MARK, (None, None))
    if wrapper is not inner:
        return None
    return host if inner is function else replace(host, function=MethodType(host.function, function.__self__))


def same_function(one: Callable[..., Any], two: Callable[..., Any]) -> bool:
    """Whether two functions are one, or made by the same line from the same values."""
    if one is two:
        return True
    code = getattr(one, "__code__", None)
    if code is None or code is not getattr(two, "__code__", None):
        return False
    if getattr(one, "__self__", None) is not getattr(two, "__self__", None):
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
