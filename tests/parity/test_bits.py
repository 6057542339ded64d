"""In float32 a row's logits have the same bits whatever else is in the batch, in the cache, or on its way: on a CPU always, on
a GPU with exact products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.request import Request, Score
from sglc.runtime.engine.torch_device import TorchDevice
from tests import models
from tests.engine.support import Bytes, automaton
from tests.parity.support import ON_CUDA, Book, answers, engine, finished, generate, random_prompts, tiny

PROMPT = random_prompts([40])[0]
OTHERS = random_prompts([1 + (i * 37) % 70 for i in range(40)], seed=1)


Place = Literal["one thread", "two threads", "cuda"]


def cases(one_thread: Iterable[str], two_threads: Iterable[str] = ()) -> list[Any]:
    """Names of models with the places where they are computed; all of them on a GPU too."""
    return [
        *((name, "one thread") for name in one_thread),
        *((name, "two threads") for name in two_threads),
        *(pytest.param(name, "cuda", marks=ON_CUDA) for name in sorted({*one_thread, *two_threads})),
    ]


OF_EACH_KIND = ("llama", "qwen3_moe", "gemma2", "gpt_oss")
"""Of product."""
ENGINES = ("llama", "qwen3_moe")
CASES = cases(models.CONFIGS, OF_EACH_KIND)


@pytest.fixture
def model(name: str, place: Place) -> Model:
    torch.set_num_threads(2 if place == "two threads" else 1)  # the fixture of every test sets it back
    return tiny(name, "cuda", exact=True) if place == "cuda" else tiny(name)


def whole(model: Model, ids: list[int]) -> Tensor:
    """The logits of all rows, computed alone, at once, by one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = Book(model).rows([(ids, [])])[0]
    torch.set_num_threads(before)
    return rows


def cuts_of(name: str) -> list[list[int]]:
    """Ways to cut the prompt: all in two for Llama, some for the others; some in more."""
    random = Random(0)
    more = [sorted(random.sample(range(1, 40), k)) for k in (2, 3, 5, 8, 13, 20, 39)]
    return [[i] for i in range(1, 40)] + more if name == "llama" else [[1], [24], [39], more[2]]


@pytest.mark.parametrize(("name", "place"), CASES)
def test_every_split_into_chunks(name: str, model: Model) -> None:
    expected = whole(model, PROMPT)
    book = Book(model)
    for cuts in cuts_of(name):
        pages: list[int] = []
        rows = [book.rows([(PROMPT[a:b], pages)])[0] for a, b in zip([0, *cuts], [*cuts, len(PROMPT)], strict=True)]
        assert torch.equal(torch.cat(rows), expected), cuts


@pytest.mark.parametrize(("name", "place"), CASES)
def test_every_hit_length(name: str, model: Model) -> None:
    """The prefix was computed by others, in a batch with more of them; the rest is computed alone."""
    expected = whole(model, PROMPT)
    book = Book(model)
    for hit in range(0, 40, 1 if name == "llama" else 17):
        pages: list[int] = []
        noise: list[tuple[list[int], list[int]]] = [(OTHERS[hit], []), (OTHERS[39 - hit], [])]
        prefix = book.rows([noise[0], (PROMPT[:hit], pages), noise[1]] if hit else noise)
        assert torch.equal(prefix[1], expected[:hit]) or not hit
        assert torch.equal(book.rows([(PROMPT[hit:], pages)])[0], expected[hit:]), hit


@pytest.mark.parametrize(("name", "place"), CASES)
def test_rows_alone_and_in_batches_of_1_to_40(name: str, model: Model) -> None:
    """Prompts of many lengths in one batch, then one more id for each of them in one batch."""
    size = 40 if name == "llama" else 9
    alone = [whole(model, [*ids, 7]) for ids in OTHERS[:size]]
    for count in range(1, size + 1) if name == "llama" else (3, size):
        book = Book(model)
        pages: list[list[int]] = [[] for _ in range(count)]
        prefill = book.rows([(ids, p) for ids, p in zip(OTHERS, pages, strict=False)])
        decode = book.rows([([7], p) for p in pages])
        for i in range(count):
            assert torch.equal(torch.cat([prefill[i], decode[i]]), alone[i]), (count, i)


@pytest.mark.parametrize(("name", "place"), cases(("mistral", "gpt_oss"), ("llama",)))
def test_branches_of_a_fork_share_their_prefix(model: Model) -> None:
    """Equal pages are attended to together: 70 branches fill several tiles, 2 branches part of one."""
    prefix = random_prompts([130], seed=2)[0]
    for count in (2, 6, 70):
        book = Book(model)
        shared: list[int] = []
        book.rows([(prefix, shared)])
        tails = [[i, i + 1, 3] for i in range(count)]
        pages = [list(shared) for _ in tails]
        rows = book.rows([(tail, p) for tail, p in zip(tails, pages, strict=True)])
        for i in range(0, count, 23):
            assert torch.equal(rows[i], whole(model, prefix + tails[i])[len(prefix) :])


