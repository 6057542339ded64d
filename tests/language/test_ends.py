"""How host functions and bodies may end besides giving something: each end is the error of its row alone, said at its line."""

from __future__ import annotations

import asyncio
import contextvars
import decimal
import heapq
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sglc as sgl


class Mute(Exception):
    """Of a client library that had no response to quote."""

    def __str__(self) -> str:
        raise AttributeError("no response")


class Stop(BaseException):
    pass


class AwaitedWhenCalled:
    async def __call__(self, text: str) -> str:
        return text + "!"


def runs_out(text: str) -> str:
    return next(word for word in ("a", "b") if word == text)


def exits(text: str) -> str:
    sys.exit(3)


def interrupts(text: str) -> str:
    raise KeyboardInterrupt


def mute(text: str) -> str:
    raise Mute


def times_out_itself(text: str) -> str:
    raise TimeoutError("connect to port 80")


def gives_an_exception(text: str) -> object:
    return ValueError(text)


def gives_a_generator(text: str) -> object:
    return (letter for letter in text)


def gives_a_lock(text: str) -> object:
    return [threading.Lock()]


async def cancelled(text: str) -> str:
    task = asyncio.create_task(asyncio.sleep(9))
    task.cancel()
    await task
    return text


async def exits_later(text: str) -> str:
    await asyncio.sleep(0)
    sys.exit(3)


async def mute_later(text: str) -> str:
    await asyncio.sleep(0)
    raise Mute


async def cancels_all(text: str) -> str:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()  # pyright: ignore[reportOptionalMemberAccess]: no task is None
    await asyncio.sleep(0.001)
    return text


async def for_ever(text: str) -> str:
    await asyncio.sleep(600)
    return text


TOOLS: dict[Callable[..., Any], str] = {
    runs_out: "raised StopIteration",
    exits: "raised SystemExit: 3",
    interrupts: "raised KeyboardInterrupt",
    mute: "raised Mute: <exception str() failed>",
    times_out_itself: "raised TimeoutError: connect to port 80",
    gives_an_exception: "gave an exception, ValueError, back",
    gives_a_generator: "gave a value of type generator, which cannot be copied",
    gives_a_lock: "gave a value of type list, which cannot be copied",
    cancelled: "raised CancelledError",
    exits_later: "raised SystemExit: 3",
    mute_later: "raised Mute: <exception str() failed>",
}


@pytest.fixture(scope="module")
def backend() -> Iterator[sgl.Scripted]:
    """One for all, so that an end which leaves a thread behind in pieces shows in what comes after it."""
    with sgl.Scripted(lambda question: "bad" if "1" in question.prompt else "fine") as backend:
        yield backend


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
@pytest.mark.parametrize("timeout", [None, 60.0], ids=["", "timed"])
@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_each_end_of_a_tool_is_the_error_of_its_row(
    tool: Callable[..., Any], timeout: float | None, mode: Any, backend: sgl.Scripted
) -> None:
    @sgl.function
    def program(s, q):
        s += q + sgl.gen("a")
        if s["a"] == "bad":
            s["given"] = sgl.call(tool, s["a"], timeout=timeout)
        s += " end"

    rows = [{"q": f"{number}:"} for number in range(3)]
    for _ in range(2):
        results = program.run_batch(rows, backend=backend, mode=mode)
        assert [result.error() is None for result in results] == [True, False, True]
        assert TOOLS[tool] in str(results[1].error())
        assert f"{__file__.rpartition('/')[2]}:" in str(results[1].error())


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
def test_a_tool_that_is_late_and_one_that_awaits_when_called(mode: Any, backend: sgl.Scripted) -> None:
    @sgl.function
    def late(s):
        s += sgl.call(for_ever, "x", timeout=0.01)

    @sgl.function
    def awaits(s):
        s += sgl.call(AwaitedWhenCalled(), "x") + sgl.call(AwaitedWhenCalled().__call__, "y")

    @sgl.function
    def cancels(s):
        s += sgl.call(cancels_all, "z")

    assert cancels.run(backend=backend, mode=mode).text() == "z"
    assert "for_ever gave nothing within 0.01 s" in str(late.run(backend=backend, mode=mode).error())
    assert awaits.run(backend=backend, mode=mode).text() == "x!y!"


@sgl.host
def turned(text: str) -> str:
    return text[::-1]


@sgl.function
def inner(s, x):
    s += x + sgl.gen("r")
    s += turned(s["r"])


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
def test_an_async_tool_awaits_programs_and_does_not_wait_for_them(mode: Any, backend: sgl.Scripted) -> None:
    @sgl.host
    async def waits(x: str) -> str:
        return inner.run(x=x, backend=backend, mode=mode).text()

    @sgl.host
    async def reads(x: str) -> str:
        return "".join(inner.run(x=x, backend=backend, stream=True).text_iter())

    @sgl.host
    async def awaits(x: str) -> str:
        return (await inner.arun(x=x, backend=backend)).text()

    @sgl.host
    def plain(x: str) -> str:
        return inner.run(x=x, backend=backend, mode=mode).text()

    def program(s, q, tool):
        s += q + sgl.gen("a")
        s += {"waits": waits, "reads": reads, "awaits": awaits, "plain": plain}[tool](s["a"])

    found = [sgl.function(program).run(q="q", tool=sgl.static(tool), backend=backend, mode=mode) for tool in TOOL_KINDS]
    for result in found[:2]:
        assert "an async host function waits for a program on its own backend" in str(result.error())
    assert [result.text() for result in found[2:]] == ["qfinefinefineenif"] * 2


