"""The Triton kernels of paged attention: against dense attention in float64, and bit for bit against themselves.

On a CPU they run in Triton's interpreter, whose bfloat16 is wrong, so that is for a GPU alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sglc.kernels.plan import Plan, Span
from sglc.kernels.work import Cut, items_of, tiles_of
from tests.device.test_attention import CASES, PAGES, Case, dense, pool, queries, scattered, sinks

pytest.importorskip("triton")

from sglc.kernels.attention_triton import paged_attention

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
CHUNK = 128
KINDS = {name: case for name, case in CASES.items() if case.dtype == torch.float32} | {
    "float16": Case(dtype=torch.float16),
    "float16, window": Case(dtype=torch.float16, window=100, heads=4, kv_heads=4),
}
if DEVICE.type == "cuda":
    KINDS["bfloat16"] = Case(dtype=torch.bfloat16)
TOLERANCE = {torch.float32: 1e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3}
LENGTHS = [
    300,
    pytest.param(
        100_000,
        marks=[pytest.mark.gpu, pytest.mark.skipif(DEVICE.type != "cuda", reason="no CUDA device: not run")],
    ),
]
SPANS = [(0, 1), (63, 1), (128, 3), (260, 1), (100, 40)]
"""Items for the first ones, tiles for the last."""


def attend(case: Case, query: Tensor, kv: tuple[Tensor, Tensor], spans: list[Span]) -> Tensor:
    keys, values = (x.to(DEVICE) for x in kv)
    sink = sinks(case)
    return paged_attention(
        query.to(DEVICE),
        keys,
        values,
        Plan(spans, DEVICE),
        scale=0.3,
        window=case.window,
        softcap=case.softcap,
        sinks=None if sink is None else sink.to(DEVICE),
        chunk=CHUNK,
    ).cpu()


@pytest.mark.parametrize("case", KINDS.values(), ids=KINDS.keys())
def test_equals_dense_attention_and_no_row_depends_on_the_batch(case: Case) -> None:
    """Each span together with the others, alone, and cut in two: decoded after a prefill, or prefilled in chunks."""
    kv, spans = pool(case), scattered(SPANS)
    query = queries(case, sum(span.count for span in spans))
    together = attend(case, query, kv, spans)
    expected = torch.cat(
        [dense(case, q, kv, s) for q, s in zip(query.split([s.count for s in spans]), spans, strict=True)]
    )
    assert together.dtype == case.dtype
    assert (together.double() - expected).norm() <= TOLERANCE[case.dtype] * expected.norm()
    row = 0
    for span in spans:
        own = query[row : row + span.count]
        for cut in {0, span.count - 1}:
            before = (
                [attend(case, own[:cut], kv, [Span(span.start, cut, span.pages[: span.start + cut])])] if cut else []
            )
            after = attend(case, own[cut:], kv, [replace(span, start=span.start + cut, count=span.count - cut)])
            assert torch.equal(torch.cat([*before, after]), together[row : row + span.count])
        row += span.count


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dim", [64, 80, 96, 128, 256])
def test_sizes_of_heads_and_long_contexts(dim: int, length: int) -> None:
    """A step and a prefill at the end of a context, whose pages may repeat."""
    case = Case(heads=4, kv_heads=2, key_dim=dim, value_dim=dim, dtype=torch.float16)
    kv, query, pages = pool(case), queries(case, 34), np.random.default_rng(dim).integers(PAGES, size=(2, length))
    spans = [Span(length - count, count, own) for count, own in zip((1, 33), pages, strict=True)]
    expected = torch.cat([dense(case, query[:1], kv, spans[0]), dense(case, query[1:], kv, spans[1])])
    found = attend(case, query, kv, spans)
    assert (found.double() - expected).norm() <= TOLERANCE[case.dtype] * expected.norm()


@pytest.mark.parametrize("branches", [2, 9])
def test_branches_read_their_prefix_once_and_change_no_bit(branches: int) -> None:
    case = Case()
    prefix = np.arange(300)
    spans = [Span(303, 1, np.concatenate([prefix, [400 + 4 * i + j for j in range(4)]])) for i in range(branches)]
    query = queries(case, branches)
    items = items_of(Plan(spans, DEVICE), Cut(None, 4, CHUNK))
    assert items is not None
    assert len(items.table) == 2 * -(-branches // 4) + branches  # the whole chunks together, the third one each alone
    grouped = attend(case, query, pool(case), spans)
    for number, span in enumerate(spans):
        assert torch.equal(attend(case, query[number : number + 1], pool(case), [span]), grouped[number : number + 1])


@pytest.mark.parametrize("lengths", [[(70, 9)], [(70, 40)]], ids=["items", "tiles"])
def test_pages_of_others_are_never_read(lengths: list[tuple[int, int]]) -> None:
    case = Case()
    keys, values = pool(case)
    [span] = scattered(lengths)
    others = torch.ones(PAGES, dtype=torch.bool)
    others[torch.from_numpy(span.pages)] = False
    keys[others] = values[others] = torch.nan
    assert attend(case, queries(case, span.count), (keys, values), [span]).isfinite().all()


@pytest.mark.filterwarnings("ignore:All-NaN slice")  # the interpreter's numpy
def test_what_is_no_number_stays_in_its_row() -> None:
    case = Case()
    spans = scattered([(70, 1), (70, 1), (10, 33)])
    query = queries(case, 35)
    clean = attend(case, query, pool(case), spans)
    query[[1, 20]] = torch.nan
    found = attend(case, query, pool(case), spans)
    others = [row for row in range(35) if row not in (1, 20)]
    assert found[[1, 20]].isnan().all()
    assert torch.equal(found[others], clean[others])


def test_work_has_every_row_with_every_chunk_once() -> None:
    spans = scattered([(0, 1), (127, 2), (128, 1), (300, 5), (0, 64), (500, 33)])
    plan = Plan(spans, torch.device("cpu"))
    items = items_of(plan, Cut(None, 3, CHUNK))
    tiles = tiles_of(plan, 16)
    assert items is not None
    assert tiles is not None
    assert items.merged.tolist() == list(range(9))
    assert np.diff(items.first).tolist() == [1, 1, 2, 2, 3, 3, 3, 3, 3]
    rows, slots = items.table[:, CHUNK + 2 :][:, :3], items.table[:, CHUNK + 5 :][:, :3]
    assert sorted(slots[rows >= 0].tolist()) == list(range(items.pairs))
    chunk_of = np.broadcast_to(items.table[:, CHUNK, None] // CHUNK, rows.shape)
    for row, slot, chunk in zip(rows[rows >= 0], slots[rows >= 0], chunk_of[rows >= 0], strict=True):
        assert slot == items.first[row] + chunk
    rows = [row for first, count in zip(tiles.row, tiles.count, strict=True) for row in range(first, first + count)]
    assert sorted(rows) == list(range(9, 9 + 64 + 33))
    assert tiles.position.tolist() == sorted(tiles.position.tolist(), reverse=True)
