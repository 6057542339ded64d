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


@pytest.mark.parametrize("body", [reads_before, reads_after, reads_before_and_after], ids=lambda body: body.__name__)
def test_a_tool_is_called_as_plain_python_calls_it(body: Any, backend: sgl.Scripted) -> None:
    expected = _runs(body, backend, mode="interpret")
    with pytest.warns(RuntimeWarning, match=f"{body.__name__} reads what its host functions change"):
        found = _runs(body, backend)
    assert [memory for _, memory in found] == [memory for _, memory in expected]
    # The first run of one that reads before and after a call is told apart by its warning alone.
    first = 1 if body is reads_before_and_after else 0
    assert found[first:] == expected[first:]


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
