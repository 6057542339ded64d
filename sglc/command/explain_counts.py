"""What the prompts of a batch cost: tokens prefilled alone and shared, the longest chain of answers, and the KV."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from sglc.command.explain_prompts import Asked, Walk
from sglc.ir.ops import Gen
from sglc.runtime.engine.branches import Branches
from sglc.runtime.engine.pool import PagePool
from sglc.runtime.engine.radix import RadixTree, common_prefix
from sglc.runtime.engine.request import Request


@dataclass(slots=True)
class Tokens:
    """Of prompts. naive: every request alone. shared: each distinct beginning once, and what logits are needed of again;
    ahead: in the constant prompts, which can be prefilled before the first call; left: what is computed after that."""

    naive: int = 0
    shared: int = 0
    ahead: int = 0
    left: int = 0


@dataclass(slots=True)
class Count:
    """Of one request or of several: how many, tokens of their prompts, and those that are computed for them."""

    requests: int = 0
    naive: int = 0
    shared: int = 0


class Cache:
    """The engine's radix cache without pages: nothing is ever evicted."""

    def __init__(self) -> None:
        self._pages = _NoPages()
        self._tree = RadixTree(self._pages)

    def prefill(self, ids: Sequence[int], limit: int) -> int:
        """Takes a prompt in; how many of its tokens have to be computed. limit: the most that need not be."""
        wanted = array("i", ids)
        handle, _ = self._tree.match(wanted, limit)
        missing = wanted[handle.length :]
        self._tree.extend(handle, missing, missing)
        self._tree.release(handle)
        return len(missing)


class _NoPages(PagePool):
    """Takes back what it never gave."""

    def __init__(self) -> None:
        super().__init__(0)

    def release(self, pages: array[int]) -> None:
        pass


def hit_limit(request: Request) -> int:
    """The longest beginning of a prompt that need not be computed: logits are needed from its last position on."""
    if request.branches:
        return len(request.ids) - 1
    if request.score_from is not None and request.score_from < len(request.ids):
        return request.score_from - 1
    return len(request.ids) - (1 if request.max_tokens else 0)


def levels(walk: Walk) -> list[int]:
    """For each step how many others it waits for, one after the other: steps of a level run at once."""
    found: list[int] = []
    for asked in walk.asked:
        found.append(1 + max((found[i] for i in asked.after), default=-1))
    return found


def in_order(walks: Sequence[Walk], orders: Sequence[Sequence[int]]) -> list[tuple[int, Asked]]:
    """(row, step), as the engine gets to them: level by level, row by row. orders: of each walk, those of its steps."""
    placed = [
        (level, row, order, asked)
        for row, (walk, places) in enumerate(zip(walks, orders, strict=True))
        for level, order, asked in zip(levels(walk), places, walk.asked, strict=True)
    ]
    placed.sort(key=lambda each: each[:3])
    return [(row, asked) for _, row, _, asked in placed]


def prefilled(steps: Iterable[tuple[int, Asked]], cache: Cache, counts: dict[int, Count]) -> int:
    """Tokens computed for these steps, in this order; added to `counts` by the step's identity."""
    total = 0
    known: set[Hashable] = set()  # questions that a row before has asked
    for _, asked in steps:
        again = asked.question is not None and asked.question in known
        known.add(asked.question)
        for request in asked.requests:
            rows = len(Branches(request.branches))  # a select's choices, which do not stay in the cache
            computed = 0 if again else cache.prefill(request.ids, hit_limit(request)) + rows
            total += computed
            count = counts[id(asked.op)]
            count.requests += 1
            count.naive += len(request.ids) + rows
            count.shared += computed
        if len(asked.answer) > 1:  # the last token of an answer is computed by whoever goes on from it
            prompt = asked.requests[0].ids
            cache.prefill([*prompt, *asked.answer[:-1]], len(prompt) + len(asked.answer))
    return total


