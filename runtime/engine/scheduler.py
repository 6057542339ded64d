"""Which tokens are computed in the next batch, and which request has to give its pages up.

Decode rows first, then chunks of prompts, then new requests, oldest first, up to a number of tokens. Five rules keep it
live: `submit` has refused what cannot fit an empty pool; the oldest running request takes pages from the youngest; a
preempted request comes back before any other; a request that waits for a sibling's prefix waits for a running one, and
is called back whenever that one gets there or leaves; where nothing runs, the first that waits is admitted.

What waits claims its prompt in the tree. Requests of one run of a program are a `Family`; a family begins with its first
admission, and those that have begun go on before another begins: that one waits until what all are expected to take, each
until it ends, fits without evicting what they claim. Until it begins, its claims only order evictions.
"""

from __future__ import annotations

import heapq
from array import array
from dataclasses import dataclass

from sglc.runtime.engine.family import Family
from sglc.runtime.engine.pool import PagePool
from sglc.runtime.engine.radix import Handle, RadixTree, common_prefix
from sglc.runtime.engine.request import Stats
from sglc.runtime.engine.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Work:
    """The `count` places of a sequence from `start` on."""

    sequence: Sequence
    start: int
    count: int

    @property
    def of_prompt(self) -> bool:
        """The places were there at the sequence's admission."""
        return self.start < self.sequence.prefill_end


@dataclass(frozen=True, slots=True)
class Plan:
    """work: the chunks of the next batch. done: requests whose KV was all in the cache and that draw nothing."""

    work: list[Work]
    done: list[Sequence]


