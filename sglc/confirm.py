"""Checks a trace before it is trusted: the body runs again on plain, invented strings, without a model, and must do
exactly what the graph says it does.

What a tracer cannot see (an `except` that swallows the error of a C function, a type check, a clock) shows as a
difference here, and is an error at the user's line instead of a silently wrong program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.arguments import Arguments, replace_texts
from sglc.ir.errors import Location, ProgramError
from sglc.ir.graph import Graph, map_leaves
from sglc.ir.ops import Append, Format, Gen, Image, Op, Param, Part, Read, Role, Sampling, Select, Trusted
from sglc.machine import Answered, running
from sglc.state import ProgramState
from sglc.symbolic import raised_at, shown_path, user_location
from sglc.tracer import trace

INVENTED = (
    'Yes. A1: "no", {"x": [3, 4.5]}\n- Score: 7/10; True <b>ż</b> \u202e%s {0} \\d+ ',
    "7",
    "",
)
"""One round each: what arguments and answers say in it, made distinct by a number where it is not empty."""

Item = tuple[Any, ...]
Log = list[tuple[Any, ...]]


@dataclass
class _Events:
    """What a run of the body did, in order: its calls of the model with everything they were given."""

    calls: Log = field(default_factory=list[tuple[Any, ...]])
    places: list[Location | None] = field(default_factory=list["Location | None"])


def confirmed_trace(function: Callable[..., Any], arguments: Arguments) -> Graph:
    """The trace of a program, confirmed. Raises `ProgramError`."""
    graph = trace(function, arguments)
    for invented in INVENTED:
        texts = {path: _varied(invented, number) for number, path in enumerate(arguments.texts)}
        expected = _of_graph(graph, texts, invented)
        found = _of_body(function, arguments, texts, invented)
        if expected.calls != found.calls:
            raise _difference(function, expected, found)
    return graph


def _difference(function: Callable[..., Any], expected: _Events, found: _Events) -> ProgramError:
    pairs = zip(expected.calls, found.calls, strict=False)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(expected.calls), len(found.calls)))
    places = (*found.places[at : at + 1], *expected.places[at : at + 1])
    code = function.__code__
    start = Location(shown_path(code.co_filename), code.co_firstlineno)
    return ProgramError(
        f"{function.__name__} does something else when it runs again with other texts: "
        "it looks at text in a way that cannot be compiled yet, or is not repeatable",
        where=next((place for place in places if place is not None), start),
        hint="run with mode='interpret'; pass the time or random values as arguments",
    )


def _varied(invented: str, number: int) -> str:
    return f"{invented}{number}" if invented else ""


class _Replay:
    """The machine that invents answers. A prompt is a tuple of items; neighbouring texts are one."""

    def __init__(self, invented: str, events: _Events) -> None:
        self._invented = invented
        self._events = events

    def root(self) -> tuple[Item, ...]:
        return ()

    def pieces(self, text: str, *, trusted: bool = False) -> tuple[Item, ...]:
        return (("text", text),)

    def image(self, path: str) -> Item:
        return ("image", path)

    def append(self, prompt: tuple[Item, ...], pieces: Sequence[Any]) -> tuple[Item, ...]:
        return _joined((*prompt, *pieces))

    def gen(self, prompt: tuple[Item, ...], name: str | None, sampling: Sampling, regex: str | None) -> Answered:
        return self._answer(("gen", prompt, name, sampling, regex), prompt, None)

    def select(self, prompt: tuple[Item, ...], name: str | None, choices: Sequence[Sequence[Any]]) -> Answered:
        texts = tuple(_text(choice) for choice in choices)
        return self._answer(("select", prompt, name, texts), prompt, texts)

    def text(self, prompt: tuple[Item, ...]) -> str:
        return _text(prompt)

    def _answer(self, call: tuple[Any, ...], prompt: tuple[Item, ...], choices: tuple[str, ...] | None) -> Answered:
        text = _invented_answer(self._invented, len(self._events.calls), choices)
        self._events.calls.append(call)
        self._events.places.append(user_location())
        return Answered((*prompt, ("answer", text)), text)


def _invented_answer(invented: str, number: int, choices: tuple[str, ...] | None) -> str:
    return choices[number % len(choices)] if choices else _varied(invented, number)


def _of_body(function: Callable[..., Any], arguments: Arguments, texts: dict[str, str], invented: str) -> _Events:
    events = _Events()
    machine = _Replay(invented, events)
    state = ProgramState(machine)
    try:
        with running(machine):
            value = function(state, **replace_texts(arguments.values, texts.__getitem__))
    except Exception as error:  # noqa: BLE001 - the trace did not raise, so this is a difference like any other
        events.calls.append(("raises", type(error).__name__))
        events.places.append(raised_at(error, function.__code__.co_filename))
        return events
    result = None if isinstance(value, ProgramState) else value
    events.calls.append(("ends", state.prompt, dict(state.variables), result))
    return events


def _of_graph(graph: Graph, texts: dict[str, str], invented: str) -> _Events:
    """The same log, read off the graph."""
    events = _Events()
    values: dict[Op, Any] = {}
    answers: dict[Op, str] = {}

    def items(parts: Sequence[Part]) -> tuple[Item, ...]:
        return tuple(item(part) for part in parts)

    def item(part: Part) -> Any:
        if isinstance(part, str):
            return ("text", part)
        if isinstance(part, Role):
            return part
        op = part.text if isinstance(part, Trusted) else part
        return ("image", values[op]) if isinstance(op, Image) else ("text", values[op])

    for op in graph.ops:
        match op:
            case Param():
                values[op] = texts[op.name]
            case Append():
                values[op] = _joined((*values[op.state], *items(op.parts)))
            case Format():
                values[op] = _text(items(op.parts))
            case Read():
                values[op] = answers[op.state]
            case Image():
                values[op] = values[op.path]
            case Gen() | Select():
                prompt = values[op.state]
                choices = None
                call: tuple[Any, ...] = ("gen", prompt, op.name, op.sampling, op.regex) if isinstance(op, Gen) else ()
                if isinstance(op, Select):
                    choices = tuple(_text(items(choice)) for choice in op.choices)
                    call = ("select", prompt, op.name, choices)
                answers[op] = _invented_answer(invented, len(events.calls), choices)
                events.calls.append(call)
                events.places.append(op.loc)
                values[op] = (*prompt, ("answer", answers[op]))
            case _:
                values[op] = ()
    variables = {name: map_leaves(tree, values.__getitem__) for name, tree in graph.variables.items()}
    events.calls.append(("ends", values[graph.final], variables, map_leaves(graph.value, values.__getitem__)))
    return events


def _joined(items: Sequence[Any]) -> tuple[Any, ...]:
    joined: list[Any] = []
    for item in items:
        if not isinstance(item, Role) and item[0] == "text":
            if item[1] == "":
                continue
            if joined and not isinstance(joined[-1], Role) and joined[-1][0] == "text":
                joined[-1] = ("text", joined[-1][1] + item[1])
                continue
        joined.append(item)
    return tuple(joined)


def _text(items: Sequence[Any]) -> str:
    return "".join(item[1] for item in items if not isinstance(item, Role) and item[0] in ("text", "answer"))
