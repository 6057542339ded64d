"""Activations that give an element the same bits wherever it lies, on a CPU.

torch has a vector and a scalar version of them, which differ in the last bit. The scalar one computes what is left at
the end of each thread's share: here every share is a multiple of a vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import activations

FUNCTIONS = (F.silu, F.gelu, torch.sigmoid, Tensor.sigmoid, F.sigmoid)
ACTIVATIONS = (
    nn.SiLU,
    nn.GELU,
    nn.Sigmoid,
    activations.SiLUActivation,
    activations.GELUActivation,
    activations.GELUTanh,
    activations.QuickGELUActivation,
)

# How torch shares an elementwise function between threads: from _SERIAL elements on, among all threads (gelu), or
# among one for each _GRAIN elements (the others; at::internal::GRAIN_SIZE).
_SERIAL = 16384
_GRAIN = 32768
_VECTOR = 32  # elements a loop takes at once: two AVX-512 registers of float32


class RowInvariantActivation(nn.Module):
    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: Tensor) -> Tensor:
        return apply(self._function, x)


def apply(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
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
