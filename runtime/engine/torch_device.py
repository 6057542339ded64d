"""The device that computes: a model, its KV pool, and one forward pass a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sglc.ir.errors import CapacityError
from sglc.kernels.launch import uploaded
from sglc.kernels.plan import Plan, Span
from sglc.runtime.engine import sampler
from sglc.runtime.engine.attention import Paged
from sglc.runtime.engine.device import Batch, Chunk, Draw, Result
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.request import Score
from sglc.runtime.mask_table import MaskTable

_LOGITS_BYTES = 4 << 20  # logits computed at a time, so that a large vocabulary does not set the peak of memory
_CUDA_LOGITS_BYTES = 256 << 20
_DEFAULT_PAGES = 65536  # at most, on a CPU
_CPU_SHARE, _CUDA_SHARE = 0.25, 0.9  # of the free memory


class TorchDevice:
    """Implements `Device`, synchronously: a batch is done when `submit` returns.

    num_pages:  tokens of the KV pool; None takes what the free memory allows (a quarter of it on a CPU, and at most 65536 tokens).
    vocab_size: ids from here on are never drawn (padding columns of the logits); None for the whole width.
    """

    def __init__(self, model: Model, num_pages: int | None = None, vocab_size: int | None = None) -> None:
        self._model = model
        self._num_pages = _default_pages(model) if num_pages is None else num_pages
        self._vocab_size = min(vocab_size or model.vocab_size, model.vocab_size)
        self._pool = model.make_pool(self._num_pages)
        self._masks = MaskTable(-(-self._vocab_size // 32), model.device)

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
            return Done(self._run(batch.chunks))

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

    def _run(self, chunks: Sequence[Chunk]) -> Result:
        device = self._model.device
        ids = np.concatenate([np.asarray(c.ids, dtype=np.int64) for c in chunks])
        spans = [Span(c.start, len(c.ids), np.asarray(c.pages, dtype=np.int64)) for c in chunks]
        plan = Plan(spans, device)
        hidden = self._model.hidden(torch.from_numpy(ids).to(device), plan.positions, Paged(plan, self._pool))

        unknown = float("nan")
        result = Result([None] * len(chunks), [[Score(id_, unknown) for _, id_ in c.score] for c in chunks])
        wanted = _wanted(chunks)
        most = _CUDA_LOGITS_BYTES if device.type == "cuda" else _LOGITS_BYTES
        step = max(1, most // (4 * self._model.vocab_size))
        for a in range(0, len(wanted), step):
            self._look(hidden, wanted[a : a + step], result)
        return result

    def _look(self, hidden: Tensor, wanted: Sequence[_Wanted], result: Result) -> None:
        """Draws from and scores a few rows; their logits are gone afterwards."""
        rows = uploaded(torch.tensor([w.row for w in wanted]), hidden.device)
        logits = self._model.logits(hidden[rows])[:, : self._vocab_size]
        drawing = [k for k, w in enumerate(wanted) if w.draw is not None]
        draws = [w.draw for w in wanted if w.draw is not None]
        logprobs: dict[int, float | None] = {}
        if draws:
            some = logits
            if len(draws) < len(wanted):
                some = logits.index_select(0, uploaded(torch.tensor(drawing), hidden.device))
            for k, drawn in zip(drawing, sampler.draw(some, draws, self._masks), strict=True):
                logprobs[k] = drawn.logprob
                if result.drawn[wanted[k].chunk] is None:  # else a score of the chunk has failed
                    result.drawn[wanted[k].chunk] = drawn.id
        for k, w in enumerate(wanted):
            if w.score or (w.draw is not None and w.draw.score):
                _score(logits[k], w, result, logprobs.get(k))


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that has run."""

    outcome: Result

    def ready(self) -> bool:
        return True

    def result(self) -> Result:
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


def _default_pages(model: Model) -> int:
    if model.device.type == "cuda":
        pages = int(torch.cuda.mem_get_info(model.device)[0] * _CUDA_SHARE) // model.page_bytes
    else:
        pages = min(_DEFAULT_PAGES, int(_available_memory() * _CPU_SHARE) // model.page_bytes)
    if pages < 1:
        raise CapacityError(
            f"no memory is left for the KV pool: a token takes {model.page_bytes} bytes",
            hint="use a smaller model or dtype",
        )
    return pages


def _available_memory() -> int:
    """Bytes, as the kernel estimates them."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemAvailable")
