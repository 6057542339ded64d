"""A device without a model, on which every mistake with KV changes an answer exactly.

The cell of a page holds a hash of the whole prefix that it stands for, computed from the id and from the cell before,
read through `pages`. A drawn id is a hash of all cells of its sequence. So a stale, foreign, misplaced or unwritten
cell gives another id, without a floating-point excuse; reading a page that was never written raises. `reference` says
what a request alone has to answer, with no engine, no pages and no batches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sglc.ir.tokens import TokenConstraint
from sglc.runtime.engine.answer import Detokenizer
from sglc.runtime.engine.device import Batch, Chunk, Draw, Result
from sglc.runtime.engine.request import Finished, Request, Score

first_cell = 0x5EED  # what a sequence's first cell sees as the one before


class UnwrittenPage(Exception):
    """A batch read a page that holds no KV."""


class DrawFailure(Exception):
    """The draw of one chunk failed, as the device was told."""


class BatchFailure(Exception):
    """A batch failed, as the device was told. The second argument is the number of its chunks."""


@dataclass(slots=True)
class FakePending:
    """A batch that is ready after `polls` looks; it reads and writes when its result is taken."""

    device: FakeDevice
    batch: Batch
    before: FakePending | None
    polls: int
    fails: bool
    draws: Sequence[Draw | None] = ()
    drawn: Sequence[int | Exception | None] = ()

    def draw(self, draws: Sequence[Draw | None]) -> None:
        if self.draws or len(draws) != len(self.batch.chunks):
            raise ValueError(f"{len(draws)} draws for {len(self.batch.chunks)} chunks, or a second time")
        if any(draw is not None and not chunk.draws for draw, chunk in zip(draws, self.batch.chunks, strict=True)):
            raise ValueError("a draw from a chunk that does not draw")
        self.draws = draws

    def ready(self) -> bool:
        self.polls -= 1
        return self.polls < 0

    def result(self) -> Result:
        if self.fails:
            self.device.spoil(self.batch)
            raise BatchFailure("the batch failed", len(self.batch.chunks))
        result = self.device.compute(Batch([self._known(chunk) for chunk in self.batch.chunks]), self.draws)
        self.drawn, self.before = result.drawn, None
        return result

    def _known(self, chunk: Chunk) -> Chunk:
        """The chunk with the id that it follows; some id where that was not drawn, as on a real device."""
        if chunk.follows is None:
            return chunk
        if self.before is None or len(chunk.ids) != 1:
            raise ValueError("a chunk follows a batch that was not there, or has more than one row")
        drawn = self.before.drawn[chunk.follows] if self.before.drawn else None
        return replace(chunk, ids=[drawn if isinstance(drawn, int) else 0])


class FakeDevice:
    """vocabulary: ids are 0 .. vocabulary - 1.

    runs_ahead: as in `Device`.
    delay:      asked for each batch: how many times it is not ready yet.
    fail_batch: asked for each batch: whether it fails as a whole, after it has written rubbish to its pages.
    fail_draw:  asked for each draw: whether it fails; a function of the draw, so that `reference` can know.
    """

    def __init__(
        self,
        num_pages: int,
        *,
        max_positions: int = 1 << 20,
        vocabulary: int = 16,
        runs_ahead: bool = False,
        delay: Callable[[], int] = lambda: 0,
        fail_batch: Callable[[], bool] = lambda: False,
        fail_draw: Callable[[int, int], bool] = lambda seed, position: False,
    ) -> None:
        self.num_pages = num_pages
        self.max_positions = max_positions
        self.vocabulary = vocabulary
        self.runs_ahead = runs_ahead
        self.cells: list[int | None] = [None] * num_pages
        self._delay = delay
        self._fail_batch = fail_batch
        self._fail_draw = fail_draw
        self._spoilt = 0
        self._last: FakePending | None = None
        self._allowed: dict[tuple[TokenConstraint, Any], list[int]] = {}

    def submit(self, batch: Batch) -> FakePending:
        for chunk in batch.chunks:
            if chunk.follows is not None and (self._last is None or self._last.draws[chunk.follows] is None):
                raise ValueError(f"a chunk follows chunk {chunk.follows}, for which nothing is being drawn")
        self._last = FakePending(self, batch, self._last, self._delay(), self._fail_batch())
        return self._last

    def spoil(self, batch: Batch) -> None:
        """Leaves rubbish in the pages that the batch was to write, another value each time."""
        for chunk in batch.chunks:
            for page in chunk.pages[chunk.start :]:
                self._spoilt -= 1
                self.cells[page] = self._spoilt

    def compute(self, batch: Batch, draws: Sequence[Draw | None] | None = None) -> Result:
        """draws: one a chunk; none where they are left out."""
        for chunk in batch.chunks:
            self._write(chunk)
        drawn: list[int | Exception | None] = []
        scores: list[list[Score]] = []
        for chunk, draw in zip(batch.chunks, draws or [None] * len(batch.chunks), strict=True):
            cells = [self.cells[page] for page in chunk.pages]
            if None in cells:
                raise UnwrittenPage(f"page {chunk.pages[cells.index(None)]} at position {cells.index(None)}")
            read = [cell for cell in cells if cell is not None]
            drawn.append(None if draw is None else self._draw(draw, read))
            asked = list(chunk.score)
            if draw is not None and draw.score and isinstance(drawn[-1], int):
                asked.append((len(chunk.ids) - 1, drawn[-1]))
            scores.append([self._score(read[: chunk.start + row + 1], token, chunk.score_top) for row, token in asked])
        return Result(drawn, scores)

    def reference(self, request: Request, detokenizer: Detokenizer) -> Finished | None:
        """The answer of a request alone, by the plainest means; None where one of its draws fails."""
        cells: list[int] = []
        for token in request.ids:
            cells.append(cell(cells[-1] if cells else first_cell, token))
        first = len(request.ids) if request.score_from is None else request.score_from
        ids: list[int] = []
        sampled = 0
        while (end := _ending(request, ids, detokenizer)) is None:
            state = _state(request.constraint, ids)
            token = -1 if request.constraint is None else request.constraint.only_id(state)
            if token < 0:
                sampled += 1
                draw = _draw_of(request, ids, state)
                token = self._draw(draw, cells)
                if isinstance(token, Exception):
                    return None
            if token in request.end_ids or (request.constraint is not None and detokenizer.bytes_of(token) is None):
                end = Finished(request=0, ids=tuple(ids), text=_text(ids, detokenizer), reason="stop", stop=token)
                break
            ids.append(token)
            cells.append(cell(cells[-1], token))
        whole = [*request.ids, *end.ids]
        rows = {tuple(branch[:n]) for branch in request.branches for n in range(1, len(branch))}

        def scores(start: int, stop: int) -> tuple[Score, ...]:
            return tuple(self._score(cells[:place], whole[place], request.score_top) for place in range(start, stop))

        return Finished(
            request=0,
            ids=end.ids,
            text=end.text,
            reason=end.reason,
            stop=end.stop,
            prompt=request.ids,
            prompt_tokens=len(request.ids) + len(rows),
            decoded_tokens=sampled,
            prompt_scores=scores(first, len(request.ids)),
            answer_scores=scores(len(request.ids), len(whole)) if request.score_answer else (),
            branch_scores=tuple(self._branch(cells, branch) for branch in request.branches),
        )

    def _branch(self, cells: Sequence[int], branch: Sequence[int]) -> tuple[Score, ...]:
        """The scores of a branch behind the cells of a prompt."""
        cells, scores = list(cells), []
        for token in branch:
            scores.append(self._score(cells, token, 0))
            cells.append(cell(cells[-1], token))
        return tuple(scores)

    def _write(self, chunk: Chunk) -> None:
        if len(chunk.pages) != chunk.start + len(chunk.ids):
            raise ValueError(f"{len(chunk.pages)} pages for positions 0 .. {chunk.start + len(chunk.ids) - 1}")
        if not all(0 <= row < len(chunk.ids) for row, _ in chunk.score):
            raise ValueError(f"scores of rows that are not among the {len(chunk.ids)} of the chunk")
        before = self.cells[chunk.pages[chunk.start - 1]] if chunk.start else first_cell
        for token, page in zip(chunk.ids, chunk.pages[chunk.start :], strict=True):
            if before is None:
                raise UnwrittenPage(f"page {chunk.pages[chunk.start - 1]} at position {chunk.start - 1}")
            before = cell(before, token)
            self.cells[page] = before

    def _draw(self, draw: Draw, cells: Sequence[int]) -> int | Exception:
        if self._fail_draw(draw.seed, draw.position):
            return DrawFailure("the draw failed")
        seen: tuple[int, ...] = (hash(tuple(cells)),)
        if draw.temperature:
            seen += draw.seed, draw.position
        if draw.frequency_penalty or draw.presence_penalty:
            seen += tuple(draw.history)
        allowed: Sequence[int] = range(self.vocabulary)
        if draw.constraint is not None:
            allowed = self._allowed_in(draw.constraint, draw.state)
        if draw.forbidden:
            allowed = [token for token in allowed if token not in draw.forbidden]
        if not allowed:
            return ValueError("no id is allowed here")
        return allowed[hash(seen) % len(allowed)]

    def _score(self, cells: Sequence[int], token: int, top: int) -> Score:
        prefix = hash(tuple(cells))
        likeliest = sorted(range(self.vocabulary), key=lambda each: (-logprob(prefix, each), each))[:top] if top else ()
        return Score(token, logprob(prefix, token), tuple((each, logprob(prefix, each)) for each in likeliest))

    def _allowed_in(self, constraint: TokenConstraint, state: Any) -> list[int]:
        key = (constraint, state)
        if key in self._allowed:
            return self._allowed[key]
        row = constraint.row(state)
        allowed = [t for t in range(self.vocabulary) if int(row[t // 32]) >> (t % 32) & 1]
        if constraint.finite:
            self._allowed[key] = allowed
        return allowed


def cell(before: int, token: int) -> int:
    """The content of a page: all that the positions up to it hold."""
    return hash((before, token))


def logprob(prefix: int, token: int) -> float:
    """The log probability of `token` after a prefix, of which all cells are hashed."""
    return -float(hash((prefix, token)) % 10_000) / 1_000


def _draw_of(request: Request, ids: list[int], state: Any) -> Draw:
    return Draw(
        request.temperature,
        request.top_p,
        request.top_k,
        request.min_p,
        request.frequency_penalty,
        request.presence_penalty,
        request.seed,
        position=len(ids),
        history=ids,
        constraint=request.constraint,
        state=state,
        forbidden=request.end_ids if len(ids) < request.min_tokens else frozenset(),
    )


def _ending(request: Request, ids: list[int], detokenizer: Detokenizer) -> Finished | None:
    """How the answer ends after these ids, if it does."""
    found = _stop(request, ids, detokenizer)
    if found is not None:
        return found
    constraint = request.constraint
    if constraint is not None and constraint.is_final(_state(constraint, ids)):
        return Finished(request=0, ids=tuple(ids), text=_text(ids, detokenizer), reason="match")
    if len(ids) >= request.max_tokens:
        return Finished(request=0, ids=tuple(ids), text=_text(ids, detokenizer), reason="length")
    return None


def _stop(request: Request, ids: list[int], detokenizer: Detokenizer) -> Finished | None:
    """The answer cut at the stop that the last id completed; every end of the text is tried, one by one."""
    if not (request.stop or request.stop_regex) or not ids or len(ids) < request.min_tokens:
        return None
    complete = _text(ids, detokenizer, complete=True)
    known = len(_text(ids[:-1], detokenizer, complete=True))
    past = len(_text(ids[: request.min_tokens - 1], detokenizer, complete=True)) if request.min_tokens > 1 else -1
    for end in range(known + 1, len(complete) + 1):
        found = [(end - len(stop), stop) for stop in request.stop if complete[:end].endswith(stop)]
        for pattern in request.stop_regex:
            matches = (re.compile(pattern).match(complete[:end], begin) for begin in range(end + 1))
            found += [(match.start(), pattern) for match in matches if match is not None and match.end() > past][:1]
        if found:
            begin, stop = min(found, key=lambda each: each[0])  # the first of those that begin first
            text = complete[:begin]
            kept = [n for n in range(len(ids) + 1) if len(_text(ids[:n], detokenizer)) <= len(text)]
            return Finished(request=0, ids=tuple(ids[: kept[-1]]), text=text, reason="stop", stop=stop)
    return None


def _state(constraint: TokenConstraint | None, ids: list[int]) -> Any:
    if constraint is None:
        return None
    state = constraint.start
    for token in ids:
        state = constraint.step(state, token)
    return state


def _text(ids: Sequence[int], detokenizer: Detokenizer, *, complete: bool = False) -> str:
    """The text of ids; `complete`: without an unfinished character at its end."""
    data = b"".join(detokenizer.bytes_of(token) or b"" for token in ids)
    if complete:
        for size in range(1, min(4, len(data) + 1)):
            if _unfinished(data[-size:]):
                data = data[:-size]
                break
    return data.decode("utf-8", "replace")


def _unfinished(data: bytes) -> bool:
    """Whether the bytes are the beginning of one character, and not all of it."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and error.start == 0
    return False
