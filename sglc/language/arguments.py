"""The arguments of a call: bound to the signature, and taken apart into texts, which stay symbolic, and the rest,
which is fixed when a program is traced.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import enum
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeGuard, cast
from weakref import WeakKeyDictionary

from sglc.ir.errors import ArgumentsError
from sglc.ir.graph import Graph
from sglc.ir.values import what_is_wrong
from sglc.language.expressions import Expression

Static: TypeAlias = "bool | int | float | str | None"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """An argument that is fixed when the program is traced."""

    value: Any


def static(value: Any) -> Any:
    """Fixes a text among the arguments when the program is traced: `f.run(style=sglc.static("formal"))`. It is part of
    the constant prompts then, and each text of it is a program of its own."""
    return Fixed(value)


@dataclasses.dataclass(slots=True)  # not frozen: making one for each row would take three times as long
class Call:
    """The arguments of one call as they were given: those by place and those by name."""

    by_place: tuple[Any, ...] = ()
    by_name: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])

    def of(self, function: Callable[..., Any], state: Any) -> Any:
        """What the body gives for them: it may keep and change what its caller gave it."""
        return function(state, *self.by_place, **self.by_name)


@dataclasses.dataclass(slots=True)  # not frozen, as `Call`
class Arguments:
    """values: by name, in the order of the signature, each keyword of `**rest` by its own. texts: path -> text. statics:
    path -> what a trace fixes. call: as it was given, for plain Python. by_place: so many of the values were given by their
    place; of a function that wraps another only, which may look. opaque: what among the values a trace cannot hold, in words.
    classes: of the objects among the values, in the order of these. order: the paths of texts and of statics in the order of the values, where there are both.
    (call None: nobody has given them, the program is compiled ahead of time.)
    """

    values: dict[str, Any]
    texts: dict[str, str]
    statics: dict[str, Static]
    call: Call | None = None
    by_place: int = 0
    opaque: str = ""
    order: tuple[str, ...] = ()
    classes: tuple[type[Any], ...] = ()

    @property
    def shape(self) -> tuple[Any, ...]:
        """Equal for calls that one trace serves."""
        if not self.statics and not self.by_place and not self.opaque:
            return tuple(self.texts)
        statics = ((path, type(value), repr(value)) for path, value in self.statics.items())
        return (*self.texts, *statics, self.by_place, self.opaque, self.order, self.classes)


def containers(function: Callable[..., Any], arguments: Arguments) -> Iterator[tuple[str, Any, bool]]:
    """The lists, dicts and objects among the arguments, with the names of these, and whether the caller has given them or the
    function itself has, by default."""
    parameters, call = signature(function).parameters, arguments.call or Call()
    given = dict(zip(parameters, call.by_place, strict=False)) | dict(call.by_name)
    stack = [(name, parameter.default, False) for name, parameter in parameters.items() if name not in given]
    stack += [(name, value, True) for name, value in given.items()]
    while stack:
        name, value, is_given = stack.pop()
        if isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)
        elif isinstance(value, dict):
            items = list(cast("dict[Any, Any]", value).values())
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            items = list(attributes(value).values())
        else:
            continue
        yield name, value, is_given
        stack.extend((name, item, is_given) for item in items)


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """The parameters of a program after `s`."""
    return _known(function).signature


class _Known(NamedTuple):
    """signature: of a function with these defaults. names: of its parameters; None where some have none of their own, as those
    of `*rest` and `**rest`."""

    defaults: tuple[Any, Any]
    signature: inspect.Signature
    names: dict[str, None] | None


_signatures: WeakKeyDictionary[Callable[..., Any], _Known] = WeakKeyDictionary()


def _known(function: Callable[..., Any]) -> _Known:
    defaults = (getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None))
    known = _signatures.get(function)
    if known is None or known.defaults != defaults:
        full = inspect.signature(function)
        after = full.replace(parameters=list(full.parameters.values())[1:])
        known = _Known(defaults, after, None if _has_rest(after) else dict.fromkeys(after.parameters))
        _signatures[function] = known
    return known


def bind(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], where: str | None = None
) -> Arguments:
    """The arguments of one call. Defaults are filled in where they are plain data, but not of a function that wraps another:
    it may look at what it was given. Raises `ArgumentsError`."""
    known = _known(function)
    call = Call(tuple(args), kwargs)
    if not args and known.names is not None and kwargs.keys() == known.names.keys():  # most
        return take_apart({name: kwargs[name] for name in known.names}, call)
    parameters = known.signature
    try:
        bound = parameters.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentsError(
            str(error),
            where=where or function.__name__,
            hint=f"it takes ({', '.join(parameters.parameters) or 'nothing'})",
        ) from None
    if hasattr(function, "__wrapped__"):
        return take_apart(_by_name(bound, where), call, len(args))
    given = set(bound.arguments)
    bound.apply_defaults()
    arguments = take_apart(_by_name(bound, where), call)
    if not arguments.opaque:
        return arguments
    for name, value in list(bound.arguments.items()):
        if name not in given and take_apart({name: value}).opaque:  # it stays what the function has it for
            del bound.arguments[name]
    return take_apart(_by_name(bound, where), call)


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


def called(function: Callable[..., Any], state: Any, values: Mapping[str, Any], places: int = 0) -> Any:
    """What the body of a program gives for arguments by name, as `Arguments.values` has them. places: so many are given by
    their place."""
    parameters = signature(function)
    if not _has_rest(parameters):
        if not places:  # most
            return function(state, **values)
        return function(state, *list(values.values())[:places], **dict(list(values.items())[places:]))
    by_name, by_place = dict(values), list[Any]()
    for parameter in parameters.parameters.values():
        if parameter.name not in by_name:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            by_place.extend(by_name.pop(parameter.name))
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            by_place.append(by_name.pop(parameter.name))
    return function(state, *by_place, **by_name)


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a program has an argument of this name, or takes any."""
    parameters = signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def take_apart(values: dict[str, Any], call: Call | None = None, by_place: int = 0) -> Arguments:
    """Texts and statics of named values; see `Arguments`."""
    if all(type(value) is str for value in values.values()):  # most
        return Arguments(values, values, {}, call, by_place)
    texts: dict[str, str] = {}
    statics: dict[str, Static] = {}
    opaque: list[str] = []
    order: list[str] = []
    classes: list[type[Any]] = []
    seen: dict[int, tuple[str, Any]] = {}
    has_fixed = False

    def visit(path: str, value: Any, fixed: bool) -> Any:
        """Notes what is in the value, and gives it without `Fixed`."""
        nonlocal has_fixed
        kind = cast("type[Any]", type(value))
        if kind is Fixed:
            has_fixed = True
            return visit(path, value.value, True)
        order.append(path)
        if id(value) in seen:  # one object in two places, which `is` tells from two
            statics[f"{path}="], made = seen[id(value)]
            return made
        made = taken(path, value, fixed, kind)
        if kind is list or kind is dict or dataclasses.is_dataclass(kind):
            seen[id(value)] = path, made
        return made

    def taken(path: str, value: Any, fixed: bool, kind: type[Any]) -> Any:
        if isinstance(value, enum.Enum):  # also one whose members are texts or numbers
            statics[f"{path}."] = f"{kind.__qualname__}.{value.name}"
            classes.append(kind)
            return value
        if isinstance(value, str):
            if kind is not str:
                opaque.append(f"argument {path} is {kind_of(value)}")
            (statics if fixed else texts)[path] = text = str.__str__(value)
            return text
        if value is None or (kind in (bool, int, float) and what_is_wrong(value) is None):
            statics[path] = value
            return value
        if kind in (list, tuple) or _maker_of(value) is not None:
            statics[f"{path}[]" if kind is list else f"{path}()"] = len(value)
            if kind not in (list, tuple):
                statics[f"{path}."] = kind.__qualname__
                classes.append(kind)
            return _sequence(value, [visit(f"{path}[{index}]", item, fixed) for index, item in enumerate(value)])
        if kind is dict and is_record(value):
            statics[f"{path}{{}}"] = len(value)
            return {key: visit(f"{path}[{key!r}]", item, fixed) for key, item in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, (*_OF_PYTHON, Expression)):
            statics[f"{path}."] = kind.__qualname__
            classes.append(kind)
            return with_attributes(
                value, {name: visit(f"{path}.{name}", item, fixed) for name, item in attributes(value).items()}
            )
        opaque.append(f"argument {path} is {kind_of(value)}")
        return value

    try:
        visited = {name: visit(name, value, False) for name, value in values.items()}
    except RecursionError:
        return Arguments({}, {}, {}, call, by_place, "an argument nests too deeply, or holds itself")
    if has_fixed and call is not None:
        by_name = {name: _without_fixed(value) for name, value in call.by_name.items()}
        call = Call(tuple(map(_without_fixed, call.by_place)), by_name)
    paths = tuple(order) if texts and statics else ()
    return Arguments(visited, texts, statics, call, by_place, opaque[0] if opaque else "", paths, tuple(classes))


