"""What a step asks of the engine: the requests of a gen or a select, and what their answers mean.

Compiled programs and interpreted ones build the same jobs, so they ask the same questions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from sglc.ir.errors import ModelError, RunError
from sglc.ir.in_time import in_time
from sglc.ir.ops import ChoicesMethod, Sampling
from sglc.ir.tokens import Piece, Sampled, Text, TokenConstraint, Tokenizer
from sglc.runtime.choices import choose
from sglc.runtime.engine.request import Finished, Request, Score

Prompt = tuple[Piece, ...]
"""A prompt state at run time."""


@dataclass(slots=True)
class Answer:
    """prompt: the state after the step. text: what was added. meta: counts and why it ended; its owner's to change."""

    prompt: Prompt
    text: str
    meta: dict[str, Any]

    def copy(self) -> Answer:
        return Answer(self.prompt, self.text, _copied(self.meta))

    def again(self) -> Answer:
        """For another who asked the same: the whole prompt counts as cached, since nothing was computed for it."""
        copy = self.copy()
        if "cached_tokens" in copy.meta:
            copy.meta["cached_tokens"] = copy.meta["prompt_tokens"]
        return copy


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


@dataclass(slots=True, eq=False)
class DecodeJob:
    """A gen. `sampling` has no None but `seed` and `logprob_start_len`. draw: the identity of its draws. `stream`: its
    text is told as it comes."""

    prompt: Prompt
    sampling: Sampling
    draw: tuple[int, ...]
    constraint: TokenConstraint | None = None
    order: tuple[int, ...] = ()
    stream: bool = False

    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        s = self.sampling
        ids = _encoded(self.prompt, tokenizer)
        settings: dict[str, Any] = {
            name: getattr(s, name)
            for name in (
                "max_tokens", "min_tokens", "stop", "stop_regex", "temperature", "top_p", "top_k", "min_p",
                "frequency_penalty", "presence_penalty",
            )
        }  # fmt: skip
        ends = frozenset(s.stop_token_ids or ())
        ends = ends if s.ignore_eos else ends | tokenizer.vocabulary.end_ids
        if self._only_looks:
            settings |= {"max_tokens": 1, "stop": (), "stop_regex": ()}
        return [
            Request(
                ids=ids,
                end_ids=frozenset() if self._only_looks else ends,
                seed=draw_seed(*self.draw),
                constraint=in_time(self.constraint, settings["max_tokens"]) if s.finish_in_time else self.constraint,
                score_from=self._first_score(len(ids)),
                score_answer=bool(s.return_logprob),
                score_top=(s.top_logprobs_num or 0) if s.return_logprob else 0,
                stream=self.stream and not self._only_looks,
                order=self.order,
                **settings,
            )
        ]

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        (done,) = finished
        logprobs = _logprobs(done, self.sampling, decode)
        if self._only_looks:
            done = replace(done, ids=(), text="", decoded_tokens=0)
        kept = decode(done.ids)
        pieces: list[Piece] = [Sampled(done.ids, kept)] if done.ids else []
        if len(done.text) > len(
            kept
        ):  # a stop string began inside an id: the text before it is tokenised with what follows
            pieces.append(Text(done.text[len(kept) :], trusted=False))
        meta = {
            "prompt_tokens": done.prompt_tokens,
            "cached_tokens": done.cached_tokens,
            "completion_tokens": done.decoded_tokens + done.forced_tokens,
            "finish_reason": {"type": done.reason, "matched": done.stop},
            **logprobs,
        }
        return Answer((*self.prompt, *pieces), done.text, meta)

    @property
    def _only_looks(self) -> bool:
        """Whether what could come next is asked for, and nothing is to come: a token is drawn that no answer holds."""
        return self.sampling.max_tokens == 0 and bool(self.sampling.return_logprob)

    def _first_score(self, prompt_tokens: int) -> int | None:
        """The first token of the prompt whose log probability is asked for and known."""
        start = self.sampling.logprob_start_len
        if not self.sampling.return_logprob or start is None or start >= prompt_tokens:
            return None
        return max(1, start)


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """A select: the choice that `method` finds likeliest; see `choices.py`.

    One request scores all choices, as branches behind the prompt: in one forward pass, and by one look at the logits of
    the prompt's last token where each choice is a single token.

    A choice is tokenised as one unit with the text before it. Where that changes tokens of the prompt's end, the
    changed tokens count as the choice's, for all choices from the same position on, so the scores stay comparable.
    """

    prompt: Prompt
    choices: tuple[Prompt, ...]
    order: tuple[int, ...] = ()
    method: ChoicesMethod = "token_length_normalized"

    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        """One for all choices; then, for `unconditional_likelihood_normalized`, one for each token that choices of
        several begin with: their other tokens behind it, without a prompt."""
        if empty := [index for index, choice in enumerate(self.choices) if not _text(choice)]:
            raise RunError(f"choice {empty[0]} of the select is empty", hint="give choices with at least one character")
        prompt_ids = _encoded(self.prompt, tokenizer)
        all_ids = [_encoded((*self.prompt, *choice), tokenizer) for choice in self.choices]
        start = min(_common_length(prompt_ids, ids) for ids in all_ids)
        if start == 0:
            raise RunError("a select cannot be the beginning of a prompt", hint="append some text before it")
        own = [ids[start:] for ids in all_ids]
        requests = [Request(ids=prompt_ids[:start], branches=own, order=self.order)]
        if self.method == "unconditional_likelihood_normalized":
            alone: dict[int, list[list[int]]] = {}
            for first, *rest in filter(None, own):
                if rest:
                    alone.setdefault(first, []).append(rest)
            requests += [Request(ids=[first], branches=rests, order=self.order) for first, rests in alone.items()]
        return requests

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        scores = finished[0].branch_scores
        rests = {done.prompt[0]: iter(done.branch_scores) for done in finished[1:]}
        alone = [next(rests[row[0].id]) for row in scores if rests and len(row) > 1]
        best, how = choose(self.method, scores, alone)
        meta = {
            "prompt_tokens": sum(done.prompt_tokens for done in finished),
            "cached_tokens": sum(done.cached_tokens for done in finished),
            "completion_tokens": 0,
            **how,
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


def _logprobs(done: Finished, sampling: Sampling, decode: Decode) -> dict[str, Any]:
    """What a gen's meta says of log probabilities, in SGLang's form: lists of (log probability, id, text). The first
    token of a prompt has no log probability, and no likeliest ids in its place."""
    if not sampling.return_logprob:
        return {}

    def entry(logprob: float | None, token: int) -> tuple[float | None, int, str | None]:
        return logprob, token, decode([token]) if sampling.return_text_in_logprobs else None

    def entries(scores: Sequence[Score]) -> list[Any]:
        return [entry(score.logprob, score.id) for score in scores]

    def tops(scores: Sequence[Score]) -> list[Any]:
        return [[entry(logprob, token) for token, logprob in score.top] for score in scores]

    first = done.prompt[:1] if sampling.logprob_start_len == 0 else ()
    meta: dict[str, Any] = {
        "input_token_logprobs": [*(entry(None, token) for token in first), *entries(done.prompt_scores)],
        "output_token_logprobs": entries(done.answer_scores),
    }
    if sampling.top_logprobs_num:
        meta["input_top_logprobs"] = [*(None for _ in first), *tops(done.prompt_scores)]
        meta["output_top_logprobs"] = tops(done.answer_scores)
    return meta


def _copied(meta: Any) -> Any:
    """Meta info with dicts and lists of its own."""
    if isinstance(meta, dict):
        return {key: _copied(value) for key, value in meta.items()}
    return [_copied(item) for item in meta] if isinstance(meta, list) else meta


def _text(choice: Prompt) -> str:
    return "".join(piece.text for piece in choice if isinstance(piece, Text))


def _common_length(a: Sequence[int], b: Sequence[int]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _no_text(prompt: Prompt) -> str:
    return ""


def _text_of(text: str, prompt: Prompt) -> str:
    return text


@dataclass(slots=True, eq=False)
class Outcome:
    """The end of one run of a program: all of it, or the error that ended it. `render` makes the text of the prompt,
    when it is asked for."""

    prompt: Prompt = ()
    render: Callable[[Prompt], str] = _no_text
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    value: Any = None
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    error: Exception | None = None

    @property
    def text(self) -> str:
        return self.render(self.prompt)

    def rendered(self) -> Outcome:
        """The same without the backend, whose tokenizer makes the text."""
        return self if self.render is _no_text else replace(self, render=partial(_text_of, self.text))

    @property
    def messages(self) -> list[dict[str, str]]:
        return chat_messages(self.prompt)


def chat_messages(prompt: Prompt) -> list[dict[str, str]]:
    """The messages of a prompt in OpenAI's form; text outside of any message is left out, and so is, as in SGLang, the white
    space that a message begins with."""
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
            messages[-1]["content"] = messages[-1]["content"].lstrip()
            inside = False
    return messages
