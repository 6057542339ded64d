"""Decoder layers of transformers' models in few kernels: one product for queries, keys and values, one for gate and up; norms
with the residual; rotation with the store.

A layer is recognised by its parts and by what they compute, not by its class. Whether the whole still computes what it
did is the probe's to say (`probe.py`); `Fused.undo` takes everything back. Between two layers the states are in two parts that
are yet to be added, so that the sum is one with the next norm: the second part is `Paged.residual`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from sglc.kernels.elementwise import rms_norm, silu_and_mul
from sglc.kernels.elementwise_torch import normed
from sglc.kernels.norm import Norm
from sglc.runtime.engine.attention import LayerCall, Paged, Shapes, Turn

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # rows [n, in], weight [out, in], bias

_LAYER = {
    "self_attn",
    "mlp",
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
    "resid_attn_dropout",
    "resid_mlp_dropout",
}
_ATTENTION = ({"q_proj", "k_proj", "v_proj", "o_proj"}, {"qkv_proj", "o_proj"})
_NORMS = {"q_norm", "k_norm"}
_NORM_ERROR = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}


@dataclass(frozen=True, slots=True)
class Fused:
    """What was fused. attention, mlps: in how many of the layers, beside their norms."""

    layers: tuple[nn.Module, ...]
    attention: int
    mlps: int

    def undo(self) -> None:
        for layer in self.layers:
            del layer.forward


def fuse(network: PreTrainedModel, product: Product = F.linear) -> Fused | None:
    """Fuses the decoder layers, where all are recognised; None, and nothing is changed, where one is not. product: of rows with
    a weight, and the bias."""
    body: Any = network.base_model
    modules = list(getattr(body, "layers", ()))
    seen = _seen(network, modules, product)
    layers = [_layer(module, seen, last=module is modules[-1]) for module in modules]
    if not layers or not all(layers):
        return None
    for module, layer in zip(modules, layers, strict=True):
        module.forward = layer
    found = [layer for layer in layers if layer is not None]
    attention = sum(isinstance(layer.attention, _Attention) for layer in found)
    return Fused(tuple(modules), attention, sum(isinstance(layer.mlp, _Mlp) for layer in found))


@dataclass(slots=True)
class _Seen:
    """What each attention module was called with, and what is to multiply. angles: (cos, sin), [1, rows, R] or [1, rows, R / 2]."""

    calls: dict[nn.Module, LayerCall]
    product: Product
    angles: dict[nn.Module, tuple[Tensor, Tensor]] = field(default_factory=dict)


def _seen(network: PreTrainedModel, layers: Iterable[nn.Module], product: Product) -> _Seen:
    """By a run of two tokens, at positions whose angles tell the ways of turning apart."""
    shapes = Shapes()
    seen = _Seen(shapes.calls, product)

    def note(module: nn.Module, _: Any, arguments: dict[str, Any]) -> None:
        if angles := arguments.get("position_embeddings"):
            seen.angles[module] = angles

    attention = [module for layer in layers if (module := getattr(layer, "self_attn", None)) is not None]
    hooks = [module.register_forward_pre_hook(note, with_kwargs=True) for module in attention]
    ids = torch.arange(2, device=network.device)
    try:
        body: Any = network.base_model
        body(input_ids=ids[None], position_ids=ids[None] + 3, use_cache=False, sglc=shapes)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


@dataclass(slots=True)
class _Layer:
    """A decoder layer. norms: before attention, after it, before the MLP, after it. attention, mlp: ours, or the module."""

    norms: tuple[Norm | None, Norm | None, Norm | None, Norm | None]
    attention: _Attention | nn.Module
    mlp: _Mlp | nn.Module
    last: bool

    def __call__(self, hidden_states: Tensor, *_: Any, sglc: Paged, **arguments: Any) -> Tensor:
        """[1, rows, hidden], to which `sglc.residual` is to be added -> the same."""
        before, after, between, end = self.norms
        x, total = _added(hidden_states[0], sglc.residual, before)
        x = self._attend(x, sglc, arguments)
        if after is not None:
            x, _sum = _norm(x, after)
        x, total = _added(x, total, between)
        x = self.mlp(x) if isinstance(self.mlp, _Mlp) else _first(self.mlp(x[None]))[0]
        if end is not None:
            x, _sum = _norm(x, end)
        sglc.residual = None if self.last else total
        return (x + total if self.last else x)[None]

    def _attend(self, x: Tensor, paged: Paged, arguments: dict[str, Any]) -> Tensor:
        if isinstance(self.attention, _Attention):
            return self.attention(x, paged, *arguments["position_embeddings"])
        return _first(self.attention(hidden_states=x[None], sglc=paged, **arguments))[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Product:
    """weight: [out, in]. bias: [out]."""

    weight: Tensor
    bias: Tensor | None
    product: Product

    def __call__(self, x: Tensor) -> Tensor:
        return self.product(x, self.weight, self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class _Attention:
    """call: what the module was called with, for its scale, window and the like. pairs: of the values of a head that are
    turned."""

    project: _Product
    out: _Product
    call: LayerCall
    norms: tuple[Norm, Norm] | None
    pairs: int

    def __call__(self, x: Tensor, paged: Paged, cos: Tensor, sin: Tensor) -> Tensor:
        _, heads, dim = self.call.query.shape
        _, kv_heads, value_dim = self.call.value.shape
        query, key, value = self.project(x).split([heads * dim, kv_heads * dim, kv_heads * value_dim], dim=-1)
        attended = paged.turned(
            query.unflatten(1, (heads, dim)),
            key.unflatten(1, (kv_heads, dim)),
            value.unflatten(1, (kv_heads, value_dim)),
            self.call,
            Turn(cos[0, :, : self.pairs], sin[0, :, : self.pairs], self.norms),
        )
        return self.out(attended.flatten(1))


@dataclass(frozen=True, slots=True, eq=False)
class _Mlp:
    both: _Product
    down: _Product
    activation: nn.Module

    def __call__(self, x: Tensor) -> Tensor:
        gate, up = self.both(x).chunk(2, dim=-1)
        return self.down(silu_and_mul(gate, up) if _is_silu(self.activation) else self.activation(gate) * up)


def _added(x: Tensor, residual: Tensor | None, norm: Norm | None) -> tuple[Tensor, Tensor]:
    """(the sum, normed; the sum)."""
    if norm is not None:
        return _norm(x, norm, residual)
    total = x if residual is None else x + residual
    return total, total


def _norm(x: Tensor, norm: Norm, residual: Tensor | None = None) -> tuple[Tensor, Tensor]:
    return rms_norm(x, norm.weight, norm.eps, residual, offset=norm.offset, rounded=norm.rounded)


def _first(result: Any) -> Tensor:
    return result[0] if isinstance(result, tuple) else result


def _layer(module: nn.Module, seen: _Seen, *, last: bool) -> _Layer | None:
    parts = dict(module.named_children())
    if not {"self_attn", "mlp"} <= parts.keys() <= _LAYER or list(module.parameters(recurse=False)):
        return None
    norms = {name: _recognised_norm(part) for name, part in parts.items() if name.endswith("layernorm")}
    if not norms or None in norms.values():
        return None
    around = (
        "post_feedforward_layernorm" in norms
    )  # Gemma's and OLMo's names; elsewhere "post attention" is before the MLP
    after, between = norms.get("post_attention_layernorm"), norms.get("pre_feedforward_layernorm")
    if not around:
        after, between = None, after
    return _Layer(
        (norms.get("input_layernorm"), after, between, norms.get("post_feedforward_layernorm")),
        _attention(parts["self_attn"], seen) or parts["self_attn"],
        _mlp(parts["mlp"], seen.product) or parts["mlp"],
        last,
    )


def _attention(module: nn.Module, seen: _Seen) -> _Attention | None:
    parts: dict[str, Any] = dict(module.named_children())
    call, angles = seen.calls.get(module), seen.angles.get(module)
    products = parts.keys() - _NORMS
    if products not in _ATTENTION or call is None or angles is None:
        return None
    dim = call.query.shape[2]
    given = [_recognised_norm(parts[name]) for name in ("q_norm", "k_norm") if name in parts]
    norms = tuple(norm for norm in given if norm is not None and norm.weight.numel() == dim)
    pairs = _pairs(angles, dim)
    project = _joined(
        [parts[name] for name in ("q_proj", "k_proj", "v_proj", "qkv_proj") if name in parts], seen.product
    )
    out = _joined([parts["o_proj"]], seen.product)
    if project is None or out is None or pairs is None or len(norms) != len(given) or len(norms) not in (0, 2):
        return None
    if norms and (norms[0].eps, norms[0].offset, norms[0].rounded) != (norms[1].eps, norms[1].offset, norms[1].rounded):
        return None
    return _Attention(project, out, call, (norms[0], norms[1]) if norms else None, pairs)


def _mlp(module: nn.Module, product: Product) -> _Mlp | None:
    parts: dict[str, Any] = dict(module.named_children())
    activation = parts.pop("act_fn", None) or parts.pop("activation_fn", None)
    if parts.keys() not in ({"gate_proj", "up_proj", "down_proj"}, {"gate_up_proj", "down_proj"}) or activation is None:
        return None
    both = _joined([parts[name] for name in ("gate_proj", "up_proj", "gate_up_proj") if name in parts], product)
    down = _joined([parts["down_proj"]], product)
    return None if both is None or down is None else _Mlp(both, down, activation)


def _recognised_norm(module: nn.Module) -> Norm | None:
    """The kind that gives what the module gives, if it is a root-mean-square norm."""
    weight = getattr(module, "weight", None)
    eps = getattr(module, "variance_epsilon", None) or getattr(module, "eps", None)
    if not isinstance(weight, Tensor) or weight.ndim != 1 or not eps or len(list(module.parameters())) != 1:
        return None
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((3, len(weight)), generator=generator).to(weight.device, weight.dtype)
    expected = module(x)
    if expected.dtype != weight.dtype or expected.shape != x.shape:
        return None
    kinds = [
        Norm(weight.data, float(eps), offset, rounded) for offset, rounded in ((0.0, True), (0.0, False), (1.0, False))
    ]
    errors = [(normed(x, kind).double() - expected.double()).norm().item() for kind in kinds]
    best = errors.index(min(errors))
    return kinds[best] if errors[best] <= _NORM_ERROR[weight.dtype] * expected.double().norm().item() else None


def _pairs(angles: tuple[Tensor, Tensor], dim: int) -> int | None:
    """How many pairs of values of a head are turned. The angles come twice, one half after the other, or once."""
    width = angles[0].shape[-1]
    if all(torch.equal(x[..., : width // 2], x[..., width // 2 :]) for x in angles) and width % 2 == 0:
        return width // 2
    return width if 2 * width == dim else None


def _joined(linears: list[Any], product: Product) -> _Product | None:
    """One product for several of the same rows. The modules' weights become parts of its weight."""
    if any(type(linear) is not nn.Linear for linear in linears) or len({linear.bias is None for linear in linears}) > 1:
        return None
    if len(linears) == 1:
        return _Product(linears[0].weight.data, None if linears[0].bias is None else linears[0].bias.data, product)
    sizes = [linear.out_features for linear in linears]
    weight = torch.cat([linear.weight.data for linear in linears])
    for linear, part in zip(linears, weight.split(sizes), strict=True):
        linear.weight.data = part
    bias = None if linears[0].bias is None else torch.cat([linear.bias.data for linear in linears])
    return _Product(weight, bias, product)


def _is_silu(activation: Callable[[Tensor], Tensor]) -> bool:
    return isinstance(activation, nn.SiLU) or type(activation).__name__ == "SiLUActivation"
