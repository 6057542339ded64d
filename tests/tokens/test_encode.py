"""The ids of prompts are those of Hugging Face's tokenizer for the whole text."""

from __future__ import annotations

import random

import pytest

from sglc.ir.errors import ArgumentsError
from sglc.ir.ops import Role
from sglc.ir.tokens import Piece, Sampled, Text
from tests.tokenizers import CHAT_TEMPLATES, KINDS, prose
from tests.tokens.conftest import Load, token_id

HOSTILE_TEXTS = [
    *("", " ", "  ", "   a", "a   ", "\n", "\n\n \n", "\t\t", "a\r\nb", " \n a", "x  y    z     w"),
    *(
        "don't",
        "I'LL",
        "1234567",
        "3.14e-10",
        "¿qué?",
        "naïve",
        "e\u0301",
        "ﬁ",
        "①",
        "中文字",
        "👩\u200d👩\u200d👧",
        "\u200b",
    ),
    *("\x00", "\x7f\x80", "\ufdd0", "\U0010ffff", "▁", "▁▁ ▁", "<0x0A>", "<unk>", "Ġ", "<|", "|>", "<s", "</s>"),
]


def cut(draw: random.Random, text: str, trusted: bool | None = True) -> list[Text]:
    """The text in pieces; trusted None draws for each piece."""
    pieces: list[Text] = []
    while text:
        length = draw.randint(1, max(1, len(text) // 2))
        pieces.append(Text(text[:length], draw.random() < 0.5 if trusted is None else trusted))
        text = text[length:]
    return pieces


@pytest.mark.parametrize("kind", KINDS)
def test_plain_text_is_a_unit_however_it_is_cut(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    draw = random.Random(kind)
    texts = HOSTILE_TEXTS[:-1] + [prose(seed, seed % 40) for seed in range(200)]
    for text in texts:
        if text == "<unk>":
            continue
        assert ours.encode(cut(draw, text, None)) == oracle(text)["input_ids"], text


@pytest.mark.parametrize("kind", KINDS)
def test_trusted_text_may_spell_control_tokens(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    draw = random.Random(kind)
    controls = [*oracle.get_added_vocab(), oracle.bos_token, oracle.eos_token]
    for seed in range(300):
        parts = [
            prose(seed + 7 * n, draw.randint(0, 4)) if draw.random() < 0.5 else draw.choice(controls) for n in range(6)
        ]
        parts += draw.sample(HOSTILE_TEXTS, 2)
        draw.shuffle(parts)
        text = "".join(parts)
        assert ours.encode(cut(draw, text)) == oracle(text)["input_ids"], text


CONVERSATIONS = [
    ["user"],
    ["system", "user"],
    ["user", "assistant", "user"],
    ["system", "user", "assistant", "user", "assistant", "user"],
]


def conversation(roles: list[str], contents: list[str], *, trusted: bool = True) -> list[Piece]:
    prompt: list[Piece] = []
    for role, content in zip(roles, contents, strict=True):
        prompt += [Role(role, "begin"), Text(content, trusted), Role(role, "end")]
    return prompt


@pytest.mark.parametrize("chat", CHAT_TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
def test_chats_are_what_apply_chat_template_gives(load: Load, kind: str, chat: str) -> None:
    ours, oracle = load(kind, chat)
    for roles in CONVERSATIONS:
        if roles[0] == "system" and chat in ("gemma", "mistral"):
            continue  # refused, see test_chat.py
        for seed in range(4):
            contents = [prose(seed + 10 * n, 2 + seed).strip() for n in range(len(roles))]
            messages = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=True)]
            expected = oracle.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
            text = oracle.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            for trusted in (True, False):
                prompt = [*conversation(roles, contents, trusted=trusted), Role("assistant", "begin")]
                assert ours.encode(prompt) == expected
                assert ours.render(prompt) == text


@pytest.mark.parametrize("kind", KINDS)
def test_sampled_ids_stay_and_text_goes_on_after_them(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    vocabulary = ours.vocabulary
    before = [Text("the house", True)]
    for word in ("water", "s", "<|im_end|>"):
        sampled = [index for index, token in enumerate(vocabulary.tokens) if token == b" a"] or oracle("a")[
            "input_ids"
        ][-1:]
        prompt = [*before, Sampled(tuple(sampled), " a"), Text(word, True)]
        head = ours.encode(before)
        ids = ours.encode(prompt)
        assert ids[: len(head) + len(sampled)] == [*head, *sampled]
        tail = ids[len(head) + len(sampled) :]
        if word.startswith("<"):
            assert tail == [token_id(oracle, word)]
        else:
            assert b"".join(vocabulary.tokens[index] or b"?" for index in tail) == word.encode(), "no space is put in"
        assert ours.render(prompt) == "the house a" + word


@pytest.mark.parametrize("kind", KINDS)
def test_beginnings(load: Load, kind: str) -> None:
    ours, oracle = load(kind, "llama3")
    bos = [token_id(oracle, oracle.bos_token)]
    prefix = oracle("")["input_ids"]
    assert prefix in ([], bos)
    assert ours.encode([]) == prefix
    assert ours.encode([Text("", True)]) == prefix
    assert ours.encode([Sampled((5, 6), "??")]) == [*prefix, 5, 6]
    hello = [Role("user", "begin"), Text("hello", True), Role("user", "end")]
    assert ours.encode([Text("", False), *hello])[:1] == bos
    assert ours.encode(hello).count(bos[0]) == 1
    led = ours.encode([Text("Well: ", True), *hello])
    assert led.count(bos[0]) == len(prefix), "a template's BOS is left out where text comes first"


def test_lone_surrogates_are_refused(load: Load) -> None:
    ours, _ = load("llama3")
    with pytest.raises(ArgumentsError, match=r"lone surrogate, U\+D83D, at character 3"):
        ours.encode([Text("ab\ud83d", False)])


def test_long_spans_are_remembered_and_equal(load: Load) -> None:
    ours, oracle = load("llama3")
    text = prose(0, 400)
    for tail in ("a", "b", "a"):
        prompt = [Role("user", "begin"), Text(text, False), Role("user", "end"), Text(tail, True)]
        first = ours.encode(prompt)
        assert ours.encode(prompt) == first
        assert str(oracle.decode(first)).endswith(tail)
