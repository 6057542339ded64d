"""Paged attention: its work on random pages, what that moves and computes, and the float64 reference of some of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.attention import paged_attention
from sglc.kernels.plan import Plan, Span

TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
"""Of a result, by the norm of the difference over the norm of the reference."""

CHECKED_ROWS = 48
"""Of a batch: its first and last ones, and some between."""


@dataclass(frozen=True, slots=True)
class Heads:
    heads: int
    kv_heads: int
    dim: int


LLAMA_8B = Heads(32, 8, 128)
LLAMA_1B = Heads(32, 8, 64)
TINY = Heads(4, 2, 16)


@dataclass(frozen=True, slots=True)
class Work:
    """Equal sequences that share nothing: each has `count` new rows, at positions start .. start + count - 1.

    run: pages that follow one another in memory; 1 is a page of its own for each token, anywhere.
    """

    name: str
    heads: Heads
    sequences: int
    start: int
    count: int
    run: int = 1

    @property
    def length(self) -> int:
        return self.start + self.count

    @property
    def rows(self) -> int:
        return self.sequences * self.count

    def moved(self, itemsize: int) -> int:
        """The fewest bytes: each key and value, each query read once, each result written once."""
        kv = 2 * self.sequences * self.length * self.heads.kv_heads
        return (kv + 2 * self.rows * self.heads.heads) * self.heads.dim * itemsize

    @property
    def flops(self) -> int:
        """Of the scores and of the weighted sum, for the keys that each row sees."""
        seen = self.sequences * (self.count * self.start + self.count * (self.count + 1) // 2)
        return 4 * seen * self.heads.heads * self.heads.dim


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """One batch. keys, values: the pool, which other sets of inputs share."""

    query: Tensor
    keys: Tensor
    values: Tensor
    plan: Plan
    scale: float

    def attend(self) -> Tensor:
        return paged_attention(self.query, self.keys, self.values, self.plan, scale=self.scale)

    def check(self) -> Tensor:
        """The result. Raises AssertionError where it is not attention, in some of its rows. Memory that is likely to become
        the result's holds no numbers before, so that what is not written is seen."""
        poison = torch.full_like(self.query, torch.nan)
        del poison
        result = self.attend()
        self.check_rows(result)
        return result

    def check_rows(self, result: Tensor) -> None:
        rows = sample(len(result), CHECKED_ROWS)
        assert_close(result[rows], self.reference(rows), result.dtype)

    def reference(self, rows: Sequence[int]) -> Tensor:
        """The textbook in float64, for some rows of the batch: [len(rows), heads, D]."""
        firsts = np.cumsum([0, *(span.count for span in self.plan.spans)])
        found: list[Tensor] = []
        for row in rows:
            number = int(np.searchsorted(firsts, row, side="right")) - 1
            span = self.plan.spans[number]
            seen = torch.from_numpy(span.pages[: span.start + row - int(firsts[number]) + 1]).to(self.keys.device)
            found.append(one_row(self.query[row], self.keys[seen], self.values[seen], self.scale))
        return torch.stack(found)


def one_row(query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """query [heads, D] over all of keys and values [n, kv_heads, D], in float64: [heads, D]."""
    grouped = query.double().view(keys.shape[1], -1, query.shape[1])
    scores = torch.einsum("kgd,nkd->kgn", grouped, keys.double()) * scale
    return torch.einsum("kgn,nkd->kgd", scores.softmax(dim=-1), values.double()).reshape(query.shape)


def assert_close(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    error = ((found.double() - expected).norm() / expected.norm()).item()
    if not error <= TOLERANCE[dtype]:  # also for what is no number
        raise AssertionError(f"a result is off by {error:.2g} of its norm, {TOLERANCE[dtype]:g} are allowed")


def inputs_of(work: Work, copies: int, device: torch.device, dtype: torch.dtype, seed: int = 0) -> list[Inputs]:
    """Sets of inputs whose pages are apart, in one pool that they fill."""
    pages = permutation(copies * work.sequences * work.length, work.run, seed)
    per_set = pages.reshape(copies, work.sequences, work.length)
    keys, values, queries = tensors(work.heads, pages.size, copies * work.rows, device, dtype, seed)
    return [
        Inputs(
            queries[number * work.rows : (number + 1) * work.rows],
            keys,
            values,
            Plan([Span(work.start, work.count, own) for own in per_set[number]], device),
            work.heads.dim**-0.5,
        )
        for number in range(copies)
    ]


def tensors(
    heads: Heads, pages: int, rows: int, device: torch.device, dtype: torch.dtype, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """A pool's keys and values, [pages, kv_heads, D], and queries [rows, heads, D], of random numbers."""
    generator = torch.Generator(device).manual_seed(seed)

    def normal(count: int, many: int) -> Tensor:
        return torch.randn((count, many, heads.dim), generator=generator, device=device, dtype=dtype)

    return normal(pages, heads.kv_heads), normal(pages, heads.kv_heads), normal(rows, heads.heads)


def permutation(size: int, run: int = 1, seed: int = 0) -> NDArray[np.int64]:
    """All pages in random order, `run` at a time in a row."""
    if size % run:
        raise ValueError(f"{size} pages are no whole number of runs of {run}")
    firsts = np.random.default_rng(seed).permutation(size // run) * run
    return (firsts[:, None] + np.arange(run)).reshape(-1)


def sample(size: int, count: int) -> list[int]:
    """Some of `size` numbers in ascending order, the first and the last among them."""
    if size <= count:
        return list(range(size))
    between = np.random.default_rng(0).choice(np.arange(1, size - 1), count - 2, replace=False)
    return [0, *map(int, sorted(between)), size - 1]
