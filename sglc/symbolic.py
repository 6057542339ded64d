"""Text that is not known yet: what a traced body sees instead of its arguments and the model's answers.

`SymbolicText` is no `str` but says it is one, so `isinstance(x, str)` holds and whatever Python does with it reaches
the methods here. Joining and formatting are recorded; an f-string leaves a plain `str` with a marker in it, which
`Markers.parts` finds again when the string is appended. Whatever needs the characters raises `NeedsText`.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

from sglc.ir.errors import Location, ProgramError
from sglc.ir.ops import Op, Part

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_OPEN, _SEPARATOR, _CLOSE = "\U0010f8f0", "\U0010f8f1", "\U0010f8f2"  # private use: no case, no compatibility forms


def user_location() -> Location | None:
    """The line of the user's code that is running now: the innermost frame outside this package."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]: the only way to the caller
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return None if frame is None else Location(shown_path(frame.f_code.co_filename), frame.f_lineno)


def raised_at(error: BaseException, file: str) -> Location | None:
    """The last line of a file that an exception passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return Location(shown_path(file), lines[-1] or 0) if lines else None


def shown_path(file: str) -> str:
    """A file as people name it: relative where it lies below the working folder, which also keeps machines' paths out
    of artifacts."""
    folder = os.getcwd() + os.sep
    return file.removeprefix(folder)


class NeedsText(BaseException):
    """The body asked for characters that are not known while it is traced.

    Not an `Exception`, so that a body's own `except Exception` does not swallow it.
    """

    def __init__(self, text: SymbolicText, operation: str) -> None:
        super().__init__(operation)
        self.text = text
        self.operation = operation
        self.location = user_location()


class Markers:
    """Stands in for values inside plain strings, for one trace. The nonce keeps a text from forging one."""

    def __init__(self) -> None:
        self._nonce = str(secrets.randbelow(10**20)).zfill(20)
        self._values: list[Op] = []
        self._pattern = re.compile(f"{_OPEN}{self._nonce}{_SEPARATOR}([0-9]+){_CLOSE}")

    def text(self, value: Op) -> str:
        self._values.append(value)
        return f"{_OPEN}{self._nonce}{_SEPARATOR}{len(self._values) - 1}{_CLOSE}"

    def parts(self, text: str) -> tuple[Part, ...]:
        """Literals and values of a string, in order."""
        if _OPEN not in text and _SEPARATOR not in text and _CLOSE not in text:
            return (text,)
        pieces = self._pattern.split(text)
        if any(mark in literal for literal in pieces[::2] for mark in (_OPEN, _SEPARATOR, _CLOSE)):
            raise ProgramError(
                "a string holds a piece of the placeholder of a value that is not known yet",
                where=user_location(),
                hint="cut or change text only after the model has said it: run with mode='interpret'",
            )
        parts: list[Part] = []
        for index, piece in enumerate(pieces):
            parts.append(self._values[int(piece)] if index % 2 else piece)
        return tuple(part for part in parts if part != "")


class SymbolicText:
    """A text of the graph under construction. `name` is how the program calls it: `essay` or `s["comment"]`."""

    def __init__(self, op: Op, markers: Markers, name: str, join: Any) -> None:
        self._op = op
        self._markers = markers
        self._name = name
        self._join = join

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]: makes `isinstance(x, str)` hold
        return str

    @property
    def op(self) -> Op:
        return self._op

    @property
    def name(self) -> str:
        return self._name

    def __str__(self) -> str:
        return self._markers.text(self._op)

    def __format__(self, spec: str) -> str:
        if spec not in ("", "s"):
            self._refuse(f"formatting it with {spec!r}")
        return str(self)

    def __add__(self, other: Any) -> Any:
        return self._join((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return self._join((other, self)) if isinstance(other, str) else NotImplemented

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") or not hasattr(str, attribute):
            raise AttributeError(f"'str' object has no attribute {attribute!r}")

        def method(*_args: Any, **_kwargs: Any) -> NoReturn:
            self._refuse(f".{attribute}()")

        return method

    def _refuse(self, operation: str) -> NoReturn:
        raise NeedsText(self, operation)

    def __repr__(self) -> str:
        self._refuse("repr()")

    def __bool__(self) -> bool:
        self._refuse("using it as a condition")

    def __hash__(self) -> int:
        self._refuse("looking it up")

    def __len__(self) -> int:
        self._refuse("len()")

    def __eq__(self, other: object) -> bool:
        self._refuse("==")

    def __ne__(self, other: object) -> bool:
        self._refuse("!=")

    def __lt__(self, other: object) -> bool:
        self._refuse("<")

    def __le__(self, other: object) -> bool:
        self._refuse("<=")

    def __gt__(self, other: object) -> bool:
        self._refuse(">")

    def __ge__(self, other: object) -> bool:
        self._refuse(">=")

    def __contains__(self, other: object) -> bool:
        self._refuse("in")

    def __iter__(self) -> Any:
        self._refuse("iterating over it")

    def __getitem__(self, index: object) -> Any:
        self._refuse("[...]")

    def __mul__(self, other: object) -> Any:
        self._refuse("*")

    def __rmul__(self, other: object) -> Any:
        self._refuse("*")

    def __mod__(self, other: object) -> Any:
        self._refuse("%")

    def __int__(self) -> int:
        self._refuse("int()")

    def __float__(self) -> float:
        self._refuse("float()")

    def __index__(self) -> int:
        self._refuse("using it as an index")


def is_symbolic(value: object) -> bool:
    """Whether a value is a `SymbolicText`, which `isinstance` cannot tell because it says it is a `str`."""
    return type(value) is SymbolicText
