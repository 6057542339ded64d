"""Context managers, classes, enums."""

from __future__ import annotations

import contextlib
import enum
import functools
import types
from typing import Any

from tests.language.idioms.table import NUMBERS, WORDS, Verdict, ask, idiom, start


@contextlib.contextmanager
def tagged(s, name):
    s += f"<{name}>"
    try:
        yield name
    finally:
        s += f"</{name}>"


@idiom("x", "b", "", "bb", "é")
def context_manager(s, row):
    a = start(s, row)
    with tagged(s, a) as name, contextlib.ExitStack() as stack:
        stack.callback(s.set_var, "left", name)
        if name == "b":
            ask(s, "c")


@idiom("x", "b", "", "stop", "é")
def context_manager_left_by_an_error(s, row):
    a = start(s, row)
    try:
        with tagged(s, a):
            if a in ("stop", "b"):
                raise ValueError(a)
    except ValueError as error:
        s["stopped"] = str(error)
        if a == "stop":
            raise


@idiom("x", "b", "", "stop", "é")
def variable_set_by_finally(s, row):
    a = start(s, row)
    try:
        return {"x": 1, "b": 2}[a]
    finally:
        s["left"] = a


@idiom(*WORDS)
def walrus(s, row):
    if (a := start(s, row)) == "no":
        s += " no"
    elif n := len(a):
        s += f" {n}"
    return [t for x in (a, "yes") if (t := x.strip())]


class Word:
    """A helper class that holds what was said."""

    made = 0

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def clean(self) -> str:
        return self.text.strip().lower()

    @classmethod
    def of(cls, text: str) -> Word:
        return cls(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Word) and self.clean == other.clean

    def __hash__(self) -> int:
        return hash(self.clean)

    def __len__(self) -> int:
        return len(self.text)

    def __bool__(self) -> bool:
        return self.clean != "no"

    def __str__(self) -> str:
        return f"<{self.text}>"


@idiom(*WORDS)
def helper_class(s, row):
    a = start(s, row)
    word = Word.of(a)
    s += str(word) if word else " (no)"
    return [word == Word("Yes"), len({word, Word("so")}), len(word), word.clean, f"{word}"]


class Shouting(str):
    """A text of the user's own."""

    def loud(self) -> str:
        return self.upper() + "!"


@idiom(*WORDS)
def subclass_of_str(s, row):
    a = Shouting(start(s, row))
    s += a.loud() + (" yes" if a == "yes" else "")
    return isinstance(a, Shouting)


@functools.singledispatch
def described(value: Any) -> str:
    return "thing"


@described.register
def _(value: str) -> str:
    return f"text {value}"


@described.register
def _(value: int) -> str:
    return f"number {value}"


@idiom(*NUMBERS)
def single_dispatch(s, row):
    a = start(s, row)
    s += described(a) + described(int(a) if a.strip().isdigit() else None)


@idiom("x", "word", "weight", "", "nothing", "positive")
def attribute_by_name(s, row):
    a = start(s, row)
    verdict = Verdict("yes")
    holder = types.SimpleNamespace()
    setattr(holder, a, "kept")
    return [getattr(verdict, a, "none"), hasattr(verdict, a), vars(holder)]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.StrEnum):
    SMALL = "s"
    LARGE = "l"


@idiom("x", "red", "blue", "", "RED")
def enum_by_value(s, row):
    a = start(s, row)
    try:
        s += Colour(a).name
    except ValueError as error:
        s += str(error)
    return Colour[a].value if a in Colour.__members__ else None


@idiom("x", "s", "l", "", "S")
def string_enum(s, row):
    a = start(s, row)
    s += " small" if a == Size.SMALL else " other"
    return [Size.LARGE == a, a in [size.value for size in Size], {Size.SMALL: 1}.get(a)]
