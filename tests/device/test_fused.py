"""Layers in few kernels: what is recognised, that it computes the same, and that what does not is left alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers as tf
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sglc.kernels import attention, elementwise, elementwise_torch, linear_torch
from sglc.runtime.engine import fused
from sglc.runtime.engine.model import prepare
from sglc.runtime.engine.torch_device import TorchDevice
from tests import models
from tests.parity.support import Book, engine, generate, random_prompts, tiny

RECOGNISED = {
    "llama": (2, 2),
    "llama_tied": (2, 2),
    "qwen2": (2, 2),
    "qwen3": (2, 2),
    "qwen3_moe": (2, 0),  # its experts stay as they are
    "mistral": (2, 2),
    "gemma2": (2, 2),
    "gemma3": (2, 2),
    "phi3": (2, 2),
    "olmo2": (0, 2),  # its norms of queries and keys go over all heads
    "gpt_oss": (2, 0),
}
"""Layers whose attention, and whose MLP, is fused."""

PROMPTS = random_prompts([1, 17, 40, 66])


@pytest.mark.parametrize("name", models.CONFIGS)
def test_fused_layers_compute_the_same(name: str) -> None:
    model = prepare(models.network(name), name, fuse=True)
    found = model.fused and (model.fused.attention, model.fused.mlps)
    assert found == RECOGNISED.get(name)
    plain, book = Book(tiny(name)), Book(model)
    pages: list[list[int]] = [[] for _ in PROMPTS]
    others: list[list[int]] = [[] for _ in PROMPTS]
    for cut in (slice(0, 9), slice(9, None)):
        parts = [(ids[cut], p) for ids, p in zip(PROMPTS, pages, strict=True) if ids[cut]]
        same = [(ids[cut], p) for ids, p in zip(PROMPTS, others, strict=True) if ids[cut]]
        for expected, got in zip(plain.rows(parts), book.rows(same), strict=True):
            assert (got - expected).norm() <= 1e-5 * expected.norm()


@pytest.mark.parametrize("name", RECOGNISED)
def test_greedy_tokens_of_fused_layers(name: str) -> None:
    expected = generate(engine(TorchDevice(tiny(name), 1024)), PROMPTS, 24)
    model = prepare(models.network(name), name, fuse=True)
    assert generate(engine(TorchDevice(model, 1024), chunk_tokens=23), PROMPTS, 24) == expected


@pytest.mark.parametrize("name", ["llama_tied", "qwen3_moe", "phi3", "gpt_neox"])
def test_no_product_of_an_exact_model_is_the_librarys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fused layers, the experts within, the head, and layers that are not fused."""
    expected = Book(tiny(name)).rows([(ids, []) for ids in PROMPTS])
    model = prepare(models.network(name), name, fuse=True, exact=True)
    assert bool(model.fused) == (name in RECOGNISED)
    product = linear_torch.linear
    inside: list[bool] = []
    aten = torch.ops.aten

    def ours(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        inside.append(True)
        try:
            return product(x, weight, bias)
        finally:
            inside.pop()

    class NoOthers(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            assert inside or func not in (aten.linear.default, aten.mm.default, aten.addmm.default, aten.matmul.default)
            return func(*args, **(kwargs or {}))

    monkeypatch.setattr(linear_torch, "linear", ours)
    with NoOthers():
        found = Book(model).rows([(ids, []) for ids in PROMPTS])
    for whole, got in zip(expected, found, strict=True):
        assert (got - whole).norm() <= 1e-5 * whole.norm()


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU: tests/device/test_gpu.py")
@pytest.mark.parametrize("name", ["qwen3", "gemma2"])
def test_in_triton(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All kernels behind the doors are Triton's, in the interpreter: heads with norms, a window, a soft cap, two kinds of norms."""
    pytest.importorskip("triton")
    from sglc.kernels import attention_triton, elementwise_triton

    expected = Book(tiny(name)).rows([(ids, []) for ids in PROMPTS])
    monkeypatch.setattr(elementwise, "_behind", lambda _: elementwise_triton)
    monkeypatch.setattr(attention, "attention_torch", attention_triton)
    model = prepare(models.network(name), name, fuse=True)
    assert model.fused
    for whole, got in zip(expected, Book(model).rows([(ids, []) for ids in PROMPTS]), strict=True):
        assert (got - whole).norm() <= 1e-5 * whole.norm()


def test_one_product_for_several_and_no_second_copy_of_the_weights() -> None:
    network = models.network("llama")
    before = sum(parameter.nbytes for parameter in network.parameters())
    prepare(network, "llama", fuse=True)
    attention = network.model.layers[0].self_attn
    storage = attention.q_proj.weight.untyped_storage()
    assert attention.k_proj.weight.untyped_storage().data_ptr() == storage.data_ptr()
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in network.parameters()}
    assert sum(storages.values()) == before


def test_a_layer_that_looks_alike_and_is_not_stays_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """Granite has Llama's parts and scales what they add."""
    config = tf.GraniteConfig(**models.SIZES, residual_multiplier=0.3, attention_multiplier=0.4)
    torch.manual_seed(0)
    network: Any = tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    model = prepare(network, "granite", fuse=True)
    assert model.fused is None
    assert "the fused layers of GraniteForCausalLM compute something else" in caplog.text
    assert "forward" not in vars(network.model.layers[0])


def test_a_kernel_that_fails_is_not_used(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(elementwise_torch, "silu_and_mul", fails)
    model = prepare(models.network("llama"), "llama", fuse=True)
    assert model.fused is None
    assert "no such instruction" in caplog.text
    assert generate(engine(TorchDevice(model, 256)), PROMPTS[:1], 3) == generate(
        engine(TorchDevice(tiny("llama"), 256)), PROMPTS[:1], 3
    )


def test_kinds_of_norms_are_told_by_what_they_compute() -> None:
    kinds = {
        name: models.network(name).to(torch.bfloat16).base_model.norm
        for name in ("llama", "gemma2", "olmo2", "gpt_oss")
    }
    found = {name: fused._recognised_norm(module) for name, module in kinds.items()}
    assert {name: norm and (norm.offset, norm.rounded) for name, norm in found.items()} == {
        "llama": (0.0, True),
        "gemma2": (1.0, False),
        "olmo2": (0.0, False),
        "gpt_oss": (0.0, False),
    }
    assert fused._recognised_norm(torch.nn.LayerNorm(64)) is None
