"""The work list of paged attention: which rows attend to which pages, cut into equal pieces.

The keys of a sequence are cut at multiples of `CHUNK` absolute positions, never by the batch, the cache hit or the
prompt chunk. Rows of any requests that attend to the same pages of one chunk share tiles (the branches of a fork read
their prefix once). With fixed tiles, a row's result depends on that row and its own pages alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK = 64  # positions of a piece of keys
TILE = 4  # rows of a matrix product are a multiple of this

Ints = NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one sequence in a batch: positions start .. start + count - 1, and the page of every position before
    start + count."""

    start: int
    count: int
    pages: Ints


@dataclass(frozen=True, slots=True)
class Tiles:
    """Consecutive tiles of the work list, for chunk indices in ascending order.

    pages:   [tiles or 1, CHUNK] pages of each tile's chunk; one row where `wide`: all tiles read the same chunk.
    rows:    [tiles, T] the batch row of each place; the number of rows of the batch where a place is empty.
    partial: indices of tiles in which some row may not see every key.
    hidden:  [len(partial), T, CHUNK] True where the row must not see the key.
    folds:   (rows, places) per chunk index, ascending: partial results at `places` (tile * T + place) belong to
             batch `rows`; rows is None where they are all rows of the batch in order.
    """

    wide: bool
    pages: Tensor
    rows: Tensor
    partial: Tensor
    hidden: Tensor
    folds: tuple[tuple[Tensor | None, Tensor], ...]


class WorkList(Protocol):
    """A batch as the kernels read it: a `Plan`, or buffers that stay where they are (`static.py`).

    slots:     int64 [rows] the page that takes the key and value of each row.
    positions: int64 [rows] the position of each row in its sequence.
    """

    @property
    def slots(self) -> Tensor: ...

    @property
    def positions(self) -> Tensor: ...

    def cut(self, how: Hashable, make: Callable[[Plan], T]) -> T:
        """The work of one kernel, cut as `how` says; `make` cuts it where nobody has yet."""
        ...

    def tiles(self, width: int, window: int | None, budget: int) -> Sequence[Tiles]:
        """The work of the torch kernel, for tiles of `width` rows, at most about `budget` tiles in each `Tiles`. `window`: a
        row sees that many positions, its own included; None for all."""
        ...


