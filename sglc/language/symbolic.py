"""Text that is not known yet: what a traced body sees instead of its arguments and the model's answers.

`SymbolicText` is no `str` but says it is one, so `isinstance(x, str)` holds and whatever Python does with it reaches
the methods here. Joining, formatting and the methods of `str` that give a text are recorded; an f-string leaves a plain
`str` with a marker in it, which `Markers.parts` finds again when the string is appended. A comparison is a question
(`Recording.answer`), and whatever else needs the characters asks for the whole text (`Recording.need`).
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import Any, NoReturn, Protocol, cast

from sglc.ir.errors import Location
from sglc.ir.functions import METHODS, TESTS
from sglc.ir.ops import Call, Op, Part

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Where sglc is."""

PYTHON = tuple(path + os.sep for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")})
"""Where Python's own modules and installed ones are."""

FOREIGN = (PACKAGE, *PYTHON, "<frozen")
"""What is no code of the user's."""

_MARKS = _OPEN, _SEPARATOR, _CLOSE = (
    "\U0010f8f0",
    "\U0010f8f1",
    "\U0010f8f2",
)  # private use: no case, no compatibility forms
_MARKER = re.compile(f"{_OPEN}(?P<nonce>[0-9]+){_SEPARATOR}(?P<number>[0-9]+){_CLOSE}")


def user_location() -> Location | None:
    """The line of the user's code that is running now: the innermost frame outside of this package and of Python's."""
    place = user_place()
    return None if place is None else Location(shown_path(place.file), place.line)


def user_place() -> Location | None:
    """The same with the file as Python names it, whatever the working folder is."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]: the only way to the caller
    while frame is not None and frame.f_code.co_filename.startswith(FOREIGN):
        frame = frame.f_back
    return None if frame is None else Location(frame.f_code.co_filename, frame.f_lineno)


def calling_frame() -> FrameType | None:
    """The innermost frame outside of this package."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]: the only way to the caller
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame


def raised_at(error: BaseException, file: str) -> Location | None:
    """The last line of a file that an exception passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return Location(shown_path(file), lines[-1] or 0) if lines else None


def shown_path(file: str, folder: str | None = None) -> str:
    """A file as people name it: relative where it lies below the working folder, which also keeps machines' paths out
    of artifacts. folder: a working folder noted earlier, with its separator."""
    return file.removeprefix(noted_folder() if folder is None else folder)


def noted_folder() -> str:
    return _folder[0]


_folder = [os.getcwd() + os.sep]


def note_folder() -> None:
    """Notes the working folder, for `shown_path`: asking for it at each line would be slow."""
    _folder[0] = os.getcwd() + os.sep


class CutMarker(Exception):
    """The body changed a string with a marker in it: it can go on only where the text is known."""


def new_nonce() -> str:
    """What keeps a text from forging a marker: 20 digits that nobody can guess."""
    return str(secrets.randbelow(10**20)).zfill(20)


class Markers:
    """Stands in for values inside plain strings, for one trace."""

    def __init__(self, nonce: str, known: Iterable[Any] = ()) -> None:
        """known: what the body is given; a text of it may hold the characters that markers are made of."""
        self._nonce = nonce
        self._values: list[Op] = []
        self._in_doubt: list[Op] = []
        self._own = {mark for text in _texts(known) for mark in _MARKS if mark in text}

    @property
    def in_doubt(self) -> Sequence[Op]:
        """What markers stand for that Python's own str methods may have seen instead of the text."""
        return self._in_doubt

    def text(self, value: Op, *, in_doubt: bool) -> str:
        """in_doubt: the string with the marker may be looked at, and not only appended."""
        self._values.append(value)
        if in_doubt:
            self._in_doubt.append(value)
        return f"{_OPEN}{self._nonce}{_SEPARATOR}{len(self._values) - 1}{_CLOSE}"

    def parts(self, text: str) -> tuple[Part, ...]:
        """Literals and values of a string, in order."""
        if not self._values or not any(mark in text for mark in _MARKS):
            return (characters(text),)
        parts: list[Part] = []
        literals: list[str] = []
        end = 0
        for found in _MARKER.finditer(text):
            if found["nonce"] == self._nonce:
                literals.append(text[end : found.start()])
                parts += (literals[-1], self._values[int(found["number"])])
                end = found.end()
        literals.append(text[end:])
        parts.append(literals[-1])
        if any(mark in literal for literal in literals for mark in _MARKS if mark not in self._own):
            raise CutMarker("a string holds a piece of the placeholder of a text that is not known yet")
        return tuple(part for part in parts if part != "")

    def shown(self, text: str) -> str:
        """A text for people, who are shown dots in the place of what is not known."""
        return _MARKER.sub("...", text)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    """The texts in plain data."""
    stack = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack.extend(itertools.chain.from_iterable(cast("dict[Any, Any]", value).items()))
        elif isinstance(value, list | tuple):
            stack.extend(cast("Sequence[Any]", value))


class Recording(Protocol):
    """Where symbolic texts come from: a run of a body that is traced."""

    def marker(self, value: Op) -> str:
        """What stands for a value in a plain string."""
        ...

    def joined(self, texts: tuple[Any, ...]) -> Any:
        """The texts one after another."""
        ...

    def method(self, name: str, text: SymbolicText, arguments: tuple[Any, ...]) -> Any:
        """The text that a method of `sglc.ir.functions.METHODS` gives."""
        ...

    def answer(self, name: str, text: SymbolicText, arguments: tuple[Any, ...], operation: str) -> bool:
        """The answer to a question of `sglc.ir.functions.TESTS`; it may stop the run."""
        ...

    def need(self, text: SymbolicText, operation: str) -> NoReturn:
        """Stops the run: it can go on where the characters are known."""
        ...


class SymbolicText:
    """A text of the graph under construction. `name` is how the program calls it: `essay` or `s["comment"]`."""

    __slots__ = ("_name", "_op", "_recording")

    def __init__(self, op: Op, recording: Recording, name: str) -> None:
        self._op = op
        self._recording = recording
        self._name = name

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]: makes `isinstance(x, str)` hold
        return str

    @property
    def recording(self) -> object:
        """What made it."""
        return self._recording

    @property
    def op(self) -> Op:
        return self._op

    @property
    def name(self) -> str:
        return self._name

    def __str__(self) -> str:
        return self._recording.marker(self._op)

    def __format__(self, spec: str) -> str:
        return str(self if spec in ("", "s") else self._recording.method("format", self, (spec,)))

    def __repr__(self) -> str:
        return str(self._recording.method("repr", self, ()))

    def __add__(self, other: Any) -> Any:
        return self._recording.joined((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return self._recording.joined((other, self)) if isinstance(other, str) else NotImplemented

    def __eq__(self, other: object) -> bool:
        return self._compared("eq", "==", other)

    def __ne__(self, other: object) -> bool:
        equal = self._compared("eq", "!=", other)
        return equal if equal is NotImplemented else not equal

    def __lt__(self, other: object) -> bool:
        return self._compared("lt", "<", other)

    def __le__(self, other: object) -> bool:
        return self._compared("le", "<=", other)

    def __gt__(self, other: object) -> bool:
        return self._compared("gt", ">", other)

    def __ge__(self, other: object) -> bool:
        return self._compared("ge", ">=", other)

    def _compared(self, test: str, operation: str, other: object) -> Any:
        if not isinstance(other, str):
            return NotImplemented
        return self._recording.answer(test, self, (other,), operation)

    def __contains__(self, other: object) -> bool:
        if not isinstance(other, str):
            self._recording.need(self, "in")
        return self._recording.answer("contains", self, (other,), "in")

    def __bool__(self) -> bool:
        return self._recording.answer("bool", self, (), "using it as a condition")

    def __getattr__(self, attribute: str) -> Any:
        if isinstance(self.op, Call) and not attribute.startswith("__") and not hasattr(str, attribute):
            self._recording.need(self, f".{attribute}")  # what a tool without an annotation gives may be no text
        if attribute.startswith("__") or not hasattr(str, attribute):
            raise AttributeError(f"'str' object has no attribute {attribute!r}")

        def method(*args: Any, **kwargs: Any) -> Any:
            if attribute in METHODS and not kwargs:
                return self._recording.method(attribute, self, args)
            if attribute in TESTS and not kwargs:
                return self._recording.answer(attribute, self, args, f".{attribute}()")
            self._recording.need(self, f".{attribute}()")

        return method

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            given = cast("slice[Any, Any, Any]", index)
            bounds: tuple[Any, ...] = (given.start, given.stop, given.step)
            if all(bound is None or type(bound) is int for bound in bounds) and given.step != 0:
                return self._recording.method("slice", self, bounds)
        self._recording.need(self, "[...]")

    def __copy__(self) -> SymbolicText:
        return self

    def __deepcopy__(self, memo: Any) -> SymbolicText:
        return self

    def __hash__(self) -> int:
        self._recording.need(self, "looking it up")

    def __len__(self) -> int:
        self._recording.need(self, "len()")

    def __iter__(self) -> Any:
        self._recording.need(self, "iterating over it")

    def __reversed__(self) -> Any:
        self._recording.need(self, "reversed()")

    def __mul__(self, other: object) -> Any:
        self._recording.need(self, "*")

    def __rmul__(self, other: object) -> Any:
        self._recording.need(self, "*")

    def __mod__(self, other: object) -> Any:
        self._recording.need(self, "%")

    def __int__(self) -> int:
        self._recording.need(self, "int()")

    def __float__(self) -> float:
        self._recording.need(self, "float()")

    def __complex__(self) -> complex:
        self._recording.need(self, "complex()")

    def __reduce_ex__(self, protocol: object) -> Any:
        self._recording.need(self, "pickling it")

    def __dir__(self) -> list[str]:
        return dir(str)


def holds_marker(text: str) -> bool:
    """Whether a plain string may have the placeholder of a text in it."""
    return any(mark in text for mark in _MARKS)


def is_symbolic(value: object) -> bool:
    """Whether a value is a `SymbolicText`, which `isinstance` cannot tell because it says it is a `str`."""
    return type(value) is SymbolicText


def characters(text: Any) -> Any:
    """A text as a plain one: of a subclass of `str`, such as a member of a `StrEnum`, its characters. A `SymbolicText` as
    it is."""
    return text if is_symbolic(text) else str.__str__(text)
