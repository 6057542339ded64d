"""What plain values may stand in a graph: constants of results, text, and the settings of gens."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from sglc.ir.graph import Tree

MAX_BITS = 1024
"""Of an integer in a result."""

MAX_CONSTRAINT = {"regex": 20_000, "json_schema": 1 << 20, "ebnf": 100_000}
"""Characters of a constraint as it is written, by its kind: what is longer is refused before anything reads it."""


def is_constant(value: object) -> bool:
    """Whether the value may be a static."""
    return type(value) in (type(None), bool, int, float, str)


def what_is_wrong(item: Tree) -> str | None:
    """What is wrong with an item of a result, its children left out."""
    if type(item) not in (type(None), bool, int, float, str, list, tuple, dict):
        return f"a {type(item).__name__} is no result"
    if isinstance(item, str):
        return what_is_wrong_with_text(item)
    if isinstance(item, float) and not math.isfinite(item):
        return f"{item} is not a finite number"
    if isinstance(item, int) and item.bit_length() > MAX_BITS:
        return f"an integer has more than {MAX_BITS} bits"
    if isinstance(item, dict) and any(type(key) is not str for key in item):
        return "a key is not a str"
    return None


def what_is_wrong_with_text(text: object) -> str | None:
    """Text of a graph is what can be encoded: for the tokenizer, and for a file."""
    if type(text) is not str:
        return f"a {type(text).__name__} stands where text belongs"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a text holds half a character (a lone surrogate)"
    return None


def _integer(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value < high


def _number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and low <= value <= high


def _all(values: tuple[object, ...], holds: Callable[[object], bool]) -> bool:
    return type(values) is tuple and all(map(holds, values))


def _is_pattern(value: object) -> bool:
    if type(value) is not str or not 0 < len(value) <= MAX_CONSTRAINT["regex"]:
        return False
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


SETTINGS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "max_tokens": (lambda v: _integer(v, 0, 2**31), "an integer of at least 0"),
    "min_tokens": (lambda v: _integer(v, 0, 2**31), "an integer of at least 0"),
    "stop": (lambda v: _all(v, lambda s: type(s) is str and s != ""), "strings that are not empty"),
    "stop_token_ids": (lambda v: _all(v, lambda i: _integer(i, 0, 2**31)), "integers of at least 0"),
    "stop_regex": (lambda v: _all(v, _is_pattern), "patterns of Python's `re` that are not empty and not too long"),
    "temperature": (lambda v: _number(v, 0, 1e9), "a number of at least 0"),
    "top_p": (lambda v: _number(v, 0, 1) and v != 0, "a number over 0 and up to 1"),
    "top_k": (lambda v: (v == -1 and type(v) is int) or _integer(v, 1, 2**31), "-1 or an integer of at least 1"),
    "min_p": (lambda v: _number(v, 0, 1), "a number from 0 to 1"),
    "frequency_penalty": (lambda v: _number(v, -2, 2), "a number from -2 to 2"),
    "presence_penalty": (lambda v: _number(v, -2, 2), "a number from -2 to 2"),
    "ignore_eos": (lambda v: type(v) is bool, "true or false"),
    "seed": (lambda v: _integer(v, -(2**63), 2**63), "an integer of 64 bits"),
    "return_logprob": (lambda v: type(v) is bool, "true or false"),
    "logprob_start_len": (lambda v: _integer(v, 0, 2**31), "an integer of at least 0"),
    "top_logprobs_num": (lambda v: _integer(v, 0, 1001), "an integer from 0 to 1000"),
    "return_text_in_logprobs": (lambda v: type(v) is bool, "true or false"),
    "finish_in_time": (lambda v: type(v) is bool, "true or false"),
}
"""What a setting of a gen may be, and how to say it."""
