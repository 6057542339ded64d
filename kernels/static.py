"""A batch in buffers that stay where they are, so that what was captured once reads each batch anew.

For decoding: every row is one token. What the batch attends to is a `Plan`, as ever; `Static.write` lays it out in a buffer
on the host, the caller copies that to the buffer on the device, and the views that the kernels were captured with are of
the latter. The lengths are bounds; how many items there are is on the device too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.plan import Plan, Tiles
from sglc.kernels.work import Cut, Items, items_of

T = TypeVar("T")
Ints = NDArray[np.int64]

ALIGNED = 16
"""Words of 4 bytes: where a field begins is a multiple."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a batch lie in a buffer of int32.

    rows: of the batch, exactly. cuts: one table of items for each. items, pairs: at most, of each cut.
    """

    rows: int
    cuts: tuple[Cut, ...]
    items: int
    pairs: int

    @property
    def head(self) -> int:
        """Words of all but the tables: ids, positions and slots in int64, and what is of fixed length in a cut."""
        return 3 * _aligned(2 * self.rows) + len(self.cuts) * self._fixed

    @property
    def words(self) -> int:
        return self.head + sum(_aligned(self.items * cut.record) for cut in self.cuts)

    @property
    def _fixed(self) -> int:
        return _aligned(1) + _aligned(self.rows) + _aligned(self.rows + 1)

    def long(self, number: int) -> slice:
        """ids, positions, slots."""
        begin = number * _aligned(2 * self.rows)
        return slice(begin, begin + 2 * self.rows)

    def fixed(self, cut: int) -> tuple[slice, slice, slice]:
        """count, merged, first."""
        at = 3 * _aligned(2 * self.rows) + cut * self._fixed
        merged, first = at + _aligned(1), at + _aligned(1) + _aligned(self.rows)
        return slice(at, at + 1), slice(merged, merged + self.rows), slice(first, first + self.rows + 1)

    def table(self, cut: int) -> slice:
        """The last cut's table is the last of all: a buffer may be shorter where it has fewer items."""
        begin = self.head + sum(_aligned(self.items * before.record) for before in self.cuts[:cut])
        return slice(begin, begin + self.items * self.cuts[cut].record)


class Static:
    """Implements `WorkList` over a device buffer, int32 [layout.words]."""

    def __init__(self, layout: Layout, buffer: Tensor) -> None:
        self.layout = layout
        self.ids, self.positions, self.slots = (buffer[layout.long(n)].view(torch.int64) for n in range(3))
        self._items: dict[Hashable, Items[Tensor]] = {}
        for number, cut in enumerate(layout.cuts):
            count, merged, first = (buffer[part] for part in layout.fixed(number))
            table = buffer[layout.table(number)].view(layout.items, cut.record)
            self._items[cut] = Items(table, count, merged, first, layout.pairs)

    def cut(self, how: Hashable, make: Callable[[Plan], T]) -> T:
        """The items that were laid out; there are no tiles."""
        found: Any = self._items[how] if isinstance(how, Cut) else None
        return found

    def tiles(self, width: int, window: int | None, budget: int) -> Sequence[Tiles]:
        """See `WorkList`: for the torch kernel, from the buffers as they are now."""
        [cut] = [cut for cut in self.layout.cuts if (cut.width, cut.window) == (width, window)]
        return list(self._tiles(cut, self._items[cut], budget))

    def _tiles(self, cut: Cut, items: Items[Tensor], budget: int) -> Iterator[Tiles]:
        table = items.table[: int(items.count)].long()
        begin = cut.chunk + 2
        pages, start, rows = table[:, : cut.chunk], table[:, cut.chunk], table[:, begin : begin + cut.width]
        rows = torch.where(rows < 0, self.layout.rows, rows)
        positions = torch.cat([self.positions, self.positions.new_tensor([torch.iinfo(torch.int64).max])])
        for a in range(0, len(table), budget):
            b = min(len(table), a + budget)
            position = positions[rows[a:b]][:, :, None]
            key = (start[a:b, None] + torch.arange(cut.chunk, device=start.device))[:, None]
            hidden = key > position
            if cut.window is not None:
                hidden |= (key <= position - cut.window) & (rows[a:b, :, None] < self.layout.rows)
            partial = hidden.any(2).any(1).nonzero().view(-1)
            yield Tiles(
                wide=False,
                pages=pages[a:b].contiguous(),
                rows=rows[a:b].contiguous(),
                partial=partial,
                hidden=hidden[partial],
                folds=tuple(self._folds(rows[a:b], start[a:b])),
            )

    def _folds(self, rows: Tensor, start: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        for chunk in start.unique():
            places = ((start == chunk)[:, None] & (rows < self.layout.rows)).view(-1).nonzero().view(-1)
            yield rows.reshape(-1)[places], places


def write(layout: Layout, buffer: NDArray[np.int32], ids: Ints, plan: Plan) -> list[slice] | None:
    """Lays a batch out in a buffer on the host, int32 [layout.words]; the parts that are to be copied. None, and nothing is
    written, where it has more items or partials than there is place for. plan: of spans of one row each."""
    found: list[Items[NDArray[np.int32]]] = []
    for cut in layout.cuts:
        items = items_of(plan, cut)
        if items is None or len(items.table) > layout.items or items.pairs > layout.pairs:
            return None
        found.append(items)
    for number, array in enumerate((ids, plan.row_positions, plan.row_slots)):
        buffer[layout.long(number)].view(np.int64)[:] = array
    parts = [slice(0, layout.head)]
    for number, items in enumerate(found):
        for part, array in zip(layout.fixed(number), (items.count, items.merged, items.first), strict=True):
            buffer[part] = array
        begin = layout.table(number).start
        part = slice(begin, begin + items.table.size)
        buffer[part] = items.table.reshape(-1)
        if number:
            parts.append(part)
        else:  # it lies right behind the head: one copy for both
            parts[0] = slice(0, part.stop)
    return parts


def _aligned(words: int) -> int:
    return -(-words // ALIGNED) * ALIGNED
