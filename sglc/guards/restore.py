"""Puts back what was in the places that a guard has found: the other direction of its checks."""

from __future__ import annotations

import os
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from types import CellType, FunctionType, MemberDescriptorType
from typing import Any, cast

from sglc.guards.classes import own_dict
from sglc.guards.owners import is_module
from sglc.guards.places import (
    buffer_changed,
    class_state,
    content_of,
    contents_of,
    entries,
    environment,
    environment_changed,
    functions_state,
    instance_state,
    keys_of,
    slot_of,
)
from sglc.guards.values import CONTAINERS, MISSING, State

_Put = Callable[[Any, State], None]


def put_back(read: Callable[[Any], State], place: Any, objects: State) -> None:
    """Makes a place hold the objects that `read` found in it. Of what changes in other ways nothing is put back."""
    if (put := _PUTS.get(read)) is not None and not _are_the_same(read(place), objects):
        put(place, objects)


def _are_the_same(now: State, before: State) -> bool:
    return len(now) == len(before) and all(one is other for one, other in zip(now, before, strict=True))


def _items(container: Any, items: State) -> None:
    if isinstance(container, list):
        container[:] = items
    elif isinstance(container, set | deque | dict):
        held = cast("Any", container)
        held.clear()
        if isinstance(container, dict):
            if isinstance(container, defaultdict):
                container.default_factory, items = items[0], items[1:]
            held.update(_by_key(items))
        else:
            (held.update if isinstance(container, set) else held.extend)(items)


def _by_key(state: Sequence[Any]) -> dict[Any, Any]:
    """Of keys, and then the values."""
    half = len(state) // 2
    return dict(zip(state[:half], state[half:], strict=True))


def _attributes(place: tuple[Any, tuple[MemberDescriptorType, ...]], state: State) -> None:
    instance, slots = place
    attributes = _by_key(state[1 : len(state) - len(slots)])
    own = own_dict(instance)
    own.clear()
    own.update(attributes)
    for slot, value in zip(slots, state[len(state) - len(slots) :], strict=True):
        if value is not MISSING:
            slot.__set__(instance, value)
        elif slot_of(instance, slot) is not MISSING:
            slot.__delete__(instance)


def _class_attributes(cls: type[Any], state: State) -> None:
    before = _by_key(state[2:])
    for name, value in before.items():
        if vars(cls).get(name, MISSING) is not value:
            type.__setattr__(cls, name, value)
    for name in [name for name in vars(cls) if name not in before]:
        type.__delattr__(cls, name)


def _cells(cells: tuple[CellType, ...], contents: State) -> None:
    for cell, content in zip(cells, contents, strict=True):
        if content is not MISSING:
            cell.cell_contents = content
        elif content_of(cell) is not MISSING:
            del cell.cell_contents


def _names(place: tuple[tuple[Any, ...], tuple[str, ...]], values: State) -> None:
    gets, names = place
    for get, name, value in zip(gets, names, values, strict=True):
        space, now = get.__self__, get(name, MISSING)
        if type(space) is not dict or now is value or is_module(now):  # a module that was imported meanwhile stays
            continue
        if value is MISSING:
            del space[name]
        else:
            space[name] = value


def _buffer(place: tuple[Any, State], _: State) -> None:
    value, (_format, _shape, content) = place
    if isinstance(value, bytearray):
        value[:] = content
    elif isinstance(value, array):
        del value[:]
        value.frombytes(content)
    else:
        memoryview(value).cast("B")[:] = content


def _functions(functions: tuple[FunctionType, ...], state: State) -> None:
    size = len(state) // max(1, len(functions))
    for number, function in enumerate(functions):
        names = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__name__")
        for name, value in zip(names, state[number * size :], strict=False):
            if getattr(function, name) is not value:
                setattr(function, name, value)


def _no_keys(mappings: tuple[dict[str, Any], ...], _: State) -> None:
    for mapping in mappings:
        mapping.clear()


def _environment(before: dict[Any, Any], _: State) -> None:
    for key in before.keys() | environment().keys():
        name = os.fsdecode(key)
        if key in before:
            os.environ[name] = os.fsdecode(before[key])
        else:
            os.environ.pop(name, None)


_PUTS: Mapping[Callable[[Any], State], _Put] = {
    **dict.fromkeys(CONTAINERS.values(), _items),
    instance_state: _attributes,
    class_state: _class_attributes,
    contents_of: _cells,
    entries: _names,
    buffer_changed: _buffer,
    functions_state: _functions,
    keys_of: _no_keys,
    environment_changed: _environment,
}
