"""What a run gives is its result: it is read, kept, sent and changed without the backend, and it is no state."""

from __future__ import annotations

import asyncio
import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sglc
import sglc as sgl

MODES = ("interpret", "compiled")


@pytest.fixture
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(lambda question: " yes") as backend:
        yield backend


@sgl.function
def ask(s, q):
    s += sgl.user("\n" + q) + sgl.assistant(sgl.gen("a"))
    return {"said": s["a"]}


@sgl.function
def fails(s, q):
    s += q + sgl.gen("a")
    raise ValueError(s["a"])


@pytest.mark.parametrize("copied", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy, copy.copy])
@pytest.mark.parametrize("how", [{"mode": "interpret"}, {"mode": "compiled"}, {"stream": True}], ids=str)
def test_a_result_is_kept_without_its_backend(copied: Any, how: dict[str, Any], backend: sgl.Scripted) -> None:
    result = ask.run(q="Q", backend=backend, **how)
    kept = copied(result)
    assert (kept.text(), kept.variables, kept.ret_value) == (result.text(), {"a": " yes"}, {"said": " yes"})
    assert (kept.messages(), kept.meta, kept.error()) == (result.messages(), result.meta, None)
    failed = copied(fails.run(q="q", backend=backend, **how))
    assert "ValueError:  yes" in str(failed.error())
    assert failed["a"] == " yes"


@pytest.mark.parametrize("mode", MODES)
def test_messages_begin_with_no_white_space(mode: str, backend: sgl.Scripted) -> None:
    @sgl.function
    def looks(s, q):
        s += sgl.user("\n" + q) + sgl.assistant(sgl.gen("a"))
        return [message["content"] for message in s.messages()]

    assert looks.run(q="Q", backend=backend, mode=mode).ret_value == ["Q", "yes"]
    assert [message["content"] for message in ask.run(q="Q", backend=backend, mode=mode).messages()] == ["Q", "yes"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_variable_of_a_result_may_be_set(stream: bool, backend: sgl.Scripted) -> None:
    result = ask.run(q="Q", backend=backend, stream=stream)
    result["a"] = 3
    result.set_var("b", 4)
    assert (result["a"], result["b"], dict(result.variables)) == (3, 4, {"a": 3, "b": 4})


NO_STATE: dict[str, Callable[[Any], Any]] = {
    "+=": lambda r: r.__iadd__(sgl.user("more")),
    ".fork": lambda r: r.fork(2),
    ".user": lambda r: r.user("x"),
    ".var_scope": lambda r: r.var_scope("x"),
}


@pytest.mark.parametrize("what", NO_STATE)
def test_a_result_is_no_state(what: str, backend: sgl.Scripted) -> None:
    with pytest.raises(sglc.ProgramError, match=re.escape(f"{what} of a result: the run is over")):
        NO_STATE[what](ask.run(q="Q", backend=backend))
    assert not hasattr(ask.run(q="Q", backend=backend), "fork")


def test_a_state_shows_its_text(backend: sgl.Scripted) -> None:
    @sgl.function
    def shows(s, q):
        s += q + sgl.gen("a")
        return f"{s}"

    texts = [shows.run(q="Q", backend=backend, mode=mode).ret_value for mode in MODES]
    assert texts == ["ProgramState(Q yes)"] * 2


@pytest.mark.parametrize("way", ["run", "batch", "stream"])
def test_who_waits_in_a_loop_that_is_closed_leaves_the_backend_alone(way: str) -> None:
    async def reads(backend: Any) -> None:
        if way == "run":
            await ask.arun(q="Q", backend=backend)
        elif way == "batch":
            _ = [row async for row in ask.arun_batch([{"q": "Q"}] * 3, backend=backend)]
        else:
            _ = [piece async for piece in ask.run(q="Q", backend=backend, stream=True).text_async_iter()]

    with sgl.Scripted(lambda question: "yes", latency=0.02) as backend:
        loop = asyncio.new_event_loop()
        task = loop.create_task(reads(backend))
        loop.run_until_complete(asyncio.sleep(0.005))
        loop.close()
        texts = [ask.run(q=f"{number}", backend=backend)["a"] for number in range(3)]
        assert texts == ["yes"] * 3
        task._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue]: it is what is tested


def test_a_program_that_shuts_nothing_down_ends_without_a_word(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sglc as sgl\n"
        "@sgl.function\n"
        "def ask(s, q):\n"
        "    s += q + sgl.gen('a', max_tokens=2)\n"
        "assert ask.run(q='x', temperature=0).error() is None\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("", "")
