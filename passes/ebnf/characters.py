"""What literals, classes and escapes of a grammar stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sglc.passes.regular.charset import CharSet, char_set, complement

_CONTROLS = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "b": 8, "a": 7, "0": 0}
_ITSELF = "\"'\\[]^-/?"
_UNIT = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|[^\\]")


class MeaninglessError(Exception):
    """A part that stands for nothing. start, end: where in what was given; what, hint: for the message."""

    def __init__(self, start: int, end: int, what: str, hint: str) -> None:
        super().__init__(what)
        self.start, self.end, self.what, self.hint = start, end, what, hint


def literal(source: str) -> list[int]:
    """The code points of a text in double quotes. Raises `MeaninglessError`."""
    return [point for point, _, _, _ in _points(source, 1, len(source) - 1)]


def character_class(source: str) -> CharSet:
    """The characters of a class in brackets, at least one. Raises `MeaninglessError`."""
    negated = source.startswith("[^")
    points = list(_points(source, 1 + negated, len(source) - 1))
    if not points:
        raise MeaninglessError(0, len(source), "an empty class matches no character", 'no text is written ""')
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(points):
        first, start, end, _ = points[at]
        last = first
        if at + 2 < len(points) and points[at + 1][3]:
            last, _, end, _ = points[at + 2]
            at += 2
        if last < first:
            what = f"the range {source[start:end]} is backwards"
            raise MeaninglessError(start, end, what, "write the smaller character first, or escape the - as \\-")
        found.append((first, last))
        at += 1
    chars = complement(char_set(found)) if negated else char_set(found)
    if not chars:
        raise MeaninglessError(0, len(source), "this class matches no character", "leave some characters in it")
    return chars


def _points(source: str, start: int, end: int) -> Iterator[tuple[int, int, int, bool]]:
    """(code point, where it starts, where it ends, whether it is a - without a backslash) of each character."""
    for found in _UNIT.finditer(source, start, end):
        unit = found[0]
        at = (found.start(), found.end())
        if len(unit) == 1:
            point = ord(unit)
        elif unit[1] in "xuU" and len(unit) > 2:
            point = int(unit[2:], 16)
        elif unit[1] in _CONTROLS:
            point = _CONTROLS[unit[1]]
        elif unit[1] in _ITSELF:
            point = ord(unit[1])
        else:
            hint = 'there are \\n \\t \\r \\\\ \\" \\] \\- \\^ \\xHH \\uHHHH \\UHHHHHHHH; a class like \\d is written [0-9]'
            raise MeaninglessError(*at, f"the escape {unit} has no meaning here", hint)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            what = f"{unit if len(unit) > 1 else hex(point)} is no character: a surrogate, or above \\U0010FFFF"
            raise MeaninglessError(*at, what, "write the character itself")
        yield point, *at, unit == "-"
