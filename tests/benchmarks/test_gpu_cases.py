"""The cases of `benchmarks.gpu` on tiny shapes: what is right passes its check, and what is wrong does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import _gpu_attention as attention
from benchmarks import _gpu_attention_peers as peers
from benchmarks import _gpu_cascade as cascade
from benchmarks import _gpu_elementwise as elementwise
from benchmarks import _gpu_sampling as sampling
from benchmarks._gpu_attention import TINY, Inputs, Work, inputs_of, permutation, sample
from benchmarks._gpu_kernels import right_ones
from benchmarks._gpu_sampling import Settings
from benchmarks._gpu_stage import Stage
from benchmarks._gpu_table import Table
from sglc.kernels.work import Cut, items_of

CPU = torch.device("cpu")
WORKS = [
    Work("decode", TINY, 3, 69, 1),
    Work("first row", TINY, 2, 0, 1),
    Work("cold", TINY, 2, 0, 40),
    Work("after a prefix", TINY, 2, 30, 20),
]


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_attention_passes_and_a_wrong_row_does_not(work: Work) -> None:
    for inputs in inputs_of(work, 2, CPU, torch.float32):
        result = inputs.check()
        assert result.shape == (work.rows, TINY.heads, TINY.dim)
        for wrong in (result.index_fill(0, torch.tensor(work.rows - 1), 0.0), torch.full_like(result, torch.nan)):
            with pytest.raises(AssertionError, match="off by"):
                inputs.check_rows(wrong)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_attention_passes_in_tritons_interpreter(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    if not torch.cuda.is_available():
        pytest.importorskip("triton")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    from sglc.kernels.attention_triton import paged_attention

    monkeypatch.setattr(attention, "paged_attention", paged_attention)
    for work in (Work("decode", TINY, 2, 69, 1), Work("extend", TINY, 1, 5, 40)):
        inputs_of(work, 1, device, dtype)[0].check()


def test_sets_of_inputs_share_no_page_and_pages_are_scattered() -> None:
    work = Work("", TINY, 2, 30, 2)
    sets = inputs_of(work, 3, CPU, torch.float32)
    pages = np.concatenate([span.pages for inputs in sets for span in inputs.plan.spans])
    assert sorted(pages) == list(range(3 * 2 * 32))
    assert (np.diff(pages) != 1).mean() > 0.9
    assert not torch.equal(sets[0].query, sets[1].query)


def test_pages_in_runs() -> None:
    pages = permutation(64, run=16)
    assert sorted(pages) == list(range(64))
    assert all(np.array_equal(np.diff(run), np.ones(15)) for run in pages.reshape(-1, 16))
    with pytest.raises(ValueError, match="no whole number of runs"):
        permutation(60, run=16)


def test_checked_rows_have_both_ends() -> None:
    assert sample(5, 8) == [0, 1, 2, 3, 4]
    rows = sample(1000, 8)
    assert len(set(rows)) == 8
    assert rows == sorted(rows)
    assert (rows[0], rows[-1]) == (0, 999)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_every_way_of_torch_computes_the_same(work: Work) -> None:
    sets = inputs_of(work, 2, CPU, torch.float32)
    ways = peers.ways(work, sets, flex=True, gathered=True)
    assert ("sdpa flash, packed" in ways) == (work.count == 1)
    assert right_ones(work, sets, ways).keys() == ways.keys()
    expected = [inputs.attend() for inputs in sets]
    for calls in ways.values():
        for call, result in zip(calls, expected, strict=True):
            found = call()
            assert isinstance(found, Tensor)
            torch.testing.assert_close(peers.as_rows(work, found), result, rtol=0, atol=1e-5)


def test_a_way_that_computes_something_else_is_no_peer(capsys: pytest.CaptureFixture[str]) -> None:
    work = WORKS[0]
    sets = inputs_of(work, 1, CPU, torch.float32)
    zeros = torch.zeros((3, TINY.heads, 1, TINY.dim))
    assert right_ones(work, sets, {"zeros": [lambda: zeros], "text": [lambda: "no tensor"]}) == {}
    told = capsys.readouterr().err
    assert "zeros is left out: AssertionError" in told
    assert "text is left out: TypeError" in told


def test_branches_together_and_plain_differ_in_what_they_read_alone() -> None:
    fork = cascade.Fork(TINY, 3, 512, 5)
    pairs = cascade.inputs_of(fork, 2, CPU, torch.float32)
    for together, plain in pairs:
        assert torch.equal(together.check(), plain.check())
        counts = [items_of(inputs.plan, Cut(None, 4)) for inputs in (together, plain)]
        assert [0 if items is None else len(items.table) for items in counts] == [2 + 3, 3 * 3]
    first = {int(page) for inputs in pairs[0] for span in inputs.plan.spans for page in span.pages}
    second = {int(page) for inputs in pairs[1] for span in inputs.plan.spans for page in span.pages}
    assert first.isdisjoint(second)


def test_plain_branches_share_nearly_all_pages() -> None:
    (pair,) = cascade.inputs_of(cascade.Fork(TINY, 2, 512, 5), 1, CPU, torch.float32)
    (a, b) = (span.pages for span in pair[1].plan.spans)
    assert (a[:512] != b[:512]).sum() == 512 // cascade.OWN


KERNELS = {
    "norm": elementwise.norm(elementwise.DRY),
    "silu": elementwise.silu(elementwise.DRY),
    "rotary": elementwise.rotary(elementwise.DRY),
}


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_small_kernels_pass_and_wrong_ones_do_not(kernel: elementwise.Kernel, dtype: torch.dtype) -> None:
    inputs = kernel.make(5, CPU, dtype)
    elementwise.check(kernel, inputs)
    wrong = replace(kernel, ours=lambda *x: tuple(result * 1.1 for result in kernel.ours(*x)))
    with pytest.raises(AssertionError, match="off by"):
        elementwise.check(wrong, inputs)
    plain = kernel.plain(*kernel.make(5, CPU, torch.float32))
    assert len(plain) == len(kernel.ours(*kernel.make(5, CPU, torch.float32)))


def test_warm_cases_are_those_of_a_decode_step() -> None:
    stage = Stage(CPU, Table([]))
    assert {case.rows: case.warm for case in elementwise.cases(stage)} == {64: True, 4096: False}


class Other:
    """Stands for the kernel: draws with a generator of its own for each seed."""

    def kernel(self, settings: Settings) -> sampling.Draw:
        return lambda logits: self.drawn(logits, settings)

    def drawn(self, logits: Tensor, settings: Settings) -> Tensor:
        allowed = sampling.allowed(logits, filtered=self.filters(settings))
        weights = (logits / settings.temperature).masked_fill(~allowed, -torch.inf).softmax(dim=-1)
        return torch.cat([torch.multinomial(row, 1, generator=self.generator(i)) for i, row in enumerate(weights)])

    def filters(self, settings: Settings) -> bool:
        return settings.top_k > 0

    def generator(self, seed: int) -> torch.Generator | None:
        return torch.Generator().manual_seed(seed)


class Unfiltered(Other):
    def filters(self, settings: Settings) -> bool:
        return False


class Unseeded(Other):
    def generator(self, seed: int) -> torch.Generator | None:
        return None


class Warm(Other):
    """Draws at one temperature, whatever it is told."""

    def drawn(self, logits: Tensor, settings: Settings) -> Tensor:
        return super().drawn(logits, replace(settings, temperature=1.0))


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize(
    ("other", "wrong", "message"),
    [
        (Other(), (False, False), ""),
        (Unfiltered(), (False, True), "outside of what the filters leave"),
        (Unseeded(), (True, True), "draw other ids"),
        (Warm(), (True, True), "not the likeliest"),
    ],
)
def test_draws_are_checked(other: Other, wrong: tuple[bool, bool], message: str, filtered: bool) -> None:
    torch.manual_seed(0)
    logits = torch.randn((40, 400))
    if wrong[filtered]:
        with pytest.raises(AssertionError, match=message):
            sampling.check(other.kernel, logits, filtered=filtered)
    else:
        sampling.check(other.kernel, logits, filtered=filtered)


def test_the_sampling_kernel_is_measured() -> None:
    """In this dry run it is what runs on a CPU, and passes the check."""
    stage = Stage(CPU, Table([]), dry=True)
    sampling.measure(stage)
    assert [row.name for row in stage.table.rows if not row.failed] == [
        sampling.UNFILTERED, sampling.FILTERED, f"{sampling.UNFILTERED}, cold", f"{sampling.FILTERED}, cold",
    ]  # fmt: skip


def test_torchs_filtered_draw_is_within_the_filters() -> None:
    torch.manual_seed(0)
    logits = torch.randn((200, 300))
    assert sampling.allowed(logits, filtered=True).gather(1, sampling.sort_and_draw(logits)).all()
    kept = sampling.allowed(logits, filtered=True).sum(dim=-1)
    assert (kept < 50).any()  # top-p decides
    assert (kept <= 50).all()


def test_inputs_name_what_they_attend_to() -> None:
    (inputs,) = inputs_of(Work("", TINY, 2, 3, 2), 1, CPU, torch.float32)
    assert isinstance(inputs, Inputs)
    span = inputs.plan.spans[1]
    row = attention.one_row(inputs.query[2], inputs.keys[span.pages[:4]], inputs.values[span.pages[:4]], inputs.scale)
    torch.testing.assert_close(inputs.reference([2])[0], row)
