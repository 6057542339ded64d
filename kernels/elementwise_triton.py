"""The small kernels in Triton: one read and one write of everything they touch."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc.kernels.launch import launch
from sglc.kernels.norm import Norm

_BLOCK = 2048  # elements of a program of `silu_and_mul`


def rms_norm(
    x: Tensor,
    weight: Tensor,
    eps: float,
    residual: Tensor | None = None,
    *,
    offset: float = 0.0,
    rounded: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """See `sglc.kernels.elementwise.rms_norm`."""
    rows, size = x.shape
    out = torch.empty((rows, size), dtype=x.dtype, device=x.device)
    total = x if residual is None else torch.empty_like(out)
    block = triton.next_power_of_2(size)
    launch(
        rms_norm_row, (rows,), x, weight, residual, out, total, eps, offset, x.stride(0), residual.stride(0) if residual is not None else 0,
        SIZE=size, BLOCK=block, RESIDUAL=residual is not None, ROUND=not offset if rounded is None else rounded,
        num_warps=16 if block >= 8192 else 8,
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
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cos: Tensor,
    sin: Tensor,
    keys: Tensor,
    values: Tensor,
    slots: Tensor,
    norms: tuple[Norm, Norm] | None = None,
) -> Tensor:
    """See `sglc.kernels.elementwise.rotate_and_store`."""
    rows, heads, dim = query.shape
    kv_heads, value_dim, half = key.shape[1], value.shape[2], cos.shape[1]
    out = torch.empty((rows, heads, dim), dtype=query.dtype, device=query.device)
    of_query, of_key = norms or (None, None)
    launch(
        _rotate_and_store, (rows, kv_heads), query, key, value, cos, sin, keys, values, slots, out,
        of_query and of_query.weight, of_key and of_key.weight, of_query.eps if of_query else 0.0, of_query.offset if of_query else 0.0,
        query.stride(0), query.stride(1), key.stride(0), key.stride(1), value.stride(0), value.stride(1),
        cos.stride(0), sin.stride(0), keys.stride(0), keys.stride(1), values.stride(0), values.stride(1), out.stride(0), dim,
        GROUP=heads // kv_heads, GROUPS=triton.next_power_of_2(heads // kv_heads), HALF=half, REST=dim - 2 * half, DV=value_dim,
        BLOCK_HALF=triton.next_power_of_2(half), BLOCK_REST=triton.next_power_of_2(max(1, dim - 2 * half)),
        BLOCK_DV=triton.next_power_of_2(value_dim), NORM=norms is not None, ROUND=of_query is not None and of_query.rounded, num_warps=4,
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
    query, key, value, cos, sin, keys, values, slots, out, query_weight, key_weight, eps, offset,
    query_row, query_head, key_row, key_head, value_row, value_head, cos_row, sin_row,
    keys_page, keys_head, values_page, values_head, out_row, out_head,
    GROUP: tl.constexpr, GROUPS: tl.constexpr, HALF: tl.constexpr, REST: tl.constexpr, DV: tl.constexpr,
    BLOCK_HALF: tl.constexpr, BLOCK_REST: tl.constexpr, BLOCK_DV: tl.constexpr, NORM: tl.constexpr, ROUND: tl.constexpr,
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
    own = (member < GROUP)[:, None]
    first, second, tail = _turned(
        query + row * query_row + head[:, None] * query_head, own, query_weight, c, s, eps, offset,
        HALF, REST, BLOCK_HALF, BLOCK_REST, NORM, ROUND,
    )  # fmt: skip
    write = out + row * out_row + head[:, None] * out_head
    kind = out.dtype.element_ty
    tl.store(write + lane[None, :], first.to(kind), mask=own & inside[None, :])
    tl.store(write + HALF + lane[None, :], second.to(kind), mask=own & inside[None, :])
    if REST > 0:
        tl.store(write + 2 * HALF + rest[None, :], tail.to(kind), mask=own & (rest < REST)[None, :])

    slot = tl.load(slots + row).to(tl.int64)
    if slot >= 0:
        one = tl.arange(0, 1)[:, None]
        first_key, second_key, tail_key = _turned(
            key + row * key_row + kv_head * key_head + one, one == 0, key_weight, c, s, eps, offset,
            HALF, REST, BLOCK_HALF, BLOCK_REST, NORM, ROUND,
        )  # fmt: skip
        to_key = keys + slot * keys_page + kv_head * keys_head + one
        stored = keys.dtype.element_ty
        rounded = key.dtype.element_ty  # as the product gave it, whatever the pool holds
        tl.store(to_key + lane[None, :], first_key.to(rounded).to(stored), mask=inside[None, :])
        tl.store(to_key + HALF + lane[None, :], second_key.to(rounded).to(stored), mask=inside[None, :])
        if REST > 0:
            tl.store(to_key + 2 * HALF + rest[None, :], tail_key.to(rounded).to(stored), mask=(rest < REST)[None, :])
        place = tl.arange(0, BLOCK_DV)
        given = tl.load(value + row * value_row + kv_head * value_head + place, mask=place < DV, other=0.0)
        tl.store(
            values + slot * values_page + kv_head * values_head + place,
            given.to(values.dtype.element_ty),
            mask=place < DV,
        )


@triton.jit
def _turned(
    read, there, weight, c, s, eps, offset,
    HALF: tl.constexpr, REST: tl.constexpr, BLOCK_HALF: tl.constexpr, BLOCK_REST: tl.constexpr,
    NORM: tl.constexpr, ROUND: tl.constexpr,
):  # fmt: skip
    """Heads, normed and turned, in float32: [heads, BLOCK_HALF] twice, and [heads, BLOCK_REST] of what is not turned.
    read: [heads, 1] where they lie. there: [heads, 1]."""
    lane = tl.arange(0, BLOCK_HALF)
    rest = tl.arange(0, BLOCK_REST)
    half = there & (lane < HALF)[None, :]
    more = there & (rest < REST)[None, :]
    kind = read.dtype.element_ty
    first = tl.load(read + lane[None, :], mask=half, other=0.0).to(tl.float32)
    second = tl.load(read + HALF + lane[None, :], mask=half, other=0.0).to(tl.float32)
    tail = tl.load(read + 2 * HALF + rest[None, :], mask=more, other=0.0).to(tl.float32)
    if NORM:
        square = tl.sum(first * first + second * second, 1) + tl.sum(tail * tail, 1)
        factor = tl.rsqrt(square / (2 * HALF + REST) + eps)[:, None]
        first = _weighed(first * factor, weight, lane, HALF, offset, kind, ROUND)
        second = _weighed(second * factor, weight + HALF, lane, HALF, offset, kind, ROUND)
        tail = _weighed(tail * factor, weight + 2 * HALF, rest, REST, offset, kind, ROUND)
    return first * c[None, :] - second * s[None, :], second * c[None, :] + first * s[None, :], tail


@triton.jit
def _weighed(x, weight, lane, size, offset, kind: tl.constexpr, ROUND: tl.constexpr):
    """A part of a norm: by its weights, rounded as the norm alone would round it."""
    if ROUND:
        x = x.to(kind).to(tl.float32)
    scale = tl.load(weight + lane, mask=lane < size, other=0.0).to(tl.float32) + offset
    return (x * scale[None, :]).to(kind).to(tl.float32)
