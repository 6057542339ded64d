"""What really ran, as a trace: JSON in the Trace Event Format, which Perfetto and Chrome show.

Three groups of tracks: the engine (its batches, the KV pool over time), the requests (a track each: waiting, chunks of
its prompt, decoding) and the programs (the tracks of each row: its steps and host calls, which may overlap). A span is
noted when it ends, so what is written at any moment is what has ended by then. Times are in microseconds since the
beginning, all from one clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sglc.ir.errors import Location, RunError
from sglc.ir.files import write_whole
from sglc.ir.ops import Call, Gen, Primitive, Select
from sglc.runtime.engine import sequence as sequences
from sglc.runtime.engine.observer import Gauges
from sglc.runtime.engine.request import Event, Failed, Stats
from sglc.runtime.engine.scheduler import Work
from sglc.runtime.jobs import DecodeJob, Job, ScoreJob
from sglc.runtime.program import Plan, Run

ENGINE, PROGRAMS, REQUESTS = 1, 2, 3
"""The groups, processes to the format."""

Clock = Callable[[], int]
"""Nanoseconds."""


class Recording:
    """The events so far."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock()
        self.events: list[dict[str, Any]] = []

    def now(self) -> int:
        """Nanoseconds since the beginning."""
        return self._clock() - self._start

    def span(self, group: int, track: int, name: str, start: int, end: int, **about: Any) -> None:
        self._add("X", group, track, name, start, dur=(end - start) / 1e3, args=about)

    def instant(self, group: int, track: int, name: str, at: int, **about: Any) -> None:
        self._add("i", group, track, name, at, s="t", args=about)

    def counter(self, name: str, at: int, **values: int) -> None:
        self._add("C", ENGINE, 0, name, at, args=values)

    def name_group(self, group: int, name: str) -> None:
        self._add("M", group, 0, "process_name", 0, args={"name": name})
        self._add("M", group, 0, "process_sort_index", 0, args={"sort_index": group})

    def name_track(self, group: int, track: int, name: str) -> None:
        self._add("M", group, track, "thread_name", 0, args={"name": name})
        self._add("M", group, track, "thread_sort_index", 0, args={"sort_index": track})

    def _add(self, kind: str, group: int, track: int, name: str, at: int, **more: Any) -> None:
        self.events.append({"ph": kind, "pid": group, "tid": track, "name": name, "ts": at / 1e3, **more})


@dataclass(slots=True)
class _Asked:
    """A request on its way. since: when it began to wait, or to decode; state: what it does since then."""

    sequence: sequences.Sequence
    start: int
    since: int
    state: str = "waiting"


@dataclass(slots=True)
class _Batch:
    """A batch on its way, and who ended with it."""

    start: int
    work: list[tuple[int, int, bool]]  # request, tokens, of its prompt
    stats: Stats
    ended: list[tuple[_Asked, Event | None]] = field(default_factory=list[tuple[_Asked, "Event | None"]])


class Profile:
    """Observes an engine (`sglc.runtime.engine.observer.Observer`); `programs` observes its executor."""

    def __init__(self, clock: Clock = time.perf_counter_ns) -> None:
        self._to = Recording(clock)
        self.programs = Programs(self._to)
        self._asked: dict[int, _Asked] = {}
        self._running: set[int] = set()
        self._batches: list[_Batch] = []
        self._stats = Stats()
        for group, name in ((ENGINE, "engine"), (PROGRAMS, "programs"), (REQUESTS, "requests")):
            self._to.name_group(group, name)
        self._to.name_track(ENGINE, 1, "batches")

    def submitted(self, sequence: sequences.Sequence) -> None:
        now = self._to.now()
        self._asked[sequence.id] = _Asked(sequence, now, now)
        self._to.name_track(REQUESTS, sequence.id, _title(sequence))

    def planned(self, work: Sequence[Work], running: Collection[int], gauges: Gauges) -> None:
        now = self._to.now()
        for request in self._running.difference(running):
            self._preempted(self._asked[request], now)
        self._running = set(running)
        for item in work:
            self._computes(self._asked[item.sequence.id], now)
        evicted = gauges.stats.evicted_tokens - self._stats.evicted_tokens
        if evicted:
            self._to.instant(ENGINE, 1, f"evicted {evicted:,} tokens", now, tokens=evicted)
        self._stats = gauges.stats
        self._count(gauges, now)
        parts = [(item.sequence.id, item.count, item.of_prompt) for item in work]
        self._batches.append(_Batch(now, parts, gauges.stats))

    def committed(self, gauges: Gauges, *, started: bool = True) -> None:
        now = self._to.now()
        if not self._batches:
            return
        batch = self._batches.pop(0 if started else -1)
        prefill = {str(request): count for request, count, prompt in batch.work if prompt}
        decode = [request for request, _, prompt in batch.work if not prompt]
        self._to.span(
            ENGINE, 1, f"batch of {sum(count for _, count, _ in batch.work):,} tokens", batch.start, now,
            prefilled_tokens=gauges.stats.prefilled_tokens - batch.stats.prefilled_tokens,
            decoded_tokens=gauges.stats.decoded_tokens - batch.stats.decoded_tokens,
            prefill=prefill, decode=decode,
        )  # fmt: skip
        for request, count, prompt in batch.work:
            if prompt:
                self._to.span(REQUESTS, request, f"prefill {count:,}", batch.start, now, tokens=count)
        self._count(gauges, now)
        for asked, event in batch.ended:
            self._close(asked, event, now)

    def ended(self, sequence: sequences.Sequence, event: Event | None) -> None:
        asked = self._asked.pop(sequence.id, None)
        if asked is None:  # submitted before the profile was there
            return
        self._running.discard(sequence.id)
        if self._batches:
            self._batches[0].ended.append((asked, event))
        else:
            self._close(asked, event, self._to.now())

    def save(self, path: Path) -> None:
        """Writes what has ended, whole or not at all. From any thread. Raises `RunError`."""
        events = self._to.events.copy()
        data = json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})
        try:
            write_whole(path, data.encode())
        except OSError as error:
            raise cannot_write(path, error.strerror or str(error)) from None

    def _computes(self, asked: _Asked, now: int) -> None:
        """A request is in the batch that begins now."""
        if asked.state == "waiting":
            cached = asked.sequence.cached_tokens
            self._to.span(REQUESTS, asked.sequence.id, "waiting", asked.since, now)
            self._to.instant(REQUESTS, asked.sequence.id, f"{cached:,} tokens cached", now, tokens=cached)
            asked.state = "prefill"
        if asked.state == "prefill" and not asked.sequence.prefilling:
            asked.state, asked.since = "decode", now

    def _preempted(self, asked: _Asked, now: int) -> None:
        self._leave(asked, now)
        asked.state, asked.since = "waiting", now
        self._to.instant(REQUESTS, asked.sequence.id, "preempted", now)
        self._to.instant(ENGINE, 1, f"preempted request {asked.sequence.id}", now)

    def _close(self, asked: _Asked, event: Event | None, now: int) -> None:
        self._leave(asked, now)
        sequence = asked.sequence
        how = "cancelled" if event is None else "failed" if isinstance(event, Failed) else "finished"
        self._to.span(
            REQUESTS, sequence.id, _title(sequence), asked.start, now, how=how,
            prompt_tokens=sequence.prompt_tokens, cached_tokens=sequence.cached_tokens,
            decoded_tokens=sequence.decoded_tokens, **self.programs.about(sequence.request.order),
        )  # fmt: skip

    def _leave(self, asked: _Asked, now: int) -> None:
        """Ends what a request does: chunks of a prompt are noted one by one."""
        if asked.state != "prefill":
            self._to.span(REQUESTS, asked.sequence.id, asked.state, asked.since, now)

    def _count(self, gauges: Gauges, now: int) -> None:
        stats = gauges.stats
        self._to.counter("KV pool, tokens", now, cached=gauges.cached, own=stats.kv_tokens_in_use - gauges.cached)
        self._to.counter("requests", now, running=gauges.running, waiting=gauges.waiting)


