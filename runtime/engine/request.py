"""What goes into the engine and what comes out: requests and events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, TypeAlias

from sglc.ir.tokens import TokenConstraint


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of the model. Nothing in it changes; the engine keeps its own progress.

    ids:          the whole prompt, at least one id.
    max_tokens:   how many ids may be generated; 0 only fills the cache and, with `score_from`, scores.
    min_tokens:   end ids and stops do not end the answer before this many ids; a stop that ends before them is none.
    end_ids:      ids that end the answer; the id itself is no part of it.
    stop:         strings that end the answer; cut from its text.
    stop_regex:   patterns of Python's `re` that end the answer with the first character that makes them match the text
                  so far; the match is cut from the text.
    temperature:  0 takes the likeliest id. top_k -1, top_p 1, min_p 0 are off.
    seed:         the draw at position p of this request depends on (seed, p) alone.
    constraint:   what the answer's text must match.
    score_from:   report log probabilities of ids[score_from:], each given the ids before it; at least 1.
    score_answer: report those of the generated ids too.
    score_top:    with each, report those of so many of the likeliest ids.
    branches:     continuations of `ids`, of which some may be empty: report the log probabilities of their tokens, each
                  given `ids` and those before it. They are computed together, what several begin with once. Such a
                  request generates nothing and scores nothing else; the KV of the branches is not kept.
    stream:       report the text as it comes.
    order:        requests with a smaller order are admitted first; neighbours should share long prefixes.
    ahead:        nobody waits for it; only its computed tokens are counted (`Stats.speculated_tokens`).
    """

    ids: Sequence[int]
    max_tokens: int = 0
    min_tokens: int = 0
    end_ids: frozenset[int] = frozenset()
    stop: tuple[str, ...] = ()
    stop_regex: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int = 0
    constraint: TokenConstraint | None = None
    score_from: int | None = None
    score_answer: bool = False
    score_top: int = 0
    branches: Sequence[Sequence[int]] = ()
    stream: bool = False
    order: tuple[int, ...] = ()
    ahead: bool = False


class Score(NamedTuple):
    """A token and its log probability given all tokens before it: that of the model, before temperature, penalties and
    masks. top: ids and log probabilities of the likeliest tokens in its place, where asked; the likeliest first."""

    id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end of a request.

    ids:           the generated ids of the answer: without an end id, and without ids whose text reaches into a stop.
    text:          the answer's text: without the stop, control tokens left out. Where a stop began inside an id, `text`
                   is longer than the text of `ids` by the part before it.
    reason:        why it ended. "match": the constraint allows nothing more.
    stop:          the stop string, the pattern or the end id.
    prompt:        the ids of the request.
    prompt_tokens: its ids, and of its branches the tokens to compute: what several begin with once, and no last token.
    decoded_tokens: ids that were drawn, an end id and those of the stop too.
    forced_tokens: ids that a constraint forced.
    prompt_scores: of prompt[score_from:], where asked.
    answer_scores: of `ids`, where asked.
    branch_scores: of each branch.
    """

    request: int
    ids: tuple[int, ...] = ()
    text: str = ""
    reason: Literal["stop", "length", "match"] = "stop"
    stop: str | int | None = None
    prompt: Sequence[int] = ()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    decoded_tokens: int = 0
    forced_tokens: int = 0
    prompt_scores: tuple[Score, ...] = ()
    answer_scores: tuple[Score, ...] = ()
    branch_scores: tuple[tuple[Score, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Text of a request that streams, next to what came before. What is still missing of the answer's text when it ends
    comes with `Finished` alone: its text begins with all that came."""

    request: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A request that failed, alone: its neighbours go on."""

    request: int
    error: Exception


Event: TypeAlias = Finished | Failed | Progress


@dataclass(slots=True)
class Stats:
    """Counters since the start or the last reset; tokens, unless said otherwise. Also read by name: `stats["..."]`.

    A prompt's tokens are those of `Finished.prompt_tokens`: a select's prompt counts once, whatever its choices.
    prompt_tokens + shared_tokens is what all would have had to read without a cache, each choice as a request of its own.
    prompt_tokens = cached_tokens + prefilled_tokens, but for tokens computed again after a preemption, which count as
    prefilled each time they are computed. What was speculated is in none of the three, until a prompt finds it cached.
    """

    prompt_tokens: int = 0  # of submitted prompts
    shared_tokens: int = 0  # that prompts of selects would have had more, were each choice a request of its own
    cached_tokens: int = 0  # of prompts, found in the cache at admission
    prefilled_tokens: int = 0  # of prompts, computed
    speculated_tokens: int = 0  # of prompts that were to come, computed while nothing else was to be done
    decoded_tokens: int = 0  # sampled
    forced_tokens: int = 0  # appended because the constraint allows nothing else
    forward_passes: int = 0  # calls of the model
    evicted_tokens: int = 0  # cached KV given up for something else
    kv_tokens_in_use: int = 0  # pages that hold KV now, cached or owned
    kv_tokens_peak: int = 0

    def keys(self) -> Iterator[str]:
        """The counters' names; with `[]` what `dict(stats)` needs."""
        return (f.name for f in fields(self))

    def __getitem__(self, name: str) -> int:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)
