"""The most prompt tokens that any cache could find, when requests come one at a time in a given order: Belady.

The cache is a set of at most `pages` tokens of the prefix tree of all requests; with a token all before it are in it.
A request needs all of its own tokens in the cache at once. What it finds of the first `limit` of them counts; the others
it computes, which takes the places of tokens that it does not need. Those that are read again last go first: the next
request that has the token among its first `limit` is what counts, and a token goes before those before it. With equal
sizes and costs that is optimal, and no token is read again later than one after it, so the tree stays whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEVER = 1 << 30


@dataclass(frozen=True)
class Asked:
    """A request as it was computed: ids that got KV, prompt and answer; limit: how many of the prompt's first ones need
    not be computed where they are cached."""

    ids: tuple[int, ...]
    limit: int


def paths(requests: Sequence[Asked]) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """The numbers of each request's tokens in the tree of all of them, and the depth of each token."""
    known: dict[tuple[int, int], int] = {}
    depths: list[int] = []
    found: list[NDArray[np.int64]] = []
    for request in requests:
        path: list[int] = []
        node = -1
        for depth, token in enumerate(request.ids):
            node = known.setdefault((node, token), len(depths))
            if node == len(depths):
                depths.append(depth)
            path.append(node)
        found.append(np.array(path, np.int64))
    return found, np.array(depths, np.int64)


def footprint(requests: Sequence[Asked]) -> int:
    """Distinct tokens of the prefix tree."""
    return len(paths(requests)[1])


def optimum(requests: Sequence[Asked], pages: int) -> int:
    """Tokens found by the best cache of so many pages. Raises ValueError for a request that does not fit."""
    ways, depths = paths(requests)
    following: list[NDArray[np.int64]] = []  # for each request, when its tokens are read after it
    when = np.full(len(depths), NEVER, np.int64)
    for number in reversed(range(len(requests))):
        following.append(when[ways[number]])
        when[ways[number][: requests[number].limit]] = number
    following.reverse()

    cached = np.zeros(len(depths), bool)
    hits = 0
    for request, path, after in zip(requests, ways, following, strict=True):
        if len(path) > pages:
            raise ValueError(f"a request of {len(path)} tokens does not fit {pages} pages")
        hits += int(cached[path[: request.limit]].sum())
        when[path] = after
        others = cached.copy()
        others[path] = False
        candidates = np.flatnonzero(others)
        surplus = len(candidates) + len(path) - pages
        if surplus > 0:
            last = np.lexsort((-depths[candidates], -when[candidates]))[:surplus]
            cached[candidates[last]] = False
        cached[path] = True
    return hits
