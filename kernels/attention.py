"""The door to paged attention: one function; what runs behind it is chosen by the device of its arguments."""

from __future__ import annotations

import torch
from torch import Tensor

from sglc.kernels import attention_torch
from sglc.kernels import plan as plans
from sglc.kernels.plan import WorkList
from sglc.kernels.work import Cut


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
    """Causal attention of a ragged batch over a paged KV pool.

    query:   [rows, heads, D], any strides; keys: [pages, kv_heads, D]; values: [pages, kv_heads, Dv]. The rows' own keys
             and values are in the pool already.
    scale:   factor of the scores. softcap: scores become softcap * tanh(scores / softcap).
    window:  a row sees that many positions, its own included; None for all before it.
    sinks:   [heads] a score that takes part in the softmax and has no value.

    Returns [rows, heads, Dv] in the dtype of `query`; sums are in float32.
    """
    if not query.is_cuda:
        kernel = attention_torch.paged_attention
    else:
        from sglc.kernels import attention_triton

        kernel = attention_triton.paged_attention
    return kernel(query, keys, values, plan, scale=scale, window=window, softcap=softcap, sinks=sinks)


def cut_for(device: torch.device, heads: int, kv_heads: int, dim: int, window: int | None) -> Cut:
    """How the short spans of a batch are cut for a layer. dim: the larger of D and Dv."""
    group = heads // kv_heads
    if device.type != "cuda":
        return Cut(window, attention_torch.tile_of(group)[1], plans.CHUNK)
    from sglc.kernels import attention_triton

    return attention_triton.cut_for(group, dim, window)


def height_for(device: torch.device, heads: int, kv_heads: int, dim: int) -> int | None:
    """Rows of the tiles of long spans; None where they are not cut into such."""
    if device.type != "cuda":
        return None
    from sglc.kernels import attention_triton

    return attention_triton.height_for(heads // kv_heads, dim)
