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

Not seen: what is neither in Python's objects nor in the environment (files, clocks, random numbers), what other
libraries keep inside their objects, and what is reached through arguments alone. No user code runs in here, but for
what is behind a `MappingProxyType` and the `repr` of annotations and time zones.
"""

from __future__ import annotations

import dis
import functools
import importlib.util
import os
import re
import sys
from collections import OrderedDict, UserDict, UserList, UserString, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import chain, repeat, zip_longest
from operator import attrgetter, call, is_
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    EllipsisType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    NoneType,
    NotImplementedType,
    SimpleNamespace,
)
from typing import Any, Final, TypeAlias, TypeGuard, cast

MAX_ITEMS = 200_000
"""Items of containers and instances that one guard compares. One of them may take half of what is left, so that a large
one leaves room for the small ones; what gets none counts by identity and length."""

State: TypeAlias = tuple[Any, ...]
Fact: TypeAlias = tuple[str, object]
"""What a thing is called, and what it is."""

Check: TypeAlias = tuple[Callable[[Any], State], Any, State]
"""How to read a place, the place, and the objects that were in it."""

_CALL: Callable[..., Any] = call


class Guard:
    """What a function reads outside of its arguments, as it was when the guard was made."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._walk = _Walk(function)
        self._quick = _Quick.of(self._walk.checks)

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Guard:
        """A guard of a function, a program (`SglFunction`), a partial, a method ..."""
        return cls(function)

    def holds(self) -> bool:
        """Whether all is as it was. Tens of microseconds where it is, for code of usual size."""
        quick = self._quick
        found = list(map(_CALL, quick.reads, quick.places))
        if list(map(len, found)) == quick.sizes and all(map(is_, chain.from_iterable(found), quick.expected)):
            return True
        return self.changed() is None

    def changed(self) -> str | None:
        """The name of what has changed, the first where there are several; None where all is as it was."""
        now = _Walk(self._function, self._walk.absent)
        name = _first_difference(self._walk.facts, now.facts)
        if name is None:  # from here on the new objects, equal to the old ones, are the quick way
            self._walk = _Walk(self._function) if now.passed_over else now
            self._quick = _Quick.of(self._walk.checks)
        return name


@dataclass(frozen=True, slots=True)
class _Quick:
    """Checks side by side, so that a comparison of all of them runs in C. sizes: objects in each place."""

    reads: tuple[Callable[[Any], State], ...]
    places: tuple[Any, ...]
    sizes: list[int]
    expected: State

    @classmethod
    def of(cls, checks: list[Check]) -> _Quick:
        expected = [objects for _, _, objects in checks]
        return cls(
            tuple(read for read, _, _ in checks),
            tuple(place for _, place, _ in checks),
            list(map(len, expected)),
            tuple(chain.from_iterable(expected)),
        )


def _first_difference(old: list[Fact], new: list[Fact]) -> str | None:
    if old == new:
        return None
    one, other = next((one, other) for one, other in zip_longest(old, new) if one != other)
    if other is None or (one is not None and (one[0] == other[0] or one[0] not in dict(new))):
        return one[0]
    return other[0]


# Values -------------------------------------------------------------------------------------------------------------


class _Missing:
    """What a place without a value holds."""


MISSING: Final = _Missing()
_LINK: Final = ("link",)  # stands for an item that has facts of its own


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Equal to the same object alone."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


_EXACT = frozenset({NoneType, bool, int, str, bytes, EllipsisType, NotImplementedType, _Missing})
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


def _module_of(kind: type[Any]) -> str:
    name: object = kind.__module__  # whatever a class has put there
    return name if type(name) is str else ""


def _type(value: Any) -> type[Any]:
    """The real type, whatever `__class__` says."""
    return cast("type[Any]", type(value))


def _constant(value: Any) -> State | None:
    """Type and value of what cannot change and is nothing but its value; None for all else."""
    kind = _type(value)
    if kind in _EXACT:
        return kind, value
    if kind is re.Pattern:
        return kind, value.pattern, value.flags
    if kind in _BY_REPR or (_module_of(kind), kind.__qualname__) in _BY_REPR_NAMES:
        return kind, repr(value)
    return None


