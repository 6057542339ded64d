"""A compiled program with its Python function beside it: it goes on where no path was compiled, and is checked.

The runtime asks `leave` for the way on at an exit: the body runs again with what is known by then, and what it does next
becomes a block, kept for the next run that gets there with the same values. `check` compares a run with a replay of the
body on the real strings: the first one along each path, and each one along a path on which Python's own string methods
may have seen a placeholder. A difference is reported with its line, and the row is run by plain Python instead.
"""

from __future__ import annotations

import copy
import itertools
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Literal
from weakref import ReferenceType, WeakKeyDictionary, ref

from sglc.compiler import Compiled
from sglc.guards import Guard
from sglc.interpreter import Asked, Notes, followed, interpret
from sglc.ir.errors import ENDS_ALL, ConstraintError, Location, ProgramError, RunError, SglcError
from sglc.ir.graph import End, Region, Switch, map_leaves
from sglc.ir.ops import Call, Gen, Meta, Numbered, Op, Primitive, Render, Sampling, Select, operands
from sglc.language.arguments import Arguments
from sglc.language.host_function import Host, same_function
from sglc.language.orders import FreeOrders
from sglc.language.symbolic import raised_at
from sglc.runtime.executor import located
from sglc.runtime.jobs import Outcome
from sglc.runtime.program import Block, BodyRaised, CalledOtherwise, Instead, Program, Run, key_of
from sglc.runtime.runner import Runner
from sglc.runtime.values import arguments_of, pieces_of
from sglc.trace.blame import culprit
from sglc.trace.confirm import changes_outside, differs, differs_from_itself
from sglc.trace.effects import no_effects
from sglc.trace.explore import Origin, Traced, switch_at
from sglc.trace.known import AskedOtherwise
from sglc.trace.repeatable import not_repeatable, start_of
from sglc.trace.replay import Answers, Events, NoAnswer, choices_of, normal, plain, question_of, replay, same, shown
from sglc.trace.tracer import Risk, record
from sglc.trace.untraceable import Untraceable, refuse_own_tools

MAX_WAYS = 2_000
"""Ways on from exits that a program keeps; the oldest go first."""

MAX_UNTRACED = 3
"""Runs that come from an exit to what no trace can hold; then all that come to an exit are plain Python's at once."""

NEVER_GIVEN = "\ue000never given\ue000"
"""Stands in a replay for an answer that the run did not need. It must show where the body does need it, so it is like no
text and not empty."""


