"""What follows from a constraint over token classes: its distinct masks, forced ids, ends, and distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sglc.ir.distances import once
from sglc.ir.tokens import TokenAutomaton

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_FEW = 32  # ids are few where one of more than so many has a class


def complete(
    class_of: NDArray[np.int32],
    next_state: NDArray[np.int32],
    accept: Bools,
    ends: NDArray[np.int32],
    byte_class: NDArray[np.uint8],
    moves: NDArray[np.int32],
    own_ids: NDArray[np.int32] | None = None,
) -> TokenAutomaton:
    """The automaton of arrays as in `TokenAutomaton`, all of whose entries must be in range. own_ids: None for none."""
    own_ids = np.empty(0, dtype=np.int32) if own_ids is None else own_ids
    allowed = next_state.T >= 0  # by classes, as `walk` makes them
    row_ends_of = accept & (len(ends) > 0)
    first, row_of = _distinct_columns(np.concatenate([allowed, row_ends_of[None]]))
    rows, row_classes = np.nonzero(np.ascontiguousarray(allowed.T[first]))
    row_starts = np.searchsorted(rows, np.arange(len(first) + 1))
    row_ends = row_ends_of[first]
    ids = np.flatnonzero(class_of > 0)  # mostly few
    forced, counts = _forced(class_of, ids, next_state.shape[1], ends, row_starts, row_classes, row_ends)
    by_id = np.any(next_state[:, class_of[own_ids]] >= 0, axis=1) if len(own_ids) else np.bool_(False)
    return TokenAutomaton(
        class_of=class_of,
        next=next_state,
        accept=accept,
        ends=ends,
        byte_class=byte_class,
        moves=moves,
        own_ids=own_ids,
        final=accept & ((np.all(moves < 0, axis=1) & ~by_id) | (counts == 0)[row_of]),
        forced=forced[row_of],
        row_of=row_of,
        row_starts=row_starts.astype(np.int32),
        row_classes=row_classes.astype(np.int32),
        row_ends=row_ends,
        few_ids=ids if len(ids) * _FEW < len(class_of) else np.empty(0, dtype=np.int64),
    )


def stuck_state(automaton: TokenAutomaton) -> int | None:
    """A state that tokens lead to and from which none lead on to acceptance; None where there is none."""
    if automaton.distance.min() >= 0:
        return None
    reached = np.zeros(len(automaton.accept), dtype=np.bool_)
    reached[0] = True
    frontier = np.zeros(1, dtype=np.int64)
    while len(frontier):
        after = automaton.next[frontier].reshape(-1)
        after = after[after >= 0]
        frontier = once(after[~reached[after]], len(reached))
        reached[frontier] = True
    stuck = np.flatnonzero(reached & (automaton.distance < 0))
    return int(stuck[0]) if len(stuck) else None


def random_words(rows: int, columns: int, after: int = 0) -> NDArray[np.uint64]:
    """Random numbers, always the same: splitmix64 (Steele, Lea and Flood, 2014) of 0, 1, 2 ...; without the first ones."""
    x = np.arange(after + 1, after + rows * columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x ^ (x >> np.uint64(31))).reshape(rows, columns)


def _distinct_columns(bits: Bools) -> tuple[Ints, NDArray[np.int32]]:
    """The first of each distinct column, ascending, and for each column the number of the one that it equals."""
    padded = np.zeros((-(-len(bits) // 8) * 8, bits.shape[1]), dtype=np.uint8)
    padded[: len(bits)] = bits
    shifted = padded.reshape(-1, 8, bits.shape[1]) << np.arange(8, dtype=np.uint8)[:, None]
    packed = np.bitwise_or.reduce(shifted, axis=1)  # np.packbits is slow across rows
    keys: list[bytes] = np.ascontiguousarray(packed.T).view(f"V{len(packed)}")[:, 0].tolist()
    numbers: dict[bytes, int] = {}
    number_of = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int32)
    first = np.empty(len(numbers), dtype=np.int64)
    first[number_of[::-1]] = np.arange(len(keys))[::-1]  # the last that is written stays
    return first, number_of


def _forced(
    class_of: NDArray[np.int32],
    ids: Ints,
    classes: int,
    ends: NDArray[np.int32],
    row_starts: Ints,
    row_classes: Ints,
    row_ends: Bools,
) -> tuple[NDArray[np.int32], Ints]:
    """For each mask the only id that it allows or -1, and the number of ids that it allows. ids: those of a class."""
    class_of = class_of[ids]
    sizes = np.bincount(class_of, minlength=classes)
    until = np.concatenate([[0], np.cumsum(sizes[row_classes])])
    tokens = until[row_starts[1:]] - until[row_starts[:-1]]
    counts = tokens + row_ends * len(ends)
    forced = np.full(len(row_ends), -1, dtype=np.int32)
    ending = (counts == 1) & row_ends
    forced[ending & (tokens == 0)] = ends[0] if len(ends) else -1
    some_id = np.zeros(classes, dtype=np.int32)
    some_id[class_of] = ids
    single = np.flatnonzero((counts == 1) & (tokens == 1))
    forced[single] = some_id[row_classes[row_starts[single]]]
    return forced, counts
