"""Linear layers and activations whose rows do not depend on the other rows of the batch, bit for bit, on a CPU.

torch's own float32 product of one row differs in the last bits from the same row within a batch. oneDNN's does not,
from two rows on (measured: 2 to 777 rows, inner sizes 64 to 8192, 1 and 2 threads, packed and plain weights alike;
one row takes a matrix-vector kernel with another order of summation), so a single row is computed twice.
Elementwise functions have a vector and a scalar version that differ in the last bit; the scalar one computes what is
left at the end of a thread's share, so shares are kept to multiples of a vector.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import activations

log = logging.getLogger(__name__)

FIXED_TILE = 16  # rows of a product where oneDNN's is not row-invariant
# How torch shares an elementwise function between threads: from _SERIAL elements on, among all threads (gelu), or
# among one for each _GRAIN elements (the others; at::internal::GRAIN_SIZE).
_SERIAL = 16384
_GRAIN = 32768
_VECTOR = 32  # elements a loop takes at once: two AVX-512 registers of float32
_PACK_ROWS = 32  # the number of rows that oneDNN packs the weights for

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # rows, weight [out, in], bias


def make_row_invariant(model: nn.Module, dtype: torch.dtype) -> None:
    """Replaces the products and activations of a model on a CPU. Weights are packed in place of the originals; those
    that are used elsewhere too (a head tied to the embedding) stay as they are.

    float32: row-invariant, always. bfloat16: where the CPU has it, for its speed. Else the model stays as it is.
    """
    product = _product_for(model, dtype)
    if product is None:
        return
    shared = _shared_weights(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                pack = product is _onednn and id(child.weight) not in shared
                setattr(parent, name, RowInvariantLinear(child, product, pack))
            elif type(child) in _ACTIVATIONS:
                setattr(parent, name, RowInvariantActivation(child))
            elif _has_matrices(child):
                child.forward = _within(_RowInvariant(product), child.forward)


class RowInvariantLinear(nn.Module):
    """nn.Linear with another product. `weight` is dense, or packed by oneDNN."""

    def __init__(self, linear: nn.Linear, product: Product, pack: bool) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.bias = linear.bias
        self.weight = linear.weight.detach()
        self._product = product
        if pack:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, _PACK_ROWS)
            del linear.weight  # so that only one copy is alive when the next layer is packed

    def forward(self, x: Tensor) -> Tensor:
        rows = self._product(x.reshape(-1, self.in_features), self.weight, self.bias)
        return rows.view(*x.shape[:-1], self.out_features)


class RowInvariantActivation(nn.Module):
    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: Tensor) -> Tensor:
        return _elementwise(self._function, x)


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if len(x) == 1:
        return _onednn(x.expand(2, -1), weight, bias)[:1]
    if bias is not None:
        bias = bias.contiguous()  # strides of a bias are not read
    return torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")


def _fixed_tiles(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same product shape for any number of rows."""
    padded = F.pad(x, (0, 0, 0, -len(x) % FIXED_TILE))
    out = x.new_empty((len(padded), weight.shape[0]))
    for a in range(0, len(padded), FIXED_TILE):
        out[a : a + FIXED_TILE] = F.linear(padded[a : a + FIXED_TILE], weight, bias)
    return out[: len(x)]


def _product_for(model: nn.Module, dtype: torch.dtype) -> Product | None:
    """oneDNN's product if it is row-invariant for all shapes of this model on this machine."""
    available = torch.backends.mkldnn.is_available()
    if dtype == torch.bfloat16:
        return _onednn if available and torch.ops.mkldnn._is_mkldnn_bf16_supported() else None
    if dtype != torch.float32:
        return None
    if not available:
        return _fixed_tiles
    for shape in sorted({tuple(m.weight.shape) for m in model.modules() if type(m) is nn.Linear}):
        if not row_invariant(_onednn, *shape):
            log.warning("oneDNN's product of shape %s depends on the batch on this CPU: fixed tiles are used", shape)
            return _fixed_tiles
    return _onednn


def row_invariant(product: Product, out_features: int, in_features: int) -> bool:
    """Whether float32 rows have the same bits alone and in batches of several sizes, weights packed or not."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((40, in_features), generator=generator)
    weight = torch.randn((out_features, in_features), generator=generator)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, _PACK_ROWS) if product is _onednn else weight
    full = product(x, packed, None)
    if not torch.equal(full[:5], product(x[:5], weight, None)):
        return False
    return all(torch.equal(full[a:b], product(x[a:b], packed, None)) for a, b in ((0, 1), (7, 8), (3, 6), (20, 37)))


def _shared_weights(model: nn.Module) -> set[int]:
    """Ids of parameters that more than one module owns."""
    owners: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            owners[id(parameter)] = owners.get(id(parameter), 0) + 1
    return {key for key, count in owners.items() if count > 1}


def _has_matrices(module: nn.Module) -> bool:
    """Routers, experts and the like: modules with products of their own."""
    return not isinstance(module, nn.Embedding) and any(p.ndim >= 2 for p in module.parameters(recurse=False))


def _within(mode: TorchFunctionMode, forward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        with mode:
            return forward(*args, **kwargs)

    return run


class _RowInvariant(TorchFunctionMode):
    """Within it, products of rows with a matrix, and activations, are row-invariant."""

    def __init__(self, product: Product) -> None:
        super().__init__()
        self._product = product

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.linear:
            return self._linear(*args, **kwargs)
        if func in _MATMUL and args[1].ndim == 2:
            return self._linear(args[0], args[1].t())
        if func is torch.addmm and not kwargs:
            return self._linear(args[1], args[2].t(), args[0])
        if func in _ELEMENTWISE:
            x, *rest = args
            return _elementwise(lambda x: func(x, *rest, **kwargs), x)
        return func(*args, **kwargs)

    def _linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        with torch._C.DisableTorchFunction():
            rows = self._product(x.reshape(-1, x.shape[-1]), weight, bias)
            return rows.view(*x.shape[:-1], weight.shape[0])


def _elementwise(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """function(x) with every element in a vector of its thread's share."""
    size = x.numel()
    padded = _vector_multiple(size)
    if padded == size:
        return function(x.contiguous())
    flat = F.pad(x.reshape(-1), (0, padded - size))
    return function(flat)[:size].view(x.shape)


def _vector_multiple(size: int) -> int:
    """The next size that every way of sharing it between threads cuts into whole vectors."""
    while True:
        unit = _unit(size)
        padded = -(-size // unit) * unit
        if _unit(padded) == unit:
            return padded
        size = padded


def _unit(size: int) -> int:
    if size <= _SERIAL:
        return _VECTOR
    threads = torch.get_num_threads()
    return _VECTOR * math.lcm(threads, min(threads, -(-size // _GRAIN)))


_MATMUL = (torch.matmul, torch.mm, Tensor.matmul, Tensor.mm, Tensor.__matmul__)
_ELEMENTWISE = (F.silu, F.gelu, torch.sigmoid, Tensor.sigmoid, F.sigmoid)
_ACTIVATIONS = (
    nn.SiLU,
    nn.GELU,
    nn.Sigmoid,
    activations.SiLUActivation,
    activations.GELUActivation,
    activations.GELUTanh,
    activations.QuickGELUActivation,
)
