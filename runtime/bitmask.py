"""Masks of a batch as packed bits, with the names and the layout that other constraint engines have.

A bitmask is int32 [batch, ceil(size / 32)]: id t is allowed where bit t % 32 of word t // 32 is set. It is made once and
filled anew before each step; the states are values, so that a fork shares one and a roll-back takes an earlier one.
With a table (`mask_table.py`) that is one gather, on whatever device the table is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sglc.ir.tokens import TokenConstraint
from sglc.runtime.mask_table import MaskTable

_CPU = torch.device("cpu")


def allocate_token_bitmask(batch: int, size: int, device: torch.device | str = "cpu") -> Tensor:
    """A bitmask that allows everything. size: ids of the vocabulary."""
    return torch.full((batch, -(-size // 32)), -1, dtype=torch.int32, device=device)


def fill_next_token_bitmask(
    bitmask: Tensor,
    constraints: Sequence[TokenConstraint | None],
    states: Sequence[Any],
    table: MaskTable | None = None,
) -> None:
    """Row i becomes the mask of constraint i in its state; without a constraint it allows everything.

    bitmask: int32 [len(constraints), words], contiguous. Words beyond a constraint's vocabulary allow nothing. table: of
    as many words, on the bitmask's device; without one, each mask is copied, and the bitmask must be on the CPU.
    Raises ValueError for another shape, type or device.
    """
    if len(constraints) != len(states) or bitmask.ndim != 2 or len(bitmask) != len(constraints):
        raise ValueError(
            f"a bitmask {tuple(bitmask.shape)} for {len(constraints)} constraints in {len(states)} states: "
            "give one row, one constraint and one state for each request"
        )
    if bitmask.dtype != torch.int32 or bitmask.device != (_CPU if table is None else table.device):
        raise ValueError(
            f"a bitmask of {bitmask.dtype} on {bitmask.device} cannot be filled: make it with allocate_token_bitmask,"
            " on the device of the table; without a table, on the CPU"
        )
    if table is None:
        _copy(bitmask, constraints, states)
    elif table.words == bitmask.shape[1]:
        table.fill(bitmask, constraints, states)
    else:
        raise ValueError(
            f"a bitmask of {bitmask.shape[1]} words a row cannot be filled from a table of {table.words}:"
            " make both for one size of the vocabulary"
        )


def _copy(bitmask: Tensor, constraints: Sequence[TokenConstraint | None], states: Sequence[Any]) -> None:
    rows = bitmask.numpy()
    for row, constraint, state in zip(rows, constraints, states, strict=True):
        if constraint is None:
            row[:] = -1
        else:
            mask = constraint.row(state)[: len(row)]
            row[: len(mask)] = mask
            row[len(mask) :] = 0


def apply_token_bitmask_inplace(logits: Tensor, bitmask: Tensor, indices: Sequence[int] | Tensor | None = None) -> None:
    """Ids that are not allowed, and columns beyond the mask, become minus infinity.

    logits: [batch, columns] of any float type. bitmask: int32 [batch, words] on the same device. indices: the rows to
    mask, each by its own row of the bitmask; None for all. Raises ValueError where that does not fit.
    """
    if logits.ndim != 2 or bitmask.ndim != 2 or len(logits) != len(bitmask):
        raise ValueError(
            f"a bitmask {tuple(bitmask.shape)} does not fit logits {tuple(logits.shape)}: give one row for each row"
        )
    if bitmask.dtype != torch.int32 or bitmask.device != logits.device or not logits.is_floating_point():
        raise ValueError(
            f"a bitmask of {bitmask.dtype} on {bitmask.device} cannot mask logits of {logits.dtype} on {logits.device}:"
            " give int32 and floats on one device"
        )
    if indices is not None:
        index = torch.as_tensor(indices, dtype=torch.int64, device=logits.device)
        some = logits.index_select(0, index)
        apply_token_bitmask_inplace(some, bitmask.index_select(0, index))
        logits.index_copy_(0, index, some)
        return
    forbidden = _forbidden(bitmask)
    columns = min(logits.shape[1], forbidden.shape[1])
    logits[:, :columns].masked_fill_(forbidden[:, :columns], -torch.inf)
    logits[:, columns:] = -torch.inf


def _forbidden(bitmask: Tensor) -> Tensor:
    """bool [batch, 32 * words]: the bits that are not set."""
    if bitmask.device.type == "cpu":  # a third of the time that the operations below take there
        words = (~bitmask).contiguous().numpy().astype("<i4", copy=False)
        return torch.from_numpy(np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")).view(torch.bool)
    return (bitmask.unsqueeze(-1) & _bits(bitmask.device)).eq(0).flatten(1)


@lru_cache(maxsize=8)
def _bits(device: torch.device) -> Tensor:
    """int32 [32]: bit i alone. Kept, so that masking copies nothing from the host."""
    return torch.tensor([1 << bit for bit in range(31)] + [-(1 << 31)], dtype=torch.int32, device=device)