@pytest.mark.parametrize(("name", "place"), cases(ENGINES))
def test_a_six_way_fork_in_any_order(model: Model) -> None:
    prefix = random_prompts([70], seed=3)[0]
    branches = [prefix + tail for tail in random_prompts([1, 3, 5, 9, 14, 30], seed=4)]
    expected = [generate(engine(TorchDevice(model, 1024)), [b], 24)[0] for b in branches]
    random = Random(0)
    for _ in range(12):
        order = random.sample(range(6), 6)
        core = engine(TorchDevice(model, 1024), chunk_tokens=random.choice([16, 64, 512]))
        assert generate(core, [branches[i] for i in order], 24) == [expected[i] for i in order], order


@pytest.mark.parametrize(("name", "place"), cases(["llama"]))
def test_sampled_answers_do_not_depend_on_the_batch_or_the_pool(model: Model) -> None:
    requests = [
        Request(ids=ids, max_tokens=20, temperature=0.9, top_p=0.95, seed=i, presence_penalty=0.2)
        for i, ids in enumerate(OTHERS[:12])
    ]
    expected = [answers(engine(TorchDevice(model, 1024)), [r])[0] for r in requests]
    assert len({tuple(a) for a in expected}) == 12
    assert answers(engine(TorchDevice(model, 4096)), requests) == expected
    assert answers(engine(TorchDevice(model, 150), chunk_tokens=17), requests[::-1]) == expected[::-1]


LETTERS = (None, *(bytes([97 + n]) for n in range(26)), *[None] * (models.VOCABULARY - 27))
FORCED = automaton(  # ids forced at the beginning, between draws and in the end
    {0: {"x": 1}, 1: {"y": 2}, 2: {"a": 3, "b": 3, "c": 3}, 3: {"k": 4}, 4: {"a": 5, "z": 5}, 5: {"l": 6}, 6: {}},
    {6},
    LETTERS,
)


def scores(core: EngineCore, requests: list[Request]) -> list[tuple[tuple[Score, ...], tuple[Score, ...]]]:
    return [(event.prompt_scores, event.answer_scores) for event in finished(core, requests)]


@pytest.mark.parametrize(("name", "place"), cases(ENGINES))
def test_log_probabilities_have_the_same_bits_however_they_are_computed(model: Model) -> None:
    base = Request(ids=PROMPT, max_tokens=12, score_answer=True, score_top=3)
    requests = [
        base,
        replace(base, score_from=1, temperature=1.2, seed=3),
        replace(base, ids=PROMPT + OTHERS[3], score_from=20, score_top=0),
        replace(base, ids=PROMPT[:30], constraint=FORCED, score_from=29),
        replace(base, ids=OTHERS[5], constraint=FORCED, temperature=2.0, frequency_penalty=0.5),
        replace(base, max_tokens=0, score_from=7),
    ]

    def fresh(pages: int = 1024, **options: Any) -> EngineCore:
        return EngineCore(TorchDevice(model, pages), Bytes(LETTERS), **options)

    expected = [scores(fresh(), [request])[0] for request in requests]
    assert [len(answer) for _, answer in expected] == [12, 12, 12, 6, 6, 0]
    together = fresh()
    assert scores(together, requests) == expected, "batched, cold"
    assert scores(together, requests[::-1]) == expected[::-1], "batched, warm"
    assert [scores(together, [request])[0] for request in requests] == expected, "one by one, warm"
    small = fresh(pages=106, chunk_tokens=11, headroom_tokens=0)
    assert scores(small, requests * 3) == expected * 3, "in chunks, in a pool for a few requests at a time"
    stats = small.stats
    assert stats.prefilled_tokens + stats.cached_tokens > stats.prompt_tokens, "some request was preempted"


BRANCHES = [[5, 6, 7], [5, 6, 8, 9], [5], [10], [11, 12, 13, 5, 6, 7, 8, 9, 10, 11, 12], [5, 6], [11, 12, 13, 5, 7]]


@pytest.mark.parametrize(("name", "place"), cases(models.CONFIGS))
def test_branches_have_the_scores_of_each_alone(model: Model) -> None:
    """Bit for bit, with prompts that end before, at and after the end of a chunk of keys."""
    for prompt in (PROMPT[:1], PROMPT, random_prompts([64], seed=5)[0], random_prompts([131], seed=6)[0]):
        singles = [Request(ids=prompt + branch, score_from=len(prompt)) for branch in BRANCHES]
        expected = tuple(scores(engine(TorchDevice(model, 1024)), [single])[0][0] for single in singles)
        together = Request(ids=prompt, branches=BRANCHES)
        other = Request(ids=OTHERS[7] + prompt, branches=BRANCHES[::-1])
        cold, warm, cut = (engine(TorchDevice(model, 1024), chunk_tokens=n) for n in (512, 512, 4))
        assert finished(cold, [together])[0].branch_scores == expected
        assert cold.stats.forward_passes == 1
        assert finished(warm, [Request(ids=prompt), other, together])[2].branch_scores == expected
        assert finished(cut, [other, together])[1].branch_scores == expected
