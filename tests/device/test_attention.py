"""Paged attention against dense attention in float64, and its independence of everything but the row."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
import torch
from torch import Tensor

from sglc.kernels import plan
from sglc.kernels.attention import paged_attention
from sglc.kernels.plan import CHUNK, Plan, Span

PAGES = 1024
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    heads: int = 8
    kv_heads: int = 2
    key_dim: int = 16
    value_dim: int = 16
    window: int | None = None
    softcap: float | None = None
    sinks: bool = False
    dtype: torch.dtype = torch.float32


CASES = {
    "plain": Case(),
    "no groups": Case(heads=3, kv_heads=3, key_dim=20),
    "one head of keys": Case(heads=7, kv_heads=1),
    "large group": Case(heads=24, kv_heads=2),
    "other value size": Case(key_dim=24, value_dim=8),
    "window": Case(window=24),
    "window of one": Case(window=1),
    "window of a chunk": Case(window=CHUNK),
    "soft cap": Case(softcap=2.0),
    "sinks": Case(sinks=True),
    "all of it": Case(window=70, softcap=3.0, sinks=True, heads=6, kv_heads=2),
    "bfloat16": Case(dtype=torch.bfloat16),
}
LENGTHS = [(0, 1), (0, 200), (63, 1), (64, 1), (63, 2), (127, 66), (300, 1), (5, 64), (0, 64), (0, 65)]


def pool(case: Case, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randn((PAGES, case.kv_heads, case.key_dim), generator=generator)
    values = torch.randn((PAGES, case.kv_heads, case.value_dim), generator=generator)
    return keys.to(case.dtype), values.to(case.dtype)


def queries(case: Case, rows: int) -> Tensor:
    generator = torch.Generator().manual_seed(rows)
    return torch.randn((rows, case.heads, case.key_dim), generator=generator).to(case.dtype)


def sinks(case: Case) -> Tensor | None:
    return torch.linspace(-1, 2, case.heads).to(case.dtype) if case.sinks else None


def attend(case: Case, query: Tensor, kv: tuple[Tensor, Tensor], spans: list[Span]) -> Tensor:
    return paged_attention(
        query,
        *kv,
        Plan(spans, CPU),
        scale=0.3,
        window=case.window,
        softcap=case.softcap,
        sinks=sinks(case),
    )


def dense(case: Case, query: Tensor, kv: tuple[Tensor, Tensor], span: Span) -> Tensor:
    """The textbook, one sequence at a time, in float64."""
    pages = torch.from_numpy(span.pages)
    group = case.heads // case.kv_heads
    keys, values = (x[pages].double().repeat_interleave(group, dim=1) for x in kv)
    scores = torch.einsum("rhd,khd->hrk", query.double(), keys) * 0.3
    if case.softcap is not None:
        scores = case.softcap * torch.tanh(scores / case.softcap)
    row = torch.arange(span.start, span.start + span.count)[:, None]
    key = torch.arange(len(pages))[None]
    hidden = key > row if case.window is None else (key > row) | (key <= row - case.window)
    scores = scores.masked_fill(hidden, -torch.inf)
    if (s := sinks(case)) is not None:
        scores = torch.cat([scores, s.double()[:, None, None].expand(-1, span.count, 1)], dim=-1)
    weights = scores.softmax(dim=-1)[..., : len(pages)]
    return torch.einsum("hrk,khd->rhd", weights, values)


def scattered(lengths: list[tuple[int, int]], seed: int = 0) -> list[Span]:
    free = np.random.default_rng(seed).permutation(PAGES * 8) % PAGES  # cells may repeat: only read here
    return [Span(start, count, free[i * 500 : i * 500 + start + count]) for i, (start, count) in enumerate(lengths)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_equals_dense_attention(case: Case) -> None:
    kv = pool(case)
    spans = scattered(LENGTHS)
    query = queries(case, sum(count for _, count in LENGTHS))
    got = attend(case, query, kv, spans)
    assert got.dtype == case.dtype
    expected = torch.cat(
        [dense(case, q, kv, s) for q, s in zip(query.split([s.count for s in spans]), spans, strict=True)]
    )
    tolerance = 2e-6 if case.dtype == torch.float32 else 1e-2
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=tolerance * 3)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_rows_do_not_depend_on_the_batch(case: Case) -> None:
    kv = pool(case)
    spans = scattered(LENGTHS)
    query = queries(case, sum(count for _, count in LENGTHS))
    together = attend(case, query, kv, spans)
    random = Random(0)
    row = 0
    for span in spans:
        cut = random.randint(0, span.count)
        pieces = [(span.start, cut), (span.start + cut, span.count - cut)]
        for start, count in pieces:
            if count:
                alone = attend(case, query[row : row + count], kv, [Span(start, count, span.pages[: start + count])])
                assert torch.equal(alone, together[row : row + count])
            row += count


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_shared_pages_change_nothing(case: Case) -> None:
    """Branches over the same pages against branches over copies of them: 2 to 40 branches, shared 0 to 3 chunks."""
    keys, values = pool(case)
    random = Random(1)
    for branches in (2, 5, 40):
        shared = random.randint(0, 200)
        tails = [random.randint(1, 70) for _ in range(branches)]
        free = iter(np.random.default_rng(branches).permutation(PAGES * 20))
        prefix = np.array([next(free) for _ in range(shared)], dtype=np.int64)
        spans: list[Span] = []
        copies: list[Span] = []
        for tail in tails:
            pages = np.concatenate([prefix, np.array([next(free) for _ in range(tail)], dtype=np.int64)])
            count = random.randint(1, tail)
            spans.append(Span(shared + tail - count, count, pages))
            copies.append(Span(shared + tail - count, count, (pages % PAGES) + len(copies) * PAGES))
        query = queries(case, sum(s.count for s in spans))
        small = (keys, values)
        large = (keys.repeat(branches, 1, 1), values.repeat(branches, 1, 1))
        folded = [Span(s.start, s.count, s.pages % PAGES) for s in spans]
        assert torch.equal(attend(case, query, small, folded), attend(case, query, large, copies))


def test_values_of_others_are_never_read() -> None:
    """All pages but a sequence's own hold NaN."""
    case = Case()
    keys, values = pool(case)
    span = scattered([(70, 9)])[0]
    others = torch.ones(PAGES, dtype=torch.bool)
    others[torch.from_numpy(span.pages)] = False
    keys[others] = torch.nan
    values[others] = torch.nan
    assert attend(case, queries(case, 9), (keys, values), [span]).isfinite().all()


