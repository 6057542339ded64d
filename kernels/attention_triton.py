"""Paged attention in Triton: split over fixed chunks of keys, so that the same bits come out whatever the batch.

The partial softmax of (row, chunk) is `attend_chunk`, and partials are folded in ascending order by `fold`: in both
kernels, whether they meet in registers (`attend_tiles`) or through memory (`attend_items`, then `_merge`). The split of
long rows is that of FlashDecoding (Dao et al. 2023), the online softmax that of Milakov and Gimelshein (arXiv 1805.02867);
that a group of rows reads a shared chunk once is the cascade of Hydragen (arXiv 2402.05099), here without a launch or a merge
of its own. All exponentials are of base 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc.kernels.launch import launch
from sglc.kernels.plan import Plan, WorkList
from sglc.kernels.work import CHUNK, Cut, Items, Tiles, copied, items_of, items_on, tiles_of, tiles_on

PROGRAMS = 2112
"""Of a launch that works through items, heads included: 16 for each of the 132 processors of an H200. Each takes every n-th item,
so that a captured launch has one size, whatever there is to do. A guess that is not yet measured."""

_LOG2_E = tl.constexpr(1.4426950408889634)


@dataclass(frozen=True, slots=True)
class Launch:
    """rows: of a tile of scores, heads of a group included. keys: of a step. warps, stages: of Triton."""

    rows: int
    keys: int
    warps: int
    stages: int


def launches(dim: int) -> tuple[Launch, Launch]:
    """For items and for tiles, by the size of a head. Chosen by the registers and shared memory that sm_90 code takes."""
    if dim > 128:
        return Launch(16, 32, 4, 3), Launch(64, 32, 8, 2)
    return Launch(16, 64, 4, 3), Launch(64, 64, 8, 3)


def cut_for(group: int, dim: int, window: int | None, chunk: int = CHUNK) -> Cut:
    """See `sglc.kernels.attention.cut_for`."""
    return Cut(window, max(1, launches(dim)[0].rows // group), chunk)


def height_for(group: int, dim: int) -> int:
    """See `sglc.kernels.attention.height_for`."""
    return max(1, launches(dim)[1].rows // group)


def paged_attention(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    plan: WorkList,
    *,
    scale: float,
    window: int | None = None,
    softcap: float | None = None,
    sinks: Tensor | None = None,
    chunk: int = CHUNK,
) -> Tensor:
    """See `sglc.kernels.attention.paged_attention`. chunk: positions, a multiple of 64."""
    rows, heads, dim = query.shape
    kv_heads, value_dim = keys.shape[1], values.shape[2]
    group = heads // kv_heads
    for_items, for_tiles = launches(max(dim, value_dim))
    out = query.new_empty((rows, heads, value_dim))
    shape = Shape(group, dim, value_dim, window or 0, softcap or 0.0, chunk)
    cut, height = cut_for(group, max(dim, value_dim), window, chunk), height_for(group, max(dim, value_dim))
    if (items := plan.cut(cut, lambda plan: _items(plan, cut))) is not None:
        _by_items(query, keys, values, out, items, cut, plan, scale, sinks, shape, for_items)
    if (tiles := plan.cut(height, lambda plan: _tiles(plan, height))) is not None:
        _by_tiles(query, keys, values, out, tiles, scale, sinks, shape, for_tiles)
    return out


def _items(plan: Plan, cut: Cut) -> Items[Tensor] | None:
    items = items_of(plan, cut)
    return None if items is None else items_on(items, copied(items.arrays(), plan.device))


def _tiles(plan: Plan, height: int) -> Tiles[Tensor] | None:
    tiles = tiles_of(plan, height)
    return None if tiles is None else tiles_on(copied(tiles.arrays(), plan.device))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kernel is compiled for. window, softcap: 0 where there is none."""

    group: int
    dim: int
    value_dim: int
    window: int
    softcap: float
    chunk: int

    def constants(self, how: Launch) -> dict[str, Any]:
        return {
            "GROUP": self.group,
            "D": self.dim,
            "DV": self.value_dim,
            "BLOCK_D": max(16, triton.next_power_of_2(self.dim)),
            "BLOCK_DV": max(16, triton.next_power_of_2(self.value_dim)),
            "WINDOW": self.window,
            "SOFTCAP": self.softcap,
            "CHUNK": self.chunk,
            "ROWS": how.rows if self.group <= how.rows else triton.next_power_of_2(self.group),
            "KEYS": how.keys,
            "num_warps": how.warps,
            "num_stages": how.stages,
        }


