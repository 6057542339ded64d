"""What a step asks of the engine: the requests of a gen or a select, and what their answers mean.

Compiled programs and interpreted ones build the same jobs, so they ask the same questions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sglc.ir.errors import ModelError, RunError
from sglc.ir.ops import Sampling
from sglc.ir.tokens import Piece, Sampled, Text, TokenAutomaton, Tokenizer
from sglc.runtime.engine.request import Finished, Request

Prompt = tuple[Piece, ...]
"""A prompt state at run time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """prompt: the state after the step. text: what was added. meta: counts and why it ended."""

    prompt: Prompt
    text: str
    meta: dict[str, Any]


class Job(Protocol):
    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        """What to submit, all at once."""
        ...

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        """The meaning of the finished requests, in the order of `requests`."""
        ...


class Decode(Protocol):
    def __call__(self, ids: Sequence[int], /) -> str: ...


def draw_seed(*identity: int) -> int:
    """The seed of one gen's draws from what identifies it (run's seed, row, number of the gen), 63 bits."""
    digest = hashlib.blake2b(repr(identity).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """A gen. `sampling` has no None but `seed`, which is in `seed` already."""

    prompt: Prompt
    sampling: Sampling
    seed: int
    automaton: TokenAutomaton | None = None
    order: tuple[int, ...] = ()

    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        s = self.sampling
        settings: dict[str, Any] = {
            name: getattr(s, name)
            for name in (
                "max_tokens", "min_tokens", "stop", "temperature", "top_p", "top_k", "min_p",
                "frequency_penalty", "presence_penalty",
            )
        }  # fmt: skip
        ends = frozenset(s.stop_token_ids or ())
        return [
            Request(
                ids=_encoded(self.prompt, tokenizer),
                end_ids=ends if s.ignore_eos else ends | tokenizer.vocabulary.end_ids,
                seed=self.seed,
                constraint=self.automaton,
                order=self.order,
                **settings,
            )
        ]

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        (done,) = finished
        kept = decode(done.ids)
        pieces: list[Piece] = [Sampled(done.ids, kept)] if done.ids else []
        if len(done.text) > len(
            kept
        ):  # a stop string began inside an id: the text before it is tokenised with what follows
            pieces.append(Text(done.text[len(kept) :], trusted=False))
        meta = {
            "prompt_tokens": done.prompt_tokens,
            "cached_tokens": done.cached_tokens,
            "completion_tokens": done.decoded_tokens,
            "finish_reason": {"type": done.reason, "matched": done.stop},
        }
        return Answer((*self.prompt, *pieces), done.text, meta)


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """A select: the choice with the highest mean log probability of its tokens.

    A choice is tokenised as one unit with the text before it. Where that changes tokens of the prompt's end, the
    changed tokens count as the choice's, for all choices from the same position on, so the scores stay comparable.
    """

    prompt: Prompt
    choices: tuple[Prompt, ...]
    order: tuple[int, ...] = ()

    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        if empty := [index for index, choice in enumerate(self.choices) if not _text(choice)]:
            raise RunError(f"choice {empty[0]} of the select is empty", hint="give choices with at least one character")
        prompt_ids = _encoded(self.prompt, tokenizer)
        all_ids = [_encoded((*self.prompt, *choice), tokenizer) for choice in self.choices]
        start = min(_common_length(prompt_ids, ids) for ids in all_ids)
        if start == 0:
            raise RunError("a select cannot be the beginning of a prompt", hint="append some text before it")
        return [Request(ids=ids, max_tokens=0, score_from=start, order=self.order) for ids in all_ids]

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        means = [sum(done.logprobs) / len(done.logprobs) if done.logprobs else float("-inf") for done in finished]
        best = max(range(len(means)), key=lambda index: (means[index], -index))
        meta = {
            "prompt_tokens": sum(done.prompt_tokens for done in finished),
            "cached_tokens": sum(done.cached_tokens for done in finished),
            "completion_tokens": 0,
            "normalized_prompt_logprobs": means,
        }
        choice = self.choices[best]
        return Answer((*self.prompt, *choice), _text(choice), meta)


@dataclass(frozen=True, slots=True)
class PrefillJob:
    """Fills the cache with a prompt's KV."""

    ids: tuple[int, ...]

    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        return [Request(ids=self.ids)]

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        return Answer((), "", {})


def _encoded(prompt: Prompt, tokenizer: Tokenizer) -> list[int]:
    ids = tokenizer.encode(prompt)
    if not ids:
        raise RunError("the prompt is empty", hint="append some text before gen or select")
    size = tokenizer.vocabulary.size
    if max(ids) >= size:  # one bad id would fail the whole batch on the device
        raise ModelError(
            f"the prompt has token id {max(ids)}, and the model knows {size} ids",
            hint="the tokenizer and the weights in the model folder do not belong together",
        )
    return ids


def _text(choice: Prompt) -> str:
    return "".join(piece.text for piece in choice if isinstance(piece, Text))


def _common_length(a: Sequence[int], b: Sequence[int]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one run of a program: all of it, or the error that ended it."""

    text: str = ""
    messages: list[dict[str, str]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    value: Any = None
    meta: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None


def chat_messages(prompt: Prompt) -> list[dict[str, str]]:
    """The messages of a prompt in OpenAI's form; text outside of any message is left out."""
    messages: list[dict[str, str]] = []
    inside = False
    for piece in prompt:
        if isinstance(piece, (Text, Sampled)):
            if inside:
                messages[-1]["content"] += piece.text
        elif piece.edge == "begin":
            messages.append({"role": piece.name, "content": ""})
            inside = True
        else:
            inside = False
    return messages
