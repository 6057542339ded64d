"""Trees of pieces of text, and what stands between the values of a JSON text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sglc.passes.regular.charset import CharSet, char_set
from sglc.passes.regular.tree import EMPTY, Chars, Regular, choice, repeat, sequence

NOWHERE = ""
"""The place of repeats that no user wrote: that of the value they are in."""


def literal(text: str) -> Regular:
    return sequence(_character(c) for c in text)


@lru_cache(1024)
def _character(char: str) -> Chars:
    return Chars(((ord(char), ord(char)),))


def one_of(ranges: str) -> Chars:
    """A character of some ranges: "09af" is 0 to 9 and a to f."""
    return Chars(char_set((ord(first), ord(last)) for first, last in zip(ranges[::2], ranges[1::2], strict=True)))


def written(*parts: Regular | str) -> Regular:
    """One part after another."""
    return sequence(literal(part) if isinstance(part, str) else part for part in parts)


def either(*parts: Regular | str) -> Regular:
    return choice(literal(part) if isinstance(part, str) else part for part in parts)


def times(body: Regular, least: int, most: int | None, at: str | None = None) -> Regular:
    """A part, least to most times; None is without end. at: the schema that says so."""
    return repeat(body, least, most, NOWHERE if at is None else f"at {at}")


def maybe(body: Regular) -> Regular:
    return times(body, 0, 1)


def is_one(chars: CharSet) -> bool:
    return len(chars) == 1 and chars[0][0] == chars[0][1]


@dataclass(frozen=True, slots=True)
class Layout:
    """The white space of a JSON text. space: between tokens, but for what stands after a comma and after a colon."""

    space: Regular
    comma: Regular
    colon: Regular

    @staticmethod
    def of(whitespace: int | None) -> Layout:
        """whitespace: so many characters at most between two tokens. None: one space after each comma and colon."""
        if whitespace is None:
            return Layout(EMPTY, literal(", "), literal(": "))
        space = times(one_of("\t\n\r\r  "), 0, whitespace)
        return Layout(space, written(",", space), written(space, ":", space))

    def enclosed(self, brackets: str, inside: Regular, *, empty: bool) -> Regular:
        """An object or an array. inside: members or items, each with its space behind it. empty: whether there may be
        none."""
        return written(brackets[0], self.space, maybe(inside) if empty else inside, brackets[1])
