"""Sets of characters as sorted, disjoint, non-adjacent ranges of code points; surrogates are in none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

CharSet: TypeAlias = tuple[tuple[int, int], ...]
"""(first, last) of each range."""

EVERY: CharSet = ((0, 0xD7FF), (0xE000, 0x10FFFF))


def char_set(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """The set of ranges in any order, which may overlap and contain surrogates."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return intersection(tuple(merged), EVERY)


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


@lru_cache
def category(letter: str, ascii_only: bool) -> CharSet:
    r"""What `\d`, `\w`, `\s`, `\D`, `\W` or `\S` matches: asked of Python itself."""
    every_point = "".join(map(chr, range(0x110000)))
    runs = re.finditer(rf"\{letter}+", every_point, re.ASCII if ascii_only else 0)
    return char_set((run.start(), run.end() - 1) for run in runs)


@lru_cache
def cased() -> str:
    """Every character that a change of case changes."""
    blocks = ("".join(map(chr, range(start, start + 256))) for start in range(0, 0x110000, 256))
    with_case = "".join(block for block in blocks if block.lower() != block or block.upper() != block)
    return "".join(c for c in with_case if c.lower() != c or c.upper() != c)


@lru_cache(maxsize=4096)
def ignoring_case(source: str, chars: CharSet, ascii_only: bool) -> CharSet:
    """What the character or class `source`, which matches `chars`, matches under IGNORECASE.

    Only cased characters are matched differently, and about each of them Python is asked.
    """
    flags = re.IGNORECASE | (re.ASCII if ascii_only else 0)
    found = char_set((ord(c), ord(c)) for c in re.findall(source, cased(), flags))
    return union([intersection(chars, _uncased()), found])


@lru_cache
def _uncased() -> CharSet:
    return complement(char_set((ord(c), ord(c)) for c in cased()))
