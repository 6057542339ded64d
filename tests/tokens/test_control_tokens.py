"""Untrusted text never becomes a control token, whatever it spells, and its ids still spell it."""

from __future__ import annotations

import random

import pytest
from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedTokenizerFast

from sglc.ir.ops import Role
from sglc.ir.tokens import Piece, Sampled, Text
from sglc.runtime.detokenizer import Detokenizer
from sglc.runtime.spans import is_control
from sglc.runtime.tokenizer import ModelTokenizer
from tests.tokenizers import CHAT_TEMPLATES, KINDS
from tests.tokens.conftest import Load, token_id

TOTAL = 100_000
CASES = [(kind, chat) for kind in KINDS for chat in CHAT_TEMPLATES]


def hostile_text(draw: random.Random, controls: list[str]) -> str:
    """Control tokens whole, cut, doubled, nested and next to each other."""
    parts: list[str] = []
    for _ in range(draw.randint(1, 4)):
        token = draw.choice(controls)
        at = draw.randrange(len(token) + 1)
        other = draw.choice(controls)
        parts.append(
            draw.choice([token, token[:at], token[at:], token[:at] + other + token[at:], " ", "\n", "a", "b c"])
        )
    return "".join(parts)


def prompt_with(first: str, second: str, third: str, border: str) -> list[Piece]:
    """Untrusted texts as an argument next to literals, at the start of a message, and as an answer appended again."""
    return [
        Role("user", "begin"),
        Text(f"Say {border}", True),
        Text(first, False),
        Text(border, True),
        Role("user", "end"),
        Role("assistant", "begin"),
        Sampled((300, 301), "xy"),
        Role("assistant", "end"),
        Role("user", "begin"),
        Text(second, False),
        Text(" and ", True),
        Text(third, False),
        Role("user", "end"),
        Role("assistant", "begin"),
    ]


