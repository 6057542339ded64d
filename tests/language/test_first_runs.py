"""How much of a program is followed before its first run: all that is few, and of the rest what the row takes. What is left is
compiled when a run gets there, and is right all the same."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

import sglc as sgl
from sglc.ir.graph import End
from sglc.trace import confirm, explore


@pytest.fixture
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(lambda question: random.Random(question.seed).choice(question.choices or ["a", "b"])) as backend:
        yield backend


def paths_of(program: sgl.SglFunction) -> list[int]:
    """How many paths each of the compiled programs has."""
    graphs = [live.compiled.graph for _, live in program.kept.programs.values()]
    return [sum(isinstance(region.end, End) for region in graph.regions) for graph in graphs]


def chat(s, messages):
    for message in messages:
        if message["role"] == "user":
            s += sgl.user(message["content"])
        elif message["role"] == "system":
            s += sgl.system(message["content"])
        else:
            s += sgl.assistant(message["content"])
    s += sgl.assistant(sgl.gen("answer"))


def test_of_questions_about_arguments_the_answers_of_the_row_are_followed(backend: sgl.Scripted) -> None:
    draw = random.Random(5)
    roles = ("system", "user", "assistant")
    rows = [{"messages": [{"role": draw.choice(roles), "content": str(n)} for n in range(12)]} for _ in range(40)]
    program = sgl.function(chat)
    found, expected = (
        program.run_batch(rows, backend=backend, mode=mode, seed=3) for mode in ("compiled", "interpret")
    )
    assert [result.text() for result in found] == [result.text() for result in expected]
    assert [result.messages() for result in found] == [result.messages() for result in expected]
    (paths,) = paths_of(program)
    assert paths <= 4


def answers(s, q):
    s += q
    for name in "abcdefg":
        s += sgl.select(name, ["yes", "no"])
        if s[name] == "no":
            s += "why?"


@pytest.mark.parametrize(("settings", "most"), [({}, 16), ({"max_paths": 40}, 40), ({"max_paths": 3}, 3)])
def test_so_many_paths_are_followed_while_a_row_waits(
    settings: dict[str, int], most: int, backend: sgl.Scripted
) -> None:
    program = sgl.function(**settings)(answers)
    rows = [{"q": str(number)} for number in range(60)]
    found, expected = (
        program.run_batch(rows, backend=backend, mode=mode, seed=3) for mode in ("compiled", "interpret")
    )
    assert [result.text() for result in found] == [result.text() for result in expected]
    (live,) = (live for _, live in program.kept.programs.values())
    assert len(list(live.compiled.graph.regions)) < 2 * most
    ahead = list(program.compile().graph.regions)
    assert len(ahead) < 2 * max(64, most)
    assert len(ahead) > 64 or settings


def searches(s, q):
    for name in "abcd":
        s += sgl.select(name, ["yes", "no"])
        if s[name] == "no":
            s += slowly(q)


def slowly(text: str) -> str:
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
    return text + "!"


def test_a_body_that_takes_long_is_not_followed_far(
    backend: sgl.Scripted, monkeypatch: pytest.MonkeyPatch, recwarn: Any
) -> None:
    monkeypatch.setattr(explore, "SECONDS", 0.1)
    monkeypatch.setattr(confirm, "SECONDS", 0.1)
    program = sgl.function(searches)
    texts = [
        [program.run(q="q", backend=backend, seed=n, mode=mode).text() for n in range(4)]
        for mode in ("compiled", "interpret")
    ]
    assert texts[0] == texts[1]
    said = {str(warning.message) for warning in recwarn if warning.category is RuntimeWarning}
    assert len(said) == 1
    assert "test_first_runs.py" in min(said)
    assert "searches takes long to run without the model" in min(said)


def grades(s, q):
    s += q + sgl.gen("a")
    return {len(s["a"])}


def test_what_ends_in_no_plain_data_is_tried_a_few_times(
    backend: sgl.Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = sgl.function(grades)
    with pytest.warns(RuntimeWarning, match="of type set"):
        assert [program.run(q=f"{n}", backend=backend).ret_value for n in range(5)] == [{1}] * 5
    ((_, live),) = program.kept.programs.values()
    assert live.by_python
