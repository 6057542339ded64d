"""The ids of prompts as a tree: what several of them begin with is there once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def as_tree(prompts: Iterable[Sequence[int]]) -> list[tuple[tuple[int, ...], int]]:
    """The prompts in order, each once and none empty, with how many of its first tokens a prompt before it has, too: the
    one right before it, since they are in order."""
    found: list[tuple[tuple[int, ...], int]] = []
    before: tuple[int, ...] = ()
    for ids in sorted(filter(None, {tuple(ids) for ids in prompts})):
        same = (i for i, (a, b) in enumerate(zip(before, ids, strict=False)) if a != b)
        found.append((ids, next(same, min(len(before), len(ids)))))
        before = ids
    return found


def tokens_of(prompts: Iterable[Sequence[int]]) -> int:
    """How many tokens the tree has."""
    return sum(len(ids) - shared for ids, shared in as_tree(prompts))
