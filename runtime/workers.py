"""Where the user's Python runs beside the loop: host functions, each with its time-out, and the ways on that were not
compiled."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import Any

from sglc.ir.errors import RunError

Done = Callable[[Any], None]
"""Gets the value, or the exception. Called from a thread of the workers."""


class Workers:
    """Threads, started when they are first needed. They are daemons: no host function keeps a process from ending."""

    def __init__(self) -> None:
        self._bodies: queue.SimpleQueue[Callable[[], None] | None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def trace(self, function: Callable[[], Any], done: Done) -> None:
        """Runs a function of ours that runs a program's body. Bodies run one after another."""
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
        context = context.copy()

        async def run() -> None:
            try:
                if inspect.iscoroutinefunction(function):
                    work: Awaitable[Any] = asyncio.get_running_loop().create_task(called(), context=context)
                else:
                    work = _in_thread(partial(context.run, called))
                value = await asyncio.wait_for(work, timeout)
            except Exception as error:  # noqa: BLE001 - belongs to the program
                value = host_error(name, error, timeout)
            done(value)

        asyncio.run_coroutine_threadsafe(run(), self._running_loop())

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="sglc-hosts", daemon=True).start()
            return self._loop

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


def _outcome(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - belongs to the program
        return error
    except BaseException as error:  # noqa: BLE001 - `sys.exit` of one program's function ends that program alone
        ended = RunError(f"{type(error).__name__}: {error}")
        ended.__cause__ = error
        return ended


async def _in_thread(function: Callable[[], Any]) -> Any:
    """The value of a plain function, from a thread of its own."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any) -> None:
        if not future.done():  # nobody waits after a time-out
            if isinstance(value, Exception):
                future.set_exception(value)
            else:
                future.set_result(value)

    def run() -> None:
        value = _outcome(function)
        loop.call_soon_threadsafe(settle, value)

    threading.Thread(target=run, name="sglc-host", daemon=True).start()
    return await future


def host_error(name: str, error: BaseException, timeout: float | None = None) -> RunError:
    """The error of a program whose host function failed; its cause keeps the function's own traceback."""
    if timeout is not None and isinstance(error, TimeoutError):
        what = f"the host function {name} gave nothing within {timeout:g} s"
        return RunError(what, hint="raise its time-out, or let it give up by itself")
    wrapped = RunError(f"the host function {name} raised {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
