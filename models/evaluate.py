"""What the model can do, on held-out items, greedily, through sglc: the examples' programs and those of `programs.py`.

    python -m models.evaluate --model build/model/model        # a table; --json FILE writes the figures

Names, numbers and wordings of the items are not in the training data (`draw.py`). Without `--model` the embedded model
is measured.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import sglc as sgl
from models.document import Document, message_text
from models.draw import Draw
from models.examples import FOLDER as EXAMPLES
from models.examples import constant
from models.figures import Figure, field_figure, fields_right, is_value, read, table
from models.programs import checked, finished, question_of
from models.tasks import arithmetic, classify, copying, extraction, facts, forms, reading
from models.tasks import react as tools
from models.tasks import records as record_tasks
from sglc.command.program_file import load_program
from sglc.runtime.runner import Runner

SEED = 1000
COUNT = 200

REACT_ANSWERS = ("3461 m", "4080 km", "30 years", "19.21965318", "6042.5 m", "18.75757576", "Tanzania", "I do not know")
"""Of the rows of `examples/react.jsonl`."""


def order(customer: str, items: dict[str, int], delivery: str, *, gift: bool = False) -> dict[str, Any]:
    listed = [{"article": article, "count": count} for article, count in items.items()]
    return {"customer": customer, "items": listed, "delivery": delivery, "gift": gift}


ORDERS = (
    order("Anna Berg", {"notebooks": 12, "fountain pens": 3}, "collect"),
    order("P. Okafor", {"sheets of blue card": 250}, "express"),
    order("Tomasz Zielinski", {"wooden ruler": 1}, "standard", gift=True),
    order("Dr Ruiz", {"envelopes": 40, "stamps": 40}, "collect"),
    order("The Harbour Office", {"bottles of black": 6, "of red": 2}, "express"),
    order("Mei Lin", {"small globe": 1}, "standard", gift=True),
    order("E. Marchetti", {"pencils": 500}, "standard"),
    order("Noor Haddad", {"desk calendars": 2, "stapler": 1}, "standard"),
)
"""Of the rows of `examples/json_extraction.jsonl`."""


Measure = Callable[[Runner, int], Figure]


def drawn(task: Callable[[Draw], Document], count: int, seed: int = SEED) -> list[Document]:
    """Different held-out documents; fewer where there are not so many."""
    draw = Draw(seed, held_out=True)
    found: dict[str, Document] = {}
    for _ in range(20 * count):
        document = task(draw)
        found.setdefault(document.prompt, document)
        if len(found) == count:
            break
    return list(found.values())


def answers(backend: Runner, documents: Sequence[Document]) -> list[str]:
    """What the model says in the place of each last answer, without white space around it."""
    asked = [question_of(document) for document in documents]
    by_program: defaultdict[sgl.SglFunction, list[int]] = defaultdict(list)
    for index, (program, _) in enumerate(asked):
        by_program[program].append(index)
    found = [""] * len(documents)
    for program, indices in by_program.items():
        results = program.run_batch([asked[index][1] for index in indices], backend=backend)
        for index, result in zip(indices, results, strict=True):
            found[index] = str(checked(result)["answer"]).strip()
    return found


def exact(name: str, *tasks: Callable[[Draw], Document], wanted: float | None = None) -> Measure:
    """The share of answers that are the right ones, letter for letter."""

    def measure(backend: Runner, count: int) -> Figure:
        documents = [document for task in tasks for document in drawn(task, max(1, count // len(tasks)))]
        said = answers(backend, documents)
        right = sum(text == document.answers[-1].text.strip() for text, document in zip(said, documents, strict=True))
        return Figure(name, right, len(documents), wanted)

    return measure


def valid_forms(backend: Runner, count: int) -> Figure:
    """The share of unconstrained answers in the form that was asked for."""
    tasks = (forms.lists, forms.steps, forms.score, forms.yes_or_no)
    documents = [document for task in tasks for document in drawn(task, count // len(tasks))]
    unforced = [without_choices(document) for document in documents]
    said = answers(backend, unforced)
    right = sum(bool(re.fullmatch(one.pattern, text)) for text, one in zip(said, documents, strict=True))
    return Figure("valid format, unconstrained", right, len(documents), 0.95)


def without_choices(document: Document) -> Document:
    """The same question to a gen."""
    *before, last = document.messages
    pieces = tuple(piece if isinstance(piece, str) else type(piece)(piece.text) for piece in last.pieces)
    return Document(document.task, (*before, type(last)(last.role, pieces)), document.pattern)


def records(backend: Runner, count: int) -> Figure:
    """Records of a message, unconstrained, field by field."""
    documents = drawn(record_tasks.record, count)
    pairs = zip(answers(backend, documents), documents, strict=True)
    counted = [fields_right(read(text), json.loads(document.answers[-1].text)) for text, document in pairs]
    return field_figure("JSON records, unconstrained (fields)", counted)


def order_rows(count: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Arguments of `examples/json_extraction.py`, and what is to be extracted."""
    documents = drawn(extraction.order, count)
    users = [next(message for message in document.messages if message.role == "user") for document in documents]
    rows: list[dict[str, Any]] = [{"message": message_text(user)} for user in users]
    return rows, [json.loads(document.answers[-1].text) for document in documents]


def order_texts(backend: Runner, rows: list[dict[str, Any]]) -> list[str]:
    """What `examples/json_extraction.py` writes of each row."""
    results = load_program(str(EXAMPLES / "json_extraction.py")).run_batch(rows, backend=backend)
    return [str(checked(result)["order"]) for result in results]


