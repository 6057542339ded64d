"""The one thread that drives a model: commands from other threads, and between them the port's turns.

It knows neither the backend nor its user, so that a backend which nobody refers to any more is freed, and its thread ends.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar
from weakref import WeakSet

from sglc.ir.errors import RunError, in_words
from sglc.runtime.port import Port

T = TypeVar("T")

Command = Callable[[], object]

GRACE = 0.005
"""Seconds without a command before the engine speculates: what a fast host function waits for comes sooner."""


class Loop:
    """port: what is driven."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._ended: Exception | None = None
        self._process = os.getpid()
        self._door = threading.Lock()  # nothing is posted to a loop that has ended
        self._thread: threading.Thread | None = None

    def start(self, fail_all: Callable[[Exception], None]) -> None:
        """fail_all: ends everything under way, when the loop has ended."""
        self._thread = threading.Thread(target=self._drive, args=(fail_all,), name="sglc-engine", daemon=True)
        _driving.add(self._thread)
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Its thread is one of this process."""
        return self._process == os.getpid()

    @property
    def is_current(self) -> bool:
        """This is its thread."""
        return threading.current_thread() is self._thread

    def post(self, command: Command) -> None:
        """Runs a command between two turns. Raises `RunError` when the loop has ended."""
        with self._door:
            if self._ended is not None:
                raise RunError("the engine has ended", hint="make a new Engine") from self._ended
            self._commands.put(command)

    def post_back(self, command: Command) -> None:
        """The same, from who does not mind: what comes after the end is for nobody."""
        with self._door:
            if self._ended is None:
                self._commands.put(command)

    def call(self, function: Callable[[], T]) -> T:
        """Runs a function between two turns, and waits for what it gives."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except Exception as error:  # noqa: BLE001 - belongs to the caller, not to the loop
                future.set_exception(error)

        self.post(run)
        return future.result()

    def end(self) -> None:
        """Ends it after the commands that it has; what is under way fails. Does not wait."""
        self._commands.put(None)

    def join(self, seconds: float | None = None) -> None:
        """Waits for its end, so many seconds at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _next(self) -> Command | None:
        """The next command, waited for. Where runs wait for host functions, what they will read is computed meanwhile."""
        foresight = self._port.foresight
        speculation = foresight.speculation if foresight is not None else None
        while speculation is not None and not speculation.idle:
            with suppress(queue.Empty):
                return self._commands.get(timeout=GRACE)
            while self._commands.empty() and speculation.go_on():
                self._port.turn()
        return self._commands.get()

    def _drive(self, fail_all: Callable[[Exception], None]) -> None:
        commands = self._commands
        try:
            while True:
                while not self._port.idle and commands.empty():
                    self._port.turn()
                command = self._next()
                if command is None:
                    break
                command()
                del command  # a whole batch may hang on it, until there is a next one
            error: Exception = RunError("the engine was shut down")
        except BaseException as failure:  # noqa: BLE001 - nobody may wait for a loop that is no more
            error = failure if isinstance(failure, Exception) else RunError(in_words(failure))
        with self._door:
            self._ended = error
        while not commands.empty():  # their steps fail below
            if (command := commands.get()) is not None:
                command()
        fail_all(error)


_driving: WeakSet[threading.Thread] = WeakSet()


def join_all(seconds: float) -> None:
    """Waits for all loops to end, each so many seconds at most. A thread that frees a model while Python ends aborts the process, and
    the loop of a backend that nobody refers to any more has nobody else who waits for it."""
    for thread in list(_driving):
        thread.join(seconds)