class Scheduler:
    """Waiting, running and parked requests over one pool and tree.

    chunk_tokens: the most tokens in a batch. max_running: the most requests with pages. headroom_tokens: pages kept
    free at an admission for each running request, so that its next tokens do not preempt the newcomer at once.
    """

    def __init__(self, pool: PagePool, tree: RadixTree, chunk_tokens: int, max_running: int, headroom: int) -> None:
        self.stats = Stats()
        self.running: dict[int, Sequence] = {}  # in the order of admission
        self._pool = pool
        self._tree = tree
        self._chunk_tokens = chunk_tokens
        self._max_running = max_running
        self._headroom = headroom
        self._waiting: list[tuple[tuple[bool, tuple[int, ...], int], Sequence]] = []  # a heap
        self._new: list[tuple[tuple[bool, tuple[int, ...], int], Sequence]] = []  # likewise, of families not begun
        self._begun: dict[Family, None] = {}  # and not ended
        self._parked: dict[int, list[tuple[int, int, Sequence]]] = {}  # by running request: a heap of (length, id, ...)

    def add(self, sequence: Sequence) -> None:
        family = sequence.family
        begun = family is None or family.begun
        if sequence.claim is None:
            sequence.claim = self._tree.claim(sequence.ids, sequence.hit_limit, sequence.key)
        if family is not None:
            if begun:
                self._tree.confirm(sequence.claim)
            else:
                family.waiting[sequence] = None
        heapq.heappush(self._waiting if begun else self._new, (sequence.key, sequence))

    def end(self, family: Family) -> None:
        """Nothing more will come of a family."""
        if family in self._begun:
            del self._begun[family]
            family.tell()

    def plan(self) -> Plan:
        """What the next batch computes; its pages are allocated. Called with no batch on its way, or by `plan_ahead`."""
        work: list[Work] = []
        budget = self._chunk_tokens
        running = len(self.running)
        for sequence in list(self.running.values()):
            count = min(budget, sequence.known - sequence.submitted)
            decodes = sequence.submitted >= sequence.prefill_end
            if count and decodes and self._grow(sequence, sequence.submitted + count):
                work.append(_next_of(sequence, count))
                budget -= count
        prefilling = [sequence for sequence in self.running.values() if sequence.prefilling]
        for sequence in prefilling:
            count = min(budget, sequence.prefill_end - sequence.submitted)
            if count > 0:
                work.append(_next_of(sequence, count))
                budget -= count
        preempted = len(self.running) < running
        done: list[Sequence] = []
        room = sum(self._room(sequence) for sequence in self.running.values())
        while budget and not preempted and len(self.running) < self._max_running:
            sequence = self._next()
            if sequence is None:
                break
            handle, pages = self._tree.match(sequence.ids, sequence.hit_limit, sequence.family)
            if self._park(sequence, handle.length, prefilling):
                self._tree.release(handle)
                continue
            room += self._room(sequence)
            if not self._fits(sequence, sequence.length - handle.length, room):
                self._tree.release(handle)
                self.add(sequence)
                break
            self._admit(sequence, handle, pages)
            if count := min(budget, sequence.length - sequence.submitted):
                work.append(_next_of(sequence, count))
                budget -= count
                prefilling.append(sequence)
            else:
                self.finish(sequence)
                done.append(sequence)
        return Plan(work, done)

    def plan_ahead(self) -> Plan:
        """What the batch behind the one on its way computes. Nothing, where only a preemption would free the pages."""
        need = sum(max(0, sequence.known - len(sequence.pages)) for sequence in self.running.values())
        return self.plan() if self.reserve(need) else Plan([], [])

    def advance(self, work: Work) -> None:
        """The tokens have been computed: count them, and share those of a prompt."""
        sequence = work.sequence
        start, end = work.start, work.start + work.count
        prefilled = max(0, min(end, max(sequence.prompt_tokens, sequence.counted)) - start)
        if sequence.request.ahead:
            self.stats.speculated_tokens += prefilled
        else:
            self.stats.prefilled_tokens += prefilled
        sequence.counted = max(sequence.counted, end)
        share = sequence.prefilling
        sequence.computed = end
        if share:
            self._share(sequence)
        self._call_back(sequence.id, end)

    def finish(self, sequence: Sequence) -> None:
        """The sequence is over; what it has computed stays in the cache."""
        self._share(sequence)
        self.drop(sequence)

    def drop(self, sequence: Sequence) -> None:
        """The sequence is over, failed or cancelled; what it has not shared yet is given up. A batch on its way may still
        write to its pages: who gets them writes later."""
        self._give_up_claim(sequence)
        if sequence.id in self.running:
            del self.running[sequence.id]
            self._release(sequence)

    def reserve(self, count: int) -> bool:
        """Makes `count` pages free, if eviction can."""
        short = count - self._pool.free
        if short > 0:
            self.stats.evicted_tokens += self._tree.evict(short)
        return self._pool.free >= count

    def _grow(self, sequence: Sequence, length: int) -> bool:
        """Gets the pages for `length` tokens, from the youngest if need be; False where that was the sequence itself."""
        if sequence.id not in self.running:
            return False
        need = length - len(sequence.pages)
        while not self.reserve(need):
            youngest = next(reversed(self.running.values()))
            self._preempt(youngest)
            if youngest is sequence:
                return False
        sequence.pages += self._pool.alloc(need)
        if sequence.family is not None:
            sequence.family.taken += need
        return True

    def _preempt(self, sequence: Sequence) -> None:
        """Back to the waiting room, with prompt and generated ids as its prompt."""
        self.finish(sequence)
        sequence.preempted = True
        self.add(sequence)

    def _park(self, sequence: Sequence, hit: int, prefilling: list[Sequence]) -> bool:
        """Lets it wait where a running request is about to compute more of its beginning than the cache has."""
        limit, longest = sequence.hit_limit, hit
        teacher: Sequence | None = None
        for other in prefilling if hit < limit else ():
            # One look decides most cases: a request shares more than the hit only if it has the same id after it.
            if other.computed <= hit < len(other.ids) and other.ids[hit] == sequence.ids[hit]:
                shared = min(limit, common_prefix(other.ids, sequence.ids))
                if shared > longest:
                    longest, teacher = shared, other
        if teacher is None:
            return False
        heapq.heappush(self._parked.setdefault(teacher.id, []), (longest, sequence.id, sequence))
        return True

    def _call_back(self, teacher: int, length: int | None = None) -> None:
        """Those parked for `length` or fewer tokens of a request, or all of them, are waiting again."""
        parked = self._parked.get(teacher, [])
        while parked and (length is None or parked[0][0] <= length):
            sequence = heapq.heappop(parked)[2]
            if not sequence.cancelled:
                self.add(sequence)
        if not parked:
            self._parked.pop(teacher, None)

    def _room(self, sequence: Sequence) -> int:
        """Pages that a running sequence is likely to want soon."""
        return min(self._headroom, sequence.to_generate)

    def _next(self) -> Sequence | None:
        """The first of those that wait: of what has begun, and where nothing of that waits, of what has not."""
        while heap := self._waiting or self._new:
            sequence = heapq.heappop(heap)[1]
            family = sequence.family
            if heap is self._new and family is not None and sequence not in family.waiting:
                continue  # its family has begun, and it waits, or waited, among the others
            if family is not None:
                family.waiting.pop(sequence, None)
            if not sequence.cancelled:
                return sequence
        return None

    def _fits(self, sequence: Sequence, need: int, room: int) -> bool:
        """Whether a newcomer may have its pages now. Alone it always may: `submit` has seen to that."""
        if not self.running:
            return True
        available = self._pool.free + self._tree.loose
        family = sequence.family
        if family is None or family.begun:
            return not need or need + room <= available
        return need + max(room, self._peak(family.expected(), need)) <= available

    def _peak(self, expected: int, need: int) -> int:
        """The most tokens that runs will hold beyond those of now, with one more that begins with `need` tokens and then
        takes as many as expected: all grow at one pace, and each gives up what it took when it ends."""
        growing = sorted([(begun.coming(), begun.taken) for begun in self._begun] + [(expected, need)], reverse=True)
        given_up = sum(taken for _, taken in growing)
        peak = 0
        for count, (coming, taken) in enumerate(growing, 1):  # when this one ends, those after it have ended
            given_up -= taken
            peak = max(peak, count * coming - given_up)
        return peak

    def _begin(self, family: Family, need: int) -> None:
        """The first request of a family is admitted, and takes `need` pages."""
        family.begin(need)
        self._begun[family] = None
        for sequence in family.waiting:
            if sequence.claim is not None and not sequence.cancelled:
                self._tree.confirm(sequence.claim)
                heapq.heappush(self._waiting, (sequence.key, sequence))
        family.waiting.clear()

    def _give_up_claim(self, sequence: Sequence) -> None:
        if sequence.claim is not None:
            self._tree.give_up(sequence.claim)
            sequence.claim = None

    def _admit(self, sequence: Sequence, handle: Handle, pages: array[int]) -> None:
        """Gives a sequence the rest of its pages and makes it running."""
        hit, need = handle.length, sequence.length - handle.length
        self._give_up_claim(sequence)
        if (family := sequence.family) is not None:
            if not family.begun:
                self._begin(family, need)
            family.taken += sequence.length - max(hit, sequence.counted)
        self.reserve(need)
        sequence.handle = handle
        sequence.pages = pages + self._pool.alloc(need)
        sequence.computed = sequence.submitted = hit
        sequence.prefill_end = sequence.length
        self.running[sequence.id] = sequence
        cached = max(0, min(hit, sequence.prompt_tokens) - sequence.counted)
        sequence.cached_tokens += cached
        if not sequence.request.ahead:
            self.stats.cached_tokens += cached
        sequence.counted = max(sequence.counted, hit)

    def _share(self, sequence: Sequence) -> None:
        """Puts the ids that have been computed into the tree."""
        handle, end = sequence.handle, min(sequence.computed, len(sequence.ids))
        assert handle is not None
        start = handle.length
        if start < end:
            sequence.pages[start:end] = self._tree.extend(
                handle, sequence.ids[start:end], sequence.pages[start:end], sequence.family
            )

    def _release(self, sequence: Sequence) -> None:
        handle = sequence.handle
        assert handle is not None
        self._pool.release(sequence.pages[handle.length :])
        self._tree.release(handle)
        sequence.handle = None
        del sequence.pages[:]
        sequence.computed = sequence.submitted = sequence.prefill_end = 0
        self._call_back(sequence.id)


def _next_of(sequence: Sequence, count: int) -> Work:
    """The next places of a sequence, which from now on are on their way."""
    work = Work(sequence, sequence.submitted, count)
    sequence.submitted += count
    return work