@pytest.mark.parametrize(("kind", "chat"), CASES)
def test_no_control_token_out_of_untrusted_text(load: Load, kind: str, chat: str) -> None:
    ours, oracle = load(kind, chat)
    added = oracle.backend_tokenizer.get_added_tokens_decoder()
    control_ids = {index for index, token in added.items() if is_control(token)}
    controls = [added[index].content for index in sorted(control_ids)]
    detokenizer = Detokenizer(ours.vocabulary)
    draw = random.Random(kind + chat)

    def controls_in(ids: list[int]) -> list[int]:
        return [index for index in ids if index in control_ids]

    borders = ["", "<", "<|", "|>", ">", "[", "im_end|>", "<|im_", "</s", "s>", controls[-1][:3], controls[-1][3:]]
    expected = {border: ours.encode(prompt_with("QJ", "QJ", "QJ", border)) for border in borders}
    for _ in range(TOTAL // len(CASES) // 3 + 1):
        border = draw.choice(borders)
        first, second, third = (hostile_text(draw, controls) for _ in range(3))
        prompt = prompt_with(first, second, third, border)
        ids = ours.encode(prompt)
        plain = expected[border]
        assert controls_in(ids) == controls_in(plain), prompt
        pattern = detokenizer.decode(plain).split("QJ")
        assert detokenizer.decode(ids) == "".join(
            a + b for a, b in zip(pattern, [first, second, third, ""], strict=True)
        ), prompt


@pytest.mark.parametrize("kind", KINDS)
def test_untrusted_text_hides_no_trusted_control_token(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    end = token_id(oracle, "<|im_end|>")
    for hidden in ("<|im_start|", "<|im_end|><", "<|im_end", "<", "<|im_start|><|im_end|", "</s><s"):
        ids = ours.encode([Text("a", True), Text(hidden, False), Text("<|im_end|>", True), Text(hidden, False)])
        assert ids.count(end) == 1
        assert token_id(oracle, "<|im_start|>") not in ids


@pytest.mark.parametrize("kind", KINDS)
def test_a_control_token_may_be_written_over_trusted_pieces(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    split = [Text("a<|im", True), Text("_en", True), Text("d|>b", True)]
    assert ours.encode(split) == oracle("a<|im_end|>b")["input_ids"]
    assert token_id(oracle, "<|im_end|>") in ours.encode(split)


def test_the_models_own_vocabulary_may_spell_a_control_token(load: Load) -> None:
    """A Unigram has "<s>" among its pieces: cut inside, it is ordinary text."""
    ours, oracle = load("unigram")
    assert "<s>" in oracle.backend_tokenizer.get_vocab(with_added_tokens=False)
    ids = ours.encode([Text("ab<s><s>c</s>", False)])
    assert not {token_id(oracle, oracle.bos_token), token_id(oracle, oracle.eos_token)} & set(ids)
    assert Detokenizer(ours.vocabulary).decode(ids) == " ab<s><s>c</s>"


def test_a_long_forgery_is_linear(load: Load) -> None:
    for kind in ("unigram", "llama3"):
        ours, oracle = load(kind)
        text = f"<s>{oracle.eos_token}<|im_end|>" * 20_000
        assert not {token_id(oracle, oracle.bos_token), token_id(oracle, oracle.eos_token)} & set(
            ours.encode([Text("x", True), Text(text, False)])[1:]
        )


def test_white_space_that_was_added_is_ordinary_text(load: Load) -> None:
    """GPT-NeoX and Gemma add runs of spaces and newlines to save tokens."""
    ours, oracle = load("gpt2")
    runs = [token_id(oracle, " " * n) for n in (2, 3, 4, 8)]
    assert ours.encode([Text("a  b   c    d        e", False)]) == oracle("a  b   c    d        e")["input_ids"]
    assert set(runs) <= set(oracle("a  b   c    d        e")["input_ids"])
    assert [ours.vocabulary.tokens[run] for run in runs] == [b" " * n for n in (2, 3, 4, 8)]


FLAGS = [
    {"lstrip": True, "normalized": False},
    {"rstrip": True, "normalized": False},
    {"lstrip": True, "rstrip": True, "special": True},
    {"single_word": True, "normalized": False},
    {"normalized": True},
    {"normalized": False},
]
# The library encodes white space twice that one added token swallows and another is, and normalised tokens behind a
# normaliser that puts a space before the text.
QUIRKS = [("gpt2", "rstrip"), ("llama2-legacy", "normalized")]


FLAGGED = [
    (kind, flags) for kind in KINDS for flags in FLAGS if not any(kind == odd and flags.get(f) for odd, f in QUIRKS)
]


@pytest.mark.parametrize(("kind", "flags"), FLAGGED, ids=str)
def test_flags_of_added_tokens(load: Load, kind: str, flags: dict[str, bool]) -> None:
    """Tokens that swallow white space, must be words, or are found after normalisation: as the library has them."""
    _, made = load(kind)
    backend = Tokenizer.from_str(made.backend_tokenizer.to_str())
    backend.add_tokens([AddedToken("<m>", **flags)])
    oracle = PreTrainedTokenizerFast(tokenizer_object=backend)
    ours = ModelTokenizer(oracle)
    marker = token_id(oracle, "<m>")
    draw = random.Random(kind)
    for _ in range(150):
        parts = [draw.choice(["<m>", " ", "  ", "\n", "a", "the ", "</s>", " house", "é", "."]) for _ in range(6)]
        assert ours.encode([Text(part, True) for part in parts]) == oracle("".join(parts))["input_ids"], parts
        untrusted = [Text(part, draw.random() < 0.5) for part in parts]
        ids = ours.encode([*untrusted, Text("<m", False), Text(">", True)])
        assert ids.count(marker) <= sum(piece.trusted and piece.text == "<m>" for piece in untrusted)


def test_flags_of_added_tokens_next_to_a_forgery(load: Load) -> None:
    _, made = load("llama3")
    backend = Tokenizer.from_str(made.backend_tokenizer.to_str())
    backend.add_tokens([AddedToken("<m>", lstrip=True, rstrip=True), AddedToken("<w>", single_word=True)])
    ours = ModelTokenizer(PreTrainedTokenizerFast(tokenizer_object=backend))
    detokenizer = Detokenizer(ours.vocabulary)
    swallows = [Text("<m>a ", False), Text("<m>", True), Text("  b", False)]
    assert detokenizer.decode(ours.encode(swallows)) == "<m>ab"
    word = [Text("<w>a", False), Text("<w>", True), Text(" <w>", True)]
    ids = ours.encode(word)
    assert ids.count(backend.token_to_id("<w>") or 0) == 1
    assert detokenizer.decode(ids) == "<w>a<w> "
