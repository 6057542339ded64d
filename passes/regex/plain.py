"""Patterns of which one sees at once that Python accepts them, without flags. Asking it takes ten times as long.

Most patterns are such: characters, classes, groups in groups as deep as `_DEPTH`, counts. No anchors, looks, flags, names
or references; ranges from the first or to the last digit or letter; `{m,n}` where n is plainly larger. This says nothing
about others.
"""

from __future__ import annotations

import re
from functools import lru_cache

_DEPTH = 2

_RANGE = "[01]-[1-9]|[2-9]-9|a-[a-z]|[b-z]-z|A-[A-Z]|[B-Z]-Z"
_ESCAPE = r"\\(?:[^0-9A-Za-z]|[dDwWsSnrtfv])"
_CLASS = rf"\[\^?+(?:{_RANGE}|(?:[^\\\[\]-]|{_ESCAPE})(?!-[^\]]))++-?\]"
_ATOM = rf"[^\\^$*+?{{}}()\[\]|]|{_ESCAPE}|{_CLASS}"
_COUNT = r"\{(?:[0-9]{1,4},?|,[0-9]{1,4}|[01],[1-9][0-9]{0,3}|[0-9],[1-9][0-9]{1,3})\}"
_QUANTIFIER = rf"(?:(?:[*+?]|{_COUNT})[?+]?)?"


@lru_cache
def _plain() -> re.Pattern[str]:
    pattern = rf"(?:\||(?:{_ATOM}){_QUANTIFIER})*+"
    for _ in range(_DEPTH):
        pattern = rf"(?:\||(?:{_ATOM}|\((?:\?:)?{pattern}\)){_QUANTIFIER})*+"
    return re.compile(pattern, re.DOTALL)


def is_plain(pattern: str) -> bool:
    return _plain().fullmatch(pattern) is not None
