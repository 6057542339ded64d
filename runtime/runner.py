"""Programs on a model, driven by one thread: what every backend has, whatever stands behind its port."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakSet, finalize

from sglc.ir.errors import RunError
from sglc.ir.grammar import CompiledConstraint, Grammar
from sglc.ir.ops import Constraint, Gen, Sampling
from sglc.ir.tokens import TokenConstraint, Tokenizer
from sglc.runtime import collector
from sglc.runtime.desk import Desk, Owner
from sglc.runtime.engine.radix import Claim
from sglc.runtime.executor import Executor
from sglc.runtime.grammar import Grammars
from sglc.runtime.jobs import Answer, Job, Outcome, PrefillJob, Prompt
from sglc.runtime.loop import Loop, join_all
from sglc.runtime.port import Port
from sglc.runtime.program import Program, Run
from sglc.runtime.shared import Shared
from sglc.runtime.workers import Serve, Workers

T = TypeVar("T")

WINDOW = 4096
"""Rows of a batch that run at a time."""


@dataclass(slots=True, eq=False)
class Row:
    """One call of a batch. number: its place in the batch, which also tells its draws from those of other rows. context:
    of the caller; what runs the user's Python runs in it. desk: what rows of its batch share (`Runner.desk`). given: the
    arguments as its program's own code wants them, where it goes on by itself."""

    number: int
    program: Program
    texts: Mapping[str, str]
    sampling: Sampling
    seed: int
    progress: Callable[[Run, Gen | None, str], None] | None = None
    context: Context | None = None
    desk: Desk | None = None
    given: Any = None


