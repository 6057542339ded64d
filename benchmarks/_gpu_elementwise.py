"""The small kernels: norm with the residual, rotary embedding with the store of keys and values, and the activation.

With 64 rows, as in a decode step, what they read was just written, so they are timed on one set of inputs, warm; with
4,096 rows, as in a prefill, on sets that do not fit the L2. torch's best is its own compiler on our specification.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks._gpu_stage import Stage
from benchmarks._gpu_timing import copies, race
from sglc.kernels import elementwise

EPS = 1e-5

Inputs = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """make: the inputs of some rows. ours, plain, reference: of these inputs; the reference in float64. Where a kernel
    writes into its inputs, it answers those too. moved: the fewest bytes."""

    make: Callable[[int, torch.device, torch.dtype], Inputs]
    ours: Callable[..., tuple[Tensor, ...]]
    plain: Callable[..., tuple[Tensor, ...]]
    reference: Callable[..., tuple[Tensor, ...]]
    moved: Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    kernel: Kernel
    rows: int
    warm: bool


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of Llama 8B; pages: of the pool that keys are stored to, so many for each row."""

    hidden: int = 4096
    intermediate: int = 14336
    heads: int = 32
    kv_heads: int = 8
    dim: int = 128
    pages: int = 2


DRY = Sizes(24, 40, 4, 2, 16)


def cases(stage: Stage) -> list[Case]:
    sizes = stage.pick(Sizes(), DRY)
    kernels = {"rms_norm + residual": norm(sizes), "rotary + store": rotary(sizes), "silu_and_mul": silu(sizes)}
    return [
        Case(f"{name}, {rows} rows", kernel, stage.pick(rows, rows // 16), rows == 64)
        for name, kernel in kernels.items()
        for rows in (64, 4096)
    ]


def measure(stage: Stage, case: Case) -> None:
    kernel = case.kernel
    moved = kernel.moved(case.rows, stage.dtype.itemsize)
    count = 1 if case.warm else copies(moved, stage.l2)
    sets = [kernel.make(case.rows, stage.device, stage.dtype) for _ in range(count)]
    check(kernel, sets[0])
    compiled: Any = kernel.plain if stage.dry else torch.compile(kernel.plain, dynamic=False)
    ways = {
        "sglc": [lambda each=each: kernel.ours(*each) for each in sets],
        "torch compiled": [lambda each=each: compiled(*each) for each in sets],
        "torch": [lambda each=each: kernel.plain(*each) for each in sets],
    }
    times = race(stage.device, ways)
    share = stage.of_copy(moved, times["sglc"].seconds)
    stage.raced(case.name, times, figure=(moved, "GB/s", 1e9), share=share)


def check(kernel: Kernel, inputs: Inputs) -> None:
    """Raises AssertionError where a result is further from float64 than a rounding or two of its dtype."""
    expected = kernel.reference(*(x.double() if x.is_floating_point() else x for x in inputs))
    for found, wanted in zip(kernel.ours(*inputs), expected, strict=True):
        error = ((found.double() - wanted).norm() / wanted.norm()).item()
        allowed = 2 * torch.finfo(found.dtype).eps
        if not error <= allowed:
            raise AssertionError(f"a result is off by {error:.2g} of its norm, {allowed:.2g} are allowed")


def norm(sizes: Sizes) -> Kernel:
    """x, weight, residual -> (normed, sum)."""
    size = sizes.hidden

    def plain(x: Tensor, weight: Tensor, residual: Tensor) -> tuple[Tensor, ...]:
        total = x + residual
        return F.rms_norm(total, (size,), weight, EPS), total

    def reference(x: Tensor, weight: Tensor, residual: Tensor) -> tuple[Tensor, ...]:
        total = x + residual
        return total * torch.rsqrt(total.square().mean(-1, keepdim=True) + EPS) * weight, total

    return Kernel(
        make=lambda rows, device, dtype: (
            _normal((rows, size), device, dtype),
            _normal((size,), device, dtype),
            _normal((rows, size), device, dtype),
        ),
        ours=lambda x, weight, residual: elementwise.rms_norm(x, weight, EPS, residual),
        plain=plain,
        reference=reference,
        moved=lambda rows, itemsize: (4 * rows * size + size) * itemsize,
    )


def silu(sizes: Sizes) -> Kernel:
    """gate, up: the halves of one product -> (gate * sigmoid(gate) * up,)."""
    size = sizes.intermediate

    def make(rows: int, device: torch.device, dtype: torch.dtype) -> Inputs:
        return _normal((rows, 2 * size), device, dtype).split(size, dim=-1)

    return Kernel(
        make=make,
        ours=lambda gate, up: (elementwise.silu_and_mul(gate, up),),
        plain=lambda gate, up: (F.silu(gate) * up,),
        reference=lambda gate, up: (gate * gate.sigmoid() * up,),
        moved=lambda rows, itemsize: 3 * rows * size * itemsize,
    )


def rotary(sizes: Sizes) -> Kernel:
    """query, key, value, cos, sin, keys, values, slots -> (rotated query, stored keys, stored values)."""
    heads, kv_heads, dim = sizes.heads, sizes.kv_heads, sizes.dim

    def make(rows: int, device: torch.device, dtype: torch.dtype) -> Inputs:
        product = _normal((rows, (heads + 2 * kv_heads) * dim), device, dtype)  # as one product gives them
        query, key, value = product.view(rows, -1, dim).split([heads, kv_heads, kv_heads], dim=1)
        angle = _normal((rows, dim // 2), device, torch.float32)
        pool = [torch.zeros((sizes.pages * rows, kv_heads, dim), dtype=dtype, device=device) for _ in range(2)]
        slots = torch.randperm(sizes.pages * rows, device=device)[:rows]
        return query, key, value, angle.cos(), angle.sin(), *pool, slots

    def ours(*x: Tensor) -> tuple[Tensor, ...]:
        return elementwise.rotate_and_store(*x), x[5], x[6]

    def plain(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        cos: Tensor,
        sin: Tensor,
        keys: Tensor,
        values: Tensor,
        slots: Tensor,
    ) -> tuple[Tensor, ...]:
        def turned(x: Tensor) -> Tensor:
            first, second = x.to(cos.dtype).chunk(2, dim=-1)
            c, s = cos[:, None], sin[:, None]
            return torch.cat([first * c - second * s, second * c + first * s], dim=-1).to(x.dtype)

        keys.index_copy_(0, slots, turned(key))
        values.index_copy_(0, slots, value)
        return turned(query), keys, values

    def moved(rows: int, itemsize: int) -> int:
        one = (heads + 2 * kv_heads) * dim
        return rows * (2 * one * itemsize + dim * 4 + 8)  # read and written; cos and sin in float32; the slot

    return Kernel(make=make, ours=ours, plain=plain, reference=plain, moved=moved)


def _normal(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, device=device, dtype=dtype)
