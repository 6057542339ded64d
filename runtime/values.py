"""The values of a graph's ops in one run: how each is computed from those that are known.

An op that is computed becomes a function, once a program; what a step or an end reads is a flat list of them, operands
first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sglc.ir.builder import flattened
from sglc.ir.errors import RunError
from sglc.ir.functions import METHODS, TESTS
from sglc.ir.graph import Tree
from sglc.ir.ops import (
    Append,
    Argument,
    Format,
    Image,
    Meta,
    Method,
    Op,
    Param,
    Part,
    Primitive,
    Read,
    Render,
    Role,
    Root,
    Test,
    Trusted,
    Unordered,
    operands,
)
from sglc.ir.tokens import Piece, Text
from sglc.runtime.jobs import Answer, Prompt


class Values:
    """values: of the ops so far; of a gen or select the prompt after it. answers: of the gens and selects so far. texts: of
    the program's arguments."""

    __slots__ = ("answers", "texts", "values")

    def __init__(self, values: dict[Op, Any], texts: Mapping[str, str]) -> None:
        self.values = values
        self.texts = texts
        self.answers: dict[Op, Answer] = {}

    def compute(self, inputs: Iterable[Input]) -> None:
        values = self.values
        for op, function in inputs:
            if op not in values:
                values[op] = function(self)

    def rendered(self, prompt: Prompt, since: Prompt) -> str:
        """The text of a prompt after another that it begins with. Only a run on a model can tell."""
        raise NotImplementedError


Compute = Callable[[Values], Any]
"""The value of an op; those of its operands are known."""

Input = tuple[Op, Compute]


def inputs_of(wanted: Iterable[Op]) -> tuple[Input, ...]:
    """What has to be computed for these ops, operands first; answers of steps are there already."""
    found: dict[Op, Compute] = {}
    stack = list(wanted)[::-1]
    while stack:
        op = stack[-1]
        if op in found or isinstance(op, Primitive):
            stack.pop()
            continue
        missing = [x for x in operands(op) if x not in found and not isinstance(x, Primitive)]
        if missing:
            stack.extend(reversed(missing))
        else:
            found[op] = computed(op)
            stack.pop()
    return tuple(found.items())


def answers_below(wanted: Iterable[Op]) -> Iterator[Primitive]:
    """The steps whose answers these ops are made of, without those that one of them waits for itself."""
    seen: set[Op] = set()
    stack = list(wanted)
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        if isinstance(op, Primitive):
            yield op
        else:
            stack.extend(operands(op))


def pieces_of(parts: Sequence[Part]) -> Callable[[Values], tuple[Piece, ...]]:
    """What parts add to a prompt; those whose order nobody chose stand as they were written."""
    plan: list[Piece | tuple[Op, bool]] = []
    for part in flattened(parts, {}):
        if isinstance(part, str):
            plan.append(Text(part, trusted=True))
        elif isinstance(part, Role):
            plan.append(part)
        elif isinstance(part, Trusted):
            plan.append((part.text, True))
        else:
            plan.append((part, False))
    constant = tuple(piece for piece in plan if not isinstance(piece, tuple))
    if len(constant) == len(plan):
        return lambda run: constant

    def pieces(run: Values) -> tuple[Piece, ...]:
        values = run.values
        return tuple([Text(values[p[0]], p[1]) if type(p) is tuple else p for p in plan])

    return pieces


def computed(op: Op) -> Compute:
    match op:
        case Root():
            return lambda run: ()
        case Append(state=state, parts=parts):
            added = pieces_of(parts)
            return lambda run: run.values[state] + added(run)
        case Read(state=state):
            return lambda run: run.answers[state].text
        case Meta(state=state):
            return lambda run: run.answers[state].meta
        case Render(state=state, since=since):
            return lambda run: run.rendered(run.values[state], run.values[since])
        case Format(parts=parts):
            added = pieces_of(parts)
            return lambda run: "".join([piece.text for piece in added(run) if isinstance(piece, Text)])
        case Unordered():
            added = pieces_of((op,))
            return lambda run: "".join([piece.text for piece in added(run) if isinstance(piece, Text)])
        case Param(name=name):
            return lambda run: run.texts[name]
        case Method(name=name, arguments=arguments):
            function, values = METHODS[name], arguments_of(arguments)
            return lambda run: function(*values(run))
        case Test(name=name, arguments=arguments):
            test, values = TESTS[name], arguments_of(arguments)
            return lambda run: test(*values(run))
        case Image():

            def refuse(run: Values) -> Any:
                raise RunError("this model takes text only", where=op.loc, hint="leave images out")

            return refuse
        case _:
            raise TypeError(f"{type(op).__name__} is a step")


def arguments_of(arguments: tuple[Argument, ...]) -> Callable[[Values], list[Any]]:
    """The values of a function's arguments."""

    def value(run: Values, argument: Argument) -> Any:
        if isinstance(argument, Op):
            return run.values[argument]
        if isinstance(argument, tuple | list):
            return type(argument)(value(run, item) for item in argument)
        if isinstance(argument, dict):
            return {key: value(run, item) for key, item in argument.items()}
        return argument

    return lambda run: [value(run, argument) for argument in arguments]


def result_of(tree: Tree) -> Compute:
    """The value of a result of the program: plain data with ops in it."""
    if isinstance(tree, Read):
        state = tree.state
        return lambda run: run.answers[state].text
    if isinstance(tree, Op):
        return lambda run: run.values[tree]
    if isinstance(tree, dict):
        items = {key: result_of(value) for key, value in tree.items()}
        return lambda run: {key: item(run) for key, item in items.items()}
    if isinstance(tree, list | tuple):
        children = [result_of(value) for value in tree]
        kind = type(tree)
        return lambda run: kind([child(run) for child in children])
    return lambda run: tree


def meta_of(answers: Tree) -> Compute:
    """What is known about answers: a list for a list, None for None."""
    if isinstance(answers, list):
        children = [meta_of(item) for item in answers]
        return lambda run: [child(run) for child in children]
    if isinstance(answers, Op):
        return lambda run: run.answers[answers].meta
    return lambda run: None
