"""Products of rows with weights that do not depend on the other rows of the batch, bit for bit.

On a GPU that is a kernel of ours (`sglc.kernels.linear`), for who asks for it. All else is about a CPU.

torch's own float32 product of one row differs in the last bits from the same row within a batch. oneDNN's does not,
from two rows on (measured: 2 to 777 rows, inner sizes 64 to 8192, 1 and 2 threads, packed and plain weights alike;
one row takes a matrix-vector kernel with another order of summation), so a single row is computed twice. Every shape
is checked when it is first met; on a machine where it fails, products have one fixed number of rows (the kernel's of a CPU).
"""

from __future__ import annotations

import ctypes
import functools
import logging
import mmap
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sglc.kernels.linear import linear as invariant
from sglc.runtime.engine import elementwise

log = logging.getLogger(__name__)

_PACK_ROWS = 32  # the number of rows that oneDNN packs the weights for

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # rows [n, in], weight [out, in], bias


def make_exact(model: nn.Module) -> None:
    """Replaces the products of a model on a GPU by ours, whose rows do not depend on the batch in any dtype."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, RowInvariantLinear(child, child.weight, invariant))
            elif _matrices(child):
                child.forward = _within(_RowInvariant(invariant), child.forward)


def make_row_invariant(model: nn.Module) -> None:
    """Replaces the products and activations of a model on a CPU. Weights are packed in place of the originals; those
    that are used elsewhere too (a head tied to the embedding) stay as they are.

    float32: row-invariant, always. bfloat16: oneDNN's product where the CPU has it, for its speed. float16: left alone.
    """
    shared = _shared_weights(model)
    verdicts: dict[tuple[int, ...], bool] = {}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, _replaced(child, child.weight.data_ptr() not in shared, verdicts))
            elif type(child) in elementwise.ACTIVATIONS:
                setattr(parent, name, elementwise.RowInvariantActivation(child))
            elif matrices := _matrices(child):
                trusted = all(_onednn_takes(m) and _trusted(m, m, verdicts) for m in matrices)
                mode = _RowInvariant(_onednn if trusted else invariant)
                child.forward = _within(mode, child.forward)


class RowInvariantLinear(nn.Module):
    """nn.Linear with another product. weight: dense, or packed by oneDNN."""

    def __init__(self, linear: nn.Linear, weight: Tensor, product: Product) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.bias = linear.bias
        self.weight = weight
        self._product = product

    def forward(self, x: Tensor) -> Tensor:
        rows = self._product(x.reshape(-1, self.in_features), self.weight, self.bias)
        return rows.view(*x.shape[:-1], self.out_features)


def row_invariant(product: Product, weight: Tensor, in_features: int) -> bool:
    """Whether rows have the same bits alone and in batches of several sizes."""
    x = torch.randn((40, in_features), generator=torch.Generator().manual_seed(0))
    full = product(x, weight, None)
    return all(torch.equal(full[a:b], product(x[a:b], weight, None)) for a, b in ((0, 1), (7, 8), (3, 6), (20, 37)))


def _replaced(linear: nn.Linear, pack: bool, verdicts: dict[tuple[int, ...], bool]) -> nn.Module:
    weight = linear.weight.detach()
    if not _onednn_takes(weight):
        return RowInvariantLinear(linear, weight, invariant) if weight.dtype == torch.float32 else linear
    ready = torch.ops.mkldnn._reorder_linear_weight(weight, _PACK_ROWS) if pack else weight
    if not _trusted(weight, ready, verdicts):
        return RowInvariantLinear(linear, weight, invariant)
    if pack:
        _give_back(weight)
    return RowInvariantLinear(linear, ready, _onednn)


def _trusted(weight: Tensor, ready: Tensor, verdicts: dict[tuple[int, ...], bool]) -> bool:
    """Whether oneDNN's product with weights of this shape is row-invariant. Nothing is promised but in float32."""
    if weight.dtype != torch.float32:
        return True
    shape = tuple(weight.shape)
    if shape not in verdicts:
        verdicts[shape] = row_invariant(_onednn, ready, weight.shape[1])
        if not verdicts[shape]:
            log.warning("oneDNN's product of shape %s depends on the batch on this CPU: fixed tiles are used", shape)
    return verdicts[shape]


def _onednn_takes(weight: Tensor) -> bool:
    if not torch.backends.mkldnn.is_available():
        return False
    if weight.dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return weight.dtype == torch.float32


def _give_back(dead: Tensor) -> None:
    """Returns the memory of a tensor that nobody will read again, before its storage is freed: weights are views of a
    mapped file, which stays mapped, and resident, as long as any other weight of it lives."""
    page = mmap.PAGESIZE
    first = -(-dead.data_ptr() // page) * page
    size = (dead.data_ptr() + dead.nbytes) // page * page - first
    if size > 0 and dead.is_contiguous():
        ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if len(x) == 1:
        return _onednn(x.expand(2, -1), weight, bias)[:1]
    if bias is not None:
        bias = bias.contiguous()  # strides of a bias are not read
    return torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")


def _shared_weights(model: nn.Module) -> set[int]:
    """Addresses of the data of parameters that more than one module owns."""
    owners = Counter(p.data_ptr() for m in model.modules() for p in m.parameters(recurse=False))
    return {address for address, count in owners.items() if count > 1}


def _matrices(module: nn.Module) -> list[Tensor]:
    """Weights that a module multiplies with by itself, as routers and experts do; one of each stack."""
    if isinstance(module, nn.Embedding):
        return []
    weights = [p.detach() for p in module.parameters(recurse=False) if p.ndim >= 2]
    return [w.flatten(0, -3)[0] if w.ndim > 2 else w for w in weights]


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
        if func in elementwise.FUNCTIONS:
            x, *rest = args
            return elementwise.apply(lambda x: func(x, *rest, **kwargs), x)
        return func(*args, **kwargs)

    def _linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        with torch._C.DisableTorchFunction():
            rows = self._product(x.reshape(-1, x.shape[-1]), weight, bias)
            return rows.view(*x.shape[:-1], weight.shape[0])


_MATMUL = (torch.matmul, torch.mm, Tensor.matmul, Tensor.mm, Tensor.__matmul__)
