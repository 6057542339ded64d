"""What a request has generated: ids, text, the state of its constraint, and why it ended.

Everything here follows from the generated ids alone; KV, pages and batches are somebody else's. So a preemption, which
takes KV away, cannot change an answer.

Text is decoded byte by byte as ids come, so that the work for an id does not grow with the answer. A stop string ends
the answer with the character that completes it: which occurrence is found does not depend on how the text was split
into tokens. Where several are completed by the same character, the longest counts.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from typing import Literal, Protocol

from sglc.runtime.engine.request import Request

_Decoder = codecs.getincrementaldecoder("utf-8")


class Detokenizer(Protocol):
    def bytes_of(self, token: int, /) -> bytes | None:
        """The bytes of an id; None for one that is no text (control tokens)."""
        ...


class Answer:
    """The answer of one request so far.

    reason: why it ended, None while it goes on. With `max_tokens` 0 it has ended from the start, by "length".
    forced: how many of `ids` were appended because the constraint allowed nothing else.
    """

    def __init__(self, request: Request, detokenizer: Detokenizer) -> None:
        self.ids: list[int] = []
        self.state = 0
        self.forced = 0
        self.reason: Literal["stop", "length", "match"] | None = None
        self.stop: str | int | None = None
        self._request = request
        self._bytes_of = detokenizer.bytes_of
        self._decoder = _Decoder("replace")
        self._pieces: list[str] = []
        self._length = 0  # of the decoded text, in characters
        self._tail = ""  # its end, one character shorter than the longest stop string
        self._reach = max((len(stop) for stop in request.stop), default=1) - 1  # length of `_tail`
        self._ends: list[int] = []  # by id: where its text ends; kept where there are stop strings
        self._cut: int | None = None
        self._follow_constraint()

    def take(self, token: int) -> None:
        """Appends a drawn id and then what the constraint forces. Raises RuntimeError for an id it does not allow."""
        self._append(token)
        self._follow_constraint()

    def result(self) -> tuple[tuple[int, ...], str]:
        """Ids and text of an answer that has ended."""
        text = "".join(self._pieces)
        if self._cut is None:
            return tuple(self.ids), text + self._decoder.decode(b"", final=True)
        return tuple(self.ids[: bisect_right(self._ends, self._cut)]), text[: self._cut]

    def _follow_constraint(self) -> None:
        """Goes on as far as nothing has to be drawn."""
        automaton = self._request.constraint
        while self.reason is None:
            if automaton is not None and automaton.final[self.state]:
                self.reason = "match"
            elif len(self.ids) >= self._request.max_tokens:
                self.reason = "length"
            elif automaton is not None and (token := int(automaton.forced[self.state])) >= 0:
                before = len(self.ids)
                self._append(token)
                self.forced += len(self.ids) - before
            else:
                return

    def _append(self, token: int) -> None:
        request = self._request
        text = self._bytes_of(token)
        # Under a constraint only end ids have no text; the automaton knows more of them than this request may name.
        if token in request.end_ids or (text is None and request.constraint is not None):
            self.reason, self.stop = "stop", token
            return
        if request.constraint is not None:
            assert text is not None
            state = request.constraint.step(self.state, text)
            if state < 0:
                raise RuntimeError(f"the device drew id {token} ({text!r}), which the constraint does not allow here")
            self.state = state
        self.ids.append(token)
        piece = self._decoder.decode(text or b"")
        self._pieces.append(piece)
        if request.stop:
            if len(self.ids) >= request.min_tokens:
                self._find_stop(piece)
            self._tail = (self._tail + piece)[-self._reach :] if self._reach else ""
            # An unfinished character is one character to come; its id reaches to the end of it.
            self._ends.append(self._length + len(piece) + (self._decoder.getstate()[0] != b""))
        self._length += len(piece)

    def _find_stop(self, piece: str) -> None:
        """Looks for the stop string that is completed first in the new piece."""
        window = self._tail + piece
        found: tuple[int, int, str] | None = None
        for stop in self._request.stop:
            begin = window.find(stop, max(0, len(self._tail) - len(stop) + 1))
            if begin >= 0 and (found is None or (begin + len(stop), begin) < found[:2]):
                found = (begin + len(stop), begin, stop)
        if found is not None:
            self.reason, self.stop = "stop", found[2]
            self._cut = self._length - len(self._tail) + found[1]
