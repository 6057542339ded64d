"""The small kernels: torch's against float64, Triton's against torch's. On a CPU Triton's run in its interpreter."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from sglc.kernels import elementwise_torch
from sglc.kernels.norm import Norm

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DTYPES = [torch.float32, torch.float16, *([torch.bfloat16] if DEVICE.type == "cuda" else [])]


@pytest.fixture(params=["torch", "triton"])
def kernels(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "torch":
        return elementwise_torch
    pytest.importorskip("triton")
    from sglc.kernels import elementwise_triton

    return elementwise_triton


@pytest.fixture
def random() -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(shape, generator=generator).to(DEVICE)


def close(found: Tensor, expected: Tensor) -> bool:
    """In units of the last place of the found one's kind, over the whole."""
    return bool((found.double() - expected).norm() <= torch.finfo(found.dtype).eps * expected.norm())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [1, 100, 768])
@pytest.mark.parametrize(("offset", "rounded"), [(0.0, None), (1.0, None), (0.0, False)])
def test_rms_norm(
    kernels: Any, random: Callable[..., Tensor], dtype: torch.dtype, size: int, offset: float, rounded: bool | None
) -> None:
    x, residual, weight = random(3, size).to(dtype), random(3, size).to(dtype), random(size).to(dtype)
    normed, total = kernels.rms_norm(x, weight, 1e-6, residual, offset=offset, rounded=rounded)
    assert torch.equal(total, (x.float() + residual.float()).to(dtype))
    wide = total.double()
    expected = wide / (wide.square().mean(-1, keepdim=True) + 1e-6).sqrt() * (weight.double() + offset)
    assert close(normed, expected)
    alone, _ = kernels.rms_norm(total[1:2], weight, 1e-6, offset=offset, rounded=rounded)
    assert torch.equal(alone, normed[1:2])  # whatever the batch, and whether the sum was fused


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [1, 100, 3000])
def test_silu_and_mul(kernels: Any, random: Callable[..., Tensor], dtype: torch.dtype, size: int) -> None:
    both = random(3, 2 * size).to(dtype)  # as one product gives them: neither is contiguous
    gate, up = both.split(size, dim=-1)
    expected = gate.double() * gate.double().sigmoid() * up.double()
    assert close(kernels.silu_and_mul(gate, up), expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("norm", [None, {}, {"offset": 1.0, "rounded": False}], ids=["plain", "normed", "gemma"])
@pytest.mark.parametrize(
    ("heads", "kv_heads", "dim", "value_dim", "turned"),
    [(8, 2, 64, 64, 64), (3, 3, 80, 80, 32), (7, 1, 16, 24, 16), (6, 2, 96, 96, 96)],
)
def test_rotate_and_store(
    kernels: Any,
    random: Callable[..., Tensor],
    dtype: torch.dtype,
    heads: int,
    kv_heads: int,
    dim: int,
    value_dim: int,
    turned: int,
    norm: dict[str, Any] | None,
) -> None:
    rows, slots = 5, torch.tensor([3, 9, -1, 0, 7], device=DEVICE)
    query, key = random(heads, rows, dim).to(dtype).transpose(0, 1), random(rows, kv_heads, dim).to(dtype)
    value = random(rows, kv_heads, value_dim).to(dtype)
    angle = random(rows, turned // 2)
    keys, values = (torch.full((10, kv_heads, d), 7.0, dtype=dtype, device=DEVICE) for d in (dim, value_dim))
    norms = (
        None if norm is None else (Norm(random(dim).to(dtype), 1e-6, **norm), Norm(random(dim).to(dtype), 1e-6, **norm))
    )
    found = kernels.rotate_and_store(query, key, value, angle.cos(), angle.sin(), keys, values, slots, norms)
    if norms is not None:  # as the norm alone gives them
        query, key = elementwise_torch.normed(query, norms[0]), elementwise_torch.normed(key, norms[1])

    def expected(x: Tensor) -> Tensor:
        pair = torch.complex(x[..., : turned // 2].double(), x[..., turned // 2 : turned].double())
        pair = pair * torch.polar(torch.ones_like(angle, dtype=torch.float64), angle.double())[:, None]
        return torch.cat([pair.real, pair.imag, x[..., turned:].double()], dim=-1)

    assert close(found, expected(query))
    there = [0, 1, 3, 4]
    assert close(keys[slots[there]], expected(key)[there])
    assert torch.equal(values[slots[there]], value[there])
    untouched = [page for page in range(10) if page not in slots.tolist()]
    assert (keys[untouched] == 7).all()
    assert (values[untouched] == 7).all()
