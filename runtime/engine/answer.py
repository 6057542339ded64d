"""What a request has generated: ids, text, the state of its constraint, and why it ended.

Everything here follows from the generated ids alone; KV, pages and batches are somebody else's. So a preemption, which
takes KV away, cannot change an answer.

Text is decoded byte by byte as ids come, so that the work for an id does not grow with the answer. What ends an answer
by its text is in `stops.py`.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from typing import Any, Literal, Protocol

from sglc.ir.tokens import TokenConstraint
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.request import Request
from sglc.runtime.engine.stops import Stops

_Decoder = codecs.getincrementaldecoder("utf-8")


class Detokenizer(Protocol):
    def bytes_of(self, token: int, /) -> bytes | None:
        """The bytes of an id; None for one that is no text (control tokens)."""
        ...


class Answer:
    """The answer of one request so far.

    reason: why it ended, None while it goes on. With `max_tokens` 0 it has ended from the start, by "length".
    forced: how many of `ids` were appended because the constraint allowed no other text. jumps: without them, only where
    it allows no other id.
    """

    def __init__(self, request: Request, detokenizer: Detokenizer, jumps: Jumps | None = None) -> None:
        self.ids: list[int] = []
        self.state: Any = None if request.constraint is None else request.constraint.start
        self.forced = 0
        self.reason: Literal["stop", "length", "match"] | None = None
        self.stop: str | int | None = None
        self._request = request
        self._bytes_of = detokenizer.bytes_of
        self._jumps = jumps
        self._decoder = _Decoder("replace")
        self._pieces: list[str] = []
        self._length = 0  # of the decoded text, in characters
        self._stops = Stops(request.stop, request.stop_regex) if request.stop or request.stop_regex else None
        self._ends: list[int] = []  # by id: where its text ends; kept where there are stops
        self._cut: int | None = None
        self._told = 0  # characters of the text that `news` has answered
        self._untold: list[str] = []  # the text behind them, where the request wants it as it comes
        self._follow_constraint()

    def take(self, token: int) -> None:
        """Appends a drawn id and then what the constraint forces. Raises RuntimeError for an id it does not allow."""
        self._append(token)
        self._follow_constraint()

    @property
    def kept(self) -> int:
        """How many of the ids belong to the answer as it is now: a stop takes back those that reach into it."""
        return len(self.ids) if self._cut is None else bisect_right(self._ends, self._cut)

    def result(self) -> tuple[tuple[int, ...], str]:
        """Ids and text of an answer that has ended."""
        text = "".join(self._pieces)
        if self._cut is None:
            return tuple(self.ids), text + self._decoder.decode(b"", final=True)
        return tuple(self.ids[: self.kept]), text[: self._cut]

    def news(self) -> str:
        """The text that has become certain since the last call: whatever comes, it begins the answer's text."""
        if self.reason is not None:
            return ""  # all of it is told with the result
        certain = self._length - (self._stops.open if self._stops is not None else 0)
        count = certain - self._told
        if count <= 0:
            return ""
        text = "".join(self._untold)
        self._told, self._untold = certain, [text[count:]]
        return text[:count]

    def _follow_constraint(self) -> None:
        """Goes on as far as nothing has to be drawn."""
        constraint = self._request.constraint
        while self.reason is None:
            if constraint is not None and constraint.is_final(self.state):
                self.reason = "match"
            elif len(self.ids) >= self._request.max_tokens:
                self.reason = "length"
            elif constraint is not None and (forced := self._forced(constraint)):
                before = len(self.ids)
                for token in forced[: self._request.max_tokens - before]:
                    if self.reason is None:
                        self._append(token)
                self.forced += len(self.ids) - before
            else:
                return

    def _forced(self, constraint: TokenConstraint) -> tuple[int, ...]:
        """The ids that come next whatever the model says."""
        if self._jumps is not None:
            before = self.ids[-1] if self.ids else None
            if ids := self._jumps.ids(constraint, self.state, before):
                return ids
        token = constraint.only_id(self.state)
        return (token,) if token >= 0 else ()

    def _append(self, token: int) -> None:
        request = self._request
        text = self._bytes_of(token)
        if token in request.end_ids:
            self.reason, self.stop = "stop", token
            return
        if request.constraint is not None:
            state = request.constraint.step(self.state, token)
            if state is None and request.constraint.row(self.state)[token // 32] >> token % 32 & 1:
                self.reason, self.stop = "stop", token  # constraints know more end ids than this request may name
                return
            if state is None:
                raise RuntimeError(f"the device drew id {token} ({text!r}), which the constraint does not allow here")
            self.state = state
        self.ids.append(token)
        piece = self._decoder.decode(text or b"")
        self._pieces.append(piece)
        if request.stream:
            self._untold.append(piece)
        if self._stops is not None:
            found = self._stops.feed(piece, counts=len(self.ids) >= request.min_tokens)
            if found is not None:
                self.reason, self.stop, self._cut = "stop", found.stop, found.begin
            # An unfinished character is one character to come; its id reaches to the end of it.
            self._ends.append(self._length + len(piece) + (self._decoder.getstate()[0] != b""))
        self._length += len(piece)
