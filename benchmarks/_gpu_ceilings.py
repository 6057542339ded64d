"""The two limits of this device, measured in the same run: a copy within its memory, and a large product in bfloat16."""

from __future__ import annotations

import torch

from benchmarks._gpu_stage import Stage, rate
from benchmarks._gpu_timing import race

COPY = 4 << 30
"""Bytes: far more than any cache."""
SIDE = 8192
"""Of the matrices. Random numbers: products of zeros take less power, and run faster."""


def measure(stage: Stage) -> None:
    with stage.trying("device copy"):
        _copy(stage)
    with stage.trying("matrix product"):
        _product(stage)


def _copy(stage: Stage) -> None:
    source = torch.randint(0, 255, (stage.pick(COPY, 1 << 12),), dtype=torch.uint8, device=stage.device)
    target = torch.empty_like(source)
    time = race(stage.device, {"copy": [lambda: target.copy_(source)]})["copy"]
    moved = 2 * source.nbytes
    stage.copy = rate(moved, time.seconds)
    stage.row(
        "device copy",
        figure=rate(moved, time.seconds, 1e9),
        unit="GB/s",
        seconds=time.seconds,
        spread=time.spread,
        note="bytes read and bytes written",
    )


def _product(stage: Stage) -> None:
    side = stage.pick(SIDE, 64)
    a, b = (torch.randn((side, side), device=stage.device, dtype=stage.dtype) for _ in range(2))
    out = torch.empty_like(a)
    time = race(stage.device, {"product": [lambda: torch.mm(a, b, out=out)]})["product"]
    flops = 2 * side**3
    stage.flops = rate(flops, time.seconds)
    stage.row(
        "matrix product",
        figure=rate(flops, time.seconds, 1e12),
        unit="TFLOP/s",
        seconds=time.seconds,
        spread=time.spread,
        note=f"{side} x {side} x {side}, {str(stage.dtype).removeprefix('torch.')}",
    )
