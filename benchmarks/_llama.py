"""A Llama of 100 million parameters with random weights, made by a seeded script: only its cost matters."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks import vocabularies

FOLDER = Path(__file__).resolve().parent.parent / "build" / "models"
RECIPE = 2
"""Part of the model's name: count it up when `_make` changes it."""
VOCABULARY = 32_000
SEED = 5


def model_folder() -> Path:
    """12 layers, hidden 768, 110 million parameters in bfloat16, with the small vocabulary's tokenizer; made once."""
    folder = FOLDER / f"llama-110m-{vocabularies.RECIPE}-{RECIPE}"
    if not (folder / "config.json").exists():
        _make(folder)
    return folder


def _make(folder: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=768,
        intermediate_size=2_048,
        num_hidden_layers=12,
        num_attention_heads=12,
        num_key_value_heads=12,
        max_position_embeddings=8_192,
        tie_word_embeddings=True,
        bos_token_id=vocabularies.end_id(VOCABULARY) - 1,
        eos_token_id=vocabularies.end_id(VOCABULARY),
    )
    torch.manual_seed(SEED)
    partial = folder.with_suffix(".partial")
    LlamaForCausalLM(config).bfloat16().save_pretrained(partial)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(vocabularies.tokenizer_file(VOCABULARY)))
    tokenizer.eos_token = "<|end_of_text|>"
    tokenizer.save_pretrained(partial)
    partial.rename(folder)
