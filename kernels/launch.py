"""How Triton kernels are started, how what they need is sent to the device, and what they answer back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> None:
    """Starts a `triton.jit` function. constants: its constexpr arguments, and Triton's own options (num_warps,
    num_stages), which its type does not know."""
    kernel[grid](*arguments, **constants)


def uploaded(x: Tensor, device: torch.device) -> Tensor:
    """x, a tensor on the CPU, on the device, without waiting for it: to a GPU it goes through pinned memory, in the order of
    the current stream."""
    return x.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else x.to(device)


def downloaded(x: Tensor) -> Tensor:
    """x on the CPU, on its way: from a GPU into pinned memory, in the order of the current stream."""
    if not x.is_cuda:
        return x
    host = torch.empty(x.shape, dtype=x.dtype, pin_memory=True)
    return host.copy_(x, non_blocking=True)
