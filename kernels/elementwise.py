"""The door to the small kernels: what runs behind it is chosen by the device of the arguments."""

from __future__ import annotations

from types import ModuleType

from torch import Tensor

from sglc.kernels import elementwise_torch
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
    """x + residual, and that divided by its root mean square and multiplied by weight + offset.

    x, residual: [rows, size], the last stride 1; weight: [size]. Returns (normed, sum), both [rows, size] in the dtype of x;
    what is normalised is the rounded sum. offset, rounded: as in `Norm`; None: Llama's kind without an offset, else Gemma's.
    """
    return _behind(x).rms_norm(x, weight, eps, residual, offset=offset, rounded=rounded)


def silu_and_mul(gate: Tensor, up: Tensor) -> Tensor:
    """gate * sigmoid(gate) * up; [rows, size] with a last stride of 1, in the dtype of gate."""
    return _behind(gate).silu_and_mul(gate, up)


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
    """The rotated query; the rotated key and the value are written to the KV pool.

    query: [rows, heads, D], key: [rows, kv_heads, D], value: [rows, kv_heads, Dv], the last stride 1. cos, sin: [rows, R / 2]:
    the two halves of the first R values of a head are turned (Su et al., arXiv 2104.09864), the others stay.
    keys: [pages, kv_heads, D], values: [pages, kv_heads, Dv]. slots: [rows] the page of each row; -1: none.
    norms: of the query's heads and of the key's, before they are turned; equal but for their weights, [D].
    """
    return _behind(query).rotate_and_store(query, key, value, cos, sin, keys, values, slots, norms)


def _behind(x: Tensor) -> ModuleType:
    if not x.is_cuda:
        return elementwise_torch
    from sglc.kernels import elementwise_triton

    return elementwise_triton
