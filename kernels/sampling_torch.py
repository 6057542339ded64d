"""Sampling on a CPU: the specification of the draws of `sampling.py`, a row at a time, in whole numbers but for the weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import isnan

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.choices import NOT_A_NUMBER, NOTHING_ALLOWED, OK, ONE, Choice, Draw, Edits, draw_of, number

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def sample(logits: Tensor, choices: Sequence[Choice], masks: Tensor | None, edits: Edits | None, block: int) -> Tensor:
    """See `sglc.kernels.sampling.sample`."""
    plain = logits.float()
    x = _allowed(plain, choices, masks, edits)
    wide = x.numpy()
    best = wide.argmax(
        axis=-1
    )  # the lowest of equal ones; what is no number counts as the largest; faster than torch's
    tops = wide[np.arange(len(choices)), best].tolist()
    out = np.zeros((3, len(choices)), dtype=np.int32)
    out[0] = best
    logprobs = out[1].view(np.float32)
    logprobs[:] = np.nan
    for i, choice in enumerate(choices):
        if isnan(tops[i]):
            out[2, i] = NOT_A_NUMBER
        elif tops[i] == -np.inf:
            out[2, i] = NOTHING_ALLOWED
        else:
            out[2, i] = OK
            if tops[i] < np.inf and (how := draw_of(choice)) is not None:
                out[0, i] = _draw(wide[i], how, block)
            if choice.score:
                logprobs[i] = float(plain[i].double().log_softmax(dim=-1)[out[0, i]])
    return torch.from_numpy(out)


def _allowed(plain: Tensor, choices: Sequence[Choice], masks: Tensor | None, edits: Edits | None) -> Tensor:
    """The logits with edits, and minus infinity where nothing is allowed; `plain` itself where that changes nothing. A row
    keeps some logit that is no number, if it has any."""
    masked = [i for i, choice in enumerate(choices) if choice.mask >= 0] if masks is not None else []
    if not masked and edits is None:
        return plain
    x = plain.clone()
    if edits is not None:
        of_edits = {choice.bias: i for i, choice in enumerate(choices)}
        where = torch.tensor([of_edits[number] for number in range(edits.count)])[edits.rows], edits.ids
        forbidden = (edits.values == -torch.inf) & ~x[where].isnan()
        x[where] = (x[where] + edits.values).masked_fill_(forbidden, -torch.inf)
    if masks is not None and masked:
        words = masks[[choices[i].mask for i in masked]].numpy().astype("<i4", copy=False)
        bits = np.unpackbits(~words.view(np.uint8), axis=1, bitorder="little")
        width = min(bits.shape[1], x.shape[1])
        for i, forbidden in zip(masked, torch.from_numpy(bits).view(torch.bool), strict=True):
            if not isnan(x[i].amax()):
                x[i, :width].masked_fill_(forbidden[:width], -torch.inf)
                x[i, width:] = -torch.inf
    return x


def _draw(x: Floats, how: Draw, block: int) -> int:
    """x: the allowed logits of a row, the largest of them finite."""
    starts = _multiples(block, len(x))
    tops = np.maximum.reduceat(x, starts)
    shares = _weights(tops, tops.max(), how.scale, 62) if len(tops) > 1 else None
    ids = _all(len(x))  # the candidates, in ascending order
    if 0 < how.top_k < len(x):
        ids = _before(x, ids, *_last_place(x, how.top_k))
    least = tops.max() + np.float32(how.least)
    if how.top_p < 0 and how.least > -np.inf:
        ids = ids[x[ids] >= least]
    weights = _weights(x[ids], tops if shares is None else tops[ids // block], how.scale, ONE)
    masses = _masses(ids, weights, starts, shares)
    most = max(1, sum(masses) * how.top_p >> 63)
    if how.top_p >= 0 and how.least > -np.inf:
        inside = x[ids] >= least
        ids, weights = ids[inside], weights[inside]
        masses = _masses(ids, weights, starts, shares)
    attempt = 0
    while True:
        chosen = _found(masses, number(how.key, attempt))
        first, last = np.searchsorted(ids, (chosen * block, (chosen + 1) * block))
        id_ = int(ids[first + _found(weights[first:last], number(how.key, attempt + 1))])
        if how.top_p < 0:
            return id_
        before = _before(x, ids, x[id_], id_)
        weights = weights[np.searchsorted(ids, before)]
        ids, masses = before, _masses(before, weights, starts, shares)
        if sum(masses) < most:
            return id_
        attempt += 2


def _last_place(x: Floats, count: int) -> tuple[np.float32, int]:
    """The first `count` ids in the order, or all that are possible, come before this place of it."""
    value = np.partition(x, len(x) - count)[len(x) - count]
    if value == -np.inf:
        return value, 0
    ties = count - int((x > value).sum())
    return value, int(np.flatnonzero(x == value)[ties - 1]) + 1


def _before(x: Floats, ids: Ints, value: np.float32, id_: int) -> Ints:
    """Those of the ids that come before a place in the order: larger logits first, of equal ones the lowest ids."""
    own = x[ids]
    return ids[(own > value) | ((own == value) & (ids < id_))]


def _masses(ids: Ints, weights: Ints, starts: Ints, shares: Ints | None) -> list[int]:
    """Of each block's candidates. 2**ONE is the mass of the likeliest id of the how."""
    if shares is None:
        return [int(weights.sum())]
    ends = [*np.searchsorted(ids, starts), len(ids)]
    sums = [int(weights[a:b].sum()) for a, b in pairwise(ends)]
    return [mass * share >> 62 for mass, share in zip(sums, shares.tolist(), strict=True)]


def _found(weights: Sequence[int] | Ints, bits: int) -> int:
    """The place that a number of 64 bits falls on."""
    cumulative = np.cumsum(weights)
    return int(np.searchsorted(cumulative, bits * int(cumulative[-1]) >> 64, side="right"))


def _weights(x: Floats, top: Floats | np.float32, scale: float, one: int) -> Ints:
    """2**one for a logit of `top`, which is the largest. Where that is minus infinity, so are all, and weigh nothing."""
    x = (x - np.where(top == -np.inf, np.float32(0), top)) * np.float32(scale)
    return torch.exp2(torch.from_numpy(x)).mul_(2.0**one).long().numpy()


@lru_cache(maxsize=8)
def _all(size: int) -> Ints:
    return np.arange(size)


@lru_cache(maxsize=8)
def _multiples(block: int, size: int) -> Ints:
    return np.arange(0, size, block)
