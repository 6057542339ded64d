"""The walk from a function to all that its code can reach."""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence, Set
from contextvars import ContextVar
from types import BuiltinFunctionType, FunctionType, MethodWrapperType, ModuleType
from typing import Any
from weakref import ref

from sglc.guards.classes import (
    IMMUTABLE,
    adds_nothing,
    cached_properties,
    changes_by_use,
    is_derived,
    is_logger,
    is_namespace,
    module_of,
    own_dict,
    slots_of,
    type_of,
)
from sglc.guards.findings import Absent, Findings
from sglc.guards.functions import Functions
from sglc.guards.namespaces import Namespaces
from sglc.guards.owners import base_of, home_of, innermost, is_module, is_users_module, name_of
from sglc.guards.places import (
    BYTES_OF_AN_ITEM,
    buffer_changed,
    buffer_of,
    class_state,
    context_state,
    environment,
    environment_changed,
    holds_objects,
    instance_state,
    length_changed,
    logger_changed,
    logger_state,
    objects_of,
    referent_of,
    slot_of,
    subclasses_of,
    thread_attributes,
    thread_state,
    version_changed,
    version_of,
)
from sglc.guards.used_up import is_used_up
from sglc.guards.values import CONTAINERS, LINK, LINKS, PAYLOADS, Same, State, constant, container_of

_LEADS = frozenset({"func", "bind_arguments", "__wrapped__", "args", "keywords", "dispatcher"})
"""Attributes by which objects of libraries lead to the user's code: programs, cached functions, cached properties ..."""


def walked(
    function: Callable[..., Any],
    ignored: Set[Absent] = frozenset(),
    tools: Set[Callable[..., Any]] = frozenset(),
    classes: Sequence[type[Any]] = (),
) -> Findings:
    """What a function reads. ignored: see `Findings`. tools: functions that are called as host functions. classes: of its
    arguments, whose methods it may call."""
    for last in (False, False, True):
        findings = Findings(ignored)
        try:
            _Walk(function, findings, tools).run(function, classes)
        except RuntimeError:  # another thread has changed a container meanwhile
            if last:
                raise
        else:
            break
    return findings


_METHODS = (FunctionType, property, classmethod, staticmethod, functools.cached_property)


_REFERENCE: type[Any] = ref


