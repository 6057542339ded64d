"""Whether a body does the same when it runs again: what it draws, or reads from a clock or a file, and the error for it."""

from __future__ import annotations

import datetime
import io
import linecache
import os
import random
import sys
import time
import tokenize
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import Context, copy_context
from types import FrameType
from typing import Any, TypeAlias, cast

from sglc.ir.errors import Location, ProgramError
from sglc.language.symbolic import FOREIGN, PACKAGE, PYTHON, shown_path, user_location

DRAWS = {
    random.random: "it draws a random number",
    random.getrandbits: "it draws a random number",
    random.seed: "it seeds Python's own random numbers",
    os.urandom: "it draws a random number",
}
"""Where Python's random values come from; a generator of the body's own, with a seed, is none of these."""

CLOCKS = frozenset(
    (
        time.time, time.time_ns, time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns,
        time.process_time, time.process_time_ns, time.thread_time, time.thread_time_ns, time.clock_gettime,
        time.clock_gettime_ns, time.localtime, time.gmtime, time.strftime, time.ctime, time.asctime,
        datetime.datetime.now, datetime.datetime.today, datetime.date.today,
        datetime.datetime.utcnow,  # pyright: ignore[reportDeprecated]: bodies call it all the same
    )
)  # fmt: skip
"""What reads a clock. Python's own modules may (a line of a log has its time); the body may not."""


FILES = frozenset((io.open, os.open, os.stat, os.lstat, os.access, os.listdir, os.scandir))
"""What reads files, or asks what files there are."""

_IMPORTS = ("<frozen importlib", linecache.__file__, tokenize.__file__)
"""Python's own readers of code."""


_PYTHON = (*PYTHON, "<frozen")

Profiler: TypeAlias = "Callable[[FrameType, str, Any], None]"
"""A function for `sys.setprofile`."""


class Impurities:
    """Notices the first random number that a body draws, or clock that it reads, and the first file.

    found: what it does, in words, and the line where it is known. file: the line that reads one.
    """

    def __init__(self) -> None:
        self.found: tuple[str, Location | None] | None = None
        self.file: Location | None = None

    @contextmanager
    def watched(self, *, lines: bool, also: Profiler) -> Generator[None]:
        """lines: says the line too, and sees clocks and files; it is slow. also: another profiler, there and then."""
        profiler, state = sys.getprofile(), random.getstate()
        if lines:
            sys.setprofile(in_turn(profiler, self._on_profile, also))
        try:
            yield
        finally:
            if lines:
                sys.setprofile(profiler)
        if self.found is None and random.getstate() != state:
            self.found = "it draws a random number", None

    def _on_profile(self, frame: FrameType, event: str, given: Any) -> None:
        if event != "c_call" or self.found is not None:
            return
        if given in FILES and self.file is None and not imports(frame) and not is_ours(frame):
            self.file = user_location()
        elif given in CLOCKS and not frame.f_code.co_filename.startswith(FOREIGN):
            self.found = ("it reads a clock", user_location())
        elif given in DRAWS and not is_ours(frame):
            self.found = (DRAWS[given], user_location())


def in_turn(*profilers: Any) -> Profiler:
    """One profiler of several, since Python has one at a time. (Those in C cannot be called.)"""
    callables = [cast("Profiler", profiler) for profiler in profilers if callable(profiler)]
    if len(callables) == 1:
        return callables[0]

    def profiler(frame: FrameType, event: str, given: Any) -> None:
        for each in callables:
            each(frame, event, given)

    return profiler


def imports(frame: FrameType | None) -> bool:
    """Whether a frame belongs to an import, or to what shows lines of code."""
    while frame is not None and frame.f_code.co_filename.startswith(_PYTHON):
        if frame.f_code.co_filename.startswith(_IMPORTS):
            return True
        frame = frame.f_back
    return False


def is_ours(frame: FrameType | None) -> bool:
    """Whether a frame is this package's, or Python's own on behalf of it."""
    while frame is not None and frame.f_code.co_filename.startswith(_PYTHON):
        frame = frame.f_back
    return frame is None or frame.f_code.co_filename.startswith(PACKAGE)


def own_context() -> Context:
    """This context, to be compared with it later. Decimal makes its variable when it is first asked for it."""
    if "decimal" in sys.modules:
        sys.modules["decimal"].getcontext()
    return copy_context()


def set_since(context: Context) -> str | None:
    """The name of a context variable that was set since; None where all are as they were."""
    changed = (variable for variable, value in copy_context().items() if context.get(variable, context) is not value)
    return next((variable.name for variable in changed), None)


def start_of(function: Callable[..., Any]) -> Location:
    """The first line of a function."""
    return Location(shown_path(function.__code__.co_filename), function.__code__.co_firstlineno)


def not_repeatable(function: Callable[..., Any], where: Location | None, why: str = "") -> ProgramError:
    """The error of a body that does something else when it runs again with the same texts."""
    because = f" ({why})" if why else ""
    return ProgramError(
        f"{function.__name__} does something else when it runs again with the same texts: it is not repeatable{because}",
        where=where or start_of(function),
        hint="a body may run several times: pass times and random values as arguments, keep no counters outside of it, "
        "and put what has an effect into a host function (@sglc.host); or run it once, with mode='interpret'",
    )
