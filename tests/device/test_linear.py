"""Products and activations whose rows do not depend on the batch."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.pytorch_utils import Conv1D

from sglc.runtime.engine import linear

SHAPES = [(64, 300), (2048, 48), (1536, 96), (1, 8), (33, 1), (112, 64)]  # in, out
SIZES = [*range(1, 41), 100]


def rows_do_not_depend_on_the_batch(function: Callable[[Tensor], Tensor], x: Tensor) -> bool:
    whole = function(x)
    first = all(torch.equal(function(x[:m]), whole[:m]) for m in SIZES)
    return first and all(torch.equal(function(x[i : i + 1]), whole[i : i + 1]) for i in range(0, len(x), 7))


def made(module: nn.Module) -> nn.Module:
    network = nn.Sequential(module)
    linear.make_row_invariant(network)
    return network


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("inner", "out"), SHAPES)
def test_linear_layers(inner: int, out: int, bias: bool, threads: int) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layer = nn.Linear(inner, out, bias)
    x = torch.randn(100, inner)
    expected = layer(x).detach()
    replaced = made(layer)
    assert isinstance(replaced[0], linear.RowInvariantLinear)  # pyright: ignore - a Sequential is indexable
    with torch.inference_mode():
        torch.testing.assert_close(replaced(x), expected, rtol=1e-5, atol=1e-5)
        assert rows_do_not_depend_on_the_batch(replaced, x)
        assert replaced(x[:0]).shape == (0, out)
        assert torch.equal(replaced(x.view(4, 25, inner)).view(100, out), replaced(x))


def test_fixed_tiles_are_the_way_out_where_onednn_depends_on_the_batch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(600, 64)
    x = torch.randn(100, 600)
    expected = layer(x).detach()
    with caplog.at_level(logging.WARNING), torch.inference_mode():
        monkeypatch.setattr(linear, "row_invariant", lambda *_: False)
        replaced = made(layer)
        assert "(64, 600) depends on the batch" in caplog.text
        torch.testing.assert_close(replaced(x), expected, rtol=1e-5, atol=1e-5)
        assert rows_do_not_depend_on_the_batch(replaced, x)


def test_the_check_finds_a_product_that_depends_on_the_batch() -> None:
    def by_batch(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(x, weight, bias) + 1e-7 * len(x)

    weight = torch.randn(70, 1100)
    assert not linear.row_invariant(by_batch, weight, 1100)
    assert not linear.row_invariant(F.linear, weight, 1100)
    assert linear.row_invariant(linear.invariant, weight, 1100)


def test_a_head_tied_to_the_embedding_keeps_sharing_its_weight() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 64)
            self.head = nn.Linear(64, 50, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x)

    torch.manual_seed(0)
    model = Tied()
    linear.make_row_invariant(model)
    assert model.head.weight.data_ptr() == model.embedding.weight.data_ptr()
    with torch.inference_mode():
        assert rows_do_not_depend_on_the_batch(model, torch.randn(100, 64))


class Router(nn.Module):
    """Products outside of nn.Linear, in the ways that models write them."""

    def __init__(self, write: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(70, 1100))
        self._write = write

    def forward(self, x: Tensor) -> Tensor:
        return self._write(x, self.weight)


WAYS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": F.linear,
    "linear with keyword": lambda x, w: F.linear(x, weight=w, bias=w[:, 0]),
    "matmul": lambda x, w: torch.matmul(x, w.t()),
    "@": lambda x, w: x @ w.t(),
    "addmm": lambda x, w: torch.addmm(w[:, 0], x, w.t()),
    "silu of it": lambda x, w: F.silu(F.linear(x, w)),
    "sigmoid of it": lambda x, w: F.linear(x, w).sigmoid(),
}


@pytest.mark.parametrize("way", WAYS)
def test_products_outside_of_linear_layers(way: str) -> None:
    torch.manual_seed(0)
    router = Router(WAYS[way])
    x = torch.randn(100, 1100)
    expected = router(x).detach()
    replaced = made(router)
    with torch.inference_mode():
        torch.testing.assert_close(replaced(x), expected, rtol=1e-4, atol=1e-4)
        assert rows_do_not_depend_on_the_batch(replaced, x)


def test_conv1d_layers() -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        assert rows_do_not_depend_on_the_batch(made(Conv1D(90, 1100)), torch.randn(100, 1100))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["silu", "gelu", "gelu_pytorch_tanh", "gelu_new", "quick_gelu", "relu", "relu2"])
def test_activations(name: str, threads: int) -> None:
    """Widths that are no multiple of a vector, and rows enough that threads share them."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    for width in (1, 37, 111, 1000):
        x = 3 * torch.randn(100, width)
        function = made(ACT2FN[name])
        assert rows_do_not_depend_on_the_batch(function, x), width
        torch.testing.assert_close(function(x), ACT2FN[name](x))


def test_bfloat16_layers_compute_the_same() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 40).to(torch.bfloat16)
    x = torch.randn(9, 64, dtype=torch.bfloat16)
    with torch.inference_mode():
        expected = layer(x).clone()
        torch.testing.assert_close(made(layer)(x), expected, rtol=2e-2, atol=2e-2)


def test_float16_layers_stay_as_they_are() -> None:
    layer = nn.Linear(64, 40).to(torch.float16)
    assert made(layer)[0] is layer  # pyright: ignore - a Sequential is indexable


def test_the_memory_of_packed_weights_is_given_back_at_once() -> None:
    layer = nn.Linear(512, 4096)
    weight = layer.weight.detach()
    made(layer)
    resident = (weight != 0).float().mean().item()  # the pages read as zeros: nothing is behind them
    assert resident < 0.01
