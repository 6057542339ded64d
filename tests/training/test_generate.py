"""`python -m models.generate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from models.generate import main


def test_shows_documents_with_their_answers(capsys: pytest.CaptureFixture[str]) -> None:
    main(count=3, task="arithmetic.addition")
    shown = capsys.readouterr().out
    assert shown.count("--- arithmetic.addition\n") == 3
    assert "«" in shown


def test_writes_documents(tmp_path: Path) -> None:
    main(count=5, held_out=True, json_file=tmp_path / "documents.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "documents.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 5
    assert all(row.keys() == {"task", "messages", "pattern"} for row in rows)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="no task begins with 'cooking'"):
        main(task="cooking")
