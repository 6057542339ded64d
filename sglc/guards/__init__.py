"""Guards of cached traces: has anything changed that a function's code reads outside of its arguments?

A walk goes from the function to all that its code can reach: globals, builtins, closure cells, defaults, helpers, the
attributes of modules that the code names, classes, instances, containers, the environment. It leaves

    facts   what is there, by value, with names for people; two walks with equal facts found the same
    checks  the places that can change, with the very objects that are in them

`Guard.holds` compares the places first. Where all hold the same objects nothing has changed, since what has no check
cannot change. Where one does not, a new walk tells whether its object is equal to the old one.

Of the standard library, of installed packages and of sglc the code is not walked: who changes a library while a program
runs replaces its functions, and that shows. Their objects count by identity and by those attributes that the code names.
Host functions are identities too: the compiled program calls them, so what they read is not part of a trace.

Not seen: what is neither in Python's objects nor in the environment (clocks, random numbers; files are noticed where they
are read, see `sglc.trace.repeatable`), what other
libraries keep inside their objects, and what is reached through arguments alone, but for their classes. No user code runs in here, but for
what is behind a `MappingProxyType` and the `repr` of annotations and time zones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import is_dataclass
from itertools import chain, zip_longest
from operator import is_
from typing import Any, cast

from sglc.guards.findings import Check, Fact, Findings
from sglc.guards.places import instance_state
from sglc.guards.restore import put_back
from sglc.guards.used_up import Used
from sglc.guards.values import CONTAINERS, State, mapping_state
from sglc.guards.walk import walked


class Guard:
    """What a function reads outside of its arguments, as it was when the guard was made.

    function: a function, a program (`SglFunction`), a partial, a method ... tools: functions that it calls as host
    functions, which may do what they like. classes: of its arguments.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        tools: Set[Callable[..., Any]] = frozenset(),
        classes: Sequence[type[Any]] = (),
    ) -> None:
        self._function = function
        self._tools = tools
        self._classes = classes
        self._found = walked(function, tools=tools, classes=classes)
        self._quick = _Quick(self._found.checks)

    @property
    def names_files(self) -> bool:
        """Whether the code has names that may read files. Those are no part of the guard."""
        return self._found.names_files

    @property
    def names_effects(self) -> bool:
        """Whether the code has names that may do something outside of Python (`sglc.trace.effects`)."""
        return self._found.names_effects

    @property
    def compares_identity(self) -> bool:
        """Whether the code asks with `is` for what may be an argument: a variable, a list, a dict, an object of its own."""
        return self._found.compares_identity or any(map(_may_be_given, self._found.compared))

    def is_compared(self, value: object) -> bool:
        """Whether the code asks with `is` for a global that is this very object."""
        return any(value is other for other in self._found.compared)

    @property
    def changing(self) -> dict[int, str]:
        """Of what changes when it is used and does not show that (open files, databases, queues ...): its id, in words."""
        return {id(thing): words for words, thing in self._found.changing}

    def used_up(self) -> list[Used]:
        """How far the iterators that the function reaches have been used by now, and numpy's random numbers."""
        return [Used(words, thing) for words, thing in self._found.used_up]

    def knows(self, value: object) -> bool:
        """Whether the function reaches an object, so that it was there before the function ran."""
        return self._found.has_met(value)

    def holds(self) -> bool:
        """Whether all is as it was. Tens of microseconds where it is, for code of usual size."""
        try:
            is_quick = self._quick.holds()
        except RuntimeError:  # another thread has changed a set meanwhile
            is_quick = False
        return is_quick or self.changed() is None

    def restore(self) -> None:
        """Puts back what was there: in containers, attributes, closure cells, modules, the environment."""
        for check in self._found.checks:
            put_back(*check)

    def shares_with(self, functions: Iterable[Callable[..., Any]]) -> bool:
        """Whether one of these functions reaches a container, or an object with attributes, that this one reads."""
        mine = _changeable(self._found)
        return any(not mine.isdisjoint(_changeable(walked(function))) for function in functions)

    def changed(self) -> str | None:
        """The name of what has changed, the first where there are several; None where all is as it was."""
        now = walked(self._function, self._found.absent, self._tools, self._classes)
        name = _first_difference(self._found.facts, now.facts)
        if name is None:  # from here on the new objects, equal to the old ones, are the quick way
            again = now.passed_over
            self._found = walked(self._function, tools=self._tools, classes=self._classes) if again else now
            self._quick = _Quick(self._found.checks)
        return name


class _Quick:
    """Checks side by side, so that a comparison of all of them runs in C: of plain lists and dicts, of which a table has
    thousands, item by item; of other places by what their functions read."""

    def __init__(self, checks: list[Check]) -> None:
        self._lists: list[list[Any]] = []
        self._dicts: list[dict[Any, Any]] = []
        self._others: list[tuple[Callable[[Any], State], Any]] = []
        of_lists: list[State] = []
        of_keys: list[State] = []
        of_values: list[State] = []
        of_others: list[State] = []
        for read, place, objects in checks:
            if read is CONTAINERS[list]:
                self._lists.append(place)
                of_lists.append(objects)
            elif read in _READ_DICTS and type(place) is dict:
                self._dicts.append(cast("dict[Any, Any]", place))
                of_keys.append(objects[: len(objects) // 2])
                of_values.append(objects[len(objects) // 2 :])
            else:
                self._others.append((read, place))
                of_others.append(objects)
        self._sizes = list(map(len, chain(of_lists, of_keys, of_others)))
        self._expected = list(chain.from_iterable(chain(of_lists, of_keys, of_values, of_others)))

    def holds(self) -> bool:
        """Whether the same objects are in all places."""
        others = [read(place) for read, place in self._others]
        sizes = chain(map(list[Any].__len__, self._lists), map(len, self._dicts), map(len, others))
        if list(sizes) != self._sizes:
            return False
        lists, values = map(list[Any].__iter__, self._lists), map(dict[Any, Any].values, self._dicts)
        found = chain.from_iterable(chain(lists, self._dicts, values, others))
        return all(map(is_, found, self._expected))


def _may_be_given(value: object) -> bool:
    return isinstance(value, list | dict) or (is_dataclass(value) and not isinstance(value, type))


def _changeable(found: Findings) -> frozenset[int]:
    """The containers, and the objects with attributes, that a walk has met: their ids, while the walk is kept."""
    containers = (id(place) for read, place, _ in found.checks if read in _READS_ITEMS)
    objects = (id(place[0]) for read, place, state in found.checks if read is instance_state and state)
    return frozenset(chain(containers, objects))


_READ_DICTS = frozenset((CONTAINERS[dict], mapping_state))

_READS_ITEMS = frozenset(CONTAINERS.values())


def _first_difference(old: list[Fact], new: list[Fact]) -> str | None:
    if old == new:
        return None
    one, other = next((one, other) for one, other in zip_longest(old, new) if one != other)
    if other is None or (one is not None and (one[0] == other[0] or one[0] not in dict(new))):
        return one[0]
    return other[0]
