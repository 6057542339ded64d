"""Products on a CPU whose rows do not depend on the batch: torch's own, of one shape whatever there is to multiply."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

TILE = 16
"""Rows of a product."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """See `sglc.kernels.linear.linear`."""
    padded = F.pad(x, (0, 0, 0, -len(x) % TILE))
    out = x.new_empty((len(padded), weight.shape[0]))
    for a in range(0, len(padded), TILE):
        out[a : a + TILE] = F.linear(padded[a : a + TILE], weight, bias)
    return out[: len(x)]
