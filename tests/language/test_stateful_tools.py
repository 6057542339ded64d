"""Tools that change what the body reads: no graph of such a body is right for a whole run, and no tool is called twice."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import sglc as sgl


class Agent:
    def __init__(self) -> None:
        self.memory: list[str] = []

    def remember(self, text: str) -> str:
        self.memory.append(text)
        return "ok"


AGENT = Agent()


def reads_before(s, q):
    s += f"{len(AGENT.memory)} " + q + sgl.gen("a")
    s += sgl.call(AGENT.remember, s["a"])


def reads_after(s, q):
    s += q + sgl.gen("a")
    s += sgl.call(AGENT.remember, s["a"])
    s += "\n".join(AGENT.memory) + sgl.gen("b")


def reads_before_and_after(s, q):
    s += f"{len(AGENT.memory)} " + q + sgl.gen("a")
    if s["a"].startswith("0"):
        s += " first"
    s += sgl.call(AGENT.remember, s["a"])
    s += f" {len(AGENT.memory)}" + sgl.gen("b")


@pytest.fixture
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(lambda question: question.prompt[::-1][:9]) as backend:
        yield backend


def _runs(body: Any, backend: sgl.Scripted, **how: Any) -> list[tuple[str, list[str]]]:
    AGENT.memory.clear()
    program, seen = sgl.function(body), list[tuple[str, list[str]]]()
    for number in range(3):
        text = program.run(q=f"q{number}", backend=backend, **how).text()
        seen.append((text, AGENT.memory.copy()))
    texts = [result.text() for result in program.run_batch([{"q": "x"}, {"q": "y"}], backend=backend, **how)]
    return [*seen, (str(texts), AGENT.memory.copy())]


def agent_loop(s, q):
    for step in range(3):
        s += "memory: " + ";".join(AGENT.memory) + " next: " + sgl.gen("a")
        s += sgl.call(AGENT.remember, q + str(step)) + "\n"


BODIES = (reads_before, reads_after, reads_before_and_after, agent_loop)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_tool_is_called_as_plain_python_calls_it(body: Any, backend: sgl.Scripted) -> None:
    expected = _runs(body, backend, mode="interpret")
    with pytest.warns(RuntimeWarning, match=f"{body.__name__} reads what its host functions change"):
        found = _runs(body, backend)
    assert [memory for _, memory in found] == [memory for _, memory in expected]
    assert found == expected


TABLE = {"q": "known"}


@sgl.host
def looked_up(text: str) -> str:
    return TABLE.get(text, "-")


def test_a_tool_that_only_reads_what_the_body_reads_leaves_the_program_compiled(backend: sgl.Scripted) -> None:
    @sgl.function
    def program(s, q):
        s += TABLE["q"] + q + looked_up(q)
        forks = s.fork(2)
        forks += sgl.gen("a")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        texts = [program.run(q="q", backend=backend).text() for _ in range(3)]
    assert texts == ["knownqknown"] * 3
    assert not next(iter(program.kept.programs.values()))[1].by_python


def test_a_stream_says_that_it_may_have_read_too_early(backend: sgl.Scripted) -> None:
    AGENT.memory.clear()
    with pytest.warns(RuntimeWarning, match="this run may have read it before they did"):
        "".join(sgl.function(reads_before).run(q="q", backend=backend, stream=True).text_iter())
    assert len(AGENT.memory) == 1


def test_a_tool_that_changes_what_only_it_reads_leaves_the_program_compiled(backend: sgl.Scripted) -> None:
    @sgl.function
    def program(s, q):
        s += q + sgl.gen("a")
        s += sgl.call(AGENT.remember, s["a"])

    AGENT.memory.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(3):
            assert program.run(q=f"q{number}", backend=backend).text().endswith("ok")
    assert len(AGENT.memory) == 3