class LiveProgram:
    """One program for arguments of one shape, and on the backends that it ran on.

    guard: what the function reads outside of it. by_python: its runs are plain Python's.
    orders: of the parts whose order is free; the function's own runs follow it, too.
    distrusted: a run did something else than its graph; the program is to be traced again, with real strings only.
    changed_by_tools: its host functions change what the function reads; no graph of it is right for a whole run. It is seen
    when a run has been plain Python's (`witnessed`), or in a check. is_witnessed: no run has to be.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Arguments,
        traced: Traced,
        compiled: Compiled,
        n: int | None = None,
        guard: Guard | None = None,
        is_witnessed: bool = False,
    ) -> None:
        self.by_python = traced.by_python
        self.compiled = compiled
        self.orders = FreeOrders(compiled.graph.orders)
        self.distrusted = False
        self.changed_by_tools = False
        self.refusal: ProgramError | None = None
        self._shares_with_tools = guard is not None and bool(traced.hosts) and guard.shares_with(traced.tools)
        self.is_witnessed = is_witnessed or traced.by_python or not self._shares_with_tools
        self._untraced = 0
        self._file = traced.file
        self._function = function
        self._guard = guard
        # Of what is noted; never held while a body runs, which may wait for a lock itself.
        self._lock = threading.Lock()
        self._arguments = arguments
        self._traced = traced
        self._n = n
        self._numbers = itertools.count(max(traced.origins, default=-1) + 1)
        self._ways: deque[tuple[Block, tuple[Any, ...]]] = deque()  # where the ways are kept, the oldest first
        self._programs: WeakKeyDictionary[Runner, Program] = WeakKeyDictionary()

    @property
    def statics(self) -> Mapping[str, Any]:
        """The arguments that are fixed in it, by path."""
        return self._arguments.statics

    @property
    def may_be_kept(self) -> bool:
        """Whether later runs may use it: what a file said may not be so any more."""
        return self.refusal is None and not self.distrusted and not self.changed_by_tools and self._file is None

    def warn_of_files(self) -> None:
        """Says once what it costs to read a file in a body."""
        if self._file is not None:
            what = "reads a file, which may have changed at the next run, so it is compiled anew for each"
            hint = "read it outside of the body, or give its text as an argument"
            warnings.warn(f"{self._file}: {self._function.__name__} {what}; {hint}", RuntimeWarning, stacklevel=2)

    def witnessed(self, row: Arguments, backend: Runner, sampling: Sampling, seed: int, number: int) -> Outcome | None:
        """The outcome of a run by plain Python, where host functions can reach what the function reads, until one such run
        has shown that they do not change it. None where none is needed."""
        if self.is_witnessed:
            return None
        notes: Notes = {}
        outcome = interpret(
            self._function, row, backend, sampling, seed, number, self._n, orders=self.orders, notes=notes
        )
        if self._guard is None or self._guard.holds() or not self._does_otherwise(row, outcome, notes):
            self.is_witnessed = True
        else:
            self._note_change(None)
        return outcome

    def _does_otherwise(self, row: Arguments, outcome: Outcome, notes: Notes) -> bool:
        """Whether the body does something else now with what a run of plain Python was answered."""

        def answer(number: int, call: tuple[Any, ...]) -> Any:
            if number not in notes:
                raise NoAnswer
            return copy.deepcopy(notes[number][1])

        before = Guard(self._function, classes=self._arguments.classes)
        try:
            with no_effects(self._function, self._guard):
                again = replay(self._function, row, row.texts, answer, self._n, self.orders)
        except Untraceable:  # what the body does in the world is its own: it is run as it is when it comes there
            return False
        finally:
            before.restore()
        if any(asked is not None and not same(asked, again.calls.get(number)) for number, (asked, _) in notes.items()):
            return True
        if outcome.error is not None or again.end is None:
            return False
        kind, prompt, variables, _, value = (*again.end, None, None)[:5]
        return kind != "ends" or not same(
            (prompt, variables, value), (normal(outcome.prompt), outcome.variables, outcome.value)
        )

    def program(self, backend: Runner) -> Program:
        """What the runtime runs; made once for each backend."""
        known = self._programs.get(backend)
        if known is None:
            known = self._programs[backend] = self._made(backend)
        return known

    def _made(self, backend: Runner) -> Program:
        compiled = self.compiled
        part = compiled.for_model(backend.tokenizer)
        there = ref(backend)  # the program lives as long as its function does, and the model need not
        program = Program(
            compiled.graph,
            compiled.schedule,
            {constraint: backend.follow(made) for constraint, made in part.automata.items()},
            self._traced.hosts,
            lambda run, switch, values: self._leave(run, values, _alive(there)),
            lambda run, error: self._check(run, error, _alive(there)),
            lambda run, step: self._certain(run, step, _alive(there)),
        )
        for block, risk in zip(_blocks(program.entry), self._traced.risks, strict=True):
            _note_risk(block, risk, confirmed=True)
            if isinstance(block.end, Switch):
                block.origin = self._traced.origins[block.end.number]
        return program

    def _leave(self, run: Run, values: tuple[Any, ...], backend: Runner) -> Block | Instead:
        """The block that follows the run's last one for these values, where the body comes here with the real texts."""
        if self.by_python:
            return partial(self._interpreted, run, backend)
        block, program = run.block, run.program
        origin: Origin = block.origin
        known = origin.question.answered(origin.known, values)
        if known == origin.known:  # it would ask the same for ever
            raise RunError(f"an exit that leads nowhere: {origin.question.why}", hint="please report this program")
        earlier = {op.number: op for op in _numbered(run)}
        hosts = dict(self._traced.hosts)
        record_on = partial(
            record,
            self._function,
            self._arguments,
            known,
            earlier,
            program.params,
            hosts,
            self._n,
            self.orders,
            self._traced.names_files,
        )
        try:
            with (
                self._refusing_changes(run),
                no_effects(self._function, self._guard, first=not block.cases),
            ):
                recorded = record_on()
            if self._guard is not None and len(hosts) > len(self._traced.hosts):
                refuse_own_tools(self._function, self._guard, recorded.body, hosts)
        except AskedOtherwise as other:
            return partial(self._instead, run, other.where, backend)
        except Untraceable as error:
            warn_of_python(error)
            self._untraced += 1
            self.by_python = self._untraced >= MAX_UNTRACED
            return partial(self._interpreted, run, backend)
        except SglcError:
            raise
        except ENDS_ALL:
            raise
        except BaseException as error:
            if any(
                each.doubts is not None for each in run.path
            ):  # the answers that it has may be those of another path
                return partial(self._after_failure, run, backend)
            raised = located(error, raised_at(error, self._function.__code__.co_filename))
            had = self._replayed(run, _events(run)).variables
            raise BodyRaised(raised, had) from error
        if not self._has_named(hosts):
            return self._leave(run, values, backend)
        program.hosts.update(hosts)
        if self._file is None and recorded.file is not None:
            self._file = recorded.file
            self.warn_of_files()
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
        _note_risk(found, recorded.risk, confirmed=False)
        if not isinstance(recorded.end, End):
            found.origin = Origin(known, recorded.end)
        return self._kept(block, key_of(values), found)

    @contextmanager
    def _refusing_changes(self, run: Run) -> Generator[None]:
        """For a run of the body on real texts, which may be the first to come to some line of it. Raises `ProgramError` where it
        changes something outside of it, which is as it was before then."""
        guard = self._guard
        if guard is None or self._shares_with_tools or not guard.holds():  # others change that, too
            yield
            return
        try:
            yield
        finally:
            if not guard.holds():
                self._refuse_changes(run, guard)

    def _refuse_changes(self, run: Run, before: Guard) -> None:
        events = _calls(run)
        end = max(events.calls, default=-1) + 1

        def body() -> None:
            with suppress(Exception):
                self._replayed(run, events, end=end)

        found = culprit(
            lambda: (body,), lambda: Guard(self._function, self._traced.tools, self._arguments.classes), before
        )
        if found is not None:
            where, what = found
            self.refusal = changes_outside(self._function, what, where)
            raise self.refusal

    def _has_named(self, hosts: Mapping[str, Host]) -> bool:
        """Notes the names of host functions; False where another thread has given one to another function meanwhile."""
        with self._lock:
            known = self._traced.hosts
            if any(not same_function(known.get(name, host).function, host.function) for name, host in hosts.items()):
                return False
            known.update(hosts)
            return True

    def _kept(self, block: Block, values: tuple[Any, ...], way: Block) -> Block:
        """The way on from a block: this one, or that which another thread has made meanwhile."""
        with self._lock:
            kept = block.cases.setdefault(values, way)
            if kept is way:
                self._ways.append((block, values))
            if len(self._ways) > MAX_WAYS:
                oldest, key = self._ways.popleft()
                oldest.cases.pop(key, None)
        return kept

    def _certain(self, run: Run, step: Primitive, backend: Runner) -> Literal[True] | Instead | None:
        """Whether the body gets to a step with the real texts and asks there what the graph says; None where answers that
        it may have looked at by then are still to come."""
        looked_at = _looked_at(run, step)
        if any(op.number in looked_at for block in run.path for op in _missing(block, run)):
            return None
        expected = _calls(run, step.number)
        expected.calls[step.number] = _call(run, step)
        expected.places[step.number] = step.loc
        unknown: set[int] = set()
        found = self._replayed(run, expected, unknown, end=step.number + 1)
        where = differs(expected, found)
        if where is not None and self._is_misled_by_tools(expected, found, where):
            return True
        if not unknown.isdisjoint(looked_at):  # the graph left them out
            return partial(self._interpreted, run, backend)
        if where is not None:
            return partial(self._instead, run, where, backend)
        return True

    def _check(self, run: Run, error: Exception | None, backend: Runner) -> Instead | None:
        """Compares a run that has ended with a replay of the body. A step that failed may be one that the body does not
        take."""
        risks: list[Risk] = [block.risk for block in run.path if block.risk is not None]
        if isinstance(error, CalledOtherwise):  # plain Python takes it as it is
            warn_of_python(error)
            return partial(self._interpreted, run, backend)
        if error is not None:
            if risks:
                return partial(self._after_failure, run, backend)
            first = min((op.number for block in run.path for op in _missing(block, run)), default=None)
            raise BodyRaised(error, self._replayed(run, _calls(run), end=first).variables)
        expected = _events(run)
        unknown: set[int] = set()
        found = self._replayed(run, expected, unknown)
        where = differs(expected, found)
        if where is not None and self._is_misled_by_tools(expected, found, where):
            return None
        if where is not None:
            return partial(self._instead, run, where, backend)
        if not unknown.isdisjoint(
            itertools.chain(*(risk.answers for risk in risks))
        ):  # the body may have looked at what the graph left out
            return partial(self._interpreted, run, backend)
        for block in run.path:
            if block.risk is None:
                block.doubts = None
        run.block.checked = not risks
        return None

    def _is_misled_by_tools(self, expected: Events, found: Events, where: Location) -> bool:
        """Whether a replay tells nothing, and to go on by plain Python would call host functions again, with other arguments:
        they have changed what the function reads before it calls them. The run's own calls were right when they were made."""
        called = max((number for number, call in expected.calls.items() if call[0] == "call"), default=None)
        if called is None or self._guard is None or self._guard.holds():
            return False
        self._note_change(where)
        asked = ((call, found.calls.get(number)) for number, call in expected.calls.items() if number <= called)
        return any(call != other and not same(call, other) for call, other in asked)

    def _note_change(self, where: Location | None) -> None:
        """where: of what a run may have read too early; None for a run of plain Python's."""
        if self.changed_by_tools:
            return
        self.changed_by_tools = True
        early = "" if where is None else "this run may have read it before they did, and "
        what = f"reads what its host functions change: {early}its runs are plain Python's from now on, as with mode='interpret'"
        hint = "read that in a host function, to keep the program compiled"
        name = self._function.__name__
        warnings.warn(f"{where or start_of(self._function)}: {name} {what}; {hint}", RuntimeWarning, stacklevel=3)

    def _replayed(self, run: Run, events: Events, unknown: set[int] | None = None, end: int | None = None) -> Events:
        """unknown: gets the numbers of the answers that the run does not have. end: the number that it goes up to."""
        answers = _answers(run, events, unknown, end)
        with no_effects(self._function, self._guard):
            return replay(self._function, self._arguments, run.texts, answers, self._n, self.orders)

    def _after_failure(self, run: Run, backend: Runner) -> Outcome:
        """What plain Python does, where a step failed that a marker may have misled."""
        outcome = self._interpreted(run, backend)
        if outcome.error is None:  # of several failing steps, which run at once, another may be the first
            self._distrust(f"{self._function.__name__}: the compiled program failed where its function does not")
        return outcome

    def _instead(self, run: Run, where: Location, backend: Runner) -> Outcome:
        """What plain Python does, where the graph does something else. Raises `ProgramError` for a body that differs from
        itself."""
        events = _events(run)
        if (itself := differs_from_itself(self._replayed(run, events), self._replayed(run, events))) is not None:
            raise not_repeatable(self._function, itself)
        self._distrust(f"{where}: the compiled program did something else than its function does with these texts")
        return self._interpreted(run, backend)

    def _distrust(self, why: str) -> None:
        self.distrusted = True
        what = "the row is run again by plain Python, and the program is traced anew"
        warnings.warn(f"{why}; {what}", RuntimeWarning, stacklevel=3)

    def _interpreted(self, run: Run, backend: Runner) -> Outcome:
        answered: dict[Asked, Any] = {}
        for number, call in _events(run).calls.items():
            op = next(op for op in _numbered(run) if op.number == number)
            if isinstance(op, Gen | Select):
                answered[number, repr(question_of(call))] = run.answers[op]
            elif isinstance(op, Call):
                answered[number, repr(question_of(call))] = run.values[op]
        for op, error in run.failed.items():
            assert isinstance(op, Call)
            answered[op.number, repr(question_of(_call(run, op)))] = error
        return interpret(
            self._function, run.given, backend, run.sampling, run.seed, run.row, self._n, answered, self.orders
        )


