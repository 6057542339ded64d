"""Branches of a fork: their shared prefix read once for all of them, against decode attention that reads it for each.

Both read the same pages but for one in `OWN` positions, which each branch of the plain work has a copy of: so no chunk is
shared, and no kernel that looks for shared chunks finds one, while the prefix comes from the L2 as it would if nobody
looked. The results are equal, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from benchmarks._gpu_attention import LLAMA_8B, TINY, Heads, Inputs, permutation, tensors
from benchmarks._gpu_stage import Stage
from benchmarks._gpu_timing import copies, race
from sglc.kernels.plan import CHUNK, Plan, Span

OWN = CHUNK


@dataclass(frozen=True, slots=True)
class Fork:
    """shared: positions of the prefix. suffix: of each branch alone, its one new row the last of them."""

    heads: Heads
    branches: int
    shared: int
    suffix: int = 128

    @property
    def name(self) -> str:
        return f"cascade, {self.branches} x {self.shared // 1024}k"

    def moved(self, itemsize: int) -> int:
        """The fewest bytes: the shared keys and values once."""
        kv = 2 * (self.shared + self.branches * self.suffix) * self.heads.kv_heads
        return (kv + 2 * self.branches * self.heads.heads) * self.heads.dim * itemsize


FORKS = tuple(Fork(LLAMA_8B, branches, shared << 10) for branches in (8, 64) for shared in (2, 8, 32))
DRY = (Fork(TINY, 3, 1024, 5),)


def measure(stage: Stage) -> None:
    for fork in stage.pick(FORKS, DRY):
        if not stage.late(fork.name):
            with stage.trying(fork.name):
                _fork(stage, fork)


def _fork(stage: Stage, fork: Fork) -> None:
    moved = fork.moved(stage.dtype.itemsize)
    pairs = inputs_of(fork, copies(moved, stage.l2), stage.device, stage.dtype)
    for grouped, plain in pairs[:2]:
        if not torch.equal(grouped.check(), plain.check()):
            raise AssertionError("branches that read their prefix together have other bits than alone")
    ways = {
        "together": [grouped.attend for grouped, _ in pairs],
        "plain": [plain.attend for _, plain in pairs],
    }
    times = race(stage.device, ways)
    share = stage.of_copy(moved, times["together"].seconds)
    stage.raced(fork.name, times, figure=(moved, "GB/s", 1e9), share=share)


def inputs_of(
    fork: Fork, sets: int, device: torch.device, dtype: torch.dtype, seed: int = 0
) -> list[tuple[Inputs, Inputs]]:
    """(together, plain): the same queries, keys and values, on shared pages and on those with copies."""
    copied = np.arange(0, fork.shared, OWN)
    per_set = fork.shared + fork.branches * (fork.suffix + len(copied))
    pages = permutation(sets * per_set, seed=seed).reshape(sets, per_set)
    keys, values, queries = tensors(fork.heads, pages.size, sets * fork.branches, device, dtype, seed)
    made: list[tuple[Inputs, Inputs]] = []
    for number, free in enumerate(pages):
        prefix, rest = free[: fork.shared], free[fork.shared :].reshape(fork.branches, -1)
        spans: tuple[list[Span], list[Span]] = ([], [])
        for suffix, own in ((branch[: fork.suffix], branch[fork.suffix :]) for branch in rest):
            apart = prefix.copy()
            apart[copied] = own
            source, target = (torch.from_numpy(np.ascontiguousarray(x)).to(device) for x in (prefix[copied], own))
            for pool in (keys, values):
                pool[target] = pool[source]
            for into, begin in zip(spans, (prefix, apart), strict=True):
                into.append(Span(fork.shared + fork.suffix - 1, 1, np.concatenate([begin, suffix])))
        query = queries[number * fork.branches : (number + 1) * fork.branches]
        scale = fork.heads.dim**-0.5
        together, plain = (Inputs(query, keys, values, Plan(each, device), scale) for each in spans)
        made.append((together, plain))
    return made
