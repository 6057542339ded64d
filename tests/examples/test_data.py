"""The example data are what the README says: rows that fit their programs; real, distinct, readable essays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from sglc.command.program_file import load_program, load_rows
from sglc.language.arguments import bind

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DATA = EXAMPLES / "data"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)


@pytest.mark.parametrize("name", NAMES)
def test_rows_fit_the_program(name: str) -> None:
    program = load_program(str(EXAMPLES / f"{name}.py"))
    assert program.__name__ == name
    rows = load_rows(str(EXAMPLES / f"{name}.jsonl"))
    assert len(rows) >= 4
    assert len({json.dumps(row, sort_keys=True) for _, row in rows}) == len(rows)
    for where, row in rows:
        bound = bind(program.func, (), row, where)
        assert bound.values.keys() == row.keys(), "a row gives every argument"
        for text in texts_in(row):
            assert text
            assert text == text.strip()
            assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("name", NAMES)
def test_each_example_says_how_to_run_it_and_what_comes_out(name: str) -> None:
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    docstring = source.split('"""')[1]
    assert f"\n    sglc run examples/{name}.py --args examples/{name}.jsonl\n" in docstring
    assert "\nComes out: " in docstring
    assert f"| [{name}.py]({name}.py) |" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def essays() -> list[str]:
    rows = [json.loads(line) for line in (DATA / "essays.jsonl").read_bytes().decode("utf-8").splitlines()]
    assert all(row.keys() == {"essay"} for row in rows)
    return [row["essay"] for row in rows]


def shingles(text: str, size: int = 4) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


def test_count_and_lengths() -> None:
    lengths = [len(essay.split()) for essay in essays()]
    assert len(lengths) == 24
    assert min(lengths) >= 150
    assert max(lengths) <= 600
    assert max(lengths) - min(lengths) > 200


def test_text_is_clean() -> None:
    for essay in essays():
        assert essay == essay.strip()
        assert all(char.isprintable() or char == "\n" for char in essay)
        assert "\ufffd" not in essay
        assert essay.count("\n\n") >= 2, "an essay has paragraphs"


def test_no_two_essays_are_alike() -> None:
    for one, other in combinations(map(shingles, essays()), 2):
        assert len(one & other) < 0.05 * min(len(one), len(other))


def test_no_essay_repeats_itself() -> None:
    for essay in essays():
        assert len(shingles(essay)) > 0.95 * (len(essay.split()) - 3)
