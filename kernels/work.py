"""The work of the Triton attention kernels, made from a `Plan` on the host.

Keys are cut at multiples of CHUNK absolute positions, as in the plan, so a row meets the same chunks whatever the batch, the
cache hit or the prompt chunk. Short spans are cut into *items*: some rows, of any requests, with one chunk that all of
them read (the branches of a fork share the items of their prefix); each (row, chunk) leaves a partial softmax, and the
partials of a row are merged in ascending order. Long spans are cut into *tiles*: neighbouring rows of one request, which walk
through their chunks and merge on the way, by the same formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sglc.kernels.plan import Ints, Plan, Span, chunks_of, starts_of, tiled

CHUNK = 256
"""Positions: a constant, never of the batch. Partials cost some percent of the keys and values of a chunk."""

LONG = 32
"""Rows of a span from which it is cut into tiles."""


@dataclass(frozen=True, slots=True)
class Items:
    """Work on one chunk each; all int32.

    pages:  [keys, chunk] the pages of each distinct chunk.
    key:    [items] the row of `pages`. start: [items] the position of its first key. length: [items] keys that are seen.
    rows:   [items, width] batch rows; -1 where a place is empty.
    merged: [rows] the batch rows whose partials are merged. first: [rows + 1] where those of each begin in `partials`.
    partials: [pairs] item * width + place, for each row in ascending order of chunks.
    """

    pages: Tensor
    key: Tensor
    start: Tensor
    length: Tensor
    rows: Tensor
    merged: Tensor
    first: Tensor
    partials: Tensor


@dataclass(frozen=True, slots=True)
class Tiles:
    """Neighbouring rows of one span each; all int32.

    pages: the pages of the long spans, one after the other. page: [tiles] where those of the tile's span begin.
    row:   [tiles] the first batch row. count: [tiles] rows. position: [tiles] that of the first row.
    """

    pages: Tensor
    page: Tensor
    row: Tensor
    count: Tensor
    position: Tensor


def items_of(plan: Plan, window: int | None, width: int, chunk: int = CHUNK) -> Items | None:
    """The items of a plan's short spans, `width` rows each; None where it has none."""
    rows = _first_rows(plan.spans)
    short = [number for number, span in enumerate(plan.spans) if span.count < LONG]
    if not short:
        return None
    chunks = chunks_of([plan.spans[number] for number in short], chunk)
    work = tiled(chunks, window, width)
    positions = np.append(plan.row_positions, -1)
    batch_rows = np.concatenate([np.arange(rows[number], rows[number] + plan.spans[number].count) for number in short])
    table = np.full((len(work.key), width), -1)
    table.flat[work.places] = batch_rows[work.pair_row]
    start = chunks.index_of_key[work.key] * chunk
    order = np.argsort(work.pair_row, kind="stable")  # keys, and so places, ascend with the chunk index
    counts = np.bincount(work.pair_row, minlength=len(batch_rows))
    ints = _Ints(plan.device)
    return Items(
        pages=ints(chunks.pages),
        key=ints(work.key),
        start=ints(start),
        length=ints(np.minimum(positions[table].max(axis=1, initial=0) + 1 - start, chunk)),
        rows=ints(table),
        merged=ints(batch_rows),
        first=ints(np.append(starts_of(counts), counts.sum())),
        partials=ints(work.places[order]),
    )


def tiles_of(plan: Plan, height: int) -> Tiles | None:
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
    ints = _Ints(plan.device)
    page, row, count, position = np.array(table).T
    return Tiles(
        ints(np.concatenate([span.pages for span in spans])), ints(page), ints(row), ints(count), ints(position)
    )


def _first_rows(spans: Sequence[Span]) -> Ints:
    return starts_of(np.array([span.count for span in spans]))


@dataclass(frozen=True, slots=True)
class _Ints:
    """Puts numbers on the device."""

    device: torch.device

    def __call__(self, numbers: Ints) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.int32)).to(self.device, non_blocking=True)
