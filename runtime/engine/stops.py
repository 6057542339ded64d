"""What ends an answer by its text: stop strings and stop patterns.

A stop ends the answer with the character that completes it, so which occurrence is found does not depend on how the
text was split into tokens. Where one character completes several, the longest counts, and of equal ones the first:
strings come before patterns.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sglc.runtime.engine.partial import beginnings


class Found(NamedTuple):
    """A stop at begin .. end of the answer's text, in characters."""

    end: int
    begin: int
    stop: str


class Stops:
    """Looks for stops in a text that comes in pieces. The work for a piece does not grow with the text, but for
    patterns of which a match may go on as long as the text."""

    def __init__(self, strings: tuple[str, ...], patterns: tuple[str, ...]) -> None:
        self._strings = strings
        self._patterns = [_Pattern(pattern) for pattern in patterns]
        self._length = 0  # of the text
        self._tail = ""  # its end, one character shorter than the longest string
        self._reach = max(map(len, strings), default=1) - 1  # length of `_tail`

    def feed(self, piece: str, counts: bool) -> Found | None:
        """Goes on by a piece, and answers the stop in it. What is completed while `counts` is False never counts."""
        tail = self._tail
        window, start = tail + piece, self._length - len(tail)
        found: Found | None = None
        for stop in self._strings if counts else ():
            begin = window.find(stop, max(0, len(tail) - len(stop) + 1))
            if begin >= 0 and (found is None or (start + begin + len(stop), start + begin) < found[:2]):
                found = Found(start + begin + len(stop), start + begin, stop)
        for pattern in self._patterns:
            other = pattern.feed(piece, counts)
            if other is not None and (found is None or other[:2] < found[:2]):
                found = other
        self._tail = window[-self._reach :] if self._reach else ""
        self._length += len(piece)
        return found

    @property
    def open(self) -> int:
        """How many characters at the end of the text may turn out to be part of a stop."""
        tail = self._tail
        begun = (n for n in range(len(tail), 0, -1) if any(stop.startswith(tail[-n:]) for stop in self._strings))
        return max(next(begun, 0), *(self._length - pattern.hold for pattern in self._patterns), 0)


class _Pattern:
    """One pattern. The text is as long as it is after each character: its end is an end for `$` and for look-ahead.

    hold: no match that is still to come begins before this character.
    """

    def __init__(self, pattern: str) -> None:
        self.hold = 0
        self._pattern = re.compile(pattern)
        self._beginnings, self._behind = beginnings(pattern)
        self._window = ""  # the text from `_start` on
        self._start = 0
        self._past = -1  # a match that ends up to here does not count

    def feed(self, piece: str, counts: bool) -> Found | None:
        start, known = self._start, len(self._window)
        self._window = window = self._window + piece
        if counts:
            for end in range(known + 1, len(window) + 1):
                match = self._pattern.search(window, self.hold - start, end)
                while match is not None and start + match.end() <= self._past:
                    match = self._pattern.search(window, match.start() + 1, end)
                if match is not None:
                    return Found(start + end, start + match.start(), self._pattern.pattern)
        else:
            self._past = start + len(window)
        begun = self._beginnings.search(window, self.hold - start)
        assert begun is not None, "the end of the text is always a beginning"
        self.hold = start + begun.start()
        spare = begun.start() - self._behind
        if spare > len(window) // 2:  # so that a long window is not copied for each piece
            self._window = window[spare:]
            self._start += spare
        return None