_OF_PYTHON = (type, str, int, float, list, tuple, dict)
"""What a subclass of is no plain dataclass; classes are none either."""


def _without_fixed(value: Any) -> Any:
    if isinstance(value, Fixed):
        return _without_fixed(value.value)
    if type(value) in (list, tuple):
        return _sequence(value, list(map(_without_fixed, value)))
    return {key: _without_fixed(item) for key, item in value.items()} if is_record(value) else value


PLAIN_DATA = "give text, numbers, true/false, None, members of an Enum, or lists, dicts and dataclasses of them"


def without_opaque(arguments: Arguments, where: str | None = None) -> Arguments:
    """The arguments. Raises `ArgumentsError` for those that no trace can hold."""
    if arguments.opaque:
        raise ArgumentsError(arguments.opaque, where=where, hint=PLAIN_DATA)
    return arguments


def _maker_of(value: object) -> Callable[[list[Any]], Any] | None:
    """What makes a named tuple like this one; None for what is none."""
    is_tuple = issubclass(type(value), tuple)
    return getattr(type(value), "_make", None) if is_tuple else None


def _sequence(like: Any, items: list[Any]) -> Any:
    """A list, tuple or named tuple of other items."""
    if (make := _maker_of(like)) is not None:
        return make(items)
    return items if isinstance(like, list) else tuple(items)


