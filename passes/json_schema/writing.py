"""Pieces of regexes as text. What has alternatives is a group, so that pieces can be put side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sglc.passes.regular.charset import CharSet, complement

HEX = "[0-9a-fA-F]"


def literal(text: str) -> str:
    """`re.escape` escapes what need not be, and the compiler of regexes counts escapes."""
    return re.sub(r"[\\.^$*+?{}\[\]|()]", r"\\\g<0>", text)


def either(texts: Iterable[str]) -> str:
    """One of the texts, as a group."""
    different = list(dict.fromkeys(texts))
    return different[0] if len(different) == 1 else f"(?:{'|'.join(different)})"


def times(text: str, least: int, most: int | None) -> str:
    """A part that a quantifier can stand after, least to most times; None is without end."""
    if most == 0:
        return ""
    simple: dict[tuple[int, int | None], str] = {(1, 1): "", (0, 1): "?", (0, None): "*", (1, None): "+"}
    if (least, most) in simple:
        return text + simple[least, most]
    return f"{text}{{{least}}}" if least == most else f"{text}{{{least},{'' if most is None else most}}}"


def class_of(chars: CharSet) -> str:
    if is_one(chars):
        return literal(chr(chars[0][0]))
    negated = chars[-1][1] == 0x10FFFF
    ranges = complement(chars) if negated else chars
    texts = (_point(first) + (f"-{_point(last)}" if first < last else "") for first, last in ranges)
    return f"[{'^' * negated}{''.join(texts)}]"


def _point(point: int) -> str:
    """A character as it stands in a class."""
    if chr(point) in "\\]^-[&~|":
        return "\\" + chr(point)
    if chr(point).isprintable():
        return chr(point)
    return f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}" if point < 65536 else f"\\U{point:08x}"


def is_one(chars: CharSet) -> bool:
    return len(chars) == 1 and chars[0][0] == chars[0][1]


def groups_in_one_another(text: str) -> int:
    deepest = depth = 0
    for part in re.findall(r"\\.|\[(?:\\.|[^\]\\])*\]|[()]", text, re.DOTALL):
        depth += (part == "(") - (part == ")")
        deepest = max(deepest, depth)
    return deepest
