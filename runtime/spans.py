"""Text to ids below the level of prompts: where control tokens stand, and the ids of the spans between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from tokenizers import AddedToken, Encoding, Tokenizer, models

from sglc.ir.errors import ModelError

Segment: TypeAlias = tuple[str, bool]
"""Text, and whether it is trusted."""

_Position: TypeAlias = Literal["start", "raw", "normalized", "text"]
"""What stands before a span: nothing, a control token found before or after normalisation, or ordinary text."""

# Noncharacters, which are in no text by accident: the unknown token of the matcher, and control tokens of our own.
_UNKNOWN = "\ufdd0unknown\ufdd1"
_ANCHORS: dict[_Position, str] = {"raw": "\ufdd0raw\ufdd1", "normalized": "\ufdd0normalized\ufdd1"}
_NO_TEXT = "\ufdd0"
_LONG = 64  # characters from which the ids of a span are remembered


@dataclass(frozen=True, slots=True)
class Control:
    """An occurrence of a control token in a text: characters start .. end, white space that it swallows included."""

    start: int
    end: int
    id: int


def is_control(token: AddedToken) -> bool:
    """Whether an added token is a control token: all but runs of white space, which are added to save tokens."""
    return token.special or bool(token.content.replace("▁", " ").strip())


class ControlFinder:
    """Finds control tokens as the library does: with its own matcher, over a model that knows no other token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        added = tokenizer.get_added_tokens_decoder()
        self._tokens = {token_id: token for token_id, token in added.items() if is_control(token)}
        model = models.WordLevel({_UNKNOWN: 0}, unk_token=_UNKNOWN)
        self._matcher = _tokenizer(model, tokenizer, added.values(), split=False)
        self._ids = {self._matcher.token_to_id(token.content): token_id for token_id, token in self._tokens.items()}

    def find(self, segments: Sequence[Segment]) -> list[Control]:
        """The control tokens of a text that lie wholly in trusted segments, as the library finds them in the whole
        text. Matches that reach into untrusted text are broken up there, and the text is searched again, so that they
        hide no control token either.

        Not exact for tokens that are matched after a normaliser which puts a space before the text (`normalized` added
        tokens of a legacy Llama 2 tokenizer): the library then matches them only behind a space, and counts that twice.
        """
        text = "".join(part for part, _ in segments)
        trusted = "".join(("1" if trust else "0") * len(part) for part, trust in segments)
        while True:
            found = list(self._matches(text))
            forged = [c for c in found if "0" in trusted[slice(*_core(text, c))]]
            if not forged:
                return found
            characters = list(text)
            for place in (place for control in forged for place in range(*_core(text, control))):
                if trusted[place] == "0":
                    characters[place] = _NO_TEXT
            text = "".join(characters)

    def completions(self, text: str) -> list[str]:
        """Texts that make the end of `text` part of a control token, or white space that one swallows."""
        completions = [token.content for token in self._tokens.values() if token.lstrip]
        for token in self._tokens.values():
            content = token.content
            completions += [content[n:] for n in range(1, len(content)) if text.endswith(content[:n])]
        return completions

    def _matches(self, text: str) -> Iterator[Control]:
        encoding = self._matcher.encode(text, add_special_tokens=False)
        for match, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if match in self._ids:
                yield Control(start, end, self._ids[match])


def _core(text: str, control: Control) -> tuple[int, int]:
    """Where a control token stands, without the white space that it swallows."""
    match = text[control.start : control.end]
    left, right = len(match) - len(match.lstrip()), len(match) - len(match.rstrip())
    return control.start + left, control.end - right


