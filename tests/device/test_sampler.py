"""Draws: against the exact distribution, against a plain reference of the filters, and independent of the batch."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.ir.automaton import complete
from sglc.ir.errors import RunError
from sglc.ir.tokens import TokenAutomaton
from sglc.kernels import choices
from sglc.kernels.choices import BLOCK
from sglc.runtime.engine import sampler
from sglc.runtime.engine.device import Draw
from sglc.runtime.mask_table import MaskTable

GREEDY = Draw(
    temperature=0.0,
    top_p=1.0,
    top_k=-1,
    min_p=0.0,
    frequency_penalty=0.0,
    presence_penalty=0.0,
    seed=0,
    position=0,
)
SAMPLED = dataclasses.replace(GREEDY, temperature=1.0)


def automaton(allowed: list[list[int]], size: int) -> TokenAutomaton:
    """State i allows the ids allowed[i]; nothing else of it is looked at by the sampler."""
    following = np.full((len(allowed), size), -1, dtype=np.int32)
    for state, ids in enumerate(allowed):
        following[state, ids] = state
    return complete(
        class_of=np.arange(size, dtype=np.int32),
        next_state=following,
        accept=np.ones(len(allowed), dtype=np.bool_),
        ends=np.empty(0, dtype=np.int32),
        byte_class=np.zeros(256, dtype=np.uint8),
        moves=np.full((len(allowed), 1), -1, dtype=np.int32),
    )


def ids(logits: torch.Tensor, draws: list[Draw]) -> list[int | Exception]:
    return [drawn.id for drawn in sampler.draw(logits, draws)]


def one(logits: list[float] | torch.Tensor, draw: Draw) -> int:
    [answer] = ids(torch.as_tensor(logits, dtype=torch.float32)[None], [draw])
    assert isinstance(answer, int), answer
    return answer


def kept_by_reference(logits: list[float], d: Draw) -> dict[int, float]:
    """Ids and probabilities that the filters leave: temperature, top-k, top-p, min-p, one after the other."""
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    if d.top_k > 0:
        order = order[: d.top_k]
    weights = {i: float(np.exp((logits[i] - logits[order[0]]) / d.temperature)) for i in order}
    total = sum(weights.values())
    p = {i: w / total for i, w in weights.items()}
    kept: dict[int, float] = {}
    mass = 0.0
    for i in order:
        if mass >= d.top_p:
            break
        kept[i] = p[i]
        mass += p[i]
    kept = {i: x for i, x in kept.items() if x >= d.min_p * p[order[0]]}
    total = sum(kept.values())
    return {i: x / total for i, x in kept.items()}


def chi_square(counts: Counter[int], expected: dict[int, float], total: int) -> float:
    return sum((counts[i] - p * total) ** 2 / (p * total) for i, p in expected.items())


FILTERS = {
    "none": SAMPLED,
    "temperature": dataclasses.replace(SAMPLED, temperature=0.6),
    "top_k": dataclasses.replace(SAMPLED, top_k=4),
    "top_p": dataclasses.replace(SAMPLED, top_p=0.7),
    "min_p": dataclasses.replace(SAMPLED, min_p=0.2),
    "all": dataclasses.replace(SAMPLED, temperature=1.3, top_k=7, top_p=0.9, min_p=0.1),
}


@pytest.mark.parametrize("draw", FILTERS.values(), ids=FILTERS.keys())
def test_draws_follow_the_distribution(draw: Draw) -> None:
    """Chi-square over 6,000 positions of one seed; the limit is beyond the 99.99th percentile."""
    logits = [1.0, -0.5, 2.0, 0.3, 0.3, -2.0, 1.5, 0.0, -1.0, 0.9]
    expected = kept_by_reference(logits, draw)
    total = 6000
    counts = Counter(one(logits, dataclasses.replace(draw, seed=11, position=i)) for i in range(total))
    assert set(counts) <= set(expected)
    degrees = len(expected) - 1
    assert chi_square(counts, expected, total) < degrees + 4 * (2 * degrees) ** 0.5 + 8


@settings(max_examples=150, deadline=None)
@given(
    logits=st.lists(st.integers(-6, 6).map(lambda x: x / 2), min_size=1, max_size=12),
    temperature=st.sampled_from([0.3, 1.0, 2.0]),
    top_k=st.sampled_from([-1, 1, 3, 50]),
    top_p=st.sampled_from([0.05, 0.5, 0.93, 1.0]),
    min_p=st.sampled_from([0.0, 0.15, 1.0]),
    seed=st.integers(0, 2**64 - 1),
)
def test_only_ids_that_the_filters_keep(
    logits: list[float], temperature: float, top_k: int, top_p: float, min_p: float, seed: int
) -> None:
    draw = dataclasses.replace(
        SAMPLED, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed, position=3
    )
    assert one(logits, draw) in kept_by_reference(logits, draw)


def drawn_by_reference(logits: list[float], d: Draw) -> int:
    """In float64: a block of 8,192 ids, an id in it, and again among the ids before one that the filters do not keep."""
    kept = set(kept_by_reference(logits, d))
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    top = logits[order[0]]
    if d.top_k > 0:
        order = order[: d.top_k]
    candidates = [i for i in order if d.min_p == 0 or logits[i] >= top + d.temperature * np.log(d.min_p)]
    numbers = (choices.number(choices.key(d.seed, d.position), i) / 2**64 for i in itertools.count())
    while True:
        weights = np.zeros(-(-len(logits) // BLOCK) * BLOCK)
        weights[candidates] = np.exp((np.array(logits)[candidates] - top) / d.temperature)
        blocks = weights.reshape(-1, BLOCK)
        block = place(blocks.sum(axis=1), next(numbers))
        chosen = block * BLOCK + place(blocks[block], next(numbers))
        if chosen in kept:
            return chosen
        candidates = candidates[: candidates.index(chosen)]


def place(weights: np.ndarray, number: float) -> int:
    cumulative = np.cumsum(weights) / weights.sum()
    assert abs(cumulative - number).min() > 1e-9, "too near to tell"
    return int((cumulative < number).sum())


def test_large_vocabularies() -> None:
    random = Random(0)
    for seed in range(120):
        size = random.choice([900, 1024, 1025, 5000, 8192, 8193, 20000])
        logits = (torch.randn(size, generator=torch.Generator().manual_seed(seed)) * random.choice([0.1, 1, 4])).round(
            decimals=random.choice([0, 1, 6])  # with ties
        )
        draw = dataclasses.replace(
            SAMPLED,
            temperature=random.choice([0.3, 1.0, 3.0]),
            top_k=random.choice([-1, -1, 40, 1500]),
            top_p=random.choice([1.0, 0.2, 0.95, 0.9999]),
            min_p=random.choice([0.0, 0.0, 0.01]),
            seed=seed,
        )
        assert one(logits, draw) == drawn_by_reference(logits.double().tolist(), draw)


def random_draw(random: Random, size: int) -> Draw:
    return Draw(
        temperature=random.choice([0.0, 0.0, 0.7, 1.5]),
        top_p=random.choice([1.0, 0.8]),
        top_k=random.choice([-1, 5]),
        min_p=random.choice([0.0, 0.05]),
        frequency_penalty=random.choice([0.0, 0.5]),
        presence_penalty=random.choice([0.0, 0.3]),
        seed=random.randrange(2**63),
        position=random.randrange(1000),
        history=[random.randrange(size) for _ in range(random.randrange(6))],
        constraint=automaton([random.sample(range(size), 9)], size) if random.random() < 0.4 else None,
        state=0,
        forbidden=frozenset(random.sample(range(size), 3)) if random.random() < 0.3 else frozenset(),
    )


def test_draws_do_not_depend_on_the_batch() -> None:
    random = Random(0)
    size = 70
    logits = torch.randn((60, size), generator=torch.Generator().manual_seed(0))
    draws = [random_draw(random, size) for _ in range(60)]
    together = ids(logits, draws)
    assert together == [ids(logits[i : i + 1], [d])[0] for i, d in enumerate(draws)]
    assert together[20:45] == ids(logits[20:45], draws[20:45])
    order = random.sample(range(60), 60)
    assert [together[i] for i in order] == ids(logits[order], [draws[i] for i in order])


def test_numbers_depend_on_seed_position_and_index_alone() -> None:
    keys = {choices.key(seed, position) for seed in range(50) for position in range(50)}
    values = {choices.number(key, index) / 2**64 for key in keys for index in range(4)}
    assert len(keys) == 2500
    assert len(values) == 10000
    assert all(0 <= v < 1 for v in values)
    assert abs(np.mean(list(values)) - 0.5) < 0.01
    assert choices.key(2**64 - 1, 2**40) == choices.key(-1, 2**40)
    assert choices.key(1, 2) != choices.key(2, 1)


def test_numbers_are_those_of_splitmix64() -> None:
    """The first ones from the state 1234567, as the authors' program prints them."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [choices.number(1234567, i) for i in range(4)] == expected


