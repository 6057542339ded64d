"""A product in Triton whose tiles, and whose order of summation, are the same for any number of rows: nothing is split along the
inner size, and no size of a tile is chosen by the batch. Programs go through the columns of some rows of tiles at a time, so that
weights are read from the cache again (as in Triton's tutorial on products)."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc.kernels.launch import launch

ROWS, COLUMNS, INNER = 64, 64, 64
"""Of a tile: enough rows for the matrix instructions of a warp group. A guess that is not yet measured."""

WARPS, STAGES = 4, 4
_GROUP = 8  # rows of tiles


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """See `sglc.kernels.linear.linear`."""
    rows, size = x.shape
    columns = len(weight)
    x = x if x.stride(1) == 1 else x.contiguous()
    bias = None if bias is None else bias.contiguous()
    out = torch.empty((rows, columns), dtype=x.dtype, device=x.device)
    if rows:
        grid = (triton.cdiv(rows, ROWS) * triton.cdiv(columns, COLUMNS),)
        launch(
            product, grid, x, weight, bias, out, rows, columns, size, x.stride(0), *weight.stride(),
            **constants(size, bias=bias is not None),
        )  # fmt: skip
    return out


def constants(size: int, *, bias: bool) -> dict[str, int]:
    """size: of the inner dimension."""
    return {
        "ROWS": ROWS, "COLUMNS": COLUMNS, "INNER": INNER, "GROUP": _GROUP, "BIAS": bias, "WHOLE": size % INNER == 0,
        "num_warps": WARPS, "num_stages": STAGES,
    }  # fmt: skip


@triton.jit(do_not_specialize=["rows"])
def product(
    x, weight, bias, out, rows, columns, size, x_row, weight_row, weight_inner,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr, GROUP: tl.constexpr, BIAS: tl.constexpr,
    WHOLE: tl.constexpr,
):  # fmt: skip
    """One tile. WHOLE: the inner size is a multiple of INNER. Rows and columns that are not there are read as the last ones,
    so that loads need no mask for them, and are not written."""
    program = tl.program_id(0)
    tiles = tl.cdiv(rows, ROWS)
    together = GROUP * tl.cdiv(columns, COLUMNS)
    first = program // together * GROUP
    height = tl.minimum(tiles - first, GROUP)
    row = (first + program % together % height) * ROWS + tl.arange(0, ROWS)
    column = program % together // height * COLUMNS + tl.arange(0, COLUMNS)
    at = tl.arange(0, INNER)
    own = x + tl.minimum(row, rows - 1).to(tl.int64)[:, None] * x_row + at[None, :]
    other = weight + tl.minimum(column, columns - 1).to(tl.int64)[None, :] * weight_row + at[:, None] * weight_inner
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for done in range(0, size, INNER):
        if WHOLE:
            a, b = tl.load(own), tl.load(other)
        else:
            inside = at < size - done
            a = tl.load(own, mask=inside[None, :], other=0.0)
            b = tl.load(other, mask=inside[:, None], other=0.0)
        total = tl.dot(a, b, total, input_precision="ieee")
        own += INNER
        other += INNER * weight_inner
    if BIAS:
        total += tl.load(bias + tl.minimum(column, columns - 1)).to(tl.float32)[None, :]
    there = (row < rows)[:, None] & (column < columns)[None, :]
    write = out + row.to(tl.int64)[:, None] * columns + column[None, :]
    tl.store(write, total.to(out.dtype.element_ty), mask=there)
