"""The formats of strings. (Dates and times are those of Python's `datetime`.)

Where a specification allows more spellings than one should write, it is the ones to write that are here: RFC 3339 (5.6)
has whoever writes a time use the capitals T and Z, and a domain without a dot, which the grammar of RFC 5321 allows, is a
local alias that it lets nobody send (2.3.5).
"""

from __future__ import annotations

from sglc.passes.json_schema.writing import either, maybe, one_of, times, written
from sglc.passes.regular.tree import Chars, Regular

_DIGIT = one_of("09")
_HEX = one_of("09afAF")
_LETTER_OR_DIGIT = one_of("09azAZ")


def _digits(count: int) -> Regular:
    return times(_DIGIT, count, count)


def _from(first: str, last: str) -> Chars:
    """A digit of a range."""
    return one_of(first + last)


_TO_28 = either(written("0", _from("1", "9")), written("1", _DIGIT), written("2", _from("0", "8")))
_TO_30 = either(written("0", _from("1", "9")), written(_from("1", "2"), _DIGIT), "30")
_DAY = either(
    written(either("01", "03", "05", "07", "08", "10", "12"), "-", either(_TO_30, "31")),
    written(either("04", "06", "09", "11"), "-", _TO_30),
    written("02-", _TO_28),
)
_YEAR = either(*(written("0" * zeros, _from("1", "9"), _digits(3 - zeros)) for zeros in range(4)))
_FOURTH = either(  # 04, 08, 12 ... 96
    written("0", one_of("4488")),
    written(one_of("22446688"), one_of("004488")),
    written(one_of("1133557799"), one_of("2266")),
)
_LEAP_YEAR = either(written(_digits(2), _FOURTH), written(_FOURTH, "00"))
_DATE = either(written(_YEAR, "-", _DAY), written(_LEAP_YEAR, "-02-29"))

_SIXTY = written(_from("0", "5"), _DIGIT)
_HOUR = either(written(_from("0", "1"), _DIGIT), written("2", _from("0", "3")))
_FRACTION = maybe(written(".", times(_DIGIT, 1, None)))
_ZONE = either("Z", written(one_of("++--"), _HOUR, ":", _SIXTY))
_TIME = written(_HOUR, ":", _SIXTY, ":", _SIXTY, _FRACTION, _ZONE)

_WORD = times(one_of("azAZ09!!#'*+//==??^`{~--"), 1, None)
_LABEL = written(_LETTER_OR_DIGIT, maybe(written(times(one_of("azAZ09--"), 0, 61), _LETTER_OR_DIGIT)))
_DOMAIN = written(_LABEL, times(written(".", _LABEL), 1, None))
_LOCAL = written(_WORD, times(written(".", _WORD), 0, None))

_BYTE = either(
    written("25", _from("0", "5")),
    written("2", _from("0", "4"), _DIGIT),
    written("1", _digits(2)),
    written(maybe(_from("1", "9")), _DIGIT),
)


def _hex(count: int) -> Regular:
    return times(_HEX, count, count)


ANY_TEXT = ("binary", "password", "path")
"""Formats that every string has: OpenAPI's octets and its hint to hide what is typed, and pydantic's path of a file."""

FORMATS: dict[str, Regular] = {
    "date": _DATE,
    "time": _TIME,
    "date-time": written(_DATE, "T", _TIME),
    "uuid": written(_hex(8), times(written("-", _hex(4)), 3, 3), "-", _hex(12)),
    "email": written(_LOCAL, "@", _DOMAIN),
    "ipv4": written(_BYTE, times(written(".", _BYTE), 3, 3)),
}
