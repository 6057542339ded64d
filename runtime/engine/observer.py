"""Who looks on while the engine works. The engine knows no clock; an observer may have one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sglc.runtime.engine import sequence as sequences
from sglc.runtime.engine.request import Event, Stats
from sglc.runtime.engine.scheduler import Work


@dataclass(frozen=True, slots=True)
class Gauges:
    """The engine between two calls. stats: a copy. cached: tokens in the radix tree. running, waiting: requests with and
    without pages."""

    stats: Stats
    cached: int
    running: int
    waiting: int


class Observer(Protocol):
    """Called on the engine's thread; what it raises ends the engine. It changes nothing that it is shown."""

    def submitted(self, sequence: sequences.Sequence) -> None:
        """A new request."""
        ...

    def planned(self, work: Sequence[Work], running: Collection[int], gauges: Gauges) -> None:
        """A batch is about to be computed, perhaps behind another one. running: all requests with pages; who had some and
        has none now was preempted."""
        ...

    def committed(self, gauges: Gauges, *, started: bool = True) -> None:
        """The oldest batch on its way is back, and has failed or counts; or the latest was not even started."""
        ...

    def ended(self, sequence: sequences.Sequence, event: Event | None) -> None:
        """A request is over; None where it was cancelled. Comes before `committed` of its last batch."""
        ...
