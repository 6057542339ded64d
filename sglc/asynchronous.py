"""Runs for asyncio: other tasks go on while the engine works."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Any

from sglc.batch import in_common
from sglc.result import Result
from sglc.runtime.jobs import Outcome
from sglc.runtime.runner import WINDOW, Row, Runner

in_thread = asyncio.to_thread


def post(loop: asyncio.AbstractEventLoop, callback: Callable[..., Any], *given: Any) -> None:
    """Calls back in a loop's own thread, soon. Whoever waited in a loop that was closed meanwhile is gone: a run that nobody
    reads is no error of the engine that tells its end."""
    try:
        loop.call_soon_threadsafe(callback, *given)
    except RuntimeError:
        if not loop.is_closed():
            raise


async def result_of(backend: Runner, row: Row) -> Result:
    """One run. Cancelling the task gives it up."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Outcome] = loop.create_future()

    def settle(outcome: Outcome) -> None:
        if not future.done():
            future.set_result(outcome)

    def done(outcome: Outcome) -> None:
        post(loop, settle, outcome)

    run = backend.begin(row, done)
    try:
        return Result(await future)
    except asyncio.CancelledError:
        backend.cancel(run)
        raise


async def results_of(backend: Runner, rows: Sequence[Row | Result], window: int = WINDOW) -> AsyncIterator[Result]:
    """The results in the order of the rows, at most `window` under way. Leaving early gives up the others."""
    with backend.holding(in_common(rows)):
        waiting = iter(rows)
        running: deque[asyncio.Task[Result] | Result] = deque()
        try:
            while True:
                for row in islice(waiting, window - len(running)):
                    running.append(row if isinstance(row, Result) else asyncio.create_task(result_of(backend, row)))
                if not running:
                    return
                first = running[0]
                yield first if isinstance(first, Result) else await first
                running.popleft()
        finally:
            for task in running:
                if isinstance(task, asyncio.Task):
                    task.cancel()
