"""The bytes of ids, the ids that end an answer, and ids back to text."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from sglc.ir.errors import ModelError
from sglc.ir.tokens import Text
from sglc.runtime.detokenizer import Detokenizer
from sglc.runtime.tokenizer import load_tokenizer
from tests.tokenizers import KINDS, prose, tokenizer_folder
from tests.tokens.conftest import Load, token_id


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_a_text_are_its_bytes(load: Load, kind: str) -> None:
    ours, _ = load(kind)
    detokenizer = Detokenizer(ours.vocabulary)
    for seed in range(100):
        text = prose(seed, 20) + ("" if kind == "unigram" else "\x00\x7f\x80é中👩\u200d👧")
        if kind == "unigram":
            text = " ".join(word for word in text.split() if word.isascii())  # it knows few characters, and no newline
        ids = ours.encode([Text(text, False)])
        space = " " if kind in ("llama2", "llama2-legacy", "unigram") else ""
        assert detokenizer.decode(ids) == space + text


@pytest.mark.parametrize("kind", ["llama3", "gpt2"])
def test_random_ids_decode_as_hugging_face_does(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    detokenizer = Detokenizer(ours.vocabulary)
    draw = random.Random(kind)
    for _ in range(5_000):
        ids = draw.choices(range(ours.vocabulary.size), k=draw.randint(1, 12))
        plain = [index for index in ids if ours.vocabulary.tokens[index] is not None]
        assert detokenizer.decode(ids) == oracle.decode(plain, clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("kind", ["llama2", "llama2-legacy", "unigram"])
def test_random_ids_decode_as_hugging_face_does_after_other_text(load: Load, kind: str) -> None:
    """Behind an "a", so that the oracle does not strip the space of the first token."""
    ours, oracle = load(kind)
    detokenizer = Detokenizer(ours.vocabulary)
    draw = random.Random(kind)
    before = token_id(oracle, "a")
    for _ in range(3_000):
        ids = [before, *draw.choices(range(ours.vocabulary.size), k=draw.randint(1, 8))]
        plain = [index for index in ids if ours.vocabulary.tokens[index] is not None]
        data = b"".join(ours.vocabulary.tokens[index] or b"" for index in plain)
        if data.decode(errors="ignore").encode() == data:  # the library replaces each byte that is not UTF-8
            assert detokenizer.decode(ids) == oracle.decode(plain, clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes(load: Load, kind: str) -> None:
    ours, oracle = load(kind)
    vocabulary, detokenizer = ours.vocabulary, Detokenizer(ours.vocabulary)
    assert vocabulary.size == len(vocabulary.tokens) == len(oracle)
    for control in (oracle.bos_token, oracle.eos_token, "<|im_end|>", "<tool_call>"):
        assert detokenizer.bytes_of(token_id(oracle, control)) is None
    assert detokenizer.bytes_of(-1) is None
    assert detokenizer.bytes_of(vocabulary.size) is None
    known = set(vocabulary.tokens)
    assert known >= ({bytes([byte]) for byte in range(256)} if kind != "unigram" else {b" ", b"a", b"e", b"1"})
    assert vocabulary.end_ids == {token_id(oracle, oracle.eos_token), token_id(oracle, "<|im_end|>")}


def test_configs_add_end_ids_and_columns(tmp_path: Path) -> None:
    folder = tokenizer_folder("llama3", tmp_path)
    plain = load_tokenizer(str(folder)).vocabulary
    settings = {"model_type": "llama", "vocab_size": 640, "eos_token_id": [3, 4]}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "generation_config.json").write_text('{"eos_token_id": 5}')
    vocabulary = load_tokenizer(str(folder)).vocabulary
    assert vocabulary.end_ids == plain.end_ids | {3, 4, 5}
    assert vocabulary.size == 640
    assert vocabulary.tokens == plain.tokens
    (folder / "config.json").write_text(json.dumps(settings | {"vocab_size": 500}))
    assert load_tokenizer(str(folder)).vocabulary.tokens == plain.tokens[:500]


def test_fingerprints(tmp_path: Path) -> None:
    def fingerprint(name: str, kind: str = "llama3", chat: str = "chatml", template: str | None = None) -> str:
        return load_tokenizer(str(tokenizer_folder(kind, tmp_path / name, chat)), template).vocabulary.fingerprint

    same = {fingerprint("a"), fingerprint("b")}
    others = {fingerprint("c", "gpt2"), fingerprint("d", chat="default-system"), fingerprint("e", template="{{ 1 }}")}
    assert len(same) == 1
    assert len(same | others) == 4


def test_a_template_that_writes_the_date_has_a_fingerprint_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tokenizer_folder("llama3", tmp_path))
    template = "{{ strftime_now('%d %b %Y') }}{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
    assert (
        load_tokenizer(folder, template).vocabulary.fingerprint
        == load_tokenizer(folder, template).vocabulary.fingerprint
    )
    later = template.replace("%d %b %Y", "tomorrow")
    assert (
        load_tokenizer(folder, later).vocabulary.fingerprint != load_tokenizer(folder, template).vocabulary.fingerprint
    )


def broken(folder: Path, file: str, content: str | None) -> str:
    tokenizer_folder("llama3", folder)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    return str(folder)


def test_model_folders_that_do_not_work(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder") as caught:
        load_tokenizer(str(tmp_path / "nowhere"))
    assert "hub" in caught.value.hint
    with pytest.raises(ModelError, match=r"the model folder has no tokenizer\.json") as caught:
        load_tokenizer(broken(tmp_path / "a", "tokenizer.json", None))
    assert "tokenizer_config.json" in caught.value.hint
    for file in ("tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json"):
        with pytest.raises(ModelError, match="not valid JSON") as caught:
            load_tokenizer(broken(tmp_path / file, file, '{"a": '))
        assert str(caught.value.where).endswith(file)
    with pytest.raises(ModelError, match="its tokenizer does not load"):
        load_tokenizer(broken(tmp_path / "b", "tokenizer.json", '{"version": "1.0"}'))
    with pytest.raises(ModelError, match=r"its config\.json or generation_config\.json does not load"):
        load_tokenizer(broken(tmp_path / "c", "config.json", '{"model_type": "no_such_model"}'))


def test_code_in_a_model_folder_is_never_run(tmp_path: Path) -> None:
    folder = tokenizer_folder(
        "llama3", tmp_path, auto_map={"AutoTokenizer": ["evil.Evil", None]}, tokenizer_class="Evil"
    )
    (folder / "evil.py").write_text("raise SystemExit('ran')\n")
    try:
        load_tokenizer(str(folder))
    except ModelError as error:
        assert "does not load" in error.what  # noqa: PT017  loading without the code is as good


def test_word_pieces_are_refused(tmp_path: Path) -> None:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.decoder = decoders.WordPiece()
    made.train_from_iterator([prose(0, 100)], trainers.WordPieceTrainer(special_tokens=["[UNK]"], show_progress=False))
    folder = tokenizer_folder("llama3", tmp_path)
    made.save(str(folder / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"tokenizers of this kind \(WordPiece\) are not supported"):
        load_tokenizer(str(folder))