class Runner:
    """Runs programs through a port. A context manager; `shutdown` ends it.

    share_rows: what rows of a batch ask alike, and no draw answers, is asked once.
    """

    def __init__(self, port: Port, tokenizer: Tokenizer, share_rows: bool = True) -> None:
        self.tokenizer = tokenizer
        self.automata: dict[Constraint, TokenConstraint] = {}  # of constraints that were compiled while programs run
        self._grammars = Grammars(tokenizer.vocabulary)
        self.workers = Workers()
        self._port = port
        self._share_rows = share_rows
        self._loop = Loop(port)
        self._executor = Executor(port, self.workers, self._loop.post_back)
        self._loop.start(self._executor.fail_all)
        collector.calm()
        self._let_go = finalize(self, _let_go, self._loop, self.workers)
        self._let_go.atexit = False  # `_end_all` waits, too
        _running.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    def shutdown(self) -> None:
        """Ends the backend; what is under way fails. May be called twice."""
        self.end()

    def end(self, seconds: float | None = None) -> None:
        """The same. seconds: that a step under way may take at most."""
        if self._loop.is_here:
            self._loop.end()
            self._loop.join(seconds)
            if self._let_go.detach() is not None:  # not called: it does nothing when Python is about to end
                _let_go(self._loop, self.workers)

    def desk(self, rows: int) -> Desk | None:
        """For a batch of so many rows: where those are to hand in what they ask, so that what is equal is asked once."""
        return Shared(self._port, self._loop.post_back) if self._share_rows and rows > 1 else None

    def run(self, rows: Iterable[Row], window: int = WINDOW) -> Generator[tuple[Row, Outcome]]:
        """Runs calls, at most `window` at once, and gives their outcomes as they end. The bodies of their programs run in the
        caller's thread, while it waits for the next outcome.

        Leaving the iterator early gives up the calls under way.
        """
        self._check_may_wait()
        ended: SimpleQueue[tuple[int, Outcome] | Callable[[], None]] = SimpleQueue()
        runs: dict[int, tuple[Row, Run]] = {}
        waiting = iter(rows)
        try:
            while True:
                started = [
                    (row, _run(row, lambda outcome, number=row.number: ended.put((number, outcome)), ended.put))
                    for row in islice(waiting, window - len(runs))
                ]
                if started:
                    runs.update((row.number, (row, run)) for row, run in started)
                    self._loop.post(lambda started=started: self._start(run for _, run in started))
                if not runs:
                    return
                while not isinstance(given := ended.get(), tuple):
                    given()
                number, outcome = given
                yield runs.pop(number)[0], outcome
        finally:
            for _, run in runs.values():
                self._loop.post_back(lambda run=run: self._executor.cancel(run))

    @contextmanager
    def holding(self, prompts: Sequence[Prompt]) -> Generator[None]:
        """What is computed of these prompts stays in the cache as long as there is anything else to give up."""
        foresight = self._port.foresight
        claims: list[Claim] = []
        if foresight is None or not prompts:
            yield
            return

        def give_up() -> None:
            for claim in claims:
                foresight.give_up(claim)

        self._loop.post(lambda: claims.extend(foresight.hold(prompts)))
        try:
            yield
        finally:
            self._loop.post_back(give_up)

    def begin(self, row: Row, done: Callable[[Outcome], None]) -> Run:
        """Starts one call; `done` is called from the loop, and must not take long."""
        kept = [self]  # until the run ends: its caller may refer to the backend no more

        def ended(outcome: Outcome) -> None:
            kept.clear()
            done(outcome)

        run = _run(row, ended)
        self._loop.post(lambda: self._executor.start(run))
        return run

    def cancel(self, run: Run) -> None:
        """Gives a call up; `done` is not called."""
        self._loop.post_back(lambda: self._executor.cancel(run))

    def ask(self, job: Job, progressed: Callable[[str], None] | None = None) -> Answer:
        """One gen or select, waited for."""
        self._check_may_wait()
        asked = _Asked(progressed)

        def submit() -> None:
            try:
                self._port.submit(job, asked)
            except Exception as error:  # noqa: BLE001 - belongs to the caller
                asked.answered(error)

        self._loop.post(submit)
        return asked.future.result()

    def warm(self, prefixes: Iterable[Sequence[int]]) -> None:
        """Prefills prompts, so that later ones which begin alike find them in the cache."""
        for ids in prefixes:
            if ids:
                self.ask(PrefillJob(tuple(ids)))

    def follow(self, compiled: CompiledConstraint) -> TokenConstraint:
        """A constraint as the engine follows it; from any thread. Raises `ConstraintError` for a grammar where llguidance
        is not installed."""
        return self._grammars.follow(compiled) if isinstance(compiled, Grammar) else compiled

    def flush_cache(self) -> None:
        """Forgets what is cached and not in use. Nothing, where a backend has no cache."""

    def info(self) -> dict[str, Any]:
        """What this backend is: vocab_size, the columns of its logits; tokenizer, the fingerprint of its tokenizer and
        chat template."""
        vocabulary = self.tokenizer.vocabulary
        return {"vocab_size": vocabulary.size, "tokenizer": vocabulary.fingerprint}

    def on_loop(self, function: Callable[[], T]) -> T:
        """Runs a function between two steps of the loop, and waits for it."""
        return self._loop.call(function)

    def _start(self, runs: Iterable[Run]) -> None:
        for run in runs:
            if not run.ended:
                self._executor.start(run)

    def _check_may_wait(self) -> None:
        """Raises `RunError` where nobody would ever answer: in another process, and in a thread that answers itself."""
        if not self._loop.is_here:
            raise RunError(
                "the backend was made in another process, and its threads are there",
                hint="make a backend in this process",
            )
        if self._loop.is_current:
            raise RunError("the backend waits for a program on itself", hint="run that program on another backend")
        self.workers.check_may_wait()


def _let_go(loop: Loop, workers: Workers) -> None:
    """The end of a backend: by `shutdown`, or because nobody refers to it any more."""
    if loop.is_here:
        loop.end()
        workers.close()
        collector.wake()


_running: WeakSet[Runner] = WeakSet()

_LAST_STEP = 5.0
"""Seconds that a process waits at its end for a step under way."""


@atexit.register
def _end_all() -> None:
    """Libraries call leaked, in thirty lines, what the collector does not get to see where a backend is open at the end."""
    for runner in list(_running):
        runner.end(_LAST_STEP)
    join_all(_LAST_STEP)


class _Asked(Owner):
    def __init__(self, progress: Callable[[str], None] | None) -> None:
        self.future: Future[Answer] = Future()
        self._progress = progress

    def answered(self, answer: Answer | Exception) -> None:
        if isinstance(answer, Exception):
            self.future.set_exception(answer)
        else:
            self.future.set_result(answer)

    def progressed(self, text: str) -> None:
        if self._progress is not None:
            self._progress(text)


def _run(row: Row, done: Callable[[Outcome], None], serve: Serve | None = None) -> Run:
    context = row.context or copy_context()
    settings = row.sampling, row.seed, row.number
    return Run(row.program, row.texts, *settings, done, row.progress, context, row.desk, serve, row.given)
