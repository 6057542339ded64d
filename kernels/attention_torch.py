"""Paged attention in plain torch: the specification of every other version, and the version for the CPU.

A row's queries meet its keys chunk by chunk. Each chunk gives a partial softmax (maximum, sum, weighted values), which
is folded into the row's running state in ascending order of chunks (the online softmax of Milakov and Gimelshein,
arXiv 1805.02867). All matrix products are [M, D] x [D, CHUNK] and [M, CHUNK] x [CHUNK, Dv] with M a multiple of TILE. Measured with MKL in
float32 (M from 4 to 2048): such a product gives a row the same bits whatever M, the batch, the row's place, the other rows
and the number of threads. So does everything else here, hence a row's result never depends on its batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sglc.kernels.plan import CHUNK, TILE, Tiles, WorkList

_Softmax = tuple[Tensor, Tensor, Tensor]  # maxima, sums, weighted values

SCRATCH = 4 << 20  # bytes for the gathered keys of one piece of work; the values take as much again


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
) -> Tensor:
    """See `sglc.kernels.attention.paged_attention`."""
    rows, heads, dim = query.shape
    kv_heads = keys.shape[1]
    group = heads // kv_heads
    tile, width = tile_of(group)

    packed = query.new_zeros((rows + 1, kv_heads, group, dim), dtype=torch.float32)
    packed[:rows].copy_(query.view(rows, kv_heads, group, dim)).mul_(scale)
    state = _State(rows, heads, values.shape[2], query.device, sinks)
    budget = max(1, SCRATCH // (kv_heads * CHUNK * max(dim, values.shape[2]) * 4))
    for tiles in plan.tiles(width, window, budget):
        state.fold(tiles, _attend(packed, keys, values, tiles, tile, softcap))
    return state.result().to(query.dtype)


def tile_of(group: int) -> tuple[int, int]:
    """(rows of a product, batch rows in it) for a group of so many heads."""
    tile = TILE * -(-group // TILE)
    return tile, tile // group


def _attend(packed: Tensor, keys: Tensor, values: Tensor, tiles: Tiles, tile: int, softcap: float | None) -> _Softmax:
    """Partial softmax of every place: maxima and sums [tiles * T, heads], weighted values [tiles * T, heads, Dv]."""
    _, kv_heads, group, dim = packed.shape
    count, width = tiles.rows.shape
    used = slice(0, width * group)

    gathered = packed.index_select(0, tiles.rows.view(-1)).view(count, width, kv_heads, group, dim)
    query = packed.new_zeros((kv_heads, count, tile, dim))
    query[:, :, used].unflatten(2, (width, group)).copy_(gathered.permute(2, 0, 1, 3, 4))
    scores = _products(query, _gather(keys, tiles.pages).transpose(2, 3))  # [kv_heads, tiles, tile, CHUNK]
    if softcap is not None:
        scores.div_(softcap).tanh_().mul_(softcap)
    if len(tiles.partial):
        some = scores.index_select(1, tiles.partial)
        some[:, :, used].unflatten(2, (width, group)).masked_fill_(tiles.hidden[:, :, None], -torch.inf)
        scores.index_copy_(1, tiles.partial, some)
    maxima = scores.amax(dim=-1)
    weights = scores.sub_(maxima.unsqueeze(-1)).exp_()
    sums = weights.sum(dim=-1)
    weighted = _products(weights, _gather(values, tiles.pages))  # [kv_heads, tiles, tile, Dv]

    def by_place(x: Tensor) -> Tensor:
        x = x[:, :, used].unflatten(2, (width, group)).permute(1, 2, 0, 3, *range(4, x.ndim + 1))
        return x.reshape(count * width, kv_heads * group, *x.shape[4:])

    return by_place(maxima), by_place(sums), by_place(weighted)


def _gather(pool: Tensor, pages: Tensor) -> Tensor:
    """[chunks, CHUNK] pages of a pool [pages, kv_heads, D] -> float32 [kv_heads, chunks, CHUNK, D]."""
    rows = pool.index_select(0, pages.view(-1)).float()
    return rows.view(*pages.shape, *pool.shape[1:]).permute(2, 0, 1, 3)


def _products(a: Tensor, b: Tensor) -> Tensor:
    """a [heads, tiles, M, N] times b [heads, tiles or 1, N, P]: one product a head, or a batch of equal ones."""
    if b.shape[1] == 1:
        return torch.bmm(a.flatten(1, 2), b[:, 0]).unflatten(1, a.shape[1:3])
    result = a.new_empty((*a.shape[:3], b.shape[3]))
    for head in range(len(a)):
        torch.bmm(a[head], b[head], out=result[head])
    return result


class _State:
    """The running softmax of every row and head: maximum, sum, weighted values. A sink is a key without a value."""

    def __init__(self, rows: int, heads: int, dim: int, device: torch.device, sinks: Tensor | None) -> None:
        self.maxima = torch.full((rows, heads), -torch.inf, device=device)
        self.sums = torch.zeros((rows, heads), device=device)
        self.weighted = torch.zeros((rows, heads, dim), device=device)
        if sinks is not None:
            self.maxima.copy_(sinks.float().expand(rows, heads))
            self.sums.fill_(1.0)

    def fold(self, tiles: Tiles, partial: _Softmax) -> None:
        state = (self.maxima, self.sums, self.weighted)
        for rows, places in tiles.folds:
            old = state if rows is None else _select(state, rows)
            for target, value in zip(state, _merge(old, _select(partial, places)), strict=True):
                if rows is None:
                    target.copy_(value)
                else:
                    target.index_copy_(0, rows, value)

    def result(self) -> Tensor:
        return self.weighted.div_(self.sums.unsqueeze(-1))


def _select(x: _Softmax, rows: Tensor) -> _Softmax:
    return x[0].index_select(0, rows), x[1].index_select(0, rows), x[2].index_select(0, rows)


def _merge(a: _Softmax, b: _Softmax) -> _Softmax:
    maxima = torch.maximum(a[0], b[0])
    wa, wb = torch.exp(a[0] - maxima), torch.exp(b[0] - maxima)
    sums = a[1] * wa + b[1] * wb
    return maxima, sums, a[2] * wa.unsqueeze(-1) + b[2] * wb.unsqueeze(-1)
