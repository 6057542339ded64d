"""Loads the tokenizers of `tests.tokenizers` once a session: ours, and Hugging Face's as the oracle."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from sglc.runtime.tokenizer import ModelTokenizer, load_tokenizer
from tests.tokenizers import tokenizer_folder


def token_id(oracle: PreTrainedTokenizerFast, token: object) -> int:
    index = oracle.backend_tokenizer.token_to_id(str(token))
    assert index is not None
    return index


Load = Callable[..., tuple[ModelTokenizer, PreTrainedTokenizerFast]]


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    loaded: dict[tuple[str, str], tuple[ModelTokenizer, PreTrainedTokenizerFast]] = {}

    def load(kind: str, chat: str = "chatml") -> tuple[ModelTokenizer, PreTrainedTokenizerFast]:
        if (kind, chat) not in loaded:
            folder = tokenizer_folder(kind, tmp_path_factory.mktemp(kind) / chat, chat)
            oracle = AutoTokenizer.from_pretrained(folder)
            assert isinstance(oracle, PreTrainedTokenizerFast)
            loaded[kind, chat] = load_tokenizer(str(folder)), oracle
        return loaded[kind, chat]

    return load
