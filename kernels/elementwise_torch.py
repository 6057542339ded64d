"""The small kernels in plain torch: their specification, and the version for the CPU. Arithmetic is in float32, and each
result is rounded once."""

from __future__ import annotations

import torch
from torch import Tensor

from sglc.kernels.norm import Norm


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
    total = x if residual is None else (x.float() + residual.float()).to(x.dtype)
    return normed(total, Norm(weight, eps, offset, not offset if rounded is None else rounded)), total


def normed(x: Tensor, norm: Norm) -> Tensor:
    """[..., size] in the dtype of x."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + norm.eps)
    if norm.rounded:
        wide = wide.to(x.dtype).float()
    return (wide * (norm.weight.float() + norm.offset)).to(x.dtype)


def silu_and_mul(gate: Tensor, up: Tensor) -> Tensor:
    """See `sglc.kernels.elementwise.silu_and_mul`."""
    wide = gate.float()
    return (wide * torch.sigmoid(wide) * up.float()).to(gate.dtype)


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
    if norms is not None:
        query, key = normed(query, norms[0]), normed(key, norms[1])
    there = slots >= 0
    keys.index_copy_(0, slots[there], _rotated(key, cos, sin)[there].to(keys.dtype))
    values.index_copy_(0, slots[there], value[there].to(values.dtype))
    return _rotated(query, cos, sin)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x: [rows, heads, D]; cos, sin: [rows, R / 2], R <= D."""
    half = cos.shape[1]
    first, second, rest = x.float().split([half, half, x.shape[2] - 2 * half], dim=-1)
    c, s = cos.float()[:, None], sin.float()[:, None]
    return torch.cat([first * c - second * s, second * c + first * s, rest], dim=-1).to(x.dtype)
