"""A compiled program with its Python function beside it: it goes on where no path was compiled, and is checked.

The runtime asks `leave` for the way on at an exit: the body runs again with what is known by then, and what it does next
becomes a block, kept for the next run that gets there with the same values. `check` compares a run with a replay of the
body on the real strings: the first one along each path, and each one along a path on which Python's own string methods
may have seen a placeholder. A difference is reported with its line, and the row is run by plain Python instead.
"""

from __future__ import annotations

import copy
import itertools
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sglc.compiler import Compiled
from sglc.interpreter import Asked, followed, interpret
from sglc.ir.errors import ConstraintError, Location, RunError, SglcError
from sglc.ir.graph import End, Region, Switch, map_leaves
from sglc.ir.ops import Call, Gen, Meta, Numbered, Op, Render, Select, operands
from sglc.language.arguments import Arguments, replace_texts
from sglc.language.orders import FreeOrders
from sglc.language.symbolic import raised_at
from sglc.runtime.executor import Run, located
from sglc.runtime.jobs import Outcome
from sglc.runtime.program import Block, BodyRaised, Program, arguments_of, key_of, pieces_of
from sglc.runtime.runner import Runner
from sglc.trace.confirm import differs, differs_from_itself
from sglc.trace.explore import Origin, Traced, switch_at
from sglc.trace.known import AskedOtherwise
from sglc.trace.repeatable import not_repeatable
from sglc.trace.replay import Answers, Events, choices_of, normal, plain, question_of, replay, shown
from sglc.trace.tracer import record

MAX_WAYS = 2_000
"""Ways on from exits that a program keeps; the oldest go first."""

NEVER_GIVEN = "\ue000never given\ue000"
"""Stands in a replay for an answer that the run did not need. It must show where the body does need it, so it is like no
text and not empty."""