def _by_items(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    out: Tensor,
    items: Items[Tensor],
    cut: Cut,
    plan: WorkList,
    scale: float,
    sinks: Tensor | None,
    shape: Shape,
    how: Launch,
) -> None:
    heads, kv_heads = query.shape[1], keys.shape[1]
    partial = torch.empty((items.pairs, heads, shape.value_dim), dtype=torch.float32, device=query.device)
    log_sums = torch.empty((items.pairs, heads), dtype=torch.float32, device=query.device)
    programs = min(len(items.table), -(-PROGRAMS // kv_heads))
    launch(
        attend_items, (programs, kv_heads), query, keys, values, partial, log_sums, plan.positions, items.table, items.count,
        scale, heads,
        query.stride(0), query.stride(1), keys.stride(0), keys.stride(1), values.stride(0), values.stride(1),
        WIDTH=cut.width, RECORD=cut.record, **shape.constants(how),
    )  # fmt: skip
    launch(
        _merge, (len(items.merged), heads), partial, log_sums, out, sinks, items.merged, items.first, heads, out.stride(0), out.stride(1),
        DV=shape.value_dim, BLOCK_DV=max(16, triton.next_power_of_2(shape.value_dim)), SINKS=sinks is not None, num_warps=4,
    )  # fmt: skip


def _by_tiles(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    out: Tensor,
    tiles: Tiles[Tensor],
    scale: float,
    sinks: Tensor | None,
    shape: Shape,
    how: Launch,
) -> None:
    launch(
        attend_tiles, (len(tiles.row), keys.shape[1]), query, keys, values, out, sinks,
        tiles.pages, tiles.page, tiles.row, tiles.count, tiles.position,
        scale,
        query.stride(0), query.stride(1), keys.stride(0), keys.stride(1), values.stride(0), values.stride(1),
        out.stride(0), out.stride(1),
        SINKS=sinks is not None,
        **shape.constants(how),
    )  # fmt: skip


@triton.jit
def attend_chunk(
    query, position, keys, values, pages, start, length, scale,
    key_stride, value_stride, D: tl.constexpr, DV: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_DV: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, ROWS: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    """The partial softmax of some rows over one chunk: (weighted values [ROWS, BLOCK_DV], log2 of the sum [ROWS]).

    query: [ROWS, BLOCK_D], by `scale` and log2(e) not yet multiplied. position: [ROWS] of the rows. keys, values: of the
    first page and this head. pages: of the chunk's `length` keys, which begin at position `start`. A row that sees none of them
    has -inf and zeros."""
    dim = tl.arange(0, BLOCK_D)
    value_dim = tl.arange(0, BLOCK_DV)
    lane = tl.arange(0, KEYS)
    top = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.full([ROWS], 0.0, tl.float32)
    weighted = tl.full([ROWS, BLOCK_DV], 0.0, tl.float32)
    # The next step's pages are fetched one step ahead: only so are several steps' keys and values on their way at once.
    page = tl.load(pages + lane, mask=lane < length, other=0).to(tl.int64)
    for step in range(0, length, KEYS):
        there = step + lane < length
        ahead = tl.load(pages + step + KEYS + lane, mask=step + KEYS + lane < length, other=0).to(tl.int64)
        key = tl.load(
            keys + page[None, :] * key_stride + dim[:, None], mask=there[None, :] & (dim < D)[:, None], other=0.0
        )
        value = tl.load(
            values + page[:, None] * value_stride + value_dim[None, :],
            mask=there[:, None] & (value_dim < DV)[None, :],
            other=0.0,
        )
        page = ahead
        score = tl.dot(query, key, input_precision="ieee") * scale
        if SOFTCAP > 0:
            score = (2.0 / (1.0 + tl.exp2(score * (-2.0 * _LOG2_E / SOFTCAP))) - 1.0) * SOFTCAP  # tanh
        score = score * _LOG2_E
        place = start + step + lane
        seen = there[None, :] & (place[None, :] <= position[:, None])
        if WINDOW > 0:
            seen = seen & (place[None, :] > position[:, None] - WINDOW)
        score = tl.where(seen, score, float("-inf"))
        higher = tl.maximum(top, tl.max(score, 1))
        finite = tl.where(higher == float("-inf"), 0.0, higher)
        weight = tl.exp2(score - finite[:, None])
        shrink = tl.exp2(top - finite)
        total = total * shrink + tl.sum(weight, 1)
        weighted = weighted * shrink[:, None] + tl.dot(weight.to(value.dtype), value, input_precision="ieee")
        top = higher
    some = total != 0.0  # also for one that is no number
    result = weighted / tl.where(some, total, 1.0)[:, None]
    return result, tl.where(some, top + tl.log2(tl.where(some, total, 1.0)), float("-inf"))


@triton.jit
def fold(top, total, weighted, log_sum, partial):
    """A row's running (maximum, sum of weights, weighted values) with one more partial softmax."""
    higher = tl.maximum(top, log_sum)
    finite = tl.where(higher == float("-inf"), 0.0, higher)
    old = tl.exp2(top - finite)
    new = tl.exp2(log_sum - finite)
    return higher, total * old + new, weighted * old[:, None] + partial * new[:, None]


@triton.jit
def attend_items(
    query, keys, values, partial, log_sums, positions, table, count, scale, heads,
    query_row, query_head, key_page, key_head, value_page, value_head,
    WIDTH: tl.constexpr, RECORD: tl.constexpr,
    GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_DV: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, CHUNK: tl.constexpr, ROWS: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    """Every n-th item and one head of keys; the heads of its group are rows of the tile."""
    kv_head = tl.program_id(1)
    lane = tl.arange(0, ROWS)
    place, head = lane // GROUP, kv_head * GROUP + lane % GROUP
    dim = tl.arange(0, BLOCK_D)
    value_dim = tl.arange(0, BLOCK_DV)
    for item in range(tl.program_id(0), tl.load(count), tl.num_programs(0)):
        record = table + item * RECORD
        row = tl.load(record + CHUNK + 2 + place, mask=place < WIDTH, other=-1)
        used = row >= 0
        position = tl.load(positions + row, mask=used, other=-1).to(tl.int32)
        q = tl.load(
            query + row.to(tl.int64)[:, None] * query_row + head[:, None] * query_head + dim[None, :],
            mask=used[:, None] & (dim < D)[None, :],
            other=0.0,
        )
        result, log_sum = attend_chunk(
            q, position, keys + kv_head * key_head, values + kv_head * value_head,
            record, tl.load(record + CHUNK), tl.load(record + CHUNK + 1), scale,
            key_page, value_page, D, DV, BLOCK_D, BLOCK_DV, WINDOW, SOFTCAP, ROWS, KEYS,
        )  # fmt: skip
        slot = tl.load(record + CHUNK + 2 + WIDTH + place, mask=used, other=0).to(tl.int64) * heads + head
        there = used[:, None] & (value_dim < DV)[None, :]
        tl.store(partial + slot[:, None] * DV + value_dim[None, :], result, mask=there)
        tl.store(log_sums + slot, log_sum, mask=used)


@triton.jit
def _merge(
    partial, log_sums, out, sinks, merged, first, heads, out_row, out_head,
    DV: tl.constexpr, BLOCK_DV: tl.constexpr, SINKS: tl.constexpr,
):  # fmt: skip
    """The partials of one row and head, in ascending order of chunks."""
    number, head = tl.program_id(0), tl.program_id(1)
    dim = tl.arange(0, BLOCK_DV)
    lane = tl.arange(0, 1)
    top = tl.full([1], float("-inf"), tl.float32)
    total = tl.full([1], 0.0, tl.float32)
    weighted = tl.full([1, BLOCK_DV], 0.0, tl.float32)
    if SINKS:
        top = tl.load(sinks + head + lane).to(tl.float32) * _LOG2_E
        total = total + 1.0
    for at in range(tl.load(first + number), tl.load(first + number + 1)):
        slot = (lane + at * heads + head).to(tl.int64)
        log_sum = tl.load(log_sums + slot)
        result = tl.load(partial + slot * DV + dim, mask=dim < DV, other=0.0)[None, :]
        top, total, weighted = fold(top, total, weighted, log_sum, result)
    row = tl.load(merged + number).to(tl.int64)
    result = weighted / total[:, None]
    tl.store(out + row * out_row + head * out_head + dim[None, :], result, mask=(dim < DV)[None, :])


@triton.jit
def attend_tiles(
    query, keys, values, out, sinks, pages, tile_page, tile_row, tile_count, tile_position, scale,
    query_row, query_head, key_page, key_head, value_page, value_head, out_row, out_head,
    SINKS: tl.constexpr,
    GROUP: tl.constexpr, D: tl.constexpr, DV: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_DV: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, CHUNK: tl.constexpr, ROWS: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    """One tile and one head of keys; the heads of its group are rows of the tile too."""
    tile, kv_head = tl.program_id(0), tl.program_id(1)
    lane = tl.arange(0, ROWS)
    place, head = lane // GROUP, kv_head * GROUP + lane % GROUP
    count = tl.load(tile_count + tile)
    used = place < count
    row = (tl.load(tile_row + tile) + place).to(tl.int64)
    begin = tl.load(tile_position + tile)
    position = tl.where(used, begin + place, -1)
    dim = tl.arange(0, BLOCK_D)
    q = tl.load(
        query + row[:, None] * query_row + head[:, None] * query_head + dim[None, :],
        mask=used[:, None] & (dim < D)[None, :],
        other=0.0,
    )
    span = pages + tl.load(tile_page + tile)
    top = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.full([ROWS], 0.0, tl.float32)
    weighted = tl.full([ROWS, BLOCK_DV], 0.0, tl.float32)
    if SINKS:
        top = tl.load(sinks + head, mask=used, other=0.0).to(tl.float32) * _LOG2_E
        total = total + 1.0
    end = begin + count
    low = 0
    if WINDOW > 0:
        low = tl.maximum(begin - WINDOW + 1, 0) // CHUNK * CHUNK
    for start in range(low, end, CHUNK):
        result, log_sum = attend_chunk(
            q, position, keys + kv_head * key_head, values + kv_head * value_head,
            span + start, start, tl.minimum(end - start, CHUNK), scale,
            key_page, value_page, D, DV, BLOCK_D, BLOCK_DV, WINDOW, SOFTCAP, ROWS, KEYS,
        )  # fmt: skip
        top, total, weighted = fold(top, total, weighted, log_sum, result)
    value_dim = tl.arange(0, BLOCK_DV)
    tl.store(
        out + row[:, None] * out_row + head[:, None] * out_head + value_dim[None, :],
        weighted / tl.where(used, total, 1.0)[:, None],
        mask=used[:, None] & (value_dim < DV)[None, :],
    )
