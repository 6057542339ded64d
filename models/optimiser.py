"""Muon for the matrices, Adam for the rest.

Muon (Jordan et al. 2024): the momentum of a matrix is made nearly orthogonal by a few Newton-Schulz steps before it is
applied, so that all its directions are learnt at the same pace. Adam (Kingma and Ba 2015) for the embedding and the
norms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Rates:
    """Learning rates at their height, and what decays the matrices."""

    matrix: float = 0.015
    embedding: float = 0.002
    norm: float = 0.002
    decay: float = 0.1


MOMENTUM = 0.95
BETAS = (0.9, 0.98)
TINY = 1e-10


class Optimiser:
    """state: tensors by names such as "momentum/model.layers.0.mlp.up_proj.weight", to be kept with the weights."""

    def __init__(self, network: nn.Module, rates: Rates) -> None:
        self._parameters = dict(network.named_parameters())
        self._rates = rates
        self.state: dict[str, Tensor] = {}
        for name, weight in self._parameters.items():
            for kind in ("momentum",) if is_matrix(name, weight) else ("mean", "square"):
                self.state[f"{kind}/{name}"] = torch.zeros_like(weight)

    def load(self, state: Mapping[str, Tensor]) -> None:
        for name, tensor in self.state.items():
            tensor.copy_(state[name])

    @torch.no_grad()
    def step(self, number: int, scale: float) -> None:
        """One step, the `number`-th from 0, with the rates times `scale`. Takes the gradients away."""
        for name, weight in self._parameters.items():
            if weight.grad is None:
                continue
            if is_matrix(name, weight):
                rate = self._rates.matrix * scale
                momentum = self.state[f"momentum/{name}"].lerp_(weight.grad, 1 - MOMENTUM)
                update = orthogonal(weight.grad.lerp(momentum, MOMENTUM))
                weight.mul_(1 - rate * self._rates.decay)
                weight.add_(update, alpha=-rate * max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5)
            else:
                rate = (self._rates.embedding if weight.ndim == 2 else self._rates.norm) * scale
                mean = self.state[f"mean/{name}"].lerp_(weight.grad, 1 - BETAS[0])
                square = self.state[f"square/{name}"].lerp_(weight.grad.square(), 1 - BETAS[1])
                unbiased = (square / (1 - BETAS[1] ** (number + 1))).sqrt_()
                weight.addcdiv_(mean, unbiased + TINY, value=-rate / (1 - BETAS[0] ** (number + 1)))
            weight.grad = None


def is_matrix(name: str, weight: Tensor) -> bool:
    return weight.ndim == 2 and "embed" not in name


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """Near the orthogonal matrix of the same directions: singular values from about 0.7 to 1.2."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    turned = x.shape[0] > x.shape[1]
    x = x.T if turned else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if turned else x
