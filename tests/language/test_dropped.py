"""A backend that nobody needs any more is freed at once, whatever programs and results it leaves: others may wait for its
memory. Nothing waits for Python's collector here, which does not look at what was there when a backend began."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sglc as sgl
from sglc.runtime.runner import Runner


@sgl.function
def exits(s: sgl.ProgramState, x: str) -> None:
    """What `split` gives is known in a run alone, so the program goes on with its function, on this backend."""
    s += "Q: " + x + sgl.gen("answer", max_tokens=4)
    s["words"] = len(s["answer"].split())


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def soon(said: Callable[[], bool]) -> bool:
    """Whether it comes true: threads end when they get to it."""
    deadline = time.monotonic() + 10
    while not said() and time.monotonic() < deadline:
        time.sleep(0.01)
    return said()


def ends(thread: threading.Thread) -> bool:
    return soon(lambda: not thread.is_alive())


def thread_of(backend: Runner) -> threading.Thread:
    return backend.on_loop(threading.current_thread)


def test_an_engine_that_was_shut_down_leaves_nothing() -> None:
    with sgl.Engine(device="cpu", max_kv_tokens=512) as engine:
        results = exits.run_batch([{"x": "one"}, {"x": "two"}], backend=engine)
        streamed = exits.run(x="three", backend=engine, stream=True)
        streamed.sync()
        parts: dict[str, Any] = {"engine": engine, "core": engine._core, "device": engine._device, "port": engine._port}
        left = {name: weakref.ref(part) for name, part in parts.items()}
        left["weights"] = weakref.ref(engine._device._model.network.get_input_embeddings().weight)
        parts.clear()
    del engine
    assert soon(lambda: not any(part() for part in left.values())), {name: part() for name, part in left.items()}
    assert results[0].text().startswith("Q: one")
    assert streamed.text().startswith("Q: three")


def run(backend: Runner) -> Any:
    return exits.run(x="one", backend=backend)


def stream(backend: Runner) -> Any:
    result = exits.run(x="one", backend=backend, stream=True)
    assert list(result.text_iter())
    return result


def batch(backend: Runner) -> Any:
    return exits.run_batch([{"x": "one"}, {"x": "two"}], backend=backend)[0]


def plain(backend: Runner) -> Any:
    return exits.run(x="one", backend=backend, mode="interpret")


@pytest.mark.parametrize("how", [run, stream, batch, plain])
def test_a_backend_that_nobody_refers_to_ends(how: Callable[[Runner], Any]) -> None:
    backend = sgl.Scripted(lambda question: "two words")
    thread = thread_of(backend)
    result = how(backend)
    gone = weakref.ref(backend)
    del backend
    assert ends(thread)
    assert soon(lambda: gone() is None)
    assert result["words"] == 2


def test_a_stream_keeps_its_backend_until_it_ends() -> None:
    go_on = threading.Event()

    def answer(question: object) -> str:
        go_on.wait(10)
        return "two words"

    backend = sgl.Scripted(answer)
    thread = thread_of(backend)
    result = exits.run(x="one", backend=backend, stream=True)
    del backend
    go_on.set()
    assert result["words"] == 2
    assert ends(thread)


def test_a_backend_may_be_shut_down_twice_and_then_dropped() -> None:
    thresholds = gc.get_threshold()
    backend = sgl.Scripted(lambda question: "yes")
    thread = thread_of(backend)
    backend.shutdown()
    backend.shutdown()
    assert not thread.is_alive()
    with pytest.raises(sgl.RunError, match="the engine has ended"):
        exits.run(x="one", backend=backend)
    del backend
    assert gc.get_threshold() == thresholds
