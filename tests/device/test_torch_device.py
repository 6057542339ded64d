"""The device's contract: what is drawn and scored, pages out and in, and how large the pool is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
import torch

from sglc.ir.errors import RunError
from sglc.runtime.engine import pool_size, torch_device
from sglc.runtime.engine.device import Batch, Chunk, Device, Draw, Result
from sglc.runtime.engine.model import prepare
from sglc.runtime.engine.torch_device import TorchDevice
from tests import models
from tests.device.test_sampler import GREEDY, automaton
from tests.parity.support import random_prompts, tiny

PROMPT = random_prompts([50])[0]


def run(device: Device, *chunks: Chunk, draws: Sequence[Draw | None] | None = None) -> Result:
    """draws: one a chunk; greedy ones where they are left out."""
    pending = device.submit(Batch(chunks))
    pending.draw([GREEDY if chunk.draws else None for chunk in chunks] if draws is None else draws)
    assert pending.ready()
    return pending.result()


def chunk(ids: Sequence[int], start: int = 0, first_page: int = 0, *, draws: bool = True) -> Chunk:
    """The last ids of a sequence whose pages follow one another."""
    return Chunk(ids, start, range(first_page, first_page + start + len(ids)), draws)


def dense_logits(ids: Sequence[int], name: str = "llama") -> torch.Tensor:
    with torch.inference_mode():
        return models.network(name)(torch.tensor([list(ids)])).logits[0].double()


def test_draws_only_where_asked() -> None:
    device = TorchDevice(tiny("llama"), 256)
    likeliest = int(dense_logits(PROMPT)[-1].argmax())
    result = run(device, chunk(PROMPT[:20], draws=False), chunk(PROMPT, first_page=100))
    assert result.drawn == [None, likeliest]
    assert run(device, chunk(PROMPT[20:], start=20)).drawn == [likeliest]


def test_scores_are_log_probabilities() -> None:
    device = TorchDevice(tiny("llama"), 256)
    expected = dense_logits(PROMPT).log_softmax(-1)
    asked = [(r, i) for r in (0, 7, 49) for i in (PROMPT[r], 299, 3)] + [(7, 8)]
    scored = dataclasses.replace(chunk(PROMPT), score=asked)
    alone = run(device, scored)
    assert [score.id for score in alone.scores[0]] == [i for _, i in asked]
    wanted = [expected[r, i].item() for r, i in asked]
    assert [score.logprob for score in alone.scores[0]] == pytest.approx(wanted, abs=1e-4)
    assert alone.drawn == run(device, chunk(PROMPT)).drawn

    other = dataclasses.replace(chunk(PROMPT[:9], first_page=100), score=[(8, 1)])
    assert run(device, other, dataclasses.replace(scored, draws=False)).scores[1] == alone.scores[0]
    rest = dataclasses.replace(scored, ids=PROMPT[30:], start=30, score=[(19, 299)])
    assert run(device, rest).scores == [[alone.scores[0][asked.index((49, 299))]]]


SCORED = dataclasses.replace(GREEDY, score=True)
DRAWS = {
    "greedy": SCORED,
    "sampled": dataclasses.replace(SCORED, temperature=3.0, seed=4, top_k=40),
    "masked": dataclasses.replace(
        SCORED, constraint=automaton([[7, 250]], models.VOCABULARY), state=0, temperature=1.0
    ),
    "penalised": dataclasses.replace(SCORED, frequency_penalty=2.0, presence_penalty=2.0, history=[*range(0, 300, 2)]),
}


@pytest.mark.parametrize("name", ["llama", "qwen3", "gemma2", "gpt_oss", "phi3"])
def test_scores_of_drawn_ids_are_those_of_the_model(name: str) -> None:
    """Of transformers' own logits: before temperature, penalties and masks; the likeliest ids in order."""
    device = TorchDevice(tiny(name), 1024)
    expected = dense_logits(PROMPT, name).log_softmax(-1)
    asked = [(49, 5), (20, PROMPT[21])]
    parts = [dataclasses.replace(chunk(PROMPT, first_page=60 * i), score=asked, score_top=4) for i in range(len(DRAWS))]
    result = run(device, *parts, chunk(PROMPT, first_page=900), draws=[*DRAWS.values(), GREEDY])
    assert result.scores[-1] == []
    assert len(set(result.drawn)) > 1
    for drawn, scores in zip(result.drawn[:-1], result.scores, strict=False):
        assert [score.id for score in scores] == [5, PROMPT[21], drawn]
        for row, score in zip((49, 20, 49), scores, strict=True):
            assert score.logprob == pytest.approx(expected[row, score.id].item(), abs=1e-4)
            likeliest = expected[row].topk(4)
            assert [i for i, _ in score.top] == likeliest.indices.tolist()
            assert [logprob for _, logprob in score.top] == pytest.approx(likeliest.values.tolist(), abs=1e-4)


