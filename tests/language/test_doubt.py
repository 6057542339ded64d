"""An f-string of a text that is not known yet is a plain string with a placeholder in it, and Python may look at that. What
it decides is checked with the real texts, in time: before a host function is called, and before a stream tells anything."""

from __future__ import annotations

import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest

import sglc as sgl
from sglc.language.arguments import take_apart
from sglc.live import LiveProgram
from sglc.trace.explore import explore
from tests.language import appending

CALLS: list[tuple[Any, ...]] = []
BLOCKED = {"rm -rf /"}


@sgl.host
def shell(command: str) -> str:
    CALLS.append(("shell", command))
    return "done"


@sgl.host
def slow(what: str) -> str:
    time.sleep(0.1)
    CALLS.append(("slow", what))
    return "slowly"


@sgl.host
def notify(what: str) -> None:
    CALLS.append(("notify", what))


@sgl.host
def fails(what: str) -> str:
    CALLS.append(("fails", what))
    raise ValueError("no")


@sgl.function
def in_a_set(s, q):
    s += q + sgl.gen("a")
    if f"{s['a']}" in BLOCKED:
        s += " refused"
    else:
        s += shell(s["a"])


@sgl.function
def by_length(s, q):
    s += q + sgl.gen("a")
    line = f"{q}: {s['a']}"
    if len(line.split()) > 40:
        s += " too long"
    else:
        s += shell(line)


@sgl.function
def by_count(s, q):
    s += q + sgl.gen("a")
    for _ in range(f"{s['a']}".count("rm")):
        s += shell("again")


@sgl.function
def another_number(s, q):
    """The same call with the same argument, but as the second step and not the first."""
    s += q + sgl.gen("a")
    if f"{s['a']}" in BLOCKED:
        s += sgl.gen("why")
    s += shell("log")


@sgl.function
def sorted_texts(s, q):
    s += q + sgl.gen("a") + "|" + sgl.gen("b")
    s += shell(sorted([f"{s['a']}", f"{s['b']}"])[0])


@sgl.function
def of_two_forks(s, q):
    s += q
    left, right = s.fork(2)
    left += sgl.gen("a")
    right += sgl.gen("b")
    if max(f"{left['a']}", f"{right['b']}").startswith("w"):
        left += shell("left")
    right += shell("right")


@sgl.function
def beside_a_call_under_way(s, q):
    s += q + slow("first")
    s += sgl.gen("a")
    if f"{s['a']}" in BLOCKED:
        s += shell("blocked")
    else:
        s += shell("allowed")


@sgl.function
def after_a_call_that_gives_none(s, q):
    notify(q)
    s += q + sgl.gen("a")
    if f"{s['a']}" in BLOCKED:
        s += " refused"


@sgl.function
def fails_in_doubt(s, q):
    s += f"{q}: " + sgl.gen("a")
    s += fails(s["a"])


@sgl.function
def inside_a_branch(s, q):
    s += q + sgl.gen("a")
    if s["a"] == "rm -rf /":
        if len(f"{s['a']}{q}") < 12:
            s += shell("short")
        s += shell("end")


@sgl.function
def in_a_helper(s, q):
    s += q + sgl.gen("a")
    s += _shortened(f"[{s['a']}]") + shell(_shortened(f"<{s['a']}>"))


def _shortened(text: str) -> str:
    return text if len(text) < 8 else text[:3] + "..."


@sgl.function
def by_its_type_after_an_exit(s, q):
    """No placeholder is in this, and what follows an exit was tried on no invented text."""
    s += q + sgl.gen("a")
    if len(s["a"]) >= 0:
        s += sgl.gen("b")
        s += shell(type(s["b"]).__name__)


@sgl.function
def raises_what_another_path_was_answered(s, q):
    s += q + sgl.gen("a", temperature=0)
    s += ("in" if "r" in f"{s['a']}" else "out") + sgl.gen("b", temperature=0)
    raise ValueError(f"{len(s['b'])} {s['b']}")


PROGRAMS = (
    by_its_type_after_an_exit,
    raises_what_another_path_was_answered,
    in_a_set,
    by_length,
    by_count,
    another_number,
    sorted_texts,
    of_two_forks,
    beside_a_call_under_way,
    after_a_call_that_gives_none,
    fails_in_doubt,
    inside_a_branch,
    in_a_helper,
)
ANSWERS: dict[str, Callable[[Any], str]] = {
    "blocked": lambda q: "rm -rf /",
    "long": lambda q: "w " * 60,
    "empty": lambda q: "",
    "prompt": lambda q: q.prompt[::-1],
    "differ": lambda q: "a" if q.prompt.endswith("|") else "z",
}


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    CALLS.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that a trace was misled, which is what happens here
        yield


