"""A dataflow machine: runs schedules on the engine, all programs in one loop, no thread a program.

A step fires when the steps it waits for have answered. A failing step fails its program with the root cause and the
user's line; other programs go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.ir.builder import flattened
from sglc.ir.errors import Location, RunError, SglcError
from sglc.ir.graph import Graph, Tree, leaves, map_leaves
from sglc.ir.ops import (
    DEFAULT_SAMPLING,
    Append,
    Format,
    Gen,
    Image,
    Op,
    Param,
    Part,
    Read,
    Role,
    Root,
    Sampling,
    Select,
    Trusted,
    operands,
)
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import Piece, Text, TokenAutomaton, Tokenizer
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.request import Event, Failed, Finished
from sglc.runtime.jobs import Answer, Decode, DecodeJob, Job, Outcome, Prompt, ScoreJob, chat_messages, draw_seed


class Program:
    """A schedule made ready to run any number of times."""

    def __init__(self, graph: Graph, schedule: Schedule, automata: Mapping[str, TokenAutomaton]) -> None:
        self.graph = graph
        self.steps = schedule.steps
        self.automata = automata
        self.ops = graph.ops
        self.operands: dict[Op, tuple[Op, ...]] = {op: tuple(operands(op)) for op in self.ops}
        self.waiters: list[list[int]] = [[] for _ in self.steps]
        for index, step in enumerate(self.steps):
            for earlier in step.after:
                self.waiters[earlier].append(index)
        self.constants: dict[Op, Any] = {}
        for op in graph.prefixes:
            self.constants[op] = _computed(op, self.constants, {})


@dataclass(slots=True, eq=False)
class Call:
    """One run of a program. `done` is called once, from the loop, with its outcome."""

    program: Program
    texts: Mapping[str, str]
    sampling: Sampling
    seed: int
    row: int
    done: Callable[[Outcome], None]
    values: dict[Op, Any] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)  # per step, how many answers it waits for
    remaining: int = 0
    requests: set[int] = field(default_factory=set)
    ended: bool = False


class Executor:
    """Starts calls, hands their steps to the engine as jobs, and ends them."""

    def __init__(self, core: EngineCore, tokenizer: Tokenizer, decode: Decode) -> None:
        self._core = core
        self._tokenizer = tokenizer
        self._decode = decode
        self._on_event: dict[int, Callable[[Event], None]] = {}

    @property
    def idle(self) -> bool:
        return not self._on_event

    def start(self, call: Call) -> None:
        program = call.program
        call.values.update(program.constants)
        call.waiting = [len(step.after) for step in program.steps]
        call.remaining = len(program.steps)
        if not call.remaining:
            self._finish(call)
            return
        for index, count in enumerate(call.waiting):
            if count == 0 and not call.ended:
                self._fire(call, index)

    def cancel(self, call: Call) -> None:
        """Ends a call without an outcome; the engine gives up its requests."""
        call.ended = True
        for request in call.requests:
            self._on_event.pop(request, None)
            self._core.cancel(request)
        call.requests.clear()

    def turn(self) -> None:
        """One turn of the loop: a step of the engine, and what follows from it."""
        for event in self._core.step():
            handle = self._on_event.pop(event.request, None)
            if handle is not None:
                handle(event)

    def fail_all(self, error: Exception) -> None:
        """Ends everything under way with an error."""
        for request, handle in list(self._on_event.items()):
            if self._on_event.pop(request, None) is not None:
                handle(Failed(request=request, error=error))

    def ask(self, job: Job, requests: set[int], answered: Callable[[Answer | Exception], None]) -> None:
        """Submits a job; `answered` gets its answer or the first error. `requests` holds what is under way."""
        ids: list[int] = []
        try:
            for request in job.requests(self._tokenizer):
                ids.append(self._core.submit(request))
        except Exception as error:  # noqa: BLE001 - the root cause becomes the program's error
            for submitted in ids:
                self._core.cancel(submitted)
            answered(error)
            return
        events: list[Finished | None] = [None] * len(ids)
        requests.update(ids)

        def receive(position: int) -> Callable[[Event], None]:
            def handle(event: Event) -> None:
                requests.discard(event.request)
                if isinstance(event, Failed):
                    for other in ids:
                        if self._on_event.pop(other, None) is not None:
                            requests.discard(other)
                            self._core.cancel(other)
                    answered(event.error)
                    return
                events[position] = event
                finished = [each for each in events if each is not None]
                if len(finished) == len(events):
                    answered(job.answer(finished, self._decode))

            return handle

        for position, request in enumerate(ids):
            self._on_event[request] = receive(position)

    def _fire(self, call: Call, index: int) -> None:
        step = call.program.steps[index]
        op = call.program.ops[step.op]
        try:
            job = self._job(call, op, (call.row, step.order))
        except Exception as error:  # noqa: BLE001 - the root cause becomes the program's error
            self._fail(call, op.loc, error)
            return

        def answered(answer: Answer | Exception) -> None:
            if isinstance(answer, Exception):
                self._fail(call, op.loc, answer)
                return
            call.values[op] = answer
            call.remaining -= 1
            for waiter in call.program.waiters[index]:
                call.waiting[waiter] -= 1
                if call.waiting[waiter] == 0 and not call.ended:
                    self._fire(call, waiter)
            if call.remaining == 0 and not call.ended:
                self._finish(call)

        self.ask(job, call.requests, answered)

    def _job(self, call: Call, op: Op, order: tuple[int, ...]) -> Job:
        if isinstance(op, Gen):
            sampling = op.sampling.filled_from(call.sampling).filled_from(DEFAULT_SAMPLING)
            seed = draw_seed(sampling.seed) if sampling.seed is not None else draw_seed(call.seed, call.row, op.sample)
            automaton = None if op.regex is None else call.program.automata[op.regex]
            return DecodeJob(_prompt(_value(call, op.state)), sampling, seed, automaton, order)
        assert isinstance(op, Select)
        for part in (part for choice in op.choices for part in flattened(choice)):
            if not isinstance(part, (str, Role)):
                _value(call, part.text if isinstance(part, Trusted) else part)
        choices = tuple(_pieces(choice, call.values) for choice in op.choices)
        return ScoreJob(_prompt(_value(call, op.state)), choices, order)

    def _finish(self, call: Call) -> None:
        graph = call.program.graph
        try:
            for output in graph.outputs():
                _value(call, output)
            prompt = _prompt(call.values[graph.final])
            outcome = Outcome(
                text=self._tokenizer.render(prompt),
                messages=chat_messages(prompt),
                variables={name: map_leaves(tree, call.values.__getitem__) for name, tree in graph.variables.items()},
                value=map_leaves(graph.value, call.values.__getitem__),
                meta=_meta(call),
            )
        except Exception as error:  # noqa: BLE001 - the root cause becomes the program's error
            self._fail(call, None, error)
            return
        call.ended = True
        call.done(outcome)

    def _fail(self, call: Call, where: Location | None, error: Exception) -> None:
        if call.ended:
            return
        self.cancel(call)
        # What was answered before the failure is kept: a batch keeps what it paid for.
        variables = {
            name: map_leaves(tree, lambda op: call.values[op.state].text if isinstance(op, Read) else call.values[op])
            for name, tree in call.program.graph.variables.items()
            if all(op in call.values or (isinstance(op, Read) and op.state in call.values) for op in leaves(tree))
        }
        call.done(Outcome(variables=variables, meta=_meta(call), error=located(error, where)))


def _meta(call: Call) -> dict[str, Any]:
    """For each variable that a gen or select filled, what is known about the answer; a list for a list."""

    def of(tree: Tree) -> Any:
        if isinstance(tree, Read):
            answer = call.values.get(tree.state)
            return None if answer is None else answer.meta
        return [of(item) for item in tree] if isinstance(tree, list) else None

    found = {name: of(tree) for name, tree in call.program.graph.variables.items()}
    return {name: meta for name, meta in found.items() if meta is not None and meta != [None] * len(meta)}


def located(error: Exception, where: Location | None) -> SglcError:
    """The error with the user's line: the same kind where it is one of ours, a `RunError` with its cause where not."""
    if isinstance(error, SglcError):
        if error.where is not None or where is None:
            return error
        moved = type(error)(error.what, where=where, hint=error.hint)
        moved.__cause__ = error.__cause__
        return moved
    wrapped = RunError(f"{type(error).__name__}: {error}", where=where)
    wrapped.__cause__ = error
    return wrapped