def test_many_logits_are_computed_a_few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [dataclasses.replace(chunk(p, first_page=60 * i), score=[(0, 5)]) for i, p in enumerate([PROMPT] * 4)]
    expected = run(TorchDevice(tiny("llama"), 256), *chunks)
    monkeypatch.setitem(torch_device._LOGITS_BYTES, "cpu", 3 * 4 * models.VOCABULARY)
    assert run(TorchDevice(tiny("llama"), 256), *chunks) == expected


def test_padding_columns_are_never_drawn() -> None:
    best = int(dense_logits(PROMPT)[-1].argmax())
    narrow = TorchDevice(tiny("llama"), 64, vocab_size=best)
    assert run(narrow, chunk(PROMPT)).drawn == [int(dense_logits(PROMPT)[-1, :best].argmax())]
    hot = [dataclasses.replace(GREEDY, temperature=9.0, seed=i) for i in range(40)]
    drawn = [run(narrow, chunk(PROMPT), draws=[d]).drawn[0] for d in hot]
    assert all(isinstance(i, int) and i < best for i in drawn)
    assert len(set(drawn)) > 20


def test_a_row_that_is_not_a_number_fails_alone() -> None:
    network = models.network("llama")
    broken = prepare(network, "llama")
    with torch.no_grad():
        network.get_input_embeddings().weight[PROMPT[0]] = torch.nan
    clean = random_prompts([30], seed=5)[0]
    while PROMPT[0] in clean:
        clean.remove(PROMPT[0])
    device = TorchDevice(broken, 256)
    first, second = run(device, chunk(PROMPT, first_page=100), chunk(clean)).drawn
    assert isinstance(first, RunError)
    assert "not numbers" in first.what
    assert second == run(TorchDevice(tiny("llama"), 256), chunk(clean)).drawn[0]

    scored = [dataclasses.replace(chunk(ids, draws=False), score=[(3, 5)]) for ids in (PROMPT, clean)]
    assert isinstance(run(device, scored[0]).drawn[0], RunError)
    assert run(device, scored[1]).drawn == [None]


def test_pages_out_and_in() -> None:
    source, target = TorchDevice(tiny("llama"), 256), TorchDevice(tiny("llama"), 300)
    assert source.layout == target.layout
    expected = run(source, chunk(PROMPT)).drawn
    saved = source.export_pages(range(30))
    assert sorted(saved) == ["keys.0", "keys.1", "values.0", "values.1"]
    pages = list(range(299, 269, -1))
    target.import_pages(pages, saved)
    rest = Chunk(PROMPT[30:], 30, [*pages, *range(20)], draws=True)
    assert run(target, rest).drawn == expected


def test_layout_tells_models_apart() -> None:
    layouts = {TorchDevice(tiny(name), 1).layout for name in ("llama", "qwen3", "gemma2")}
    half = prepare(models.network("llama").to(torch.bfloat16), "llama")
    assert len(layouts | {TorchDevice(half, 1).layout}) == 4


def test_sizes() -> None:
    device = TorchDevice(tiny("llama"), 77)
    assert (device.num_pages, device.max_positions) == (77, 512)


def test_the_default_pool_takes_a_share_of_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny("llama")
    assert model.page_bytes == 2 * 2 * (8 + 8) * 4
    monkeypatch.setattr(pool_size, "available_memory", lambda: 100 * model.page_bytes)
    assert TorchDevice(model).num_pages == 25
    monkeypatch.setattr(pool_size, "available_memory", lambda: 2**50)
    assert TorchDevice(model).num_pages == 65536


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_lower_precision_runs(dtype: torch.dtype) -> None:
    device = TorchDevice(prepare(models.network("llama").to(dtype), "llama"), 256)
    ids, answer = list(PROMPT), []
    logits = dense_logits(PROMPT)[-1]
    for _ in range(5):
        [drawn] = run(device, chunk(ids[len(answer) and -1 :], start=len(ids) - 1 if answer else 0)).drawn
        assert isinstance(drawn, int)
        answer.append(drawn)
        ids.append(drawn)
    assert logits[answer[0]] > logits.sort().values[-3]  # one of the likeliest in float32
