"""The functions of `method` and `test` ops: pure questions about texts, the same at compile time and at run time.

They are Python's own, so a compiled program answers what plain Python would.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from sglc.ir.ops import Op

MAX_WIDTH = 100_000
"""The widest padding that a method may ask for, in characters."""

_SHORT = 100
_PADDING = frozenset({"center", "expandtabs", "format", "ljust", "rjust", "zfill"})

THINK = "<think>"
"""What many models write at the beginning of their reasoning."""


def _parted(text: str, end: str) -> tuple[str, str]:
    """The reasoning of an answer, and the rest; an answer without the mark between them is all answer."""
    if end not in text:
        return "", text
    reasoning, _, rest = text.partition(end)
    return reasoning.strip().removeprefix(THINK).strip(), rest.strip()


def _reasoning(text: str, end: str) -> str:
    return _parted(text, end)[0]


def _after_reasoning(text: str, end: str) -> str:
    return _parted(text, end)[1]


def _group(text: str, regex: str, number: int) -> str:
    found = re.fullmatch(regex, text)
    return (found[number] or "") if found else ""


def _slice(text: str, start: int | None, stop: int | None, step: int | None) -> str:
    return text[start:stop:step]


METHODS: dict[str, Callable[..., str]] = {
    **{
        name: getattr(str, name)
        for name in (
            "capitalize", "casefold", "center", "expandtabs", "ljust", "lower", "lstrip", "removeprefix",
            "removesuffix", "replace", "rjust", "rstrip", "strip", "swapcase", "title", "upper", "zfill",
        )
    },
    "slice": _slice,
    "format": format,
    "repr": repr,
    "reasoning": _reasoning,
    "after_reasoning": _after_reasoning,
    "group": _group,
}  # fmt: skip
"""Text functions: the first argument is a text, so is the result. `slice` is text[start:stop:step]; `reasoning` and
`after_reasoning` part an answer at the end of its reasoning; `group` is what a group of a regex matches where the regex matches the
whole text, else "": group(text, regex, number)."""

FILLING = frozenset({"center", "ljust", "rjust"})
"""Those that fill with one character: a text of another length there is an error."""

TESTS: dict[str, Callable[..., bool]] = {
    **{name: getattr(operator, name) for name in ("eq", "lt", "le", "gt", "ge", "contains")},
    **{
        name: getattr(str, name)
        for name in (
            "startswith", "endswith", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier",
            "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper",
        )
    },
    "bool": bool,
}  # fmt: skip
"""Questions with a yes or a no."""


def what_is_wrong_with_call(kind: str, name: str, arguments: tuple[Any, ...]) -> str | None:
    """What Python would say about the arguments of a method or a test, each op among them taken as a text.

    None where it would say nothing. The function is tried on short texts only, so that a hostile graph costs nothing.
    """
    functions: Mapping[str, Callable[..., object]] = METHODS if kind == "method" else TESTS
    function = functions.get(name)
    if function is None:
        return f"there is no {kind} {name!r}"
    if kind == "method" and name == "group":
        return _what_is_wrong_with_group(arguments)
    if name in _PADDING and any(abs(width) > MAX_WIDTH for width in _numbers(arguments)):
        return f"a number in the arguments of {name} is over {MAX_WIDTH:,}"
    try:
        result = function(*map(_stand_in, arguments))
    except Exception as error:  # noqa: BLE001 - said as it is
        return f"{name}: {error}"
    wanted = str if kind == "method" else bool
    return None if type(result) is wanted else f"{name} gives a {type(result).__name__}, not a {wanted.__name__}"


def _what_is_wrong_with_group(arguments: tuple[Any, ...]) -> str | None:
    """Nothing is matched here: a hostile regex takes long."""
    match arguments:
        case (Op() | str(), str(regex), int(number)) if type(number) is int:
            try:
                groups = re.compile(regex).groups
            except (re.error, RecursionError, OverflowError) as error:
                return f"group: {regex!r} is no regex: {error}"
            return None if 1 <= number <= groups else f"group: there is no group {number} among {groups}"
        case _:
            return "group takes a text, a regex and the number of a group"


def _numbers(arguments: tuple[Any, ...]) -> Iterator[int]:
    """The integers among the arguments, and those written in their texts (the width in a format)."""
    for argument in arguments:
        if isinstance(argument, int):
            yield argument
        elif isinstance(argument, str):
            yield from (int(digits[:_SHORT]) for digits in re.findall(r"[0-9]+", argument))


def _stand_in(argument: Any) -> Any:
    """The argument as a short one of its kind."""
    if isinstance(argument, Op):
        return "a"
    if isinstance(argument, tuple):
        return tuple(map(_stand_in, cast("tuple[Any, ...]", argument)))
    return argument[:_SHORT] if isinstance(argument, str) else argument
