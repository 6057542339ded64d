"""Random episodes of the engine on the fake device, each replayed from its seed.

    python -m tests.engine.episodes SEED [COUNT]

After every step the pages are counted (free + tree + owned = pool, disjoint), the locks are recomputed from scratch, the
cells of the tree are compared with the ids they stand for, and free pages are poisoned. Every answer is compared with
that of the request alone.
"""

from __future__ import annotations

import sys
from array import array
from random import Random

from sglc.ir.in_time import in_time
from sglc.ir.tokens import TokenAutomaton, TokenConstraint
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import BatchFailure, DrawFailure, FakeDevice
from sglc.runtime.engine.family import Family, Kind
from sglc.runtime.engine.radix import Claim, Handle
from sglc.runtime.engine.request import Event, Failed, Finished, Progress, Request
from sglc.runtime.engine.scheduler import Plan, Scheduler, Work
from sglc.runtime.engine.sequence import Sequence
from tests.engine.invariants import check
from tests.engine.support import AUTOMATA, END, VOCABULARY, Bytes

DETOKENIZER = Bytes()
STOPS = (("ab",), ("bc", "abca"), ("€",), ("a", "c"), ("x a", "ba"))
PATTERNS = ((r"b+c",), (r"a$", "€."), (r"(?<=a)\s", r"c[ab]{2}"), (r"\b[abc]+ ",), (r"(\w)\1", r"x(?!a)"))
COMPARED = (
    "ids", "text", "reason", "stop", "prompt", "prompt_tokens", "decoded_tokens", "prompt_scores", "answer_scores",
    "branch_scores",
)  # fmt: skip


def prompt_tokens(request: Request) -> int:
    return len(request.ids) + len({tuple(b[:n]) for b in request.branches for n in range(1, len(b))})


def fails_at_draw(seed: int, position: int) -> bool:
    return seed % 13 == 5 and position == seed % 3


