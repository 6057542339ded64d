"""Decoding from captured graphs: a step of the model is one launch, whatever its layers are made of.

A batch in which every chunk is one token is padded to the next bucket's rows, laid out in buffers that stay where they are
(`sglc.kernels.static`), and its bucket's graph is replayed. A row that pads is a sequence of its own: one token, whose key and
value go to a page that no request has.
"""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc.kernels.plan import Plan, Span
from sglc.kernels.static import Layout, Static, write
from sglc.runtime.engine.attention import Paged
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.staging import Staging, cuts_of

BUCKETS = (1, 2, 4, *range(8, 257, 8))
"""Rows."""

MOST_ITEMS = 16384
"""Of a batch, and partials: 17 MB of page numbers, and 8 KB of partials for each head and item. A batch with more is not
replayed."""

Capture = Callable[[Callable[[], None]], Callable[[], None]]
"""Takes what is to be done and answers what does it again, on the same tensors."""


def kept(function: Callable[[], None]) -> Callable[[], None]:
    """The maker for a CPU: it is called again."""
    function()
    return function


class Captured:
    """The maker for a GPU: CUDA graphs, which all take their memory from one pool."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Callable[[], None]) -> Callable[[], None]:
        stream = torch.cuda.Stream(self._device)
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):  # kernels are compiled and loaded, and libraries take their work space
            function()
            function()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        torch.cuda.synchronize(self._device)
        graph = torch.cuda.CUDAGraph()
        collecting = gc.isenabled()
        gc.disable()  # a kernel that is collected unloads its code, which ends the capture
        try:
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                function()
        finally:
            if collecting:
                gc.enable()
        return graph.replay


@dataclass(frozen=True, slots=True)
class Following:
    """Rows of a batch whose ids the batch before it draws. rows: int64 [n]. ids: int64 [n]; both on the device."""

    rows: Tensor
    ids: Tensor

    def write_to(self, ids: Tensor) -> None:
        """ids: int64, of all rows."""
        ids.index_copy_(0, self.rows, self.ids)


@dataclass(frozen=True, slots=True)
class _Bucket:
    static: Static
    replay: Callable[[], None]


class Graphs:
    """The graphs of one model over one KV pool.

    pool:      of one page more than requests have: `spare`, for the rows that pad.
    most_rows: of a batch; larger ones are not replayed.
    longest:   positions of a sequence at most.
    """

    def __init__(
        self,
        model: Model,
        pool: Sequence[tuple[Tensor, Tensor]],
        spare: int,
        capture: Capture,
        staging: Staging,
        *,
        most_rows: int,
        longest: int,
        buckets: Sequence[int] = BUCKETS,
    ) -> None:
        self._model, self._pool, self._staging, self._capture = model, pool, staging, capture
        self._spare = Span(0, 1, np.array([spare]))
        self._cuts = cuts_of(model.layers, model.device)
        self._chunks = max(-(-longest // cut.chunk) for cut in self._cuts)
        end = bisect_left(buckets, most_rows) + 1
        self._rows = tuple(buckets[:end])
        words = max(self._layout(rows).words for rows in self._rows)
        with torch.inference_mode():
            self._buffer = torch.zeros(words, dtype=torch.int32, device=model.device)
            self._hidden: Tensor | None = None
            # The largest first: what its capture takes from the pool is enough for all others.
            self._buckets = {rows: self._captured(rows) for rows in reversed(self._rows)}

    def run(self, ids: NDArray[np.int64], spans: Sequence[Span], following: Following | None = None) -> Tensor | None:
        """[rows, hidden] states before the head, valid until the next run; None where this batch is not for a graph."""
        if len(spans) > self._rows[-1] or len(spans) != len(ids):
            return None
        bucket = self._buckets[self._rows[bisect_left(self._rows, len(spans))]]
        if not self._fill(bucket.static, ids, spans):
            return None
        if following is not None:
            following.write_to(bucket.static.ids)
        bucket.replay()
        assert self._hidden is not None
        return self._hidden[: len(ids)]

    def _layout(self, rows: int) -> Layout:
        most = max(rows, min(rows * self._chunks, MOST_ITEMS))
        return Layout(rows, self._cuts, most, most)

    def _fill(self, static: Static, ids: NDArray[np.int64], spans: Sequence[Span]) -> bool:
        missing = static.layout.rows - len(spans)
        plan = Plan([*spans, *[self._spare] * missing], self._model.device)
        lane = self._staging.words(static.layout.words)
        host = lane.host[: 4 * static.layout.words].view(np.int32)
        parts = write(static.layout, host, np.append(ids, np.zeros(missing, dtype=np.int64)), plan)
        if parts is None:
            return False
        target = self._buffer.view(torch.uint8)
        for part in parts:
            of_bytes = slice(4 * part.start, 4 * part.stop)
            lane.copy(target[of_bytes], of_bytes)
        return True

    def _captured(self, rows: int) -> _Bucket:
        layout = self._layout(rows)
        static = Static(layout, self._buffer[: layout.words])
        self._fill(static, np.empty(0, dtype=np.int64), ())  # padding alone

        def forward() -> None:
            hidden = self._model.hidden(static.ids, static.positions, Paged(static, self._pool))
            if self._hidden is None:
                self._hidden = torch.empty((self._rows[-1], hidden.shape[1]), dtype=hidden.dtype, device=hidden.device)
            self._hidden[:rows].copy_(hidden)

        return _Bucket(static, self._capture(forward))
