"""The engine: requests in, events out. A step is schedule, run, commit.

Single-threaded and deterministic: no clock, no randomness, no torch. While the device is not ready, `step` only looks
whether it is. Where the device runs ahead, a second batch is scheduled and submitted behind the one on its way, whose
draws are its next ids; what it draws is said when the first is committed (decision 20).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Ids
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from sglc.ir.errors import CapacityError
from sglc.ir.in_time import InTime
from sglc.runtime.engine.answer import Detokenizer
from sglc.runtime.engine.device import Batch, Chunk, Device, Draw, Pending, Result
from sglc.runtime.engine.family import Family
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.observer import Gauges, Observer
from sglc.runtime.engine.pool import PagePool
from sglc.runtime.engine.radix import Claim, RadixTree
from sglc.runtime.engine.request import Event, Failed, Progress, Request, Score, Stats
from sglc.runtime.engine.scheduler import Plan, Scheduler, Work
from sglc.runtime.engine.sequence import Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch on its way, and what it computes: how many chunks for each piece of work."""

    work: list[Work]
    chunks: list[int]
    pending: Pending

    @property
    def scoring(self) -> bool:
        """Log probabilities are asked of it, which are read on the host: nothing is gained by going ahead of it."""
        return any(work.sequence.scoring for work in self.work)

    @property
    def sequences(self) -> Iterator[tuple[int, Sequence, int]]:
        """The number of a sequence's first chunk, the sequence, and the end of its places."""
        first = 0
        for work, count in zip(self.work, self.chunks, strict=True):
            yield first, work.sequence, work.start + work.count
            first += count