def _run(program: Any, answer: Callable[[Any], str], **how: Any) -> tuple[Any, ...]:
    CALLS.clear()
    with sgl.Scripted(answer) as backend:
        result = program.run(q="q", backend=backend, **how)
        pieces = "".join(_pieces(result)) if how.get("stream") else None
        error = result.error()
        text = None if error else result.text()
    if pieces is not None:
        assert error or pieces == text
    return text, str(error), Counter(CALLS)


def _pieces(result: Any) -> Iterator[str]:
    try:
        yield from result.text_iter()
    except sgl.SglcError:
        return


def test_a_doubt_that_another_thread_ends_while_it_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    certain = LiveProgram._certain

    def checked_meanwhile(self: LiveProgram, run: Any, step: Any, backend: Any) -> Any:
        for block in run.path:
            block.doubts = None
        return certain(self, run, step, backend)

    monkeypatch.setattr(LiveProgram, "_certain", checked_meanwhile)
    expected = _run(by_its_type_after_an_exit, ANSWERS["long"], mode="interpret")
    assert _run(sgl.function(by_its_type_after_an_exit.func), ANSWERS["long"]) == expected


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_tools_are_called_as_plain_python_calls_them(program: Any, answer: str) -> None:
    expected = _run(program, ANSWERS[answer], mode="interpret")
    fresh = sgl.function(program.func)  # what an earlier run has shown counts for all runs after it
    assert _run(fresh, ANSWERS[answer]) == expected
    assert _run(fresh, ANSWERS[answer]) == expected
    assert _run(sgl.function(program.func), ANSWERS[answer], stream=True) == expected


MEETING = threading.Barrier(3)


@sgl.host
def meet(what: str) -> str:
    MEETING.wait(60)
    return what


def test_calls_with_an_f_string_still_run_at_once() -> None:
    @sgl.function
    def fan(s, q):
        forks = s.fork(3)
        forks += [meet(f"{q} {index}") for index in range(3)]

    with sgl.Scripted(lambda q: "ok") as backend:
        for _ in range(2):
            assert fan.run(q="q", backend=backend).error() is None


def test_a_function_that_gives_none_and_one_that_fails_are_called_once() -> None:
    """Where plain Python goes on instead, it is given what they gave."""

    @sgl.function
    def program(s, q):
        notify(q)
        s += f"{q}: " + sgl.gen("a")
        if len(f"{s['a']}") < 10:
            s += fails(s["a"])

    with sgl.Scripted(lambda q: "short") as backend:
        error = program.run(q="q", backend=backend).error()
    assert "ValueError: no" in str(error)
    assert CALLS == [("notify", "q"), ("fails", "short")]


@sgl.function
def sliced(s, q):
    s += q + sgl.gen("a")
    x = f"{s['a']}"
    s += f" {x[:3]!r}"
    s += x.title()[:2] + " and " + sgl.gen("b")


@sgl.function
def wrong_branch(s, q):
    s += q + sgl.gen("a")
    s += " LONG" if len(f"{s['a']}") > 20 else " short"
    s += " the rest" + sgl.gen("b")


@pytest.mark.parametrize("program", [sliced, wrong_branch], ids=lambda program: program.__name__)
def test_a_stream_tells_what_is_certain(program: Any) -> None:
    with sgl.Scripted(lambda q: "ok", latency=0.02) as backend:
        result = program.run(q="q", backend=backend, stream=True)
        expected = program.run(q="q", backend=backend, mode="interpret").text()
        assert "".join(result.text_iter()) == result.text() == expected


TOLD = threading.Event()


@sgl.host
def after_it_was_told() -> str:
    assert TOLD.wait(60)
    return "told"


@pytest.mark.parametrize("looks", [False, True])
def test_what_is_certain_is_told_before_the_end(looks: bool) -> None:
    @sgl.function
    def program(s, q):
        text = f"Question: {q}\nAnswer:"
        s += (text.replace("Question", "Q") if looks else text) + sgl.gen("a")
        s += " and " + after_it_was_told()

    TOLD.clear()
    with sgl.Scripted(lambda q: "ok") as backend:
        pieces: list[str] = []
        for piece in program.run(q="q", backend=backend, stream=True).text_iter():
            pieces.append(piece)
            if "ok" in "".join(pieces):
                TOLD.set()
    assert "".join(pieces) == f"{'Q' if looks else 'Question'}: q\nAnswer:ok and told"


