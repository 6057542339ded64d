"""The device that computes: a model, its KV pool, and one forward pass a batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.launch import uploaded
from sglc.kernels.plan import Plan, Span
from sglc.runtime.engine import pool_size, sampler
from sglc.runtime.engine.attention import Paged
from sglc.runtime.engine.device import Batch, Chunk, Draw, Result
from sglc.runtime.engine.graphs import BUCKETS, Capture, Captured, Graphs
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.request import Score
from sglc.runtime.engine.staging import Staging, cuts_of, heights_of, stage
from sglc.runtime.mask_table import MaskTable

log = logging.getLogger(__name__)

_LOGITS_BYTES = {"cpu": 4 << 20, "cuda": 256 << 20}
"""Logits computed at a time, so that a large vocabulary does not set the peak of memory."""


class TorchDevice:
    """Implements `Device`. On a CPU a batch is done when `submit` returns; on a GPU it is on its way, and `submit` has waited
    for nothing.

    num_pages:    tokens of the KV pool; None takes what the free memory allows (a quarter of it on a CPU, and at most 65536
                  tokens; on a GPU what the largest batch leaves of nine tenths).
    vocab_size:   ids from here on are never drawn (padding columns of the logits); None for the whole width.
    batch_tokens: of the largest batch. batch_rows: of the largest one that decodes.
    graphs:       replay the steps of batches that decode (`graphs.py`); None: on a GPU. capture: its maker.
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
        capture: Capture | None = None,
    ) -> None:
        self._model = model
        self._vocab_size = min(vocab_size or model.vocab_size, model.vocab_size)
        self._staging = Staging(model.device)
        self._cuts, self._heights = cuts_of(model.layers, model.device), heights_of(model.layers, model.device)
        self._num_pages = self._default_pages(batch_tokens) if num_pages is None else num_pages
        self._pool = model.make_pool(self._num_pages + 1)  # the last one is for rows that pad
        self._masks = MaskTable(-(-self._vocab_size // 32), model.device)
        if capture is None and model.device.type == "cuda":
            capture = Captured(model.device)
        self._graphs = self._captured(capture, batch_rows) if graphs and capture is not None else None

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

    def submit(self, batch: Batch) -> Done:
        with torch.inference_mode():
            finish = self._start(batch.chunks)
        if self._model.device.type == "cuda":
            event = torch.cuda.Event()
            event.record()
            return Done(finish, event)
        done = Done(finish)
        done.result()
        return done

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

    def _start(self, chunks: Sequence[Chunk]) -> Callable[[], Result]:
        """Starts a batch; what is answered waits for it, reads it and draws."""
        wanted = _wanted(chunks)
        ids = np.concatenate([np.asarray(c.ids, dtype=np.int64) for c in chunks])
        spans = [Span(c.start, len(c.ids), np.asarray(c.pages, dtype=np.int64)) for c in chunks]
        states = self._states(ids, spans, np.array([w.row for w in wanted], dtype=np.int64))
        step = max(1, self._logits_bytes // (4 * self._model.vocab_size))
        first = self._logits(states[:step]) if wanted else None

        def finish() -> Result:
            unknown = float("nan")
            result = Result([None] * len(chunks), [[Score(id_, unknown) for _, id_ in c.score] for c in chunks])
            for a in range(0, len(wanted), step):
                logits = first if a == 0 and first is not None else self._logits(states[a : a + step])
                self._look(logits, wanted[a : a + step], result)
            return result

        return finish

    def _states(self, ids: NDArray[np.int64], spans: Sequence[Span], rows: NDArray[np.int64]) -> Tensor:
        """The states of some rows of a batch, before the head."""
        hidden = self._graphs.run(ids, spans) if self._graphs is not None else None
        if hidden is not None:
            if np.array_equal(rows, np.arange(len(ids))):
                return hidden.clone()  # the next batch writes over it
            return hidden[self._staging.send([rows])[0]]
        plan = Plan(spans, self._model.device)
        if self._model.device.type == "cuda":
            on_device, index = stage(plan, self._cuts, self._heights, [ids, rows], self._staging)
        else:
            on_device, index = torch.from_numpy(ids), torch.from_numpy(rows)
        return self._model.hidden(on_device, plan.positions, Paged(plan, self._pool))[index]

    def _logits(self, states: Tensor) -> Tensor:
        return self._model.logits(states)[:, : self._vocab_size]

    @property
    def _logits_bytes(self) -> int:
        return _LOGITS_BYTES[self._model.device.type]

    def _look(self, logits: Tensor, wanted: Sequence[_Wanted], result: Result) -> None:
        """Draws from and scores a few rows."""
        drawing = [k for k, w in enumerate(wanted) if w.draw is not None]
        draws = [w.draw for w in wanted if w.draw is not None]
        logprobs: dict[int, float | None] = {}
        if draws:
            some = logits
            if len(draws) < len(wanted):
                some = logits.index_select(0, uploaded(torch.tensor(drawing), logits.device))
            for k, drawn in zip(drawing, sampler.draw(some, draws, self._masks), strict=True):
                logprobs[k] = drawn.logprob
                if result.drawn[wanted[k].chunk] is None:  # else a score of the chunk has failed
                    result.drawn[wanted[k].chunk] = drawn.id
        for k, w in enumerate(wanted):
            if w.score or (w.draw is not None and w.draw.score):
                _score(logits[k], w, result, logprobs.get(k))

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
            self._logits(hidden[:rows]).float().log_softmax(dim=-1)

        return run


@dataclass(slots=True)
class Done:
    """A batch that was started. finish: reads its result. event: passed when the device is done; None: it is."""

    finish: Callable[[], Result]
    event: torch.cuda.Event | None = None
    outcome: Result | None = None

    def ready(self) -> bool:
        if self.event is None or self.event.query():
            return True
        time.sleep(0)  # the caller asks again and again: threads that run host functions want the interpreter too
        return False

    def result(self) -> Result:
        if self.outcome is None:
            if self.event is not None:
                self.event.synchronize()
            with torch.inference_mode():
                self.outcome = self.finish()
        return self.outcome


@dataclass(slots=True)
class _Wanted:
    """A row whose logits are needed. score: (place in the chunk's scores, id); score_top: as in the chunk."""

    chunk: int
    row: int
    draw: Draw | None
    score: list[tuple[int, int]]
    score_top: int


def _wanted(chunks: Sequence[Chunk]) -> list[_Wanted]:
    wanted: list[_Wanted] = []
    first = 0
    for i, chunk in enumerate(chunks):
        rows: dict[int, _Wanted] = {}
        for place, (row, id_) in enumerate(chunk.score):
            rows.setdefault(row, _Wanted(i, first + row, None, [], chunk.score_top)).score.append((place, id_))
        if chunk.draw is not None:
            last = len(chunk.ids) - 1
            rows.setdefault(last, _Wanted(i, first + last, None, [], chunk.score_top)).draw = chunk.draw
        wanted += rows.values()
        first += len(chunk.ids)
    return wanted


def _score(logits: Tensor, wanted: _Wanted, result: Result, logprob: float | None) -> None:
    """The log probabilities asked for in one row, with that of the id drawn there, if known: `logprob`. logits: [ids]."""
    scores, drawn = result.scores[wanted.chunk], result.drawn[wanted.chunk]
    ids = [id_ for _, id_ in wanted.score]
    if wanted.draw is not None and wanted.draw.score and isinstance(drawn, int):
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
