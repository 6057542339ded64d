"""From logits to ids and log probabilities. What a draw means is in `kernels/sampling.py`: it depends on its row, its seed
and its position alone, so the same request draws the same ids in any batch, after any preemption.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.ir.errors import RunError
from sglc.kernels import sampling
from sglc.kernels.choices import NOT_A_NUMBER, OK, Choice, Edits
from sglc.kernels.launch import uploaded
from sglc.runtime.bitmask import allocate_token_bitmask, fill_next_token_bitmask
from sglc.runtime.engine.device import Draw
from sglc.runtime.engine.request import Score
from sglc.runtime.mask_table import MaskTable

Floats = NDArray[np.float64]


class Drawn(NamedTuple):
    """id: or the error that its row alone ended with. logprob: of the id, where the draw asks for it and a GPU has drawn it:
    in float32; None elsewhere, where `scores` gives it."""

    id: int | Exception
    logprob: float | None = None


def draw(logits: Tensor, draws: Sequence[Draw], masks: MaskTable | None = None) -> list[Drawn]:
    """One a row. logits: [rows, ids that may be drawn], any float. masks: for the constraints' masks, on the device of the
    logits and of their width. Waits for the device once, for all rows."""
    return read(start(logits, draws, masks), draws)


def start(logits: Tensor, draws: Sequence[Draw], masks: MaskTable | None = None) -> Tensor:
    """What `read` reads, on its way: int32 [3, rows], of which the first row are the ids. Waits for nothing."""
    table, mask_of = _masks(draws, logits, masks)
    edits, bias_of = _edits(draws, logits)
    choices = [
        Choice(d.temperature, d.top_k, d.top_p, d.min_p, d.seed, d.position, mask, bias, d.score and logits.is_cuda)
        for d, mask, bias in zip(draws, mask_of, bias_of, strict=True)
    ]
    return sampling.sample(logits, choices, table, edits)


def read(sampled: Tensor, draws: Sequence[Draw]) -> list[Drawn]:
    """sampled: what `start` gave, or a copy of it on the host."""
    return [
        Drawn(failure(np.nan if status == NOT_A_NUMBER else -np.inf))
        if status != OK
        else Drawn(id_, logprob if d.score and not isnan(logprob) else None)
        for (id_, logprob, status), d in zip(sampling.read(sampled), draws, strict=True)
    ]


def scores(logits: Tensor, ids: Sequence[int], top: int = 0) -> list[Score]:
    """The log probabilities of ids in one place, each with those of the `top` likeliest ids there. logits: [ids], any
    float. An id outside of the row is impossible."""
    x = logits.float().cpu().numpy().astype(np.float64)
    x -= x.max()
    x -= np.log(np.exp(x).sum())
    best = tuple((int(i), float(x[i])) for i in _likeliest(x, top)[:top]) if top else ()
    return [Score(id_, float(x[id_]) if id_ < len(x) else -np.inf, best) for id_ in ids]


def _masks(draws: Sequence[Draw], logits: Tensor, masks: MaskTable | None) -> tuple[Tensor | None, list[int]]:
    """Packed masks on the device of the logits, and which of them is each draw's; -1 for none."""
    constraints, states = [d.constraint for d in draws], [d.state for d in draws]
    if all(c is None for c in constraints):
        return None, [-1] * len(draws)
    if masks is not None and (numbers := masks.numbers(constraints, states)) is not None:
        return masks.rows, numbers
    bitmask = allocate_token_bitmask(len(draws), logits.shape[1], "cpu" if masks is None else masks.device)
    fill_next_token_bitmask(bitmask, constraints, states, masks)
    bitmask = bitmask if masks is not None else uploaded(bitmask, logits.device)
    return bitmask, [-1 if c is None else i for i, c in enumerate(constraints)]


def _edits(draws: Sequence[Draw], logits: Tensor) -> tuple[Edits | None, list[int]]:
    """What penalties and forbidden ids add to the logits, and the number of each draw among those that have such; -1 for none."""
    numbers = [-1] * len(draws)
    found: list[tuple[NDArray[np.int64], Floats]] = []
    for i, d in enumerate(draws):
        if d.forbidden or d.frequency_penalty or d.presence_penalty:
            numbers[i] = len(found)
            found.append(_edits_of(d, logits.shape[1]))
    if not found:
        return None, numbers
    rows = np.repeat(np.arange(len(found)), [len(ids) for ids, _ in found])
    ids, values = np.concatenate([ids for ids, _ in found]), np.concatenate([values for _, values in found])
    sent = [uploaded(torch.from_numpy(x), logits.device) for x in (rows, ids, values.astype(np.float32))]
    return Edits(len(found), *sent), numbers


def _edits_of(d: Draw, size: int) -> tuple[NDArray[np.int64], Floats]:
    """Ids below `size`, each once, and what is added to their logits."""
    ids, values = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    if d.frequency_penalty or d.presence_penalty:
        ids, counts = np.unique(np.asarray(d.history, dtype=np.int64), return_counts=True)
        values = -(np.float64(d.frequency_penalty) * counts + d.presence_penalty)
    if d.forbidden:
        forbidden = np.fromiter(d.forbidden, dtype=np.int64)
        others = np.isin(ids, forbidden, invert=True) if len(ids) else slice(0)
        ids = np.concatenate([ids[others], forbidden])
        values = np.concatenate([values[others], np.full(len(forbidden), -np.inf)])
    return ids[ids < size], values[ids < size]


def _likeliest(x: Floats, count: int) -> NDArray[np.int64]:
    """The ids of the largest values, in descending order; of equal values the lowest ids, in ascending order."""
    if count >= len(x):
        return np.argsort(-x, kind="stable")
    least = np.partition(x, len(x) - count)[len(x) - count]
    ids = np.flatnonzero(x >= least)
    return ids[np.argsort(-x[ids], kind="stable")][:count]


def failure(value: float) -> RunError:
    """What is wrong where the largest logit, or a log probability, is NaN or minus infinity."""
    if np.isnan(value):
        return RunError(
            "the model computed logits that are not numbers (NaN)",
            hint="the weights are damaged or overflow in this dtype; try dtype float32",
        )
    return RunError(
        "no token is allowed here: the constraint and the forbidden end tokens leave nothing to draw",
        hint="lower min_tokens, or let the constraint match longer text",
    )
