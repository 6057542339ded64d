"""The embedded model: an ordinary model folder, made by its script, that behaves like a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from tools import make_embedded_model as script

FOLDER = script.ROOT / "runtime" / "embedded"
FILES = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
QUESTIONS = ["Here is an essay about gardens.", "What is clarity? Rate it.", "Say why."]


@cache
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(FOLDER)


@cache
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(FOLDER).eval()


def chat(question: str) -> list[int]:
    messages = [{"role": "system", "content": "You are a judge."}, {"role": "user", "content": question}]
    text = tokenizer().apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return tokenizer()(text, add_special_tokens=False).input_ids


def answers(question: str, tokens: int, **settings: Any) -> list[list[int]]:
    prompt = torch.tensor([chat(question)])
    torch.manual_seed(0)
    return model().generate(prompt, max_new_tokens=tokens, **settings)[:, prompt.shape[1] :].tolist()


def test_is_small_and_complete() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sizes.keys() == FILES
    assert sum(sizes.values()) <= 12_000_000


def test_the_script_makes_this_model_from_this_tokenizer(tmp_path: Path) -> None:
    script.make(tmp_path, Tokenizer.from_file(str(FOLDER / "tokenizer.json")))
    for name in FILES - {"model.safetensors", "tokenizer.json"}:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
    made, committed = load_file(tmp_path / "model.safetensors"), load_file(FOLDER / "model.safetensors")
    assert made.keys() == committed.keys()
    for name, tensor in made.items():
        assert np.array_equal(tensor, committed[name]), name


def test_two_runs_make_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders):
        env = {**os.environ, "PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, script.__file__, str(folder)], check=True, env=env)
    for name in FILES:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_loads_as_an_ordinary_llama() -> None:
    assert type(model()) is LlamaForCausalLM
    assert model().dtype == torch.float32
    assert model().config.vocab_size == len(tokenizer()) >= 4096


def test_special_tokens_come_first_and_are_single() -> None:
    ids = [tokenizer()(name, add_special_tokens=False).input_ids for name in script.SPECIALS]
    assert ids == [[i] for i in range(len(script.SPECIALS))]


def test_end_tokens() -> None:
    end, turn_end = tokenizer().convert_tokens_to_ids([script.END, script.TURN_END])
    assert model().generation_config.eos_token_id == [turn_end, end]
    assert tokenizer().eos_token_id == model().config.eos_token_id == turn_end


def test_chat_template() -> None:
    messages = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": " Hi\n"}]
    render = tokenizer().apply_chat_template
    assert render(messages, tokenize=False) == (
        "<|begin|><|system|>\nBe fair.<|turn_end|>\n<|user|>\n Hi\n<|turn_end|>\n"
    )
    prompt = render(messages, tokenize=False, add_generation_prompt=True)
    assert prompt.endswith("<|turn_end|>\n<|assistant|>\n")
    with pytest.raises(Exception, match="unknown role: tool"):
        render([{"role": "tool", "content": ""}], tokenize=False)


@given(st.text())
def test_text_comes_back(text: str) -> None:
    ids = tokenizer()(text, add_special_tokens=False).input_ids
    assert tokenizer().decode(ids, clean_up_tokenization_spaces=False) == text


def test_essays_take_few_tokens() -> None:
    essays = [json.loads(line)["essay"] for line in script.ESSAYS.read_text("utf-8").splitlines()]
    tokens = sum(len(ids) for ids in tokenizer()(essays, add_special_tokens=False).input_ids)
    assert tokens < 1.6 * sum(len(essay.split()) for essay in essays)


def test_greedy_text_is_varied_words_that_depend_on_the_prompt() -> None:
    seen = [answers(question, 60, do_sample=False, min_new_tokens=60)[0] for question in QUESTIONS]
    for ids in seen:
        assert len(set(ids)) > 20
        words = [tokenizer().decode([i]) for i in ids]
        assert sum(word.strip().isalpha() for word in words) > 40
        assert all(word.isprintable() or word.isspace() for word in words)
    assert len({tuple(ids) for ids in seen}) == len(QUESTIONS)


def test_sampled_answers_end_sometimes() -> None:
    ends = set(model().generation_config.eos_token_id)
    ended = [
        bool(ends & set(ids)) for ids in answers(QUESTIONS[0], 100, do_sample=True, top_k=0, num_return_sequences=40)
    ]
    assert 4 <= sum(ended) <= 36
