"""The door to paged attention: one function; what runs behind it is chosen by the device of its arguments."""

from __future__ import annotations

from torch import Tensor

from sglc.kernels import attention_torch
from sglc.kernels.plan import Plan


def paged_attention(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    plan: Plan,
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
