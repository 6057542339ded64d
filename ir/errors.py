"""The one family of errors: where, what, what to do.

Every message a person sees for bad input is one of these. They are defined at the bottom of the house so that every
floor can raise them, and the command line turns any of them into one message and exit code 2.
"""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the user's program. `line` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def source(self) -> str:
        """The text of the line, stripped, or "" where the file cannot be read."""
        linecache.checkcache(self.file)
        return linecache.getline(self.file, self.line).strip()


ENDS_ALL = (KeyboardInterrupt, GeneratorExit)
"""What is no error of a program when its Python ends with it: Ctrl-C, and what ends runs of ours."""


def in_words(error: BaseException) -> str:
    """An exception in words: its type and what it says, also where its own `__str__` fails."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - whatever the user's class raises
        text = "<exception str() failed>"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class SglcError(Exception):
    """What went wrong, where, and what to do about it.

    what:  one sentence without a full stop.
    where: the user's line, a file name, `artifact.sglc`, `row 3` ...: a `Location` adds the text of its line.
    hint:  what to do, one sentence; "" where there is nothing better than the message.
    """

    def __init__(self, what: str, *, where: Location | str | None = None, hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """From one process to another, whatever a kind of error takes to be made."""
        return _restored, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where is not None else self.what]
        if isinstance(self.where, Location) and (source := self.where.source()):
            lines.append(f"    {source}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


def _restored(kind: type[SglcError], args: tuple[Any, ...]) -> SglcError:
    error = kind.__new__(kind)
    error.args = args
    return error


class ProgramError(SglcError):
    """The user's program cannot be loaded, traced or compiled."""


class ArgumentsError(SglcError):
    """Arguments of a program are missing, unknown, of the wrong type, or not JSON."""


class IRError(SglcError):
    """IR text does not parse, or a graph breaks a rule of the verifier."""


class ArtifactError(SglcError):
    """An artifact is damaged, truncated, foreign, or of another version."""


class ModelError(SglcError):
    """A model folder is missing, incomplete, or of a class that cannot work."""


class ConstraintError(SglcError):
    """A regex or choice is invalid, not regular, or too large."""


class CapacityError(SglcError):
    """A prompt does not fit the model's context or the KV pool."""


class RunError(SglcError):
    """A step of a running program failed; `__cause__` is the root cause."""
