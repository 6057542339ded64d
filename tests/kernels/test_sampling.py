"""Sampling: Triton's kernels against the specification in torch, id for id, and that against exact probabilities.

On a CPU Triton's run in its interpreter, whose bfloat16 is wrong and which takes tenths of a second for a row with filters. The
specification itself is tested in tests/device/test_sampler.py too, against float64.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from sglc.kernels import sampling, sampling_torch
from sglc.kernels.choices import BLOCK, NOT_A_NUMBER, NOTHING_ALLOWED, OK, Choice, Edits

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DTYPES = [torch.float32, torch.float16, *([torch.bfloat16] if DEVICE.type == "cuda" else [])]
NO_CUDA = pytest.mark.skipif(DEVICE.type != "cuda", reason="no CUDA device: not run")
SMALL = 64
"""Ids of a block here, so that a few hundred ids are several blocks."""

SAMPLED = Choice(temperature=1.0)
FILTERS = {
    "none": {},
    "top_k": {"top_k": 20},
    "top_p": {"top_p": 0.8},
    "min_p": {"min_p": 0.1},
    "all": {"temperature": 1.5, "top_k": 30, "top_p": 0.9, "min_p": 0.02},
}


@pytest.fixture(params=["torch", "triton"])
def kernels(request: pytest.FixtureRequest) -> ModuleType:
    return sampling_torch if request.param == "torch" else triton_kernels()


def triton_kernels() -> ModuleType:
    pytest.importorskip("triton")
    from sglc.kernels import sampling_triton

    return sampling_triton


def sample(
    kernels: ModuleType,
    logits: Tensor,
    choices: Sequence[Choice],
    masks: Tensor | None = None,
    edits: Edits | None = None,
    block: int = SMALL,
) -> list[tuple[int, float, int]]:
    device = DEVICE if kernels is not sampling_torch else torch.device("cpu")
    if edits is not None:
        edits = Edits(edits.count, edits.rows.to(device), edits.ids.to(device), edits.values.to(device))
    sent = logits if logits.device == device else logits.to(device)
    masks = None if masks is None else masks.to(device)
    return sampling.read(kernels.sample(sent, choices, masks, edits, block))


def ids(kernels: ModuleType, logits: Tensor, choices: Sequence[Choice], **more: object) -> list[int]:
    found = sample(kernels, logits, choices, **more)  # type: ignore[arg-type] # passed on as they are
    assert all(state == OK for *_, state in found)
    return [id_ for id_, _, _ in found]


def random_logits(rows: int, size: int, seed: int = 0, dtype: torch.dtype = torch.float32, scale: float = 3) -> Tensor:
    return (torch.randn((rows, size), generator=torch.Generator().manual_seed(seed)) * scale).to(dtype)


def mask_of(allowed: Sequence[Sequence[int]], size: int) -> Tensor:
    """int32 [len(allowed), words]."""
    bits = np.zeros((len(allowed), -(-size // 32) * 32), dtype=np.uint8)
    for row, some in zip(bits, allowed, strict=True):
        row[list(some)] = 1
    return torch.from_numpy(np.packbits(bits, axis=1, bitorder="little").view(np.int32))


def random_choices(random: Random, count: int) -> list[Choice]:
    return [
        Choice(
            temperature=random.choice([0.0, 0.4, 1.0, 2.5]),
            top_k=random.choice([-1, -1, 1, 7, 40, 10_000]),
            top_p=random.choice([1.0, 1.0, 0.0, 0.3, 0.95]),
            min_p=random.choice([0.0, 0.0, 0.05, 1.0]),
            seed=random.randrange(2**64),
            position=random.randrange(1000),
            score=random.random() < 0.5,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(("size", "dtype"), [(1, torch.float32), (64, torch.float32), *((230, d) for d in DTYPES)])
def test_triton_draws_what_the_specification_draws(size: int, dtype: torch.dtype) -> None:
    """Rows of all kinds in one batch, a padded row stride, masks and edits; and each log probability."""
    kernels, random = triton_kernels(), Random(size)
    rows = 6
    logits = random_logits(rows, size + 3, size, dtype)[:, :size]
    logits[0] = logits[0].round()  # ties
    allowed = [random.sample(range(size), max(1, size // 2)), [size - 1], list(range(size))]
    choices = random_choices(random, rows)
    choices[1], choices[2] = replace(choices[1], mask=0), replace(choices[2], mask=1, bias=0)
    edited = torch.tensor(sorted({0, size // 2}))
    edits = Edits(1, torch.zeros_like(edited), edited, torch.linspace(0.5, 3.0, len(edited)))
    given = (logits, choices, mask_of(allowed, size), edits)
    found, expected = sample(kernels, *given), sample(sampling_torch, *given)
    assert [(id_, state) for id_, _, state in found] == [(id_, state) for id_, _, state in expected]
    likely = logits.double().log_softmax(-1)
    for (id_, logprob, _), row, choice in zip(found, likely, choices, strict=True):
        assert logprob == pytest.approx(float(row[id_]), abs=2e-6, rel=2e-6) if choice.score else np.isnan(logprob)


@pytest.mark.parametrize("name", ["none", "all"])
def test_no_row_depends_on_the_batch(name: str) -> None:
    """Whatever the other row is, and where it stands: id and log probability, bit for bit."""
    kernels = triton_kernels()
    logits, masks = random_logits(2, 130), mask_of([range(0, 130, 3)], 130)
    choice = replace(SAMPLED, **FILTERS[name], seed=5, position=9, score=True)
    [alone] = sample(kernels, logits[:1], [choice])
    assert sample(kernels, logits, [choice, replace(SAMPLED, top_p=0.9, mask=0, seed=1)], masks)[0] == alone
    assert sample(kernels, logits.flip(0), [Choice(), choice])[1] == alone


def test_blocks_of_full_size() -> None:
    kernels, size = triton_kernels(), BLOCK + 1000
    logits = random_logits(2, size)
    logits[0, -1] = 40.0
    choices = [replace(SAMPLED, seed=3), replace(SAMPLED, seed=4, top_p=0.9, score=True)]
    found = sample(kernels, logits, choices, block=BLOCK)
    assert found[0][0] == size - 1
    assert [id_ for id_, *_ in found] == ids(sampling_torch, logits, choices, block=BLOCK)


def test_rows_that_cannot_be_drawn(kernels: ModuleType) -> None:
    """Each fails alone, whether it is greedy, drawn or filtered."""
    size = 90
    kinds = [Choice(), SAMPLED, replace(SAMPLED, top_k=5, top_p=0.5)]
    logits = random_logits(5, size).repeat(3, 1)
    logits[0::5, 70] = torch.nan
    logits[1::5] = -torch.inf
    logits[3::5, 3] = -torch.inf
    masks = mask_of([[], [3]], size)  # nothing is allowed; only one id, which is impossible in the fourth row
    choices = [replace(kind, mask=mask) for kind in kinds for mask in (1, -1, 0, 1, 1)]
    found = sample(kernels, logits, choices, masks)
    assert [state for *_, state in found] == [NOT_A_NUMBER, NOTHING_ALLOWED, NOTHING_ALLOWED, NOTHING_ALLOWED, OK] * 3
    assert [id_ for id_, _, _ in found[4::5]] == [3, 3, 3]


EDGES = {
    "temperature 0": (Choice(top_k=3, top_p=0.1), {1}),
    "a tiny temperature": (Choice(temperature=1e-30), {1, 4}),
    "top_k 1 keeps the lowest of equal ids": (Choice(temperature=5.0, top_k=1), {1}),
    "top_k at a tie": (Choice(temperature=100.0, top_k=4), {1, 4, 0, 2}),
    "top_k 5 and a tie": (Choice(temperature=100.0, top_k=5), {1, 4, 0, 2, 6}),
    "top_k of all": (Choice(temperature=1e9, top_k=8), set(range(8))),
    "top_k of more than all": (Choice(temperature=1e9, top_k=1000), set(range(8))),
    "top_p 0": (Choice(temperature=5.0, top_p=0.0), {1}),
    "top_p at a tie": (Choice(temperature=1e30, top_p=0.5), {1, 4, 0, 2}),  # all equally likely, in their order
    "min_p 1": (Choice(temperature=5.0, min_p=1.0), {1, 4}),
    "min_p at one place": (Choice(temperature=1.0, min_p=float(np.exp(-1.001))), {1, 4, 0, 2, 6}),
    "a huge temperature": (Choice(temperature=1e38), set(range(8))),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str) -> None:
    """Over many positions exactly these ids: 1 and 4 are the likeliest, 0, 2 and 6 the next, 3, 5 and 7 are less likely."""
    choice, expected = EDGES[name]
    logits = torch.tensor([[2.0, 3.0, 2.0, 0.5, 3.0, -1.0, 2.0, 0.25]])
    some = [replace(choice, seed=7, position=i) for i in range(120)]
    assert set(ids(sampling_torch, logits.expand(120, 8), some)) == expected
    assert ids(triton_kernels(), logits, some[:1], block=32) == ids(sampling_torch, logits, some[:1])


@pytest.mark.filterwarnings("ignore:invalid value encountered in add")  # the interpreter's numpy
def test_impossible_and_infinite_logits(kernels: ModuleType) -> None:
    logits = torch.full((4, 70), -torch.inf)
    logits[:, 68] = 1.0
    logits[2:, 3] = torch.inf  # is taken, unless it is forbidden
    logits[3, 2] = -0.0
    forbidden = Edits(1, torch.tensor([0, 0]), torch.tensor([3, 68]), torch.tensor([-torch.inf, -torch.inf]))
    choices = [replace(SAMPLED, top_k=40), replace(SAMPLED, top_p=0.9), SAMPLED, replace(SAMPLED, bias=0, min_p=0.1)]
    assert ids(kernels, logits, choices, edits=forbidden) == [68, 68, 3, 2]


def test_zeros_of_both_signs_are_equal(kernels: ModuleType) -> None:
    logits = torch.tensor([[-0.0, 0.0, -1.0], [0.0, -0.0, -1.0]])
    assert ids(kernels, logits, [replace(SAMPLED, top_k=1)] * 2) == [0, 0]
    assert ids(kernels, logits, [Choice()] * 2) == [0, 0]


def test_masks_of_another_width(kernels: ModuleType) -> None:
    """Ids beyond the mask are not allowed; bits beyond the ids do nothing."""
    logits = random_logits(2, 70)
    logits[:, 69] = 50.0
    logits[:, 5] = 40.0
    choices = [replace(SAMPLED, mask=0), Choice(mask=0)]
    assert ids(kernels, logits, choices, masks=mask_of([range(32)], 32)) == [5, 5]
    assert ids(kernels, logits, choices, masks=mask_of([range(200)], 200)) == [69, 69]


def test_an_id_that_is_unlikely_is_drawn_where_nothing_else_is_allowed(kernels: ModuleType) -> None:
    """Weights are those among the allowed ids: not of what a mask hides."""
    logits = torch.zeros(1, 200)
    logits[0, 9] = 1e4
    choice = replace(SAMPLED, mask=0)
    for filters in ({}, {"top_k": 2}, {"top_p": 0.99}):
        found = sample(kernels, logits, [replace(choice, score=True, **filters)], mask_of([[150]], 200))
        assert found == [(150, -1e4, OK)]


def test_what_was_in_memory_before_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = triton_kernels()
    logits = random_logits(3, 100)
    choices = [Choice(), replace(SAMPLED, score=True), replace(SAMPLED, top_k=9, top_p=0.8)]
    expected = sample(kernels, logits, choices)
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *a, **k: empty(*a, **k).fill_(2**30))
    assert repr(sample(kernels, logits, choices)) == repr(expected)


def chi_square(counts: Counter[int], p: Sequence[float]) -> float:
    total = counts.total()
    return sum((counts[i] - total * x) ** 2 / (total * x) for i, x in enumerate(p))


@pytest.mark.parametrize("ascending", [False, True])
def test_draws_over_several_blocks_follow_the_distribution(ascending: bool) -> None:
    logits = random_logits(1, 100, scale=0.7)
    logits = logits.sort(dim=-1).values if ascending else logits
    choices = [replace(SAMPLED, position=i) for i in range(3000)]
    found = ids(sampling_torch, logits.expand(3000, -1), choices, block=32)
    assert chi_square(Counter(found), logits[0].double().softmax(-1).tolist()) < 99 + 4 * (2 * 99) ** 0.5


def test_too_many_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="give less than 1048576"):
        triton_kernels().sample(torch.zeros(1, 1 << 20), [Choice()], None, None, BLOCK)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("size", [131_072, 128_256, 50_257])
@pytest.mark.gpu
@NO_CUDA
def test_wide_rows_on_a_gpu(size: int, dtype: torch.dtype) -> None:
    """As the specification draws them, and alone as in the batch. Exponentials differ in the last place there: of a row's
    draws one in some millions may differ, so of 64 rows none."""
    kernels = triton_kernels()
    random = Random(size)
    logits = random_logits(64, size, size, dtype)
    logits[32:] /= 3  # flat
    choices = random_choices(random, 64)
    masks = mask_of([random.sample(range(size), size // 3), [size - 1]], size)
    choices = [replace(c, mask=random.choice([-1, -1, 0, 1])) for c in choices]
    found = sample(kernels, logits, choices, masks, block=BLOCK)
    expected = sample(sampling_torch, logits, choices, masks, block=BLOCK)
    assert [(id_, state) for id_, _, state in found] == [(id_, state) for id_, _, state in expected]
    for i in range(0, 64, 5):
        assert repr(sample(kernels, logits[i : i + 1], choices[i : i + 1], masks, block=BLOCK)) == repr([found[i]])


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.gpu
@NO_CUDA
def test_many_draws_on_a_gpu_are_those_of_the_specification(name: str) -> None:
    logits = random_logits(1, 2000).expand(4096, -1)
    choices = [replace(SAMPLED, **FILTERS[name], seed=3, position=i) for i in range(4096)]
    expected = ids(sampling_torch, logits, choices, block=128)
    found = ids(triton_kernels(), logits.contiguous(), choices, block=128)
    assert sum(a != b for a, b in zip(found, expected, strict=True)) <= 1
