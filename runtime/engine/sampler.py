"""From logits to ids and log probabilities. Each row is treated alone, in float64: nothing depends on the batch.

A draw takes one uniform number from a counter-based hash of (seed, position) and inverts the distribution over the kept
ids in descending order of probability, so the same request draws the same ids in any batch, after any preemption.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.ir.errors import RunError
from sglc.runtime.bitmask import (
    allocate_token_bitmask,
    apply_token_bitmask_inplace,
    fill_next_token_bitmask,
)
from sglc.runtime.engine.device import Draw
from sglc.runtime.engine.request import Score
from sglc.runtime.mask_table import MaskTable

Floats = NDArray[np.float64]


def draw(logits: Tensor, draws: Sequence[Draw], masks: MaskTable | None = None) -> list[int | Exception]:
    """One id a row, or the error that this row alone ended with. logits: [rows, ids that may be drawn], any float.
    masks: for the constraints' masks, on the device of the logits and of their width."""
    drawn: list[int | Exception] = [0] * len(draws)
    masked = [i for i, d in enumerate(draws) if d.constraint is not None]
    if masked:
        logits = _masked(logits, draws, masked, masks)
    plain = [i for i, d in enumerate(draws) if _is_plain(d)]
    if plain:
        rows = logits if len(plain) == len(draws) else logits[plain]
        best = rows.argmax(dim=-1, keepdim=True)  # the lowest id of equal ones; NaN counts as the largest
        values = rows.gather(-1, best).float().squeeze(-1).tolist()
        for i, id_, value in zip(plain, best.squeeze(-1).tolist(), values, strict=True):
            drawn[i] = id_ if value > -np.inf else failure(value)
    for i in set(range(len(draws))) - set(plain):
        drawn[i] = _draw_one(logits[i], draws[i])
    return drawn


def scores(logits: Tensor, ids: Sequence[int], top: int = 0) -> list[Score]:
    """The log probabilities of ids in one place, each with those of the `top` likeliest ids there. logits: [ids], any
    float. An id outside of the row is impossible."""
    x = logits.float().cpu().numpy().astype(np.float64)
    x -= x.max()
    x -= np.log(np.exp(x).sum())
    best = tuple((int(i), float(x[i])) for i in _likeliest(x, top)[:top]) if top else ()
    return [Score(id_, float(x[id_]) if id_ < len(x) else -np.inf, best) for id_ in ids]


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1) that depends on (seed, position) alone: two rounds of splitmix64 (Steele, Lea and Flood, 2014)."""
    return (_mix(_mix(seed & _MASK) ^ (position & _MASK)) >> 11) * 2.0**-53


def _masked(logits: Tensor, draws: Sequence[Draw], masked: list[int], masks: MaskTable | None) -> Tensor:
    """The logits with ids that the constraints do not allow at minus infinity; what is no number stays so, and a row that
    has any such logit keeps it where it is seen."""
    index = torch.tensor(masked, device=logits.device)
    rows = logits.index_select(0, index)
    broken = rows.isnan().any(dim=-1, keepdim=True)
    bitmask = allocate_token_bitmask(len(masked), logits.shape[1], logits.device if masks is not None else "cpu")
    constraints, states = [draws[i].constraint for i in masked], [draws[i].state for i in masked]
    fill_next_token_bitmask(bitmask, constraints, states, masks)
    apply_token_bitmask_inplace(rows, bitmask.to(rows.device))
    return logits.index_copy(0, index, rows.masked_fill_(broken, torch.nan))


def _draw_one(logits: Tensor, d: Draw) -> int | Exception:
    x = logits.float().cpu().numpy().astype(np.float64)
    if np.isnan(x).any():
        return failure(np.nan)
    if d.frequency_penalty or d.presence_penalty:
        _penalise(x, d)
    x[[i for i in d.forbidden if i < len(x)]] = -np.inf
    best = int(x.argmax())
    if x[best] == -np.inf:
        return failure(-np.inf)
    if d.temperature == 0 or x[best] == np.inf:
        return best
    return _sample(x, d)


def _sample(x: Floats, d: Draw) -> int:
    """Looks at the likeliest ids alone where they decide the draw: sorting a whole vocabulary takes milliseconds."""
    u = uniform(d.seed, d.position)
    limit = d.top_k if 0 < d.top_k < len(x) else len(x)
    with np.errstate(under="ignore"):
        weights = np.exp((x - x.max()) / d.temperature)
    total = weights.sum() if limit == len(x) else weights[_likeliest(x, limit)].sum()
    for count in (*(n for n in _FEW if n < limit), limit):
        order = _likeliest(x, count)
        p = weights[order] / total
        cumulative = np.cumsum(p)
        kept = min(len(p), 1 + int((cumulative < d.top_p).sum())) if d.top_p < 1 else len(p)  # as few as reach top_p
        kept = min(kept, int((p >= max(d.min_p * p[0], _TINY)).sum()))
        filtered = d.top_p < 1 or d.min_p > 0
        if count == limit or (kept < count if filtered else cumulative[-1] > u):
            break
    target = u * cumulative[kept - 1] if filtered else u
    rank = int(np.searchsorted(cumulative[:kept], target, side="right"))
    return int(order[min(rank, kept - 1)])


def _likeliest(x: Floats, count: int) -> NDArray[np.int64]:
    """The ids of the largest values, in descending order; of equal values the lowest ids, in ascending order."""
    if count >= len(x):
        return np.argsort(-x, kind="stable")
    least = np.partition(x, len(x) - count)[len(x) - count]
    ids = np.flatnonzero(x >= least)
    return ids[np.argsort(-x[ids], kind="stable")][:count]


def _penalise(x: Floats, d: Draw) -> None:
    ids, counts = np.unique(np.asarray(d.history, dtype=np.int64), return_counts=True)
    inside = ids < len(x)
    ids, counts = ids[inside], counts[inside]
    x[ids] -= d.frequency_penalty * counts + d.presence_penalty


def _is_plain(d: Draw) -> bool:
    return d.temperature == 0 and not d.forbidden and not d.frequency_penalty and not d.presence_penalty


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


def _mix(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


_MASK = (1 << 64) - 1
_FEW = (1024, 16384)
_TINY = 5e-324  # the smallest positive float64: an impossible id is never kept
