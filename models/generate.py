"""Show documents of the training data, or of the evaluation.

python -m models.generate --count 3 --task facts            # as the model reads them; answers between « and »
python -m models.generate --count 100 --json documents.jsonl
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from models.document import Document, rendered
from models.mixture import MIXTURE, documents


def shown(document: Document) -> str:
    return "".join(text if answer is None else f"«{text}»" for text, answer in rendered(document))


def chosen(task: str, seed: int, *, held_out: bool) -> Iterator[Document]:
    """The documents whose task begins with `task`."""
    made = documents(seed, held_out=held_out)
    return (document for document in made if document.task.startswith(task))


def main(
    count: Annotated[int, typer.Option(help="how many")] = 10,
    task: Annotated[str, typer.Option(help="only tasks whose name begins so, such as facts or facts.capital")] = "",
    seed: Annotated[int, typer.Option()] = 0,
    held_out: Annotated[bool, typer.Option("--held-out", help="those of the evaluation")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="write them to a file, one a line")] = None,
) -> None:
    names = {document.task for document in islice(documents(0), 50 * len(MIXTURE))}
    if not any(name.startswith(task) for name in names):
        raise typer.BadParameter(f"no task begins with {task!r}; there are {', '.join(sorted(names))}")
    made = list(islice(chosen(task, seed, held_out=held_out), count))
    if json_file is None:
        for document in made:
            print(f"--- {document.task}\n{shown(document)}")
    else:
        json_file.write_text(
            "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in made), encoding="utf-8"
        )


if __name__ == "__main__":
    typer.run(main)