def warn_of_python(why: SglcError) -> None:
    """Says what it costs that a trace cannot hold something."""
    what = "such runs are plain Python's, one after another, as with mode='interpret'"
    warnings.warn(f"{why.where}: {why.what}; {what}. To compile it, {why.hint}", RuntimeWarning, stacklevel=3)


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


def _alive(there: ReferenceType[Runner]) -> Runner:
    """The backend, while a run on it is under way."""
    backend = there()
    assert backend is not None
    return backend


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


def _note_risk(block: Block, risk: Risk | None, *, confirmed: bool) -> None:
    """confirmed: whether it was tried on invented strings (`sglc.trace.confirm`); else all is in doubt until a run has been
    checked."""
    block.risk = risk
    if risk is not None:
        block.doubts = risk.steps
    elif not confirmed:
        block.doubts = frozenset(plan.op.number for plan in block.plans)


def _looked_at(run: Run, step: Primitive) -> frozenset[int]:
    """The numbers of the answers that the body may have looked at before it came to a step in doubt; none where another
    run has been checked meanwhile, in another thread."""
    risks = (block.risk for block in run.path if (doubts := block.doubts) and step.number in doubts)
    risk: Risk | None = next(risks, None)
    return frozenset(() if risk is None else risk.answers[: risk.steps[step.number]])


