"""Decoding in buckets: padded, laid out in buffers that stay, replayed. On a CPU what is replayed is called again; everything
else is what a GPU does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from sglc.kernels import attention, elementwise
from sglc.kernels.plan import Plan, Span
from sglc.runtime.engine import staging
from sglc.runtime.engine.attention import Paged
from sglc.runtime.engine.graphs import Graphs, kept
from sglc.runtime.engine.model import prepare
from sglc.runtime.engine.staging import Staging
from sglc.runtime.engine.torch_device import TorchDevice
from tests import models
from tests.parity.support import engine, generate, random_prompts, tiny

BUCKETS = (1, 2, 4, 8)
PAGES = 600
NAMES = ["llama", "qwen3_moe", "gemma2", "gpt_oss"]
"""Experts, windows, two kinds of layers, sinks."""


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


class Counted:
    """A maker that counts the replays of each bucket, in the order of the captures."""

    def __init__(self) -> None:
        self.replays: list[int] = []

    def __call__(self, function: Callable[[], None]) -> Callable[[], None]:
        again, number = kept(function), len(self.replays)
        self.replays.append(0)

        def replay() -> None:
            self.replays[number] += 1
            again()

        return replay


def pool_of(name: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Random keys and values, as if much had been computed."""
    generator = torch.Generator().manual_seed(0)
    return [
        tuple(torch.randn(x.shape, generator=generator) for x in layer) for layer in tiny(name).make_pool(PAGES + 1)
    ]  # type: ignore[misc]  # pairs


def graphs_of(name: str, pool: Any, **options: Any) -> Graphs:
    device = torch.device("cpu")
    options = {"most_rows": 8, "longest": 512, "buckets": BUCKETS, **options}
    return Graphs(tiny(name), pool, PAGES, kept, Staging(device), **options)


def random_batch(random: Random, rows: int) -> tuple[np.ndarray[Any, Any], list[Span]]:
    """Sequences of many lengths, some of them branches of others; each writes to a page of its own."""
    free = random.sample(range(PAGES), PAGES)
    spans: list[Span] = []
    for _ in range(rows):
        length = random.choice([1, 2, 63, 64, 65, 128, 150])
        above = random.choice(spans).pages[:-1] if spans and random.random() < 0.4 else np.empty(0, dtype=np.int64)
        pages = np.append(above, [free.pop() for _ in range(min(length, 60))])
        spans.append(Span(len(pages) - 1, 1, pages))
    return np.array([random.randrange(models.VOCABULARY) for _ in range(rows)]), spans


