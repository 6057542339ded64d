"""What the model makes of other people's words: questions of writers who had not seen the training data.

    python -m models.strangers --model build/model/model       # a table; --wrong shows what was answered wrong

`strangers.jsonl` was written to be asked here, without a look at `wordings/`, and no wording is to be taken from it. A row
says what is right: a word of the answer, a pattern of all of it, JSON, or what `examples/react.py` finishes with, whose book
gets the row's entries.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import sglc as sgl
from models.figures import Figure, fields_right, is_value, read, table
from models.programs import ask, checked, finished
from sglc.runtime.runner import Runner

QUESTIONS = Path(__file__).with_suffix(".jsonl")

Row = dict[str, Any]


def questions() -> list[Row]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def answers(backend: Runner, rows: Sequence[Row]) -> list[str]:
    """What the model says to each, in a chat; of those with a book, what `examples/react.py` finishes with."""
    book = {name: entry for row in rows for name, entry in row.get("book", {}).items()}
    with_book = [row["question"] for row in rows if "book" in row]
    in_chat = [{"system": "", "question": row["question"]} for row in rows if "book" not in row]
    finishes = iter(finished(backend, with_book, book))
    chats = iter([str(checked(result)["answer"]) for result in ask.run_batch(in_chat, backend=backend)])
    return [next(finishes if "book" in row else chats).strip() for row in rows]


def right_of(row: Row, said: str) -> tuple[int, int]:
    """How much of an answer is right, of how much: fields where JSON is asked for, else all of it or nothing."""
    if "json" in row:
        return fields_right(read(said), row["json"])
    if "pattern" in row:
        return bool(re.fullmatch(row["pattern"], said)), 1
    if "book" in row:
        return is_value(said, row["finish"]), 1
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said, re.IGNORECASE) for word in row["says"]), 1


def figures(rows: Sequence[Row], said: Sequence[str]) -> list[Figure]:
    """One for each kind of questions."""
    counted: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, text in zip(rows, said, strict=True):
        counted[row["kind"]].append(right_of(row, text))
    return [Figure(kind, sum(r for r, _ in each), sum(n for _, n in each)) for kind, each in counted.items()]


def main(
    model: Annotated[Path | None, typer.Option(help="a model folder; without it the embedded model")] = None,
    wrong: Annotated[bool, typer.Option(help="show what was answered wrong")] = False,
    device: Annotated[str, typer.Option()] = "auto",
) -> None:
    rows = questions()
    with sgl.Engine(model, device=device, max_kv_tokens=65536) as engine:
        said = answers(engine, rows)
    console = Console()
    for row, text in zip(rows, said, strict=True) if wrong else ():
        right, of = right_of(row, text)
        if right < of:
            wanted = row.get("json") or row.get("pattern") or row.get("finish") or row["says"]
            console.print(f"{row['kind']}: {row['question']}\n  wanted: {wanted}\n  said: {text}", markup=False)
    console.print(table(figures(rows, said)))


if __name__ == "__main__":
    typer.run(main)
