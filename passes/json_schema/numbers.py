"""Numbers: any, or integers between bounds, digit by digit."""

from __future__ import annotations

import json
import math

from sglc.passes.json_schema.keywords import KEYWORDS
from sglc.passes.json_schema.places import Schema, beyond, none_is_valid, refuse
from sglc.passes.json_schema.writing import either, maybe, one_of, times, written
from sglc.passes.regular.tree import Regular

MAX_BOUND = 10**100  # of integers

_DIGIT, _NOT_ZERO = one_of("09"), one_of("19")
_DIGITS = times(_DIGIT, 0, None)
_MINUS = maybe(one_of("--"))
INTEGER = either("0", written(_MINUS, _NOT_ZERO, _DIGITS))
NUMBER = written(
    _MINUS,
    either("0", written(_NOT_ZERO, _DIGITS)),
    maybe(written(".", _DIGIT, _DIGITS)),
    maybe(written(one_of("eeEE"), maybe(one_of("++--")), times(_DIGIT, 1, 3))),
)


def number(schema: Schema, at: str) -> Regular:
    for keyword in KEYWORDS["integer"]:
        if keyword in schema:
            what = f"{keyword} is supported for integers only, because a number has many texts: 20, 2e1, 200e-1"
            beyond(f"{at}/{keyword}", what, 'write "type": "integer", or check the answer afterwards')
    return NUMBER


def integer(schema: Schema, at: str) -> Regular:
    lows = [
        *map(math.ceil, _bounds(schema, "minimum", at)),
        *(math.floor(bound) + 1 for bound in _bounds(schema, "exclusiveMinimum", at)),
    ]
    highs = [
        *map(math.floor, _bounds(schema, "maximum", at)),
        *(math.ceil(bound) - 1 for bound in _bounds(schema, "exclusiveMaximum", at)),
    ]
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        none_is_valid(at, f"no integer is at least {low} and at most {high}", "change the bounds")
    return INTEGER if low is None and high is None else either(*_integers(low, high))


def _bounds(schema: Schema, keyword: str, at: str) -> list[int | float]:
    """The bound that a keyword sets, if it does."""
    if keyword not in schema:
        return []
    bound = schema[keyword]
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        refuse(f"{at}/{keyword}", f"{json.dumps(bound)} is no bound", "give a number")
    if not -MAX_BOUND <= bound <= MAX_BOUND:
        refuse(f"{at}/{keyword}", "the bound has more than 100 digits", "leave it out")
    return [bound]


def _integers(low: int | None, high: int | None) -> list[Regular]:
    """Alternatives for the integers from low to high; None is without end."""
    trees: list[Regular] = []
    if low is None or low < 0:
        nearest = 1 if high is None else max(1, -high)
        trees += [written("-", tree) for tree in _naturals(nearest, None if low is None else -low)]
    if high is None or high >= 0:
        trees += _naturals(max(0, low or 0), high)
    return trees


def _naturals(low: int, high: int | None) -> list[Regular]:
    """As `_integers`, for 0 <= low."""
    digits = len(str(low))
    if high is not None and len(str(high)) == digits:
        return _of_equal_length(str(low), str(high))
    trees = _of_equal_length(str(low), "9" * digits)
    most = None if high is None else len(str(high)) - 1
    if most is None or most > digits:
        trees.append(written(_NOT_ZERO, times(_DIGIT, digits, None if most is None else most - 1)))
    if high is not None:
        trees += _of_equal_length("1" + "0" * (len(str(high)) - 1), str(high))
    return trees


def _of_equal_length(low: str, high: str) -> list[Regular]:
    """Alternatives for the strings of digits from low to high, which have as many."""
    if low == high:
        return [written(low)]
    if low[0] == high[0]:
        return [written(low[0], tree) for tree in _of_equal_length(low[1:], high[1:])]
    size = len(low) - 1
    first, last = int(low[0]), int(high[0])
    start: list[Regular] = []
    end: list[Regular] = []
    if low[1:] != "0" * size:
        start = [written(low[0], tree) for tree in _of_equal_length(low[1:], "9" * size)]
        first += 1
    if high[1:] != "9" * size:
        end = [written(high[0], tree) for tree in _of_equal_length("0" * size, high[1:])]
        last -= 1
    middle = [written(one_of(f"{first}{last}"), times(_DIGIT, size, size))] if first <= last else []
    return start + middle + end
