"""Values by name: globals, builtins, and the attributes of modules, of classes and of what libraries made."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from sglc.guards.findings import Findings
from sglc.guards.owners import is_module, is_users_module, name_of
from sglc.guards.places import appeared, entries
from sglc.guards.values import MISSING, mapping_state


@dataclass(slots=True)
class Namespace:
    """Values by name, which people know as prefix + name + suffix.

    is_open: every name in the code is read here, as an attribute; otherwise only those that are looked up. own: it is
    the user's, and a name that appears counts. whole: all names are read. found: what was there, or `MISSING`.
    """

    prefix: str
    suffix: str
    owner: Any
    entries: Mapping[str, Any]
    is_open: bool = True
    own: bool = False
    whole: bool = False
    found: dict[str, Any] = field(default_factory=dict[str, Any])


class Namespaces:
    """Those of one walk. names: what the code reads as attributes. all_of_modules: it reads all that the user's hold."""

    def __init__(self, findings: Findings) -> None:
        self.names = {"__getattr__"}
        self.all_of_modules = False
        self._findings = findings
        self._spaces: dict[tuple[int, bool], Namespace] = {}

    def add(self, prefix: str, suffix: str, owner: Any, entries: Any, is_open: bool = True) -> Namespace:
        """The namespace of an owner, where there is one already that."""
        return self._spaces.setdefault((id(owner), is_open), Namespace(prefix, suffix, owner, entries, is_open))

    def add_module(self, module: ModuleType, home: str | None) -> Namespace:
        """home: see `owners.home_of`."""
        title = name_of(module)
        namespace = self.add("attribute ", f" of module {title}", module, vars(module))
        namespace.own = is_users_module(title, home)
        return namespace

    def look_up(self, space: Namespace, name: str) -> Any:
        if name not in space.found:
            value = space.entries.get(name, MISSING)
            value = MISSING if self._findings.passes_over(space.owner, name, value) else value
            space.found[name] = value
            self._findings.see(f"{space.prefix}{name}{space.suffix}", value)
        return space.found[name]

    def see_named(self) -> None:
        """The attributes that the code names, of all that is there."""
        for space in self._spaces.values():
            if space.is_open:
                names: Iterable[str] = self.names
                if self._is_whole(space):
                    names = [key for key in list(space.entries) if type(key) is str and not key.startswith("__")]
                for name in sorted(name for name in names if name in space.entries):
                    if not self._findings.passes_over(space.owner, name, space.entries[name]):
                        self.look_up(space, name)

    def _is_whole(self, space: Namespace) -> bool:
        return space.whole or (self.all_of_modules and space.own)

    def finish(self) -> None:
        """Adds the checks: one for all values, since there are many."""
        for space in self._spaces.values():
            if space.is_open:
                self._expect_no_more(space)
        found = [(space, name, value) for space in self._spaces.values() for name, value in space.found.items()]
        gets = tuple(space.entries.get for space, _, _ in found)
        names = tuple(name for _, name, _ in found)
        self._findings.check(entries, (gets, names), tuple(value for _, _, value in found))

    def _expect_no_more(self, space: Namespace) -> None:
        """What is to be said of the names that are not there."""
        missing = frozenset(name for name in self.names if name not in space.entries)
        if self._is_whole(space):
            self._findings.check(mapping_state, space.entries, mapping_state(space.entries))
        elif space.own:
            self._findings.check(appeared, (space.entries.keys(), missing), ())
        else:
            self._findings.absent.update((id(space.owner), name) for name in missing)
        if is_module(space.owner):  # a module inside a package may be imported later
            package = name_of(space.owner)
            self._findings.absent.update((id(sys.modules), f"{package}.{name}") for name in missing)
