"""How far the states of an automaton are from acceptance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def distances(next_state: NDArray[np.int32], accept: NDArray[np.bool_]) -> NDArray[np.int32]:
    """int32 [states]: the fewest tokens to an accepting state, -1 where there is no way. Breadth first, backwards."""
    count = len(accept)
    by_class = np.ascontiguousarray(next_state.T).reshape(-1)
    cells = np.flatnonzero(by_class >= 0)
    sources, targets = cells % count, by_class[cells]
    # Numpy sorts 16-bit numbers by radix, several times faster than longer ones.
    order = np.argsort(targets.astype(np.uint16) if count <= 1 << 16 else targets, kind="stable")
    sources = sources[order]
    first = np.concatenate([[0], np.cumsum(np.bincount(targets, minlength=count))])
    found = np.full(count, -1, dtype=np.int32)
    frontier, distance = np.flatnonzero(accept), 0
    while len(frontier):
        found[frontier] = distance
        before = sources[ranges(first[frontier], first[frontier + 1] - first[frontier])]
        frontier = once(before[found[before] < 0], count)
        distance += 1
    return found


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """starts[0], starts[0] + 1, ... of the first length, then those of the second, and so on."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)


def once(states: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Each of the states once."""
    owner = np.empty(count, dtype=np.int64)
    here = np.arange(len(states))
    owner[states] = here
    return states[owner[states] == here].astype(np.int64)
