"""Greedy tokens equal transformers' generate, token for token, however the engine arrives at them."""

from __future__ import annotations

import functools

import pytest
import torch

from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.model import prepare
from sglc.runtime.engine.request import Failed, Request
from sglc.runtime.engine.torch_device import TorchDevice
from tests import models
from tests.parity.support import ON_CUDA, engine, generate, random_prompts, tiny

CLASSES = [name for name in models.CONFIGS if name not in ("llama_tied", "gpt2")]
LENGTHS = (*[1] * 4, *[17] * 4, *[64] * 4, *[65] * 4, *[120] * 4)
NEW = 32
PROMPTS = random_prompts(LENGTHS)


@functools.cache
def expected(name: str, device: str) -> list[list[int]]:
    network = models.network(name).to(device)
    answers: list[list[int]] = []
    for i in range(0, len(PROMPTS), 4):  # those of one length at a time: no padding
        ids = torch.tensor(PROMPTS[i : i + 4], device=device)
        out = network.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False)
        answers += out[:, ids.shape[1] :].tolist()
    return answers


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=ON_CUDA)])
@pytest.mark.parametrize("name", CLASSES)
def test_greedy_tokens_equal_generate(name: str, device: str) -> None:
    model = tiny(name, device)
    answers = expected(name, device)
    assert len({tuple(a) for a in answers}) > 15  # the model says different things

    def fresh(pages: int = 8192, **options: int) -> EngineCore:
        return engine(TorchDevice(model, pages, batch_rows=len(PROMPTS)), **options)

    large = fresh()
    assert generate(large, PROMPTS, NEW) == answers, "batched, cold"
    assert generate(large, PROMPTS, NEW) == answers, "batched, warm"
    assert large.stats.cached_tokens > sum(LENGTHS) // 2

    alone = fresh()
    assert [generate(alone, [p], NEW)[0] for p in PROMPTS[::4]] == answers[::4], "one by one, one of each length"

    chunked = fresh(chunk_tokens=23)
    assert generate(chunked, PROMPTS, NEW) == answers, "chunked prefill"

    tiny_pool = fresh(400)
    assert generate(tiny_pool, PROMPTS, NEW) == answers, "a pool for a few requests at a time"
    stats = tiny_pool.stats
    assert stats.evicted_tokens > 0
    assert stats.prefilled_tokens + stats.cached_tokens > sum(LENGTHS), "some request was preempted"


def test_what_is_not_a_number_reaches_no_other_request() -> None:
    """A key that is masked still meets its value with a weight of 0, and 0 times NaN is NaN: what stands before the bad
    token in its chunk is spoilt too, and must not be found in the cache."""
    network = models.network("llama")
    broken = prepare(network, "llama")
    with torch.no_grad():
        network.get_input_embeddings().weight[PROMPTS[4][-1]] = torch.nan
    beginning = PROMPTS[4][:5]
    assert PROMPTS[4][-1] not in beginning
    core = engine(TorchDevice(broken, 512))
    core.submit(Request(ids=PROMPTS[4], max_tokens=1))
    ended: list[object] = []
    while not core.idle:
        ended += core.step()
    assert [type(event) for event in ended] == [Failed]
    assert core.cached_length(beginning) == 0
    assert generate(core, [beginning], 1) == generate(engine(TorchDevice(tiny("llama"), 512)), [beginning], 1)