def test_greedy_takes_the_lowest_of_equal_ids() -> None:
    assert one([1.0, 3.0, 3.0, 2.0], GREEDY) == 1
    masked = dataclasses.replace(GREEDY, constraint=automaton([[0, 2, 3]], 4), state=0)
    assert one([1.0, 3.0, 3.0, 3.0], masked) == 2


def test_the_mask_is_that_of_the_state() -> None:
    size = 70
    states = automaton([[1, 31, 32], [64, 69], [0]], size)
    logits = torch.arange(size, dtype=torch.float32)
    drawn = [one(logits, dataclasses.replace(GREEDY, constraint=states, state=s)) for s in range(3)]
    assert drawn == [32, 69, 0]
    hot = [
        one(logits, dataclasses.replace(SAMPLED, temperature=50.0, constraint=states, state=0, seed=i))
        for i in range(50)
    ]
    assert set(hot) == {1, 31, 32}


@pytest.mark.parametrize("size", [60, 70, 100])
def test_masks_of_another_width_than_the_logits(size: int) -> None:
    """Columns without a bit in the mask are not allowed; bits without a column do nothing."""
    states = automaton([[3, 65]], 70)
    assert one(torch.arange(size, dtype=torch.float32), dataclasses.replace(GREEDY, constraint=states, state=0)) == (
        65 if size > 65 else 3
    )