class Tally:
    """Counts cached and prefilled tokens by the definition, with a set of positions for each request."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.cached = self.prefilled = 0
        self.planned: list[Work] = []
        self._seen: dict[int, set[int]] = {}
        self._admit, self._advance, self._plan = scheduler._admit, scheduler.advance, scheduler.plan
        scheduler._admit, scheduler.advance, scheduler.plan = self.admit, self.advance, self.plan

    def plan(self) -> Plan:
        plan = self._plan()
        self.planned = plan.work
        return plan

    def admit(self, sequence: Sequence, handle: Handle, pages: array[int]) -> None:
        seen = self._seen.setdefault(sequence.id, set())
        self.cached += len(set(range(min(handle.length, sequence.prompt_tokens))) - seen)
        seen.update(range(handle.length))
        self._admit(sequence, handle, pages)

    def advance(self, work: Work) -> None:
        sequence = work.sequence
        seen = self._seen[sequence.id]
        for position in range(sequence.computed, sequence.computed + work.count):
            self.prefilled += position < sequence.prompt_tokens or position in seen
            seen.add(position)
        self._advance(work)


class Episode:
    """Everything that one seed decides."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        draw = self.number
        self.pages = draw(4, 12) if draw(0, 3) else draw(12, 36)
        self.chunk = draw(1, 6) if draw(0, 2) else 32
        ahead = draw(0, 2) == 0
        slow = ahead or draw(0, 3) == 0
        faulty = draw(0, 5) == 0
        self.cancels = draw(0, 3) == 0
        self.device = FakeDevice(
            self.pages,
            vocabulary=len(VOCABULARY),
            runs_ahead=ahead,
            delay=(lambda: draw(0, 2)) if slow else lambda: 0,
            fail_batch=(lambda: draw(0, 7) == 0) if faulty else lambda: False,
            fail_draw=fails_at_draw,
        )
        self.core = EngineCore(
            self.device,
            DETOKENIZER,
            chunk_tokens=self.chunk,
            max_running=draw(1, 5),
            headroom_tokens=max(0, draw(-2, 2)),
        )
        self.common = [draw(0, 15) for _ in range(self.pages)]
        self.requests: dict[int, Request] = {}
        self.cancelled: set[int] = set()
        self.ended: dict[int, Event] = {}
        self.told: dict[int, str] = {}
        self.families = [Family(Kind(), draw(0, 2 * self.pages)) for _ in range(draw(0, 3))]
        self.claims: list[Claim] = []
        self.tally = Tally(self.core._scheduler)
        self.peak = 0

    def number(self, low: int, high: int) -> int:
        """A number from low to high, both included; `randint` is four times slower."""
        return low + int(self.random.random() * (high - low + 1))

    def length(self, most: int) -> int:
        """A length of 1 to `most`, often at the edge of a chunk or of what fits."""
        draw = self.number
        edge = (most, self.chunk * draw(1, 3) + draw(-1, 1), draw(1, 8), draw(1, most))[draw(0, 3)]
        return max(1, min(edge, most))

    def constraint(self, max_tokens: int, finish: bool) -> TokenConstraint:
        chosen = AUTOMATA[self.number(0, len(AUTOMATA) - 1)]
        if finish and isinstance(chosen, TokenAutomaton) and chosen.distance[0] <= max_tokens:
            return in_time(chosen, max_tokens)
        return chosen

    def request(self) -> Request:
        return self.select() if self.number(0, 5) == 0 else self.gen()

    def select(self) -> Request:
        """Branches that often begin alike, so many that a small pool or batch just holds them."""
        draw = self.number
        size = self.length(self.pages)
        shared = draw(0, size)
        ids = self.common[:shared] + [draw(0, 2) for _ in range(size - shared)]
        room, rows = self.pages - size, set[tuple[int, ...]]()
        branches: list[list[int]] = []
        for _ in range(draw(1, 6)):
            branch = [draw(2, 4) for _ in range(draw(0, 5))]
            more = {tuple(branch[:n]) for n in range(1, len(branch))}
            if len(rows | more) <= room:
                rows |= more
                branches.append(branch)
        return Request(ids=ids, branches=branches, order=(draw(0, 3),) if draw(0, 1) else ())

    def gen(self) -> Request:
        draw = self.number
        max_tokens = draw(0, min(8, self.pages - 1))
        size = self.length(self.pages - max_tokens)
        shared = draw(0, size)
        ids = self.common[:shared] + [draw(0, 2) for _ in range(size - shared)]
        kind, pattern = draw(0, 255), draw(0, 29)  # a bit is quicker than a number
        return Request(
            ids=ids,
            max_tokens=max_tokens,
            min_tokens=draw(0, 3) if kind & 1 else 0,
            end_ids=frozenset({END}) if kind & 2 else frozenset(),
            stop=STOPS[draw(0, len(STOPS) - 1)] if draw(0, 2) == 0 else (),
            stop_regex=PATTERNS[pattern] if pattern < len(PATTERNS) else (),
            temperature=float(draw(0, 1)),
            frequency_penalty=0.5 if kind & 7 == 3 else 0.0,
            seed=draw(0, 99),
            constraint=self.constraint(max_tokens, kind & 128 != 0) if draw(0, 3) == 0 else None,
            score_from=draw(1, size) if draw(0, 3) == 0 else None,
            score_answer=kind & 24 == 0,
            score_top=2 if kind & 224 == 0 else 0,
            stream=kind & 96 == 0,
            order=(draw(0, 3),) if kind & 4 else (),
        )

    def run(self) -> None:
        draw, core = self.number, self.core
        coming = draw(1, 5)
        budget = 200
        while coming or not core.idle:
            while coming and (core.idle or draw(0, 1)):
                request = self.request()
                family = draw(0, len(self.families))
                number = core.submit(request, self.families[family] if family < len(self.families) else None)
                self.requests[number] = request
                budget += 10 * (len(request.ids) + request.max_tokens + sum(map(len, request.branches)))
                coming -= 1
            if self.cancels and draw(0, 4) == 0:
                victim = draw(0, len(self.requests) - 1)
                if victim not in self.ended:
                    self.cancelled.add(victim)
                core.cancel(victim)
            if draw(0, 19) == 0:
                core.flush_cache()
            self.foretell()
            self.step()
            budget -= 1
            assert budget > 0, "no end in sight"
        self.finish()

    def foretell(self) -> None:
        """What an executor may say between two steps: a claim, the end of one, or of a family."""
        chance = self.number(0, 31)
        if chance == 0:
            kept = self.number(1, self.pages)
            self.claims.append(self.core.claim(self.common[:kept], (self.number(0, 3),)))
        elif chance == 1 and self.claims:
            self.core.give_up(self.claims.pop(self.number(0, len(self.claims) - 1)))
        elif chance == 2 and self.families:
            self.core.end(self.families[-1])

    def step(self) -> None:
        core = self.core
        flights, live = list(core._flights), set(core._live)
        events = core.step()
        work = flights[0].work if flights else self.tally.planned
        check(core, self.device)
        self.peak = max(self.peak, core._pool.in_use)
        failed = [event for event in events if isinstance(event, Failed) and isinstance(event.error, BatchFailure)]
        if failed:
            of_batch = {item.sequence.id for item in work} & live
            assert {event.request for event in failed} == of_batch, "a failed batch ends all of its requests"
        for event in events:
            self.judge(event)

    def judge(self, event: Event) -> None:
        assert event.request not in self.ended, "a request ended twice"
        assert event.request not in self.cancelled, "a cancelled request has an event"
        if isinstance(event, Progress):
            assert event.text, "no news"
            assert self.requests[event.request].stream, "nobody asked for its text as it comes"
            self.told[event.request] = self.told.get(event.request, "") + event.text
            return
        self.ended[event.request] = event
        if isinstance(event, Failed) and isinstance(event.error, BatchFailure):
            return
        request = self.requests[event.request]
        expected = self.device.reference(request, DETOKENIZER)
        if expected is None:
            assert isinstance(event, Failed), "its draw fails"
            assert isinstance(event.error, DrawFailure), repr(event.error)
            return
        assert isinstance(event, Finished), repr(event)
        told = self.told.get(event.request, "")
        assert event.text.startswith(told), f"told {told!r}, then {event.text!r}; {request}"
        for name in COMPARED:
            got, wanted = getattr(event, name), getattr(expected, name)
            assert got == wanted, f"{name}: {got!r}, alone {wanted!r}; {request}"

    def finish(self) -> None:
        core = self.core
        assert self.ended.keys() | self.cancelled == self.requests.keys(), "a request is lost"
        assert core._pool.free + core._tree.size == self.pages, "pages are lost"
        assert core._tree.unlocked == core._tree.size, "a lock is left"
        for claim in self.claims:
            core.give_up(claim)
        assert core._tree.loose == core._tree.size, "a claim is left"
        assert not any(node.claims for node in (core._tree.root, *core._tree.nodes())), "a claim is left"
        finished = [event for event in self.ended.values() if isinstance(event, Finished)]
        stats = core.stats
        assert self.peak <= stats.kv_tokens_peak <= self.pages, "the peak is wrong"
        assert (stats.cached_tokens, stats.prefilled_tokens) == (self.tally.cached, self.tally.prefilled), f"{stats}"
        assert stats.prompt_tokens == sum(map(prompt_tokens, self.requests.values()))
        if len(finished) == len(self.requests):
            assert stats.cached_tokens == sum(event.cached_tokens for event in finished)
            assert stats.decoded_tokens == sum(event.decoded_tokens for event in finished)
        core.flush_cache()
        assert core.stats.kv_tokens_in_use == 0, "flush leaves something"


def play(first: int, count: int = 1) -> None:
    """Runs episodes first .. first + count - 1. Raises AssertionError that names the seed."""
    for seed in range(first, first + count):
        try:
            Episode(seed).run()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}\nreplay: python -m tests.engine.episodes {seed}") from error


if __name__ == "__main__":
    play(*map(int, sys.argv[1:]))
