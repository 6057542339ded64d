"""Prompts as a tree: in order, each with what the ones before it have already."""

from __future__ import annotations

import pytest

from sglc.ir.prompt_tree import as_tree, tokens_of

TREES = {
    "nothing": ([], [], 0),
    "an empty prompt": ([()], [], 0),
    "one": ([(1, 2)], [((1, 2), 0)], 2),
    "the same twice": ([(1, 2), [1, 2]], [((1, 2), 0)], 2),
    "ten forks": ([(7, 7, i) for i in range(10)], [((7, 7, i), 2 if i else 0) for i in range(10)], 12),
    "one that begins another": ([(1, 2, 3), (1,)], [((1,), 0), ((1, 2, 3), 1)], 3),
    "nothing in common": ([(2, 1), (1, 2)], [((1, 2), 0), ((2, 1), 0)], 4),
    "a branch of a branch": (
        [(1, 2, 4), (1, 9), (1, 2, 3)],
        [((1, 2, 3), 0), ((1, 2, 4), 2), ((1, 9), 1)],
        5,
    ),
}


@pytest.mark.parametrize("case", TREES)
def test_trees(case: str) -> None:
    prompts, tree, tokens = TREES[case]
    assert as_tree(prompts) == tree
    assert tokens_of(prompts) == tokens
