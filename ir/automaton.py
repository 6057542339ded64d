"""What follows from a constraint over token classes: its distinct masks, forced ids, ends, and distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc.ir.distances import once
from sglc.ir.native import native
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
    by_class = np.ascontiguousarray(next_state.T)  # as `walk` makes it
    of_ends = accept if len(ends) else np.zeros(len(accept), dtype=np.bool_)
    found = (masks_in_python if native is None else masks_in_c)(class_of, by_class, of_ends, ends)
    final = np.all(moves < 0, axis=1)
    if len(own_ids):
        final &= np.all(next_state[:, class_of[own_ids]] < 0, axis=1)
    final |= (found.counts == 0)[found.row_of]
    final &= accept
    return TokenAutomaton(
        class_of=class_of,
        next=next_state,
        accept=accept,
        ends=ends,
        byte_class=byte_class,
        moves=moves,
        own_ids=own_ids,
        final=final,
        forced=found.forced[found.row_of],
        row_of=found.row_of,
        row_starts=found.row_starts,
        row_classes=found.row_classes,
        row_ends=of_ends[found.state],
        few_ids=(found.ids if len(found.ids) * _FEW < len(class_of) else found.ids[:0]).astype(np.int64),
    )


class _Masks(NamedTuple):
    """The distinct masks, in the order of their first states; all int32.

    ids: those of a class, ascending. row_of: [states], the mask of each. state: [masks], the first of its states.
    row_starts, row_classes: as in `TokenAutomaton`. counts: [masks], of the ids that it allows. forced: [masks], the only
    id that it allows or -1.
    """

    ids: NDArray[np.int32]
    row_of: NDArray[np.int32]
    state: NDArray[np.int32]
    row_starts: NDArray[np.int32]
    counts: NDArray[np.int32]
    forced: NDArray[np.int32]
    row_classes: NDArray[np.int32]


def masks_in_c(
    class_of: NDArray[np.int32], by_class: NDArray[np.int32], of_ends: Bools, ends: NDArray[np.int32]
) -> _Masks:
    """As `masks_in_python`."""
    assert native is not None
    made = native.masks(by_class, class_of, of_ends, len(by_class), len(ends), int(ends[0]) if len(ends) else -1)
    return _Masks(*(np.frombuffer(part, dtype=np.int32) for part in made))


def masks_in_python(
    class_of: NDArray[np.int32], by_class: NDArray[np.int32], of_ends: Bools, ends: NDArray[np.int32]
) -> _Masks:
    """by_class: int32 [classes, states]. of_ends: bool [states], where end ids are allowed."""
    allowed = by_class >= 0
    state, row_of = _distinct_columns(np.concatenate([allowed, of_ends[None]]))
    rows, row_classes = np.nonzero(np.ascontiguousarray(allowed.T[state]))
    row_starts = np.searchsorted(rows, np.arange(len(state) + 1))
    ids = np.flatnonzero(class_of > 0)
    forced, counts = _forced(class_of, ids, len(by_class), ends, row_starts, row_classes, of_ends[state])
    found = (ids, row_of, state, row_starts, counts, forced, row_classes)
    return _Masks(*(part.astype(np.int32) for part in found))


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