@dataclass(slots=True)
class _Row:
    """A run. tracks: of its steps; the busy ones among them by the step that is on it."""

    start: int
    track: int
    tracks: list[int] = field(default_factory=list[int])
    steps: dict[Plan, tuple[int, int]] = field(default_factory=dict[Plan, tuple[int, int]])  # (start, track)


class Programs:
    """The programs of a `Profile`, as an onlooker of the executor."""

    def __init__(self, to: Recording) -> None:
        self._to = to
        self._rows: dict[Run, _Row] = {}
        self._tracks = 0
        self._asked: dict[Hashable, dict[str, Any]] = {}  # by the order of a job's requests

    def about(self, order: Hashable) -> dict[str, Any]:
        """Whose request this is: row, step and line; nothing of a request that no program asked."""
        return self._asked.get(order, {})

    def started(self, run: Run) -> None:
        row = self._rows[run] = _Row(self._to.now(), self._track(f"row {run.row}"))
        row.tracks.append(self._track(f"row {run.row}: steps"))

    def fired(self, run: Run, plan: Plan, job: Job | None) -> None:
        row = self._rows.get(run)
        if row is None:  # started before the profile was there
            return
        if isinstance(job, DecodeJob | ScoreJob):
            self._asked[job.order] = {"row": run.row, "step": _name(plan.op), "where": str(plan.op.loc or "")}
        busy = {track for _, track in row.steps.values()}
        free = next((track for track in row.tracks if track not in busy), None)
        if free is None:
            free = self._track(f"row {run.row}: more steps")
            row.tracks.append(free)
        row.steps[plan] = self._to.now(), free

    def answered(self, run: Run, plan: Plan, answer: Any) -> None:
        row = self._rows.get(run)
        if row is not None and plan in row.steps:
            start, track = row.steps.pop(plan)
            failed = {"error": str(answer)} if isinstance(answer, Exception) else {}
            about = _about(plan.op.loc)
            self._to.span(PROGRAMS, track, _name(plan.op), start, self._to.now(), **about, **failed)

    def ended(self, run: Run, error: Exception | None) -> None:
        row = self._rows.pop(run, None)
        if row is None:
            return
        now = self._to.now()
        for plan, (start, track) in row.steps.items():  # given up, because another step of the row failed
            self._to.span(PROGRAMS, track, _name(plan.op), start, now, **_about(plan.op.loc), how="given up")
        failed = {"error": str(error)} if error is not None else {}
        self._to.span(PROGRAMS, row.track, f"row {run.row}: {run.program.name}", row.start, now, **failed)

    def _track(self, name: str) -> int:
        self._tracks += 1
        self._to.name_track(PROGRAMS, self._tracks, name)
        return self._tracks


def _title(sequence: sequences.Sequence) -> str:
    return f"{'speculation' if sequence.request.ahead else 'request'} {sequence.id}"


def _name(op: Primitive) -> str:
    match op:
        case Gen():
            return f"gen {op.name or ''}".rstrip()
        case Select():
            return f"select {op.name or ''}".rstrip()
        case Call():
            return f"call {op.function.partition('#')[0]}"


def _about(loc: Location | None) -> dict[str, str]:
    return {} if loc is None else {"where": str(loc), "line": loc.source()}


def cannot_write(path: Path, why: str) -> RunError:
    return RunError(
        f"the trace cannot be written: {why}", where=str(path), hint="name a file in a folder that you may write to"
    )
