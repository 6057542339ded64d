"""What runs a program's primitives: the tracer records them, the interpreter executes them, the confirmation replays
them. A `ProgramState` does not know which.
"""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeAlias

from sglc.ir.errors import Location
from sglc.ir.ops import ChoicesMethod, Constraint, Sampling
from sglc.language.host_function import Host

Piece: TypeAlias = Any
"""Something that a machine can put into a prompt: its literals and values, a `Role`, an image."""


class Answered(NamedTuple):
    """The prompt after an answer, the answer's text, and what the text adds to another prompt."""

    prompt: Any
    text: Any
    pieces: tuple[Piece, ...]


class Machine(Protocol):
    """Runs primitives: the tracer records them, the interpreter executes them at once. Prompts are immutable."""

    def root(self) -> Any: ...

    def pieces(self, text: Any, *, trusted: bool = False) -> tuple[Piece, ...]:
        """What a string, or a text that is not known yet, adds to a prompt."""
        ...

    def image(self, path: Any, frames: int | None) -> Piece:
        """An image, or so many frames of a video."""
        ...

    def unordered(self, groups: Sequence[tuple[Piece, ...]], place: Location | None) -> tuple[Piece, ...]:
        """Parts in whatever order, at a place as `user_place` names it."""
        ...

    def read(self, value: Any) -> Any:
        """A variable that the body reads."""
        ...

    def append(self, prompt: Any, pieces: Sequence[Piece]) -> Any: ...

    def gen(self, prompt: Any, name: str | None, sampling: Sampling, constraint: Constraint | None) -> Answered: ...

    def select(
        self, prompt: Any, name: str | None, choices: Sequence[Sequence[Piece]], method: ChoicesMethod
    ) -> Answered: ...

    def call(self, host: Host, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """What a host function gives."""
        ...

    def meta(self, prompt: Any) -> Any:
        """What is known about the answer that a prompt ends with: a dict."""
        ...

    def text(self, prompt: Any, since: Any = None) -> Any:
        """All text of a prompt, or what it has after an earlier one."""
        ...

    def messages(self, prompt: Any) -> list[dict[str, Any]]:
        """The chat messages of a prompt in OpenAI's form."""
        ...

    def text_method(self, name: str, text: Any, *arguments: Any) -> Any:
        """What a function of `sglc.ir.functions.METHODS` makes of a text."""
        ...


_current: contextvars.ContextVar[Machine | None] = contextvars.ContextVar("sglc_machine", default=None)


class _Running:
    """Not a generator: what `TooLong` cuts off would be ended when it is collected, in whatever context that is."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __enter__(self) -> None:
        self._token = _current.set(self._machine)

    def __exit__(self, *error: object) -> None:
        _current.reset(self._token)


def running(machine: Machine) -> AbstractContextManager[None]:
    """Calls of other programs inside the block run on this machine: they are part of the caller."""
    return _Running(machine)


def outside() -> contextvars.Context:
    """A copy of this context in which no program's body is running: for host functions."""
    context = contextvars.copy_context()
    context.run(_current.set, None)
    return context


def current_machine() -> Machine | None:
    """The machine of the program whose body is running here, if one is."""
    return _current.get()