def attributes(value: Any) -> dict[str, Any]:
    """Of an instance of a dataclass: its fields, and what it has besides."""
    fields = {
        field.name: getattr(value, field.name) for field in dataclasses.fields(value) if hasattr(value, field.name)
    }
    return fields | getattr(value, "__dict__", {})


def is_record(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a dict whose keys are texts."""
    return isinstance(value, dict) and all(isinstance(key, str) for key in cast("dict[Any, Any]", value))


def kind_of(value: Any) -> str:
    """In words, of what is no plain data."""
    if type(value) is float:
        return f"the number {value}, which JSON does not have"
    if type(value) is int:
        return "a number of more than 1,024 bits"
    if type(value) is dict:
        return "a dict with a key that is no text"
    kind = cast("type[Any]", type(value))
    if kind.__module__ == "numpy" and hasattr(kind, "item"):  # its bool is called as Python's
        return f"of type numpy.{kind.__name__}, which .item() makes plain"
    return f"of type {kind.__name__}"


def replace_texts(arguments: Arguments, text: Callable[[str], Any]) -> dict[str, Any]:
    """The same values with `text(path)` in the place of each text that is not fixed."""
    texts = arguments.texts
    made: dict[int, Any] = {}  # of objects that stand in several places

    def visit(path: str, value: Any) -> Any:
        if isinstance(value, str):
            return text(path) if path in texts else value
        if id(value) not in made:
            made[id(value)] = replaced(path, value)
        return made[id(value)]

    def replaced(path: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            items = [visit(f"{path}[{index}]", item) for index, item in enumerate(cast("Sequence[Any]", value))]
            return _sequence(value, items)
        if is_record(value):
            return {key: visit(f"{path}[{key!r}]", item) for key, item in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return with_attributes(
                value, {name: visit(f"{path}.{name}", item) for name, item in attributes(value).items()}
            )
        return value

    return {name: visit(name, value) for name, value in arguments.values.items()}


def with_attributes(value: Any, attributes: Mapping[str, Any]) -> Any:
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
    return without_opaque(take_apart({**values, **given}))


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
    objects: dict[str, str] = {}  # texts of defaults whose class is not known here
    for name in names:
        paths = [path for path in defaults if _name_of(path) == name]
        if name in given or not paths:
            continue
        given[name] = _default(name, graph.statics, defaults)
        if given[name] is not _ABSENT:
            continue
        del given[name]
        texts = {path: text for path in paths if (text := defaults[path]) is not None}
        objects |= texts
        if len(texts) < len(paths):
            raise ArgumentsError(f"argument {name!r} is missing", where=where, hint=f'add "{name}" to the row')
    for name, value in given.items():
        if isinstance(graph.statics.get(name), str):  # a text that was fixed when the program was compiled
            given[name] = Fixed(value)
    arguments = without_opaque(take_apart(given), where)
    fixed = {path: value for path, value in graph.statics.items() if _name_of(path) in given}
    for path in dict.fromkeys((*arguments.statics, *fixed)):
        ours, theirs = fixed.get(path, _ABSENT), arguments.statics.get(path, _ABSENT)
        if ours is not theirs and (ours != theirs or type(ours) is not type(theirs)):
            raise ArgumentsError(
                f"the program was compiled with {path} = {ours!r}, and the row has {theirs!r}",
                where=where,
                hint="run the program's source, or compile it again with this value",
            )
    texts = {**arguments.texts, **objects}
    if set(texts) != set(defaults):
        odd = sorted(set(texts) ^ set(defaults))[0]
        raise ArgumentsError(f"argument {odd} does not have the type it was compiled with", where=where)
    return Arguments(arguments.values, texts, dict(graph.statics))


def default_texts(function: Callable[..., Any]) -> dict[str, str]:
    """The texts in the defaults of a program's parameters, by path."""
    texts: dict[str, str] = {}
    for name, parameter in signature(function).parameters.items():
        if parameter.default is not parameter.empty:
            taken = take_apart({name: parameter.default})
            texts.update({} if taken.opaque else taken.texts)
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
