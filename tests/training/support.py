"""A small tokenizer and a small network, made once."""

from __future__ import annotations

from functools import cache
from itertools import islice

from tokenizers import Tokenizer

from models.mixture import documents
from models.network import Shape
from models.tokenizer import text_of, trained

ENTRIES = 800


@cache
def tokenizer() -> Tokenizer:
    return trained(map(text_of, islice(documents(2), 400)), ENTRIES)


SHAPE = Shape(ENTRIES, hidden=32, layers=2, heads=2, kv_heads=2, intermediate=64)
