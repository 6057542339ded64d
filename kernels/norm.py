"""What a root-mean-square norm is, as the kernels take it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """x / sqrt(mean(x^2) + eps) * (weight + offset).

    weight: [size]. offset: 0, or 1 for Gemma's kind. rounded: to the dtype of x before the weight, as in Llama's kind.
    """

    weight: Tensor
    eps: float
    offset: float = 0.0
    rounded: bool = True
