"""How Triton kernels are started."""

from __future__ import annotations

from typing import Any


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **constants: Any) -> None:
    """Starts a `triton.jit` function. constants: its constexpr arguments, and Triton's own options (num_warps,
    num_stages), which its type does not know."""
    kernel[grid](*arguments, **constants)