class _Walk:
    def __init__(self, function: Callable[..., Any], findings: Findings, tools: Set[Callable[..., Any]]) -> None:
        self._found = findings
        self._tools = tools
        self._root = innermost(function)
        self._home = home_of(self._root)
        self._namespaces = Namespaces(findings)
        self._functions = Functions(findings, self._namespaces, self._root, self._home)

    def run(self, function: Callable[..., Any], classes: Sequence[type[Any]]) -> None:
        found = self._found
        found.see(f"code of {getattr(self._root, '__name__', 'the function')}", function)
        for cls in dict.fromkeys(base for each in classes for base in each.__mro__):
            if is_users_module(module_of(cls), self._home):
                self._visit_class_of_argument(cls)
        while found.queue:
            while found.queue:
                self._visit(*found.queue.popleft())
            self._namespaces.see_named()
        self._namespaces.finish()
        self._functions.finish()
        if found.reads_environment:
            before = dict(environment())
            found.check(environment_changed, before, ())
            found.facts += ((f"environment variable {os.fsdecode(key)}", before[key]) for key in sorted(before))

    def _visit(self, name: str, value: Any) -> None:
        if (index := self._found.earlier(value)) is not None:
            self._found.note(name, ("again", index))
            return
        kind = type_of(value)
        if changes_by_use(value):
            self._found.changing.append((f"{name}, of type {kind.__name__}", value))
        elif is_used_up(kind):
            self._found.used_up.append((f"{name}, of type {kind.__name__}", value))
        if is_logger(kind):
            self._found.names_effects = True
            self._found.note(name, logger_state(value))
            self._found.check(logger_changed, (value, logger_state(value)), ())
        if kind is FunctionType and value in self._tools:
            self._found.note(name, Same(value))
        elif kind is FunctionType:
            self._functions.visit(name, value)
        elif issubclass(kind, type):
            self._visit_class(name, value)
        elif is_module(value):
            self._visit_module(name, value)
        elif kind in LINKS:
            self._found.note(name, kind)
        elif kind in (BuiltinFunctionType, MethodWrapperType):
            self._visit_builtin(name, value)
        elif value is os.environ or value is os.environb:
            self._found.note(name, Same(value))
            self._found.reads_environment = True
        elif issubclass(kind, threading.local):
            self._visit_thread_local(name, value, kind)
        elif issubclass(kind, _REFERENCE):
            self._found.note(name, kind)
            self._found.check(referent_of, value, referent_of(value))
            self._found.see(name, referent_of(value)[0])
        elif is_namespace(kind) or is_users_module(module_of(kind), self._home):
            self._visit_instance(name, value, kind)
        else:
            self._visit_other(name, value, kind)
        for base, links in LINKS.items():
            if issubclass(kind, base):
                for link in links:
                    self._found.see(name, base.__dict__[link].__get__(value))

    def _visit_builtin(self, name: str, value: Any) -> None:
        owner = value.__self__
        if owner is None or is_module(owner):
            self._found.note(name, Same(value))
        else:  # a method of an object: `TABLE.get`
            self._found.note(name, (type_of(value), value.__name__))
            self._found.see(name, owner)

    def _visit_thread_local(self, name: str, value: threading.local, kind: type[Any]) -> None:
        """Its attributes in this thread: in another one it is something else."""
        self._found.note(name, Same(value))
        self._found.see(f"class {kind.__qualname__}", kind)
        self._found.check(thread_state, value, thread_state(value))
        for key, attribute in list(thread_attributes(value).items()):
            self._found.see(f"attribute {key} of {name}", attribute)

    def _visit_other(self, name: str, value: Any, kind: type[Any]) -> None:
        """An object of a library."""
        base = container_of(kind)
        if value is sys.modules:
            self._found.note(name, Same(value))
        elif base is not None:
            known = kind if module_of(kind) in ("builtins", "collections") else Same(value)
            self._visit_items(name, value, base, known)
        elif kind is ContextVar:
            self._found.note(name, Same(value))
            self._found.check(context_state, value, context_state(value))
            self._found.see(f"value of {name}", context_state(value)[0])
        elif holds_objects(value) and self._found.afford(value.size):
            self._found.note(name, (kind, value.shape))
            self._found.check(objects_of, value, objects_of(value))
            self._found.queue.extend((name, item) for item in objects_of(value))
        elif (version := version_of(value)) is not None:
            self._found.note(name, (Same(value), version))
            self._found.check(version_changed, (value, version), ())
        elif (buffer := buffer_of(value)) is not None and self._found.afford(len(buffer[2]) // BYTES_OF_AN_ITEM):
            self._found.note(name, (kind, buffer))
            self._found.check(buffer_changed, (value, buffer), ())
        else:
            self._found.note(name, Same(value))
        if own := own_dict(value):
            namespace = self._namespaces.add("attribute ", f" of {name}", value, own)
            for lead in sorted(_LEADS & own.keys()):
                namespace.found[lead] = own[lead]
                self._found.see(name, own[lead])

    def _visit_items(self, name: str, value: Any, base: type[Any], known: object) -> None:
        """The items of a container; known: what else tells it from others."""
        state = CONTAINERS[base](value)
        if not self._found.afford(len(state)):
            length: int = base.__len__(value)
            self._found.note(name, (Same(value), length))
            self._found.check(length_changed, (base, value, length), ())
            return
        tokens: list[State] = []
        for item in state:
            plain = constant(item)
            tokens.append(LINK if plain is None else plain)
            if plain is None:
                self._found.queue.append((name, item))
        if base is deque:
            tokens.append(("maxlen", value.maxlen))
        content = (len(tokens), frozenset(tokens)) if base in (set, frozenset) else tuple(tokens)
        self._found.note(name, (known, content))
        if base not in (tuple, frozenset):
            self._found.check(CONTAINERS[base], value, state)

    def _visit_module(self, name: str, module: ModuleType) -> None:
        self._found.note(name, (ModuleType, name_of(module)))
        if module is logging:  # whose functions log to the root
            self._found.see("the root logger", logging.root)
        self._namespaces.add_module(module, self._home)

    def _visit_class(self, name: str, cls: type[Any]) -> None:
        title = cls.__qualname__
        if not is_users_module(module_of(cls), self._home):
            self._found.note(name, Same(cls))
            if not cls.__flags__ & IMMUTABLE:
                self._namespaces.add("class attribute ", f" of {title}", cls, vars(cls))
            return
        attributes = dict(vars(cls))
        self._found.note(name, ("class", module_of(cls), title))
        self._found.check(class_state, cls, class_state(cls))
        self._found.see(f"metaclass of {title}", type(cls))
        for base in cls.__bases__:
            self._found.see(f"base of {title}", base)
        if "__subclasses__" in self._namespaces.names:
            self._found.note(f"subclasses of {title}", tuple(map(Same, subclasses_of(cls))))
            self._found.check(subclasses_of, cls, subclasses_of(cls))
        for key, value in attributes.items():
            if not is_derived(key, value):
                self._found.see(f"class attribute {title}.{key}", value)

    def _visit_class_of_argument(self, cls: type[Any]) -> None:
        """What the code can come to by an instance: methods, and attributes that it names. How instances are made is of those
        who make them."""
        space = self._namespaces.add("class attribute ", f" of {cls.__qualname__}", cls, vars(cls))
        for key, value in dict(vars(cls)).items():
            if type(value) in _METHODS and key not in ("__init__", "__post_init__", "__new__"):
                self._namespaces.look_up(space, key)

    def _visit_instance(self, name: str, value: Any, kind: type[Any]) -> None:
        base = base_of(kind, self._home)
        container = container_of(kind)
        same = None if base in PAYLOADS or base in CONTAINERS or adds_nothing(base) else Same(value)
        payload = PAYLOADS[base](value) if base in PAYLOADS else None
        self._found.note(name, ("instance", same, payload))
        self._found.see(f"class {kind.__qualname__}", kind)
        slots = slots_of(kind)
        state = instance_state((value, slots))
        if not self._found.afford(len(state)):
            self._found.note(name, (Same(value), len(state)))
            return
        self._found.check(instance_state, (value, slots), state)
        for key, attribute in list(own_dict(value).items()):
            if not self._found.passes_over(value, key, attribute):
                self._found.see(f"attribute {key} of {name}", attribute)
        for slot in slots:
            self._found.see(f"attribute {slot.__name__} of {name}", slot_of(value, slot))
        self._found.absent.update((id(value), key) for key in cached_properties(kind) - own_dict(value).keys())
        if container is not None:
            self._visit_items(name, value, container, container)
