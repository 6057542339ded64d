"""The device that computes: a model, its KV pool, and one forward pass a batch.

A batch on a GPU is all on its way when the host has asked for it: layers, logits, draws, and their copy to the host. What
is drawn stays on the device too, where the next batch finds its ids (decision 20). Only scores are computed on the host,
when the batch is read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.launch import downloaded, uploaded
from sglc.kernels.plan import Plan, Span
from sglc.runtime.engine import pool_size, sampler
from sglc.runtime.engine.attention import Paged
from sglc.runtime.engine.device import Batch, Chunk, Draw, Result
from sglc.runtime.engine.graphs import BUCKETS, Capture, Captured, Following, Graphs
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.request import Score
from sglc.runtime.engine.staging import Staging, cuts_of, heights_of, stage
from sglc.runtime.mask_table import MaskTable

log = logging.getLogger(__name__)

_LOGITS_BYTES = {"cpu": 4 << 20, "cuda": 256 << 20}
"""Logits computed at a time, so that a large vocabulary does not set the peak of memory."""


class TorchDevice:
    """Implements `Device`. On a CPU a batch is done when `draw` returns; on a GPU it is on its way, and nothing has been waited
    for.

    num_pages:    tokens of the KV pool; None takes what the free memory allows (a quarter of it on a CPU, and at most 65536
                  tokens; on a GPU what the largest batch leaves of nine tenths).
    vocab_size:   ids from here on are never drawn (padding columns of the logits); None for the whole width.
    batch_tokens: of the largest batch. batch_rows: of the largest one that decodes.
    graphs:       replay the steps of batches that decode (`graphs.py`); None: on a GPU. capture: its maker.
    ahead:        on a GPU, the next batch may be submitted before a batch is read.
    """

    def __init__(
        self,
        model: Model,
        num_pages: int | None = None,
        vocab_size: int | None = None,
        *,
        batch_tokens: int = 512,
        batch_rows: int = BUCKETS[-1],
        graphs: bool = True,
        ahead: bool = True,
        capture: Capture | None = None,
    ) -> None:
        self._model = model
        self._vocab_size = min(vocab_size or model.vocab_size, model.vocab_size)
        self._staging = Staging(model.device)
        self._cuts, self._heights = cuts_of(model.layers, model.device), heights_of(model.layers, model.device)
        self._num_pages = self._default_pages(batch_tokens) if num_pages is None else num_pages
        self._pool = model.make_pool(self._num_pages + 1)  # the last one is for rows that pad
        self._head = _Head(model, self._vocab_size, MaskTable(-(-self._vocab_size // 32), model.device))
        if capture is None and model.device.type == "cuda":
            capture = Captured(model.device)
        self._graphs = self._captured(capture, batch_rows) if graphs and capture is not None else None
        self._ahead = ahead and model.device.type == "cuda"
        self._last: Started | None = None

    @property
    def num_pages(self) -> int:
        return self._num_pages

    @property
    def max_positions(self) -> int:
        return self._model.max_positions or self._num_pages

    @property
    def layout(self) -> str:
        """Digest of the model's config, dtype and the layout of pages; exported pages fit devices with an equal one."""
        return self._model.layout()

    def weights_digest(self) -> str:
        return self._model.weights_digest()

    @property
    def runs_ahead(self) -> bool:
        return self._ahead

    @torch.inference_mode()
    def submit(self, batch: Batch) -> Started:
        before, self._last = self._last, None  # what failed to start is followed by none
        chunks = batch.chunks
        wanted = _wanted(chunks)
        ids = np.concatenate([np.asarray(c.ids, dtype=np.int64) for c in chunks])
        spans = [Span(c.start, len(c.ids), np.asarray(c.pages, dtype=np.int64)) for c in chunks]
        following = self._following(chunks, before)
        states = self._states(ids, spans, np.array([w.row for w in wanted], dtype=np.int64), following)
        step = max(1, self._logits_bytes // (4 * self._model.vocab_size))
        parts = [_Part(wanted[a : a + step], states[a : a + step]) for a in range(0, len(wanted), step)]
        if parts:
            parts[0].logits = self._head.logits(parts[0].states)
        event = torch.cuda.Event() if self._model.device.type == "cuda" else None
        self._last = Started(self._head, chunks, parts, event)
        return self._last

    def export_pages(self, pages: Sequence[int]) -> dict[str, Tensor]:
        """The KV of pages, in their order, on the CPU: `keys.<layer>`, `values.<layer>` [pages, kv_heads, D]."""
        index = torch.tensor(pages, dtype=torch.int64, device=self._model.device)
        with torch.inference_mode():
            return {
                f"{name}.{i}": tensor.index_select(0, index).cpu()
                for i, layer in enumerate(self._pool)
                for name, tensor in zip(("keys", "values"), layer, strict=True)
            }

    def import_pages(self, pages: Sequence[int], tensors: Mapping[str, Tensor]) -> None:
        """Writes what `export_pages` gave, from a device of the same layout and weights, into pages."""
        index = torch.tensor(pages, dtype=torch.int64, device=self._model.device)
        with torch.inference_mode():
            for i, layer in enumerate(self._pool):
                for name, tensor in zip(("keys", "values"), layer, strict=True):
                    tensor.index_copy_(0, index, tensors[f"{name}.{i}"].to(tensor.device))

    def _following(self, chunks: Sequence[Chunk], before: Started | None) -> Following | None:
        """Which rows take the ids that the batch before has drawn, and those ids."""
        firsts = np.cumsum([0, *(len(chunk.ids) for chunk in chunks)])
        rows = [int(row) for row, chunk in zip(firsts, chunks, strict=False) if chunk.follows is not None]
        if not rows:
            return None
        if before is None:
            raise RuntimeError("a batch follows one that was not started")
        places = [before.place(chunk.follows) for chunk in chunks if chunk.follows is not None]
        sent = self._staging.send([np.array(rows, dtype=np.int64), np.array(places, dtype=np.int64)])
        return Following(sent[0], before.ids.index_select(0, sent[1]))

    def _states(
        self, ids: NDArray[np.int64], spans: Sequence[Span], rows: NDArray[np.int64], following: Following | None
    ) -> Tensor:
        """The states of some rows of a batch, before the head."""
        hidden = self._graphs.run(ids, spans, following) if self._graphs is not None else None
        if hidden is not None:
            if np.array_equal(rows, np.arange(len(ids))):
                return hidden.clone()  # the next batch writes over it
            return hidden[self._staging.send([rows])[0]]
        plan = Plan(spans, self._model.device)
        if self._model.device.type == "cuda":
            on_device, index = stage(plan, self._cuts, self._heights, [ids, rows], self._staging)
        else:
            on_device, index = torch.from_numpy(ids), torch.from_numpy(rows)
        if following is not None:
            following.write_to(on_device)
        return self._model.hidden(on_device, plan.positions, Paged(plan, self._pool))[index]

    @property
    def _logits_bytes(self) -> int:
        return _LOGITS_BYTES[self._model.device.type]

    def _captured(self, capture: Capture, batch_rows: int) -> Graphs | None:
        """None where the model's layers cannot be captured: then its steps are launched piece by piece."""
        try:
            return Graphs(
                self._model,
                self._pool,
                self._num_pages,
                capture,
                self._staging,
                most_rows=batch_rows,
                longest=min(self.max_positions, self._num_pages),
            )
        except Exception as error:  # noqa: BLE001 - whatever in the layers waits for the device
            log.warning("decoding runs without CUDA graphs, since a step cannot be captured: %s", error)
            return None

    def _default_pages(self, batch_tokens: int) -> int:
        if self._model.device.type != "cuda":
            return pool_size.on_cpu(self._model, pool_size.available_memory())
        with torch.inference_mode():
            return pool_size.on_gpu(self._model, pool_size.CudaMemory(self._model.device), self._largest(batch_tokens))

    def _largest(self, batch_tokens: int) -> Callable[[], None]:
        """The largest batch that there will be: prompts of as many tokens, and the logits of as many rows as are looked at."""
        longest = min(batch_tokens, self._model.max_positions or batch_tokens)
        counts = [longest] * (batch_tokens // longest) + [batch_tokens % longest] * (batch_tokens % longest > 0)
        pages = np.arange(batch_tokens, dtype=np.int64)
        ends = np.cumsum(counts)
        spans = [Span(0, count, pages[end - count : end]) for count, end in zip(counts, ends, strict=True)]
        pool = self._model.make_pool(batch_tokens)
        rows = min(batch_tokens, max(1, self._logits_bytes // (4 * self._model.vocab_size)))

        def run() -> None:
            plan = Plan(spans, self._model.device)
            [ids] = stage(plan, self._cuts, self._heights, [pages % self._model.vocab_size], self._staging)
            hidden = self._model.hidden(ids, plan.positions, Paged(plan, pool))
            self._head.logits(hidden[:rows]).float().log_softmax(dim=-1)

        return run


@dataclass(slots=True)
class _Wanted:
    """A row whose logits are needed. draws: an id may be drawn from it. score: (place in the chunk's scores, id); score_top:
    as in the chunk."""

    chunk: int
    row: int
    draws: bool
    score: list[tuple[int, int]]
    score_top: int


@dataclass(slots=True)
class _Part:
    """Rows whose logits are computed together. drawn: those that an id is drawn from, and how. sampled: what was drawn, on
    its way to the host (`sampler.start`); None where it is drawn when it is read."""

    wanted: Sequence[_Wanted]
    states: Tensor
    logits: Tensor | None = None
    drawn: list[tuple[_Wanted, Draw]] = field(default_factory=list[tuple[_Wanted, Draw]])
    sampled: Tensor | None = None

    def choose(self, draws: Sequence[Draw | None]) -> bool:
        """Notes how the ids are drawn, one of `draws` a chunk. Whether that can be done without reading logits on the host."""
        of_rows = [(row, draws[row.chunk]) for row in self.wanted if row.draws]
        self.drawn = [(row, draw) for row, draw in of_rows if draw is not None]
        return not any(row.score for row in self.wanted) and not any(draw.score for _, draw in self.drawn)

    def rows_drawn(self, logits: Tensor) -> Tensor:
        """The logits that ids are drawn from."""
        if len(self.drawn) == len(self.wanted):
            return logits
        drawn = {row.chunk for row, _ in self.drawn}
        chosen = [k for k, row in enumerate(self.wanted) if row.draws and row.chunk in drawn]
        return logits.index_select(0, uploaded(torch.tensor(chosen), logits.device))


@dataclass(frozen=True, slots=True)
class _Head:
    """What turns states into ids. vocab_size: ids that may be drawn. masks: of constraints."""

    model: Model
    vocab_size: int
    masks: MaskTable

    def logits(self, states: Tensor) -> Tensor:
        """[rows, ids that may be drawn]"""
        return self.model.logits(states)[:, : self.vocab_size]


class Started:
    """Implements `Pending`. event: passed when the device is done; None: it is. It does not know the device, which knows the
    last one: nothing of a device that nobody needs any more is left for the collector."""

    def __init__(
        self, head: _Head, chunks: Sequence[Chunk], parts: Sequence[_Part], event: torch.cuda.Event | None
    ) -> None:
        self._head = head
        self._chunks = chunks
        self._parts = parts
        self._event = event
        self._places: dict[int, int] = {}  # by chunk, of its id among those drawn
        self._ids: list[Tensor] = []

    @torch.inference_mode()
    def draw(self, draws: Sequence[Draw | None]) -> None:
        for part in self._parts:
            if not part.choose(draws):
                continue
            if part.drawn:
                logits = self._head.logits(part.states) if part.logits is None else part.logits
                sampled = sampler.start(part.rows_drawn(logits), [how for _, how in part.drawn], self._head.masks)
                for row, _ in part.drawn:
                    self._places[row.chunk] = len(self._places)
                self._ids.append(sampled[0])
                part.sampled = downloaded(sampled)
            part.logits = None
        if self._event is not None:
            self._event.record()

    def place(self, chunk: int) -> int:
        """Of the id that is drawn for a chunk, among `ids`."""
        if chunk not in self._places:
            raise RuntimeError(f"no id is being drawn for chunk {chunk}")
        return self._places[chunk]

    @property
    def ids(self) -> Tensor:
        """int64 [drawn]; one that cannot be drawn is an id like any other here."""
        return torch.cat(self._ids).long().clamp_(min=0)

    def ready(self) -> bool:
        if self._event is None or self._event.query():
            return True
        time.sleep(0)  # the caller asks again and again: threads that run host functions want the interpreter too
        return False

    @torch.inference_mode()
    def result(self) -> Result:
        if self._event is not None:
            self._event.synchronize()
        unknown = float("nan")
        result = Result([None] * len(self._chunks), [[Score(id_, unknown) for _, id_ in c.score] for c in self._chunks])
        for part in self._parts:
            draws = [how for _, how in part.drawn]
            if part.sampled is not None:
                for (row, _), drawn in zip(part.drawn, sampler.read(part.sampled, draws), strict=True):
                    result.drawn[row.chunk] = drawn.id
            elif part.drawn or any(row.score for row in part.wanted):
                self._look(part, draws, result)
            part.logits = None
        return result

    def _look(self, part: _Part, draws: Sequence[Draw], result: Result) -> None:
        """Draws from rows and scores them."""
        logits = self._head.logits(part.states) if part.logits is None else part.logits
        logprobs: dict[int, float | None] = {}
        if draws:
            found = sampler.draw(part.rows_drawn(logits), draws, self._head.masks)
            for (row, _), drawn in zip(part.drawn, found, strict=True):
                logprobs[row.chunk] = drawn.logprob
                if result.drawn[row.chunk] is None:  # else a score of the chunk has failed
                    result.drawn[row.chunk] = drawn.id
        scored = {row.chunk for row, how in part.drawn if how.score}
        for k, row in enumerate(part.wanted):
            chosen = row.draws and row.chunk in scored
            if row.score or chosen:
                _score(
                    logits[k], row, result, with_drawn=chosen, logprob=logprobs.get(row.chunk) if row.draws else None
                )


def _wanted(chunks: Sequence[Chunk]) -> list[_Wanted]:
    wanted: list[_Wanted] = []
    first = 0
    for i, chunk in enumerate(chunks):
        rows: dict[int, _Wanted] = {}
        for place, (row, id_) in enumerate(chunk.score):
            rows.setdefault(row, _Wanted(i, first + row, False, [], chunk.score_top)).score.append((place, id_))
        if chunk.draws:
            last = len(chunk.ids) - 1
            rows.setdefault(last, _Wanted(i, first + last, False, [], chunk.score_top)).draws = True
        wanted += rows.values()
        first += len(chunk.ids)
    return wanted


def _score(logits: Tensor, wanted: _Wanted, result: Result, *, with_drawn: bool, logprob: float | None) -> None:
    """The log probabilities asked for in one row, and where asked that of the id drawn there, known or not: `logprob`.
    logits: [ids]."""
    scores, drawn = result.scores[wanted.chunk], result.drawn[wanted.chunk]
    ids = [id_ for _, id_ in wanted.score]
    if with_drawn and isinstance(drawn, int):
        ids.append(drawn)
    if isinstance(drawn, int) and not wanted.score and not wanted.score_top and logprob is not None:
        found = [Score(drawn, logprob)]
    else:
        found = sampler.scores(logits, ids, wanted.score_top)
    if any(np.isnan(score.logprob) for score in found):
        result.drawn[wanted.chunk] = sampler.failure(np.nan)
    for (place, _), score in zip(wanted.score, found, strict=False):
        scores[place] = score
    scores += found[len(wanted.score) :]
