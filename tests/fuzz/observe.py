"""What can be seen of a run, in a form that is equal for equal runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from sglc.result import Result
from tests.fuzz.model import Key


@dataclass(frozen=True)
class Seen:
    """The end of a run. variables, value, meta, messages: their `repr`, which tells True from 1. error: its type, its
    message, and those of its cause. cause: of the error, apart from where it was."""

    text: str = ""
    messages: str = ""
    variables: str = ""
    value: str = ""
    meta: str = ""
    error: tuple[str, ...] = ()
    cause: str = ""

    def difference(self, other: Seen) -> str:
        """The first field that differs; "" where none does."""
        return next((f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)), "")

    def apart_from_places(self) -> Seen:
        """Without the lines of a program that it may name."""
        return replace(self, error=self.error[:1])


def seen(result: Result) -> Seen:
    """Of a failed run only the error: what it did before is open, because independent steps run at once."""
    error = result.error()
    if error is not None:
        return failed(error)
    return Seen(
        result.text(),
        repr(result.messages()),
        _sorted(result.variables),
        repr(result.ret_value),
        _sorted(result.meta),
    )


def failed(error: Exception) -> Seen:
    """The end of a run with this error, which its result had, or which was raised at once."""
    cause = error.__cause__
    root = error if cause is None else cause
    told = str(error)
    if isinstance(root, UnboundLocalError):  # CPython 3.11 may name the line before, once it has run a function often
        told = re.sub(r"^(\S+):\d+: ", r"\1: ", told.partition("\n")[0])  # without the text of that line
    return Seen(
        error=(type(error).__name__, told, repr(cause)),
        cause=f"{type(root).__name__}: {getattr(root, 'what', root)}",
    )


def _sorted(values: dict[str, object]) -> str:
    return repr(sorted(values.items(), key=lambda item: item[0]))


def missing(interpreted: Sequence[Key], compiled: Sequence[Key]) -> Counter[Key]:
    """Questions that only the interpreted run asked."""
    return Counter(interpreted) - Counter(compiled)
