r"""Anchors and word boundaries, as looks at the characters on both sides of a place."""

from __future__ import annotations

import re

from sglc.passes.regular.charset import EVERY, CharSet, complement
from sglc.passes.regular.tree import EMPTY, Chars, Look, Regular, Sequence, choice, sequence

_NEWLINE: CharSet = ((10, 10),)
_B_IN_NO_TEXT = re.fullmatch(r"\B", "") is not None  # Pythons differ


def anchor(source: str, flags: int, word: CharSet, *, first: bool, last: bool, span: tuple[int, int]) -> Regular:
    r"""What `^`, `$`, `\A`, `\Z`, `\z`, `\b` or `\B` asks of its place under flags of `re`.

    word: what `\w` matches. first, last: whether it is known to stand at an end of the text.
    """

    def side(chars: CharSet, ahead: bool, wanted: bool) -> Look:
        return Look(Chars(chars), ahead, wanted, span)

    many = bool(flags & re.MULTILINE)
    match source:
        case "^" | "\\A":
            other = complement(_NEWLINE) if many and source == "^" else EVERY
            return EMPTY if first else side(other, False, False)
        case "$" | "\\Z" | "\\z":
            if last:
                return EMPTY
            if many and source == "$":
                return side(complement(_NEWLINE), True, False)
            if source == "$":  # a newline at the very end may follow
                more = choice([Chars(complement(_NEWLINE)), Sequence((Chars(_NEWLINE), Chars(EVERY)))])
                return Look(more, True, False, span)
            return side(EVERY, True, False)
        case "\\b":
            return choice(sequence([side(word, False, way), side(word, True, not way)]) for way in (True, False))
        case _:
            outside = [side(word, False, False), side(word, True, False)]
            inside = [side(word, False, True), side(word, True, True)]
            some_text = [] if _B_IN_NO_TEXT else [choice([side(EVERY, False, True), side(EVERY, True, True)])]
            return choice([sequence(inside), sequence(outside + some_text)])
