"""What the parts of a pattern that stand for one character match."""

from __future__ import annotations

import re
from functools import lru_cache

from sglc.passes.regular.charset import (
    EVERY,
    CharSet,
    category,
    char_set,
    complement,
    ignoring_case,
    properties,
    union,
)
from sglc.passes.regular.tree import Chars

ASCII, IGNORECASE, DOTALL, VERBOSE = map(int, (re.ASCII, re.IGNORECASE, re.DOTALL, re.VERBOSE))
"""Flags as plain numbers: an & of enums takes as long as all else about a character."""

_UNIT = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[NpP]\{[^}]*\}|[0-7]{1,3}|[\s\S])|[^\\]", re.DOTALL
)
_CONTROLS = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_NO_NEWLINE = complement(((10, 10),))


class UnsupportedError(Exception):
    """A part that no character set is made of. what and hint: for the message."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


@lru_cache(maxsize=65_536)
def one_of(source: str, flags: int) -> Chars:
    """`characters` as a tree."""
    return Chars(characters(source, flags))


def characters(source: str, flags: int) -> CharSet:
    """The characters that a character, an escape, a dot or a class matches under flags of `re`.

    Raises `UnsupportedError`.
    """
    ascii_only = bool(flags & ASCII)
    if source == ".":
        return EVERY if flags & DOTALL else _NO_NEWLINE
    if len(source) > 1 and source[0] == "[":
        return _class(source, flags)
    if source[0] == "\\" and source[1] in "dDwWsS":
        return category(source[1], ascii_only)
    if source[:2] in ("\\p", "\\P"):
        return _property(source, flags)
    point = code_point(source)
    chars = char_set([(point, point)])
    return ignoring_case(re.escape(chr(point)), chars, ascii_only) if flags & IGNORECASE else chars


def _class(source: str, flags: int) -> CharSet:
    body = source[1:-1]
    negated = body.startswith("^")
    units: list[str] = _UNIT.findall(body[1:] if negated else body)
    known = [_property(unit, flags) for unit in units if unit[:2] in ("\\p", "\\P")]
    if known:
        others = [unit for unit in units if unit[:2] not in ("\\p", "\\P")]
        if others:
            known.append(_class("[" + "\\" * (others[0] == "^") + "".join(others) + "]", flags))
        chars = union(known)
        return complement(chars) if negated else chars
    ranges: list[tuple[int, int]] = []
    at = 0
    while at < len(units):
        unit = units[at]
        if len(unit) == 2 and unit[1] in "dDwWsS":
            ranges += category(unit[1], bool(flags & ASCII))
            at += 1
            continue
        first = last = code_point(unit, in_class=True)
        if at + 2 < len(units) and units[at + 1] == "-":
            last = code_point(units[at + 2], in_class=True)
            at += 2
        ranges.append((first, last))
        at += 1
    chars = char_set(ranges)
    chars = complement(chars) if negated else chars
    return ignoring_case(source, chars, bool(flags & ASCII)) if flags & IGNORECASE else chars


def _property(source: str, flags: int) -> CharSet:
    name = source[3:-1]
    known = properties()
    if name not in known:
        raise UnsupportedError(f"{name!r} is no general category", "such as L, Lu, Nd, P: " + " ".join(sorted(known)))
    if flags & IGNORECASE and name in ("Lu", "Ll", "Lt"):
        raise UnsupportedError(f"a property of one case, {name}, is not supported under the flag i", "write \\p{L}")
    return complement(known[name]) if source[1] == "P" else known[name]


def code_point(unit: str, *, in_class: bool = False) -> int:
    """The character of an escape or of a character itself; `\\b` is a backspace in a class."""
    if len(unit) == 1:
        return ord(unit)
    letter = unit[1]
    if letter == "N":
        raise UnsupportedError("a character by name is not supported", "write the character or \\uXXXX")
    if letter in "xuU":
        return int(unit[2:], 16)
    if letter in "01234567":
        return int(unit[1:], 8)
    return _CONTROLS.get(letter, ord(letter))