@sgl.function
def overwritten(s, q):
    s += q + sgl.gen("answer")
    if "secret" in s["answer"]:
        s["answer"] = "[removed]"
    s += "bye" + sgl.gen("z")


@sgl.function
def inner(s, q):
    s += q + sgl.gen("answer")


@sgl.function
def of_an_inner_program(s, q):
    s += inner(q="inner")["answer"] + " and a longer prompt " + sgl.gen("answer")


@sgl.function
def voted(s, q):
    s += q
    forks = s.fork(2)
    forks += sgl.gen("answer")
    forks.join()
    s += "then" + sgl.gen("end")


@pytest.mark.parametrize("program", [overwritten, of_an_inner_program, voted], ids=lambda program: program.__name__)
def test_a_variable_read_early_is_the_one_at_the_end(program: Any) -> None:
    with sgl.Scripted(lambda q: f"secret{len(q.prompt)}", latency=0.02) as backend:
        result = program.run(q="q", backend=backend, stream=True)
        early, early_meta = result["answer"], result.get_meta_info("answer")
        result.sync()
        assert (early, early_meta) == (result["answer"], result.get_meta_info("answer"))
        assert early == program.run(q="q", backend=backend, mode="interpret")["answer"]
        with pytest.raises(KeyError):
            program.run(q="q", backend=backend, stream=True)["nothing"]
        assert program.run(q="q", backend=backend, stream=True).get_meta_info("nothing") is None
        # in pieces it comes from the gen of that name of the program itself
        pieces = "".join(of_an_inner_program.run(q="q", backend=backend, stream=True).text_iter("answer"))
        assert pieces == of_an_inner_program.run(q="q", backend=backend)["answer"]


BODIES = [body for name, body in vars(appending).items() if name.startswith(("plain_", "looks_"))]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_line_that_only_appends_leaves_no_doubt(body: Any) -> None:
    """Such programs need no check at each run, and no step of theirs waits for one."""
    traced = explore(body, take_apart({"q": "x"}))
    assert any(traced.risks) == body.__name__.startswith("looks_")
    with sgl.Scripted(lambda q: q.choices[0] if q.choices else "ok") as backend:
        found = sgl.function(body).run(q="q", backend=backend).text()
        assert found == sgl.function(body).run(q="q", backend=backend, mode="interpret").text()


def test_a_line_whose_source_has_changed_is_in_doubt(tmp_path: Path) -> None:
    path = tmp_path / "changing.py"
    path.write_text("def body(s, q):\n    text = f'{q}'\n    s += text\n")
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), path, "exec"), space)
    path.write_text("def body(s, q):\n    s += f'{q}'\n    s += text\n")
    assert any(explore(space["body"], take_apart({"q": "x"})).risks)


def test_what_an_artifact_could_not_check_is_said_when_it_is_made() -> None:
    with pytest.warns(RuntimeWarning, match=r"appending.py:\d+: looks_later_at_a_name makes a string of a text"):
        sgl.function(appending.looks_later_at_a_name).compile()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sgl.function(appending.plain_append).compile()


class Parsed(pydantic.BaseModel):
    name: str
    score: int = 0


def validated(s, q):
    s += q + sgl.gen("a")
    try:
        answer = Parsed.model_validate_json(s["a"])
        s += f" {answer.name} {answer.score}"
    except pydantic.ValidationError:
        s += " invalid"


def validated_in_a_field(s, q):
    s += q + sgl.gen("a")
    try:
        s += " " + Parsed(name=s["a"]).name.upper()
    except ValueError:
        s += " invalid"


def validated_by_a_type(s, q):
    s += q + sgl.gen("a")
    try:
        s += f" {pydantic.TypeAdapter(dict[str, int | str]).validate_json(s['a'].strip())}"
    except pydantic.ValidationError:
        s += " invalid"


@pytest.mark.parametrize("body", [validated, validated_in_a_field, validated_by_a_type], ids=lambda body: body.__name__)
def test_validators_that_are_not_python_see_the_real_text(body: Any) -> None:
    """Such a validator takes what is no `str` for invalid, and its error says so in a class of its own."""
    said = {"one": "nonsense", "two": '{"name": "x", "score": 3}', "six": '{"name": "y"}'}
    with sgl.Scripted(lambda question: said[question.prompt[-3:]]) as backend:
        program = sgl.function(body)
        for q in (*said, *said):
            expected = program.run(q=q, backend=backend, mode="interpret").text()
            assert program.run(q=q, backend=backend).text() == expected
