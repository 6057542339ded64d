"""A backend that nobody needs any more is freed at once, whatever programs and results it leaves: others may wait for its
memory. Nothing waits for Python's collector here, which does not look at what was there when a backend began."""

from __future__ import annotations

import gc
import subprocess
import sys
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


@sgl.function
def chooses(s: sgl.ProgramState, x: str) -> None:
    """What rows ask alike is asked once, and remembered."""
    s += "Q: " + x + sgl.select("answer", ["two words", "none"])
    s["words"] = len(s["answer"].split())


@sgl.host
def tool(x: str) -> str:
    return x + "!"


@sgl.function
def calls(s: sgl.ProgramState, x: str) -> None:
    s += "Q: " + tool(x) + sgl.gen("answer")
    s["words"] = len(s["answer"].split())


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    gc.collect()
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


def shared(backend: Runner) -> Any:
    return chooses.run_batch([{"x": "one"}, {"x": "one"}], backend=backend)[0]


def called_by_python(backend: Runner) -> Any:
    return calls.run(x="one", backend=backend, mode="interpret")


@pytest.mark.parametrize("how", [run, stream, batch, plain, shared, called_by_python])
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


DROPPED_LAST = """\
import sglc as sgl
@sgl.function
def f(s, x):
    s += x + sgl.gen("a", max_tokens=4)
def main():
    {before}
    engine = sgl.Engine(device="cpu", max_kv_tokens=512)
    f.run(x="1", backend=engine)
    return {kept}
kept = main()
"""


@pytest.mark.parametrize("kept", ["None", "engine"])
@pytest.mark.parametrize("before", ["", "f.run(x='1', backend=sgl.Scripted(lambda question: 'yes'))"])
def test_a_process_ends_quietly_with_an_engine_that_was_just_dropped_or_is_open(before: str, kept: str) -> None:
    source = DROPPED_LAST.format(before=before, kept=kept)
    done = subprocess.run([sys.executable, "-c", source], check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@sgl.function
def appends(s: sgl.ProgramState, x: str) -> None:
    s += "Q: " + sgl.gen("a", max_tokens=4)
    s += "again " + x + sgl.gen("b", max_tokens=4)


def test_what_fails_before_a_run_begins_fails_that_run(engine: sgl.Engine) -> None:
    bad, good = appends.run_batch([{"x": "bad \ud800 one"}, {"x": "good"}], backend=engine)
    assert bad.error() is not None
    assert good.error() is None


class ByIdentity(type):
    """Classes that compare in their own way, and have no hash."""

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __eq__(cls, other: object) -> bool:
        return cls is other


class Thing(metaclass=ByIdentity):
    pass


@sgl.function
def takes_anything(s: sgl.ProgramState, x: str, thing: object) -> None:
    s += "Q: " + x + sgl.gen("a", max_tokens=3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_argument_of_a_class_without_a_hash() -> None:
    with sgl.Scripted(lambda question: "yes") as backend:
        assert takes_anything.run(x="one", thing=Thing(), backend=backend)["a"] == "yes"
