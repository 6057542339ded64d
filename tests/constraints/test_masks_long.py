"""Masks are those of the terms, bit by bit; `python -m tests.constraints.long` compares more, and with 32,000 tokens."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter

import numpy as np
import pytest

from sglc.ir.tokens import Vocabulary
from sglc.runtime.vocabulary import vocabulary_of
from tests.constraints import masks
from tests.constraints.random_constraints import Case, of_regex, of_schema, random_schema
from tests.regex.oracle import byte_level, sentence_piece
from tests.regexes import compile_automaton
from tests.tokenizers import tokenizer

DATE = of_regex(r"[0-9]{4}-(0[1-9]|1[0-2])")


def small(kind: str) -> Vocabulary:
    """Of a tokenizer, with two end ids and columns that have no id."""
    made = tokenizer(kind)
    columns = made.get_vocab_size() + 13
    return vocabulary_of(made, end_ids=(1, columns - 14), columns=columns, chat_template="")


VOCABULARIES = {
    "bytes": byte_level,
    "pieces": lambda: sentence_piece(random.Random(1)),
    "llama3": lambda: small("llama3"),
    "llama2": lambda: small("llama2"),
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_masks_of_random_constraints(name: str) -> None:
    vocabulary, seen = VOCABULARIES[name](), Counter[str]()
    for seed in range(80):
        masks.compare_random(vocabulary, seed, 20, seen)
    assert seen["steps"] > 1_200, seen
    assert seen["refused"] + seen["unknown to the oracle"] + seen["too large for the oracle"] < 16, seen


@pytest.mark.parametrize("space", [0, 1, 3])
def test_masks_of_schemas_with_white_space(space: int) -> None:
    seen = Counter[str]()
    for seed in range(25):
        draw = random.Random(seed)
        masks.compare(of_schema(random_schema(draw), space), small("llama3"), draw, 40, seen)
    assert seen["steps"] > 500, seen


@pytest.mark.parametrize(
    "case", [DATE, of_regex(r"[^\n]*"), of_regex(r"a{0,3}"), of_schema({"type": "array", "items": {"type": "string"}})]
)
def test_end_ids_control_tokens_and_padding(case: Case) -> None:
    """Said once more without the oracle's masks: end ids where the text matches, other ids without a text never."""
    vocabulary, draw = small("llama3"), random.Random(2)
    constraint, follower = compile_automaton(case.constraint, vocabulary), case.make_follower()
    nothing = {token for token, text in enumerate(vocabulary.tokens) if text is None} - vocabulary.end_ids
    nothing |= {*range(len(vocabulary.tokens), 32 * -(-vocabulary.size // 32))}
    ended = 0
    for _ in range(30):
        state, data = constraint.start, b""
        for _ in range(12):
            allowed = set(masks.bits(constraint.row(state)))
            place = follower.walk(0, data)
            assert not allowed & nothing
            assert allowed & vocabulary.end_ids == (vocabulary.end_ids if follower.accepts(place) else set())
            ended += bool(allowed & vocabulary.end_ids)
            if allowed <= vocabulary.end_ids:
                break
            token = draw.choice(sorted(allowed - vocabulary.end_ids))
            data += vocabulary.tokens[token] or b""
            after = constraint.step(state, token)
            assert after is not None
            state = after
    assert ended > 10


class Wrong:
    """An automaton with one thing said wrongly."""

    def __init__(self, inner: object, name: str, change: object) -> None:
        self._inner, self._name, self._change = inner, name, change

    def __getattr__(self, name: str) -> object:
        right = getattr(self._inner, name)
        if name != self._name:
            return right
        return lambda *given: self._change(right(*given))  # pyright: ignore[reportCallIssue]


def flipped(token: int) -> object:
    """A change of masks: the bit of an id."""

    def change(row: np.ndarray) -> np.ndarray:
        changed = row.copy()
        changed.view(np.uint32)[token // 32] ^= np.uint32(1 << token % 32)
        return changed

    return change


CHANGES = {
    "a token too many or too few": ("row", flipped(300)),
    "an end id": ("row", flipped(1)),
    "a padded column": ("row", flipped(608)),
    "a bit beyond all columns": ("row", flipped(639)),
    "acceptance": ("accepts", lambda accepts: not accepts),
    "the only id": ("only_id", lambda token: token + 1),
    "the end": ("is_final", lambda final: not final),
    "forced bytes": ("forced_bytes", lambda forced: forced + b"5"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_wrong_answer_of_an_automaton_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = small("llama3")
    asked, change = CHANGES[name]
    right = compile_automaton(DATE.constraint, vocabulary)
    monkeypatch.setattr(masks, "compile_automaton", lambda *given: Wrong(right, asked, change))
    with pytest.raises(AssertionError):
        masks.compare(DATE, vocabulary, random.Random(0), 10, Counter())


def test_what_is_compiled_is_what_is_compared() -> None:
    """The comparison sees a constraint that is slightly another one."""
    other = dataclasses.replace(DATE, constraint=of_regex(r"[0-9]{4}-(0[1-9]|1[0-3])").constraint)
    with pytest.raises(AssertionError, match=r"1 too many.*b'3'"):
        masks.compare(other, small("llama3"), random.Random(0), 400, Counter())
