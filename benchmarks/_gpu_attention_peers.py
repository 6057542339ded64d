"""torch's own attention on the work of `_gpu_attention`: every kernel of scaled_dot_product_attention, and flex_attention.

Theirs is the easier work: keys and values of a sequence lie side by side, [sequences, kv_heads, length, D], where ours are
anywhere. "gathered" is the same work as ours, the pages brought together in each call. In a decode step the heads of a
group are also given as rows of one product ("packed"), which torch does not do by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.bias import causal_lower_right
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from benchmarks._gpu_attention import Inputs, Work
from benchmarks._gpu_timing import Call

BACKENDS = {
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
}
"""On a CPU there is no such choice: there a name stands for torch's own."""

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""query [sequences, heads, count, D], keys and values [sequences, kv_heads, length, D] -> like query."""


def ways(work: Work, sets: Sequence[Inputs], *, flex: bool, gathered: bool) -> dict[str, list[Call]]:
    """Each way torch has, as calls on the sets of inputs, which answer [sequences, heads, count, D]."""
    dense = [_Dense(work, each) for each in sets]
    on_gpu = sets[0].query.is_cuda
    found: dict[str, list[Call]] = {}
    for name, backend in BACKENDS.items():
        attend = _sdpa(work, backend if on_gpu else None)
        found[f"sdpa {name}"] = [each.bound(attend) for each in dense]
        if work.count == 1:
            found[f"sdpa {name}, packed"] = [each.bound(_packed(work, attend)) for each in dense]
    if gathered:
        attend = _sdpa(work, None)
        found["sdpa, gathered"] = [_gathering(work, each, attend) for each in sets]
    if flex:
        attend = _flex(work, sets[0].query.device)
        found["flex_attention"] = [each.bound(attend) for each in dense]
    return found


def as_rows(work: Work, result: Tensor) -> Tensor:
    """[sequences, heads, count, D] -> [rows, heads, D], as ours."""
    return result.transpose(1, 2).reshape(work.rows, work.heads.heads, work.heads.dim)


class _Dense:
    """A set of inputs as torch takes them."""

    def __init__(self, work: Work, inputs: Inputs) -> None:
        self.query = _query(work, inputs).contiguous()
        self.keys, self.values = (_dense(inputs, pool).contiguous() for pool in (inputs.keys, inputs.values))

    def bound(self, attend: Attend) -> Call:
        return lambda: attend(self.query, self.keys, self.values)


def _query(work: Work, inputs: Inputs) -> Tensor:
    return inputs.query.view(work.sequences, work.count, work.heads.heads, work.heads.dim).transpose(1, 2)


def _pages(inputs: Inputs) -> Tensor:
    return torch.stack([torch.from_numpy(span.pages) for span in inputs.plan.spans]).to(inputs.keys.device)


def _dense(inputs: Inputs, pool: Tensor) -> Tensor:
    return pool[_pages(inputs)].transpose(1, 2)


def _gathering(work: Work, inputs: Inputs, attend: Attend) -> Call:
    pages, query = _pages(inputs).view(-1), _query(work, inputs)

    def gathered(pool: Tensor) -> Tensor:
        return pool.index_select(0, pages).view(work.sequences, work.length, *pool.shape[1:]).transpose(1, 2)

    return lambda: attend(query, gathered(inputs.keys), gathered(inputs.values))


def _sdpa(work: Work, backend: SDPBackend | None) -> Attend:
    mask: dict[str, Any] = {}
    if work.count > 1:
        mask = {"is_causal": True} if not work.start else {"attn_mask": causal_lower_right(work.count, work.length)}

    def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        if backend is None:
            return F.scaled_dot_product_attention(query, keys, values, enable_gqa=True, **mask)
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(query, keys, values, enable_gqa=True, **mask)

    return attend


def _packed(work: Work, attend: Attend) -> Attend:
    """The heads of a group as rows: they all see all keys, so no mask is needed."""
    shape = (work.sequences, work.heads.kv_heads, work.heads.heads // work.heads.kv_heads, work.heads.dim)

    def packed(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return attend(query.view(shape), keys, values).reshape(query.shape)

    return packed


def _flex(work: Work, device: torch.device) -> Attend:
    """Compiled, but on a CPU, where that takes minutes."""
    attend: Any = torch.compile(flex_attention, dynamic=False) if device.type == "cuda" else flex_attention
    mask = None
    if work.count > 1:
        start = work.start

        def causal(_batch: Tensor, _head: Tensor, row: Tensor, key: Tensor) -> Tensor:
            return key <= row + start

        mask = create_block_mask(causal, None, None, work.count, work.length, device=device)
    return lambda query, keys, values: attend(query, keys, values, block_mask=mask, enable_gqa=True)