class EngineCore:
    """Continuous batching with a radix cache over one device.

    chunk_tokens:    the most tokens in a batch; longer prompts are prefilled in chunks.
    max_running:     the most requests that hold pages at a time.
    headroom_tokens: pages kept free for each running request when another is admitted.
    jumps:           what constraints force; None: it is drawn, but where one id alone is allowed.

    observer: told of what happens, where there is one.
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
        self._flights: list[Flight] = []  # the oldest first, two at most; the draws of the second are not started
        self._may_go_ahead = False  # something has changed since the last look for a batch behind the one on its way
        self._next_id = 0
        self.observer: Observer | None = None

    def submit(self, request: Request, family: Family | None = None) -> int:
        """Takes a request, of a family where it is one of several, and answers its id. Raises `CapacityError` for one that
        can never fit, ValueError for one that makes no sense."""
        _check(request)
        sequence = Sequence(self._next_id, request, self._detokenizer, self._jumps, family)
        self._check_capacity(sequence)
        self._next_id += 1
        self._live[sequence.id] = sequence
        self._may_go_ahead = True
        if family is not None:
            family.alive += 1
        self._scheduler.add(sequence)
        if not request.ahead:
            self._scheduler.stats.prompt_tokens += sequence.prompt_tokens
        if request.branches:
            apart = sum(len(request.ids) + len(branch) for branch in request.branches)
            self._scheduler.stats.shared_tokens += apart - sequence.prompt_tokens
        self._scheduler.stats.forced_tokens += sequence.answer.forced
        if self.observer is not None:
            self.observer.submitted(sequence)
        return sequence.id

    def cancel(self, request: int) -> None:
        """Drops a request; no event will come for it. One that has ended already is left alone."""
        sequence = self._live.pop(request, None)
        if sequence is None:
            return
        sequence.cancelled = True
        self._left(sequence.family)
        if self.observer is not None:
            self.observer.ended(sequence, None)
        self._scheduler.drop(sequence)

    def speculate(self, ids: Ids[int], kept: int) -> bool:
        """Takes a prompt that nobody waits for, so that it is in the cache when it is asked; no event says so. False where
        that would take KV that is claimed, or some of `kept` tokens that are not. Called while idle, before a `step`. Raises
        as `submit`."""
        wanted = array("i", ids)
        handle, _ = self._tree.match(wanted, len(wanted))
        spare = self._pool.free + self._tree.loose
        self._tree.release(handle)
        if len(wanted) - handle.length + kept > spare:
            return False
        self.submit(Request(ids=ids, ahead=True))
        return True

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
        """Nothing more will come of a family; its claims are the caller's to give up. It is over when its last request
        is: others may wait for that."""
        family.ended = True
        if not family.alive:
            self._scheduler.end(family)

    def step(self) -> list[Event]:
        """Goes on by one batch. Answers the requests that ended, and what is new of those that stream."""
        events: list[Event] = []
        if not self._flights:
            self._submit(self._scheduler.plan(), events)
            self._start_draws(events)
        elif (
            self._may_go_ahead and self._device.runs_ahead and len(self._flights) == 1 and not self._flights[0].scoring
        ):
            self._may_go_ahead = False
            self._submit(self._scheduler.plan_ahead(), events)
        if self._flights and self._flights[0].pending.ready():
            self._commit(self._flights.pop(0), events)
            self._start_draws(events)
        return events

    @property
    def idle(self) -> bool:
        """Nothing to do: no request is alive and no batch is on its way."""
        return not self._live and not self._flights

    @property
    def in_flight(self) -> bool:
        """A batch is on its way, though perhaps nobody waits for it any more."""
        return bool(self._flights)

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

    def _gauges(self) -> Gauges:
        running = len(self._scheduler.running)
        return Gauges(self.stats, self._tree.size, running, len(self._live) - running)

    def _batch_is_over(self, *, started: bool = True) -> None:
        if self.observer is not None:
            self.observer.committed(self._gauges(), started=started)

    def _submit(self, plan: Plan, events: list[Event]) -> None:
        """Starts the forward pass of what is planned."""
        for sequence in plan.done:
            self._end(sequence, sequence.finished(), events)
        if not plan.work:
            return
        if self.observer is not None:
            self.observer.planned(plan.work, self._scheduler.running, self._gauges())
        chunks = [_chunks(work) for work in plan.work]
        batch = Batch([chunk for several in chunks for chunk in several])
        self._scheduler.stats.forward_passes += 1
        try:
            self._flights.append(Flight(plan.work, list(map(len, chunks)), self._device.submit(batch)))
        except Exception as error:  # noqa: BLE001 - whatever the device raises is the end of the batch's requests
            self._lose(plan.work, error, events, started=False)

    def _start_draws(self, events: list[Event]) -> None:
        """Starts the draws of the oldest batch: all its ids are known by now."""
        if not self._flights:
            return
        self._may_go_ahead = True
        flight = self._flights[0]
        draws: list[Draw | None] = [None] * sum(flight.chunks)
        for chunk, sequence, end in flight.sequences:
            if sequence.id in self._live and sequence.draws(end):
                sequence.drawn_by = chunk
                draws[chunk] = _draw(sequence)
        try:
            flight.pending.draw(draws)
        except Exception as error:  # noqa: BLE001 - as above
            del self._flights[0]
            self._lose(flight.work, error, events)

    def _commit(self, flight: Flight, events: list[Event]) -> None:
        try:
            result = flight.pending.result()
        except Exception as error:  # noqa: BLE001 - as above
            self._lose(flight.work, error, events)
            return
        for work, drawn, scores in _by_work(flight, result):
            sequence = work.sequence
            if sequence.id not in self._live:
                continue
            sequence.drawn_by = None
            if isinstance(drawn, Exception):  # before its KV is shared, which may not be numbers either
                self._fail(sequence, drawn, events)
                continue
            draws = sequence.draws(work.start + work.count)
            sequence.note(scores)
            self._scheduler.advance(work)
            try:
                if draws:
                    self._take(sequence, drawn)
            except Exception as error:  # noqa: BLE001 - what fails for one chunk is the end of one request
                self._fail(sequence, error, events)
                continue
            if sequence.complete:
                self._scheduler.finish(sequence)
                self._end(sequence, sequence.finished(), events)
            elif sequence.request.stream and (text := sequence.answer.news()):
                events.append(Progress(request=sequence.id, text=text))
        self._batch_is_over()

    def _take(self, sequence: Sequence, drawn: int | None) -> None:
        """Appends the drawn id and what the constraint forces after it."""
        if drawn is None:
            raise RuntimeError("the device answered no id where one was to be drawn")
        forced = sequence.answer.forced
        self._scheduler.stats.decoded_tokens += 1
        sequence.take(drawn)
        self._scheduler.stats.forced_tokens += sequence.answer.forced - forced

    def _lose(self, work: list[Work], error: Exception, events: list[Event], *, started: bool = True) -> None:
        """A batch has failed: its requests are over, and what it wrote for them does not reach the cache."""
        for item in work:
            if item.sequence.id in self._live:
                self._fail(item.sequence, error, events)
        self._batch_is_over(started=started)

    def _fail(self, sequence: Sequence, error: Exception, events: list[Event]) -> None:
        self._scheduler.drop(sequence)
        self._end(sequence, Failed(request=sequence.id, error=error), events)

    def _end(self, sequence: Sequence, event: Event, events: list[Event]) -> None:
        del self._live[sequence.id]
        self._left(sequence.family)
        events.append(event)
        if self.observer is not None:
            self.observer.ended(sequence, event)

    def _left(self, family: Family | None) -> None:
        """A family has one request less."""
        if family is not None:
            family.alive -= 1
            if family.ended and not family.alive:
                self._scheduler.end(family)

    def _check_capacity(self, sequence: Sequence) -> None:
        request, branches, prompt = sequence.request, sequence.branches, len(sequence.request.ids)
        positions = pages = request.max_tokens
        positions_for = pages_for = f"{request.max_tokens} to generate"
        cure = "lower max_tokens"
        if request.branches:
            positions, pages = branches.longest, len(branches)
            positions_for, pages_for = f"{positions} of a choice", f"{pages} of all choices"
            cure = "give shorter choices"
        if prompt + positions > self._device.max_positions:
            raise CapacityError(
                f"a prompt of {prompt} tokens and {positions_for} are {prompt + positions}, more than the model's "
                f"context of {self._device.max_positions}",
                hint=f"shorten the prompt or {cure}",
            )
        if prompt + pages > self._pool.num_pages:
            raise CapacityError(
                f"a prompt of {prompt} tokens and {pages_for} are {prompt + pages}, more than the KV pool of "
                f"{self._pool.num_pages} tokens",
                hint=f"raise max_kv_tokens, shorten the prompt or {cure}",
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
    if request.branches and (request.max_tokens or request.score_from is not None):
        raise ValueError("a request with branches generates nothing and scores nothing else")


def _by_work(flight: Flight, result: Result) -> Iterator[tuple[Work, int | Exception | None, list[Score]]]:
    """What has come of each piece of work: the drawn id or the first error of its chunks, and all their scores."""
    chunks = zip(result.drawn, result.scores or [[]] * len(result.drawn), strict=True)
    for work, count in zip(flight.work, flight.chunks, strict=True):
        drawn, scores = next(chunks)
        for more, others in islice(chunks, count - 1):
            drawn = more if drawn is None else drawn
            scores = [*scores, *others]
        yield work, drawn, scores


def _chunks(work: Work) -> list[Chunk]:
    """A sequence's next tokens, as the device wants them: of its ids, and then of its branches."""
    sequence = work.sequence
    start, end = work.start, work.start + work.count
    known = len(sequence.ids)
    if start >= known and sequence.branches:
        return list(_branches(sequence, start - known, end - known))
    if start >= known:  # the id that is being drawn
        return [Chunk((0,), start, sequence.pages[:end], draws=True, follows=sequence.drawn_by)]
    last = min(end, known)
    chunk = Chunk(
        ids=sequence.ids[start:last],
        start=start,
        pages=sequence.pages[:last],
        draws=sequence.draws(last),
        score=sequence.to_score(last),
        score_top=sequence.request.score_top,
    )
    return [chunk, *_branches(sequence, 0, end - known)]


def _branches(sequence: Sequence, start: int, end: int) -> Iterator[Chunk]:
    """The rows start .. end - 1 of a sequence's branches, each run of them behind the prompt and the rows above it."""
    branches, known, pages = sequence.branches, len(sequence.ids), sequence.pages
    for path, first, last in branches.runs(start, end):
        above = pages[:known] + array("i", [pages[known + row] for row in path])
        yield Chunk(
            ids=branches.ids[first:last],
            start=len(above),
            pages=above + pages[known + first : known + last],
            score=[(row - first, token) for row, token in branches.asked(first, last)],
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
