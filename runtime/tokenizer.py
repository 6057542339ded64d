"""Prompts to ids, exactly as the model's own tokenizer does it, but with control tokens from trusted text alone.

A run of texts and role edges between sampled ids is a unit. The library itself finds the control tokens in a unit; an
occurrence that reaches into untrusted text does not count. The spans between them are encoded by a tokenizer that
shares the model's vocabulary but has no control tokens. An added token cuts its text for normaliser, pre-tokenizer and
model alike, so the ids of the parts are the ids of the whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeAlias

from tokenizers import Tokenizer
from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast

from sglc.ir.errors import ArgumentsError, ModelError
from sglc.ir.ops import Role
from sglc.ir.tokens import Piece, Sampled, Text, Vocabulary
from sglc.runtime.chat import GIVE_ONE, ChatTemplate, Messages, Renderer
from sglc.runtime.spans import ControlFinder, Segment, SpanEncoder
from sglc.runtime.vocabulary import vocabulary_of

_Unit: TypeAlias = "list[Segment] | Sampled"

# What may follow an open text and change its last ids. Each is tried by itself.
_CONTINUATIONS = (
    *("a", "z", "A", "Z", "s", "ing", "the", "é", "ß", "ا", "и", "中", "の", "ก", "한"),
    *("0", "1", "12", "123", "1234", "٣", "½"),
    *(" ", "  ", "   ", "\n", "\n\n", " \n", "\n ", "\r\n", "\r", "\t", "\u00a0", "\u2003", "\u3000", " a", " 1", " ."),
    *(".", ",", "..", "...", "!", "?", "-", "_", "/", "(", ")", '"', "#", "=", "==", "<", ">", "|", "{", "`", "\\"),
    *("'", "'s", "'t", "'ll", "'S", "’", "’s"),
    # what combines with the character before it
    *("\u0301", "\u0327", "\u0338", "\u05b0", "\u093c", "\u094d", "\u3099", "\u1161", "\u11a8"),
    *("\u200d", "\u200d👩", "\ufe0f", "🏽", "👍", "🇩", "▁", "▁a"),
)


class ModelTokenizer:
    """The model's tokenizer behind `sglc.ir.tokens.Tokenizer`. Not changed by use, but for what it remembers."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, *, end_ids: frozenset[int] = frozenset(), columns: int = 0):
        """`end_ids` and `columns`: what the model's configuration adds to the tokenizer's own."""
        backend = tokenizer.backend_tokenizer
        self._controls = ControlFinder(backend)
        self._spans = SpanEncoder(backend)
        self._prefix = _post_processor_prefix(backend)
        self._bos = str(tokenizer.bos_token or "")
        source = _chat_template(tokenizer)
        self._chat = ChatTemplate(_renderer(tokenizer, source)) if source else None
        if isinstance(tokenizer.eos_token_id, int):
            end_ids |= {tokenizer.eos_token_id}
        self._vocabulary = vocabulary_of(
            backend,
            end_ids=end_ids | self._turn_end(),
            columns=columns,
            chat_template=source + self._dated(source),
        )

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        """The ids of a prompt. They begin with what the tokenizer's post-processor puts before a text (BOS), or with
        what the chat template renders where the prompt begins with a role. Nothing is added at the end.

        Raises `ModelError` for a role that the chat template refuses or where there is none, and `ArgumentsError` for
        text that is not Unicode (a lone surrogate).
        """
        return self._start(prompt) + self._encode_units(list(self._units(prompt)))

    def encode_inside(self, text: str) -> Sequence[int]:
        """The ids of a text that follows other text. Raises `ModelError` for one that only a control token can write."""
        return self._spans.encode_inside(text)

    def render(self, prompt: Sequence[Piece]) -> str:
        """The text of a prompt; BOS only where the chat template spells it."""
        return "".join(
            unit.text if isinstance(unit, Sampled) else "".join(text for text, _ in unit)
            for unit in self._units(prompt)
        )

    def spells_control(self, text: str) -> bool:
        """Whether a control token is spelled in a text."""
        return bool(self._controls.find([(text, True)]))

    def stable_prefix(self, prompt: Sequence[Piece]) -> list[int]:
        """The ids that no continuation can change: all up to the last control token or sampled id, and in the open text
        after it all words but the last two and those that one of many continuations changes."""
        units = list(self._units(prompt))
        if not units:
            return []
        ids = self._encode_units(units[:-1])
        last = units[-1]
        stable = last.ids if isinstance(last, Sampled) else self._stable(last, ids[-1] if ids else None)
        return [*self._start(prompt), *ids, *stable]

    def _start(self, prompt: Sequence[Piece]) -> list[int]:
        first = next(filter(_has_text, prompt), None)
        return [] if isinstance(first, Role) else list(self._prefix)

    def _units(self, prompt: Sequence[Piece]) -> Iterator[_Unit]:
        """Neighbouring texts, with those of the chat template, as one unit each."""
        unit: list[Segment] = []
        roles: tuple[str, ...] = ()
        pieces = list(filter(_has_text, prompt))
        for index, piece in enumerate(pieces):
            if isinstance(piece, Sampled):
                if unit:
                    yield unit
                    unit = []
                yield piece
                continue
            if isinstance(piece, Role):
                if piece.edge == "begin":
                    roles = (*roles, piece.name)
                literal = index + 1 < len(pieces) and isinstance(pieces[index + 1], Text)
                text, trusted = self._edge(roles, piece, first=index == 0, literal=literal), True
            else:
                text, trusted = piece.text, piece.trusted
                _check_unicode(text)
            unit.append((text, trusted))
        if unit:
            yield unit

    def _edge(self, roles: tuple[str, ...], role: Role, *, first: bool, literal: bool) -> str:
        """The template's text at a role's edge. BOS begins a conversation only where that begins the prompt (`first`);
        the gap before an assistant's content is written only before literal content."""
        if self._chat is None:
            raise ModelError("the model has no chat template", hint=GIVE_ONE)
        if role.edge == "end":
            return self._chat.end(roles)
        text = self._chat.begin(roles)
        if len(roles) == 1 and not first:
            text = text.removeprefix(self._bos)
        return text + self._chat.gap(roles) if literal and role.name == "assistant" else text

    def _encode_units(self, units: Sequence[_Unit]) -> list[int]:
        ids: list[int] = []
        for unit in units:
            ids += unit.ids if isinstance(unit, Sampled) else self._encode_unit(unit, ids[-1] if ids else None)
        return ids

    def _encode_unit(self, unit: Sequence[Segment], before: int | None, *, remember: bool = True) -> list[int]:
        """The ids of a unit that follows the id `before`."""
        text = "".join(part for part, _ in unit)
        ids: list[int] = []
        at = 0
        for control in self._controls.find(unit):
            ids += self._spans.encode(text[at : control.start], ids[-1] if ids else before, remember=remember)
            ids.append(control.id)
            at = control.end
        ids += self._spans.encode(text[at:], ids[-1] if ids else before, remember=remember)
        return ids

    def _stable(self, unit: Sequence[Segment], before: int | None) -> list[int]:
        """The ids of a unit that nothing after it can change."""
        controls = self._controls.find(unit)
        closed: list[int] = []
        if controls:  # all before the last control token; it stays in the tail, for a longer one may begin like it
            closed = self._encode_unit(_between(unit, 0, controls[-1].start), before)
            unit = _between(unit, controls[-1].start, None)
            before = closed[-1] if closed else before
        text = "".join(part for part, _ in unit)
        ids = self._encode_unit(unit, before)
        limit = len(ids)
        continuations = [(more, False) for more in _CONTINUATIONS]
        continuations += [(more, True) for more in self._controls.completions(text)]
        for continuation in continuations:
            limit = _common(ids[:limit], self._encode_unit([*unit, continuation], before, remember=False))
        first = 1 if controls else 0
        if controls:
            text, before = text[controls[-1].end - controls[-1].start :], ids[0]
        words = self._spans.boundaries(text, before)
        places = [place for place in (first, *(first + word for word in words)) if place <= limit]
        return closed + ids[: places[-2] if len(places) > 1 else min(limit, first)]

    def _turn_end(self) -> frozenset[int]:
        """The control token with which the chat template closes an answer."""
        try:
            text = self._chat.end(("user", "assistant")) if self._chat else ""
        except ModelError:
            return frozenset()  # a template that refuses this conversation is reported when a program has one
        controls = self._controls.find([(text, True)])
        return frozenset(c.id for c in controls[:1] if not text[: c.start].strip())

    def _dated(self, source: str) -> str:
        """What a template that writes the date renders today: ids that were computed yesterday are others."""
        if self._chat is None or "strftime_now" not in source:
            return ""
        try:
            return self._chat.begin(("user",)) + self._chat.begin(("system",))
        except ModelError:
            return ""  # as above


