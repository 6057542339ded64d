"""Where jobs are handed in, and who is told what becomes of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from sglc.runtime.engine.family import Family
from sglc.runtime.jobs import Answer, Job


class Owner:
    """Who gave a job: told, from the loop, what becomes of it. family: of the run that it is a step of."""

    __slots__ = ()

    @property
    def family(self) -> Family | None:
        return None

    def answered(self, answer: Answer | Exception) -> None:
        """The end of the job."""
        raise NotImplementedError

    def progressed(self, text: str) -> None:
        """More of a streamed answer's text."""


class Desk(Protocol):
    """Where jobs are handed in. Used from one thread."""

    def submit(self, job: Job, owner: Owner) -> Hashable:
        """Starts a job; a handle for `cancel`. The owner is told in a later `turn`. Raises what is wrong with the job."""
        ...

    def cancel(self, handle: Hashable) -> None:
        """Gives a job up; its owner hears no more. One that has ended is left alone."""
        ...
