"""A few tokens through a freshly loaded model: does it still compute what its own code computes?

The model's own attention on each sequence alone is the reference. Ours runs two sequences flattened into one row, in two
chunks, over scattered pages. A class that ignores position_ids, keeps a state of its own, or hides part of its attention
from the interface gives other logits, and is refused by name.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from sglc.ir.errors import ModelError
from sglc.kernels.plan import Plan, Span
from sglc.runtime.engine.attention import LayerShape, Paged, Shapes
from sglc.runtime.engine.network import Model, hidden, vocab_size

log = logging.getLogger(__name__)

CLASS_HINT = (
    "models whose layers all attend through transformers' AttentionInterface work: Llama, Qwen, Mistral, Gemma, Phi ..."
)
LENGTHS = (11, 7)
_SPLITS = (6, 3)
_PAGES = 32

# Largest difference of a row's logits, in standard deviations of the row; above it the row disagrees.
_TOLERANCE = {torch.float32: 1e-3, torch.float16: 5e-2, torch.bfloat16: 2e-1}
_AGREEING_ROWS = 0.7  # in low precision a router may choose another expert for a row or two


def sequences(network: PreTrainedModel) -> list[Tensor]:
    """Two short sequences of ids from all over the vocabulary."""
    ids = (torch.arange(sum(LENGTHS)) * 7919 + 13) % vocab_size(network)
    return list(ids.to(network.device).split(LENGTHS))


def reference(network: PreTrainedModel, name: str) -> Tensor:
    """The logits of both sequences by the model's own code, [rows, vocabulary]."""
    try:
        logits = torch.cat([network(input_ids=ids[None], use_cache=False).logits[0] for ids in sequences(network)])
    except Exception as error:
        raise _refusal(network, name, f"its own code fails on a few tokens: {error}") from error
    if not logits.isfinite().all():
        raise ModelError(
            "the model computes logits that are not finite numbers",
            where=name,
            hint="the weights are damaged, or overflow in this dtype: try another",
        )
    return logits


def layer_shapes(network: PreTrainedModel, name: str) -> tuple[LayerShape, ...]:
    """The shape of every layer's KV, by a run of one token. Raises `ModelError` for a class that cannot work."""
    shapes = Shapes()
    ids = sequences(network)[0][:1]
    try:
        hidden(network, ids, torch.zeros_like(ids), shapes)
    except Exception as error:
        raise _refusal(network, name, f"it does not run with its attention replaced: {error}") from error
    config = network.config.get_text_config()
    if len(shapes.layers) != config.num_hidden_layers:
        raise _refusal(
            network, name, f"{len(shapes.layers)} of its {config.num_hidden_layers} layers use the AttentionInterface"
        )
    kinds = getattr(config, "layer_types", None)
    window = getattr(config, "sliding_window", None)
    for i, layer in enumerate(shapes.layers):
        slides = kinds[i] == "sliding_attention" if kinds else bool(window)
        if slides and layer.window is None:
            raise _refusal(network, name, f"layer {i} has a sliding window that it does not tell its attention")
    return tuple(shapes.layers)


def confirms(model: Model, expected: Tensor) -> bool:
    """Whether the layers that were fused compute what is expected; where not, a warning says why."""
    try:
        if _agree(_in_two_chunks(model, *sequences(model.network)), expected, model.dtype):
            return True
        log.warning("the fused layers of %s compute something else: they are not used", type(model.network).__name__)
    except Exception as error:  # noqa: BLE001 - whatever a kernel fails with; the layers run without it
        log.warning("the fused layers of %s fail: they are not used (%s)", type(model.network).__name__, error)
    return False


def _agree(found: Tensor, expected: Tensor, dtype: torch.dtype) -> bool:
    """Of the logits of all rows."""
    difference = (found - expected).abs().amax(dim=-1) / expected.std(dim=-1).clamp_min(1e-6)
    return (difference < _TOLERANCE[dtype]).float().mean().item() >= _AGREEING_ROWS


def check(model: Model, expected: Tensor) -> None:
    """Raises `ModelError` where the model's logits are not the expected ones; warns where they depend on the batch."""
    a, b = sequences(model.network)
    try:
        got = _in_two_chunks(model, a, b)
    except Exception as error:
        raise _refusal(
            model.network, model.name, f"it does not run with its body and its head apart: {error}"
        ) from error
    if not _agree(got, expected, model.dtype):
        raise _refusal(
            model.network,
            model.name,
            "its logits in a flattened batch are not those of each sequence alone "
            "(it ignores position_ids, or attends in a way of its own)",
        )
    if model.device.type == "cpu" and model.dtype == torch.float32:
        alone = _run(model, model.make_pool(_PAGES), (a,), (Span(0, len(a), np.arange(len(a))),))
        if not torch.equal(alone, got[: len(a)]):
            log.warning("the results of %s depend on the batch in their last bits", type(model.network).__name__)


def _in_two_chunks(model: Model, a: Tensor, b: Tensor) -> Tensor:
    """The logits of all rows of a, then of b: both in one batch, over scattered pages."""
    i, j = _SPLITS
    pages = np.random.default_rng(0).permutation(_PAGES)
    pages_a, pages_b = pages[: LENGTHS[0]], pages[LENGTHS[0] : sum(LENGTHS)]
    pool = model.make_pool(_PAGES)
    first = _run(model, pool, (a[:i], b[:j]), (Span(0, i, pages_a[:i]), Span(0, j, pages_b[:j])))
    second = _run(model, pool, (a[i:], b[j:]), (Span(i, len(a) - i, pages_a), Span(j, len(b) - j, pages_b)))
    return torch.cat([first[:i], second[: len(a) - i], first[i:], second[len(a) - i :]])


def _run(model: Model, pool: list[tuple[Tensor, Tensor]], ids: Sequence[Tensor], spans: Sequence[Span]) -> Tensor:
    plan = Plan(spans, model.device)
    return model.logits(model.hidden(torch.cat(list(ids)), plan.positions, Paged(plan, pool)))


def _refusal(network: PreTrainedModel, name: str, why: str) -> ModelError:
    return ModelError(f"{type(network).__name__} cannot run here: {why}", where=name, hint=CLASS_HINT)
