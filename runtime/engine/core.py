"""The engine: requests in, events out. A step is schedule, run, commit.

Single-threaded and deterministic: no clock, no randomness, no torch. At most one batch is on its way; while the device
is not ready, `step` only looks whether it is.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from collections.abc import Sequence as Ids
from dataclasses import dataclass, replace
from typing import TypeVar

from sglc.ir.errors import CapacityError
from sglc.ir.in_time import InTime
from sglc.runtime.engine.answer import Detokenizer
from sglc.runtime.engine.device import Batch, Chunk, Device, Draw, Pending
from sglc.runtime.engine.family import Family
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.pool import PagePool
from sglc.runtime.engine.radix import Claim, RadixTree
from sglc.runtime.engine.request import Event, Failed, Progress, Request, Stats
from sglc.runtime.engine.scheduler import Scheduler, Work
from sglc.runtime.engine.sequence import Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch on its way, and what it computes."""

    work: list[Work]
    pending: Pending


class EngineCore:
    """Continuous batching with a radix cache over one device.

    chunk_tokens:    the most tokens in a batch; longer prompts are prefilled in chunks.
    max_running:     the most requests that hold pages at a time.
    headroom_tokens: pages kept free for each running request when another is admitted.
    jumps:           what constraints force; None: it is drawn, but where one id alone is allowed.
    """

    def __init__(
        self,
        device: Device,
        detokenizer: Detokenizer,
        *,
        chunk_tokens: int = 512,
        max_running: int = 256,
        headroom_tokens: int = 16,
        jumps: Jumps | None = None,
    ) -> None:
        if chunk_tokens < 1 or max_running < 1 or headroom_tokens < 0:
            raise ValueError("chunk_tokens and max_running are at least 1, headroom_tokens at least 0")
        self._device = device
        self._detokenizer = detokenizer
        self._jumps = jumps
        self._pool = PagePool(device.num_pages)
        self._tree = RadixTree(self._pool)
        self._scheduler = Scheduler(self._pool, self._tree, chunk_tokens, max_running, headroom_tokens)
        self._live: dict[int, Sequence] = {}
        self._flight: Flight | None = None
        self._next_id = 0

    def submit(self, request: Request, family: Family | None = None) -> int:
        """Takes a request, of a family where it is one of several, and answers its id. Raises `CapacityError` for one that can never fit, ValueError for one
        that makes no sense."""
        _check(request)
        self._check_capacity(len(request.ids), request.max_tokens)
        sequence = Sequence(self._next_id, request, self._detokenizer, self._jumps, family)
        self._next_id += 1
        self._live[sequence.id] = sequence
        self._scheduler.add(sequence)
        self._scheduler.stats.prompt_tokens += sequence.prompt_tokens
        self._scheduler.stats.forced_tokens += sequence.answer.forced
        return sequence.id

    def cancel(self, request: int) -> None:
        """Drops a request; no event will come for it. One that has ended already is left alone."""
        sequence = self._live.pop(request, None)
        if sequence is None:
            return
        sequence.cancelled = True
        # The device may be writing to its pages: then they stay its own until the batch is back.
        if self._flight is None or all(work.sequence is not sequence for work in self._flight.work):
            self._scheduler.drop(sequence)

    def claim(self, ids: Ids[int], when: tuple[int, ...]) -> Claim:
        """Says that the KV of these ids will be read again, at a time like `Request.order`, and is to be there till then:
        it counts as taken where a run asks to begin. To be given up with `give_up`."""
        wanted = array("i", ids)
        claim = self._tree.claim(wanted, len(wanted), (True, when, -1))
        self._tree.confirm(claim)
        return claim

    def give_up(self, claim: Claim) -> None:
        """The end of a claim; one that has ended already is left alone."""
        self._tree.give_up(claim)

    def end(self, family: Family) -> None:
        """Nothing more will come of a family; its claims are the caller's to give up."""
        self._scheduler.end(family)

    def step(self) -> list[Event]:
        """Goes on by one batch. Answers the requests that ended, and what is new of those that stream."""
        events: list[Event] = []
        if self._flight is None:
            work = self._schedule(events)
            if work:
                self._run(work, events)
        if self._flight is not None and self._flight.pending.ready():
            self._commit(self._flight, events)
        return events

    @property
    def idle(self) -> bool:
        """Nothing to do: no request is alive and no batch is on its way."""
        return not self._live and self._flight is None

    @property
    def stats(self) -> Stats:
        """The counters as of now; a copy."""
        return replace(self._scheduler.stats, kv_tokens_in_use=self._pool.in_use, kv_tokens_peak=self._pool.peak)

    def reset_stats(self) -> None:
        self._scheduler.stats = Stats()
        self._pool.reset_peak()

    def flush_cache(self) -> None:
        """Forgets all cached KV that no running request uses. It does not count as evicted."""
        self._tree.evict(self._tree.unlocked)

    def cached_length(self, ids: Ids[int]) -> int:
        """How many tokens at the beginning of `ids` are cached now."""
        wanted = array("i", ids)
        handle, _ = self._tree.match(wanted, len(wanted))
        self._tree.release(handle)
        return handle.length

    def read_cached(self, ids: Ids[int], read: Callable[[array[int]], T]) -> T:
        """What `read` answers for the pages of `ids`, one a token. Raises `CapacityError` where not all are cached."""
        wanted = array("i", ids)
        handle, pages = self._tree.match(wanted, len(wanted))
        try:
            if handle.length < len(wanted):
                raise CapacityError(
                    f"only {handle.length} of the {len(wanted)} tokens of a prompt are in the cache",
                    hint="raise max_kv_tokens",
                )
            return read(pages)
        finally:
            self._tree.release(handle)

    def write_cached(self, ids: Ids[int], write: Callable[[int, array[int]], None]) -> int:
        """Puts KV from elsewhere into the cache: `write(start, pages)` fills the pages of `ids[start:]`, which are not
        cached yet. Answers how many those were. Raises `CapacityError` where they do not fit."""
        wanted = array("i", ids)
        handle, _ = self._tree.match(wanted, len(wanted))
        try:
            start, need = handle.length, len(wanted) - handle.length
            if not self._scheduler.reserve(need):
                raise CapacityError(
                    f"{need} more tokens do not fit the KV pool of {self._pool.num_pages}", hint="raise max_kv_tokens"
                )
            if need:
                pages = self._pool.alloc(need)
                try:
                    write(start, pages)
                except BaseException:
                    self._pool.release(pages)
                    raise
                self._tree.extend(handle, wanted[start:], pages)
            return need
        finally:
            self._tree.release(handle)

    def _schedule(self, events: list[Event]) -> list[Work]:
        plan = self._scheduler.plan()
        for sequence in plan.done:
            self._end(sequence, sequence.finished(), events)
        return plan.work

    def _run(self, work: list[Work], events: list[Event]) -> None:
        batch = Batch([_chunk(item) for item in work])
        self._scheduler.stats.forward_passes += 1
        try:
            self._flight = Flight(work, self._device.submit(batch))
        except Exception as error:  # noqa: BLE001 - whatever the device raises is the end of the batch's requests
            self._fail(work, error, events)

    def _commit(self, flight: Flight, events: list[Event]) -> None:
        self._flight = None
        try:
            result = flight.pending.result()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(flight.work, error, events)
            return
        scores = result.scores or [[]] * len(flight.work)
        for work, drawn, scored in zip(flight.work, result.drawn, scores, strict=True):
            sequence = work.sequence
            if sequence.cancelled:
                self._scheduler.drop(sequence)
                continue
            self._scheduler.advance(work)
            sequence.scores += scored
            try:
                self._take(sequence, drawn)
            except Exception as error:  # noqa: BLE001 - what fails for one chunk is the end of one request
                self._fail([work], error, events)
                continue
            if sequence.complete:
                self._scheduler.finish(sequence)
                self._end(sequence, sequence.finished(), events)
            elif sequence.request.stream and (text := sequence.answer.news()):
                events.append(Progress(request=sequence.id, text=text))

    def _take(self, sequence: Sequence, drawn: int | Exception | None) -> None:
        """Appends the drawn id, where one was asked for, and what the constraint forces after it."""
        if isinstance(drawn, Exception):
            raise drawn
        if not sequence.draws(sequence.computed):
            return
        if drawn is None:
            raise RuntimeError("the device answered no id where one was to be drawn")
        forced = sequence.answer.forced
        self._scheduler.stats.decoded_tokens += 1
        sequence.take(drawn)
        self._scheduler.stats.forced_tokens += sequence.answer.forced - forced

    def _fail(self, work: list[Work], error: Exception, events: list[Event]) -> None:
        """The requests are over; what the failed batch wrote for them does not reach the cache."""
        for item in work:
            self._scheduler.drop(item.sequence)
            if not item.sequence.cancelled:
                self._end(item.sequence, Failed(request=item.sequence.id, error=error), events)

    def _end(self, sequence: Sequence, event: Event, events: list[Event]) -> None:
        del self._live[sequence.id]
        events.append(event)

    def _check_capacity(self, prompt: int, max_tokens: int) -> None:
        need = f"a prompt of {prompt} tokens and {max_tokens} to generate are {prompt + max_tokens}"
        if prompt + max_tokens > self._device.max_positions:
            raise CapacityError(
                f"{need}, more than the model's context of {self._device.max_positions}",
                hint="shorten the prompt or lower max_tokens",
            )
        if prompt + max_tokens > self._pool.num_pages:
            raise CapacityError(
                f"{need}, more than the KV pool of {self._pool.num_pages} tokens",
                hint="raise max_kv_tokens, shorten the prompt or lower max_tokens",
            )


