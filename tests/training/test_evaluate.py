"""The evaluation, with answerers that know everything or nothing in the place of a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rich.console import Console

import sglc
from models import evaluate as ev
from models import strangers
from models.document import Answer, Document, chat
from models.draw import Draw
from models.network import Network
from models.tasks import extraction, forms, records
from models.tasks import react as tools
from models.train import export
from sglc.runtime.scripted import Question
from tests.examples.test_programs import VALUES
from tests.training.support import SHAPE, tokenizer

COUNT = 12


def user_text(document: Document) -> str:
    return "".join(str(piece) for message in document.messages if message.role == "user" for piece in message.pieces)


def last_user(prompt: str) -> str:
    return prompt.rpartition("<user>")[2].partition("</user>")[0]


class Knowing:
    """Answers what the documents and problems of the evaluation hold for right, whatever task asks."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        self._problems: list[tools.Problem] = []
        for task in MEASURED:
            for document in ev.drawn(task, COUNT):
                self._answers[user_text(document) or document.prompt] = document.answers[-1].text
        draw = Draw(ev.SEED, held_out=True)
        self._problems = [tools.problem(draw) for _ in range(2 * COUNT)]

    def __call__(self, question: Question) -> str:
        prompt = question.prompt
        if prompt.startswith(tools.INSTRUCTIONS):
            return self._step(prompt)
        asked = last_user(prompt) if "<user>" in prompt else prompt
        return self._answers[asked]

    def _step(self, prompt: str) -> str:
        asked, *lines = prompt.rpartition("Question: ")[2].split("\n")
        problem = next(problem for problem in self._problems if problem.question == asked)
        seen = sum(line.startswith("Observation: ") for line in lines)
        step = problem.steps[min(seen, len(problem.steps) - 1)]
        return step.thought if prompt.endswith("Thought: ") else step.action


MEASURED: tuple[Callable[[Draw], Document], ...] = (
    ev.facts.about("capital"),
    ev.facts.series,
    ev.arithmetic.addition,
    ev.classify.sentiment,
    ev.classify.sentiment_series,
    extraction.order,
    records.record,
    forms.lists,
    forms.steps,
    forms.score,
    forms.yes_or_no,
)

SHOWN: tuple[ev.Measure, ...] = (
    ev.exact("capitals", ev.facts.about("capital")),
    ev.exact("after examples", ev.facts.series),
    ev.exact("addition", ev.arithmetic.addition),
    ev.exact("sentiment", ev.classify.sentiment),
    ev.exact("sentiment after examples", ev.classify.sentiment_series),
    ev.orders,
    ev.records,
    ev.react_problems,
    ev.valid_forms,
)


@pytest.mark.parametrize("measure", SHOWN)
def test_who_knows_everything_has_everything_right(measure: ev.Measure) -> None:
    with sglc.Scripted(Knowing()) as backend:
        figure = measure(backend, COUNT)
    assert figure.count >= 8
    assert figure.right == figure.count


@pytest.mark.parametrize("measure", SHOWN)
def test_who_is_always_wrong_has_nothing_right(measure: ev.Measure) -> None:
    knowing = Knowing()

    def wrong(question: Question) -> str:
        right = knowing(question)
        return next((choice for choice in question.choices if choice != right), "Xyz?")

    with sglc.Scripted(wrong) as backend:
        figure = measure(backend, COUNT)
    assert figure.count >= 8
    assert figure.right == 0


def test_the_rows_of_react_are_told_right_from_wrong() -> None:
    wanted = iter(ev.REACT_ANSWERS)
    questions = {row["question"]: answer for row, answer in zip(ev.rows_of("react"), wanted, strict=True)}

    def answer(question: Question) -> str:
        asked = question.prompt.rpartition("Question: ")[2].split("\n")[0]
        return "I know." if question.prompt.endswith("Thought: ") else f"Finish[{questions[asked].split(' m')[0]}]"

    with sglc.Scripted(answer) as backend:
        assert ev.react_rows(backend, 0).share == 1.0
    with sglc.Scripted(lambda question: "Finish[7]") as backend:
        assert ev.react_rows(backend, 0).right == 0


def test_the_answers_to_the_rows_of_react_are_those_of_its_calculator() -> None:
    for ours, theirs in zip(ev.REACT_ANSWERS[:-1], VALUES["react"]["answer"], strict=False):
        assert ours.split(" ")[0] == theirs


