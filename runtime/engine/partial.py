"""Where in a text that grows a match of a pattern may still begin.

Python's `re` knows no partial matches, but it shows how it reads a pattern. Of that, another pattern is made: one for
what a match looks like when the text ends before the match does. For `ab*c` that is: nothing, or `a`, or `ab*`, or all
of it, and then the end of the text. What refers to a group may be anything: behind that a match may still begin however
the text goes on. So a place is never missed; it may be given up late.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

# The parser and the compiler of `re` are not public. They have been what they are since Python 2 (`sre_parse`).
from re import _compiler, _constants, _parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import Any, TypeAlias

Item: TypeAlias = tuple[Any, Any]
"""An operation of a parsed pattern, and what it applies to."""

_CHARACTER = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}
_REPEAT = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}
_ASSERT = {_constants.ASSERT, _constants.ASSERT_NOT}
_END: Item = _parser.parse(r"\Z")[0]
_LAST_LINE: list[Item] = list(_parser.parse(r"\n?\Z"))  # where `$` may hold now and no longer hold later
_ANYTHING: list[Item] = []  # no condition
_LONGEST = 256  # characters of a pattern that is taken apart: a bound on the depth of what is made of it


@lru_cache(maxsize=256)
def beginnings(pattern: str) -> tuple[re.Pattern[str], int]:
    """A pattern whose first match in a text begins where the first match of `pattern` that goes on behind the text's
    end can begin, or at the end itself; and how many characters before a match decide about it (look-behind)."""
    parsed = _parser.parse(pattern)
    begun = _Begun(parsed.state).sequence(parsed) if len(pattern) <= _LONGEST else _ANYTHING
    return _compiler.compile(_parser.SubPattern(parsed.state, begun)), _behind(parsed) + 1


class _Begun:
    """Makes the pattern for what a text may have of another pattern before it ends. state: of the parsed pattern."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def sequence(self, items: Iterable[Item]) -> list[Item]:
        """A beginning of the sequence, or all of it."""
        result = [_END]
        for item in reversed(list(items)):
            result = [self._either(self._item(item), [self._whole(item), *result])]
        return result

    def _item(self, item: Item) -> list[Item]:
        """A beginning of one item."""
        operation, given = item
        if operation in _CHARACTER or operation in (_constants.AT, _constants.FAILURE):
            return _LAST_LINE if given is _constants.AT_END else [_END]
        if operation in _REPEAT:
            _, most, repeated = given
            if most != _constants.MAXREPEAT:
                most = max(0, most - 1)
            return [(_constants.MAX_REPEAT, (0, most, self._whole(repeated))), *self.sequence(repeated)]
        if operation is _constants.BRANCH:
            return [self._either(*map(self.sequence, given[1]))]
        if operation is _constants.SUBPATTERN:
            _, on, off, inner = given
            return [(operation, (None, on, off, self._joined(self.sequence(inner))))]
        if operation is _constants.ATOMIC_GROUP:
            return self.sequence(given)
        if operation in _ASSERT:  # what lies behind is known; what lies ahead is, once it does not reach the end
            return [_END] if given[0] < 0 else self.sequence(given[1])
        return _ANYTHING

    def _whole(self, part: Any) -> Any:
        """The part without its groups' numbers: a copy of a group in another place would confuse the matcher."""
        if isinstance(part, _parser.SubPattern):
            return self._joined(map(self._whole, part))
        if isinstance(part, tuple) and part and part[0] is _constants.SUBPATTERN:
            _, on, off, inner = part[1]
            return part[0], (None, on, off, self._whole(inner))
        if isinstance(part, tuple | list):
            return type(part)(map(self._whole, part))
        return part

    def _either(self, *branches: list[Item]) -> Item:
        return _constants.BRANCH, (None, [self._joined(branch) for branch in branches])

    def _joined(self, items: Iterable[Item]) -> Any:
        return _parser.SubPattern(self._state, list(items))


def _behind(items: Iterable[Item]) -> int:
    """The most characters that look-behinds, also those inside others, look back."""
    total = 0
    for operation, given in items:
        if operation in _ASSERT and given[0] < 0:
            total += given[1].getwidth()[1]
        total += sum(map(_behind, _sequences(given)))
    return total


def _sequences(given: Any) -> Iterator[Any]:
    if isinstance(given, _parser.SubPattern):
        yield given
    elif isinstance(given, list | tuple):
        for part in given:
            yield from _sequences(part)
