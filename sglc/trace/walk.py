"""Follows a graph on plain strings, without a model: what the graph says that a run does, event by event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sglc.ir.builder import flattened
from sglc.ir.functions import METHODS, TESTS
from sglc.ir.graph import End, Graph, Region, Switch, Tree, map_leaves
from sglc.ir.ops import (
    Append,
    Argument,
    Call,
    Format,
    Gen,
    Image,
    Meta,
    Method,
    Numbered,
    Op,
    Param,
    Part,
    Read,
    Render,
    Role,
    Root,
    Select,
    Test,
    Trusted,
    Unordered,
)
from sglc.trace.replay import Events, Item, Prompt, plain, shown

Invent = Callable[[int, "tuple[str, ...] | None"], str]
"""(number, choices of a select) -> the text of an answer."""


class Walk:
    """The run of a graph on these texts and answers, to an end or an exit.

    answers: by number, also of calls and rendered texts. region: the one that it ends in. ended: whether at an end.
    """

    def __init__(self, graph: Graph, texts: Mapping[str, str], invent: Invent) -> None:
        self.events = Events()
        self.answers: dict[int, Any] = {}
        self.ended = False
        self._texts = texts
        self._invent = invent
        self._values: dict[Op, Any] = {}
        for op in (*graph.params, *graph.prefixes):
            self._values[op] = self._value(op)
        region: Region | None = graph.region
        while region is not None:
            self.region = region
            for op in region.body:
                if not isinstance(op, Meta):  # nothing invents it: the path ends at the exit that asks for it
                    self._values[op] = self._value(op)
            region = self._next(region.end)

    def _next(self, end: End | Switch) -> Region | None:
        if isinstance(end, End):
            variables = {name: self._tree(tree) for name, tree in end.variables.items()}
            answers = {name: map_leaves(tree, self._prompt) for name, tree in end.answers.items()}
            self.events.end = ("ends", self._prompt(end.final), variables, answers, self._tree(end.value))
            self.ended = True
            return None
        if any(isinstance(subject, Meta) for subject in end.subjects):
            return None
        values = tuple(self._values[subject] for subject in end.subjects)
        return next((case.region for case in end.cases if case.values == values), None)

    def _tree(self, tree: Tree) -> Any:
        return map_leaves(tree, self._values.__getitem__)

    def _prompt(self, state: Op) -> Any:
        return self._values[state].items

    def _value(self, op: Op) -> Any:
        """A state is its prompt with the answer's text; a text is a str."""
        value, prompt = self._values.__getitem__, self._prompt
        match op:
            case Param(name=name):
                return self._texts[name]
            case Root():
                return Prompt()
            case Append(state=state, parts=parts):
                return Prompt(value(state), self._items(parts))
            case Format(parts=parts):
                return shown(self._items(parts))
            case Unordered():
                return shown(self._items((op,)))
            case Read(state=state):
                assert isinstance(state, Gen | Select)
                return self.answers[state.number]
            case Image(path=path, frames=frames):
                return ("image", value(path), str(frames))
            case Method(name=name, arguments=arguments):
                return METHODS[name](*self._arguments(arguments))
            case Test(name=name, arguments=arguments):
                return TESTS[name](*self._arguments(arguments))
            case Render(state=state, since=since):
                text = shown(prompt(state))[len(shown(prompt(since))) :]
                self.answers[op.number] = text
                self._event(op, ("text", shown(prompt(state)), shown(prompt(since))))
                return text
            case Gen():
                text = self._asked(op, ("gen", prompt(op.state), op.name, op.sampling, op.constraint), None)
                return Prompt(value(op.state), (text,))
            case Select():
                choices = tuple(shown(self._items(choice)) for choice in op.choices)
                text = self._asked(op, ("select", prompt(op.state), op.name, choices, op.method), choices)
                return Prompt(value(op.state), (text,))
            case Call():
                keywords = plain({key: self._argument(item) for key, item in op.keywords})
                arguments = plain(tuple(self._arguments(op.arguments)))
                return self._asked(op, ("call", op.function.partition("#")[0], arguments, keywords), None)
            case _:
                raise TypeError(f"no value for {type(op).__name__}")

    def _asked(self, op: Gen | Select | Call, call: tuple[Any, ...], choices: tuple[str, ...] | None) -> str:
        if op.number not in self.answers:
            self.answers[op.number] = self._invent(op.number, choices)
        self._event(op, call)
        return self.answers[op.number]

    def _event(self, op: Numbered, call: tuple[Any, ...]) -> None:
        self.events.calls[op.number] = call
        self.events.places[op.number] = op.loc

    def _items(self, parts: Sequence[Part]) -> tuple[Item, ...]:
        items: list[Item] = []
        for part in flattened(parts, {}):  # the traced graph: parts stand as they were written
            if isinstance(part, str | Role):
                items.append(part)
            else:
                items.append(self._values[part.text if isinstance(part, Trusted) else part])
        return tuple(items)

    def _arguments(self, arguments: Sequence[Argument]) -> list[Any]:
        return [self._argument(argument) for argument in arguments]

    def _argument(self, argument: Argument) -> Any:
        if isinstance(argument, Op):
            return self._values[argument]
        if isinstance(argument, tuple | list):
            return type(argument)(self._arguments(argument))
        if isinstance(argument, dict):
            return {key: self._argument(value) for key, value in argument.items()}
        return argument