class LiveProgram:
    """One program for arguments of one shape, and on the backends that it ran on.

    orders: of the parts whose order is free; the function's own runs follow it, too.
    distrusted: a run did something else than its graph; the program is to be traced again, with real strings only.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Arguments,
        traced: Traced,
        compiled: Compiled,
        n: int | None = None,
    ) -> None:
        self.compiled = compiled
        self.orders = FreeOrders(compiled.graph.orders)
        self.distrusted = False
        self._function = function
        self._arguments = arguments
        self._traced = traced
        self._n = n
        self._numbers = itertools.count(max(traced.origins, default=-1) + 1)
        self._ways: deque[tuple[Block, tuple[Any, ...]]] = deque()  # where the ways are kept, the oldest first
        self._programs: dict[int, tuple[Runner, Program]] = {}

    def program(self, backend: Runner) -> Program:
        """What the runtime runs; made once for each backend."""
        known = self._programs.get(id(backend))
        if known is None or known[0] is not backend:
            known = self._programs[id(backend)] = backend, self._made(backend)
        return known[1]

    def _made(self, backend: Runner) -> Program:
        compiled = self.compiled
        part = compiled.for_model(backend.tokenizer)
        program = Program(
            compiled.graph,
            compiled.schedule,
            {constraint: backend.follow(made) for constraint, made in part.automata.items()},
            self._traced.hosts,
            lambda run, switch, values: self._leave(run, values, backend),
            lambda run, error: self._check(run, error, backend),
        )
        for block, risky in zip(_blocks(program.entry), self._traced.risky, strict=True):
            block.risky = risky
            if isinstance(block.end, Switch):
                block.origin = self._traced.origins[block.end.number]
        return program

    def _leave(self, run: Run, values: tuple[Any, ...], backend: Runner) -> Block | Outcome:
        """The block that follows the run's last one for these values; or the outcome to take instead, where the body
        does not come here with the real texts."""
        block, program = run.block, run.program
        origin: Origin = block.origin
        known = origin.question.answered(origin.known, values)
        if known == origin.known:  # it would ask the same for ever
            raise RunError(f"an exit that leads nowhere: {origin.question.why}", hint="please report this program")
        earlier = {op.number: op for op in _numbered(run)}
        hosts = self._traced.hosts
        try:
            recorded = record(
                self._function, self._arguments, known, earlier, program.params, hosts, self._n, self.orders
            )
        except AskedOtherwise as other:
            return self._instead(run, _events(run), other.where, backend)
        except SglcError:
            raise
        except Exception as error:
            raised = located(error, raised_at(error, self._function.__code__.co_filename))
            had = self._replayed(run, _events(run)).variables
            raise BodyRaised(raised, had) from error
        program.hosts.update(hosts)
        end = recorded.end
        if not isinstance(end, End):
            end = switch_at(recorded.final, end, next(self._numbers))
        region = Region(_needed(recorded.body, end), end)
        for op in region.body:
            if isinstance(op, Gen) and op.constraint is not None:
                try:
                    program.automata[op.constraint] = followed(op.constraint, op.sampling, backend)
                except ConstraintError as error:
                    raise located(error, op.loc) from error
        found = program.block(region)
        found.risky = recorded.risky
        if not isinstance(recorded.end, End):
            found.origin = Origin(known, recorded.end)
        self._keep(block, key_of(values), found)
        return found

    def _keep(self, block: Block, values: tuple[Any, ...], way: Block) -> None:
        block.cases[values] = way
        self._ways.append((block, values))
        if len(self._ways) > MAX_WAYS:
            oldest, key = self._ways.popleft()
            oldest.cases.pop(key, None)

    def _check(self, run: Run, error: Exception | None, backend: Runner) -> Outcome | None:
        """Compares a run that has ended with a replay of the body; the outcome to take instead, where they differ. A step
        that failed may be one that the body does not take."""
        risky = [block.risky for block in run.path if block.risky is not None]
        if error is not None:
            return self._after_failure(run, backend) if risky else None
        expected = _events(run)
        unknown: set[int] = set()
        where = differs(expected, self._replayed(run, expected, unknown))
        if where is not None:
            return self._instead(run, expected, where, backend)
        if not unknown.isdisjoint(itertools.chain(*risky)):  # the body may have looked at what the graph left out
            return self._interpreted(run, backend)
        run.block.checked = not risky
        return None

    def _replayed(self, run: Run, events: Events, unknown: set[int] | None = None) -> Events:
        """unknown: gets the numbers of the answers that the run does not have."""
        return replay(self._function, self._arguments, run.texts, _answers(run, events, unknown), self._n, self.orders)

    def _after_failure(self, run: Run, backend: Runner) -> Outcome:
        """What plain Python does, where a step failed that a marker may have misled."""
        outcome = self._interpreted(run, backend)
        if outcome.error is None:  # of several failing steps, which run at once, another may be the first
            self._distrust(f"{self._function.__name__}: the compiled program failed where its function does not")
        return outcome

    def _instead(self, run: Run, events: Events, where: Location, backend: Runner) -> Outcome:
        """What plain Python does, where the graph does something else. Raises `ProgramError` for a body that differs from
        itself."""
        if (itself := differs_from_itself(self._replayed(run, events), self._replayed(run, events))) is not None:
            raise not_repeatable(self._function, itself)
        self._distrust(f"{where}: the compiled program did something else than its function does with these texts")
        return self._interpreted(run, backend)

    def _distrust(self, why: str) -> None:
        self.distrusted = True
        what = "the row is run again by plain Python, and the program is traced anew"
        warnings.warn(f"{why}; {what}", RuntimeWarning, stacklevel=3)

    def _interpreted(self, run: Run, backend: Runner) -> Outcome:
        values = replace_texts(self._arguments, run.texts.__getitem__)
        arguments = Arguments(values, dict(run.texts), self._arguments.statics)
        answered: dict[Asked, Any] = {}
        for number, call in _events(run).calls.items():
            op = next(op for op in _numbered(run) if op.number == number)
            if isinstance(op, Gen | Select):
                answered[number, repr(question_of(call))] = run.answers[op]
            elif isinstance(op, Call):
                answered[number, repr(question_of(call))] = run.values[op]
        return interpret(
            self._function, arguments, backend, run.sampling, run.seed, run.row, self._n, answered, self.orders
        )


def _needed(body: Sequence[Op], end: End | Switch) -> tuple[Op, ...]:
    """The ops of a region that something needs; before an exit, where the program may still ask for it, also what has
    a number. (`drop_dead` for one region, without a walk through those around it.)"""
    always = Call if isinstance(end, End) else Numbered
    live = {op for op in body if isinstance(op, always)}
    live.update(end.outputs())
    for op in reversed(body):
        if op in live:
            live.update(operands(op))
    return tuple(op for op in body if op in live)


def _blocks(entry: Block) -> Iterator[Block]:
    """The blocks of the compiled graph, in the order of its regions."""
    stack = [entry]
    while stack:
        block = stack.pop()
        yield block
        stack.extend(reversed(block.cases.values()))


def _numbered(run: Run) -> Iterator[Numbered]:
    for block in run.path:
        for op in block.body:
            if isinstance(op, Numbered):
                yield op


def _events(run: Run) -> Events:
    """What the run did."""
    events = Events()
    values = run.values
    for op in _numbered(run):
        if op not in values:
            continue
        match op:
            case Gen():
                call: tuple[Any, ...] = ("gen", normal(values[op.state]), op.name, op.sampling, op.constraint)
            case Select():
                call = ("select", normal(values[op.state]), op.name, _choices(run, op), op.method)
            case Call():
                call = ("call", op.function.partition("#")[0], *_arguments(run, op))
            case Meta():
                call = ("meta", normal(values[op.state]))
            case Render():
                call = ("text", shown(normal(values[op.state])), shown(normal(values[op.since])))
        events.calls[op.number] = call
        events.places[op.number] = op.loc
    end = run.block.end
    if run.failing or not isinstance(end, End):
        return events

    def prompt(op: Op) -> Any:
        return normal(values[op])

    variables = {name: variable(run) for name, variable in run.block.variables.items()}
    answers = {name: map_leaves(tree, prompt) for name, tree in end.answers.items()}
    events.end = ("ends", normal(values[end.final]), variables, answers, run.block.values(run))
    return events


def _choices(run: Run, op: Select) -> tuple[str, ...]:
    return tuple(shown(normal(pieces_of(choice)(run))) for choice in op.choices)


def _values(op: Call, run: Run) -> tuple[list[Any], list[Any]]:
    """What a host function was given: its arguments, and those by keyword."""
    return arguments_of(op.arguments)(run), arguments_of(tuple(value for _, value in op.keywords))(run)


def _arguments(run: Run, op: Call) -> tuple[Any, Any]:
    arguments, keywords = _values(op, run)
    return plain(tuple(arguments)), plain(dict(zip((key for key, _ in op.keywords), keywords, strict=True)))


def _answers(run: Run, events: Events, unknown: set[int] | None) -> Answers:
    """What the run was answered, by number. What the graph left out has the answer of its twin, where it was left out
    because it has one, and NEVER_GIVEN, or a choice, where it was because nothing needs it: this one is `unknown`."""
    by_number: Mapping[int, Op] = {op.number: op for op in _numbered(run) if op in run.values}
    twins = {question_of(call): number for number, call in events.calls.items()}

    def answer(number: int, call: tuple[Any, ...]) -> Any:
        op = by_number.get(number) or by_number.get(twins.get(question_of(call), -1))
        if op is None:
            if unknown is not None:
                unknown.add(number)
            return max(choices_of(call), default=NEVER_GIVEN)  # of the choices not the empty one
        return run.answers[op].text if isinstance(op, Gen | Select) else copy.deepcopy(run.values[op])

    return answer
