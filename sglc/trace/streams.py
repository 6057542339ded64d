"""Stands in for standard output and error while a body is traced: what the body prints goes nowhere, and is noted.

It is not stopped there, since a library that prints may hold a lock.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any


class _StandIn:
    """takes: notes that this thread prints, where it traces; whether it does."""

    def __init__(self, stream: Any, takes: Callable[[], bool]) -> None:
        self.stream = stream
        self._takes = takes

    def write(self, text: str) -> int:
        return len(text) if self._takes() else self.stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class StandIns:
    """A context, for as long as any thread is in it. takes: see `_StandIn`."""

    def __init__(self, takes: Callable[[], bool]) -> None:
        self._takes = takes
        self._lock = threading.Lock()
        self._traces = 0
        self._made: dict[str, _StandIn] = {}

    def __enter__(self) -> None:
        with self._lock:
            self._traces += 1
            for name in ("stdout", "stderr"):
                if not isinstance(stream := getattr(sys, name), _StandIn | None):
                    self._made[name] = _StandIn(stream, self._takes)
                    setattr(sys, name, self._made[name])

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._traces -= 1
            for name, made in self._made.items() if self._traces == 0 else ():
                if getattr(sys, name) is made:
                    setattr(sys, name, made.stream)
