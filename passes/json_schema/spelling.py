"""Characters as JSON spells them in a string."""

from __future__ import annotations

import json

from sglc.ir.values import what_is_wrong_with_text
from sglc.passes.json_schema.places import Json, refuse
from sglc.passes.json_schema.writing import class_of, either, times
from sglc.passes.regular import tree as rx
from sglc.passes.regular.charset import CharSet, char_set, complement, intersection

ANY_SPELLING = (
    r'(?:[^\x00-\x1f"\\]|\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))"
)
"""One character in a string, with every escape. (No flag i: what the letters of Unicode fold to takes 70 ms to learn.)"""

_SHORT = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 92: "\\\\"}
"""The characters that JSON has a short escape for, in a class of Python's regexes."""
_PLAIN = complement(char_set([(0, 31), (34, 34), (92, 92)]))


def spelled(value: Json, at: str) -> str:
    """A constant as JSON. Raises `ConstraintError` for one that has no text."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        refuse(at, "a number is too large", "use one that fits a double")
    if what_is_wrong_with_text(text):
        refuse(at, "a text holds half a character (a lone surrogate)", "write the whole character")
    return text


def text_of(tree: rx.Regular) -> str:
    """The regex of a tree of characters, for their spelling in a string of JSON."""
    match tree:
        case rx.Chars(chars):
            return units(chars)
        case rx.Sequence(parts):
            return "".join(map(text_of, parts))
        case rx.Choice(parts):
            return f"(?:{'|'.join(dict.fromkeys(map(text_of, parts)))})"
        case rx.Repeat(body, least, most):
            text = text_of(body)
            return times(text if isinstance(body, rx.Chars | rx.Choice) else f"(?:{text})", least, most)
        case rx.Both() | rx.Not() | rx.Look() | rx.Atomic():
            raise AssertionError("no pattern of a schema has these")


def units(chars: CharSet) -> str:
    """One of the characters, each spelled in its one way."""
    plain = intersection(chars, _PLAIN)
    special = [point for first, last in intersection(chars, complement(_PLAIN)) for point in range(first, last + 1)]
    short = "".join(_SHORT[point] for point in special if point in _SHORT)
    digits = [f"{point:02x}" for point in special if point not in _SHORT]
    others = [
        high + class_of(char_set((ord(low), ord(low)) for start, low in digits if start == high))
        for high in dict.fromkeys(start for start, _ in digits)
    ]
    escapes = [*[f"[{short}]"] * bool(short), *[f"u00{either(others)}"] * bool(others)]
    if not escapes:
        return class_of(plain)
    escape = rf"\\{either(escapes)}"
    return f"(?:{class_of(plain)}|{escape})" if plain else f"(?:{escape})"