def test_not_a_number_stays_in_its_row() -> None:
    case = Case()
    kv = pool(case)
    spans = scattered([(70, 1), (70, 1), (70, 1)])
    query = queries(case, 3)
    clean = attend(case, query, kv, spans)
    broken = query.clone()
    broken[1] = torch.nan
    got = attend(case, broken, kv, spans)
    assert got[1].isnan().all()
    assert torch.equal(got[[0, 2]], clean[[0, 2]])


def test_branches_over_the_same_pages_share_tiles() -> None:
    """Six branches behind 130 positions: two whole chunks are attended to together, what is left by each alone."""
    prefix = np.arange(130)
    branches = [Span(130, 1, np.append(prefix, 200 + i)) for i in range(6)]
    width = 4
    [tiles] = Plan(branches, CPU).tiles(width, None, 1000)
    assert len(tiles.rows) == 2 * 2 + 6  # ceil(6 / 4) tiles for each shared chunk, one for each tail
    other = [Span(130, 1, np.append(prefix + 300 * i, 299)) for i in range(6)]
    [tiles] = Plan(other, CPU).tiles(width, None, 1000)
    assert len(tiles.rows) == 3 * 6


def test_a_collision_of_hashes_does_not_join_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case()
    kv = pool(case)
    spans = scattered([(200, 1), (200, 1), (130, 70)])
    query = queries(case, 72)
    expected = attend(case, query, kv, spans)
    monkeypatch.setattr(plan, "_WEIGHTS", np.zeros(CHUNK, dtype=np.uint64))
    assert torch.equal(attend(case, query, kv, spans), expected)


def test_work_comes_in_pieces_within_the_budget() -> None:
    spans = scattered(LENGTHS)
    pieces = Plan(spans, CPU).tiles(2, None, 7)
    assert max(len(p.rows) for p in pieces) == 7
    rows = torch.cat([p.rows.flatten() for p in pieces])
    seen = rows[rows < sum(s.count for s in spans)].bincount()
    chunks = [-(-(s.start + i + 1) // CHUNK) for s in spans for i in range(s.count)]
    assert seen.tolist() == chunks  # every row meets each of its chunks once
