"""What a walk finds."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Set
from typing import Any, TypeAlias

from sglc.guards.owners import is_module, name_of
from sglc.guards.values import State, constant

MAX_ITEMS = 200_000
"""Items of containers and instances that one guard compares. One of them may take half of what is left, so that a large
one leaves room for the small ones; what gets none counts by identity and length."""

Fact: TypeAlias = tuple[str, object]
"""What a thing is called, and what it is."""

Check: TypeAlias = tuple[Callable[[Any], State], Any, State]
"""How to read a place, the place, and the objects that were in it."""

Absent: TypeAlias = tuple[int, str]
"""A name without a value: the id of its owner, and the name."""


class Findings:
    """What one walk has found, and what it has still to look at.

    absent: what was not there and may come without meaning a change: modules that are not imported yet, attributes that
    libraries add late, values of cached properties. ignored: that of an earlier walk; passed_over: whether some of it is
    there now.
    """

    def __init__(self, ignored: Set[Absent]) -> None:
        self.facts: list[Fact] = []
        self.checks: list[Check] = []
        self.absent: set[Absent] = set()
        self.passed_over = False
        self.reads_environment = False
        self.names_files = False
        self.names_effects = False
        self.compares_identity = False
        self.compared: list[Any] = []  # globals that the code asks for with `is`
        self.changing: list[tuple[str, Any]] = []  # what changes by use and does not show it, in words, and the thing
        self.used_up: list[tuple[str, Any]] = []  # see `sglc.guards.used_up`: in words, and the thing
        self.tools: list[Any] = []  # the functions inside of host functions
        self.queue: deque[tuple[str, Any]] = deque()
        self._ignored = ignored
        self._room = MAX_ITEMS
        self._seen: dict[int, tuple[int, Any]] = {}  # with the object, since an id means it only while it lives

    def see(self, name: str, value: Any) -> None:
        """A value that the code reads: its facts, now or later."""
        if (plain := constant(value)) is None:
            self.queue.append((name, value))
        else:
            self.note(name, plain)

    def note(self, name: str, what: object) -> None:
        self.facts.append((name, what))

    def check(self, read: Callable[[Any], State], place: Any, objects: State) -> None:
        """objects: what `read` finds in the place."""
        self.checks.append((read, place, objects))

    def earlier(self, value: Any) -> int | None:
        """Where the facts of a value begin; None where it is seen for the first time."""
        if id(value) in self._seen:
            return self._seen[id(value)][0]
        self._seen[id(value)] = len(self.facts), value
        return None

    def has_met(self, value: object) -> bool:
        """Whether the walk has come to an object, or to the host function that is made of it."""
        return id(value) in self._seen or any(value is tool for tool in self.tools)

    def afford(self, items: int) -> bool:
        """Whether there is room for so many items, which takes it."""
        if items > self._room // 2:
            return False
        self._room -= items
        return True

    def passes_over(self, owner: Any, name: str, value: Any) -> bool:
        """Whether a value is none of this walk's, because an earlier one found it absent."""
        hit = (id(owner), name) in self._ignored
        if is_module(value):
            hit |= (id(sys.modules), name_of(value)) in self._ignored
        self.passed_over |= hit
        return hit
