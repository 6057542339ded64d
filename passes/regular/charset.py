"""Sets of characters as sorted, disjoint, non-adjacent ranges of code points; surrogates are in none of them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

import numpy as np

CharSet: TypeAlias = tuple[tuple[int, int], ...]
"""(first, last) of each range."""

EVERY: CharSet = ((0, 0xD7FF), (0xE000, 0x10FFFF))

FIRST_ID = 0x110000
"""Token ids stand for themselves in automata: id i is the letter FIRST_ID + i, above all characters."""


def char_set(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """The set of ranges in any order, which may overlap and contain surrogates."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    reaches_surrogates = bool(merged) and merged[-1][1] >= 0xD800
    return intersection(tuple(merged), EVERY) if reaches_surrogates else tuple(merged)


def union(sets: Iterable[CharSet]) -> CharSet:
    return char_set(r for chars in sets for r in chars)


def intersection(a: CharSet, b: CharSet) -> CharSet:
    both: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        first, last = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if first <= last:
            both.append((first, last))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(both)


def complement(chars: CharSet) -> CharSet:
    gaps: list[tuple[int, int]] = []
    at = 0
    for first, last in chars:
        gaps.append((at, first - 1))
        at = last + 1
    gaps.append((at, 0x10FFFF))
    return intersection(tuple((first, last) for first, last in gaps if first <= last), EVERY)


_LAST = 0x3FFFF  # beyond it are no letters, digits, spaces and cases, and of the categories only those of _HIGH
_HIGH = {
    "Cf": ((0xE0001, 0xE0001), (0xE0020, 0xE007F)),
    "Mn": ((0xE0100, 0xE01EF),),
    "Co": ((0xF0000, 0xFFFFD), (0x100000, 0x10FFFD)),
}


@lru_cache
def _characters() -> str:
    """The characters up to _LAST."""
    return np.arange(_LAST + 1, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache
def category(letter: str, ascii_only: bool) -> CharSet:
    r"""What `\d`, `\w`, `\s`, `\D`, `\W` or `\S` matches: asked of Python itself."""
    if letter.isupper():
        return complement(category(letter.lower(), ascii_only))
    text, flags = (_characters()[:128], re.ASCII) if ascii_only else (_characters(), 0)
    return char_set((run.start(), run.end() - 1) for run in re.finditer(rf"\{letter}+", text, flags))


@lru_cache
def properties() -> dict[str, CharSet]:
    """The general categories of Unicode, and all that begin with the same letter, by their names."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    at = 0
    for name, group in groupby(map(unicodedata.category, _characters())):
        length = sum(1 for _ in group)
        found[name].append((at, at + length - 1))
        at += length
    for name, ranges in _HIGH.items():
        found[name] += ranges
    del found["Cs"], found["Cn"]
    sets = {name: char_set(ranges) for name, ranges in found.items()}
    sets["Cn"] = complement(union(sets.values()))
    for letter in {name[0] for name in sets}:
        sets[letter] = union(chars for name, chars in sets.items() if name[0] == letter)
    return sets


@lru_cache
def cased() -> str:
    """Every character that a change of case changes."""
    text = _characters()
    blocks = (text[start : start + 256] for start in range(0, 0x20000, 256))
    with_case = "".join(block for block in blocks if block.lower() != block or block.upper() != block)
    return "".join(c for c in with_case if c.lower() != c or c.upper() != c)


_CASED_LIKE_ASCII = "".join(map(chr, range(128))) + "\u0130\u0131\u017f\u212a"
"""The characters of ASCII, and those that are one of them in another case."""


@lru_cache(maxsize=4096)
def ignoring_case(source: str, chars: CharSet, ascii_only: bool) -> CharSet:
    """What the character or class `source`, which matches `chars`, matches under IGNORECASE.

    Only cased characters are matched differently, and about each of them Python is asked.
    """
    flags = re.IGNORECASE | (re.ASCII if ascii_only else 0)
    if chars and chars[-1][1] < 128:
        return char_set((ord(c), ord(c)) for c in re.findall(source, _CASED_LIKE_ASCII, flags))
    found = char_set((ord(c), ord(c)) for c in re.findall(source, cased(), flags))
    return union([intersection(chars, _uncased()), found])


@lru_cache
def _uncased() -> CharSet:
    return complement(char_set((ord(c), ord(c)) for c in cased()))
