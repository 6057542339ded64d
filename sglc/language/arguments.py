"""The arguments of a call: bound to the signature, and taken apart into texts, which stay symbolic, and the rest,
which is fixed when a program is traced.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import dataclasses
import enum
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard, cast
from weakref import WeakKeyDictionary

from sglc.ir.errors import ArgumentsError
from sglc.ir.graph import Graph

Static: TypeAlias = "bool | int | float | str | None"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """An argument that is fixed when the program is traced."""

    value: Any


def static(value: Any) -> Any:
    """Fixes a text among the arguments when the program is traced: `f.run(style=sglc.static("formal"))`. It is part of
    the constant prompts then, and each text of it is a program of its own."""
    return Fixed(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Arguments:
    """values: by name, in the order of the signature, each keyword of `**rest` by its own. texts: path -> text. statics:
    path -> what a trace fixes."""

    values: dict[str, Any]
    texts: dict[str, str]
    statics: dict[str, Static]

    @property
    def shape(self) -> tuple[Any, ...]:
        """Equal for calls that one trace serves."""
        if not self.statics:
            return tuple(self.texts)
        return (*self.texts, *((path, type(value), repr(value)) for path, value in self.statics.items()))


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """The parameters of a program after `s`."""
    defaults = (getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None))
    known = _signatures.get(function)
    if known is None or known[0] != defaults:
        full = inspect.signature(function)
        known = defaults, full.replace(parameters=list(full.parameters.values())[1:])
        _signatures[function] = known
    return known[1]


_signatures: WeakKeyDictionary[Callable[..., Any], tuple[Any, inspect.Signature]] = WeakKeyDictionary()


def bind(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], where: str | None = None
) -> Arguments:
    """The arguments of one call, defaults filled in. Raises `ArgumentsError`."""
    parameters = signature(function)
    if not args and kwargs.keys() == parameters.parameters.keys() and not _has_rest(parameters):
        return take_apart({name: kwargs[name] for name in parameters.parameters}, where)
    try:
        bound = parameters.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentsError(
            str(error),
            where=where or function.__name__,
            hint=f"it takes ({', '.join(parameters.parameters) or 'nothing'})",
        ) from None
    bound.apply_defaults()
    return take_apart(_by_name(bound, where), where)


def _has_rest(parameters: inspect.Signature) -> bool:
    return any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY) for p in parameters.parameters.values())


def _by_name(bound: inspect.BoundArguments, where: str | None) -> dict[str, Any]:
    """Bound arguments, and those of `**rest` beside them. Raises `ArgumentsError` for one that has no name of its own."""
    values = dict(bound.arguments)
    rest = next((p.name for p in bound.signature.parameters.values() if p.kind is p.VAR_KEYWORD), None)
    given: dict[str, Any] = {} if rest is None else values.pop(rest, {})
    for name, value in given.items():
        if name in values or not name.isidentifier():
            what = "is the name of another one" if name in values else "is no name"
            raise ArgumentsError(f"the argument {name!r} {what}", where=where, hint="call it otherwise, or give a dict")
        values[name] = value
    return values


def called(function: Callable[..., Any], state: Any, values: Mapping[str, Any]) -> Any:
    """What the body of a program gives for arguments by name, as `Arguments.values` has them."""
    parameters = signature(function)
    if not _has_rest(parameters):
        return function(state, **values)
    by_name, by_place = dict(values), list[Any]()
    for parameter in parameters.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            by_place.extend(by_name.pop(parameter.name))
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            by_place.append(by_name.pop(parameter.name))
    return function(state, *by_place, **by_name)


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a program has an argument of this name, or takes any."""
    parameters = signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def take_apart(values: dict[str, Any], where: str | None = None) -> Arguments:
    """Texts and statics of named values. Raises `ArgumentsError` for a value that is no plain data."""
    if all(type(value) is str for value in values.values()):
        return Arguments(values, values, {})
    texts: dict[str, str] = {}
    statics: dict[str, Static] = {}

    def visit(path: str, value: Any, fixed: bool) -> Any:
        """Notes what is in the value, and gives it without `Fixed`."""
        if isinstance(value, Fixed):
            return visit(path, value.value, True)
        if isinstance(value, enum.Enum):  # also one whose members are texts or numbers
            statics[f"{path}."] = f"{type(value).__qualname__}.{value.name}"
            return value
        if isinstance(value, str):
            text = str.__str__(value)  # of a subclass the text alone, in both modes
            if fixed:
                statics[path] = text
            else:
                texts[path] = text
            return text
        if value is None or isinstance(value, bool):
            statics[path] = value
            return value
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            statics[path] = number = int(value) if isinstance(value, int) else float(value)
            return number
        if isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)
            statics[f"{path}[]" if isinstance(value, list) else f"{path}()"] = len(items)
            if _maker_of(items) is not None:
                statics[f"{path}."] = type(items).__qualname__
            return _sequence(value, [visit(f"{path}[{index}]", item, fixed) for index, item in enumerate(items)])
        if is_record(value):
            statics[f"{path}{{}}"] = len(value)
            return {key: visit(f"{path}[{key!r}]", item, fixed) for key, item in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            statics[f"{path}."] = type(value).__qualname__
            for name, item in _attributes(value).items():
                visit(f"{path}.{name}", item, fixed)
            return value
        raise ArgumentsError(
            f"argument {path} is {_kind(value)}",
            where=where,
            hint="give text, numbers, true/false, None, members of an Enum, or lists, dicts and dataclasses of them",
        )

    visited = {name: visit(name, value, False) for name, value in values.items()}
    return Arguments(visited, texts, statics)


def _maker_of(value: object) -> Callable[[list[Any]], Any] | None:
    """What makes a named tuple like this one; None for what is none."""
    is_tuple = issubclass(type(value), tuple)
    return getattr(type(value), "_make", None) if is_tuple else None


def _sequence(like: Any, items: list[Any]) -> Any:
    """A list, tuple or named tuple of other items."""
    if (make := _maker_of(like)) is not None:
        return make(items)
    return items if isinstance(like, list) else tuple(items)


def _attributes(value: Any) -> dict[str, Any]:
    """Of an instance of a dataclass: its fields, and what it has besides."""
    fields = {
        field.name: getattr(value, field.name) for field in dataclasses.fields(value) if hasattr(value, field.name)
    }
    return fields | getattr(value, "__dict__", {})


def is_record(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a dict whose keys are texts."""
    return isinstance(value, dict) and all(isinstance(key, str) for key in cast("dict[Any, Any]", value))


def _kind(value: Any) -> str:
    if isinstance(value, float):
        return f"the number {value}, which JSON does not have"
    if isinstance(value, dict):
        return "a dict with a key that is no text"
    return f"of type {type(value).__name__}"


def replace_texts(arguments: Arguments, text: Callable[[str], Any]) -> dict[str, Any]:
    """The same values with `text(path)` in the place of each text that is not fixed."""
    texts = arguments.texts

    def visit(path: str, value: Any) -> Any:
        if isinstance(value, str):
            return text(path) if path in texts else value
        if isinstance(value, list | tuple):
            items = [visit(f"{path}[{index}]", item) for index, item in enumerate(cast("Sequence[Any]", value))]
            return _sequence(value, items)
        if is_record(value):
            return {key: visit(f"{path}[{key!r}]", item) for key, item in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return _with_attributes(
                value, {name: visit(f"{path}.{name}", item) for name, item in _attributes(value).items()}
            )
        return value

    return {name: visit(name, value) for name, value in arguments.values.items()}


def _with_attributes(value: Any, attributes: Mapping[str, Any]) -> Any:
    """A copy of an instance, also of a frozen one, without a call of its `__init__`: what that computed of the texts is
    among the attributes."""
    made = copy.copy(value)
    for name, item in attributes.items():
        object.__setattr__(made, name, item)
    return made


def unknown_arguments(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arguments:
    """The arguments of a program that is compiled before its texts are known: what is not given is a text.

    Raises `ArgumentsError` for a parameter that is annotated as something else and has no default.
    """
    parameters = signature(function)
    try:
        bound = parameters.bind_partial(*args, **kwargs)
    except TypeError as error:
        raise ArgumentsError(f"{function.__name__}: {error}") from None
    bound.apply_defaults()
    hints = inspect.get_annotations(function)
    given, values = _by_name(bound, function.__name__), dict[str, Any]()
    for name, parameter in parameters.parameters.items():
        if name in given:
            values[name] = given.pop(name)
        elif parameter.kind is parameter.VAR_KEYWORD:
            continue
        elif hints.get(name, str) in (str, "str"):
            values[name] = ""
        else:
            raise ArgumentsError(
                f"{function.__name__} needs the value of {name} when it is compiled",
                hint=f"only texts may stay open: compile({name}=...), or give the parameter a default",
            )
    return take_apart({**values, **given})


def argument_names(graph: Graph) -> list[str]:
    """The arguments of a compiled graph."""
    return list(dict.fromkeys(_name_of(path) for path in (*(param.name for param in graph.params), *graph.statics)))


def bind_compiled(graph: Graph, values: Mapping[str, Any], where: str | None = None) -> Arguments:
    """The arguments of one call of a compiled graph, from named values. Raises `ArgumentsError`."""
    defaults = {param.name: param.default for param in graph.params}
    names = argument_names(graph)
    if unknown := [name for name in values if name not in names]:
        raise ArgumentsError(
            f"{graph.name} has no argument {unknown[0]!r}",
            where=where,
            hint=f"it takes: {', '.join(names) or 'nothing'}",
        )
    given = dict(values)
    for name in names:
        if name in given or not any(_name_of(path) == name for path in defaults):
            continue
        given[name] = _default(name, graph.statics, defaults)
        if given[name] is _ABSENT:
            raise ArgumentsError(f"argument {name!r} is missing", where=where, hint=f'add "{name}" to the row')
    for name, value in given.items():
        if isinstance(graph.statics.get(name), str):  # a text that was fixed when the program was compiled
            given[name] = Fixed(value)
    arguments = take_apart(given, where)
    fixed = {path: value for path, value in graph.statics.items() if _name_of(path) in given}
    for path in dict.fromkeys((*arguments.statics, *fixed)):
        ours, theirs = fixed.get(path, _ABSENT), arguments.statics.get(path, _ABSENT)
        if ours is not theirs and (ours != theirs or type(ours) is not type(theirs)):
            raise ArgumentsError(
                f"the program was compiled with {path} = {ours!r}, and the row has {theirs!r}",
                where=where,
                hint="run the program's source, or compile it again with this value",
            )
    if set(arguments.texts) != set(defaults):
        odd = sorted(set(arguments.texts) ^ set(defaults))[0]
        raise ArgumentsError(f"argument {odd} does not have the type it was compiled with", where=where)
    return Arguments(arguments.values, arguments.texts, dict(graph.statics))


def default_texts(function: Callable[..., Any]) -> dict[str, str]:
    """The texts in the defaults of a program's parameters, by path."""
    texts: dict[str, str] = {}
    for name, parameter in signature(function).parameters.items():
        if parameter.default is not parameter.empty:
            with contextlib.suppress(ArgumentsError):  # said where the default is used
                texts.update(take_apart({name: parameter.default}).texts)
    return texts


def _default(path: str, statics: Mapping[str, Static], texts: Mapping[str, str | None]) -> Any:
    """An argument put together again from its fixed parts and the defaults of its texts; absent where one has none."""
    if path in texts:
        text = texts[path]
        return _ABSENT if text is None else text
    if path in statics:
        return statics[path]
    size = statics.get(f"{path}[]", statics.get(f"{path}()"))
    if isinstance(size, int):
        items = [_default(f"{path}[{index}]", statics, texts) for index in range(size)]
        if any(item is _ABSENT for item in items):
            return _ABSENT
        return items if f"{path}[]" in statics else tuple(items)
    if f"{path}{{}}" in statics:
        keys = dict.fromkeys(
            found[1]
            for other in (*statics, *texts)
            if other.startswith(path) and (found := _KEY.match(other, len(path)))
        )
        record = {ast.literal_eval(key): _default(f"{path}[{key}]", statics, texts) for key in keys}
        return _ABSENT if any(value is _ABSENT for value in record.values()) else record
    return _ABSENT  # an object: its class is not known here


_KEY = re.compile(r"""\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")


def _name_of(path: str) -> str:
    """The argument that a path is in: `docs` of `docs[0]`."""
    return re.split(r"\W", path, maxsplit=1)[0]


_ABSENT: Any = "absent"
