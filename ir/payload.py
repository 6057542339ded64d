"""The payload of an artifact: msgpack maps of text and arrays, nothing else.

    {"graph": its text,
     "schedule": {"prefixes", "steps", "after", "lifetimes", "last": int64 arrays},
     "models": {fingerprint: {"ids", "lengths": arrays, "automata": {regex: {the fields of TokenAutomaton: arrays}}}}}

An array is one binary field: its dtype's letter, the number of its dimensions, the dimensions as uint64, its elements;
all little-endian. There are no msgpack arrays, so few objects are made before their number is checked.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# (msgpack has no types)

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import msgpack
import numpy as np
from numpy.typing import NDArray

from sglc.ir.graph import Graph
from sglc.ir.ops import Gen
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from sglc.ir.schedule import Lifetime, Prefix, Schedule, Step
from sglc.ir.tokens import TokenAutomaton
from sglc.ir.verify import verify
from sglc.ir.verify_schedule import verify_schedule

Map: TypeAlias = dict[str, Any]

INT64 = np.dtype("<i8")
INT32 = np.dtype("<i4")
BOOL = np.dtype("?")
DTYPES = {"q": INT64, "i": INT32, "?": BOOL}
AUTOMATON = {
    "table": (INT32, 2),
    "accept": (BOOL, 1),
    "row_of": (INT32, 1),
    "rows": (INT32, 2),
    "forced": (INT32, 1),
    "final": (BOOL, 1),
}
"""The fields of TokenAutomaton: the type of the elements, the number of dimensions."""

KINDS: tuple[Literal["decode"], Literal["score"], Literal["call"]] = ("decode", "score", "call")


@dataclass(frozen=True, slots=True, eq=False)
class ModelPart:
    """What depends on the model's tokenizer.

    fingerprint: `Vocabulary.fingerprint`. prefix_ids: one entry per `Schedule.prefixes`. automata: by regex.
    """

    fingerprint: str
    prefix_ids: tuple[tuple[int, ...], ...]
    automata: dict[str, TokenAutomaton]


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """A compiled program. models: by fingerprint; what is missing is compiled when it is first needed."""

    graph: Graph
    schedule: Schedule
    models: dict[str, ModelPart]


class ContentError(ValueError):
    """What is wrong with a payload, in a few words."""


def pack(artifact: Artifact) -> bytes:
    """Equal artifacts give equal bytes. Raises `ContentError` or `IRError` for what `unpack` would refuse."""
    graph, schedule = artifact.graph, artifact.schedule
    verify(graph)
    verify_schedule(graph, schedule)
    _check_models(artifact)
    steps = [(s.op, KINDS.index(s.kind), len(s.after), s.priority, s.order, s.fork, s.region) for s in schedule.steps]
    content = {
        "graph": print_graph(graph),
        "schedule": {
            "prefixes": _integers([(prefix.op, prefix.uses) for prefix in schedule.prefixes], 2),
            "steps": _integers(steps, 7),
            "after": _integers(i for step in schedule.steps for i in step.after),
            "lifetimes": _integers([(life.state, life.uses, len(life.last)) for life in schedule.lifetimes], 3),
            "last": _integers(i for life in schedule.lifetimes for i in life.last),
        },
        "models": {key: _pack_model(part) for key, part in sorted(artifact.models.items())},
    }
    return cast(bytes, msgpack.packb(content))


def unpack(payload: bytes | memoryview) -> Artifact:
    """Raises `ContentError` or `IRError` for whatever `pack` does not write."""
    content = _fields(_decoded(payload), "the payload", "graph", "schedule", "models")
    graph = parse_graph(_text(content["graph"], "the graph"))
    verify(graph)
    schedule = _unpack_schedule(
        _fields(content["schedule"], "the schedule", "prefixes", "steps", "after", "lifetimes", "last")
    )
    verify_schedule(graph, schedule)
    models = {key: _unpack_model(key, part) for key, part in _map(content["models"], "models").items()}
    artifact = Artifact(graph, schedule, models)
    _check_models(artifact)
    return artifact


def _check_models(artifact: Artifact) -> None:
    regexes = {op.regex for op in artifact.graph.body if isinstance(op, Gen) and op.regex is not None}
    for fingerprint, part in artifact.models.items():
        _check(part.fingerprint == fingerprint, "a model is not under its fingerprint")
        _check(
            len(part.prefix_ids) == len(artifact.schedule.prefixes), "the prefixes' ids are not those of the schedule"
        )
        _check(all(0 <= i < 2**31 for ids in part.prefix_ids for i in ids), "an id of a prefix is no id")
        _check(part.automata.keys() == regexes, "the automata are not those of the graph's regexes")
        for automaton in part.automata.values():
            _check_automaton(automaton)


def _check_automaton(automaton: TokenAutomaton) -> None:
    for name, (dtype, dimensions) in AUTOMATON.items():
        array: NDArray[Any] = getattr(automaton, name)
        _check(array.dtype == dtype and array.ndim == dimensions, f"an automaton's {name} is an array of another type")
        rows = name == "rows" or len(array) == len(automaton.table)
        _check(rows, f"an automaton's {name} has not one entry a state")
    states, (rows, words) = len(automaton.table), automaton.rows.shape
    _check(states > 0 and automaton.table.shape[1] == 256, "an automaton's table is not of states and bytes")
    _check(_within(automaton.table, -1, states), "an automaton's table leads to no state")
    _check(_within(automaton.row_of, 0, rows), "an automaton's row_of is no row")
    _check(_within(automaton.forced, -1, words * 32), "an automaton's forced is no token")
    forced = np.flatnonzero(automaton.forced >= 0)
    tokens = automaton.forced[forced]
    masks = automaton.rows[automaton.row_of[forced], tokens // 32]
    _check(bool(np.all(masks >> (tokens % 32) & 1)), "an automaton forces a token that it forbids")
    _check(bool(np.all(automaton.accept | ~automaton.final)), "an automaton ends where it does not accept")
    stuck = ~np.any(automaton.rows != 0, axis=1)[automaton.row_of] & ~automaton.final
    _check(not np.any(stuck), "an automaton is stuck")


def _pack_model(part: ModelPart) -> Map:
    return {
        "ids": _array([i for ids in part.prefix_ids for i in ids], INT32),
        "lengths": _integers(len(ids) for ids in part.prefix_ids),
        "automata": {
            regex: {name: _array(getattr(automaton, name), dtype) for name, (dtype, _) in AUTOMATON.items()}
            for regex, automaton in sorted(part.automata.items())
        },
    }


def _unpack_model(fingerprint: str, packed: object) -> ModelPart:
    found = _fields(packed, "a model", "ids", "lengths", "automata")
    ids = _split(_unpacked(found["ids"], "ids", INT32, 1), _unpacked(found["lengths"], "lengths", INT64, 1))
    automata = {regex: _unpack_automaton(packed) for regex, packed in _map(found["automata"], "automata").items()}
    return ModelPart(fingerprint, tuple(ids), automata)


def _unpack_automaton(packed: object) -> TokenAutomaton:
    found = _fields(packed, "an automaton", *AUTOMATON)
    return TokenAutomaton(**{name: _unpacked(found[name], name, *kind) for name, kind in AUTOMATON.items()})


def _unpack_schedule(packed: Map) -> Schedule:
    prefixes = _unpacked(packed["prefixes"], "prefixes", INT64, 2, columns=2)
    steps = _unpacked(packed["steps"], "steps", INT64, 2, columns=7)
    lifetimes = _unpacked(packed["lifetimes"], "lifetimes", INT64, 2, columns=3)
    _check(_within(steps[:, 1], 0, len(KINDS)), "a step is of no known kind")
    after = _split(_unpacked(packed["after"], "after", INT64, 1), steps[:, 2])
    last = _split(_unpacked(packed["last"], "last", INT64, 1), lifetimes[:, 2])
    prefix_rows: list[list[int]] = prefixes.tolist()
    step_rows: list[list[int]] = steps.tolist()
    life_rows: list[list[int]] = lifetimes.tolist()
    return Schedule(
        prefixes=tuple(Prefix(op, uses) for op, uses in prefix_rows),
        steps=tuple(
            Step(op, KINDS[kind], waits, priority, order, fork, region)
            for (op, kind, _, priority, order, fork, region), waits in zip(step_rows, after, strict=True)
        ),
        lifetimes=tuple(Lifetime(state, uses, ends) for (state, uses, _), ends in zip(life_rows, last, strict=True)),
    )


def _decoded(payload: bytes | memoryview) -> object:
    """The payload's objects, whose number is bounded by its size."""
    budget = 64 + len(payload) // 64

    def one_map(pairs: list[tuple[object, object]]) -> dict[object, object]:
        nonlocal budget
        budget -= len(pairs) + 1
        _check(budget >= 0, "it has too many fields")
        found = dict(pairs)
        _check(len(found) == len(pairs), "a field is given twice")
        return found

    def no_list(_: object) -> None:
        raise ContentError("it has a list")

    try:
        limits = {"max_array_len": 0, "max_map_len": budget, "max_ext_len": 0}
        return cast(object, msgpack.unpackb(payload, object_pairs_hook=one_map, list_hook=no_list, **limits))
    except ContentError:
        raise
    except (ValueError, msgpack.UnpackException) as error:
        raise ContentError(f"it is no msgpack ({error})") from None


