"""Ids to text: the bytes of each id, joined and read as UTF-8.

Bytes rather than strings, because a character may be spread over several tokens and because the bytes of a sequence
are the bytes of its parts, which a tokenizer's own `decode` does not promise (it may drop a leading space).
"""

from __future__ import annotations

from collections.abc import Sequence

from sglc.ir.tokens import Vocabulary


class Detokenizer:
    """The text that ids stand for in the middle of a prompt: a leading space stays."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._tokens = vocabulary.tokens

    def bytes_of(self, token: int) -> bytes | None:
        """The bytes of an id; None for control tokens, unused columns and ids out of range."""
        return self._tokens[token] if 0 <= token < len(self._tokens) else None

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, control tokens left out; U+FFFD where the bytes are not UTF-8."""
        return b"".join(self.bytes_of(token) or b"" for token in ids).decode("utf-8", errors="replace")
