"""Numbers: any, or integers between bounds, digit by digit."""

from __future__ import annotations

import json
import math

from sglc.passes.json_schema.keywords import KEYWORDS
from sglc.passes.json_schema.places import Schema, beyond, refuse
from sglc.passes.json_schema.writing import either, times

MAX_BOUND = 10**100  # of integers
INTEGER = "(?:0|-?[1-9][0-9]*)"
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"


def number(schema: Schema, at: str) -> str:
    for keyword in KEYWORDS["integer"]:
        if keyword in schema:
            what = f"{keyword} is supported for integers only, because a number has many texts: 20, 2e1, 200e-1"
            beyond(f"{at}/{keyword}", what, 'write "type": "integer", or check the answer afterwards')
    return NUMBER


def integer(schema: Schema, at: str) -> str:
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
        refuse(at, f"no integer is at least {low} and at most {high}", "change the bounds")
    return INTEGER if low is None and high is None else either(_integers(low, high))


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


def _integers(low: int | None, high: int | None) -> list[str]:
    """Alternatives for the integers from low to high; None is without end."""
    texts: list[str] = []
    if low is None or low < 0:
        nearest = 1 if high is None else max(1, -high)
        texts += ["-" + text for text in _naturals(nearest, None if low is None else -low)]
    if high is None or high >= 0:
        texts += _naturals(max(0, low or 0), high)
    return texts


def _naturals(low: int, high: int | None) -> list[str]:
    """As `_integers`, for 0 <= low."""
    digits = len(str(low))
    if high is not None and len(str(high)) == digits:
        return _of_equal_length(str(low), str(high))
    texts = _of_equal_length(str(low), "9" * digits)
    most = None if high is None else len(str(high)) - 1
    if most is None or most > digits:
        texts.append("[1-9]" + times("[0-9]", digits, None if most is None else most - 1))
    if high is not None:
        texts += _of_equal_length("1" + "0" * (len(str(high)) - 1), str(high))
    return texts


def _of_equal_length(low: str, high: str) -> list[str]:
    """Alternatives for the strings of digits from low to high, which have as many."""
    if low == high:
        return [low]
    if low[0] == high[0]:
        return [low[0] + text for text in _of_equal_length(low[1:], high[1:])]
    size = len(low) - 1
    first, last = int(low[0]), int(high[0])
    start: list[str] = []
    end: list[str] = []
    if low[1:] != "0" * size:
        start = [low[0] + text for text in _of_equal_length(low[1:], "9" * size)]
        first += 1
    if high[1:] != "9" * size:
        end = [high[0] + text for text in _of_equal_length("0" * size, high[1:])]
        last -= 1
    middle = [f"[{first}-{last}]" + times("[0-9]", size, size)] if first <= last else []
    return start + middle + end