def _value(call: Call, wanted: Op) -> Any:
    """The value of an op whose steps have all answered; computed once a call, without recursion."""
    values, needs = call.values, call.program.operands
    stack = [wanted]
    while stack:
        op = stack[-1]
        if op in values:
            stack.pop()
        elif missing := [operand for operand in needs[op] if operand not in values]:
            stack.extend(missing)
        else:
            values[op] = _computed(op, values, call.texts)
            stack.pop()
    return values[wanted]


def _computed(op: Op, values: Mapping[Op, Any], texts: Mapping[str, str]) -> Any:
    """A state is a `Prompt`, or the `Answer` of a gen or select; a text is a str."""
    match op:
        case Root():
            return ()
        case Append(state=state, parts=parts):
            return (*_prompt(values[state]), *_pieces(parts, values))
        case Read(state=state):
            return values[state].text
        case Format(parts=parts):
            return "".join(piece.text for piece in _pieces(parts, values) if isinstance(piece, Text))
        case Param(name=name):
            return texts[name]
        case Image():
            raise RunError(
                "this model takes text only", where=op.loc, hint="leave images out, or load a model for images"
            )
        case _:
            raise RunError(f"{type(op).__name__} has no answer yet", where=op.loc)


def _prompt(value: Prompt | Answer) -> Prompt:
    return value.prompt if isinstance(value, Answer) else value


def _pieces(parts: Sequence[Part], values: Mapping[Op, Any]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for part in flattened(parts):
        if isinstance(part, str):
            pieces.append(Text(part, trusted=True))
        elif isinstance(part, Role):
            pieces.append(part)
        elif isinstance(part, Trusted):
            pieces.append(Text(values[part.text], trusted=True))
        else:
            pieces.append(Text(values[part], trusted=False))
    return tuple(pieces)
