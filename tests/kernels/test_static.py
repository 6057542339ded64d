"""A batch laid out in buffers that stay where they are: attention over them is attention over the plan, bit for bit."""

from __future__ import annotations

from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sglc.kernels import attention_torch, plan
from sglc.kernels.plan import Plan, Span
from sglc.kernels.static import Layout, Static, write
from sglc.kernels.work import Cut
from tests.device.test_attention import PAGES, Case, pool, queries, scattered

CHUNK = 128
GROUP = Case().heads // Case().kv_heads


@pytest.fixture(params=["torch", "triton"])
def kernels(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "torch":
        return attention_torch
    pytest.importorskip("triton")
    from sglc.kernels import attention_triton

    return attention_triton


def device_of(kernels: Any) -> torch.device:
    """torch's kernel promises its bits on a CPU alone."""
    return torch.device("cpu" if kernels is attention_torch or not torch.cuda.is_available() else "cuda")


def layout_of(kernels: Any, rows: int, windows: tuple[int | None, ...], items: int) -> Layout:
    if kernels is attention_torch:
        cuts = [Cut(window, attention_torch.tile_of(GROUP)[1], plan.CHUNK) for window in windows]
    else:
        cuts = [kernels.cut_for(GROUP, Case().key_dim, window, CHUNK) for window in windows]
    return Layout(rows, tuple(cuts), items, items)


def attend(kernels: Any, query: Tensor, kv: tuple[Tensor, Tensor], work: Any, window: int | None) -> Tensor:
    more = {} if kernels is attention_torch else {"chunk": CHUNK}
    device = device_of(kernels)
    keys, values = (x.to(device) for x in kv)
    return kernels.paged_attention(query.to(device), keys, values, work, scale=0.3, window=window, **more).cpu()


def laid_out(layout: Layout, host: Any, device: Tensor, spans: list[Span]) -> Plan:
    """Writes a batch and copies what is to be copied, and no more."""
    made = Plan(spans, device.device)
    parts = write(layout, host, np.arange(len(spans)), made)
    assert parts is not None
    for part in parts:
        device[part].copy_(torch.from_numpy(host[part]))
    return made


def test_batch_after_batch_in_one_buffer(kernels: Any) -> None:
    """Random batches, forks among them, in a buffer that was full of anything: two windows, and more place than is needed."""
    random = Random(0)
    case, windows = Case(), (None, 70)
    layout = layout_of(kernels, 4, windows, 60)
    host = np.random.default_rng(0).integers(-5, 2**30, layout.words, dtype=np.int32)
    device = torch.from_numpy(host.copy()).to(device_of(kernels))
    static = Static(layout, device)
    kv = pool(case)
    for batch in range(3):
        lengths = [random.choice([1, 63, 64, 127, 128, 129, 260]) for _ in range(4)]
        spans = scattered([(length - 1, 1) for length in lengths], seed=batch)
        if batch:  # a fork: the second goes on where the first is after 128 positions
            pages = np.concatenate([scattered([(127, 1)], seed=9)[0].pages, np.arange(5)])
            spans[:2] = [Span(130, 1, pages[:131]), Span(132, 1, np.append(pages[:128], np.arange(20, 25)))]
        made = laid_out(layout, host, device, spans)
        assert static.ids.tolist() == [0, 1, 2, 3]
        assert torch.equal(static.positions, made.positions)
        assert torch.equal(static.slots, made.slots)
        query = queries(case, 4)
        for window in windows:
            expected = attend(kernels, query, kv, Plan(spans, device_of(kernels)), window)
            assert torch.equal(attend(kernels, query, kv, static, window), expected), (batch, window)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")  # the interpreter's numpy
def test_rows_that_pad_change_nothing_and_read_nothing_of_others(kernels: Any) -> None:
    """Whatever is in the row and in its page, numbers or not; pages that nobody names hold no numbers."""
    case, spare = Case(), 40
    layout = layout_of(kernels, 4, (None,), 40)
    [real] = scattered([(70, 1)])
    pages = np.where(real.pages == spare, 41, real.pages)
    spans = [Span(70, 1, pages), *[Span(0, 1, np.array([spare]))] * 3]
    keys, values = pool(case)
    others = torch.ones(PAGES, dtype=torch.bool)
    others[torch.from_numpy(pages)] = False
    keys[others] = values[others] = torch.nan
    query = queries(case, 4)
    alone = attend(kernels, query[:1], (keys, values), Plan(spans[:1], device_of(kernels)), None)
    assert alone.isfinite().all()
    host = np.zeros(layout.words, dtype=np.int32)
    device = torch.zeros(layout.words, dtype=torch.int32, device=device_of(kernels))
    laid_out(layout, host, device, spans)
    for content in (0.0, 1e30, torch.nan):
        keys[spare] = values[spare] = query[1:] = content
        assert torch.equal(attend(kernels, query, (keys, values), Static(layout, device), None)[:1], alone)


def test_what_has_no_place_is_not_written(kernels: Any) -> None:
    layout = layout_of(kernels, 1, (None,), 2)
    host = np.full(layout.words, 7, dtype=np.int32)
    [long] = scattered([(400, 1)])
    assert write(layout, host, np.array([3]), Plan([long], device_of(kernels))) is None
    assert (host == 7).all()


def test_parts_do_not_overlap() -> None:
    layout = Layout(5, (Cut(None, 3, 64), Cut(8, 2, 64)), 7, 9)
    parts = [layout.long(n) for n in range(3)] + [p for n in range(2) for p in (*layout.fixed(n), layout.table(n))]
    words = [word for part in parts for word in range(part.start, part.stop)]
    assert len(words) == len(set(words))
    assert max(words) < layout.words
    assert all(part.start % 16 == 0 for part in parts)