class SpanEncoder:
    """The ids of spans: texts without control tokens. What spells a control token becomes ordinary ids."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        added = tokenizer.get_added_tokens_decoder()
        self._controls = {token_id: token for token_id, token in added.items() if is_control(token)}
        ordinary = {token.content: token_id for token_id, token in added.items() if not is_control(token)}
        anchors = [AddedToken(text, normalized=kind == "normalized") for kind, text in _ANCHORS.items()]
        extra = [*(added[token_id] for token_id in ordinary.values()), *anchors]
        self._plain = _tokenizer(tokenizer.model, tokenizer, extra)
        self._unprefixed = _tokenizer(tokenizer.model, _unprefixed(tokenizer), extra)
        self._anchors = frozenset(self._plain.token_to_id(text) for text in _ANCHORS.values())
        self._suspects = self._anchors | self._controls.keys()
        # The library numbers added tokens that the model does not know in the order in which they are added.
        self._renumbered = {self._plain.token_to_id(content): token_id for content, token_id in ordinary.items()}
        self._remembered = lru_cache(maxsize=1024)(self._encode)

    def encode(self, text: str, before: int | None, *, remember: bool = True) -> Sequence[int]:
        """The ids of a span that follows the id `before`; None for one at the start of a prompt. Those of a long span
        are remembered, for the branches of a fork share it."""
        if not text:
            return ()
        encode = self._remembered if remember and len(text) >= _LONG else self._encode
        return encode(text, self._position(before))

    def encode_inside(self, text: str) -> Sequence[int]:
        """The ids of a span that follows ordinary text."""
        return self._encode(text, "text")

    def boundaries(self, text: str, before: int | None) -> list[int]:
        """The indices into `encode(text, before)` where a word begins: no token reaches across such a place.

        Words are those of the pre-tokenizer. Without one, a word begins at each U+2581 after a character that no token
        of the vocabulary has in front of one. Text that has to be cut (see `_encode`) has no known words.
        """
        encoding, skip = self._encoding(text, self._position(before))
        if not self._suspects.isdisjoint(encoding.ids[skip:]):
            return []
        tokens, words = encoding.tokens[skip:], encoding.word_ids[skip:]
        return [
            index
            for index in range(1, len(tokens))
            if words[index] != words[index - 1]
            or (tokens[index].startswith("▁") and tokens[index - 1][-1:] not in self._glued)
        ]

    def _position(self, before: int | None) -> _Position:
        if before is None:
            return "start"
        token = self._controls.get(before)
        if token is None:
            return "text"
        return "normalized" if token.normalized else "raw"

    def _encode(self, text: str, position: _Position) -> tuple[int, ...]:
        """The ids of a span. Where the model's own vocabulary takes a text for a control token (a Unigram that has
        "<s>" among its pieces), the text is cut inside each such place and its parts are encoded by themselves."""
        encoding, skip = self._encoding(text, position)
        ids = encoding.ids[skip:]
        cuts = [] if self._suspects.isdisjoint(ids) else self._cuts(text, encoding, skip)
        if not cuts:
            return tuple(self._renumbered.get(token_id, token_id) for token_id in ids)
        if cuts[-1] >= len(text):
            raise ModelError(f"the tokenizer can write {text[-1]!r} only as a control token", hint="leave it out")
        parts = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
        return (
            *self._encode(parts[0], position),
            *(token_id for part in parts[1:] for token_id in self._encode(part, "text")),
        )

    def _cuts(self, text: str, encoding: Encoding, skip: int) -> list[int]:
        """Where to cut: after the first character of every control token. An id that stands for other text than the
        token's is no control token there: it is the unknown token."""
        shift = encoding.offsets[skip - 1][1] if skip else 0
        return [
            start - shift + 1
            for token_id, (start, end) in zip(encoding.ids[skip:], encoding.offsets[skip:], strict=True)
            if token_id in self._anchors
            or (token_id in self._controls and self._controls[token_id].content in text[start - shift : end - shift])
        ]

    def _encoding(self, text: str, position: _Position) -> tuple[Encoding, int]:
        """The library's encoding of a text at a position, and how many ids at its beginning are not of the text."""
        tokenizer = self._unprefixed if position == "text" else self._plain
        anchor = _ANCHORS.get(position, "")
        return tokenizer.encode(anchor + text, add_special_tokens=False), 1 if anchor else 0

    @cached_property
    def _glued(self) -> frozenset[str]:
        """The characters that some token has in front of a U+2581."""
        return frozenset(re.findall("([^\n])(?=▁)", "\n".join(self._plain.get_vocab())))


def _tokenizer(model: Any, rules: Tokenizer, added: Iterable[AddedToken], *, split: bool = True) -> Tokenizer:
    """A tokenizer over `model`, which it shares, with the normaliser and, to split, the pre-tokenizer of `rules`."""
    tokenizer = Tokenizer(model)
    if rules.normalizer is not None:
        tokenizer.normalizer = rules.normalizer
    if split and rules.pre_tokenizer is not None:
        tokenizer.pre_tokenizer = rules.pre_tokenizer
    tokenizer.add_tokens(list(added))
    return tokenizer


def _unprefixed(tokenizer: Tokenizer) -> Tokenizer:
    """The rules of a tokenizer without those that put a space before a text, over an empty model."""
    rules = json.loads(_tokenizer(models.BPE(), tokenizer, ()).to_str())
    return Tokenizer.from_str(json.dumps(_without_prefix(rules)))


def _without_prefix(rule: Any) -> Any:
    if isinstance(rule, list):
        return [_without_prefix(item) for item in rule]
    if not isinstance(rule, dict):
        return rule
    match rule.get("type"):
        case "Prepend":
            return {"type": "Sequence", "normalizers": []}
        case "Metaspace":
            return {**rule, "prepend_scheme": "never"}
        case "ByteLevel":
            return {**rule, "add_prefix_space": False}
        case _:
            return {key: _without_prefix(value) for key, value in rule.items()}