def order_figure(name: str, texts: Sequence[str], wanted: Sequence[Any]) -> Figure:
    return field_figure(name, [fields_right(read(text), data) for text, data in zip(texts, wanted, strict=True)])


def orders(backend: Runner, count: int) -> Figure:
    """`examples/json_extraction.py` on orders of our own, field by field."""
    rows, wanted = order_rows(count)
    return order_figure("JSON orders, example (fields)", order_texts(backend, rows), wanted)


def own_orders(backend: Runner, _: int) -> Figure:
    """`examples/json_extraction.py` on its own rows, field by field."""
    return order_figure(
        "JSON orders, example, its rows (fields)", order_texts(backend, rows_of("json_extraction")), ORDERS
    )


def react_problems(backend: Runner, count: int) -> Figure:
    """`examples/react.py` on problems with invented names, whose entries are added to its book."""
    draw = Draw(SEED, held_out=True)
    own: dict[str, str] = constant("react", "BOOK")
    book: dict[str, str] = {}
    problems: list[tools.Problem] = []
    while len(problems) < count:
        problem = tools.problem(draw)
        if not any(name in own or name in book for name in names_in(problem)):
            book.update(problem.book)
            problems.append(problem)
    said = finished(backend, [problem.question for problem in problems], book)
    right = sum(answer == problem.answer for answer, problem in zip(said, problems, strict=True))
    return Figure("ReAct, example, new names", right, count, 0.9)


def names_in(problem: tools.Problem) -> list[str]:
    """The names that are looked up, as the book has them."""
    actions = [step.action for step in problem.steps if step.action.startswith("Look up[")]
    return [action.removeprefix("Look up[").removesuffix("]").lower() for action in actions]


def react_rows(backend: Runner, _: int) -> Figure:
    """`examples/react.py` on its own rows."""
    said = finished(backend, [row["question"] for row in rows_of("react")], {})
    right = sum(is_value(answer, one) for answer, one in zip(said, REACT_ANSWERS, strict=True))
    return Figure("ReAct, example, its rows", right, len(REACT_ANSWERS), 0.9)


def mmlu_rows(backend: Runner, _: int) -> Figure:
    """`examples/mmlu.py` on its own rows."""
    results = load_program(str(EXAMPLES / "mmlu.py")).run_batch(rows_of("mmlu"), backend=backend)
    return Figure(
        "multiple choice, example, its rows", sum(r["answer"] == r["gold"] for r in map(checked, results)), len(results)
    )


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


MEASURES: tuple[Measure, ...] = (
    exact("capitals", facts.about("capital"), wanted=0.95),
    exact("continents, languages, currencies", *map(facts.about, ("continent", "language", "currency")), wanted=0.95),
    exact("capitals, after examples", facts.series, facts.statements, wanted=0.95),
    exact("countries of capitals", facts.reverse),
    exact("elements, calendar, units", facts.element, facts.calendar, facts.unit),
    exact("general knowledge", facts.general),
    exact("multiple choice by letters", facts.letters),
    orders,
    own_orders,
    records,
    exact("one field of a message", record_tasks.single, wanted=0.95),
    exact("answers from a text", reading.passage),
    exact("lines repeated, values looked up", copying.repeat, copying.ask),
    exact("sentiment by select", classify.sentiment, classify.sentiment_series, wanted=0.95),
    exact("topic, language of a sentence", classify.topic, classify.language),
    exact("two-digit addition", arithmetic.addition, wanted=0.95),
    exact("two-digit subtraction", arithmetic.subtraction),
    exact("comparison", arithmetic.comparison),
    exact("counting", arithmetic.counting),
    react_problems,
    react_rows,
    mmlu_rows,
    valid_forms,
)


def evaluate(backend: Runner, count: int = COUNT) -> list[Figure]:
    """All figures. count: of the items of one figure."""
    return [measure(backend, count) for measure in MEASURES]


def jump_figures(with_jumps: Runner, without: Runner, count: int = COUNT) -> list[Figure]:
    """What jump-forward changes in constrained answers: nothing should be lost by it, nor won."""
    rows, wanted = order_rows(count)
    jumped, unjumped = (order_texts(backend, rows) for backend in (with_jumps, without))
    same = sum(one == other for one, other in zip(jumped, unjumped, strict=True))
    return [
        order_figure("orders with jump-forward (fields)", jumped, wanted),
        order_figure("orders without jump-forward (fields)", unjumped, wanted),
        Figure("orders that are the same with and without", same, len(rows), 1 - 1 / 200),
    ]


def main(
    model: Annotated[Path | None, typer.Option(help="a model folder; without it the embedded model")] = None,
    count: Annotated[int, typer.Option(help="items of a figure")] = COUNT,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures to a file")] = None,
    device: Annotated[str, typer.Option()] = "auto",
) -> None:
    with sgl.Engine(model, device=device, max_kv_tokens=65536) as engine:
        figures = evaluate(engine, count)
        with sgl.Engine(model, device=device, max_kv_tokens=65536, jump_forward=False) as other:
            figures += jump_figures(engine, other, count)
    Console().print(table(figures))
    if json_file is not None:
        written = [
            {"name": f.name, "right": f.right, "count": f.count, "share": f.share, "wanted": f.wanted} for f in figures
        ]
        json_file.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
