"""Regexes as terms, by the tree of Python's own parser; which characters an atom takes is asked of Python's `re`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

# What `re` reads a pattern to; not public.
from re import _compiler, _constants, _parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import Any

from tests.constraints.terms import Ranges, Terms

_ONE_CHARACTER = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}
_REPEAT = {_constants.MAX_REPEAT, _constants.MIN_REPEAT}
_START = {_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING}
_END = {_constants.AT_END, _constants.AT_END_STRING}
_TYPES = re.ASCII | re.UNICODE | re.LOCALE
"""One of them holds; the inner one takes the outer one's place."""
_EVERY = "".join(chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF)


class UnsupportedError(Exception):
    """The oracle does not know what a part means as part of a whole."""


def term_of(terms: Terms, pattern: str) -> int:
    """The texts that match as a whole. Raises `UnsupportedError` for anchors that are not at the edges, look-arounds that
    are not in the outermost sequence, and what is not regular."""
    tree = _parser.parse(pattern)
    return _Reader(terms).whole(list(tree), tree.state.flags)


class _Reader:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    def whole(self, items: list[Any], flags: int) -> int:
        """The outermost sequence. What looks ahead sees all that follows, what looks back all that came before."""
        while items and items[0][0] is _constants.AT and items[0][1] in _START:
            items = items[1:]
        while items and items[-1][0] is _constants.AT and items[-1][1] in _END:
            items = items[:-1]
        looks = {item[1][0] for item in items if item[0] in (_constants.ASSERT, _constants.ASSERT_NOT)}
        if looks == {-1}:
            return self.looking_back(items, flags)
        if len(looks) > 1:
            raise UnsupportedError("looks both ways")
        terms, result = self.terms, self.terms.empty
        for operation, given in reversed(items):
            if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
                inner = list(given[1])
                to_the_end = bool(inner) and inner[-1] == (_constants.AT, _constants.AT_END_STRING)
                seen = self.sequence(inner[:-1] if to_the_end else inner, flags)
                seen = seen if to_the_end else terms.sequence([seen, terms.all])
                result = terms.both([seen if operation is _constants.ASSERT else terms.negated(seen), result])
            else:
                result = terms.sequence([self.item(operation, given, flags), result])
        return result

    def looking_back(self, items: Sequence[Any], flags: int) -> int:
        terms, result = self.terms, self.terms.empty
        for operation, given in items:
            if operation in (_constants.ASSERT, _constants.ASSERT_NOT):
                seen = terms.sequence([terms.all, self.sequence(given[1], flags)])
                result = terms.both([result, seen if operation is _constants.ASSERT else terms.negated(seen)])
            else:
                result = terms.sequence([result, self.item(operation, given, flags)])
        return result

    def sequence(self, items: Sequence[Any], flags: int) -> int:
        return self.terms.sequence([self.item(operation, given, flags) for operation, given in items])

    def item(self, operation: Any, given: Any, flags: int) -> int:
        if operation in _ONE_CHARACTER:
            return self.terms.one_of(_taken(_Item((operation, given)), flags))
        if operation in _REPEAT:
            least, most, body = given
            repeated = self.sequence(body, flags)
            return self.terms.repeat(repeated, least, None if most == _constants.MAXREPEAT else most)
        if operation is _constants.BRANCH:
            return self.terms.either([self.sequence(branch, flags) for branch in given[1]])
        if operation is _constants.SUBPATTERN:
            _, on, off, inner = given
            kept = flags & ~_TYPES if on & _TYPES else flags
            return self.sequence(inner, (kept | on) & ~off)
        raise UnsupportedError(str(operation))


class _Item(tuple[Any, Any]):
    """An operation and what it applies to, as a key: equal where they are written the same."""

    def __new__(cls, item: tuple[Any, Any]) -> _Item:
        return super().__new__(cls, item)

    def __hash__(self) -> int:
        return hash(repr(tuple(self)))


@lru_cache(maxsize=4096)
def _taken(item: _Item, flags: int) -> Ranges:
    """The characters that an atom takes, from the runs of them in a text of all."""
    if item[0] is _constants.LITERAL and not flags & re.IGNORECASE:
        return () if 0xD800 <= item[1] <= 0xDFFF else ((item[1], item[1]),)
    state = _parser.State()
    state.flags = flags
    one = _parser.SubPattern(state, [tuple(item)])
    run = (_constants.MAX_REPEAT, (1, _constants.MAXREPEAT, one))
    pattern = _compiler.compile(_parser.SubPattern(state, [run]))
    return tuple(part for found in pattern.finditer(_EVERY) for part in _points(found.start(), found.end() - 1))


def _points(first: int, last: int) -> list[tuple[int, int]]:
    """The code points at places of the text of all characters: it lacks the surrogates."""
    below = [(first, min(last, 0xD7FF))] if first < 0xD800 else []
    above = [(max(first, 0xD800) + 0x800, last + 0x800)] if last >= 0xD800 else []
    return below + above
