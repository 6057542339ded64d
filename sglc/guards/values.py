"""Values: which are compared as they are, and what is inside of the others."""

from __future__ import annotations

import functools
import re
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import EllipsisType, MappingProxyType, MethodType, NoneType, NotImplementedType
from typing import Any, Final, TypeAlias

from sglc.guards.classes import module_of, type_of

State: TypeAlias = tuple[Any, ...]


class Missing:
    """What a place without a value holds."""


MISSING: Final = Missing()
LINK: Final = ("link",)  # stands for an item that has facts of its own


@dataclass(frozen=True, slots=True, eq=False)
class Same:
    """Equal to the same object alone."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


_EXACT = frozenset({NoneType, bool, int, str, bytes, EllipsisType, NotImplementedType, Missing})
_BY_REPR = frozenset({float, complex, range})  # tells 0.0 from -0.0, and finds nan equal to nan
_BY_REPR_NAMES = frozenset(  # by name: importing them all takes longer than `sglc --help`
    {
        *(("datetime", name) for name in ("date", "time", "datetime", "timedelta", "timezone")),
        *((module, name) for module in ("pathlib", "pathlib._local") for name in ("PosixPath", "PurePosixPath")),
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("uuid", "UUID"),
        ("zoneinfo", "ZoneInfo"),
    }
)


def constant(value: Any) -> State | None:
    """Type and value of what cannot change and is nothing but its value; None for all else."""
    kind = type_of(value)
    if kind in _EXACT:
        return kind, value
    if kind is re.Pattern:
        return kind, value.pattern, value.flags
    if kind in _BY_REPR or (module_of(kind), kind.__qualname__) in _BY_REPR_NAMES:
        return kind, repr(value)
    return None


PAYLOADS: dict[type, Callable[[Any], object]] = {
    str: str.__str__,
    int: int.__int__,
    bytes: bytes.__bytes__,
    float: float.__repr__,
    complex: complex.__repr__,
}
"""The plain value inside an instance of a subclass."""


def _all(iterate: Callable[[Any], Iterator[Any]]) -> Callable[[Any], State]:
    return lambda value: tuple(iterate(value))


def _both(keys: Callable[[Any], Iterable[Any]], values: Callable[[Any], Iterable[Any]]) -> Callable[[Any], State]:
    return lambda value: (*keys(value), *values(value))


def mapping_state(mapping: Mapping[str, Any]) -> State:
    return (*mapping, *mapping.values())


_DICT = _both(dict[Any, Any].keys, dict[Any, Any].values)

CONTAINERS: dict[type[Any], Callable[[Any], State]] = {
    list: _all(list[Any].__iter__),
    tuple: _all(tuple[Any, ...].__iter__),
    OrderedDict: _both(OrderedDict[Any, Any].keys, OrderedDict[Any, Any].values),
    defaultdict: lambda value: (value.default_factory, *_DICT(value)),
    dict: _DICT,
    set: _all(set[Any].__iter__),
    frozenset: _all(frozenset[Any].__iter__),
    deque: _all(deque[Any].__iter__),
    MappingProxyType: mapping_state,
}
"""The items of a container, by the first of these that it is one of; a subclass's own methods are not asked."""


def container_of(kind: type) -> type | None:
    return next((base for base in CONTAINERS if issubclass(kind, base)), None)


_VIEWED: dict[Any, Any] = {}
LINKS: dict[type, tuple[str, ...]] = {
    functools.partial: ("func", "args", "keywords"),
    MethodType: ("__func__", "__self__"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
    type(_VIEWED.keys()): ("mapping",),
    type(_VIEWED.values()): ("mapping",),
    type(_VIEWED.items()): ("mapping",),
}
"""What leads on by these attributes, which stay."""