@dataclass(slots=True)
class Plan:
    """What the rows of a batch attend to; made once a batch, used by every layer. What the kernels read of it is put on the
    device when it is first asked for, or all at once by who stages the batch (`keep`).

    row_positions, row_slots: `positions` and `slots`, on the host.
    """

    spans: Sequence[Span]
    device: torch.device
    row_positions: Ints = field(init=False)
    row_slots: Ints = field(init=False)
    _kept: dict[Hashable, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        spans = self.spans
        self.row_positions = np.concatenate([np.arange(s.start, s.start + s.count) for s in spans])
        self.row_slots = np.concatenate([s.pages[s.start :] for s in spans]).astype(np.int64, copy=False)

    @property
    def num_rows(self) -> int:
        return len(self.row_positions)

    @property
    def positions(self) -> Tensor:
        return self.cut("positions", lambda _: self._tensor(self.row_positions))

    @property
    def slots(self) -> Tensor:
        return self.cut("slots", lambda _: self._tensor(self.row_slots))

    def keep(self, how: Hashable, what: Any) -> None:
        """What `cut` answers from now on."""
        self._kept[how] = what

    def cut(self, how: Hashable, make: Callable[[Plan], T]) -> T:
        """See `WorkList`."""
        if how not in self._kept:
            self._kept[how] = make(self)
        return self._kept[how]

    def tiles(self, width: int, window: int | None, budget: int) -> list[Tiles]:
        """See `WorkList`."""
        return self.cut((width, window, budget), lambda _: list(self._cut(width, window, budget)))

    def _tensor(self, array: Ints | NDArray[np.bool_]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)

    def _cut(self, width: int, window: int | None, budget: int) -> Iterator[Tiles]:
        """Pairs (row, chunk) -> tiles of `width` pairs of one chunk -> runs of tiles within the budget."""
        chunks = self.cut("chunks", lambda _: chunks_of(self.spans, CHUNK))
        work = tiled(chunks, window, width)
        tile_key, places, pair_row = work.key, work.places, work.pair_row
        tile_index = chunks.index_of_key[tile_key]
        rows = np.full((len(tile_key), width), self.num_rows)
        rows.flat[places] = pair_row
        pair_tile = places // width
        pair_index = tile_index[pair_tile]

        for a, b, wide in _runs(work.tiles_of_key, tile_index, tile_key, budget):
            position = np.append(self.row_positions, np.iinfo(np.int64).max)[rows[a:b]][:, :, None]
            key_position = tile_index[a:b, None, None] * CHUNK + np.arange(CHUNK)
            hidden = key_position > position
            if window is not None:
                hidden |= (key_position <= position - window) & (rows[a:b, :, None] < self.num_rows)
            partial = np.flatnonzero(hidden.any(axis=(1, 2)))
            p, q = np.searchsorted(pair_tile, (a, b))
            cuts = [p, *(p + 1 + np.flatnonzero(np.diff(pair_index[p:q]))), q]
            yield Tiles(
                wide=wide,
                pages=self._tensor(chunks.pages[tile_key[a : a + 1] if wide else tile_key[a:b]]),
                rows=self._tensor(rows[a:b]),
                partial=self._tensor(partial),
                hidden=self._tensor(hidden[partial]),
                folds=tuple(self._fold(pair_row[i:j], places[i:j] - a * width) for i, j in itertools.pairwise(cuts)),
            )

    def _fold(self, rows: Ints, places: Ints) -> tuple[Tensor | None, Tensor]:
        if len(rows) == self.num_rows:  # every row once: put the places in the order of the rows
            return None, self._tensor(places[np.argsort(rows)])
        return self._tensor(rows), self._tensor(places)


@dataclass(frozen=True, slots=True)
class Tiling:
    """Pairs (row, chunk), tile by tile; the tiles of a key follow one another, and keys ascend.

    key:          [tiles] the key of each tile's chunk. tiles_of_key: [keys] how many tiles it has.
    pair_row:     [pairs] the batch row. places: [pairs] tile * width + place of the row in it.
    """

    key: Ints
    tiles_of_key: Ints
    pair_row: Ints
    places: Ints


def tiled(chunks: Chunks, window: int | None, width: int) -> Tiling:
    """Every row with every chunk that it sees something of, in tiles of `width` rows of one chunk."""
    size = chunks.pages.shape[1]
    first, last = chunks.start, chunks.end - 1
    low = np.maximum(first, chunks.index * size)
    high = last if window is None else np.minimum(last, chunks.index * size + size - 1 + window - 1)
    count = np.maximum(high - low + 1, 0)
    pairs_of_key = np.bincount(np.repeat(chunks.key, count), minlength=len(chunks.pages))
    tiles_of_key = -(-pairs_of_key // width)
    rank = np.arange(int(count.sum())) - np.repeat(starts_of(pairs_of_key), pairs_of_key)
    return Tiling(
        key=np.repeat(np.arange(len(tiles_of_key)), tiles_of_key),
        tiles_of_key=tiles_of_key,
        pair_row=_ranges(chunks.row + low - first, count),
        places=np.repeat(starts_of(tiles_of_key), pairs_of_key) * width + rank,
    )


@dataclass(frozen=True, slots=True)
class Chunks:
    """One entry per (span, chunk index), sorted by (index, key).

    A key stands for a chunk's pages: spans with equal full pages share it. Keys count up with the chunk index.
    """

    index: Ints  # [entries]
    key: Ints  # [entries]
    row: Ints  # [entries] the first row of the span in the batch
    start: Ints  # [entries] the first position of the span
    end: Ints  # [entries]
    pages: Ints  # [keys, size]
    index_of_key: Ints  # [keys]


def chunks_of(spans: Sequence[Span], size: int) -> Chunks:
    """The keys of each span, cut at multiples of `size` positions."""
    starts = np.array([s.start for s in spans])
    counts = np.array([s.count for s in spans])
    ends = starts + counts
    chunks = -(-ends // size)
    span = np.repeat(np.arange(len(spans)), chunks)
    index = _ranges(np.zeros_like(chunks), chunks)
    pages = np.concatenate([_padded(s.pages, size) for s in spans]).reshape(-1, size)
    full = (index + 1) * size <= ends[span]

    mixed = (pages.astype(np.uint64) + np.uint64(1)) @ _WEIGHTS[:size]
    order = np.lexsort((np.arange(len(index)), mixed, ~full, index))
    index, span, pages, full, mixed = index[order], span[order], pages[order], full[order], mixed[order]
    same = full[1:] & full[:-1] & (index[1:] == index[:-1]) & (mixed[1:] == mixed[:-1])
    same[same] = (pages[1:][same] == pages[:-1][same]).all(axis=1)  # the hash proposes, the pages decide
    new = np.concatenate([[True], ~same])
    return Chunks(
        index=index,
        key=np.cumsum(new) - 1,
        row=starts_of(counts)[span],
        start=starts[span],
        end=ends[span],
        pages=pages[new],
        index_of_key=index[new],
    )


def _padded(pages: Ints, size: int) -> Ints:
    """Pages up to the end of the last chunk; the places beyond the end repeat a page of the sequence itself, so that
    no other sequence's values are ever read."""
    missing = -len(pages) % size
    if not missing:
        return pages
    return np.concatenate([pages, np.full(missing, pages[len(pages) // size * size])])


def _runs(tiles_of_key: Ints, tile_index: Ints, tile_key: Ints, budget: int) -> Iterator[tuple[int, int, bool]]:
    """Ranges of tiles (first, end, wide). A wide range reads one key and gathers it once; the others gather per tile.
    A range's chunk indices ascend, and no range begins before the ranges of smaller chunk indices are done."""
    wide_key = tiles_of_key >= WIDE
    end = len(tile_key)
    a = 0
    while a < end:
        key = tile_key[a]
        if wide_key[key]:
            b = min(end, a + int(tiles_of_key[key]))
            for c in range(a, b, budget):
                yield c, min(b, c + budget), True
            a = b
            continue
        limit = min(end, a + budget)
        wide_ahead = np.flatnonzero(wide_key[tile_key[a:limit]])
        b = a + int(wide_ahead[0]) if len(wide_ahead) else limit
        yield a, b, False
        a = b


WIDE = 16  # tiles on one chunk from which gathering it once and a batch of its own is quicker

_WEIGHTS = np.random.default_rng(0).integers(1, 2**63, size=1024, dtype=np.uint64) | np.uint64(1)


def starts_of(counts: Ints) -> Ints:
    """Exclusive running sum."""
    return np.cumsum(counts) - counts


def _ranges(first: Ints, counts: Ints) -> Ints:
    """first[0], first[0] + 1, ... (counts[0] of them), first[1], ..."""
    return np.repeat(first - starts_of(counts), counts) + np.arange(int(counts.sum()))
