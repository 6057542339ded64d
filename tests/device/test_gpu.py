"""The device on a GPU: captured equals eager, warm equals cold, batched equals alone, and bfloat16. `make test-gpu`."""

from __future__ import annotations

import functools
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from sglc.kernels.plan import Plan, Span
from sglc.runtime.engine import model as models_of_the_engine
from sglc.runtime.engine.attention import Paged
from sglc.runtime.engine.device import Batch, Chunk
from sglc.runtime.engine.graphs import Captured, Graphs
from sglc.runtime.engine.model import prepare
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.staging import Staging
from sglc.runtime.engine.torch_device import TorchDevice
from tests import models
from tests.device.test_fused import RECOGNISED
from tests.device.test_graphs import BUCKETS, PAGES, random_batch
from tests.device.test_sampler import GREEDY
from tests.parity.support import ON_CUDA, Book, engine, generate, random_prompts, tiny

pytestmark = ON_CUDA
KINDS = [torch.float32, torch.bfloat16]
CAPTURED = ["llama", "qwen3", "gemma2", "phi3", "gpt_neox"]
"""Heads with norms, windows, one product for all, and layers that are not fused."""
PROMPTS = random_prompts([1, 17, 40, 66, 70, 130])
LOGITS = {torch.float32: 1e-4, torch.bfloat16: 6e-2}
"""Relative error of logits, over all rows of a batch: of float32 on a CPU to that on a GPU, and to bfloat16."""


@functools.cache
def on_gpu(name: str, dtype: torch.dtype) -> Model:
    network = models.network(name)
    models_of_the_engine.move(network, torch.device("cuda"), dtype)
    return prepare(network, name)


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("name", [*RECOGNISED, "gpt_neox"])
def test_logits_are_those_of_the_cpu(name: str, dtype: torch.dtype) -> None:
    if name in ("gpt_oss", "qwen3_moe") and dtype == torch.bfloat16:
        dtype = torch.float32  # in bfloat16 a router of random weights chooses other experts
    model = on_gpu(name, dtype)
    assert bool(model.fused) == (name in RECOGNISED)
    for expected, found in zip(
        Book(tiny(name)).rows([(ids, []) for ids in PROMPTS]),
        Book(model).rows([(ids, []) for ids in PROMPTS]),
        strict=True,
    ):
        assert (found.float().cpu() - expected).norm() <= LOGITS[dtype] * expected.norm()


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("name", CAPTURED)
def test_captured_is_eager_bit_for_bit(name: str, dtype: torch.dtype) -> None:
    """On as many rows: what a product of other size may change is not a matter of graphs."""
    model, random = on_gpu(name, dtype), Random(0)
    device = model.device
    with torch.inference_mode():
        captured, eager = model.make_pool(PAGES + 1), model.make_pool(PAGES + 1)
        for one, other in zip(captured, eager, strict=True):
            for a, b in zip(one, other, strict=True):
                b.copy_(a.normal_())
        capture, staging = Captured(device), Staging(device)
        decode = Graphs(model, captured, PAGES, capture, staging, most_rows=8, longest=512, buckets=BUCKETS)
        for rows in [1, 2, 3, 4, 5, 7, 8, 1, 6]:
            ids, spans = random_batch(random, rows)
            missing = min(bucket for bucket in BUCKETS if bucket >= rows) - rows
            plan = Plan([*spans, *[Span(0, 1, np.array([PAGES]))] * missing], device)
            padded = torch.from_numpy(np.append(ids, np.zeros(missing, dtype=np.int64))).to(device)
            expected = model.hidden(padded, plan.positions, Paged(plan, eager))[:rows]
            found = decode.run(ids, spans)
            assert found is not None
            assert torch.equal(found, expected), rows
            for one, other in zip(captured, eager, strict=True):
                assert all(torch.equal(a[:PAGES], b[:PAGES]) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", CAPTURED)
def test_answers_are_the_same_captured_or_not_cold_or_warm_together_or_alone(name: str) -> None:
    """In float32, where the likeliest ids of these models are far apart."""
    model = on_gpu(name, torch.float32)
    expected = generate(engine(TorchDevice(model, 2048, graphs=False)), PROMPTS, 24)
    core = engine(TorchDevice(model, 2048, batch_rows=8))
    assert generate(core, PROMPTS, 24) == expected, "captured, cold"
    assert generate(core, PROMPTS, 24) == expected, "warm"
    assert [generate(core, [prompt], 24)[0] for prompt in PROMPTS] == expected, "one by one"
    chunked = engine(TorchDevice(model, 2048, batch_rows=8), chunk_tokens=23)
    assert generate(chunked, PROMPTS, 24) == expected, "in chunks"


@pytest.mark.parametrize("name", [*RECOGNISED, "gpt_neox"])
def test_exact_products_make_rows_independent_of_the_batch_in_bfloat16(name: str) -> None:
    """Where layers are fused, no part of them is left that a batch might change."""
    network = models.network(name)
    models_of_the_engine.move(network, torch.device("cuda"), torch.bfloat16)
    book = Book(prepare(network, name, exact=True))
    together = book.rows([(ids, []) for ids in PROMPTS])
    for ids, rows in zip(PROMPTS, together, strict=True):
        cached: list[int] = []
        found = [
            book.rows([(ids[a:b], cached)])[0] for a, b in ((0, len(ids) // 2), (len(ids) // 2, len(ids))) if b > a
        ]
        assert torch.equal(torch.cat(found), rows)


def test_in_bfloat16_a_step_says_one_of_the_likeliest() -> None:
    """Through the engine and its graphs; what is likeliest is told by float32 on a CPU."""
    answers = generate(engine(TorchDevice(on_gpu("llama", torch.bfloat16), 2048, batch_rows=8)), PROMPTS, 12)
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        [logits] = Book(tiny("llama")).rows([(prompt + answer[:-1], [])])
        for row, id_ in zip(logits[len(prompt) - 1 :], answer, strict=True):
            assert row[id_] >= row.max() - 0.1 * row.std()


def test_submit_waits_for_nothing() -> None:
    """torch refuses what waits for the device."""
    device = TorchDevice(on_gpu("llama", torch.bfloat16), 1024, batch_rows=8)
    prompt = Chunk(PROMPTS[3], 0, range(66), draws=True)
    step = Chunk([0], 66, range(67), draws=True, follows=0)

    def start(chunk: Chunk) -> Any:
        started = device.submit(Batch([chunk]))
        started.draw([GREEDY])
        return started

    expected = [start(chunk).result().drawn for chunk in (prompt, step)]
    before = torch.cuda.get_sync_debug_mode()
    pending: list[Any] = []
    torch.cuda.set_sync_debug_mode("error")
    try:
        pending += [start(chunk) for chunk in (prompt, step)]
    finally:
        torch.cuda.set_sync_debug_mode(before)
    assert [each.result().drawn for each in pending] == expected
    assert all(isinstance(drawn, int) for [drawn] in expected)


def test_the_pool_takes_what_is_left() -> None:
    model = on_gpu("llama", torch.bfloat16)
    free = torch.cuda.mem_get_info()[0]
    device = TorchDevice(model, batch_tokens=256, batch_rows=4)
    assert 0.5 * free < device.num_pages * model.page_bytes < 0.91 * free
