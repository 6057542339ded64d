"""A causal language model as the device runs it: ragged batches in, states and logits out."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sglc.runtime.engine.attention import Attention, LayerShape
from sglc.runtime.engine.fused import Fused

_LAYOUT_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network whose attention is ours.

    name:          the folder it came from.
    layers:        the shape of every layer's KV.
    max_positions: the longest sequence it can read; None where its config sets no limit.
    fused:         what of its layers runs in fewer kernels.
    """

    name: str
    network: PreTrainedModel
    layers: tuple[LayerShape, ...]
    max_positions: int | None
    fused: Fused | None = None

    @property
    def device(self) -> torch.device:
        return self.network.device

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    @property
    def vocab_size(self) -> int:
        """Columns of the logits."""
        return vocab_size(self.network)

    @property
    def page_bytes(self) -> int:
        """Bytes of a page: the keys and values of one token in all layers."""
        return sum(s.kv_heads * (s.key_dim + s.value_dim) for s in self.layers) * self.dtype.itemsize

    def make_pool(self, pages: int) -> list[tuple[Tensor, Tensor]]:
        """Keys [pages, kv_heads, D] and values [pages, kv_heads, Dv] of every layer, zeros."""

        def zeros(heads: int, dim: int) -> Tensor:
            return torch.zeros((pages, heads, dim), dtype=self.dtype, device=self.device)

        return [(zeros(s.kv_heads, s.key_dim), zeros(s.kv_heads, s.value_dim)) for s in self.layers]

    def hidden(self, ids: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        """[rows] ids at [rows] positions -> [rows, hidden] states before the head."""
        return hidden(self.network, ids, positions, attention)

    def logits(self, states: Tensor) -> Tensor:
        """[rows, hidden] -> [rows, vocab_size], soft-capped and scaled as the model does it."""
        return _head_of(self.network)(inputs_embeds=states.unsqueeze(0), use_cache=False).logits[0]

    def layout(self) -> str:
        """Digest of everything that gives a page its meaning, but for the weights."""
        config = self.network.config.to_dict()
        for key in ("_name_or_path", "transformers_version"):
            config.pop(key, None)
        text = json.dumps([_LAYOUT_VERSION, str(self.dtype), config], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def weights_digest(self) -> str:
        """sha256 over the weight files. Reads every file."""
        digest = hashlib.sha256()
        for path in sorted(Path(self.name).glob("*.safetensors")):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def vocab_size(network: PreTrainedModel) -> int:
    """Columns of the logits."""
    return network.config.get_text_config().vocab_size


def hidden(network: PreTrainedModel, ids: Tensor, positions: Tensor, attention: Attention) -> Tensor:
    """[rows] ids at [rows] positions -> [rows, hidden] states before the head.

    The mask is never read. Given as one of four dimensions it is handed on as it is; else transformers looks at the positions
    for sequences packed in a row, which waits for the device.
    """
    mask = ids.new_empty((1, 1, 1, 1))
    body = network.base_model
    return body(
        input_ids=ids[None], position_ids=positions[None], attention_mask=mask, use_cache=False, sglc=attention
    ).last_hidden_state[0]


@dataclass(frozen=True, slots=True)
class _States:
    """What a model's head reads of its body's output. No `ModelOutput`: that changes a field's name from version to version."""

    last_hidden_state: Tensor
    cache: None = None
    past_key_values: None = None  # what it was called before transformers 5.24
    hidden_states: None = None
    attentions: None = None
    cross_attentions: None = None
    router_logits: None = None

    def __getitem__(self, place: int | slice) -> Any:
        """Some heads take it for a tuple, as which it has its states alone."""
        return (self.last_hidden_state,)[place]


class _Known(nn.Module):
    """Stands for the body of a model whose states are known already."""

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> _States:
        return _States(last_hidden_state=inputs_embeds)


def _head_of(network: PreTrainedModel) -> PreTrainedModel:
    """The network's own forward from the last states on: its head, soft cap and scaling. Shares the weights."""
    head = copy.copy(network)
    head._modules = {**network._modules, network.base_model_prefix: _Known()}
    return head
