"""What a constraint forces is what the tokenizer writes, and nothing is ever taken back."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import pytest
from tokenizers import Tokenizer

from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.spans import SpanEncoder
from sglc.runtime.vocabulary import vocabulary_of
from tests.regexes import compile_automaton, compile_regex, stepped
from tests.tokenizers import KINDS, prose, tokenizer

NAMES = [
    "name",
    "title",
    "city",
    "price",
    "total_count",
    "Date",
    "address",
    "e-mail",
    "id",
    "status",
    "tags",
    "Ümlaut",
    "数量",
    "first",
    "name",
]
WORDS = [
    "The",
    "quick",
    "brown",
    "fox,",
    "jumps",
    "over",
    "3",
    "dogs.",
    "It's",
    '"really"?',
    "naïve",
    "$5.00",
    "(x)",
    "C:\\dir",
    "new\nline",
    "tab\t",
    "#1",
    "é",
]
CHOICES = ["open", "closed", "in progress", "low", "lower", "United States", "n/a", "é"]


PROSE = sorted(set(prose(1, 60).replace(".", "").replace(",", "").split()))


class Kind:
    """A tokenizer, its vocabulary, and its ids of a text inside of others."""

    def __init__(self, made: Tokenizer) -> None:
        self.vocabulary: Vocabulary = vocabulary_of(made, end_ids=(), columns=0, chat_template="")
        self.encode: Callable[[str], Sequence[int]] = SpanEncoder(made).encode_inside
        self.jumps = Jumps(self.vocabulary, self.encode)

    def spells(self, ids: Sequence[int]) -> bool:
        return all(self.vocabulary.tokens[token] is not None for token in ids)


@lru_cache
def kind_of(name: str) -> Kind:
    return Kind(tokenizer(name))


def random_schema(draw: random.Random, depth: int = 2) -> dict[str, Any]:
    names = draw.sample(NAMES, draw.randint(2, 4))
    simple: list[dict[str, Any]] = [
        {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"enum": draw.sample(CHOICES, 3)},
        {"type": "array", "items": {"type": "string"}, "maxItems": 3}, {"const": draw.choice(WORDS)},
    ]  # fmt: skip
    properties = {
        name: random_schema(draw, depth - 1) if depth and draw.random() < 0.2 else draw.choice(simple) for name in names
    }
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def random_instance(draw: random.Random, schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    match schema["type"]:
        case "object":
            return {name: random_instance(draw, inner) for name, inner in schema["properties"].items()}
        case "array":
            return [random_instance(draw, schema["items"]) for _ in range(draw.randint(0, 3))]
        case "string":
            return " ".join(draw.choices(WORDS, k=draw.randint(0, 5)))
        case "integer":
            return draw.choice([0, 1, -5, 42, 1999, 123456])
        case _:
            return draw.random() < 0.5


def replayed(kind: Kind, automaton: TokenAutomaton, ids: Sequence[int]) -> int:
    """Answers the ids, jumping where the constraint forces; how many of them were drawn."""
    state, place, drawn = 0, 0, 0
    while place < len(ids):
        before = ids[place - 1] if place else None
        jump = kind.jumps.ids(automaton, state, before)
        assert jump == tuple(ids[place : place + len(jump)])
        if not jump:
            jump = (ids[place],)
            drawn += 1
        for token in jump:
            state = stepped(automaton, state, token)
        place += len(jump)
    assert automaton.accept[state]
    return drawn


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"unigram"}))  # which has no braces
def test_forced_ids_are_those_of_the_text(name: str) -> None:
    kind, draw = kind_of(name), random.Random(7)
    drawn = total = 0
    for _ in range(12):
        schema = random_schema(draw)
        automaton = compile_automaton(Constraint("json_schema", json.dumps(schema)), kind.vocabulary)
        for _ in range(4):
            ids = kind.encode(json.dumps(random_instance(draw, schema), ensure_ascii=False))
            if kind.spells(ids):
                drawn += replayed(kind, automaton, ids)
                total += len(ids)
    assert 0 < drawn < 0.7 * total


@pytest.mark.parametrize("name", KINDS)
def test_forced_ids_of_templates(name: str) -> None:
    kind, draw = kind_of(name), random.Random(3)
    for _ in range(150):
        parts = [draw.sample(PROSE, draw.choice((1, 1, 2, 3))) for _ in range(draw.randint(1, 8))]
        automaton = compile_regex(" ".join(f"({'|'.join(map(re.escape, part))})" for part in parts), kind.vocabulary)
        for _ in range(3):
            replayed(kind, automaton, kind.encode(" ".join(map(draw.choice, parts))))


CASES = [
    ("whole", "hello there", "", "hello there"),
    ("held back", "the(re)?", "", ""),
    ("up to what may go on", r"say: (the|there) end", "say: t", None),
    ("a choice", "[ab]c", "", ""),
    ("after a choice", "[07]; the end", "0", "; the end"),
    ("half a character", "[éè]", "", ""),
    ("an optional end", "yes( or no)?", "", None),
]


@pytest.mark.parametrize(("regex", "begin", "forced"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@pytest.mark.parametrize("name", ["llama3", "gpt2", "llama2"])
def test_what_is_forced(name: str, regex: str, begin: str, forced: str | None) -> None:
    kind = kind_of(name)
    automaton = compile_regex(regex, kind.vocabulary)
    ids = kind.encode(begin) if begin else []
    state = 0
    for token in ids:
        state = stepped(automaton, state, token)
    found = kind.jumps.ids(automaton, state, ids[-1] if ids else None)
    text = b"".join(kind.vocabulary.tokens[token] or b"" for token in found).decode()
    if forced is not None:
        assert text == forced
    for more in ("", "re", " or no", "there end"):  # whatever the answer becomes, its ids begin like this
        whole = begin + text + more
        if text:
            assert tuple(kind.encode(whole)[len(ids) : len(ids) + len(found)]) == found or not fits(automaton, whole)


def fits(automaton: TokenAutomaton, text: str) -> bool:
    return automaton.walk(0, text.encode()) >= 0


def test_long_forced_text_is_several_jumps() -> None:
    kind = kind_of("llama3")
    text = "one two three " * 100
    automaton = compile_regex(text, kind.vocabulary)
    ids: list[int] = []
    state = 0
    while not automaton.accept[state]:
        jump = kind.jumps.ids(automaton, state, ids[-1] if ids else None)
        assert 0 < sum(len(kind.vocabulary.tokens[token] or b"") for token in jump) <= 256
        ids += jump
        for token in jump:
            state = stepped(automaton, state, token)
    assert ids == list(kind.encode(text))


def test_the_id_before_is_not_changed() -> None:
    kind = kind_of("llama3")
    automaton = compile_regex("(t|x)he end", kind.vocabulary)
    state = automaton.walk(0, b"t")
    (before,) = kind.encode("t")
    assert list(kind.encode("the end"))[:1] != [before]  # the tokenizer writes "the" otherwise
    assert kind.jumps.ids(automaton, state, before) == ()
