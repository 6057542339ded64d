"""Llamas of real shapes with random weights, and a tokenizer for them, all made on the spot.

The tokenizer is a byte-level BPE that nobody trained: its tokens are all bytes, all pairs of bytes, and pairs of pairs of
the commonest letters. A token of it is about two characters of English. Its size is a real one, so masks and draws cost
what they cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice, product
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from benchmarks.vocabularies import SPLIT
from sglc import Engine
from sglc.runtime.engine import model as models
from sglc.runtime.tokenizer import ModelTokenizer, load_tokenizer

CONTROLS = ("<|begin|>", "<|end|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
LETTERS = " etaoinshrdlcumw"
SEED = 7


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a Llama, by the names of transformers."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    tie_word_embeddings: bool
    vocab_size: int = 128_256
    max_position_embeddings: int = 32_768
    rope_theta: float = 500_000.0
    initializer_range: float = 0.02

    @property
    def embedding(self) -> int:
        """Parameters of the embedding, and of the head."""
        return self.vocab_size * self.hidden_size

    @property
    def layers(self) -> int:
        """Parameters of all layers and the last norm."""
        heads = 2 * self.num_attention_heads + 2 * self.num_key_value_heads
        attention = self.hidden_size * self.head_dim * heads
        layer = attention + 3 * self.hidden_size * self.intermediate_size + 2 * self.hidden_size
        return self.num_hidden_layers * layer + self.hidden_size

    def streamed(self, itemsize: int) -> int:
        """Bytes of the weights that one decode step reads: all but the embedding, of which it reads a row a token; where
        that is the head too, it is read whole."""
        return (self.layers + self.embedding) * itemsize

    def token(self, itemsize: int) -> int:
        """Bytes of the keys and values of a token."""
        return 2 * self.num_hidden_layers * self.num_key_value_heads * self.head_dim * itemsize

    def prefill_flops(self, sequences: int, length: int) -> int:
        """Of prompts without a head: two for each weight and token, and those of attention."""
        seen = sequences * length * (length + 1) // 2
        attention = 4 * self.num_hidden_layers * self.num_attention_heads * self.head_dim * seen
        return 2 * self.layers * sequences * length + attention


SHAPES = {
    "1B": Shape(2048, 8192, 16, 32, 8, 64, True),
    "8B": Shape(4096, 14336, 32, 32, 8, 128, False),
}
"""Of Llama 3.2 1B and Llama 3.1 8B."""

DRY = {
    "1B": Shape(32, 64, 1, 4, 2, 16, True, vocab_size=1024, initializer_range=0.3),
    "8B": Shape(64, 96, 2, 4, 2, 16, False, vocab_size=1024, initializer_range=0.3),
}


def network(shape: Shape, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """A Llama of this shape, its weights drawn on the device; the same ones each time."""
    torch.manual_seed(SEED)
    config = LlamaConfig(**asdict(shape), bos_token_id=None, eos_token_id=None, pad_token_id=None)
    with torch.device(device):
        made: Any = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    return made.to(device).eval().requires_grad_(False)


@lru_cache
def model_tokenizer(size: int, folder: Path) -> ModelTokenizer:
    """The tokenizer of `size` tokens; its files are made in a folder of this one."""
    return load_tokenizer(tokenizer_folder(size, folder / str(size)))


def engine(
    shape: Shape, folder: Path, device: torch.device, dtype: torch.dtype, *, exact: bool = False, **options: Any
) -> Engine:
    """An engine on such a model. folder: for its tokenizer."""
    model = models.prepare(network(shape, device, dtype), "made on the spot", exact=exact)
    return Engine(folder, tokenizer=model_tokenizer(shape.vocab_size, folder), model=model, **options)


def tokenizer_folder(size: int, folder: Path) -> Path:
    """Writes the tokenizer of `size` tokens, with a chat template, unless it is there."""
    if not (folder / "tokenizer.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<|begin|>",
            "eos_token": "<|end|>",
            "chat_template": CHAT_TEMPLATE,
        }
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        tokenizer(size).save(str(folder / "tokenizer.json"))
    return folder


def tokenizer(size: int) -> Tokenizer:
    """Bytes, pairs, pairs of pairs, until with the control tokens there are `size` tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(alphabet)}
    merges: list[tuple[str, str]] = []
    for left, right in islice(_merges(alphabet), size - len(alphabet) - len(CONTROLS)):
        vocabulary[left + right] = len(vocabulary)
        merges.append((left, right))
    made = Tokenizer(BPE(vocabulary, merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(CONTROLS))
    if made.get_vocab_size() != size:
        raise ValueError(f"there are no more than {made.get_vocab_size()} tokens, {size} are wanted")
    return made


def _merges(alphabet: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of the commonest letters come first, then all others, then pairs of the first ones."""
    letters = [letter.replace(" ", "Ġ") for letter in LETTERS]
    common = list(product(letters, letters))
    yield from common
    seen = set(common)
    yield from (pair for pair in product(alphabet, alphabet) if pair not in seen)
    firsts = [left + right for left, right in common]
    yield from product(firsts, firsts)
