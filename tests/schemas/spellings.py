"""The texts of a value in JSON that a reader takes for the same value."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

MAX_ORDERS = 6  # of the properties of an object
MAX_EXACT = 2**53  # up to here each integer is a double


def spellings(value: Any) -> list[str]:
    """Each once: with and without white space, escapes of all kinds, orders of properties, 1 as 1.0 and 1e0."""
    texts = [json.dumps(other, ensure_ascii=short) for other in _orders(value) for short in (False, True)]
    texts += [
        json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        json.dumps(value, indent=1),
        f" {texts[0]} ",
    ]
    texts += [_text(value, number, string) for number in _NUMBERS for string in (json.dumps, _escaped)]
    return [*dict.fromkeys(texts)]


def _orders(value: Any) -> Iterator[Any]:
    """The value, with the properties of its objects in several orders."""
    match value:
        case dict():
            orders = itertools.islice(itertools.permutations(value.items()), MAX_ORDERS)
            for items in [*orders, tuple(reversed(value.items()))]:
                for parts in zip(*(_cycled(item) for _, item in items), strict=True) if items else [()]:
                    yield dict(zip((name for name, _ in items), parts, strict=True))
        case list():
            yield from map(list, zip(*map(_cycled, value), strict=True)) if value else [[]]
        case _:
            yield value


def _cycled(value: Any) -> Iterator[Any]:
    return itertools.islice(itertools.cycle(_orders(value)), MAX_ORDERS)


def _decimal(value: float) -> str:
    if isinstance(value, int):
        return f"{value}.0"
    return str(int(value)) if value.is_integer() else repr(value)


def _power(value: float) -> str:
    return repr(value) if "e" in repr(value) else f"{value!r}e0"


def _shifted(value: float) -> str:
    return f"{value}0E-1" if isinstance(value, int) and value else _power(value).replace("e", "E")


_NUMBERS = (repr, _decimal, _power, _shifted)


def _text(value: Any, number: Any, string: Any) -> str:
    match value:
        case str():
            return string(value)
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return number(value) if abs(value) <= MAX_EXACT else repr(value)
        case list():
            return f"[{', '.join(_text(item, number, string) for item in value)}]"
        case _:
            members = (f"{string(name)}: {_text(item, number, string)}" for name, item in value.items())
            return f"{{{', '.join(members)}}}"


def _escaped(text: str) -> str:
    """With an escape for each unit."""
    units = memoryview(text.encode("utf-16-le")).cast("H")
    return '"' + "".join(f"\\u{unit:04X}" for unit in units) + '"'


def near(text: str, draw: random.Random) -> str:
    """The text with one character left out, doubled, replaced or put in."""
    at = draw.randrange(len(text))
    new = draw.choice('0129.-+eE"\\/ ,:[]{}abu\néA𝔸~')
    return text[:at] + draw.choice(["", text[at] * 2, new, new + text[at], text[at] + new]) + text[at + 1 :]
