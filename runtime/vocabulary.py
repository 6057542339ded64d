"""What the automata and the detokenizer know of a tokenizer: the bytes of each id, and the ids that end an answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tokenizers import Tokenizer

from sglc.ir.errors import ModelError
from sglc.ir.tokens import Vocabulary
from sglc.runtime.spans import is_control

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def vocabulary_of(tokenizer: Tokenizer, *, end_ids: Iterable[int], columns: int, chat_template: str) -> Vocabulary:
    """The vocabulary of a tokenizer.

    columns: the logit columns of the model, 0 where unknown. Ids beyond them cannot be sampled and are left out.
    chat_template: the source of the template and of what it renders, for the fingerprint.

    Raises `ModelError` for a tokenizer whose tokens have no bytes of their own (WordPiece).
    """
    source = tokenizer.to_str()
    rules = json.loads(source)
    ids = tokenizer.get_vocab(with_added_tokens=True)
    size = columns or max(ids.values()) + 1
    bytes_of = _byte_level if "ByteLevel" in _kinds(rules) else _sentence_piece
    if bytes_of is _sentence_piece and not {"Metaspace", "ByteFallback", "▁"} & _kinds(rules):
        raise ModelError(
            f"tokenizers of this kind ({rules['model'].get('type')}) are not supported: the text of a token depends on"
            " the tokens around it",
            hint="use a model with a byte-level BPE or a SentencePiece tokenizer",
        )
    byte_fallback = bool(rules["model"].get("byte_fallback"))
    tokens: list[bytes | None] = [None] * min(size, max(ids.values()) + 1)
    for token, token_id in ids.items():
        if token_id < len(tokens):
            tokens[token_id] = bytes_of(token, byte_fallback)
    for token_id, added in tokenizer.get_added_tokens_decoder().items():
        if token_id < len(tokens):
            tokens[token_id] = None if is_control(added) else added.content.encode()
    if (unknown := _unknown(rules["model"], ids)) is not None and unknown < len(tokens):
        tokens[unknown] = None
    ends = frozenset(end_ids)
    digest = hashlib.sha256(json.dumps([source, chat_template, sorted(ends), size]).encode())
    return Vocabulary(tokens=tuple(tokens), end_ids=ends, size=size, fingerprint=digest.hexdigest())


def _unknown(model: dict[str, Any], ids: dict[str, int]) -> int | None:
    """The id that stands for any text that the model cannot write."""
    if model.get("type") == "Unigram":
        return model.get("unk_id")
    return ids.get(model.get("unk_token") or "")


def _kinds(rules: dict[str, Any]) -> set[str]:
    """The kinds of the pre-tokenizers and decoders, and the strings that the decoders replace."""

    def walk(rule: Any) -> Iterator[str]:
        if isinstance(rule, list):
            for item in rule:
                yield from walk(item)
        elif isinstance(rule, dict):
            for key, value in rule.items():
                if key in ("type", "String") and isinstance(value, str):
                    yield value
                yield from walk(value)

    return set(walk([rules["pre_tokenizer"], rules["decoder"]]))


def _byte_level(token: str, byte_fallback: bool) -> bytes:
    """Bytes written as printable characters (GPT-2); a token with other characters is plain text."""
    try:
        return bytes(_BYTES[character] for character in token)
    except KeyError:
        return token.encode()


def _sentence_piece(token: str, byte_fallback: bool) -> bytes:
    """Text with U+2581 for the space; with byte fallback, tokens `<0x00>` to `<0xFF>` are single bytes."""
    if byte_fallback and (match := _BYTE_TOKEN.fullmatch(token)):
        return bytes([int(match[1], 16)])
    return token.replace("▁", " ").encode()


def _printable_bytes() -> dict[str, int]:
    """GPT-2's alphabet: printable Latin-1 bytes stand for themselves, the others for U+0100 and up, in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}


_BYTES = _printable_bytes()