@pytest.mark.parametrize("name", NAMES)
def test_replayed_is_eager_bit_for_bit(name: str) -> None:
    random = Random(0)
    replayed, eager = pool_of(name), pool_of(name)
    decode = graphs_of(name, replayed)
    for rows in [1, 2, 3, 4, 5, 7, 8, 1, 6]:
        ids, spans = random_batch(random, rows)
        plan = Plan(spans, torch.device("cpu"))
        expected = tiny(name).hidden(torch.from_numpy(ids), plan.positions, Paged(plan, eager))
        found = decode.run(ids, spans)
        assert found is not None
        assert torch.equal(found, expected)
        for one, other in zip(replayed, eager, strict=True):  # what was written, and nothing else
            assert all(torch.equal(a[:PAGES], b[:PAGES]) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_what_pads_touches_no_page_and_no_row(name: str) -> None:
    """All pages but those of the batch hold no numbers, and neither does the embedding of what pads."""
    ids, spans = random_batch(Random(1), 5)
    ids = np.where(ids == 0, 1, ids)
    used = np.unique(np.concatenate([span.pages for span in spans]))
    pool = pool_of(name)
    expected = graphs_of(name, [tuple(x.clone() for x in layer) for layer in pool]).run(ids, spans)
    assert expected is not None
    decode = graphs_of(name, pool)
    others = torch.ones(PAGES + 1, dtype=torch.bool)
    others[torch.from_numpy(used)] = False
    for layer in pool:
        for x in layer:
            x[others] = torch.nan
    embedding: Any = tiny(name).network.get_input_embeddings()
    weight = embedding.weight
    padding = weight[0].clone()
    try:
        weight[0] = torch.nan
        found = decode.run(ids, spans)
    finally:
        weight[0] = padding
    assert found is not None
    assert torch.equal(found, expected)
    for layer in pool:
        for x in layer:
            assert x[others][:-1].isnan().all()
            assert x[torch.from_numpy(used)].isfinite().all()


def test_batches_that_are_not_for_a_graph() -> None:
    decode = graphs_of("llama", pool_of("llama"))
    ids, spans = random_batch(Random(2), 9)
    assert decode.run(ids, spans) is None, "more rows than the largest bucket"
    two = [Span(3, 2, np.arange(5)), *spans[:2]]
    assert decode.run(ids[:4], two) is None, "a chunk of two rows"
    longer = Span(599, 1, np.arange(600))
    assert graphs_of("llama", pool_of("llama"), longest=64).run(ids[:1], [longer]) is None, (
        "more items than it has place for"
    )
    assert decode.run(ids[:8], spans[:8]) is not None


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_the_same_with_and_without(name: str) -> None:
    """Prompts that share beginnings and end at different times, so that batches go through many buckets."""
    prefix = random_prompts([70])[0]
    prompts = [prefix + tail for tail in random_prompts([1, 2, 3, 30, 31])] + random_prompts([5, 66, 90], seed=2)
    expected = generate(engine(TorchDevice(tiny(name), 1024)), prompts, 12)
    counted = Counted()
    device = TorchDevice(tiny(name), 1024, capture=counted, batch_rows=8)
    core = engine(device, chunk_tokens=50)
    assert generate(core, prompts, 12) == expected
    assert generate(core, prompts[:3], 12) == expected[:3], "warm"
    assert [generate(core, [prompt], 12)[0] for prompt in prompts] == expected, "one by one"
    assert len(counted.replays) == 4
    assert counted.replays[0] > 5, "the largest bucket is captured first"
    assert counted.replays[-1] > 50


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU: tests/device/test_gpu.py")
def test_in_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fused layers and Triton's kernels, in the interpreter, replayed and eager."""
    pytest.importorskip("triton")
    from sglc.kernels import attention_triton, elementwise_triton

    monkeypatch.setattr(elementwise, "_behind", lambda _: elementwise_triton)
    monkeypatch.setattr(attention, "attention_torch", attention_triton)
    monkeypatch.setattr(
        staging, "cut_for", lambda _, heads, kv, dim, window: attention_triton.cut_for(heads // kv, dim, window)
    )
    model = prepare(models.network("gemma3"), "gemma3", fuse=True)
    assert model.fused
    ids, spans = random_batch(Random(0), 3)
    replayed, eager = pool_of("gemma3"), pool_of("gemma3")
    decode = Graphs(model, replayed, PAGES, kept, Staging(model.device), most_rows=4, longest=512, buckets=(4,))
    plan = Plan(
        [*spans, Span(0, 1, np.array([PAGES]))], model.device
    )  # as many rows: a product's bits may depend on that
    expected = model.hidden(torch.from_numpy(np.append(ids, 0)), plan.positions, Paged(plan, eager))
    found = decode.run(ids, spans)
    assert found is not None
    assert torch.equal(found, expected[:3])
    for one, other in zip(replayed, eager, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_graphs_can_be_turned_off() -> None:
    counted = Counted()
    assert TorchDevice(tiny("llama"), 64, capture=counted, graphs=False)._graphs is None
    assert TorchDevice(tiny("llama"), 64)._graphs is None, "and are off on a CPU"
    assert not counted.replays


def test_a_model_that_cannot_be_captured_runs_without(caplog: pytest.LogCaptureFixture) -> None:
    def refuses(_: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    device = TorchDevice(tiny("llama"), 256, capture=refuses, batch_rows=8)
    assert "a step cannot be captured: operation not permitted" in caplog.text
    prompts = random_prompts([9, 4])
    assert generate(engine(device), prompts, 4) == generate(engine(TorchDevice(tiny("llama"), 256)), prompts, 4)


def test_buckets_go_as_far_as_rows_do() -> None:
    def rows(most: int) -> Sequence[int]:
        return graphs_of("llama", pool_of("llama"), most_rows=most)._rows

    assert [rows(n) for n in (1, 3, 4, 8, 100)] == [(1,), (1, 2, 4), (1, 2, 4), (1, 2, 4, 8), (1, 2, 4, 8)]
