"""The embedded model is an ordinary model folder, as training writes it, that transformers and sglc read alike."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

import sglc
from models.document import END, SPECIALS, TURN_END
from models.network import Network, Shape
from models.train import export
from sglc.runtime.model_folder import embedded_model

FOLDER = embedded_model()
FILES = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
WEIGHTS = "model.safetensors"

QUESTIONS = (
    "Please name the capital city of Peru.",
    "What is 47 + 38?",
    "Name three fruits.",
    "Which word has more letters, river or sea?",
    "Tell me about your garden, and how deep I sow peas.",
)


@cache
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(FOLDER)


@cache
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(FOLDER).eval()


def test_is_small_and_complete() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sizes.keys() == FILES
    assert sizes[WEIGHTS] <= 12_000_000
    assert 4096 <= len(tokenizer()) <= 8192


def test_training_writes_such_a_folder(tmp_path: Path) -> None:
    export(Network(Shape(len(tokenizer()))), Tokenizer.from_file(str(FOLDER / "tokenizer.json")), tmp_path)
    for name in FILES - {WEIGHTS}:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
    made, shipped = load_file(tmp_path / WEIGHTS), load_file(FOLDER / WEIGHTS)
    kinds = [{name: (tensor.shape, tensor.dtype) for name, tensor in each.items()} for each in (made, shipped)]
    assert kinds[0] == kinds[1]
    assert {tensor.dtype for tensor in shipped.values()} == {torch.bfloat16}


def test_loads_as_an_ordinary_llama() -> None:
    assert type(model()) is LlamaForCausalLM
    assert model().dtype == torch.float32
    assert model().num_parameters() <= 6_000_000
    assert model().config.vocab_size == len(tokenizer())
    assert model().config.max_position_embeddings >= 4096


def test_special_tokens_come_first_and_are_single() -> None:
    ids = [tokenizer()(name, add_special_tokens=False).input_ids for name in SPECIALS]
    assert ids == [[i] for i in range(len(SPECIALS))]


def test_digits_are_single() -> None:
    ids = tokenizer()("7 + 1234567890", add_special_tokens=False).input_ids
    assert [tokenizer().decode([i]) for i in ids] == ["7", " ", "+", " ", *"1234567890"]


def test_end_tokens() -> None:
    end, turn_end = tokenizer().convert_tokens_to_ids([END, TURN_END])
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


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_engine_answers_as_transformers_does(engine: sglc.Engine, question: str) -> None:
    @sglc.function
    def ask(s: Any) -> None:
        s += sglc.user(question) + sglc.assistant(sglc.gen("answer", max_tokens=40, temperature=0))

    messages = [{"role": "user", "content": question}]
    text = tokenizer().apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    prompt = torch.tensor([tokenizer()(text, add_special_tokens=False).input_ids])
    ids = model().generate(prompt, max_new_tokens=40, do_sample=False)[0, prompt.shape[1] :]
    assert ask.run(backend=engine)["answer"] == tokenizer().decode(ids, skip_special_tokens=True)