def load_tokenizer(folder: str | Path, chat_template: str | None = None) -> ModelTokenizer:
    """The tokenizer of a model folder; `chat_template` is Jinja source, used instead of its own.

    Raises `ModelError` where it is missing, broken, not of a supported kind, or needs code of its own.
    """
    folder = Path(folder)
    _check_files(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except Exception as error:  # the libraries raise whatever their file formats raise
        raise ModelError(
            f"its tokenizer does not load: {_first_line(error)}", where=str(folder), hint=_FOLDER_HINT
        ) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast) or not tokenizer.is_fast:
        raise ModelError("it has no fast tokenizer", where=str(folder), hint=_FOLDER_HINT)
    if chat_template is not None:
        _check_is_source(chat_template)
        tokenizer.chat_template = chat_template
    end_ids, columns = _from_configs(folder)
    return ModelTokenizer(tokenizer, end_ids=end_ids, columns=columns)


def _check_is_source(chat_template: str) -> None:
    """A name or a path would be rendered as it stands, and only the first message would show it."""
    if chat_template and "{" not in chat_template:
        raise ModelError(
            f"the chat template {chat_template!r} is not Jinja: nothing in it stands for a message",
            hint="give its source, of a file Path(...).read_text(); without chat_template= the model's own is used",
        )


