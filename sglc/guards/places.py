"""Places that can change: what a check reads there."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from itertools import chain, repeat
from operator import attrgetter, call
from types import CellType, FunctionType, MemberDescriptorType
from typing import Any, cast
from weakref import ref

from sglc.guards.classes import module_of, own_dict, type_of
from sglc.guards.findings import MAX_ITEMS
from sglc.guards.values import MISSING, State

CALL: Callable[..., Any] = call  # as `map` takes it
BYTES_OF_AN_ITEM = 16  # of an array: so many count as one item
LAZY_ANNOTATIONS = sys.version_info >= (3, 14)  # there they are a function, which nobody should call too early


def entries(place: tuple[tuple[Callable[..., Any], ...], tuple[str, ...]]) -> State:
    """What `get` methods of mappings give for names, one each."""
    gets, names = place
    return tuple(map(CALL, gets, names, repeat(MISSING)))


def appeared(place: tuple[Any, frozenset[str]]) -> State:
    """Empty while none of the names is a key."""
    keys, names = place
    return () if keys.isdisjoint(names) else (True,)


def content_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return MISSING


def contents_of(cells: tuple[CellType, ...]) -> State:
    return tuple(map(content_of, cells))


_FUNCTION = attrgetter(
    *("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__name__", "__dict__"),
    "__annotate__" if LAZY_ANNOTATIONS else "__annotations__",
)


def functions_state(functions: tuple[FunctionType, ...]) -> State:
    return tuple(chain.from_iterable(map(_FUNCTION, functions)))


def annotations_of(function: FunctionType) -> dict[str, Any]:
    return {} if LAZY_ANNOTATIONS else function.__annotations__


def keys_of(mappings: tuple[dict[str, Any], ...]) -> State:
    return tuple(chain.from_iterable(mappings))


def class_state(cls: type) -> State:
    attributes = vars(cls)
    return (type(cls), cls.__bases__, *attributes, *attributes.values())


def instance_state(place: tuple[Any, tuple[MemberDescriptorType, ...]]) -> State:
    instance, slots = place
    attributes = own_dict(instance)
    return (type_of(instance), *attributes, *attributes.values(), *(slot_of(instance, slot) for slot in slots))


def slot_of(instance: Any, slot: MemberDescriptorType) -> Any:
    try:
        return slot.__get__(instance)
    except AttributeError:  # not set
        return MISSING


def length_changed(place: tuple[type[Any], Any, int]) -> State:
    base, value, length = place
    return () if base.__len__(value) == length else (True,)


def buffer_of(value: Any) -> State | None:
    """Format, shape and bytes of an array; None for what is none, or has too many bytes to compare."""
    try:
        with memoryview(value) as view:
            return (view.format, view.shape, view.tobytes()) if view.nbytes <= BYTES_OF_AN_ITEM * MAX_ITEMS else None
    except (TypeError, ValueError, BufferError):  # ValueError: an array that has no such view, as numpy's of dates
        return None


def buffer_changed(place: tuple[Any, State]) -> State:
    value, before = place
    return () if buffer_of(value) == before else (True,)


def holds_objects(value: Any) -> bool:
    """Whether a value is an array of numpy's whose items are Python's objects."""
    return module_of(type_of(value)) == "numpy" and hasattr(value, "shape") and value.dtype.kind == "O"


def objects_of(array: Any) -> State:
    return tuple(array.flat)


def version_of(value: Any) -> int | None:
    """How often a tensor of torch has been changed in place; None for what is none. (One of inference mode does not say.)"""
    if not module_of(type_of(value)).startswith("torch") or not hasattr(value, "is_inference") or value.is_inference():
        return None
    return value._version


def version_changed(place: tuple[Any, int]) -> State:
    value, before = place
    return () if version_of(value) == before else (True,)


def referent_of(reference: Any) -> State:
    return (cast("Callable[[Any], Any]", ref.__call__)(reference),)  # pyright: ignore[reportUnknownMemberType]


def subclasses_of(cls: type[Any]) -> State:
    return tuple(type.__subclasses__(cls))


def logger_state(logger: Any) -> tuple[object, ...]:
    """What it lets through, and where to."""
    at: Any = logger
    while isinstance(at, logging.LoggerAdapter):
        at = cast("Any", at).logger
    own: logging.Logger = at
    handlers: list[int] = []
    while at is not None:
        handlers += map(id, at.handlers)
        at = at.parent if at.propagate else None
    return (own.getEffectiveLevel(), own.manager.disable, own.disabled, *handlers)


def logger_changed(place: tuple[Any, tuple[object, ...]]) -> State:
    logger, before = place
    return () if logger_state(logger) == before else (True,)


def context_state(variable: ContextVar[Any]) -> State:
    try:
        return (variable.get(),)
    except LookupError:
        return (MISSING,)


def thread_attributes(value: threading.local) -> dict[str, Any]:
    """Those that a thread-local object has in this thread."""
    return threading.local.__getattribute__(value, "__dict__")


def thread_state(value: threading.local) -> State:
    return tuple(chain.from_iterable(thread_attributes(value).items()))


def environment() -> dict[Any, Any]:
    """The live variables, as `os.environ` keeps them: bytes by bytes; none where somebody has put another in its place."""
    found = own_dict(os.environ).get("_data")
    return found if type(found) is dict else {}  # pyright: ignore[reportUnknownVariableType]


def environment_changed(before: dict[Any, Any]) -> State:
    return () if environment() == before else (True,)
