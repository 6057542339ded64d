"""The tokenizer of the model to be trained, and the ids of documents."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from models.document import BEGIN, SPECIALS, Answer, Document, Message, chat, plain
from models.draw import Draw
from models.mixture import MIXTURE
from models.programs import question_of
from models.tokenizer import encoded, write
from sglc.ir.ops import Role
from sglc.ir.tokens import Piece, Text
from sglc.runtime.tokenizer import load_tokenizer
from tests.training.support import tokenizer


def ids(text: str) -> list[int]:
    return tokenizer().encode(text, add_special_tokens=False).ids


def pieces(text: str) -> list[str]:
    return [tokenizer().decode([token]) for token in ids(text)]


@settings(deadline=None)  # the first makes the tokenizer
@given(st.text())
def test_text_comes_back(text: str) -> None:
    assert tokenizer().decode(ids(text)) == text


def test_special_tokens_come_first() -> None:
    assert [tokenizer().token_to_id(name) for name in SPECIALS] == list(range(len(SPECIALS)))


@settings(deadline=None)  # the first makes the tokenizer
@given(st.integers(0, 10**9))
def test_digits_are_split(number: int) -> None:
    assert pieces(str(number)) == list(str(number))
    assert pieces(f"a {number}.")[-len(str(number)) - 1 : -1] == list(str(number))


@pytest.mark.parametrize("word", ["Zorkel", "notebooks", "Anna", "47", "x"])
def test_a_word_has_the_same_tokens_wherever_it_stands(word: str) -> None:
    alone = ids(word)
    for text in (
        f"I am {word}.",
        f'{{"name": "{word}", "count": 1}}',
        f"Look up[{word}]",
        f"Name:\n{word}, then",
        f"({word})",
    ):
        found = ids(text)
        assert any(found[start : start + len(alone)] == alone for start in range(len(found))), (text, pieces(text))


@pytest.mark.parametrize(
    ("before", "after"), [("Answer: ", "Paris"), ("Thought: ", "I need it."), ("Score: ", "7"), ("= ", "85")]
)
def test_a_prompt_that_ends_with_a_space_begins_its_continuation(before: str, after: str) -> None:
    assert ids(before + after) == ids(before) + ids(after)


def test_answers_and_what_ends_them_are_supervised() -> None:
    document = chat("t", "", ("Hi", "Hello"), ("And?", Answer("yes", ("yes", "no"))))
    found, spans = encoded(tokenizer(), document)
    texts = [tokenizer().decode(found[first:end], skip_special_tokens=False) for first, end in spans]
    assert texts == ["Hello<|turn_end|>", "yes<|turn_end|>"]
    found, spans = encoded(tokenizer(), plain("t", "Sum: ", Answer("85"), "\nNext"))
    assert [tokenizer().decode(found[first:end]) for first, end in spans] == ["85\n"]
    assert found[0] == tokenizer().token_to_id(BEGIN)


def sglc_prompt(document: Document) -> list[Piece]:
    """What sglc encodes before a document's first answer."""
    found: list[Piece] = []
    for message in document.messages:
        if message.role is not None:
            found.append(Role(message.role, "begin"))
        for piece in message.pieces:
            if isinstance(piece, Answer):
                return found
            found.append(Text(piece, trusted=True))
        if message.role is not None:
            found.append(Role(message.role, "end"))
    raise AssertionError("no answer")


def test_training_sees_the_ids_that_the_engine_has(tmp_path: Path) -> None:
    write(tokenizer(), tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    engine_tokenizer = load_tokenizer(str(tmp_path), None)
    for _, task in MIXTURE:
        document = task(Draw(0, held_out=False))
        if not document.answers[0].choices:
            found, spans = encoded(tokenizer(), document)
            assert engine_tokenizer.encode(sglc_prompt(document)) == found[: spans[0][0]], document.task


def test_transformers_reads_it(tmp_path: Path) -> None:
    write(tokenizer(), tmp_path)
    read = AutoTokenizer.from_pretrained(tmp_path)
    messages = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": " Hi\n"}]
    prompt = read.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert prompt == "<|begin|><|system|>\nBe fair.<|turn_end|>\n<|user|>\n Hi\n<|turn_end|>\n<|assistant|>\n"
    document = Document(
        "t", (Message("system", ("Be fair.",)), Message("user", (" Hi\n",)), Message("assistant", (Answer("x"),)))
    )
    assert encoded(tokenizer(), document)[0][: len(ids(prompt))] == ids(prompt)


def test_questions_leave_the_answer_out() -> None:
    program, arguments = question_of(plain("t", "1 + 1 = ", Answer("2"), "\n12 + 2 = ", Answer("14"), "\n"))
    assert program.__name__ == "go_on"
    assert arguments == {"prompt": "1 + 1 = 2\n12 + 2 = "}