def _check(request: Request) -> None:
    if not len(request.ids):
        raise ValueError("a request needs at least one id")
    if request.max_tokens < 0 or request.min_tokens < 0:
        raise ValueError("max_tokens and min_tokens cannot be negative")
    if "" in request.stop:
        raise ValueError("an empty stop string would end every answer")
    for pattern in request.stop_regex:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"stop_regex {pattern!r} is no pattern: {error}") from error
    if request.score_from is not None and not 1 <= request.score_from <= len(request.ids):
        raise ValueError(f"score_from is {request.score_from}, not one of 1 .. {len(request.ids)}")
    if request.score_top < 0:
        raise ValueError("score_top cannot be negative")


def _chunk(work: Work) -> Chunk:
    """A sequence's next tokens, as the device wants them."""
    sequence = work.sequence
    start, end = sequence.computed, sequence.computed + work.count
    return Chunk(
        ids=sequence.ids[start:end],
        start=start,
        pages=sequence.pages[:end],
        draw=_draw(sequence) if sequence.draws(end) else None,
        score=sequence.to_score(end),
        score_top=sequence.request.score_top,
    )


def _draw(sequence: Sequence) -> Draw:
    request, answer = sequence.request, sequence.answer
    constraint, state = request.constraint, answer.state
    if isinstance(constraint, InTime):
        constraint, state = constraint.masked_by(state)
    return Draw(
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        min_p=request.min_p,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        seed=request.seed,
        position=len(answer.ids),
        history=answer.ids if request.frequency_penalty or request.presence_penalty else (),
        constraint=constraint,
        state=state,
        forbidden=request.end_ids if len(answer.ids) < request.min_tokens else frozenset(),
        score=request.score_answer,
    )