def tokens(
    walks: Sequence[Walk], orders: Sequence[Sequence[int]], constants: Iterable[Sequence[int]]
) -> tuple[Tokens, dict[int, Count]]:
    """constants: the ids of the constant prompts. Also for each op, by its identity."""
    steps = in_order(walks, orders)
    counts: dict[int, Count] = defaultdict(Count)
    shared = prefilled(steps, Cache(), counts)
    warm = Cache()
    ahead = sum(warm.prefill(ids, len(ids)) for ids in constants)
    left = prefilled(steps, warm, defaultdict(Count))
    return Tokens(sum(count.naive for count in counts.values()), shared, ahead, left), dict(counts)


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps that wait for each other, and the most tokens they decode (a select or a call counts as one)."""

    tokens: int
    steps: tuple[Asked, ...]


def longest_chain(walk: Walk) -> Chain:
    """The critical path of one call."""
    best: list[tuple[int, int | None]] = []  # tokens to the end of each step, and the step before it
    for asked in walk.asked:
        before = max(asked.after, key=lambda i: best[i][0], default=None)
        best.append((weight(asked) + (best[before][0] if before is not None else 0), before))
    at = max(range(len(best)), key=lambda i: best[i][0], default=None)
    total = best[at][0] if at is not None else 0
    steps: list[Asked] = []
    while at is not None:
        steps.append(walk.asked[at])
        at = best[at][1]
    return Chain(total, tuple(reversed(steps)))


def weight(asked: Asked) -> int:
    return len(asked.answer) if isinstance(asked.op, Gen) else 1


@dataclass(frozen=True, slots=True)
class KV:
    """Tokens. footprint: all that is ever kept, with what steps need beside it at once. peak: what is needed at once where
    the KV of a state is given up after its last use, answers are as long as they may be, and all steps that can run at
    once do. least: a smaller pool refuses a request, which is to have room for `max_tokens`."""

    footprint: int
    peak: int
    least: int


def kv_of(walks: Sequence[Walk]) -> KV:
    """For the calls of these walks, all at once.

    The prompts with their answers are a tree; a part of it lives from the first level that has a request through it to
    the last one. In sorted order the requests through a part are neighbours.
    """
    paths = sorted(
        (array("i", (*request.ids, *asked.answer)).tobytes(), level)
        for walk in walks
        for level, asked in zip(levels(walk), walk.asked, strict=True)
        for request in asked.requests
    )
    if not paths:
        return KV(0, 0, 0)
    live = [0] * (2 + max(level for _, level in paths))
    footprint = max(beside := _beside(walks))
    for level, tokens_beside in enumerate(beside):
        live[level] += tokens_beside
        live[level + 1] -= tokens_beside
    open_parts: list[_Part] = []
    ids = array("i")
    for path, level in paths:
        before, ids = ids, array("i")
        ids.frombytes(path)
        shared = common_prefix(before, ids)
        footprint += len(ids) - shared
        _close(open_parts, shared, live)
        if shared < len(ids):
            open_parts.append(_Part(shared, len(ids), level, level))
        else:  # the same path again
            open_parts[-1].widen(level, level)
    _close(open_parts, 0, live)
    peak = now = 0
    for change in live:
        now += change
        peak = max(peak, now)
    least = max(_room(request) for walk in walks for asked in walk.asked for request in asked.requests)
    return KV(footprint, peak, least)


def _beside(walks: Sequence[Walk]) -> list[int]:
    """For each level the tokens whose KV its steps need for themselves: those of a select's choices, and those of a prompt
    whose logits are asked for, although the cache may have it. What several rows ask alike is asked once."""
    found: dict[int, int] = defaultdict(int)
    known: set[Hashable] = set()
    for walk in walks:
        for level, asked in zip(levels(walk), walk.asked, strict=True):
            found[level] += 0
            if asked.question is None or asked.question not in known:
                known.add(asked.question)
                for request in asked.requests:
                    again = len(request.ids) - hit_limit(request) - 1
                    found[level] += len(Branches(request.branches)) + max(0, again)
    return [found[level] for level in range(1 + max(found))]


def _room(request: Request) -> int:
    """The smallest pool in which the engine takes a request."""
    return len(request.ids) + (len(Branches(request.branches)) if request.branches else request.max_tokens)


@dataclass(slots=True)
class _Part:
    """Positions start .. end of the path that was looked at last, and the levels that need them."""

    start: int
    end: int
    first: int
    last: int

    def widen(self, first: int, last: int) -> None:
        """Whoever needs what comes after a part needs the part."""
        self.first = min(self.first, first)
        self.last = max(self.last, last)


def _close(parts: list[_Part], shared: int, live: list[int]) -> None:
    """Counts the parts of the last path beyond `shared` positions: no further path goes through them. parts: one after
    the other. live: for each level, the tokens that begin to live there less those that have died before it."""
    inner: _Part | None = None
    while parts and parts[-1].end > shared:
        part = parts.pop()
        if inner is not None:
            part.widen(inner.first, inner.last)
        cut = max(part.start, shared)
        live[part.first] += part.end - cut
        live[part.last + 1] -= part.end - cut
        inner = part
        if part.start < shared:
            parts.append(_Part(part.start, shared, part.first, part.last))
    if parts and inner is not None:
        parts[-1].widen(inner.first, inner.last)
