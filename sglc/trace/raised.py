"""Exceptions inside a body, seen before the body catches them: with the real strings some may not be raised.

A C function that wants the characters of a `SymbolicText` raises TypeError; a marker in a plain string makes look-ups and
parsers fail.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import CodeType, FrameType, TracebackType
from typing import Any, ParamSpec, TypeVar

from sglc.ir.errors import SglcError
from sglc.language.symbolic import PACKAGE, PYTHON
from sglc.trace.repeatable import is_ours

P = ParamSpec("P")
T = TypeVar("T")

_ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)

_RAISES = frozenset(dis.opmap[name] for name in ("RAISE_VARARGS", "RERAISE") if name in dis.opmap)


class Watch:
    """seen: is given each exception that comes to a frame of the body, with its kind and its traceback so far; what it
    raises is raised there. outermost: the code whose callers are not watched."""

    def __init__(
        self, seen: Callable[[FrameType, type[BaseException], Any, TracebackType], None], outermost: CodeType
    ) -> None:
        self._seen = seen
        self._outermost = outermost
        self._is_on = False

    @contextmanager
    def ended(self) -> Generator[None]:
        """Ends it after the block."""
        outer = sys.gettrace()
        try:
            yield
        finally:
            sys.settrace(outer)

    def begin(self) -> None:
        """From here on, in the frames that run already too. It is slow."""
        if self._is_on:
            return
        self._is_on = True
        sys.settrace(self._on_call)
        frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        while frame is not None and frame.f_code is not self._outermost:
            if not frame.f_code.co_filename.startswith(PACKAGE):
                frame.f_trace, frame.f_trace_lines = self._on_event, False
            frame = frame.f_back

    def aside(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Calls what runs no code of the body, without watching it."""
        if not (self._is_on and sys.gettrace() == self._on_call):  # a debugger's stays
            return function(*given, **named)
        sys.settrace(None)
        try:
            return function(*given, **named)
        finally:
            sys.settrace(self._on_call)

    def _on_call(self, frame: FrameType, event: str, given: Any) -> Any:
        if frame.f_code.co_filename.startswith(PACKAGE):  # most are
            return None
        return None if is_ours(frame) else self._on_event(frame, event, given)

    def _on_event(self, frame: FrameType, event: str, given: Any) -> Any:
        frame.f_trace_lines = False
        if event == "exception":
            kind, error, trace = given
            self._seen(frame, kind, error, trace)
        return self._on_event


def may_be_of_symbols(kind: type[BaseException], frame: FrameType, trace: TracebackType, *, markers: bool) -> bool:
    """Whether an exception that comes to `frame` may be there only because texts are symbolic. markers: whether plain
    strings may hold some."""
    if issubclass(kind, SglcError):
        return False
    if issubclass(kind, TypeError | AttributeError) or _is_of_a_library(kind, frame, trace):
        return True
    is_error = issubclass(kind, Exception) and not issubclass(kind, _ENDS)
    return markers and is_error and not frame.f_code.co_filename.startswith(PYTHON)


def _is_of_a_library(kind: type[BaseException], frame: FrameType, trace: TracebackType) -> bool:
    """Whether an exception, of a kind that is none of Python's own, was raised in a frame by code that is not Python: by a
    validator or parser in C or Rust, perhaps since what it was given is no `str`."""
    if kind.__module__ == "builtins" or not issubclass(kind, Exception) or trace.tb_next is not None:
        return False
    return frame.f_code.co_code[frame.f_lasti] not in _RAISES
