"""What runs a program's primitives: the tracer records them, the interpreter executes them, the confirmation replays
them. A `ProgramState` does not know which.
"""

from __future__ import annotations

import contextvars
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeAlias

from sglc.ir.ops import Sampling

Piece: TypeAlias = Any
"""Something that a machine can put into a prompt: its literals and values, a `Role`, an image."""


class Answered(NamedTuple):
    """The prompt after an answer, the answer's text, and what is known about it; None where it is not known yet."""

    prompt: Any
    text: Any
    meta: dict[str, Any] | None = None


class Machine(Protocol):
    """Runs primitives: the tracer records them, the interpreter executes them at once. Prompts are immutable."""

    def root(self) -> Any: ...

    def pieces(self, text: Any, *, trusted: bool = False) -> tuple[Piece, ...]:
        """What a string, or a text that is not known yet, adds to a prompt."""
        ...

    def image(self, path: Any) -> Piece: ...

    def append(self, prompt: Any, pieces: Sequence[Piece]) -> Any: ...

    def gen(self, prompt: Any, name: str | None, sampling: Sampling, regex: str | None) -> Answered: ...

    def select(self, prompt: Any, name: str | None, choices: Sequence[Sequence[Piece]]) -> Answered: ...

    def text(self, prompt: Any) -> Any:
        """All text of a prompt."""
        ...


_current: contextvars.ContextVar[Machine | None] = contextvars.ContextVar("sglc_machine", default=None)


@contextmanager
def running(machine: Machine) -> Generator[None]:
    """Calls of other programs inside the block run on this machine: they are part of the caller."""
    token = _current.set(machine)
    try:
        yield
    finally:
        _current.reset(token)


def current_machine() -> Machine | None:
    """The machine of the program whose body is running here, if one is."""
    return _current.get()
