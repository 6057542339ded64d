"""Make the embedded model: a seeded random Llama, small enough to ship, in Hugging Face's folder format.

    python tools/make_embedded_model.py [FOLDER]        (default: runtime/embedded)

The tokenizer is trained on the example essays and on the documentation that comes with Python; it is the same each
time for one version of Python. The weights are drawn from numpy's PCG64 with arithmetic that is the same everywhere:
one tokenizer gives one model, byte for byte. Nothing in them was learnt. They are shaped so that the model behaves
like one: every step depends on the whole prompt, the likeliest tokens are words, and an answer ends by itself about
once in two hundred tokens.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

ROOT = Path(__file__).resolve().parent.parent
ESSAYS = ROOT / "examples" / "data" / "essays.jsonl"
ESSAYS_WEIGHT = 6  # the essays count this often, so that general English outweighs the terms of Python
SEED = 21

BEGIN, END, TURN_END = "<|begin|>", "<|end|>", "<|turn_end|>"
SPECIALS = (BEGIN, END, "<|system|>", "<|user|>", "<|assistant|>", TURN_END)
ENTRIES = 4096

# The pre-tokeniser of GPT-4 and Llama 3: contractions, words with what precedes them, numbers of up to three digits,
# punctuation, line ends, spaces.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
    {%- if message['role'] not in ['system', 'user', 'assistant'] -%}
        {{- raise_exception('unknown role: ' + message['role']) -}}
    {%- endif -%}
    {{- '<|' + message['role'] + '|>\\n' + message['content'] + '<|turn_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>\\n' -}}
{%- endif -%}
"""

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, INTERMEDIATE, POSITIONS = 128, 2, 4, 2, 32, 384, 4096

Array = NDArray[np.float32]


def make(folder: Path, tokenizer: Tokenizer) -> None:
    """Write tokenizer, config, generation config and weights into `folder`, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", tokenizer_config())
    write_json(folder / "config.json", config(tokenizer))
    write_json(folder / "generation_config.json", generation_config(tokenizer))
    (folder / "model.safetensors").write_bytes(save(weights(tokenizer), metadata={"format": "pt"}))


def corpus() -> list[str]:
    with ESSAYS.open(encoding="utf-8") as lines:
        essays = [json.loads(line)["essay"] for line in lines]
    return list(topics.values()) + essays * ESSAYS_WEIGHT


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """A byte-level BPE tokenizer with `ENTRIES` entries, the special tokens first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=ENTRIES,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != ENTRIES:
        raise ValueError(f"the corpus is too small: {tokenizer.get_vocab_size()} entries instead of {ENTRIES}")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def config(tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": tokenizer.token_to_id(BEGIN),
        "dtype": "float32",
        "eos_token_id": tokenizer.token_to_id(TURN_END),
        "head_dim": HEAD_DIM,
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": POSITIONS,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": KV_HEADS,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "use_cache": True,
        "vocab_size": tokenizer.get_vocab_size(),
    }


def generation_config(tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "bos_token_id": tokenizer.token_to_id(BEGIN),
        "eos_token_id": [tokenizer.token_to_id(TURN_END), tokenizer.token_to_id(END)],
        "pad_token_id": tokenizer.token_to_id(END),
    }


def tokenizer_config() -> dict[str, Any]:
    return {
        "bos_token": BEGIN,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": TURN_END,
        "model_max_length": POSITIONS,
        "pad_token": END,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }


def weights(tokenizer: Tokenizer) -> dict[str, Array]:
    """Random weights, [out, in] as torch's linear layers hold them.

    The gains make attention pick out single tokens, and what it picks outweigh the last token; else every answer to a
    long prompt would be the same.

    Dimension 0 of the residual stream is a constant that no layer reads or writes; through it `lm_head` adds a bias to
    each token's logit, which an ordinary Llama has no other place for.
    """
    rng = np.random.Generator(np.random.PCG64(SEED))

    def draw(out: int, into: int, gain: float) -> Array:
        """Uniform values; input elements of size one give output elements of size `gain`."""
        limit = gain * (3.0 / into) ** 0.5
        return ((rng.random((out, into)) * 2.0 - 1.0) * limit).astype(np.float32)

    embed = draw(ENTRIES, HIDDEN, 0.5 * HIDDEN**0.5)
    embed[:, 0] = 4.7  # the size of what the layers add: the last norm makes it about one
    tensors = {"model.embed_tokens.weight": embed, "model.norm.weight": np.ones(HIDDEN, np.float32)}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        tensors |= {
            prefix + "input_layernorm.weight": np.ones(HIDDEN, np.float32),
            prefix + "self_attn.q_proj.weight": draw(HEADS * HEAD_DIM, HIDDEN, 2.5),
            prefix + "self_attn.k_proj.weight": draw(KV_HEADS * HEAD_DIM, HIDDEN, 2.5),
            prefix + "self_attn.v_proj.weight": draw(KV_HEADS * HEAD_DIM, HIDDEN, 1.0),
            prefix + "self_attn.o_proj.weight": draw(HIDDEN, HEADS * HEAD_DIM, 4.0),
            prefix + "post_attention_layernorm.weight": np.ones(HIDDEN, np.float32),
            prefix + "mlp.gate_proj.weight": draw(INTERMEDIATE, HIDDEN, 1.0),
            prefix + "mlp.up_proj.weight": draw(INTERMEDIATE, HIDDEN, 1.0),
            prefix + "mlp.down_proj.weight": draw(HIDDEN, INTERMEDIATE, 2.0),
        }
        for reader in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"):
            tensors[f"{prefix}{reader}.weight"][:, 0] = 0.0
        for writer in ("self_attn.o_proj", "mlp.down_proj"):
            tensors[f"{prefix}{writer}.weight"][0] = 0.0
    head = draw(ENTRIES, HIDDEN, 2.5)
    head[:, 0] = [token_bias(tokenizer, token) for token in range(ENTRIES)]
    tensors["lm_head.weight"] = head
    return tensors


def token_bias(tokenizer: Tokenizer, token: int) -> float:
    """What is added to a token's logit, whose spread is about three: words are usual, other text is rare."""
    if (name := tokenizer.id_to_token(token)) in SPECIALS:
        return {TURN_END: 3.0, END: -1.0}.get(name, -15.0)
    text = tokenizer.decode([token])
    if text in (".", ",", "\n"):
        return 3.0
    if re.fullmatch(r" [A-Za-z][a-z]+", text):
        return 0.0
    return -3.5 if text.isprintable() and "\ufffd" not in text else -7.5


def write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "runtime" / "embedded", train_tokenizer(corpus()))
