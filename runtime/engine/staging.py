"""The arrays of a batch to the device: one copy, from memory that the device reads by itself, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.attention import cut_for, height_for
from sglc.kernels.plan import Plan
from sglc.kernels.work import Cut, Items, Tiles, items_of, items_on, tiles_of, tiles_on
from sglc.runtime.engine.attention import LayerShape

_ALIGNED = 64  # bytes
_FIRST = 1 << 20


class Staging:
    """Two buffers of pinned memory in turn, so that one is filled while the other is read; plain memory for a CPU.

    What is sent lies in one tensor, and lives as long as any part of it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._lanes = [Lane(device), Lane(device)]

    def send(self, arrays: Sequence[NDArray[Any]]) -> list[Tensor]:
        """The arrays on the device, in their order, each with its type and shape."""
        begins = np.cumsum([0, *(-(-array.nbytes // _ALIGNED) * _ALIGNED for array in arrays)]).tolist()
        lane = self._turn(begins[-1])
        for begin, array in zip(begins, arrays, strict=False):
            flat = np.ascontiguousarray(array).reshape(-1)
            lane.host[begin : begin + array.nbytes].view(array.dtype)[:] = flat
        target = torch.empty(begins[-1], dtype=torch.uint8, device=self._device)
        lane.copy(target, slice(0, begins[-1]))
        kinds = [torch.from_numpy(np.empty(0, array.dtype)).dtype for array in arrays]
        return [
            target[begin : begin + array.nbytes].view(kind).view(array.shape)
            for begin, array, kind in zip(begins, arrays, kinds, strict=False)
        ]

    def words(self, count: int) -> Lane:
        """A buffer on the host to be filled, of `count` int32, and copied from; till then it is the caller's."""
        return self._turn(4 * count)

    def _turn(self, size: int) -> Lane:
        self._lanes.reverse()
        self._lanes[0].ready(size)
        return self._lanes[0]


class Lane:
    """host: uint8 [at least the size asked for]."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._memory = torch.empty(0, dtype=torch.uint8)
        self._copied: torch.cuda.Event | None = None
        self.host: NDArray[np.uint8] = self._memory.numpy()

    def ready(self, size: int) -> None:
        """Waits until what was last sent from here has been read: it was, but where batches are submitted far ahead."""
        if self._copied is not None:
            self._copied.synchronize()
        if len(self._memory) < size:
            size = max(_FIRST, 1 << (size - 1).bit_length())
            self._memory = torch.empty(size, dtype=torch.uint8, pin_memory=self._device.type == "cuda")
            self.host = self._memory.numpy()

    def copy(self, target: Tensor, part: slice) -> None:
        """Bytes `part` of the host's buffer into `target`, uint8 of as many."""
        target.copy_(self._memory[part], non_blocking=True)
        if self._device.type == "cuda":
            self._copied = self._copied or torch.cuda.Event()
            self._copied.record()


def cuts_of(layers: Sequence[LayerShape], device: torch.device) -> tuple[Cut, ...]:
    """The ways in which short spans are cut, of all layers."""
    found = [cut_for(device, s.heads, s.kv_heads, max(s.key_dim, s.value_dim), s.window) for s in layers]
    return tuple(dict.fromkeys(found))


def heights_of(layers: Sequence[LayerShape], device: torch.device) -> tuple[int, ...]:
    """The heights of the tiles of long spans, of all layers."""
    found = [height_for(device, s.heads, s.kv_heads, max(s.key_dim, s.value_dim)) for s in layers]
    return tuple(dict.fromkeys(height for height in found if height is not None))


def stage(
    plan: Plan, cuts: Sequence[Cut], heights: Sequence[int], others: Sequence[NDArray[Any]], staging: Staging
) -> list[Tensor]:
    """Sends everything that the layers will read of a plan, and `others`, which it answers."""
    items = {cut: found for cut in cuts if (found := items_of(plan, cut)) is not None}
    tiles = {height: found for height in heights if (found := tiles_of(plan, height)) is not None}
    parts: list[Items[NDArray[np.int32]] | Tiles[NDArray[np.int32]]] = [*items.values(), *tiles.values()]
    arrays = [plan.row_positions, plan.row_slots, *others, *(array for part in parts for array in part.arrays())]
    sent = iter(staging.send(arrays))
    plan.keep("positions", next(sent))
    plan.keep("slots", next(sent))
    answer = [next(sent) for _ in others]
    for cut in cuts:
        plan.keep(cut, items_on(items[cut], [next(sent) for _ in items[cut].arrays()]) if cut in items else None)
    for height in heights:
        plan.keep(height, tiles_on([next(sent) for _ in tiles[height].arrays()]) if height in tiles else None)
    return answer