def _integers(rows: Iterable[object], columns: int | None = None) -> bytes:
    values = np.array(list(rows), INT64)
    return _array(values if columns is None else values.reshape(-1, columns), INT64)


def _array(values: Any, dtype: np.dtype[Any]) -> bytes:
    array = np.ascontiguousarray(values, dtype)
    (letter,) = (letter for letter, known in DTYPES.items() if known == dtype)
    return struct.pack(f"<cB{array.ndim}Q", letter.encode(), array.ndim, *array.shape) + array.tobytes()


def _unpacked(
    packed: object, name: str, dtype: np.dtype[Any], dimensions: int, columns: int | None = None
) -> NDArray[Any]:
    header = struct.Struct(f"<cB{dimensions}Q")
    if type(packed) is not bytes or len(packed) < header.size:
        raise ContentError(f"{name} is no array")
    letter, count, *shape = header.unpack_from(packed)
    _check(DTYPES.get(letter.decode("latin-1")) == dtype and count == dimensions, f"{name} is an array of another type")
    _check(max(shape) < 2**31, f"{name} has another size than its shape")  # numpy checks it, and raises its own errors
    _check(math.prod(shape) * dtype.itemsize == len(packed) - header.size, f"{name} has another size than its shape")
    _check(columns is None or shape[1] == columns, f"{name} has not {columns} columns")
    if dtype == BOOL:
        _check(not np.any(np.frombuffer(packed, np.uint8, offset=header.size) > 1), f"{name} is not all true and false")
    return np.frombuffer(packed, dtype, offset=header.size).reshape(shape).copy()


def _split(values: NDArray[Any], lengths: NDArray[Any]) -> list[tuple[int, ...]]:
    _check(_within(lengths, 0, len(values) + 1) and sum(lengths.tolist()) == len(values), "lengths do not add up")
    ends = np.cumsum(lengths).tolist()
    items = values.tolist()
    return [tuple(items[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True)]


def _within(values: NDArray[Any], low: int, high: int) -> bool:
    return not values.size or bool(low <= values.min() and values.max() < high)


def _fields(packed: object, what: str, *names: str) -> Map:
    found = _map(packed, what)
    _check(found.keys() == set(names), f"{what} has not the fields {', '.join(names)}")
    return found


def _map(packed: object, what: str) -> Map:
    if not isinstance(packed, dict) or not all(type(key) is str for key in cast(Mapping[object, object], packed)):
        raise ContentError(f"{what} is no map of names")
    return cast(Map, packed)


def _text(packed: object, what: str) -> str:
    if type(packed) is not str:
        raise ContentError(f"{what} is no text")
    return packed


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ContentError(what)
