"""Which line of a body changes what it shares with others.

That something has changed while a body was traced does not say who has changed it: other threads and host functions of rows
under way may. So the body runs again, and what it shares is looked at before and after each of its instructions that may
change anything: a window of some microseconds. A line that changes something nearly each time that it runs has done it.
"""

from __future__ import annotations

import dis
import functools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any

from sglc.guards import Guard
from sglc.ir.errors import Location
from sglc.language.symbolic import FOREIGN, shown_path

_TIMES = 3
"""So often a line must have changed something, and not more often not."""

SECONDS = 2.0
"""Of the thread's own time, for all runs. Where others change things all the time, looking takes long."""

_CHANGING = (
    "STORE_", "DELETE_", "CALL", "PRECALL", "BINARY_OP", "INPLACE_", "LIST_", "SET_", "DICT_", "SEND", "FOR_ITER", "YIELD",
)  # fmt: skip
"""How the names of instructions begin that may change anything but a local variable."""


def culprit(
    bodies: Callable[[], Iterable[Callable[[], Any]]], made: Callable[[], Guard], before: Guard
) -> tuple[Location | None, str] | None:
    """The line of a body that changes what it shares, and what that is, in words; all is as it was before then. None where
    others have changed it, which stays. (Without a line where there is no time to find it, and no sign of others.)

    bodies: the body on several texts. made: a new guard of what it shares. before: one that does not hold any longer.
    """
    seen_others = False
    for puts_back in (False, True):  # what is done once shows when it is done again
        if puts_back and seen_others:
            return None
        if puts_back:
            before.restore()
        watch = _Watch(made, puts_back)
        for body in bodies():
            for _ in range(_TIMES):
                watch.run(body)
            if watch.found is not None:
                before.restore()
                return watch.found
            if watch.is_late:
                if watch.has_seen_others or (what := before.changed()) is None:
                    return None
                before.restore()
                return None, what
        seen_others = watch.has_seen_others
    return None


class _Watch:
    """made: a new guard of what the body shares. puts_back: what an instruction has changed, so that the next run changes it
    again, also where it always gives it one value; not where others are at work. found: the line and what it changes, in
    words, once it is known. has_seen_others: something has changed between two instructions."""

    def __init__(self, made: Callable[[], Guard], puts_back: bool) -> None:
        self._made = made
        self._puts_back = puts_back
        self._guard = made()
        self._changes: Counter[tuple[CodeType, int]] = Counter()
        self._others: Counter[tuple[CodeType, int]] = Counter()
        self.has_seen_others = False
        self._at: tuple[CodeType, int] | None = None
        self._end = time.thread_time() + SECONDS
        self.found: tuple[Location, str] | None = None

    @property
    def is_late(self) -> bool:
        return time.thread_time() > self._end

    def run(self, body: Callable[[], Any]) -> None:
        """Runs the body once, slowly."""
        outer = sys.gettrace()
        self._at = None
        sys.settrace(self._on_call)
        try:
            body()
        finally:
            sys.settrace(outer)
            self._look()

    def _on_call(self, frame: FrameType, event: str, given: Any) -> Any:
        name = frame.f_globals.get("__name__")
        if (
            isinstance(name, str) and name.partition(".")[0] == "sglc"
        ):  # which changes nothing of anybody's, and takes long
            self._at = None
            return None
        if self.found is not None or frame.f_code.co_filename.startswith(FOREIGN):
            return None
        self._look()
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self._on_event

    def _on_event(self, frame: FrameType, event: str, given: Any) -> Any:
        if self.found is not None or self.is_late:
            return None
        self._look()
        if event == "opcode" and frame.f_lasti in _places(frame.f_code):
            if not self._guard.holds():
                self.has_seen_others = True
                self._guard = self._made()
            self._at = frame.f_code, frame.f_lasti
        return self._on_event

    def _look(self) -> None:
        """After an instruction that may have changed something."""
        if self._at is None or self.found is not None:
            return
        (code, place), self._at = self._at, None
        if self._guard.holds():
            self._others[code, place] += 1
            return
        what = self._guard.changed()
        if self._puts_back:
            self._guard.restore()
        else:
            self._guard = self._made()
        self._changes[code, place] += 1
        changes = self._changes[code, place]
        if what is not None and changes >= _TIMES and changes > self._others[code, place]:
            line = next((line for begin, end, line in code.co_lines() if begin <= place < end), None)
            self.found = Location(shown_path(code.co_filename), line or code.co_firstlineno), what


@functools.lru_cache(256)
def _places(code: CodeType) -> frozenset[int]:
    """Where the instructions are that may change something."""
    steps = dis.get_instructions(code)
    return frozenset(step.offset for step in steps if step.opname.startswith(_CHANGING) and step.opname != "STORE_FAST")
