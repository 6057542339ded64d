"""Programs on the fake device, each batch with a scheduler of its own; deterministic, and what was asked is written down."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from benchmarks._hit_rate_optimum import Asked
from sglc.ir.tokens import Piece
from sglc.runtime.detokenizer import Detokenizer
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.engine.radix import Handle, Node, RadixTree, common_prefix
from sglc.runtime.engine.scheduler import Scheduler, Work
from sglc.runtime.engine.sequence import Sequence as Running
from sglc.runtime.futures import Foresight
from sglc.runtime.model_folder import model_folder
from sglc.runtime.port import EnginePort
from sglc.runtime.runner import Runner
from sglc.runtime.tokenizer import ModelTokenizer, load_tokenizer
from sglc.runtime.workers import Done, Serve, Workers, host_error

EVERYTHING = 1 << 22
"""Pages of a pool that nothing is ever evicted from."""


class LRU(Scheduler):
    """A cache that is told of no future: first come, first served within the order, and what was used least recently goes."""

    def add(self, sequence: Running) -> None:
        heapq.heappush(self._waiting, (sequence.key, sequence))


class LongestPrefix(LRU):
    """SGLang's order: of all that wait, the one with the longest prefix in the cache; of equal ones the first that came."""

    def _next(self) -> Running | None:
        waiting = [(self._known(sequence), sequence) for _, sequence in self._waiting if not sequence.cancelled]
        if not waiting:
            self._waiting.clear()
            return None
        _, chosen = min(waiting, key=lambda each: (not each[1].preempted, -each[0], each[1].id))
        self._waiting = [(sequence.key, sequence) for _, sequence in waiting if sequence is not chosen]
        heapq.heapify(self._waiting)
        return chosen

    def _known(self, sequence: Running) -> int:
        return known_length(self._tree, sequence.ids, sequence.hit_limit)


def known_length(tree: RadixTree, ids: array[int], limit: int) -> int:
    """How many of `ids[:limit]` the tree holds; changes nothing in it."""
    node: Node | None = tree.root
    length = 0
    while length < limit and (node := node.children.get(ids[length])) is not None:
        shared = common_prefix(node.ids, ids, length)
        length += shared
        if shared < len(node.ids):
            break
    return min(length, limit)


POLICIES: Mapping[str, type[Scheduler]] = {"ours": Scheduler, "lru": LRU, "lpm": LongestPrefix}


@dataclass(frozen=True)
class Measured:
    """One batch. asked: its requests, in the order in which they began. hits: prompt tokens found in the cache.
    computed: tokens computed; recomputed: those of them that had been computed before and were gone. most_running:
    requests at once."""

    asked: list[Asked]
    texts: list[str]
    hits: int
    computed: int
    recomputed: int
    passes: int
    most_running: int


class Simulated(Runner):
    """A backend on the fake device with the embedded model's tokenizer. Host functions and bodies run on the loop, so
    that the order of everything is always the same."""

    def __init__(self) -> None:
        self._tokenizer = Remembering(load_tokenizer(str(model_folder(None)), None))
        self._detokenizer = Detokenizer(self._tokenizer.vocabulary)
        self._own = EnginePort(self._core(EVERYTHING), self._tokenizer, self._detokenizer.decode)
        super().__init__(self._own, self._tokenizer, share_rows=False)  # what is found in the cache is measured
        self._executor._workers = AtOnce()

    def measure(
        self, run: Callable[[], Sequence[Any]], policy: str = "ours", pages: int = EVERYTHING, max_running: int = 256
    ) -> Measured:
        """Runs a batch with an empty cache of so many pages."""
        core = self._core(pages, max_running)
        old = core._scheduler
        core._scheduler = POLICIES[policy](old._pool, old._tree, old._chunk_tokens, max_running, old._headroom)
        log = Log(core)
        self._own._core = core
        self._own.foresight = Foresight(core, self._tokenizer) if policy == "ours" else None
        results = run()
        self.on_loop(lambda: None)  # what a batch held is given up behind its last result
        failed = [result.error() for result in results if result.error() is not None]
        if failed:
            raise AssertionError(f"{len(failed)} rows failed, the first with: {failed[0]}")
        assert core.idle
        assert core._tree.loose == core._tree.size, "a claim is left"
        stats = core.stats
        texts = [result.text() for result in results]
        return Measured(
            log.asked(),
            texts,
            stats.cached_tokens,
            log.computed,
            log.recomputed,
            stats.forward_passes,
            log.most_running,
        )

    def _core(self, pages: int, max_running: int = 256) -> EngineCore:
        device = FakeDevice(pages, vocabulary=len(self._tokenizer.vocabulary.tokens))
        return EngineCore(device, self._detokenizer, max_running=max_running)


