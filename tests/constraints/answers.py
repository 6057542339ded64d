"""Random programs on a real engine with a small random model; each answer is judged by Python and by the terms."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import torch
import transformers as tf

import sglc as sgl
from sglc.ir.errors import ConstraintError
from sglc.passes.compile_constraints import compile_constraint
from tests.constraints.bytewise import Follower
from tests.constraints.pattern_terms import UnsupportedError
from tests.constraints.random_constraints import Case, random_case
from tests.constraints.terms import TooLargeError
from tests.tokenizers import prose, tokenizer, tokenizer_folder

PADDING = 13
"""Columns of logits that no id of the tokenizer has."""
MAX_TOKENS = (1, 2, 3, 5, 8, 20, 60)
RARELY: list[dict[str, Any]] = [
    {"stop": ["a", " "]},
    {"min_tokens": 4, "max_tokens": 12},
    {"ignore_eos": True},
    {"frequency_penalty": 0.7},
    {"top_k": 3},
    {"top_p": 0.5},
]


def model_of(kind: str, folder: Path) -> Path:
    """Writes a model with one layer and random weights for a tokenizer of `tests.tokenizers`; the folder."""
    tokenizer_folder(kind, folder)
    columns = tokenizer(kind).get_vocab_size() + PADDING
    names = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
    config = tf.LlamaConfig(
        vocab_size=columns,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=4096,
        initializer_range=0.2,
        **names,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tf.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def play(engine: sgl.Engine, seed: int) -> Counter[str]:
    """One random program, run once: how its answers ended, by the number of each. Raises AssertionError, with the seed."""
    draw, seen = random.Random(seed), Counter[str]()
    cases: list[tuple[Case, Follower, dict[str, Any]]] = []
    for _ in range(draw.choice([1, 2, 3, 3])):
        case = random_case(draw)
        follower = _taken(case, engine, seen, f"seed {seed}")
        settings = {"max_tokens": draw.choice(MAX_TOKENS), "temperature": draw.choice([0.0, 0.0, 1.0, 4.0])}
        settings |= draw.choice(RARELY) if draw.random() < 0.2 else {}
        if follower is not None:
            cases.append((case, follower, settings))
    before = [draw.choice(["", "\n", " ", "Answer: ", prose(seed, 2)]) for _ in cases]

    def body(s: Any, prompt: Any) -> None:
        s += prompt
        for number, (text, (case, _, settings)) in enumerate(zip(before, cases, strict=True)):
            s += text
            s += sgl.gen(str(number), **case.setting, **settings)

    mode: Literal["compiled", "interpret"] = draw.choice(["compiled", "interpret"])
    result = sgl.function(body).run(prompt=prose(seed, 5), backend=engine, mode=mode, seed=seed)
    for number, (case, follower, settings) in enumerate(cases):
        where = f"seed {seed}, answer {number} of {case.constraint} with {settings}, {mode}"
        text, meta = result[str(number)], result.meta[str(number)]
        try:
            seen[judged(case, follower, text, meta["finish_reason"], where)] += 1
        except TooLargeError:
            seen["too large for the oracle"] += 1
        assert meta["completion_tokens"] <= settings["max_tokens"], where
    return seen


def _taken(case: Case, engine: sgl.Engine, seen: Counter[str], where: str) -> Follower | None:
    """The follower of a constraint that engine and oracle take. What no text matches must be refused, and vice versa."""
    try:
        follower = case.make_follower()
        is_empty = follower.is_empty
    except (TooLargeError, UnsupportedError):
        seen["unknown to the oracle"] += 1
        return None
    try:
        compile_constraint(case.constraint, engine.tokenizer.vocabulary)
    except ConstraintError as error:
        if is_empty != ("no text matches" in error.what):
            raise AssertionError(f"{where}: {case.constraint} is refused: {error}") from error
        seen["refused"] += 1
        return None
    assert not is_empty, f"{where}: no text matches {case.constraint}, and it is compiled"
    return follower


def judged(case: Case, follower: Follower, text: str, reason: dict[str, Any], where: str) -> str:
    """How an answer ended. Raises AssertionError where it is not what its constraint says."""
    kind = str(reason["type"])
    if kind == "length" or isinstance(reason["matched"], str):
        assert follower.begins(text), f"{where}: no match begins with {text!r}"
        return "cut by length" if kind == "length" else "cut by a stop"
    assert kind in ("match", "stop"), f"{where}: {reason}"
    assert case.whole(text), f"{where}: ended by {reason}, and {text!r} does not match"
    assert follower.matches(text), f"{where}: ended by {reason}, and {text!r} is no match of the terms"
    if kind == "match":
        end = follower.walk(0, text.encode())
        assert all(follower.step(end, byte) < 0 for byte in range(256)), f"{where}: more may follow {text!r}"
    return "ended, nothing may follow" if kind == "match" else "ended by an end id"
