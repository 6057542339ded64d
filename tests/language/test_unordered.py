"""`sgl.unordered`: what may stand in it, the order that a compiled program chooses, and that all its runs keep to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sglc as sgl
from sglc.ir.ops import Append, Unordered
from sglc.runtime.scripted import Question


def ran(program: sgl.SglFunction, rows: list[dict[str, Any]], said: str = "7", **settings: Any) -> list[Any]:
    """The text of each row, and after all of them the prompts that the model was asked, in the order of their text."""
    asked: list[str] = []

    def answer(question: Question) -> str:
        asked.append(question.prompt)
        return said

    with sgl.Scripted(answer) as backend:
        texts = [program.run(**row, backend=backend, **settings).text() for row in rows]
    return [*texts, sorted(asked)]


@sgl.function
def few(s, instructions, question):
    s += "Like these.\n" + sgl.unordered(instructions + "\n", "1 + 1 = 2\n", f"Q{question}?", "Be brief.\n")
    s += question + sgl.gen("answer")


def test_a_compiled_program_puts_constants_first_and_plain_python_does_not() -> None:
    row = {"instructions": "Count.", "question": "2 + 2"}
    first, prompts = ran(few, [row])
    assert prompts == ["Like these.\n1 + 1 = 2\nBe brief.\nCount.\nQ2 + 2?2 + 2"]
    assert first == prompts[0] + "7"
    assert ran(few, [row], mode="interpret")[-1] == ["Like these.\nCount.\n1 + 1 = 2\nQ2 + 2?Be brief.\n2 + 2"]


def test_what_is_reordered_is_prefilled_ahead_of_time() -> None:
    compiled = few.compile()
    prompt = compiled.graph.prefixes[-1]
    assert isinstance(prompt, Append)
    assert prompt.parts == ("Like these.\n1 + 1 = 2\nBe brief.\n",)


def test_the_trace_has_the_parts_as_they_were_written() -> None:
    (op,) = (op for op in few.trace().body if isinstance(op, Unordered))
    assert [len(group) for group in op.groups] == [2, 1, 3, 1]
    assert op.loc is not None
    assert op.loc.line == inspect.getsourcelines(few.func)[1] + 2


def loop(s, x):
    for example in ("one", "two"):
        s += sgl.unordered(x, example, "Be brief.")


def forks(s, x, y):
    children = s.fork(2)
    children += lambda number: sgl.unordered(("a", x)[number], y, "b")
    children += sgl.gen("v")
    children.join()


def answers(s, x):
    s += sgl.gen("v")
    s += sgl.unordered(s["v"] + x, f"{x}!", "a" + "b")


def one_line(s, x):
    s += sgl.unordered(x, "a") + sgl.unordered(x, "b", "c")


def text_is_read(s, x):
    s += sgl.unordered(x, "a")
    s["t"] = s.text()


def scope_is_read(s, x):
    s += sgl.unordered(x, "a")
    with s.var_scope("v"):
        s += sgl.unordered(x, "b")
    s += sgl.unordered(x, "c")


def messages_are_read(s, x):
    s += sgl.user(sgl.unordered(x, "a"))
    if s.messages()[0]["content"] == "Hi!a":
        s += "!"


def constants_are_read(s, x):
    for _ in range(2):
        s += sgl.user(sgl.unordered(*(("b", "a") if s.messages() else (x, "a"))))


def read_at_an_exit(s, x):
    s += sgl.unordered(x, "a")
    if len(s.text()) > 3:
        s += "!"


def well_placed(s, x):
    s += sgl.unordered("a", x)
    s["t"] = s.text()


def one_part_or_none(s, x):
    s += sgl.unordered(x) + sgl.unordered() + "a"


KEPT = "the text that holds it is read at {}"
CHOSEN: list[tuple[Callable[..., None], dict[int, Any]]] = [
    (loop, {2: (2, 1, 0)}),
    (forks, {2: (2, 0, 1)}),
    (answers, {2: (2, 1, 0)}),
    (one_line, {1: "2 and 3 parts stand at this line"}),
    (text_is_read, {1: KEPT.format(2)}),
    (scope_is_read, {1: (1, 0), 3: KEPT.format(2), 4: (1, 0)}),
    (messages_are_read, {1: KEPT.format(2)}),
    (constants_are_read, {2: KEPT.format(2)}),
    (read_at_an_exit, {1: KEPT.format(2)}),
    (well_placed, {}),
    (one_part_or_none, {}),
]
"""Lines, counted from the `def`, and what is chosen there, or why nothing is."""


@pytest.mark.parametrize(("body", "chosen"), CHOSEN, ids=lambda value: getattr(value, "__name__", ""))
def test_one_line_has_one_order(body: Callable[..., None], chosen: dict[int, Any]) -> None:
    first = inspect.getsourcelines(body)[1]
    found: dict[int, Any] = {}
    for place, order in sgl.function(body).compile().graph.orders.items():
        why = order.why
        if "read at" in why:
            words, _, line = why.rpartition(":")
            why = f"{words.rpartition(' ')[0]} {int(line) - first}"
        found[place.line - first] = why if order.places is None else order.places
    assert found == chosen


def test_parts_that_are_kept_stand_as_written() -> None:
    kept = sgl.function(text_is_read)
    assert ran(kept, [{"x": "Hi"}]) == ran(kept, [{"x": "Hi"}], mode="interpret") == ["Hia", []]


@sgl.function
def leaves(s, x):
    """Goes on beyond an exit: once more at a line that is compiled, and at one that is not."""
    for turn in range(2):
        s += sgl.unordered(x, "a,", "b,") + sgl.gen(f"v{turn}")
        if int(s[f"v{turn}"]) < 5:
            s += sgl.unordered(s[f"v{turn}"], "c,") + sgl.gen("w")
    s += sgl.unordered(*(["d,"] * int(s["v0"])))


@sgl.function
def at_once(s, x):
    """An exit before the first answer: what was said by then is said again with plain texts."""
    s += sgl.unordered(x, "a")
    if len(x) > 1:
        s += "!" + sgl.gen("v") + sgl.unordered(x, "b")


@sgl.function
def changing(s, x):
    """Beyond an exit more parts stand at a line than where it was compiled."""
    for turn in range(3):
        s += sgl.unordered(x, *["a"] * (1 + (len(s["v"]) if turn else 0))) + sgl.gen("v")


@pytest.mark.parametrize(
    ("program", "said", "text"),
    [
        (leaves, "7", "a,b,Hi7a,b,Hi7d,d,d,d,d,d,d,"),
        (leaves, "2", "a,b,Hi22c,2a,b,Hi22c,2d,d,"),  # `c` comes after what an exit found: nobody chose
        (at_once, "7", "aHi!7Hib"),
        (changing, "7", "aHi7Hiaa7Hiaa7"),
    ],
)
def test_runs_beyond_an_exit_keep_the_order(program: sgl.SglFunction, said: str, text: str) -> None:
    """Each run is checked against the body, which must do the same: a warning would fail the test."""
    fresh = sgl.function(program.func)
    *texts, _ = ran(fresh, [{"x": "Hi"}] * 3, said)
    assert texts == [text] * 3


def test_the_working_folder_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.py").write_text(
        "def body(s, x):\n    s += sgl.unordered(x, 'a') + sgl.gen('v')\n    s += f'{x:>5}'\n"
    )
    space: dict[str, Any] = {"sgl": sgl}
    exec(compile((tmp_path / "p.py").read_text(), str(tmp_path / "p.py"), "exec"), space)
    program = sgl.function(space["body"])
    assert [str(place) for place in program.compile().graph.orders] == ["p.py:2"]
    with sgl.Scripted(lambda question: "7") as backend:
        assert program.run(x="Hi", backend=backend).text() == "aHi7   Hi"
        monkeypatch.chdir(tmp_path / "inner")
        few.run(instructions="a", question="b", backend=backend)  # notes the folder
        assert program.run(x="Ho", backend=backend).text() == "aHo7   Ho"


def test_an_artifact_keeps_the_order(tmp_path: Path) -> None:
    compiled = few.compile()
    compiled.save(tmp_path / "few.sglc")
    loaded = sgl.load(tmp_path / "few.sglc")
    assert loaded.graph.orders == compiled.graph.orders
    assert loaded.graph.orders
    with sgl.Scripted(lambda question: "7") as backend:
        row: dict[str, Any] = {"instructions": "Count.", "question": "2"}
        assert loaded.run(**row, backend=backend).text() == few.run(**row, backend=backend).text()


BAD: dict[str, tuple[Callable[[], Any], str, str]] = {
    "gen": (lambda: sgl.gen("x"), "part 1 of unordered is an answer of the model", "append it before or after"),
    "select": (lambda: sgl.select("x", ["a"]), "part 1 of unordered is an answer of the model", "append it before"),
    "sum with a gen": (lambda: "a" + sgl.gen("x"), "part 1 of unordered is an answer of the model", "append it before"),
    "role": (lambda: sgl.user("a"), "part 1 of unordered is a role", "put it around: sgl.user(sgl.unordered(...))"),
    "image": (lambda: sgl.image("a.png"), "part 1 of unordered is an image", "append it before or after"),
    "unordered": (
        lambda: "a" + sgl.unordered("b", "c"),
        "part 1 of unordered is another unordered",
        "write its parts among the others",
    ),
    "trusted": (
        lambda: sgl.trusted("a"),
        "part 1 of unordered is a trusted text",
        "append it before or after, or give",
    ),
    "template": (
        lambda: sgl.template("a", sgl.gen("x")),
        "part 1 of unordered is no text",
        "append it before or after",
    ),
    "number": (lambda: 3, "part 1 of unordered is of type int, not str", "give texts, or str(...) of it"),
    "list": (lambda: ["a"], "part 1 of unordered is of type list, not str", "give texts, or str(...) of it"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_text_is_refused_at_its_line(case: str) -> None:
    make, what, hint = BAD[case]

    @sgl.function
    def program(s, x):
        s += sgl.unordered(x, make())

    with pytest.raises(sgl.ProgramError) as caught:
        program.trace()
    assert caught.value.what == what
    assert caught.value.hint.startswith(hint)
    assert str(caught.value.where).endswith(f"test_unordered.py:{inspect.getsourcelines(program.func)[1] + 2}")


def test_a_choice_cannot_be_unordered() -> None:
    with pytest.raises(sgl.ProgramError, match="choice 0 of a select is of type UnorderedExpression, not str"):
        sgl.select("x", [sgl.unordered("a", "b")])