_FOLDER_HINT = "a model folder has tokenizer.json, tokenizer_config.json, config.json and *.safetensors"


def _check_files(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelError("no such model folder", where=str(folder), hint="give a folder or a name on the hub")
    if not (folder / "tokenizer.json").is_file():
        raise ModelError("the model folder has no tokenizer.json", where=str(folder), hint=_FOLDER_HINT)
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json"):
        file = folder / name
        try:
            if file.is_file():
                json.loads(file.read_bytes())
        except ValueError as error:
            raise ModelError(f"not valid JSON: {error}", where=str(file), hint="copy the file again") from error


def _from_configs(folder: Path) -> tuple[frozenset[int], int]:
    """The end ids that config and generation config name, and the logit columns, 0 where no config says."""
    ends: set[int] = set()
    columns = 0
    try:
        if (folder / "config.json").is_file():
            config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False).get_text_config()
            columns = int(getattr(config, "vocab_size", 0) or 0)
            ends |= _ids(getattr(config, "eos_token_id", None))
        if (folder / "generation_config.json").is_file():
            ends |= _ids(GenerationConfig.from_pretrained(str(folder)).eos_token_id)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"its config.json or generation_config.json does not load: {_first_line(error)}",
            where=str(folder),
            hint="the model's class must be one that this version of transformers knows, without code of its own",
        ) from error
    return frozenset(ends), columns


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _ids(value: Any) -> set[int]:
    return {value} if isinstance(value, int) else set(value or ())


def _chat_template(tokenizer: PreTrainedTokenizerFast) -> str:
    """The source of the chat template, of several the one named "default"; "" where there is none."""
    template = tokenizer.chat_template
    return str((template.get("default") if isinstance(template, dict) else template) or "")


def _renderer(tokenizer: PreTrainedTokenizerFast, source: str) -> Renderer:
    def render(messages: Messages, generation_prompt: bool) -> str:
        return str(
            tokenizer.apply_chat_template(
                messages, chat_template=source, tokenize=False, add_generation_prompt=generation_prompt
            )
        )

    return render


def _post_processor_prefix(backend: Tokenizer) -> list[int]:
    """The ids that the tokenizer's post-processor puts before a text."""
    encoding = backend.encode("a")
    special = list(takewhile(bool, encoding.special_tokens_mask))
    return encoding.ids[: len(special)]


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ArgumentsError(
            f"a text has a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start + 1}",
            hint="decode its source with errors='replace'",
        ) from error


def _has_text(piece: Piece) -> bool:
    return not isinstance(piece, Text) or bool(piece.text)


def _between(unit: Sequence[Segment], start: int, end: int | None) -> list[Segment]:
    """The segments of the characters start .. end."""
    cut: list[Segment] = []
    for text, trusted in unit:
        part = text[max(start, 0) : None if end is None else max(end, 0)]
        if part:
            cut.append((part, trusted))
        start, end = start - len(text), None if end is None else end - len(text)
    return cut


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """The length of the longest common beginning."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