@pytest.mark.parametrize(
    ("said", "right", "count"),
    [
        ({"a": 1, "b": [{"c": "x"}]}, 2, 2),
        ({"a": 1, "b": [{"c": "y"}]}, 1, 2),
        ({"a": 1, "b": [{"c": "x"}, {"c": "z"}]}, 2, 3),
        ({"a": 1}, 1, 2),
        ("no object", 0, 3),
        (None, 0, 2),
    ],
)
def test_fields_are_counted(said: object, right: int, count: int) -> None:
    assert ev.fields_right(said, {"a": 1, "b": [{"c": "x"}]}) == (right, count)


def test_without_choices_a_gen_is_asked() -> None:
    document = ev.without_choices(chat("t", "", ("Is it?", Answer("yes", ("yes", "no")))))
    assert document.answers == [Answer("yes")]


def test_with_and_without_jump_forward(tmp_path: Path) -> None:
    torch.manual_seed(0)
    export(Network(SHAPE), tokenizer(), tmp_path)
    with (
        sglc.Engine(tmp_path, device="cpu", max_kv_tokens=8192) as engine,
        sglc.Engine(tmp_path, device="cpu", max_kv_tokens=8192, jump_forward=False) as other,
    ):
        figures = ev.jump_figures(engine, other, 2)
    assert [figure.count > 0 for figure in figures] == [True] * 3
    assert figures[0].count == figures[1].count or figures[2].right < figures[2].count


def test_the_table_says_what_is_missed() -> None:
    console = Console(width=120, record=True)
    console.print(ev.table([ev.Figure("one", 1, 2, 0.95), ev.Figure("two", 2, 2, 0.95), ev.Figure("three", 0, 0)]))
    shown = console.export_text()
    assert shown.count("missed") == 1
    assert "50.0%" in shown


def test_figures_are_data() -> None:
    assert json.dumps(vars(ev.Figure("one", 1, 2)))


def test_rows_of_strangers_say_what_is_right() -> None:
    rows = strangers.questions()
    assert len({row["question"] for row in rows}) == len(rows) > 200
    for row in rows:
        (wanted,) = row.keys() & {"says", "pattern", "json", "finish"}
        assert row[wanted]
        assert ("book" in row) == (wanted == "finish")


@pytest.mark.parametrize(
    ("row", "said", "right"),
    [
        ({"says": ["Au"]}, "It is Au.", (True, 1)),
        ({"says": ["Au"]}, "Austria", (False, 1)),
        ({"says": ["3", "three"]}, "Three of them", (True, 1)),
        ({"pattern": "- a\n- b"}, "- a\n- b", (True, 1)),
        ({"pattern": "- a\n- b"}, "- a\n- b\n- c", (False, 1)),
        ({"json": {"a": 1, "b": "x"}}, '{"a": 1, "b": "y"}', (1, 2)),
        ({"json": {"a": 1}}, "no JSON", (0, 1)),
        ({"finish": "12 m", "book": {}}, "12 m", (True, 1)),
        ({"finish": "12 m", "book": {}}, "12", (True, 1)),
        ({"finish": "I do not know", "book": {}}, "I", (False, 1)),
    ],
)
def test_answers_to_strangers_are_counted(row: strangers.Row, said: str, right: tuple[int, int]) -> None:
    assert strangers.right_of(row, said) == right


def test_strangers_are_answered_in_order() -> None:
    rows: list[strangers.Row] = [
        {"kind": "one", "question": "How high is Mount Nowhere?", "finish": "3 m", "book": {"mount nowhere": "3 m."}},
        {"kind": "two", "question": "Where is it?", "says": ["here"]},
        {"kind": "one", "question": "How long is the Nix?", "finish": "4 km", "book": {"nix": "4 km."}},
    ]

    def answer(question: Question) -> str:
        if "Where is it?" in question.prompt:
            return "Here."
        if question.prompt.endswith("Thought: "):
            return "I know."
        return "Finish[3 m]" if "Nowhere" in question.prompt.rpartition("Question: ")[2] else "Finish[5 km]"

    with sglc.Scripted(answer) as backend:
        said = strangers.answers(backend, rows)
    assert said == ["3 m", "Here.", "5 km"]
    assert [(one.name, one.right, one.count) for one in strangers.figures(rows, said)] == [("one", 1, 2), ("two", 1, 1)]
