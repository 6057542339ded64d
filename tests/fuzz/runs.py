"""Runs a program on rows of arguments and notes all that can be seen: ends, questions to the model, host calls, warnings."""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any
from unittest.mock import patch

from sglc import batch, compiler, interpreter, live
from sglc.compiler import Observer
from sglc.function import SglFunction
from sglc.ir.graph import Graph
from sglc.language.arguments import Arguments
from sglc.language.orders import NO_ORDERS
from sglc.passes import compile_constraints
from sglc.passes.drop_dead import drop_dead
from sglc.passes.pipeline import optimise
from sglc.runtime.jobs import Outcome
from sglc.trace import confirm, explore
from tests.fuzz import hosts
from tests.fuzz.model import Key, Model
from tests.fuzz.observe import Seen, failed, seen
from tests.fuzz.programs import Program, Row
from tests.graphs import same

SEED = 11
"""Of the runs: both modes draw alike."""

TICKS = 20
"""Parts of a time limit."""

IDLE = 6
"""Time limits that may go by while nothing runs: on a busy machine a program hardly does."""

LATE = 0.01
"""Seconds to wait after a failed run, whose host calls go on, so that they do not count as the next run's."""


@dataclass
class Ran:
    """What came of each row, what each asked the model, what was asked by rows that do not say who they are, and the host
    calls of all."""

    seen: list[Seen]
    asked: list[list[Key]]
    unsigned: list[Key]
    calls: list[hosts.Call]


class Hang(GeneratorExit):
    """A program did not end. Of this kind so that it is no error of the program (`ENDS_ALL`)."""


class Runs:
    """Keeps one backend for all programs. A context manager: while it is open, warnings are caught, and each constraint
    is compiled once for all programs. changing: the passes that changed a graph since it was cleared."""

    def __init__(self) -> None:
        self.model = Model()
        self.warned: list[str] = []
        self.changing: set[str] = set()
        self._open = ExitStack()

    def __enter__(self) -> Runs:
        self._open.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *rest: self.warned.append(str(message))
        made_once = functools.lru_cache(64)(compile_constraints.compile_constraint)
        for module in (interpreter, compile_constraints):
            self._open.enter_context(patch.object(module, "compile_constraint", made_once))
        self._open.enter_context(patch.object(compiler, "optimise", self._optimised))
        self._open.enter_context(patch.object(explore, "drop_dead", self._without_dead))
        return self

    def _optimised(self, graph: Graph, observe: Observer | None = None) -> Graph:
        last = graph

        def see(name: str, after: Graph) -> None:
            nonlocal last
            self._note(name, last, after)
            last = after
            if observe is not None:
                observe(name, after)

        return optimise(graph, see)

    def _without_dead(self, graph: Graph) -> Graph:
        """The tracer drops what is dead before it confirms the trace, so that little is left for the pass."""
        after = drop_dead(graph)
        self._note(drop_dead.__name__, graph, after)
        return after

    def _note(self, name: str, before: Graph, after: Graph) -> None:
        if before is not after and not same(before, after):
            self.changing.add(name)

    def __exit__(self, *error: object) -> None:
        self._open.close()
        self.model.shutdown()
        assert error[0] is not None or not self.model.claims, "runs that have ended still claim what they read"

    def renew(self) -> None:
        """A new backend; the old one hangs."""
        self.model = Model()

    def run(
        self,
        program: Program,
        function: SglFunction,
        rows: Sequence[Row],
        mode: str,
        *,
        other: Set[Key] = frozenset(),
        seeded: bool = True,
    ) -> Ran:
        """Several rows as a batch, one alone. other, seeded: see `Model`."""
        self.model.prepare(program.words, 0 if other else program.failing, other=other, seeded=seeded)
        hosts.taken_calls()
        settings = {**self.settings(program), "mode": mode}
        ran = Ran([], [[] for _ in rows], [], [])
        with patch.object(batch, "interpret", functools.partial(_in_its_orders, function)):
            for number, one in enumerate(_ends(function, rows, settings)):
                ran.seen.append(one)
                if mode == "interpret":  # row after row, and its questions do not say which row asks
                    ran.asked[number] = [key for _, key in self.model.log]
                    self.model.log.clear()
        for number, key in self.model.log:
            (ran.asked[number] if number >= 0 else ran.unsigned).append(key)
        if program.features & {"host", "failing host"} and any(one.error for one in ran.seen):
            time.sleep(LATE)
        ran.calls = hosts.taken_calls()
        return ran

    def settings(self, program: Program) -> dict[str, Any]:
        return {"backend": self.model, "seed": SEED, **program.settings}


def _in_its_orders(
    function: SglFunction, body: Any, row: Arguments, backend: Any, sampling: Any, seed: int, number: int, n: int | None
) -> Outcome:
    """Plain Python with free parts in the order of the compiled program, so that the two can be compared."""
    _, live = function.kept.programs.get((row.shape, n, None), (None, None))
    orders = NO_ORDERS if live is None else live.orders
    return interpreter.interpret(body, row, backend, sampling, seed, number, n, orders=orders)


def _ends(function: SglFunction, rows: Sequence[Row], settings: Mapping[str, Any]) -> Iterator[Seen]:
    if len(rows) > 1:
        yield from map(seen, function.run_batch(rows, generator_style=True, **settings))
        return
    try:
        yield seen(function.run(**rows[0], **settings))
    except Exception as error:  # noqa: BLE001 - what is wrong with a program for all texts is raised
        yield failed(error)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises `Hang` where what is inside takes longer of the processor, or many times as long without it, while this
    process is not stopped. In the main thread only; elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    left = IDLE * TICKS
    start = sum(os.times()[:2])  # no clock that a body which is traced meanwhile would be blamed for

    def tick(number: int, frame: FrameType | None) -> None:  # once, however long the process was stopped
        nonlocal left
        left -= 1
        if not left or sum(os.times()[:2]) - start > seconds:
            raise Hang

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, seconds / TICKS, seconds / TICKS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_HOSTILE, _CONSTANTS, _WAYS = confirm.HOSTILE, confirm.MAX_CONSTANTS, live.MAX_WAYS


@contextmanager
def limits(program: Program) -> Iterator[None]:
    """Traces are confirmed with all invented texts, or with one, which is faster and leaves more to the tracer itself;
    and a program keeps few ways on, so that some are forgotten."""
    confirm.HOSTILE, confirm.MAX_CONSTANTS = (_HOSTILE, _CONSTANTS) if program.thorough else (_HOSTILE[:1], 0)
    live.MAX_WAYS = program.ways
    try:
        yield
    finally:
        confirm.HOSTILE, confirm.MAX_CONSTANTS, live.MAX_WAYS = _HOSTILE, _CONSTANTS, _WAYS
