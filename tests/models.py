"""Tiny random models of many classes, built from transformers' own configs. Quick to make, seeded, two layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as tf

VOCABULARY = 300
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,  # so that the likeliest ids are far apart
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
WINDOW = 24
MOE: dict[str, Any] = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 40, "head_dim": 16}

CONFIGS: dict[str, Callable[[], Any]] = {
    "llama": lambda: tf.LlamaConfig(**SIZES),
    "llama_tied": lambda: tf.LlamaConfig(**SIZES, tie_word_embeddings=True),
    "qwen2": lambda: tf.Qwen2Config(**SIZES),
    "qwen3": lambda: tf.Qwen3Config(**SIZES, head_dim=16),
    "qwen3_moe": lambda: tf.Qwen3MoeConfig(**SIZES, **MOE),
    "mistral": lambda: tf.MistralConfig(**SIZES, sliding_window=WINDOW),
    "gemma2": lambda: tf.Gemma2Config(
        **SIZES,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=WINDOW,
        attn_logit_softcapping=2.0,
        final_logit_softcapping=10.0,
        tie_word_embeddings=False,  # scaled embeddings as head repeat one id for ever
    ),
    "gemma3": lambda: tf.Gemma3TextConfig(
        **SIZES,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=WINDOW,
        layer_types=["sliding_attention", "full_attention"],
        tie_word_embeddings=False,
    ),
    "phi3": lambda: tf.Phi3Config(**SIZES),
    "gpt_neox": lambda: tf.GPTNeoXConfig(**{k: v for k, v in SIZES.items() if k != "num_key_value_heads"}),
    "olmo2": lambda: tf.Olmo2Config(**SIZES),
    "gpt_oss": lambda: tf.GptOssConfig(
        **SIZES,
        head_dim=16,
        sliding_window=WINDOW,
        num_local_experts=5,
        num_experts_per_tok=2,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        layer_types=["sliding_attention", "full_attention"],
    ),
    "gpt2": lambda: tf.GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=64,
        n_layer=2,
        n_head=4,
        n_positions=512,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=None,
    ),
}


def tiny_model(name: str, folder: Path, seed: int = 0) -> Path:
    """Writes the model into folder/name, unless it is there already; returns that folder."""
    target = folder / name
    if not (target / "config.json").is_file():
        network(name, seed).save_pretrained(target)
    return target


def network(name: str, seed: int = 0) -> Any:
    """The model itself, a PreTrainedModel with random weights, biases and norms, in float32."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = tf.AutoModelForCausalLM.from_config(CONFIGS[name](), attn_implementation="eager")
        for parameter in model.parameters():
            if parameter.ndim == 1:  # biases, norms and sinks begin as constants: move them, so that they count
                parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()