class Remembering:
    """A tokenizer that reads each prompt once: all batches of a program have the same."""

    def __init__(self, tokenizer: ModelTokenizer) -> None:
        self._tokenizer = tokenizer
        self.vocabulary = tokenizer.vocabulary
        self._encoded: dict[tuple[Piece, ...], list[int]] = {}
        self._stable: dict[tuple[Piece, ...], list[int]] = {}

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        key = tuple(prompt)
        if key not in self._encoded:
            self._encoded[key] = self._tokenizer.encode(prompt)
        return self._encoded[key]

    def stable_prefix(self, prompt: Sequence[Piece]) -> list[int]:
        key = tuple(prompt)
        if key not in self._stable:
            self._stable[key] = self._tokenizer.stable_prefix(prompt)
        return self._stable[key]

    def render(self, prompt: Sequence[Piece]) -> str:
        return self._tokenizer.render(prompt)

    def spells_control(self, text: str) -> bool:
        return self._tokenizer.spells_control(text)


class Log:
    """Watches an engine: what was asked, and which tokens were computed a second time."""

    def __init__(self, core: EngineCore) -> None:
        self.computed = 0
        self.recomputed = 0
        self.most_running = 0
        self._scheduler = core._scheduler
        self._device = core._device
        self._begun: dict[int, tuple[int, Running]] = {}
        self._lengths: dict[int, int] = {}
        self._limits: dict[int, int] = {}
        self._known: set[int] = set()
        scheduler = core._scheduler
        self._admit, self._advance = scheduler._admit, scheduler.advance
        scheduler._admit, scheduler.advance = self.admit, self.advance

    def admit(self, sequence: Running, handle: Handle, pages: array[int]) -> None:
        self._limits[sequence.id] = sequence.hit_limit
        self._begun.setdefault(sequence.id, (min(sequence.hit_limit, sequence.prompt_tokens), sequence))
        self._lengths[sequence.id] = max(handle.length, self._lengths.get(sequence.id, 0))
        self._admit(sequence, handle, pages)
        self.most_running = max(self.most_running, len(self._scheduler.running))

    def advance(self, work: Work) -> None:
        """The cell of a page is the hash of all tokens up to it, so it says which token of the tree was computed."""
        sequence = work.sequence
        start, end = sequence.computed, sequence.computed + work.count
        assert isinstance(self._device, FakeDevice)
        for position in range(start, end):
            cell = self._device.cells[sequence.pages[position]]
            assert cell is not None
            self.recomputed += cell in self._known and position < self._limits[sequence.id]
            self._known.add(cell)
        self.computed += work.count
        self._lengths[sequence.id] = max(end, self._lengths[sequence.id])
        self._advance(work)

    def asked(self) -> list[Asked]:
        return [
            Asked(tuple(sequence.ids[: self._lengths[number]]), limit)
            for number, (limit, sequence) in self._begun.items()
        ]


class AtOnce(Workers):
    """Workers that do it now, on the loop."""

    def trace(self, function: Callable[[], Any], done: Done, serve: Serve | None = None) -> None:
        try:
            value = function()
        except Exception as error:  # noqa: BLE001 - as the workers do
            value = error
        done(value)

    def call(
        self,
        context: Context,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        timeout: float | None,
        name: str,
        done: Done,
    ) -> None:
        try:
            value = context.copy().run(lambda: function(*arguments, **keywords))
        except Exception as error:  # noqa: BLE001 - as the workers do
            value = host_error(name, error)
        done(value)
