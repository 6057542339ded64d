"""The work of the attention kernels, cut on the host; see `plan.py` for what a batch attends to.

Keys are cut at multiples of a fixed number of absolute positions, as in the plan, so a row meets the same chunks whatever the
batch, the cache hit or the prompt chunk. Short spans are cut into *items*: some rows, of any requests, with one chunk that all
of them read (the branches of a fork share the items of their prefix); each pair (row, chunk) leaves a partial softmax, and the
partials of a row are merged in ascending order. Long spans are cut into *tiles*: neighbouring rows of one request, which walk
through their chunks and merge on the way, by the same formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.plan import Plan, Span, chunks_of, starts_of, tiled

CHUNK = 256
"""Positions: a constant, never of the batch. Partials cost some percent of the keys and values of a chunk."""

LONG = 32
"""Rows of a span from which it is cut into tiles."""

Ints32 = NDArray[np.int32]
A = TypeVar("A", Ints32, Tensor)


@dataclass(frozen=True, slots=True)
class Cut:
    """How the short spans of a batch are cut for a layer: what it sees (None: all before), rows of an item, positions of a
    chunk."""

    window: int | None
    width: int
    chunk: int = CHUNK

    @property
    def record(self) -> int:
        """Numbers of an item; a multiple of 16, so that its pages are aligned."""
        return -(-(self.chunk + 2 + 2 * self.width) // 16) * 16


@dataclass(frozen=True, slots=True)
class Items(Generic[A]):
    """Work on one chunk each, on the host or on a device; all int32.

    table:  [items, record] the chunk's pages; the position of its first key; how many of its keys are seen; the batch rows, -1
            where a place is empty; where the partial of each goes.
    count:  [1] how many of the items there are; the table may be longer.
    merged: [rows] the batch rows whose partials are merged. first: [rows + 1] where those of each begin; they follow one
            another in ascending order of chunks.
    pairs:  places for partials.
    """

    table: A
    count: A
    merged: A
    first: A
    pairs: int

    def arrays(self) -> tuple[A, ...]:
        return self.table, self.count, self.merged, self.first


@dataclass(frozen=True, slots=True)
class Tiles(Generic[A]):
    """Neighbouring rows of one span each; all int32.

    pages: the pages of the long spans, one after the other. page: [tiles] where those of the tile's span begin.
    row:   [tiles] the first batch row. count: [tiles] rows. position: [tiles] that of the first row.
    """

    pages: A
    page: A
    row: A
    count: A
    position: A

    def arrays(self) -> tuple[A, ...]:
        return self.pages, self.page, self.row, self.count, self.position


def items_of(plan: Plan, cut: Cut) -> Items[Ints32] | None:
    """The items of a plan's short spans; None where it has none."""
    rows = _first_rows(plan.spans)
    short = [number for number, span in enumerate(plan.spans) if span.count < LONG]
    if not short:
        return None
    chunk, width = cut.chunk, cut.width
    chunks = chunks_of([plan.spans[number] for number in short], chunk)
    work = tiled(chunks, cut.window, width)
    batch_rows = np.concatenate([np.arange(rows[number], rows[number] + plan.spans[number].count) for number in short])
    counts = np.bincount(work.pair_row, minlength=len(batch_rows))
    slots = np.empty(len(work.pair_row), dtype=np.int64)
    slots[np.argsort(work.pair_row, kind="stable")] = np.arange(len(slots))  # keys ascend with the chunk index
    pair_rows, item = batch_rows[work.pair_row], work.places // width
    start = chunks.index_of_key[work.key] * chunk
    last = np.zeros(len(start), dtype=np.int64)
    np.maximum.at(last, item, plan.row_positions[pair_rows])

    table = np.zeros((len(start), cut.record), dtype=np.int32)
    table[:, :chunk] = chunks.pages[work.key]
    table[:, chunk] = start
    table[:, chunk + 1] = np.minimum(last + 1 - start, chunk)
    table[:, chunk + 2 : chunk + 2 + width] = -1
    place = chunk + 2 + work.places % width
    table[item, place] = pair_rows
    table[item, place + width] = slots
    first = np.append(starts_of(counts), counts.sum())
    return Items(table, _ints(np.array([len(table)])), _ints(batch_rows), _ints(first), len(slots))


def tiles_of(plan: Plan, height: int) -> Tiles[Ints32] | None:
    """The tiles of a plan's long spans, at most `height` rows each, those with the most keys first; None where it has none."""
    rows = _first_rows(plan.spans)
    long = [number for number, span in enumerate(plan.spans) if span.count >= LONG]
    if not long:
        return None
    spans = [plan.spans[number] for number in long]
    pages = starts_of(np.array([len(span.pages) for span in spans]))
    table = [
        (pages[index], rows[number] + row, min(height, span.count - row), span.start + row)
        for index, (number, span) in enumerate(zip(long, spans, strict=True))
        for row in range(0, span.count, height)
    ]
    table.sort(key=lambda tile: -tile[3])
    page, row, count, position = _ints(np.array(table).T)
    return Tiles(_ints(np.concatenate([span.pages for span in spans])), page, row, count, position)


def items_on(items: Items[Ints32], tensors: Sequence[Tensor]) -> Items[Tensor]:
    """The same, of tensors on a device, in the order of `Items.arrays`."""
    table, count, merged, first = tensors
    return Items(table, count, merged, first, items.pairs)


def tiles_on(tensors: Sequence[Tensor]) -> Tiles[Tensor]:
    """Of tensors on a device, in the order of `Tiles.arrays`."""
    pages, page, row, count, position = tensors
    return Tiles(pages, page, row, count, position)


def copied(arrays: Sequence[Ints32], device: torch.device) -> list[Tensor]:
    """One copy each: for those who do not stage a batch."""
    return [torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True) for array in arrays]


def _first_rows(spans: Sequence[Span]) -> NDArray[np.int64]:
    return starts_of(np.array([span.count for span in spans]))


def _ints(numbers: NDArray[np.int64]) -> Ints32:
    return np.ascontiguousarray(numbers, dtype=np.int32)
