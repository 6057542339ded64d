"""Every kernel on the sizes of real models: right first, then its time, its share of the ceiling, and torch's best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from benchmarks import _gpu_attention_peers as attention_peers
from benchmarks import _gpu_elementwise as elementwise
from benchmarks import _gpu_sampling as sampling
from benchmarks._gpu_attention import LLAMA_1B, LLAMA_8B, TINY, Inputs, Work, assert_close, inputs_of, sample
from benchmarks._gpu_stage import Stage
from benchmarks._gpu_timing import Call, copies, left_out, race


@dataclass(frozen=True, slots=True)
class Case:
    """flex: also against flex_attention, which takes long to compile. gathered: also against pages brought together."""

    work: Work
    flex: bool = False
    gathered: bool = False


_MAIN = Work("decode attention, 64 x 4k", LLAMA_8B, 64, 4095, 1)

ATTENTION = (
    Case(_MAIN, flex=True, gathered=True),
    Case(replace(_MAIN, name="decode attention, 64 x 4k, pages in runs of 16", run=16)),
    Case(replace(_MAIN, name="decode attention, 64 x 4k, pages in runs of 64", run=64)),
    Case(Work("decode attention, 1 x 1k", LLAMA_8B, 1, 1023, 1)),
    Case(Work("decode attention, 1 x 32k", LLAMA_8B, 1, 32767, 1)),
    Case(Work("decode attention, 256 x 1k", LLAMA_8B, 256, 1023, 1)),
    Case(Work("decode attention, 64 x 4k, heads of 64", LLAMA_1B, 64, 4095, 1)),
    Case(Work("extend attention, 1 x 8k", LLAMA_8B, 1, 0, 8192), flex=True, gathered=True),
    Case(Work("extend attention, 4 x 2k", LLAMA_8B, 4, 0, 2048)),
    Case(Work("extend attention, 16 x 512 after 4k", LLAMA_8B, 16, 4096, 512)),
    Case(Work("extend attention, 1 x 8k, heads of 64", LLAMA_1B, 1, 0, 8192)),
)

DRY = (
    Case(Work("decode attention, 64 x 4k", TINY, 3, 69, 1), flex=True, gathered=True),
    Case(Work("decode attention, pages in runs of 16", TINY, 2, 63, 1, run=16)),
    Case(Work("extend attention, 1 x 8k", TINY, 1, 0, 80), flex=True, gathered=True),
    Case(Work("extend attention, 2 x 40 after 30", TINY, 2, 30, 40), flex=True, gathered=True),
)


def measure(stage: Stage) -> None:
    for case in stage.pick(ATTENTION, DRY):
        if not stage.late(case.work.name):
            with stage.trying(case.work.name):
                _attention(stage, case)
    for case in elementwise.cases(stage):
        if not stage.late(case.name):
            with stage.trying(case.name):
                elementwise.measure(stage, case)
    sampling.measure(stage)


def _attention(stage: Stage, case: Case) -> None:
    work = case.work
    moved = work.moved(stage.dtype.itemsize)
    sets = inputs_of(work, copies(moved, stage.l2), stage.device, stage.dtype)
    for each in sets[:2]:
        each.check()
    ours: Sequence[Call] = [each.attend for each in sets]
    theirs = right_ones(work, sets, attention_peers.ways(work, sets, flex=case.flex, gathered=case.gathered))
    times = race(stage.device, {"sglc": ours, **theirs})
    decode = work.count == 1
    stage.raced(
        work.name,
        times,
        figure=(moved, "GB/s", 1e9) if decode else (work.flops, "TFLOP/s", 1e12),
        share=stage.of_copy(moved, times["sglc"].seconds)
        if decode
        else stage.of_flops(work.flops, times["sglc"].seconds),
    )


def right_ones(work: Work, sets: Sequence[Inputs], ways: Mapping[str, list[Call]]) -> dict[str, list[Call]]:
    """The ways that run and compute attention: what is wrong is no peer, whatever its time."""
    rows = sample(work.rows, 8)
    expected = sets[0].reference(rows)
    kept: dict[str, list[Call]] = {}
    for name, calls in ways.items():
        try:
            assert_close(attention_peers.as_rows(work, _tensor(calls[0]))[rows], expected, sets[0].query.dtype)
        except Exception as error:  # noqa: BLE001 - a kernel that torch does not have for this work
            left_out(name, error)
            continue
        kept[name] = calls
    return kept


def _tensor(call: Callable[[], object]) -> Tensor:
    result = call()
    if not isinstance(result, Tensor):
        raise TypeError(f"a way of attention answers a {type(result).__name__}")
    return result