def test_forbidden_ids_are_not_drawn() -> None:
    assert one([1.0, 5.0, 4.0], dataclasses.replace(GREEDY, forbidden=frozenset({1, 99}))) == 2


def test_penalties_count_the_history() -> None:
    logits = [3.0, 2.5, 1.0]
    history = [0, 0, 1]
    assert one(logits, dataclasses.replace(GREEDY, history=history)) == 0
    assert one(logits, dataclasses.replace(GREEDY, history=history, frequency_penalty=0.6)) == 1  # 1.8, 1.9, 1.0
    assert one(logits, dataclasses.replace(GREEDY, history=history, presence_penalty=2.5)) == 2  # 0.5, 0.0, 1.0
    assert one(logits, dataclasses.replace(GREEDY, history=[0] * 9 + [99], presence_penalty=0.4)) == 0


BROKEN = {
    "not numbers": ([1.0, float("nan"), 0.0], GREEDY, "not numbers"),
    "not numbers, sampled": ([1.0, float("nan"), 0.0], SAMPLED, "not numbers"),
    "not numbers where nothing is allowed": (
        [1.0, float("nan"), 0.0],
        dataclasses.replace(GREEDY, constraint=automaton([[0, 2]], 3), state=0),
        "not numbers",
    ),
    "not numbers, nothing else allowed": (
        [1.0, 2.0, float("nan")],
        dataclasses.replace(SAMPLED, constraint=automaton([[0]], 3), state=0),
        "not numbers",
    ),
    "all impossible": ([-np.inf] * 3, GREEDY, "no token is allowed"),
    "nothing allowed": (
        [1.0, 2.0, 3.0],
        dataclasses.replace(SAMPLED, constraint=automaton([[]], 3), state=0),
        "no token",
    ),
    "only forbidden": (
        [1.0, 2.0, 3.0],
        dataclasses.replace(GREEDY, constraint=automaton([[1]], 3), state=0, forbidden=frozenset({1})),
        "no token is allowed",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_row_that_cannot_be_drawn_fails_alone(case: str) -> None:
    logits, draw, what = BROKEN[case]
    rows = torch.tensor([[5.0, 1.0, 0.0], logits, [0.0, 1.0, 7.0]], dtype=torch.float32)
    first, broken, last = ids(rows, [GREEDY, draw, GREEDY])
    assert (first, last) == (0, 2)
    assert isinstance(broken, RunError)
    assert what in broken.what
    assert broken.hint


def test_infinite_temperature_limits() -> None:
    assert one([0.0, np.inf, 1.0], SAMPLED) == 1
    assert one([0.0, 1000.0, 1.0], dataclasses.replace(SAMPLED, temperature=1e-9)) == 1


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_log_probabilities(scale: float) -> None:
    logits = scale * torch.randn(500, generator=torch.Generator().manual_seed(0))
    expected = logits.double().log_softmax(-1)
    found = sampler.scores(logits, [499, 3, 0, 3], 5)
    assert [score.id for score in found] == [499, 3, 0, 3]
    assert [score.logprob for score in found] == pytest.approx(expected[[499, 3, 0, 3]].tolist(), abs=1e-12)
    likeliest = expected.topk(5)
    for score in found:
        assert [i for i, _ in score.top] == likeliest.indices.tolist()
        assert [logprob for _, logprob in score.top] == pytest.approx(likeliest.values.tolist(), abs=1e-12)
    assert sampler.scores(logits, [3]) == [sampler.Score(3, found[1].logprob)]


def test_log_probabilities_at_the_edges() -> None:
    logits = torch.tensor([1.0, 3.0, -np.inf, 3.0])
    assert [i for i, _ in sampler.scores(logits, [0], 9)[0].top] == [1, 3, 0, 2]
    impossible, outside = sampler.scores(logits, [2, 4], 1)
    assert (impossible.logprob, outside.logprob) == (-np.inf, -np.inf)
    assert impossible.top[0][0] == 1
    assert np.isnan(sampler.scores(torch.tensor([1.0, np.nan]), [0])[0].logprob)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: not run")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_gpu_draws_the_same_and_waits_only_to_be_read(dtype: torch.dtype) -> None:
    random, size = Random(0), 20000
    logits = torch.randn((64, size), generator=torch.Generator().manual_seed(0)).mul(4).to("cuda", dtype)
    draws = [dataclasses.replace(random_draw(random, size), score=True) for _ in range(64)]
    table = MaskTable(-(-size // 32), "cuda")
    sampler.start(logits, draws, table)  # compiles the kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        started = sampler.start(logits, draws, table)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    found = sampler.read(started, draws)
    assert [drawn.id for drawn in found] == ids(logits.cpu(), draws)
    expected = logits.double().log_softmax(-1).cpu()
    for (id_, logprob), row in zip(found, expected, strict=True):
        assert isinstance(id_, int)
        assert logprob == pytest.approx(float(row[id_]), abs=1e-5, rel=1e-5)
