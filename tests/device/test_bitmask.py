"""Bitmasks: each bit against what its id must become, for batches, widths, types and devices."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
import torch

from sglc.runtime import bitmask as bitmask_module
from sglc.runtime.bitmask import (
    allocate_token_bitmask,
    apply_token_bitmask_inplace,
    fill_next_token_bitmask,
)
from tests.device.test_sampler import automaton

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: not run")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_CUDA])]
TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def bits(bitmask: torch.Tensor, row: int, columns: int) -> list[bool]:
    words = bitmask[row].tolist()
    return [i // 32 < len(words) and bool(words[i // 32] >> i % 32 & 1) for i in range(columns)]


def test_a_new_bitmask_allows_everything() -> None:
    for size, words in ((1, 1), (32, 1), (33, 2), (128_256, 4008)):
        bitmask = allocate_token_bitmask(3, size)
        assert (bitmask.shape, bitmask.dtype) == ((3, words), torch.int32)
        assert (bitmask == -1).all()


def test_rows_are_filled_by_automaton_and_state() -> None:
    rng = Random(0)
    for _ in range(40):
        size = rng.choice([1, 31, 32, 33, 70, 200])
        allowed = [sorted(rng.sample(range(size), rng.randint(0, size))) for _ in range(6)]
        one, two = automaton(allowed[:3], size), automaton(allowed[3:], size)
        width = rng.choice([size, size, size + 40, max(1, size - 33)])
        bitmask = allocate_token_bitmask(5, width)
        bitmask.random_(generator=torch.Generator().manual_seed(0))  # of the step before
        chosen = [rng.choice([one, two, None]) for _ in range(5)]
        states = [rng.randrange(3) for _ in range(5)]
        fill_next_token_bitmask(bitmask, chosen, states)
        for row, (which, state) in enumerate(zip(chosen, states, strict=True)):
            known = set(allowed[state if which is one else 3 + state])
            expected = [which is None or i in known for i in range(width)]
            assert bits(bitmask, row, width) == expected


def test_a_row_of_a_batch_can_be_filled_alone() -> None:
    bitmask = allocate_token_bitmask(3, 40)
    fill_next_token_bitmask(bitmask[1:2], [automaton([[0, 39]], 40)], [0])
    assert [bits(bitmask, row, 40).count(True) for row in range(3)] == [40, 2, 40]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", TYPES)
def test_masked_logits(dtype: torch.dtype, device: str) -> None:
    rng = np.random.default_rng(0)
    for columns in (1, 31, 32, 33, 64, 65, 100, 1000):
        for words in {-(-columns // 32), max(1, columns // 32), columns // 32 + 2}:
            bitmask = torch.from_numpy(rng.integers(-(2**31), 2**31, (4, words), dtype=np.int32))
            bitmask[3] = torch.tensor([-(2**31), -1, 0, 1])[torch.arange(words) % 4].to(torch.int32)
            logits = torch.from_numpy(rng.standard_normal((4, columns))).to(device, dtype)
            for indices in (None, [2, 0], torch.tensor([3]), []):
                masked = logits.clone()
                apply_token_bitmask_inplace(masked, bitmask.to(device), indices)
                for row in range(4):
                    keep = torch.tensor(bits(bitmask, row, columns), device=device)
                    if indices is not None and row not in list(indices):
                        keep[:] = True
                    assert torch.equal(masked[row], logits[row].where(keep, -torch.inf))


def test_both_ways_to_the_bits_agree() -> None:
    """A CPU unpacks bytes, other devices test words; the latter runs on a CPU too."""
    generator = torch.Generator().manual_seed(0)
    bitmask = torch.randint(-(2**31), 2**31, (3, 40), generator=generator).to(torch.int32)
    words = (bitmask.unsqueeze(-1) & bitmask_module._bits(bitmask.device)).eq(0).flatten(1)
    assert torch.equal(bitmask_module._forbidden(bitmask), words)


def test_views_of_logits_are_masked_in_place() -> None:
    whole = torch.zeros(4, 100)
    bitmask = torch.zeros(2, 2, dtype=torch.int32)
    apply_token_bitmask_inplace(whole[1:3, :50], bitmask)
    assert whole.isinf().nonzero().tolist() == [[row, column] for row in (1, 2) for column in range(50)]


WRONG = {
    "rows": (
        lambda: apply_token_bitmask_inplace(torch.zeros(2, 5), torch.zeros(3, 1, dtype=torch.int32)),
        "one row for",
    ),
    "flat": (lambda: apply_token_bitmask_inplace(torch.zeros(5), torch.zeros(1, dtype=torch.int32)), "one row for"),
    "type": (lambda: apply_token_bitmask_inplace(torch.zeros(1, 5), torch.zeros(1, 1)), "give int32 and floats"),
    "integers": (
        lambda: apply_token_bitmask_inplace(torch.zeros(1, 5, dtype=torch.int64), torch.zeros(1, 1, dtype=torch.int32)),
        "give int32 and floats",
    ),
    "automata": (lambda: fill_next_token_bitmask(allocate_token_bitmask(2, 9), [None], [0]), "one row, one constraint"),
    "states": (
        lambda: fill_next_token_bitmask(allocate_token_bitmask(1, 9), [None], [0, 1]),
        "one row, one constraint",
    ),
    "type of a bitmask": (
        lambda: fill_next_token_bitmask(torch.zeros(1, 1, dtype=torch.int64), [None], [0]),
        "make it with allocate_token_bitmask",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused(case: str) -> None:
    call, what = WRONG[case]
    with pytest.raises(ValueError, match=what):
        call()
