"""The small kernels in Triton: one read and one write of everything they touch."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc.kernels.launch import launch

_BLOCK = 2048  # elements of a program of `silu_and_mul`


def rms_norm(
    x: Tensor, weight: Tensor, eps: float, residual: Tensor | None = None, *, offset: float = 0.0
) -> tuple[Tensor, Tensor]:
    """See `sglc.kernels.elementwise.rms_norm`."""
    rows, size = x.shape
    out = torch.empty((rows, size), dtype=x.dtype, device=x.device)
    total = x if residual is None else torch.empty_like(out)
    block = triton.next_power_of_2(size)
    launch(
        rms_norm_row, (rows,), x, weight, residual, out, total, eps, offset, x.stride(0), residual.stride(0) if residual is not None else 0,
        SIZE=size, BLOCK=block, RESIDUAL=residual is not None, ROUND=not offset, num_warps=16 if block >= 8192 else 8,
    )  # fmt: skip
    return out, total


def silu_and_mul(gate: Tensor, up: Tensor) -> Tensor:
    """See `sglc.kernels.elementwise.silu_and_mul`."""
    rows, size = gate.shape
    out = torch.empty((rows, size), dtype=gate.dtype, device=gate.device)
    launch(
        _silu_and_mul, (rows, triton.cdiv(size, _BLOCK)), gate, up, out, gate.stride(0), up.stride(0), size,
        BLOCK=min(_BLOCK, triton.next_power_of_2(size)), num_warps=8,
    )  # fmt: skip
    return out


def rotate_and_store(
    query: Tensor, key: Tensor, value: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, slots: Tensor
) -> Tensor:
    """See `sglc.kernels.elementwise.rotate_and_store`."""
    rows, heads, dim = query.shape
    kv_heads, value_dim, half = key.shape[1], value.shape[2], cos.shape[1]
    out = torch.empty((rows, heads, dim), dtype=query.dtype, device=query.device)
    launch(
        _rotate_and_store, (rows, kv_heads), query, key, value, cos, sin, keys, values, slots, out,
        query.stride(0), query.stride(1), key.stride(0), key.stride(1), value.stride(0), value.stride(1),
        cos.stride(0), sin.stride(0), keys.stride(0), keys.stride(1), values.stride(0), values.stride(1), out.stride(0), dim,
        GROUP=heads // kv_heads, GROUPS=triton.next_power_of_2(heads // kv_heads), HALF=half, REST=dim - 2 * half, DV=value_dim,
        BLOCK_HALF=triton.next_power_of_2(half), BLOCK_REST=triton.next_power_of_2(max(1, dim - 2 * half)),
        BLOCK_DV=triton.next_power_of_2(value_dim), num_warps=4,
    )  # fmt: skip
    return out


@triton.jit
def rms_norm_row(
    x, weight, residual, out, total, eps, offset, x_row, residual_row,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, RESIDUAL: tl.constexpr, ROUND: tl.constexpr,
):  # fmt: skip
    """One row. It is never split, so its bits do not depend on the batch."""
    row = tl.program_id(0).to(tl.int64)
    lane = tl.arange(0, BLOCK)
    there = lane < SIZE
    wide = tl.load(x + row * x_row + lane, mask=there, other=0.0).to(tl.float32)
    if RESIDUAL:
        wide += tl.load(residual + row * residual_row + lane, mask=there, other=0.0).to(tl.float32)
        rounded = wide.to(total.dtype.element_ty)  # what is normalised is what is kept
        tl.store(total + row * SIZE + lane, rounded, mask=there)
        wide = rounded.to(tl.float32)
    normed = wide * tl.rsqrt(tl.sum(wide * wide, 0) / SIZE + eps)
    if ROUND:
        normed = normed.to(out.dtype.element_ty).to(tl.float32)
    scale = tl.load(weight + lane, mask=there, other=0.0).to(tl.float32) + offset
    tl.store(out + row * SIZE + lane, (normed * scale).to(out.dtype.element_ty), mask=there)


@triton.jit
def _silu_and_mul(gate, up, out, gate_row, up_row, size, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    there = lane < size
    wide = tl.load(gate + row * gate_row + lane, mask=there, other=0.0).to(tl.float32)
    other = tl.load(up + row * up_row + lane, mask=there, other=0.0).to(tl.float32)
    result = wide / (1.0 + tl.exp(-wide)) * other
    tl.store(out + row * size + lane, result.to(out.dtype.element_ty), mask=there)


@triton.jit
def _rotate_and_store(
    query, key, value, cos, sin, keys, values, slots, out,
    query_row, query_head, key_row, key_head, value_row, value_head, cos_row, sin_row,
    keys_page, keys_head, values_page, values_head, out_row, out_head,
    GROUP: tl.constexpr, GROUPS: tl.constexpr, HALF: tl.constexpr, REST: tl.constexpr, DV: tl.constexpr,
    BLOCK_HALF: tl.constexpr, BLOCK_REST: tl.constexpr, BLOCK_DV: tl.constexpr,
):  # fmt: skip
    """One row and one head of keys, with its values and the heads of queries of its group: cos and sin are read once."""
    row, kv_head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    lane = tl.arange(0, BLOCK_HALF)
    inside = lane < HALF
    c = tl.load(cos + row * cos_row + lane, mask=inside, other=0.0).to(tl.float32)
    s = tl.load(sin + row * sin_row + lane, mask=inside, other=0.0).to(tl.float32)
    rest = tl.arange(0, BLOCK_REST)

    member = tl.arange(0, GROUPS)
    head = kv_head * GROUP + member
    there = (member < GROUP)[:, None] & inside[None, :]
    read = query + row * query_row + head[:, None] * query_head
    first = tl.load(read + lane[None, :], mask=there, other=0.0).to(tl.float32)
    second = tl.load(read + HALF + lane[None, :], mask=there, other=0.0).to(tl.float32)
    write = out + row * out_row + head[:, None] * out_head
    kind = out.dtype.element_ty
    tl.store(write + lane[None, :], (first * c[None, :] - second * s[None, :]).to(kind), mask=there)
    tl.store(write + HALF + lane[None, :], (second * c[None, :] + first * s[None, :]).to(kind), mask=there)
    if REST > 0:
        more = (member < GROUP)[:, None] & (rest < REST)[None, :]
        tl.store(
            write + 2 * HALF + rest[None, :], tl.load(read + 2 * HALF + rest[None, :], mask=more, other=0.0), mask=more
        )

    slot = tl.load(slots + row).to(tl.int64)
    if slot >= 0:
        of_key = key + row * key_row + kv_head * key_head
        first_key = tl.load(of_key + lane, mask=inside, other=0.0).to(tl.float32)
        second_key = tl.load(of_key + HALF + lane, mask=inside, other=0.0).to(tl.float32)
        to_key = keys + slot * keys_page + kv_head * keys_head
        stored = keys.dtype.element_ty
        tl.store(to_key + lane, (first_key * c - second_key * s).to(stored), mask=inside)
        tl.store(to_key + HALF + lane, (second_key * c + first_key * s).to(stored), mask=inside)
        if REST > 0:
            tail = tl.load(of_key + 2 * HALF + rest, mask=rest < REST, other=0.0)
            tl.store(to_key + 2 * HALF + rest, tail.to(stored), mask=rest < REST)
        place = tl.arange(0, BLOCK_DV)
        own = tl.load(value + row * value_row + kv_head * value_head + place, mask=place < DV, other=0.0)
        tl.store(
            values + slot * values_page + kv_head * values_head + place,
            own.to(values.dtype.element_ty),
            mask=place < DV,
        )
