"""Classes: what they add to their instances, and what Python adds to them."""

from __future__ import annotations

import functools
import sys
from collections import UserDict, UserList, UserString
from types import MemberDescriptorType, SimpleNamespace
from typing import Any, cast

_NAMESPACES = frozenset({SimpleNamespace, UserDict, UserList, UserString})
_NAMESPACE_NAMES = frozenset(
    {
        *(("argparse", "Namespace"), ("string", "Template"), ("collections", "ChainMap")),
        ("weakref", "WeakValueDictionary"),
    }
)
"""Library classes whose instances are nothing but their attributes."""

_PLAIN_BASES = frozenset(
    {
        *(("builtins", "object"), ("abc", "ABC"), ("typing", "Generic"), ("typing", "Protocol")),
        *(("enum", name) for name in ("Enum", "Flag", "IntEnum", "StrEnum", "IntFlag")),
    }
)
"""Library classes that add nothing of their own to an instance."""

_CHANGING = frozenset(
    {
        *(("_io", "_IOBase"), ("tempfile", "_TemporaryFileWrapper"), ("_csv", "writer"), ("mmap", "mmap")),
        *(("zipfile", "ZipFile"), ("tarfile", "TarFile"), ("multiprocessing.sharedctypes", "SynchronizedBase")),
        *(("sqlite3", "Connection"), ("sqlite3", "Cursor"), ("shelve", "Shelf"), ("_gdbm", "gdbm"), ("_dbm", "dbm")),
        *(
            ("queue", "Queue"),
            ("_queue", "SimpleQueue"),
            ("asyncio.queues", "Queue"),
            ("multiprocessing.queues", "Queue"),
        ),
        *(("threading", name) for name in ("Event", "Condition", "Semaphore", "Barrier")),
        *(("_socket", "socket"), ("http.client", "HTTPConnection"), ("smtplib", "SMTP"), ("ftplib", "FTP")),
        ("unittest.mock", "NonCallableMock"),
        *(("configparser", "RawConfigParser"), ("subprocess", "Popen"), ("urllib.request", "OpenerDirector")),
        ("random", "Random"),
    }
)
"""Library classes whose instances change when they are used, inside, where no guard looks."""

_LOGGERS = frozenset({("logging", "Logger"), ("logging", "LoggerAdapter")})

_DERIVED = frozenset(
    {
        *("__dict__", "__weakref__", "__abstractmethods__", "_abc_impl", "__protocol_attrs__", "__annotations_cache__"),
        *("__slotnames__", "__static_attributes__", "__dataclass_params__", "_value2member_map_"),
    }
)
"""Class attributes that Python derives from the others, some only when it needs them."""

IMMUTABLE = 1 << 8  # of a class: none of its attributes can be set


def type_of(value: Any) -> type[Any]:
    """The real type, whatever `__class__` says."""
    return cast("type[Any]", type(value))


def module_of(kind: type[Any]) -> str:
    name: object = kind.__module__  # whatever a class has put there
    return name if type(name) is str else ""


def changes_by_use(value: Any) -> bool:
    """Whether a thing is of a class whose instances change when they are used; not where people see what a program prints, and
    not the generator of the module `random`, whose draws are looked for (`sglc.trace.repeatable`)."""
    if is_standard_stream(value) or value is getattr(sys.modules.get("random"), "_inst", None):
        return False
    return any((module_of(cls), cls.__qualname__) in _CHANGING for cls in type_of(value).__mro__)


def is_standard_stream(value: object) -> bool:
    streams = (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__)
    return value is not None and any(value is stream for stream in streams)


def is_logger(kind: type) -> bool:
    return any((module_of(cls), cls.__qualname__) in _LOGGERS for cls in kind.__mro__)


def own_dict(value: Any) -> dict[str, Any]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}  # pyright: ignore[reportUnknownVariableType]


def is_namespace(kind: type) -> bool:
    return kind in _NAMESPACES or (module_of(kind), kind.__qualname__) in _NAMESPACE_NAMES


def adds_nothing(base: type) -> bool:
    return is_namespace(base) or (module_of(base), base.__qualname__) in _PLAIN_BASES


def is_derived(key: str, value: Any) -> bool:
    if key == "__annotations__":
        return not value  # made when somebody asks for it
    return key in _DERIVED or (key.startswith("__pydantic_") and key != "__pydantic_fields__")


def slots_of(kind: type) -> tuple[MemberDescriptorType, ...]:
    """Members of classes in Python: those of classes in C may be made anew each time they are read."""
    classes = (cls for cls in kind.__mro__ if not cls.__flags__ & IMMUTABLE)
    return tuple(slot for cls in classes for slot in vars(cls).values() if type(slot) is MemberDescriptorType)


def cached_properties(kind: type) -> set[str]:
    return {k for cls in kind.__mro__ for k, v in vars(cls).items() if type(v) is functools.cached_property}