def _missing(block: Block, run: Run) -> Iterator[Primitive]:
    """The steps of a block that have not answered."""
    return (plan.op for plan in block.plans if plan.op not in run.values)


def _events(run: Run) -> Events:
    """What the run did, and how it ended."""
    events = _calls(run)
    end = run.block.end
    if run.failing or not isinstance(end, End):
        return events

    values = run.values

    def prompt(op: Op) -> Any:
        return normal(values[op])

    variables = {name: variable(run) for name, variable in run.block.variables.items()}
    answers = {name: map_leaves(tree, prompt) for name, tree in end.answers.items()}
    events.end = ("ends", normal(values[end.final]), variables, answers, run.block.values(run))
    return events


def _calls(run: Run, end: int | None = None) -> Events:
    """What the run asked and was answered, up to a number."""
    events = Events()
    for op in _numbered(run):
        if op in run.values and (end is None or op.number < end):
            events.calls[op.number] = _call(run, op)
            events.places[op.number] = op.loc
    return events


def _call(run: Run, op: Numbered) -> tuple[Any, ...]:
    """What the run asked at an op, as `Events` has it."""
    values = run.values
    match op:
        case Gen():
            return ("gen", normal(values[op.state]), op.name, op.sampling, op.constraint)
        case Select():
            return ("select", normal(values[op.state]), op.name, _choices(run, op), op.method)
        case Call():
            return ("call", op.function.partition("#")[0], *_arguments(run, op))
        case Meta():
            return ("meta", normal(values[op.state]))
        case Render():
            return ("text", shown(normal(values[op.state])), shown(normal(values[op.since])))


