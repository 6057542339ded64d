"""The example data are what the README says: real, distinct, readable essays."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"


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