_PAYLOADS: dict[type, Callable[[Any], object]] = {
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


def _mapping_state(mapping: Mapping[str, Any]) -> State:
    return (*mapping, *mapping.values())


_DICT = _both(dict[Any, Any].keys, dict[Any, Any].values)

_CONTAINERS: dict[type[Any], Callable[[Any], State]] = {
    list: _all(list[Any].__iter__),
    tuple: _all(tuple[Any, ...].__iter__),
    OrderedDict: _both(OrderedDict[Any, Any].keys, OrderedDict[Any, Any].values),
    defaultdict: lambda value: (value.default_factory, *_DICT(value)),
    dict: _DICT,
    set: _all(set[Any].__iter__),
    frozenset: _all(frozenset[Any].__iter__),
    deque: _all(deque[Any].__iter__),
    MappingProxyType: _mapping_state,
}
"""The items of a container, by the first of these that it is one of; a subclass's own methods are not asked."""

_VIEWED: dict[Any, Any] = {}

_LINKS: dict[type, tuple[str, ...]] = {
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

_LEADS = frozenset({"func", "bind_arguments", "__wrapped__", "args", "keywords", "dispatcher"})
"""Attributes by which objects of libraries lead to the user's code: programs, cached functions, cached properties ..."""

_NAMESPACES = frozenset({SimpleNamespace, UserDict, UserList, UserString})
_NAMESPACE_NAMES = frozenset({("argparse", "Namespace"), ("string", "Template"), ("collections", "ChainMap")})
"""Library classes whose instances are nothing but their attributes."""

_PLAIN_BASES = frozenset(
    {
        *(("builtins", "object"), ("abc", "ABC"), ("typing", "Generic"), ("typing", "Protocol")),
        *(("enum", name) for name in ("Enum", "Flag", "IntEnum", "StrEnum", "IntFlag")),
    }
)
"""Library classes that add nothing of their own to an instance."""

_DERIVED = frozenset(
    {
        *("__dict__", "__weakref__", "__abstractmethods__", "_abc_impl", "__protocol_attrs__", "__annotations_cache__"),
        *("__slotnames__", "__static_attributes__", "__dataclass_params__", "_value2member_map_"),
    }
)
"""Class attributes that Python derives from the others, some only when it needs them."""

_IMMUTABLE = 1 << 8  # of a class: none of its attributes can be set
_HOST = "sglc_host"  # marks the wrapper of a host function


def _own_dict(value: Any) -> dict[str, Any]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}  # pyright: ignore[reportUnknownVariableType]


def _container_of(kind: type) -> type | None:
    return next((base for base in _CONTAINERS if issubclass(kind, base)), None)


def _is_namespace(kind: type) -> bool:
    return kind in _NAMESPACES or (_module_of(kind), kind.__qualname__) in _NAMESPACE_NAMES


def _adds_nothing(base: type) -> bool:
    return _is_namespace(base) or (_module_of(base), base.__qualname__) in _PLAIN_BASES


def _leads_on(value: Any) -> bool:
    """Whether the user's code may be behind it."""
    return callable(value) or type(value) is MappingProxyType


def _is_derived(key: str, value: Any) -> bool:
    if key == "__annotations__":
        return not value  # made when somebody asks for it
    return key in _DERIVED or (key.startswith("__pydantic_") and key != "__pydantic_fields__")


_LAZY_ANNOTATIONS = sys.version_info >= (3, 14)  # there they are a function, which nobody should call too early


def _annotations(function: FunctionType) -> dict[str, Any]:
    return {} if _LAZY_ANNOTATIONS else function.__annotations__


def _slots(kind: type) -> tuple[MemberDescriptorType, ...]:
    """Members of classes in Python: those of classes in C may be made anew each time they are read."""
    classes = (cls for cls in kind.__mro__ if not cls.__flags__ & _IMMUTABLE)
    return tuple(slot for cls in classes for slot in vars(cls).values() if type(slot) is MemberDescriptorType)


def _cached_properties(kind: type) -> set[str]:
    return {k for cls in kind.__mro__ for k, v in vars(cls).items() if type(v) is functools.cached_property}


def _defaults(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Parameters that have defaults, and those."""
    code, defaults = function.__code__, function.__defaults__ or ()
    parameters = code.co_varnames[: code.co_argcount]
    yield from zip(parameters[max(0, len(parameters) - len(defaults)) :], defaults, strict=False)
    yield from (function.__kwdefaults__ or {}).items()


# Places: what a check reads -----------------------------------------------------------------------------------------


def _entries(place: tuple[tuple[Callable[..., Any], ...], tuple[str, ...]]) -> State:
    """What `get` methods of mappings give for names, one each."""
    gets, names = place
    return tuple(map(_CALL, gets, names, repeat(MISSING)))


def _appeared(place: tuple[Any, frozenset[str]]) -> State:
    """Empty while none of the names is a key."""
    keys, names = place
    return () if keys.isdisjoint(names) else (True,)


def _cell(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return MISSING


def _cells(cells: tuple[CellType, ...]) -> State:
    return tuple(map(_cell, cells))


_FUNCTION = attrgetter(
    *("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__name__", "__dict__"),
    "__annotate__" if _LAZY_ANNOTATIONS else "__annotations__",
)


def _functions(functions: tuple[FunctionType, ...]) -> State:
    return tuple(chain.from_iterable(map(_FUNCTION, functions)))


def _keys(mappings: tuple[dict[str, Any], ...]) -> State:
    return tuple(chain.from_iterable(mappings))


def _class_state(cls: type) -> State:
    attributes = vars(cls)
    return (type(cls), cls.__bases__, *attributes, *attributes.values())


def _instance_state(place: tuple[Any, tuple[MemberDescriptorType, ...]]) -> State:
    instance, slots = place
    attributes = _own_dict(instance)
    return (_type(instance), *attributes, *attributes.values(), *(_slot(instance, slot) for slot in slots))


def _slot(instance: Any, slot: MemberDescriptorType) -> Any:
    try:
        return slot.__get__(instance)
    except AttributeError:  # not set
        return MISSING


def _length_changed(place: tuple[type[Any], Any, int]) -> State:
    base, value, length = place
    return () if base.__len__(value) == length else (True,)


def _buffer(value: Any) -> State | None:
    """Format, shape and bytes of an array; None for what is none, or has too many bytes to compare."""
    try:
        with memoryview(value) as view:
            return (view.format, view.shape, view.tobytes()) if view.nbytes <= 16 * MAX_ITEMS else None
    except (TypeError, ValueError, BufferError):  # ValueError: an array that has no such view, as numpy's of dates
        return None


def _buffer_changed(place: tuple[Any, State]) -> State:
    value, before = place
    return () if _buffer(value) == before else (True,)


def _context(variable: ContextVar[Any]) -> State:
    try:
        return (variable.get(),)
    except LookupError:
        return (MISSING,)


def _environment() -> dict[Any, Any]:
    """The live variables, as `os.environ` keeps them: bytes by bytes. None where somebody has put another in its place."""
    found = _own_dict(os.environ).get("_data")
    return found if type(found) is dict else {}  # pyright: ignore[reportUnknownVariableType]


def _environment_changed(before: dict[Any, Any]) -> State:
    return () if _environment() == before else (True,)


# Code ---------------------------------------------------------------------------------------------------------------

_GLOBAL_READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_BY_STRING = frozenset({"getattr", "hasattr", "attrgetter", "methodcaller", "vars", "globals", "__dict__"})
_IMPORTERS = frozenset({"import_module", "__import__"})
_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "expandvars", "expanduser"})
_ENVIRONMENT_READERS: tuple[object, ...] = (os.getenv, os.getenvb, os.path.expandvars, os.path.expanduser)
_WHOLE_GLOBALS = frozenset({"globals", "eval", "exec"})
_WHOLE_MODULES = frozenset({"vars", "dir"})


@dataclass(frozen=True, slots=True)
class _Reads:
    """What code reads by name. globals: outside of functions. names: those and attributes. imports: module, level."""

    globals: tuple[str, ...]
    names: frozenset[str]
    imports: tuple[tuple[str, int], ...]


@functools.lru_cache(1024)
def _reads(code: CodeType) -> _Reads:
    """Of the code and all functions, comprehensions and classes inside."""
    found: dict[str, None] = {}
    names: set[str] = set()
    imports: dict[tuple[str, int], None] = {}
    for each in _nested(code):
        own = set(each.co_names)
        texts = [constant for constant in each.co_consts if isinstance(constant, str)]
        if own & _BY_STRING:
            own.update(texts)
        if own & _IMPORTERS:
            imports.update(((text, 0), None) for text in texts)
        names |= own
        before: list[Any] = [None, None]  # the arguments of the last two instructions: level and names of an import
        for instruction in dis.get_instructions(each):
            if instruction.opname in _GLOBAL_READS:
                found[instruction.argval] = None
            elif instruction.opname == "IMPORT_NAME":
                imports[instruction.argval, before[-2] if isinstance(before[-2], int) else 0] = None
            if instruction.opname != "EXTENDED_ARG":
                before = [before[-1], instruction.argval]
    return _Reads(tuple(found), frozenset(names), tuple(imports))


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _module_names(name: str, level: int, namespace: Mapping[str, Any]) -> list[str]:
    """A module that is imported and those around it, by full name."""
    if level:
        package = namespace.get("__package__") or ""
        try:
            name = importlib.util.resolve_name("." * level + name, package)
        except ImportError:  # the import itself will say so
            return []
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


# Whose code it is ---------------------------------------------------------------------------------------------------

_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_SGLC = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARIES = frozenset({*sys.stdlib_module_names, "sglc"})


_INSTALLED = re.compile(r".*?/(?:site|dist)-packages/[^/]+")


def _home_of(function: Any) -> str | None:
    """The installed package that a function is from: who runs its programs means it as their own."""
    code = getattr(function, "__code__", None)
    found = _INSTALLED.match(code.co_filename) if isinstance(code, CodeType) else None
    return found[0] if found else None


def _is_users_file(file: str, home: str | None) -> bool:
    if (found := _INSTALLED.match(file)) is not None:
        return found[0] == home
    return not file.startswith((_LIBRARY, _SGLC, "<frozen "))


def _is_users_module(name: str, home: str | None) -> bool:
    module = sys.modules.get(name)
    file = vars(module).get("__file__") if _is_module(module) else None
    if isinstance(file, str):
        return _is_users_file(file, home) and not file.endswith(".so")
    return name.partition(".")[0] not in _LIBRARIES


def _is_module(value: Any) -> TypeGuard[ModuleType]:
    return issubclass(_type(value), ModuleType)


def _name_of(module: ModuleType) -> str:
    return str(vars(module).get("__name__"))


def _base_of(kind: type, home: str | None) -> type:
    """The class that an instance's memory begins with: the nearest base that is not the user's. The class itself where
    nobody knows its module, so that it may be written in C."""
    while _is_users_module(_module_of(kind), home) and _module_of(kind) in sys.modules and kind.__base__ is not None:
        kind = kind.__base__
    return kind


def _innermost(function: Any) -> Any:
    """The function inside of partials, methods and programs."""
    for _ in range(100):
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif type(function) is not FunctionType and "func" in (own := _own_dict(function)):
            function = own["func"]
        else:
            break
    return function


# The walk -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Namespace:
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


class _Walk:
    """One walk over all that a function reads.

    absent: what was not there and may come without meaning a change, by id of its owner and name: modules that are not
    imported yet, attributes that libraries add late, values of cached properties. ignored: that of an earlier walk;
    passed_over: whether some of it is there now.
    """

    def __init__(self, function: Callable[..., Any], ignored: Set[tuple[int, str]] = frozenset()) -> None:
        self.facts: list[Fact] = []
        self.checks: list[Check] = []
        self.absent: set[tuple[int, str]] = set()
        self.passed_over = False
        self._ignored = ignored
        self._root = _innermost(function)
        self._home = _home_of(self._root)
        self._room = MAX_ITEMS
        self._queue: deque[tuple[str, Any]] = deque()
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # an id means its object only while that lives
        self._names = {"__getattr__"}
        self._namespaces: dict[tuple[int, bool], _Namespace] = {}
        self._functions: list[FunctionType] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._whole_modules = False
        self._reads_environment = False
        self._run(function)

    def _run(self, function: Callable[..., Any]) -> None:
        self._see(f"code of {getattr(self._root, '__name__', 'the function')}", function)
        while self._queue or self._see_named():
            while self._queue:
                self._visit(*self._queue.popleft())
        for namespace in self._namespaces.values():
            self._finish(namespace)
        self._add_checks_of_many()
        if self._reads_environment:
            before = dict(_environment())
            self.checks.append((_environment_changed, before, ()))
            self.facts += ((f"environment variable {os.fsdecode(key)}", before[key]) for key in sorted(before))

    def _add_checks_of_many(self) -> None:
        """One check for all places of a kind: of functions, cells and names there are many."""
        found = [
            (space.entries.get, name, value)
            for space in self._namespaces.values()
            for name, value in space.found.items()
        ]
        gets, names, values = zip(*found, strict=True) if found else ((), (), ())
        cells, contents = zip(*self._cells, strict=True) if self._cells else ((), ())
        functions = tuple(self._functions)
        attributes = (mapping for function in functions for mapping in (function.__dict__, _annotations(function)))
        without = tuple(mapping for mapping in attributes if not mapping)
        self.checks += [
            (_entries, (gets, names), values),
            (_cells, cells, contents),
            (_functions, functions, _functions(functions)),
            (_keys, without, ()),
        ]

    def _see(self, name: str, value: Any) -> None:
        """A value that the code reads: its facts, now or later."""
        constant = _constant(value)
        if constant is None:
            self._queue.append((name, value))
        else:
            self.facts.append((name, constant))

    def _afford(self, items: int) -> bool:
        if items > self._room // 2:
            return False
        self._room -= items
        return True

    # Namespaces

    def _namespace(self, prefix: str, suffix: str, owner: Any, entries: Any, is_open: bool = True) -> _Namespace:
        new = _Namespace(prefix, suffix, owner, entries, is_open)
        return self._namespaces.setdefault((id(owner), is_open), new)

    def _look_up(self, namespace: _Namespace, name: str) -> Any:
        if name not in namespace.found:
            value = namespace.entries.get(name, MISSING)
            value = MISSING if self._passes_over(namespace.owner, name, value) else value
            namespace.found[name] = value
            self._see(f"{namespace.prefix}{name}{namespace.suffix}", value)
        return namespace.found[name]

    def _passes_over(self, owner: Any, name: str, value: Any) -> bool:
        hit = (id(owner), name) in self._ignored
        if _is_module(value):
            hit |= (id(sys.modules), _name_of(value)) in self._ignored
        self.passed_over |= hit
        return hit

    def _see_named(self) -> bool:
        """The attributes that the code names, of all that is there; whether there were new ones."""
        for namespace in self._namespaces.values():
            if namespace.is_open:
                names: Iterable[str] = self._names
                if self._is_whole(namespace):
                    names = [key for key in list(namespace.entries) if type(key) is str and not key.startswith("__")]
                for name in sorted(name for name in names if name in namespace.entries):
                    if not self._passes_over(namespace.owner, name, namespace.entries[name]):
                        self._look_up(namespace, name)
        return bool(self._queue)

    def _is_whole(self, namespace: _Namespace) -> bool:
        return namespace.whole or (self._whole_modules and namespace.own)

    def _finish(self, namespace: _Namespace) -> None:
        if not namespace.is_open:
            return
        entries = namespace.entries
        missing = frozenset(name for name in self._names if name not in entries)
        if self._is_whole(namespace):
            self.checks.append((_mapping_state, entries, _mapping_state(entries)))
        elif namespace.own:
            self.checks.append((_appeared, (entries.keys(), missing), ()))
        else:
            self.absent.update((id(namespace.owner), name) for name in missing)
        if _is_module(namespace.owner):  # a module inside a package may be imported later
            package = _name_of(namespace.owner)
            self.absent.update((id(sys.modules), f"{package}.{name}") for name in missing)

    # One value

    def _visit(self, name: str, value: Any) -> None:
        if (index := self._seen.setdefault(id(value), len(self.facts))) != len(self.facts):
            self.facts.append((name, ("again", index)))
            return
        self._kept.append(value)
        kind = _type(value)
        if kind is FunctionType:
            self._visit_function(name, value)
        elif issubclass(kind, type):
            self._visit_class(name, value)
        elif _is_module(value):
            self._visit_module(name, value)
        elif kind in _LINKS:
            self.facts.append((name, kind))
        elif kind in (BuiltinFunctionType, MethodWrapperType):
            self._visit_builtin(name, value)
        elif value is os.environ or value is os.environb:
            self.facts.append((name, _Same(value)))
            self._reads_environment = True
        elif _is_namespace(kind) or _is_users_module(_module_of(kind), self._home):
            self._visit_instance(name, value, kind)
        else:
            self._visit_other(name, value, kind)
        for base, links in _LINKS.items():
            if issubclass(kind, base):
                for link in links:
                    self._see(name, base.__dict__[link].__get__(value))

    def _visit_builtin(self, name: str, value: Any) -> None:
        owner = value.__self__
        if owner is None or _is_module(owner):
            self.facts.append((name, _Same(value)))
        else:  # a method of an object: `TABLE.get`
            self.facts.append((name, (_type(value), value.__name__)))
            self._see(name, owner)

    def _visit_other(self, name: str, value: Any, kind: type[Any]) -> None:
        """An object of a library."""
        base = _container_of(kind)
        if value is sys.modules:
            self.facts.append((name, _Same(value)))
        elif base is not None:
            known = kind if _module_of(kind) in ("builtins", "collections") else _Same(value)
            self._visit_items(name, value, base, known)
        elif kind is ContextVar:
            self.facts.append((name, _Same(value)))
            self.checks.append((_context, value, _context(value)))
            self._see(f"value of {name}", _context(value)[0])
        elif (buffer := _buffer(value)) is not None and self._afford(len(buffer[2]) // 16):
            self.facts.append((name, (kind, buffer)))
            self.checks.append((_buffer_changed, (value, buffer), ()))
        else:
            self.facts.append((name, _Same(value)))
        if own := _own_dict(value):
            namespace = self._namespace("attribute ", f" of {name}", value, own)
            for lead in sorted(_LEADS & own.keys()):
                namespace.found[lead] = own[lead]
                self._see(name, own[lead])

    def _visit_items(self, name: str, value: Any, base: type[Any], known: object) -> None:
        """The items of a container; known: what else tells it from others."""
        state = _CONTAINERS[base](value)
        if not self._afford(len(state)):
            length: int = base.__len__(value)
            self.facts.append((name, (_Same(value), length)))
            self.checks.append((_length_changed, (base, value, length), ()))
            return
        tokens: list[State] = []
        for item in state:
            constant = _constant(item)
            tokens.append(_LINK if constant is None else constant)
            if constant is None:
                self._queue.append((name, item))
        if base is deque:
            tokens.append(("maxlen", value.maxlen))
        content = (len(tokens), frozenset(tokens)) if base in (set, frozenset) else tuple(tokens)
        self.facts.append((name, (known, content)))
        if base not in (tuple, frozenset):
            self.checks.append((_CONTAINERS[base], value, state))

    def _visit_module(self, name: str, module: ModuleType) -> None:
        title = _name_of(module)
        self.facts.append((name, (ModuleType, title)))
        namespace = self._namespace("attribute ", f" of module {title}", module, vars(module))
        namespace.own = _is_users_module(title, self._home)

    def _visit_class(self, name: str, cls: type[Any]) -> None:
        title = cls.__qualname__
        if not _is_users_module(_module_of(cls), self._home):
            self.facts.append((name, _Same(cls)))
            if not cls.__flags__ & _IMMUTABLE:
                self._namespace("class attribute ", f" of {title}", cls, vars(cls))
            return
        attributes = dict(vars(cls))
        self.facts.append((name, ("class", _module_of(cls), title)))
        self.checks.append((_class_state, cls, _class_state(cls)))
        self._see(f"metaclass of {title}", type(cls))
        for base in cls.__bases__:
            self._see(f"base of {title}", base)
        for key, value in attributes.items():
            if not _is_derived(key, value):
                self._see(f"class attribute {title}.{key}", value)

    def _visit_instance(self, name: str, value: Any, kind: type[Any]) -> None:
        base = _base_of(kind, self._home)
        container = _container_of(kind)
        same = None if base in _PAYLOADS or base in _CONTAINERS or _adds_nothing(base) else _Same(value)
        payload = _PAYLOADS[base](value) if base in _PAYLOADS else None
        self.facts.append((name, ("instance", same, payload)))
        self._see(f"class {kind.__qualname__}", kind)
        slots = _slots(kind)
        state = _instance_state((value, slots))
        if not self._afford(len(state)):
            self.facts.append((name, (_Same(value), len(state))))
            return
        self.checks.append((_instance_state, (value, slots), state))
        for key, attribute in list(_own_dict(value).items()):
            if not self._passes_over(value, key, attribute):
                self._see(f"attribute {key} of {name}", attribute)
        for slot in slots:
            self._see(f"attribute {slot.__name__} of {name}", _slot(value, slot))
        self.absent.update((id(value), key) for key in _cached_properties(kind) - _own_dict(value).keys())
        if container is not None:
            self._visit_items(name, value, container, container)

    # Functions

    def _visit_function(self, name: str, function: FunctionType) -> None:
        code, title = function.__code__, function.__name__
        if function is not self._root and not _is_users_file(code.co_filename, self._home):
            self._visit_library_function(name, function)
            return
        self.facts.append((name, code))
        self._functions.append(function)
        if attributes := function.__dict__:
            self.checks.append((_mapping_state, attributes, _mapping_state(attributes)))
        self._see(f"name of {title}", title)
        self._see(f"docstring of {title}", function.__doc__)
        for parameter, default in _defaults(function):
            self._see(f"default of {title}'s parameter {parameter}", default)
        if (by_keyword := function.__kwdefaults__) is not None:
            self.checks.append((_mapping_state, by_keyword, _mapping_state(by_keyword)))
        for cell_name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self._see_cell(f"closure cell {cell_name!r} of {title}", cell)
        for key, value in attributes.items():
            self._see(f"attribute {key} of {title}", value)
        if annotations := _annotations(function):
            self.checks.append((_mapping_state, annotations, _mapping_state(annotations)))
            for parameter, annotation in annotations.items():
                self.facts.append((f"annotation of {title}'s {parameter}", repr(annotation)))
        if _LAZY_ANNOTATIONS:
            self._see(f"annotations of {title}", getattr(function, "__annotate__", None))
        self._see_reads(function, _reads(code))

    def _visit_library_function(self, name: str, function: FunctionType) -> None:
        """A library's function, perhaps one that a library's decorator has put around the user's."""
        self.facts.append((name, _Same(function)))
        self._reads_environment |= function in _ENVIRONMENT_READERS
        attributes = function.__dict__
        if _HOST in attributes:
            return
        for cell in function.__closure__ or ():
            if _leads_on(_cell(cell)):
                self._see_cell(f"function inside of {name}", cell)
        namespace = self._namespace("attribute ", f" of {name}", function, attributes, is_open=False)
        for key in [key for key, value in attributes.items() if _leads_on(value)]:
            self._look_up(namespace, key)

    def _see_cell(self, name: str, cell: CellType) -> None:
        self._cells.append((cell, _cell(cell)))
        self._see(name, _cell(cell))

    def _see_reads(self, function: FunctionType, reads: _Reads) -> None:
        file = os.path.basename(function.__code__.co_filename)
        space: dict[str, Any] = function.__globals__
        self._names |= reads.names
        self._reads_environment |= not _ENVIRONMENT.isdisjoint(reads.names)
        chosen = self._namespace("global ", f" of {file}", space, space, is_open=False)
        builtins = self._namespace("builtin ", "", function.__builtins__, function.__builtins__, is_open=False)
        for name in reads.globals:
            if self._look_up(chosen, name) is MISSING:
                self._look_up(builtins, name)
                if name in _WHOLE_GLOBALS:
                    self._namespace("global ", f" of {file}", space, space).whole = True
                self._whole_modules |= name in _WHOLE_MODULES
        modules = self._namespace("module ", "", sys.modules, sys.modules, is_open=False)
        for name, level in reads.imports:
            for full in _module_names(name, level, space):
                if self._look_up(modules, full) is MISSING:
                    self.absent.add((id(sys.modules), full))
