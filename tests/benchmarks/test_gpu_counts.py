"""Bytes and operations of the cases of `benchmarks.gpu`, against numbers that were worked out by hand."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks import _gpu_elementwise as elementwise
from benchmarks._gpu_attention import LLAMA_8B, Work
from benchmarks._gpu_cascade import FORKS, Fork
from benchmarks._gpu_elementwise import Sizes
from benchmarks._gpu_engine import BATCHES
from benchmarks._gpu_exactness import WAYS
from benchmarks._gpu_examples import CASES
from benchmarks._gpu_kernels import ATTENTION
from benchmarks._gpu_models import DRY, SHAPES, Shape
from benchmarks._gpu_sampling import FILTERED, UNFILTERED
from benchmarks._gpu_stage import Stage
from benchmarks._gpu_table import Table
from benchmarks._gpu_targets import TARGETS

BF16 = 2


@pytest.mark.parametrize(
    ("work", "moved", "flops"),
    [
        # keys and values 2 * 64 * 4096 * 8 * 128 * 2, queries and results 2 * 64 * 32 * 128 * 2
        (Work("", LLAMA_8B, 64, 4095, 1), 1_073_741_824 + 1_048_576, 4 * 64 * 4096 * 32 * 128),
        # rows see 1 + 2 + ... + 8192 = 33,558,528 keys, each 4 * 32 * 128 operations
        (Work("", LLAMA_8B, 1, 0, 8192), 33_554_432 + 134_217_728, 549_822_922_752),
        # 16 * (512 * 4096 + 512 * 513 / 2) = 35,655,680 keys
        (Work("", LLAMA_8B, 16, 4096, 512), 2 * 16 * 4608 * 2048 + 2 * 16 * 512 * 8192, 584_182_661_120),
        (Work("", LLAMA_8B, 1, 0, 1), 4096 + 16384, 16384),
    ],
)
def test_attention(work: Work, moved: int, flops: int) -> None:
    assert work.moved(BF16) == moved
    assert work.flops == flops


def test_cascade_counts_the_prefix_once() -> None:
    # (8192 + 64 * 128) tokens of 4,096 bytes, queries and results of 64 rows
    assert Fork(LLAMA_8B, 64, 8192).moved(BF16) == 67_108_864 + 1_048_576
    assert Fork(LLAMA_8B, 8, 2048).moved(BF16) == (2048 + 1024) * 4096 + 2 * 8 * 32 * 128 * 2


@pytest.mark.parametrize(
    ("kernel", "moved"),
    [
        (elementwise.norm(Sizes()), (4 * 4096 * 4096 + 4096) * 2),
        (elementwise.silu(Sizes()), 352_321_536),
        # a row: 48 heads of 128 read and written, 128 floats of cos and sin, a slot
        (elementwise.rotary(Sizes()), 4096 * (2 * 48 * 128 * 2 + 128 * 4 + 8)),
    ],
    ids=["norm", "silu", "rotary"],
)
def test_small_kernels(kernel: elementwise.Kernel, moved: int) -> None:
    assert kernel.moved(4096, BF16) == moved


@pytest.mark.parametrize(("name", "parameters", "streamed", "token"), [
    ("1B", 1_235_814_400, 2_471_628_800, 32_768),
    ("8B", 8_030_261_248, 15_009_849_344, 131_072),
])  # fmt: skip
def test_models_have_the_sizes_of_the_real_ones(name: str, parameters: int, streamed: int, token: int) -> None:
    shape = SHAPES[name]
    assert shape.layers + shape.embedding * (1 if shape.tie_word_embeddings else 2) == parameters
    assert shape.streamed(BF16) == streamed
    assert shape.token(BF16) == token


@pytest.mark.parametrize("shape", DRY.values(), ids=DRY.keys())
def test_parameters_are_those_of_the_network(shape: Shape) -> None:
    from dataclasses import asdict

    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(LlamaConfig(**asdict(shape)))
    counted = sum(parameter.numel() for parameter in network.parameters())
    assert counted == shape.layers + shape.embedding * (1 if shape.tie_word_embeddings else 2)


def test_prefill_counts_weights_and_what_rows_see() -> None:
    shape = Shape(8, 16, 2, 4, 2, 4, tie_word_embeddings=False, vocab_size=100)
    layer = 8 * 4 * (2 * 4 + 2 * 2) + 3 * 8 * 16 + 2 * 8  # 784
    assert shape.layers == 2 * layer + 8
    assert shape.prefill_flops(3, 5) == 2 * (2 * layer + 8) * 15 + 4 * 2 * 4 * 4 * (3 * 15)


def test_every_target_is_of_a_row_that_is_measured() -> None:
    stage = Stage(torch.device("cpu"), Table([]))
    names = {
        "kernels": {case.work.name for case in ATTENTION}
        | {case.name for case in elementwise.cases(stage)}
        | {UNFILTERED, FILTERED},
        "cascade": {fork.name for fork in FORKS},
        "engine": {f"decode step, {shape}, batch 1" for shape in SHAPES},
        "peers": {f"{case.name}, generate_batch" for case in CASES if case.forked}
        | {f"{shape}, batch {batch}, generate_batch" for shape in SHAPES for batch in BATCHES},
        "exactness": set(WAYS),
        "whole": {"all parts"},
    }
    assert [target for target in TARGETS if target.row not in names[target.part]] == []
    assert len({target.text for target in TARGETS}) == len(TARGETS)
