"""Branches as a tree: what is computed, what is scored, and what belongs to whom."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sglc.runtime.engine.branches import NONE, Branches

CASES: dict[str, tuple[Sequence[str], str, list[tuple[int, str]]]] = {
    "single tokens need no row": (["a", "b", "a"], "", [(-1, "a"), (-1, "b")]),
    "a row each but for the last token": (["abc"], "ab", [(-1, "a"), (0, "b"), (1, "c")]),
    "common beginnings once": (["abc", "abd", "e"], "ab", [(-1, "a"), (-1, "e"), (0, "b"), (1, "c"), (1, "d")]),
    "one is the beginning of another": (["ab", "abc", ""], "ab", [(-1, "a"), (0, "b"), (1, "c")]),
    "the same token behind others": (["aa", "ba"], "ab", [(-1, "a"), (-1, "b"), (0, "a"), (1, "a")]),
    "nothing": (["", ""], "", []),
}


@pytest.mark.parametrize(("texts", "rows", "asked"), CASES.values(), ids=CASES)
def test_rows_and_scores(texts: Sequence[str], rows: str, asked: list[tuple[int, str]]) -> None:
    branches = Branches([[ord(c) for c in text] for text in texts])
    assert "".join(map(chr, branches.ids)) == rows
    assert branches.asked(-1, len(rows)) == [(row, ord(c)) for row, c in asked]
    assert branches.longest == max(map(len, texts))
    # What is asked comes back to each branch, token by token.
    tokens = [token for _, token in branches.asked(-1, len(rows))]
    assert ["".join(map(chr, values)) for values in branches.of_branches(tokens)] == list(texts)


def test_rows_cut_anywhere_have_all_rows_above_them() -> None:
    texts = ["abcd", "abce", "xyz", "abcdefgh", "xq" * 3]
    branches = Branches([[ord(c) for c in text] for text in texts])
    letters = "".join(map(chr, branches.ids))
    above = {"".join(letters[row] for row in (*path, first)) for path, first, _ in branches.runs(0, len(branches))}
    assert above == {"a", "x", "abcde", "xq"}
    for start in range(len(branches) + 1):
        for end in range(start, len(branches) + 1):
            runs = list(branches.runs(start, end))
            assert [row for _, first, last in runs for row in range(first, last)] == list(range(start, end))
            for path, first, last in runs:
                text = "".join(letters[row] for row in (*path, *range(first, last)))
                assert any(whole.startswith(text) for whole in texts), text


def test_none() -> None:
    assert len(NONE) == NONE.longest == 0
    assert list(NONE.runs(0, 3)) == NONE.asked(-1, 3) == []
    assert NONE.of_branches([]) == ()