TOOL_KINDS = ("waits", "reads", "awaits", "plain")


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
def test_a_scripted_answer_that_is_no_text_is_said_so(mode: Any) -> None:
    @sgl.function
    def program(s):
        s += "q" + sgl.gen("a")

    with sgl.Scripted(lambda question: None) as backend:  # pyright: ignore[reportArgumentType]: the mistake
        assert "the scripted answer is of type NoneType" in str(program.run(backend=backend, mode=mode).error())


BODY_ENDS: dict[str, str] = {
    "sys.exit('told to')": "SystemExit: told to",
    "raise asyncio.CancelledError": "CancelledError",
    "raise Stop('x')": "Stop: x",
    "raise Mute": "Mute: <exception str() failed>",
    "next(iter(()))": "StopIteration",
}


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
@pytest.mark.parametrize("test", ["s['a'] == 'bad'", "len(s['a']) == 3", "True"])
@pytest.mark.parametrize("end", BODY_ENDS)
def test_each_end_of_a_body_is_the_error_of_the_rows_that_come_to_it(
    end: str, test: str, mode: Any, backend: sgl.Scripted
) -> None:
    made: dict[str, Any] = {"sgl": sgl, "sys": sys, "asyncio": asyncio, "Stop": Stop, "Mute": Mute}
    source = f"def program(s, q):\n  s += q + sgl.gen('a')\n  if {test}:\n    {end}\n  s += ' end'\n"
    exec(compile(source, "ends.py", "exec"), made)
    results = sgl.function(made["program"]).run_batch([{"q": f"{i}:"} for i in range(3)], backend=backend, mode=mode)
    assert [result.error() is None for result in results] == [test != "True", False, test != "True"]
    assert str(results[1].error()) == f"ends.py:4: {BODY_ENDS[end]}"


TENANT = contextvars.ContextVar("tenant", default="nobody")


@sgl.host
def whose(text: str) -> str:
    return f"{text} of {TENANT.get()}, {decimal.getcontext().prec}"


LOCAL = threading.local()


@pytest.mark.parametrize("rows", [1, 3])
def test_a_body_sees_what_its_callers_thread_has(rows: int, backend: sgl.Scripted) -> None:
    @sgl.function
    def program(s, q):
        s += q + sgl.gen("a")
        for _ in range(len(s["a"])):  # an exit
            s += f"{LOCAL.user} {threading.current_thread().name};"

    def outer(name: str) -> None:
        LOCAL.user = name
        texts = [result.text() for result in program.run_batch([{"q": "q"}] * rows, backend=backend)]
        seen.append((name, texts))

    seen: list[tuple[str, list[str]]] = []
    threads = [threading.Thread(target=outer, args=(name,), name=f"of {name}") for name in ("ann", "bob", "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert dict(seen) == {name: [f"qfine{f'{name} of {name};' * 4}"] * rows for name in ("ann", "bob", "eve")}


OWN_LOCK = threading.RLock()


def test_a_body_may_wait_for_a_lock_that_another_caller_holds(backend: sgl.Scripted) -> None:
    def looked_up() -> str:
        with OWN_LOCK:
            time.sleep(0.001)
            return "x"

    @sgl.function
    def program(s, q):
        s += q + sgl.gen("a")
        if len(s["a"]) > 1:
            s += looked_up()

    def held() -> None:
        for number in range(20):
            with OWN_LOCK:
                texts.append(program.run(q=f"q{number}", backend=backend).text())

    def free() -> None:
        for number in range(20):
            texts.extend(
                r.text() for r in program.run_batch([{"q": f"r{number}"}], backend=backend, generator_style=True)
            )

    texts: list[str] = []
    threads = [threading.Thread(target=target, daemon=True) for target in (held, free, free)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(texts) == 60


KEPT: list[Any] = []


def keeps_a_text(s, q):
    s += q + sgl.gen("a")
    KEPT.append(s["a"])


def keeps_texts_in_order(s, q):
    s += q + sgl.gen("a")
    heapq.heappush(KEPT, s["a"])


@pytest.mark.parametrize("body", [keeps_a_text, keeps_texts_in_order], ids=lambda body: body.__name__)
def test_a_text_that_is_kept_outside_is_refused_and_taken_out(body: Any, backend: sgl.Scripted) -> None:
    KEPT[:] = ["kept"]
    program = sgl.function(body)
    for _ in range(2):
        with pytest.raises(sgl.ProgramError, match=r"changes something outside of it|kept outside of the program"):
            program.run(q="q", backend=backend).text()
    assert KEPT == ["kept"]


def sets_a_variable(s, q):
    s += q + sgl.gen("a")
    token = TENANT.set("alice")
    try:
        s += whose(s["a"])
    finally:
        TENANT.reset(token)


def sets_a_precision(s, q):
    s += q + sgl.gen("a")
    with decimal.localcontext(decimal.Context(prec=3)):
        s += whose(s["a"])


@pytest.mark.parametrize(("body", "name"), [(sets_a_variable, "tenant"), (sets_a_precision, "decimal_context")])
def test_what_a_host_function_would_not_see_is_refused(body: Any, name: str, backend: sgl.Scripted) -> None:
    with pytest.raises(sgl.ProgramError, match=f"changes something outside of it: the context variable {name}"):
        sgl.function(body).run(q="q", backend=backend)


def test_a_context_that_is_only_read_is_as_it_was(backend: sgl.Scripted) -> None:
    @sgl.function
    def program(s, q):
        s += q + str(decimal.Decimal(1) / 4) + whose(TENANT.get())

    def outer() -> Any:
        TENANT.set("bob")
        return [program.run(q="q", backend=backend, mode=mode).text() for mode in ("compiled", "interpret")]

    assert contextvars.Context().run(outer) == ["q0.25bob of bob, 28"] * 2
