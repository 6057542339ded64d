"""A dataflow machine: runs programs on a model, all of them in one loop, no thread a program.

A step fires when the steps it waits for have answered; a switch when its subjects are known, and then the steps of the
case's block. A failing step fails its program with the root cause and the user's line; other programs go on. What runs
the user's Python (host functions, ways on that were not compiled, checks) runs off the loop and comes back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sglc.ir.errors import Location, RunError, SglcError, in_words
from sglc.ir.graph import End, Switch, leaves
from sglc.ir.ops import Call, Gen, Select, prompts
from sglc.runtime.desk import Owner
from sglc.runtime.engine.family import Family
from sglc.runtime.futures import Future
from sglc.runtime.jobs import Answer, DecodeJob, Job, Outcome, ScoreJob
from sglc.runtime.port import Port
from sglc.runtime.program import (
    Block,
    BodyRaised,
    CalledOtherwise,
    Check,
    Frame,
    Host,
    Instead,
    Plan,
    Run,
    key_of,
)
from sglc.runtime.values import answers_below, inputs_of
from sglc.runtime.workers import Workers


class _Running(Owner):
    """A step at the port."""

    __slots__ = ("executor", "frame", "plan", "run")

    def __init__(self, executor: Executor, run: Run, frame: Frame, plan: Plan) -> None:
        self.executor = executor
        self.run = run
        self.frame = frame
        self.plan = plan

    @property
    def family(self) -> Family | None:
        return self.run.future.family if self.run.future is not None else None

    def answered(self, answer: Answer | Exception) -> None:
        self.executor.answered(self.run, self.frame, self.plan, answer)

    def progressed(self, text: str) -> None:
        if self.run.progress is not None and isinstance(self.plan.op, Gen):
            self.run.progress(self.run, self.plan.op, text)


class Onlooker(Protocol):
    """Told of the runs of an executor, on its loop. It changes nothing that it is shown."""

    def started(self, run: Run) -> None: ...

    def fired(self, run: Run, plan: Plan, job: Job | None) -> None:
        """A step begins. job: what is asked of the model; None for a call of a host function."""
        ...

    def answered(self, run: Run, plan: Plan, answer: Any) -> None:
        """A step has its answer, or has failed."""
        ...

    def ended(self, run: Run, error: Exception | None) -> None:
        """A run has its outcome."""
        ...


class Executor:
    """Starts runs, hands their steps to the port as jobs, and ends them.

    post: runs a function on the loop, from any thread. onlooker: told of what happens, where there is one.
    """

    def __init__(self, port: Port, workers: Workers, post: Callable[[Callable[[], None]], None]) -> None:
        self.port = port
        self._render = port.render  # one for all runs and outcomes
        self._workers = workers
        self._post = post
        self._runs: set[Run] = set()
        self.onlooker: Onlooker | None = None

    @property
    def idle(self) -> bool:
        """No run is under way."""
        return not self._runs

    def start(self, run: Run) -> None:
        run.render = self._render
        self._runs.add(run)
        try:
            if self.port.foresight is not None:
                run.future = Future(run, self.port.foresight)
            if self.onlooker is not None:
                self.onlooker.started(run)
            self._enter(run, run.block)
        except Exception as error:  # noqa: BLE001 - of this run alone: others are to be started
            self._fail(run, None, error)

    def cancel(self, run: Run) -> None:
        """Ends a run without an outcome; the port gives up its jobs."""
        desk, handles = run.desk or self.port, list(run.submitted.values())
        self._ended(run)
        for handle in handles:
            desk.cancel(handle)

    def fail_all(self, error: Exception) -> None:
        """Ends everything under way with an error."""
        for run in list(self._runs):
            try:
                self._fail(run, None, error)
            except Exception:  # noqa: BLE001 - what broke the loop may break this too, and somebody waits
                run.done(Outcome(error=located(error, None)))
        self.port.fail_all(error)

    def answered(self, run: Run, frame: Frame, plan: Plan, answer: Any) -> None:
        """A step's answer: from the port, or what a host function gave."""
        op = plan.op
        if plan.arguments is not None:  # a call
            run.calling -= 1
            if isinstance(answer, Exception):
                run.failed[op] = answer
            elif run.failing:
                run.values[op] = answer
            if run.failing:
                self._take_instead(run)
        else:
            run.submitted.pop(op, None)
        if run.ended:
            return
        if self.onlooker is not None:
            self.onlooker.answered(run, plan, answer)
        if isinstance(answer, Answer):
            run.answers[op] = answer
            run.values[op] = answer.prompt
        elif isinstance(answer, Exception):
            self._failed(run, op.loc, answer)
            return
        else:
            run.values[op] = answer
        if run.progress is not None:
            run.progress(run, None, "")
        future = run.future
        if future is not None:
            future.answer(op)
        run.remaining -= 1
        if run.doubtful:
            doubtful, run.doubtful = run.doubtful, []
            for other, waiting in doubtful:
                self._doubt(run, other, waiting)
        for index in plan.followers:
            self._count_down(run, frame, index)
        if run.waiting:
            for other, index in run.waiting.pop(op, ()):
                self._count_down(run, other, index)
        if not run.remaining and not run.switching and not run.ended:
            self._finish(run)
        if future is not None and not run.ended:
            future.settle()

    def _count_down(self, run: Run, frame: Frame, index: int) -> None:
        """One answer less that a step, or the switch, of a frame waits for."""
        counts = frame.counts
        counts[index] -= 1
        if not counts[index] and not run.ended:
            plans = frame.block.plans
            if index < len(plans):
                self._fire(run, frame, plans[index])
            else:
                self._switch(run)

    def _enter(self, run: Run, block: Block) -> None:
        frame = Frame(block)
        run.block = block
        run.path.append(block)
        run.switching = block.switches
        run.remaining += len(block.plans)
        if run.future is not None:
            run.future.enter(block)
        counts = frame.counts
        for index, needs in block.outside:  # answers of the blocks before, which may be there
            for op in needs:
                if op not in run.values:
                    counts[index] += 1
                    run.waiting.setdefault(op, []).append((frame, index))
        ready = [index for index, count in enumerate(counts) if not count]
        for index in ready:
            if run.ended:
                return
            if index < len(block.plans):
                self._fire(run, frame, block.plans[index])
            elif block.switches:
                self._switch(run)
        if not run.remaining and not run.switching and not run.ended:
            self._finish(run)

    def _fire(self, run: Run, frame: Frame, plan: Plan) -> None:
        try:
            run.compute(plan.inputs)
            doubts = frame.block.doubts
            in_doubt = doubts is not None and plan.op.number in doubts and run.program.certain is not None
            if in_doubt and (plan.arguments is not None or run.progress is not None):
                self._doubt(run, frame, plan)
            if plan.arguments is not None:
                if not in_doubt:
                    self._call(run, frame, plan)
                return
            job = self._job(run, plan)
            if self.onlooker is not None:
                self.onlooker.fired(run, plan, job)
            run.submitted[plan.op] = (run.desk or self.port).submit(job, _Running(self, run, frame, plan))
            if run.future is not None:
                run.future.ask(plan.op)
        except Exception as error:  # noqa: BLE001 - the root cause becomes the program's error
            self._failed(run, plan.op.loc, error)

    def _job(self, run: Run, plan: Plan) -> Job:
        op = plan.op
        order = (run.row, plan.order)
        if isinstance(op, Gen):
            settings = plan.settings(run.sampling)
            draw = (run.seed, run.row, op.number) if settings.seed is None else (settings.seed,)
            return DecodeJob(run.values[op.state], settings, draw, plan.automaton, order, run.progress is not None)
        choices = tuple(choice(run) for choice in plan.choices)
        assert not isinstance(op, Call)
        return ScoreJob(run.values[op.state], choices, order, op.method)

    def _call(self, run: Run, frame: Frame, plan: Plan) -> None:
        op = plan.op
        assert isinstance(op, Call)
        host = run.program.hosts.get(op.function)
        if host is None:
            raise RunError(
                f"the program calls the host function {op.function}, which is not here",
                hint="run the program's source, or give it: load(path, hosts={...})",
            )
        arguments, keywords = _given(run, plan)
        if self.onlooker is not None:
            self.onlooker.fired(run, plan, None)

        def done(value: Any) -> None:
            if not isinstance(value, Exception):
                value = _as_expected(run, plan, host, value, (arguments, keywords))
            self._post(lambda: self.answered(run, frame, plan, value))

        self._workers.call(run.context, host.function, arguments, keywords, op.timeout, op.function, done)
        run.calling += 1
        if run.future is not None:
            run.future.call()

    def _doubt(self, run: Run, frame: Frame, plan: Plan) -> None:
        """Asks whether the program gets to a step: before a host function is called, and before the text of a streamed run
        is told."""
        certain = run.program.certain
        assert certain is not None
        known = run.remaining, len(run.path)

        def found(answer: Any) -> None:
            if run.ended:
                return
            if answer is None and known == (run.remaining, len(run.path)):
                run.doubtful.append((frame, plan))
            elif answer is None:
                self._doubt(run, frame, plan)
            elif answer is True:
                self._made_certain(run, frame, plan)
            elif isinstance(answer, Exception):
                self._fail(run, plan.op.loc, answer)
            else:
                self._instead(run, answer)

        self._by_body(run, lambda: certain(run, plan.op), found)

    def _made_certain(self, run: Run, frame: Frame, plan: Plan) -> None:
        run.certain |= {plan.op}
        if plan.arguments is None:
            if run.progress is not None:
                run.progress(run, None, "")
            return
        try:
            self._call(run, frame, plan)
        except Exception as error:  # noqa: BLE001 - the root cause becomes the program's error
            self._failed(run, plan.op.loc, error)

    def _switch(self, run: Run) -> None:
        """Goes on after the block: to a block that is known, or off the compiled paths."""
        block, switch = run.block, run.block.end
        assert isinstance(switch, Switch)
        try:
            run.compute(block.inputs)
            values = tuple([run.values[op] for op in switch.subjects])
            known = block.cases.get(key_of(values))
        except Exception as error:  # noqa: BLE001 - the root cause becomes the program's error
            self._fail(run, switch.loc, error)
            return
        if known is not None:
            self._enter(run, known)
            return
        leave = run.program.leave
        if leave is None or not switch.open:
            why = f" ({switch.why})" if switch.why else ""
            hint = "run the program's source: it goes on where nothing was compiled"
            self._fail(run, switch.loc, RunError(f"the run leaves the compiled paths{why}", hint=hint))
            return

        def found(way: Any) -> None:
            if run.ended:
                return
            if isinstance(way, Exception):
                self._fail(run, switch.loc, way)
            elif isinstance(way, Block):
                self._enter(run, way)
                if run.future is not None:
                    run.future.settle()
            else:
                self._instead(run, way)

        self._by_body(run, lambda: leave(run, switch, values), found)

    def _finish(self, run: Run) -> None:
        block, end = run.block, run.block.end
        assert isinstance(end, End)
        try:
            run.compute(block.inputs)
            outcome = Outcome(
                prompt=run.values[end.final],
                render=self._render,
                variables={name: variable(run) for name, variable in block.variables.items()},
                value=block.values(run),
                meta={name: meta(run) for name, meta in block.metas.items()},
            )
        except Exception as error:  # noqa: BLE001 - the root cause becomes the program's error
            self._fail(run, None, error)
            return
        check = run.program.check
        if check is None or block.checked:
            self._end(run, outcome)
            return
        run.switching = True
        self._ask(run, check, None, lambda: self._end(run, outcome))

    def _failed(self, run: Run, where: Location | None, error: Exception) -> None:
        """A step has failed, which ends the run, unless the check says that it should not have been taken at all."""
        check = run.program.check
        if check is None or run.ended:
            self._fail(run, where, error)
            return
        self._give_up(run)
        error = located(error, where)
        self._ask(run, check, error, lambda: self._fail(run, where, error))

    def _ask(self, run: Run, check: Check, error: Exception | None, otherwise: Callable[[], None]) -> None:
        """Ends a run as the check says, or otherwise."""

        def checked(instead: Any) -> None:
            if run.ended and not run.failing:
                return
            if isinstance(instead, Exception):
                self._fail(run, None, instead)
            elif instead is not None:
                self._instead(run, instead)
            else:
                otherwise()

        self._by_body(run, lambda: check(run, error), checked)

    def _by_body(self, run: Run, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Calls what runs the program's body, off the loop, and goes on with what it gives."""
        self._workers.trace(
            lambda: run.context.copy().run(function), lambda given: self._post(lambda: then(given)), run.serve
        )

    def _give_up(self, run: Run) -> None:
        """Ends what is under way, while the outcome is being decided."""
        self.cancel(run)
        run.failing = True
        self._runs.add(run)

    def _instead(self, run: Run, instead: Instead) -> None:
        if not run.failing:
            self._give_up(run)
        run.instead = instead
        self._take_instead(run)

    def _take_instead(self, run: Run) -> None:
        """Ends a run with the outcome of `Run.instead`, where nothing is waited for."""
        instead = run.instead
        if instead is None or run.calling:
            return

        def ended(outcome: Any) -> None:
            if not run.failing:
                return
            if isinstance(outcome, Exception):
                self._fail(run, None, outcome)
            else:
                self._end(run, outcome)

        run.instead = None
        self._by_body(run, instead, ended)

    def _end(self, run: Run, outcome: Outcome) -> None:
        self._ended(run)
        if self.onlooker is not None:
            self.onlooker.ended(run, outcome.error)
        run.done(outcome)

    def _ended(self, run: Run) -> None:
        run.ended, run.failing = True, False
        self._runs.discard(run)
        run.doubtful = []
        run.desk = None  # what a batch remembers ends with its last run
        run.submitted.clear()
        if run.future is not None:
            run.future.end()
            run.future = None

    def _fail(self, run: Run, where: Location | None, error: Exception) -> None:
        if run.ended and not run.failing:
            return
        self.cancel(run)
        if self.onlooker is not None:
            self.onlooker.ended(run, error)
        variables, meta = _known_results(run)
        if isinstance(error, BodyRaised):
            error, variables = error.error, error.variables
            meta = {name: known for name, known in meta.items() if name in variables}
        run.done(Outcome(variables=variables, meta=meta, error=located(error, where)))


def _given(run: Run, plan: Plan) -> tuple[Sequence[Any], dict[str, Any]]:
    """What a host function is given: by place, and by name."""
    op = plan.op
    assert isinstance(op, Call)
    assert plan.arguments is not None
    assert plan.keywords is not None
    return plan.arguments(run), dict(zip((key for key, _ in op.keywords), plan.keywords(run), strict=True))


def _as_expected(run: Run, plan: Plan, host: Host, value: Any, given: tuple[Sequence[Any], Mapping[str, Any]]) -> Any:
    """What a host function gave, or how it did otherwise than a graph can hold. given: its arguments, after the call."""
    op = plan.op
    assert isinstance(op, Call)
    containers = any(isinstance(each, list | dict) for each in (*given[0], *given[1].values()))
    if containers and repr(given) != repr(_given(run, plan)):
        return CalledOtherwise.changed_arguments(op.function, value, given, op.loc)
    if host.gives_text and not op.dropped and not isinstance(value, str):
        return CalledOtherwise.no_text(op.function, value, op.loc)
    return value


def _known_results(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """The variables, and what is known of them, that were answered before a failure: a batch keeps what it paid for."""
    variables: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    end = run.block.end
    if isinstance(end, End):
        for name, value, known in known_variables(run, end):
            variables[name] = value
            if name in run.block.metas:
                meta[name] = known
        return variables, meta
    for state in prompts(end.final):
        if isinstance(state, Gen | Select) and state.name is not None and state in run.answers:
            variables.setdefault(state.name, run.answers[state].text)
            meta.setdefault(state.name, run.answers[state].meta)
    return dict(reversed(variables.items())), dict(reversed(meta.items()))


def known_variables(run: Run, end: End, without: Container[str] = ()) -> Iterator[tuple[str, Any, Any]]:
    """The program's variables whose answers are there by now, each with its meta info or None."""
    block = run.block
    for name, tree in end.variables.items():
        if name in without:
            continue
        texts, answers = tuple(leaves(tree)), tuple(leaves(end.answers.get(name)))
        if all(op in run.values for op in (*answers_below(texts), *answers)):
            run.compute(inputs_of(texts))
            yield name, block.variables[name](run), block.metas[name](run) if name in block.metas else None


def located(error: BaseException, where: Location | None) -> SglcError:
    """The error with the user's line: the same kind where it is one of ours, a `RunError` with its cause where not."""
    if isinstance(error, SglcError):
        if error.where is not None or where is None:
            return error
        moved = type(error)(error.what, where=where, hint=error.hint)
        moved.__cause__ = error.__cause__
        return moved
    wrapped = RunError(in_words(error), where=where)
    wrapped.__cause__ = error
    return wrapped
