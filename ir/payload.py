"""The payload of an artifact: msgpack maps of text and arrays, nothing else.

    {"graph": its text,
     "schedule": {"prefixes", "params", "steps", "after", "lifetimes", "last", "forks", "members": int64 arrays},
     "models": {fingerprint: {"ids", "lengths": arrays, "automata": {constraint: see payload_automaton.py
                                                                   and payload_grammar.py}}}}

An array is one binary field (`arrays.py`). There are no msgpack arrays, so few objects are made before their number is
checked.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# (msgpack has no types)

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import msgpack

from sglc.ir.arrays import (
    INT32,
    INT64,
    ContentError,
    Map,
    Room,
    check,
    fields,
    integers,
    named,
    pack_array,
    split,
    unpack_array,
)
from sglc.ir.grammar import CompiledConstraint, Grammar
from sglc.ir.graph import Graph
from sglc.ir.ops import Constraint, Gen
from sglc.ir.parser import parse_graph
from sglc.ir.payload_automaton import pack_automaton, unpack_automaton
from sglc.ir.payload_grammar import is_grammar, pack_grammar, unpack_grammar
from sglc.ir.printer import print_graph
from sglc.ir.schedule import ForkPlan, Lifetime, Prefix, Schedule, Scope, Step
from sglc.ir.verify import verify
from sglc.ir.verify_schedule import verify_schedule

T = TypeVar("T")

MAX_MEMORY = 1 << 30  # bytes that the arrays of a payload may take when they are read

KINDS: tuple[Literal["decode"], Literal["score"], Literal["call"]] = ("decode", "score", "call")
ARRAYS = ("prefixes", "params", "steps", "after", "lifetimes", "last", "forks", "members")
SCOPES: tuple[Scope, ...] = ("program", "batch", "call")


@dataclass(frozen=True, slots=True, eq=False)
class ModelPart:
    """What depends on the model's tokenizer.

    fingerprint: `Vocabulary.fingerprint`. prefix_ids: one entry for each of the schedule's prefixes of the program.
    automata: of the constraints of gens; grammars, where no automaton could be made.
    """

    fingerprint: str
    prefix_ids: tuple[tuple[int, ...], ...]
    automata: dict[Constraint, CompiledConstraint]


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """A compiled program. models: by fingerprint; what is missing is compiled when it is first needed."""

    graph: Graph
    schedule: Schedule
    models: dict[str, ModelPart]


def pack(artifact: Artifact) -> bytes:
    """Equal artifacts give equal bytes. Raises `ContentError` or `IRError` for what `unpack` would refuse."""
    graph, schedule = artifact.graph, artifact.schedule
    verify(graph)
    verify_schedule(graph, schedule)
    _check_models(artifact)
    room = Room(MAX_MEMORY)
    content = {
        "graph": print_graph(graph),
        "schedule": {
            "prefixes": integers([_prefix_row(prefix) for prefix in schedule.prefixes], 4),
            "params": integers(i for prefix in schedule.prefixes for i in prefix.params),
            "steps": integers([_step_row(step) for step in schedule.steps], 8),
            "after": integers(i for step in schedule.steps for i in step.after),
            "lifetimes": integers(
                [(life.state, life.uses, len(life.last), life.tokens) for life in schedule.lifetimes], 4
            ),
            "last": integers(i for life in schedule.lifetimes for i in life.last),
            "forks": integers([(fork.state, len(fork.members), fork.within) for fork in schedule.forks], 3),
            "members": integers(i for fork in schedule.forks for i in fork.members),
        },
        "models": {key: _pack_model(part, room) for key, part in sorted(artifact.models.items())},
    }
    return cast(bytes, msgpack.packb(content))


def unpack(payload: bytes | memoryview) -> Artifact:
    """Raises `ContentError` or `IRError` for whatever `pack` does not write."""
    content = fields(_decoded(payload), "the payload", "graph", "schedule", "models")
    graph = parse_graph(_text(content["graph"], "the graph"))
    verify(graph)
    schedule = _unpack_schedule(fields(content["schedule"], "the schedule", *ARRAYS))
    verify_schedule(graph, schedule)
    room = Room(MAX_MEMORY)
    constraints = {_key(constraint): constraint for constraint in _constraints(graph)}
    models = {
        key: _unpack_model(key, part, constraints, room) for key, part in named(content["models"], "models").items()
    }
    artifact = Artifact(graph, schedule, models)
    _check_models(artifact)
    return artifact


def _check_models(artifact: Artifact) -> None:
    constraints = _constraints(artifact.graph)
    for fingerprint, part in artifact.models.items():
        check(part.fingerprint == fingerprint, "a model is not under its fingerprint")
        check(
            len(part.prefix_ids) == len(artifact.schedule.of_scope("program")),
            "the prefixes' ids are not those of the schedule",
        )
        check(all(0 <= i < 2**31 for ids in part.prefix_ids for i in ids), "an id of a prefix is no id")
        check(part.automata.keys() == constraints, "the automata are not those of the graph's constraints")


def _pack_model(part: ModelPart, room: Room) -> Map:
    automata = {_key(constraint): _pack_constraint(compiled) for constraint, compiled in part.automata.items()}
    for packed in automata.values():
        _unpack_constraint(packed, room)  # raises where it could not be loaded again
    return {
        "ids": pack_array([i for ids in part.prefix_ids for i in ids], INT32),
        "lengths": integers(len(ids) for ids in part.prefix_ids),
        "automata": dict(sorted(automata.items())),
    }


def _pack_constraint(compiled: CompiledConstraint) -> Map:
    return pack_grammar(compiled) if isinstance(compiled, Grammar) else pack_automaton(compiled)


def _unpack_constraint(packed: object, room: Room) -> CompiledConstraint:
    return unpack_grammar(packed, room) if is_grammar(packed) else unpack_automaton(packed, room)


def _constraints(graph: Graph) -> set[Constraint]:
    return {op.constraint for op in graph.body if isinstance(op, Gen) and op.constraint is not None}


def _key(constraint: Constraint) -> str:
    """Different for different constraints."""
    return f"{constraint.kind} {constraint.whitespace} {constraint.text}"


def _unpack_model(fingerprint: str, packed: object, constraints: Mapping[str, Constraint], room: Room) -> ModelPart:
    found = fields(packed, "a model", "ids", "lengths", "automata")
    ids = split(unpack_array(found["ids"], "ids", INT32, 1), unpack_array(found["lengths"], "lengths", INT64, 1))
    automata: dict[Constraint, CompiledConstraint] = {}
    for key, compiled in named(found["automata"], "automata").items():
        check(key in constraints, "the automata are not those of the graph's constraints")
        automata[constraints[key]] = _unpack_constraint(compiled, room)
    return ModelPart(fingerprint, tuple(ids), automata)


def _prefix_row(prefix: Prefix) -> tuple[int, ...]:
    return prefix.op, prefix.uses, SCOPES.index(prefix.scope), len(prefix.params)


def _step_row(s: Step) -> tuple[int, ...]:
    longest = -1 if s.longest is None else s.longest
    return s.op, KINDS.index(s.kind), len(s.after), s.priority, s.order, s.fork, s.region, longest


def _unpack_schedule(packed: Map) -> Schedule:
    """Rows of numbers, each with the length of its part of the array that follows."""

    def rows(name: str, columns: int, length: int, lists: str) -> Iterator[tuple[list[int], tuple[int, ...]]]:
        table = unpack_array(packed[name], name, INT64, 2, columns=columns)
        found = split(unpack_array(packed[lists], lists, INT64, 1), table[:, length])
        return zip(table.tolist(), found, strict=True)

    prefixes = [
        Prefix(op, uses, _named(SCOPES, scope, "a prefix is of no known scope"), params)
        for (op, uses, scope, _), params in rows("prefixes", 4, 3, "params")
    ]
    steps = [
        Step(op, _named(KINDS, kind, "a step is of no known kind"), after, *others, None if longest == -1 else longest)
        for (op, kind, _, *others, longest), after in rows("steps", 8, 2, "after")
    ]
    lifetimes = [
        Lifetime(state, uses, last, tokens) for (state, uses, _, tokens), last in rows("lifetimes", 4, 2, "last")
    ]
    forks = [ForkPlan(state, members, within) for (state, _, within), members in rows("forks", 3, 1, "members")]
    return Schedule(tuple(prefixes), tuple(steps), tuple(lifetimes), tuple(forks))


def _named(names: Sequence[T], number: int, otherwise: str) -> T:
    check(0 <= number < len(names), otherwise)
    return names[number]


def _decoded(payload: bytes | memoryview) -> object:
    """The payload's objects, whose number is bounded by its size."""
    budget = 64 + len(payload) // 64

    def one_map(pairs: list[tuple[object, object]]) -> dict[object, object]:
        nonlocal budget
        budget -= len(pairs) + 1
        check(budget >= 0, "it has too many fields")
        found = dict(pairs)
        check(len(found) == len(pairs), "a field is given twice")
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


def _text(packed: object, what: str) -> str:
    if type(packed) is not str:
        raise ContentError(f"{what} is no text")
    return packed
