"""Ends a run of a body on invented texts that takes too long: a loop may end for every real text and for no invented one."""

from __future__ import annotations

import contextvars
import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SECONDS = 0.5
"""Of the processor, for one run of a body without a model; they take microseconds."""

WAITS = 10
"""Times as long a run may take by the clock on the wall: on a busy machine it hardly runs, and a body may wait for ever."""

_NEVER = float("inf")


class TooLong(GeneratorExit):
    """Raised inside the body. Of this kind for the reasons of `tracer.Stopped`."""


class Watchdog:
    """Watches the runs of one thread, one after another. A context manager."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._thread = threading.get_ident()
        self._processor = _processor_time(self._thread)
        self._deadline = self._last_deadline = _NEVER
        self._sent = False
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> Watchdog:
        threading.Thread(target=self._watch, name="sglc-watchdog", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()

    def run(self, work: Callable[[], T]) -> T:
        """What the work gives. Raises `TooLong` when its time is over.

        The exception is sent by another thread and may come between any two steps of Python's. So the work runs in a
        context of its own, which goes with it, and it is not left before a late exception has come.
        """
        context = contextvars.copy_context()
        self._last_deadline = time.monotonic() + WAITS * self._seconds
        self._deadline = self._processor() + self._seconds
        try:
            return context.run(work)
        finally:
            waiting = True
            while waiting:
                try:
                    with self._lock:  # an exception is either on its way already, or will not be sent any more
                        late, self._sent, self._deadline = self._sent, False, _NEVER
                    for _ in range(1_000 if late else 0):  # it comes a few instructions later
                        time.sleep(0)
                    waiting = False
                except TooLong:
                    pass

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds / 10):
            with self._lock:
                if self._deadline < _NEVER and self._is_late():  # again and again: a `__del__` may swallow one
                    self._sent = True
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(TooLong))

    def _is_late(self) -> bool:
        return self._processor() > self._deadline or time.monotonic() > self._last_deadline


def _processor_time(thread: int) -> Callable[[], float]:
    """The seconds that a thread has run, while it is alive; where the system does not tell, those that have gone by."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)
