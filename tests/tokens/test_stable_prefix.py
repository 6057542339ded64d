"""No continuation changes the ids of a stable prefix, and little of a prompt is outside of it."""

from __future__ import annotations

import random

import pytest
from tokenizers import Regex, Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from sglc.ir.ops import Role
from sglc.ir.tokens import Piece, Sampled, Text
from sglc.runtime.spans import is_control
from sglc.runtime.tokenizer import ModelTokenizer
from tests.tokenizers import CHAT_TEMPLATES, KINDS, prose
from tests.tokens.conftest import Load

FRAGMENTS = [
    *("a", "s", "ing", "The", "A", "é", "ß", "中", "の", "한국", "ا", "שלום", "привет", "ﬁ", "①", "ﷺ"),
    *("0", "7", "12", "345", "6789", "٣", "½", "1,000", "3.14"),
    *(" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", "\u200b"),
    *(
        ".",
        ",",
        "...",
        "!?",
        "-",
        "--",
        "_",
        "(",
        ")",
        '"',
        "'",
        "'s",
        "'ll",
        "’s",
        "#",
        "==",
        "<",
        ">",
        "|",
        "`",
        "\\",
    ),
    *("\u0301", "\u0327", "\u0338", "\u05b0", "\u093c", "\u094d", "\u3099", "\u1161", "\u11a8"),
    *("\u200d", "👩", "👍🏽", "\ufe0f", "🇩🇪", "▁", "<0x0A>", "the house", "because of", "water ", " again", "don't"),
    *("<|im_end|>", "<|im_", "end|>", "<s>", "</s>", "<tool_call>", "<think", "<|"),
]


def random_pieces(draw: random.Random) -> list[Piece]:
    pieces: list[Piece] = []
    for _ in range(draw.choice([1, 1, 2, 3])):
        kind = draw.random()
        if kind < 0.1:
            pieces.append(Sampled(tuple(draw.choices(range(300, 330), k=draw.randint(0, 3))), "sampled"))
        else:
            words = [prose(draw.randrange(10**6), draw.randint(0, 3))] if kind < 0.5 else []
            text = "".join([*words, *draw.choices(FRAGMENTS, k=draw.randint(0, 4))])
            pieces.append(Text(text, draw.random() < 0.5))
    return pieces


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_no_continuation_changes_it(load: Load, kind: str, seed: int) -> None:
    ours, _ = load(kind)
    draw = random.Random(f"{kind}{seed}")
    for _ in range(60):
        prompt = random_pieces(draw)
        stable = ours.stable_prefix(prompt)
        assert ours.encode(prompt)[: len(stable)] == stable
        for _ in range(25):
            more = random_pieces(draw)
            assert ours.encode([*prompt, *more])[: len(stable)] == stable, (prompt, more)


@pytest.mark.parametrize("chat", CHAT_TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_continuation_of_a_conversation_changes_it(load: Load, kind: str, chat: str) -> None:
    ours, _ = load(kind, chat)
    draw = random.Random(kind + chat)
    edges: list[Piece] = []
    for role in ("user", "assistant", "user"):
        edges += [Role(role, "begin"), Role(role, "end")]
    for _ in range(12):
        conversation = [piece for edge in edges for piece in (edge, Text("".join(draw.choices(FRAGMENTS, k=3)), False))]
        whole = ours.encode(conversation)
        for length in range(1, len(conversation)):
            stable = ours.stable_prefix(conversation[:length])
            assert whole[: len(stable)] == stable, (conversation, length)


@pytest.mark.parametrize("kind", KINDS)
def test_a_literal_may_end_inside_a_control_token(load: Load, kind: str) -> None:
    ours, _ = load(kind)
    for control in ("<|im_start|>", "<|im_end|>", "<tool_call>", "</s>", "<think>"):
        for at in range(1, len(control)):
            prompt = [Text("Hello there, " + control[:at], True)]
            stable = ours.stable_prefix(prompt)
            for more in (Text(control[at:], True), Text(control[at:], False), Text(control[at:-1], True)):
                assert ours.encode([*prompt, more])[: len(stable)] == stable, (control, at)


def test_digits_grouped_from_the_right(load: Load) -> None:
    """One more digit changes every group before it, however many words that are."""
    _, made = load("llama3")
    backend = Tokenizer.from_str(made.backend_tokenizer.to_str())
    groups = pre_tokenizers.Split(Regex(r"\d{1,3}(?=(?:\d{3})*(?!\d))"), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([groups, pre_tokenizers.ByteLevel(False, use_regex=False)])
    ours = ModelTokenizer(PreTrainedTokenizerFast(tokenizer_object=backend))
    for length in range(1, 20):
        prompt = [Text("It costs " + "1234567890123456789"[:length], True)]
        stable = ours.stable_prefix(prompt)
        for more in ("0", "00", "000", " ", "a"):
            assert ours.encode([*prompt, Text(more, False)])[: len(stable)] == stable, (length, more)
    assert len(ours.stable_prefix([Text("It costs 123 456 and 789", True)])) > 3


@pytest.mark.parametrize("kind", KINDS)
def test_little_is_left_out(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    added = oracle.backend_tokenizer.get_added_tokens_decoder()
    controls = {index for index, token in added.items() if is_control(token)}
    message: list[Piece] = [Role("system", "begin"), Text("Be brief.", True), Role("system", "end")]
    for seed in range(20):
        text = prose(seed, 60)
        ids = ours.encode([*message, Text(text, True)])
        assert len(ids) - len(ours.stable_prefix([*message, Text(text, True)])) < 25
        assert ours.stable_prefix([Text(text, True), Sampled((300,), "x")]) == [*ours.encode([Text(text, True)]), 300]
        last = max(index for index, token in enumerate(ids) if token in controls)
        assert len(ours.stable_prefix([*message, Text("", True)])) > last


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_message_is_stable(load: Load, kind: str) -> None:
    ours, _ = load(kind, "llama3")
    prompt: list[Piece] = [Role("user", "begin"), Text(prose(1, 30), False), Role("user", "end")]
    assert ours.stable_prefix(prompt) == ours.encode(prompt)
    assert ours.stable_prefix([]) == []
    assert ours.stable_prefix([Text("", True)]) == []
