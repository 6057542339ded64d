"""Where the user's Python runs beside the loop: host functions, each with its time-out, and the ways on that were not
compiled."""

from __future__ import annotations

import asyncio
import copy
import inspect
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any

from sglc.ir.errors import ENDS_ALL, RunError, in_words

Done = Callable[[Any], None]
"""Gets the value, or the exception. Called from the thread that made it."""

Serve = Callable[[Callable[[], None]], None]
"""Has a function called by a thread that waits for such."""


class Workers:
    """Threads, started when they are first needed. They are daemons: no host function keeps a process from ending."""

    def __init__(self) -> None:
        self._bodies: queue.SimpleQueue[Callable[[], None] | None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None  # of the loop
        self._lock = threading.Lock()

    def trace(self, function: Callable[[], Any], done: Done, serve: Serve | None = None) -> None:
        """Runs a function of ours that runs a program's body. serve: by the caller of the program, whose thread-local values
        and connections the body may use; None for a thread of ours, where bodies run one after another."""
        if serve is not None:
            serve(lambda: done(_outcome(function)))
            return
        with self._lock:
            if self._bodies is None:
                self._bodies = queue.SimpleQueue()
                threading.Thread(target=_serve, args=(self._bodies,), name="sglc-trace", daemon=True).start()
        self._bodies.put(lambda: done(_outcome(function)))

    def call(
        self,
        context: Context,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        timeout: float | None,
        name: str,
        done: Done,
    ) -> None:
        """Calls a host function, plain or async, in a copy of a context. timeout: seconds; one that is over it goes on, but nobody waits."""
        called = partial(function, *arguments, **keywords)
        loop = self._running_loop()

        def start() -> None:
            # No task of ours waits for the function's: one that cancels all tasks of its loop would end it.
            work = loop.create_task(_caught(called, context.copy()), context=context.copy())
            if timeout is None:
                work.add_done_callback(lambda work: done(_checked(name, _given(work))))
                return

            def ended(work: asyncio.Task[Any]) -> None:
                if not timer.cancelled():
                    timer.cancel()
                    done(_checked(name, _given(work)))

            def late() -> None:
                timer.cancel()
                work.cancel()
                what = f"the host function {name} gave nothing within {timeout:g} s"
                done(RunError(what, hint="raise its time-out, or let it give up by itself"))

            timer = loop.call_later(timeout, late)
            work.add_done_callback(ended)

        loop.call_soon_threadsafe(start)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = Context().run(asyncio.new_event_loop)  # which keeps the context that it is made in
                self._thread = threading.Thread(target=self._loop.run_forever, name="sglc-hosts", daemon=True)
                self._thread.start()
            return self._loop

    def check_may_wait(self) -> None:
        """Raises `RunError` in the thread that async host functions share: what waits there for a run keeps those functions
        from answering."""
        if threading.current_thread() is self._thread:
            raise RunError(
                "an async host function waits for a program on its own backend",
                hint="await f.arun(...) there, or make it a plain function",
            )

    def close(self) -> None:
        """Ends the threads after what they are doing."""
        with self._lock:
            if self._bodies is not None:
                self._bodies.put(None)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._bodies = self._loop = None


def _serve(bodies: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (body := bodies.get()) is not None:
        body()
        del body  # a run hangs on it, and its backend, until there is a next one


def _outcome(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - belongs to the program
        return error
    except BaseException as error:
        if isinstance(error, ENDS_ALL) and threading.current_thread() is threading.main_thread():
            raise
        ended = RunError(in_words(error))
        ended.__cause__ = error
        return ended


@dataclass(frozen=True, slots=True)
class _Raised:
    """In the place of a value: no exception leaves a thread or a task by itself, since some would end the loop."""

    error: BaseException


async def _caught(called: partial[Any], context: Context) -> Any:
    """What a host function gives, or that it raised. A plain one runs in the context, in a thread of its own."""
    try:
        if inspect.iscoroutinefunction(called.func):
            return await called()
        value = await _in_thread(partial(context.run, called))
        return await value if inspect.isawaitable(value) else value
    except BaseException as error:  # noqa: BLE001 - `sys.exit`, or a task that was cancelled, ends that program alone
        return _Raised(error)


def _given(work: asyncio.Task[Any]) -> Any:
    return _Raised(asyncio.CancelledError()) if work.cancelled() else work.result()


async def _in_thread(function: Callable[[], Any]) -> Any:
    """The value of a plain function, or that it raised, from a thread of its own."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any) -> None:
        if not future.done():  # nobody waits after a time-out
            future.set_result(value)

    def run() -> None:
        try:
            value = function()
        except BaseException as error:  # noqa: BLE001 - said by whoever waits
            value = _Raised(error)
        loop.call_soon_threadsafe(settle, value)

    threading.Thread(target=run, name="sglc-host", daemon=True).start()
    return await future


def _checked(name: str, value: Any) -> Any:
    """A value of the program's own, or the error."""
    if isinstance(value, _Raised):
        return host_error(name, value.error)
    if isinstance(value, str):
        return value
    kind = type(value).__name__
    hint = "give texts, numbers, True, False, None, or lists and dicts of them"
    if isinstance(value, BaseException):
        return RunError(f"the host function {name} gave an exception, {kind}, back", hint="raise it, or " + hint)
    try:
        return copy.deepcopy(value)
    except BaseException as error:  # noqa: BLE001 - whatever the user's class raises
        refused = RunError(f"the host function {name} gave a value of type {kind}, which cannot be copied", hint=hint)
        refused.__cause__ = error
        return refused


def host_error(name: str, error: BaseException) -> RunError:
    """The error of a program whose host function failed; its cause keeps the function's own traceback."""
    wrapped = RunError(f"the host function {name} raised {in_words(error)}")
    wrapped.__cause__ = error
    return wrapped