def _choices(run: Run, op: Select) -> tuple[str, ...]:
    return tuple(shown(normal(pieces_of(choice)(run))) for choice in op.choices)


def _values(op: Call, run: Run) -> tuple[list[Any], list[Any]]:
    """What a host function was given: its arguments, and those by keyword."""
    return arguments_of(op.arguments)(run), arguments_of(tuple(value for _, value in op.keywords))(run)


def _arguments(run: Run, op: Call) -> tuple[Any, Any]:
    arguments, keywords = _values(op, run)
    return plain(tuple(arguments)), plain(dict(zip((key for key, _ in op.keywords), keywords, strict=True)))


def _answers(run: Run, events: Events, unknown: set[int] | None, end: int | None) -> Answers:
    """What the run was answered, by number, up to `end`. What the graph left out has the answer of its twin, where it was left out
    because it has one, and NEVER_GIVEN, or a choice, where it was because nothing needs it: this one is `unknown`."""
    by_number: Mapping[int, Op] = {op.number: op for op in _numbered(run) if op in run.values}
    twins = {question_of(call): number for number, call in events.calls.items()}

    def answer(number: int, call: tuple[Any, ...]) -> Any:
        if end is not None and number >= end:
            raise NoAnswer
        op = by_number.get(number) or by_number.get(twins.get(question_of(call), -1))
        if op is None:
            if unknown is not None:
                unknown.add(number)
            return max(choices_of(call), default=NEVER_GIVEN)  # of the choices not the empty one
        return run.answers[op].text if isinstance(op, Gen | Select) else copy.deepcopy(run.values[op])

    return answer
