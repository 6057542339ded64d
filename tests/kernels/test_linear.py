"""Products whose rows do not depend on the batch: against float64, and each row bit for bit against itself alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sglc.kernels import linear_torch

pytest.importorskip("triton")

from sglc.kernels import linear_triton

GPU = torch.cuda.is_available()
DTYPES = [torch.float32, torch.float16, *([torch.bfloat16] if GPU else [])]
ERROR = {torch.float32: 1e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3}
SHAPES = [(1, 64, 64), (3, 70, 129), (64, 128, 5), (65, 1, 66), (150, 200, 130), (600, 8, 70)]
"""Rows, inner size, columns."""


@pytest.mark.parametrize("kernel", [linear_torch, linear_triton], ids=["torch", "triton"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows_are_right_and_do_not_depend_on_the_batch(
    shape: tuple[int, int, int], dtype: torch.dtype, kernel: Any
) -> None:
    rows, size, columns = shape
    device = "cuda" if GPU and kernel is linear_triton else "cpu"
    generator = torch.Generator().manual_seed(0)
    wide, weight, bias = (
        torch.randn(s, generator=generator).to(device, dtype) for s in ((rows, size + 3), (columns, size), (columns,))
    )
    x = wide[:, :size]
    for more in (None, bias):
        found = kernel.linear(x, weight, more)
        expected = x.double() @ weight.double().T + (0 if more is None else more.double())
        assert found.dtype == dtype
        assert (found.double() - expected).norm() <= ERROR[dtype] * expected.norm()
        turned = kernel.linear(x, weight.T.contiguous().T, more)  # as some experts lie
        assert (turned.double() - expected).norm() <= ERROR[dtype] * expected.norm()
        for a, b in {(0, 1), (rows // 2, rows), (rows - 1, rows)}:
            assert torch.equal(kernel.linear(x[a:b], weight, more), found[a:b])


def test_no_rows() -> None:
    x = torch.empty((0, 8), device="cuda" if GPU else "cpu")
    assert linear_triton.linear(x, torch.ones((5, 8), device=x.device)).shape == (0, 5)
