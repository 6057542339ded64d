"""transformers' attention replaced by ours: paged, over a ragged batch in one row.

A model hands keyword arguments that it does not know down to its attention function. `sglc` is one: an `Attention`, which
says what happens in the layers of this forward pass. Nothing is kept in modules or globals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from sglc.kernels.attention import paged_attention
from sglc.kernels.elementwise import rotate_and_store
from sglc.kernels.norm import Norm
from sglc.kernels.plan import WorkList

NAME = "sglc"


@dataclass(frozen=True, slots=True)
class LayerShape:
    """The shape of a layer's KV, its heads of queries, and its window (None: it sees everything before)."""

    heads: int
    kv_heads: int
    key_dim: int
    value_dim: int
    window: int | None


@dataclass(frozen=True, slots=True)
class LayerCall:
    """What a model hands to its attention in one layer. query: [rows, heads, D]; key, value: [rows, kv_heads, D]."""

    query: Tensor
    key: Tensor
    value: Tensor
    scale: float
    window: int | None
    softcap: float | None
    sinks: Tensor | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What is still to be done to the queries and keys of a call: norms of their heads, and the angles of their positions.

    cos, sin: [rows, R / 2], as `rotate_and_store` takes them."""

    cos: Tensor
    sin: Tensor
    norms: tuple[Norm, Norm] | None


class Attention(Protocol):
    """What happens in the layers of one forward pass."""

    def layer(self, call: LayerCall, module: nn.Module) -> Tensor: ...


@dataclass(slots=True)
class Shapes:
    """Notes the shape of every layer, and what it was called with; the values go through unchanged (only shapes are wanted)."""

    layers: list[LayerShape] = field(default_factory=list)
    calls: dict[nn.Module, LayerCall] = field(default_factory=dict)

    def layer(self, call: LayerCall, module: nn.Module) -> Tensor:
        _, kv_heads, value_dim = call.value.shape
        heads = call.query.shape[1]
        self.layers.append(LayerShape(heads, kv_heads, call.key.shape[2], value_dim, call.window))
        self.calls[module] = call
        return call.value.repeat_interleave(heads // kv_heads, dim=1)


@dataclass(slots=True)
class Paged:
    """Attention over the KV pool: one (keys, values) pair of tensors a layer, in the order of the calls.

    residual: what fused layers have yet to add to the states that they hand on (`fused.py`).
    """

    plan: WorkList
    pool: Sequence[tuple[Tensor, Tensor]]
    residual: Tensor | None = None
    calls: int = 0

    def layer(self, call: LayerCall, module: nn.Module) -> Tensor:
        keys, values = self._next()
        keys.index_copy_(0, self.plan.slots, call.key.to(keys.dtype))
        values.index_copy_(0, self.plan.slots, call.value.to(values.dtype))
        return self._attended(call.query, keys, values, call)

    def turned(self, query: Tensor, key: Tensor, value: Tensor, call: LayerCall, turn: Turn) -> Tensor:
        """As `layer`, of queries and keys that are not turned yet; `call` says the rest."""
        keys, values = self._next()
        slots = self.plan.slots
        query = rotate_and_store(query, key, value, turn.cos, turn.sin, keys, values, slots, turn.norms)
        return self._attended(query, keys, values, call)

    def _next(self) -> tuple[Tensor, Tensor]:
        self.calls += 1
        return self.pool[self.calls - 1]

    def _attended(self, query: Tensor, keys: Tensor, values: Tensor, call: LayerCall) -> Tensor:
        return paged_attention(
            query,
            keys,
            values,
            self.plan,
            scale=call.scale,
            window=call.window,
            softcap=call.softcap,
            sinks=call.sinks,
        )


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    *,
    sglc: Attention | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """transformers' attention signature: query [1, heads, rows, D] -> ([1, rows, heads, Dv], weights)."""
    if sglc is None:
        raise TypeError("keyword arguments are not handed down to the attention function")
    call = LayerCall(
        query=query[0].transpose(0, 1),
        key=key[0].transpose(0, 1),
        value=value[0].transpose(0, 1),
        scale=query.shape[-1] ** -0.5 if scaling is None else float(scaling),
        window=sliding_window,
        softcap=softcap,
        sinks=s_aux,
    )
    return sglc.layer(call, module).unsqueeze(0), None


def _no_mask(*_: Any, **__: Any) -> None:
    return None


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, _no_mask)
