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
"""For one run of a body without a model; they take microseconds."""


class TooLong(BaseException):
    """Raised inside the body. Not an `Exception`, so that no body swallows it."""


class Watchdog:
    """Watches the runs of one thread, one after another. A context manager."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._thread = threading.get_ident()
        self._deadline = float("inf")
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
        self._deadline = time.monotonic() + self._seconds
        try:
            return context.run(work)
        finally:
            waiting = True
            while waiting:
                try:
                    with self._lock:  # an exception is either on its way already, or will not be sent any more
                        late, self._sent, self._deadline = self._sent, False, float("inf")
                    for _ in range(1_000 if late else 0):  # it comes a few instructions later
                        time.sleep(0)
                    waiting = False
                except TooLong:
                    pass

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds / 10):
            with self._lock:
                if time.monotonic() > self._deadline:  # again and again: a `__del__` or a callback may swallow one
                    self._sent = True
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(TooLong))
