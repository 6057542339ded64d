"""The host functions of generated programs. Each call is noted, so that compiled and interpreted runs can be compared."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import sglc as sgl

Call = tuple[Any, ...]
"""The name of a function and the arguments that it was given."""

_calls: SimpleQueue[Call] = SimpleQueue()
"""In no order where calls ran at once. No list: a trace would see that another thread's program changes it."""


def taken_calls() -> list[Call]:
    """The calls since this was asked last."""
    return [_calls.get_nowait() for _ in range(_calls.qsize())]


class HostFailure(Exception):
    """What a failing host function raises."""


def _turned(text: str) -> str:
    _calls.put(("turned", text))
    return text[::-1]


async def _shouted(text: str, times: int = 1) -> str:
    _calls.put(("shouted", text, times))
    return text.upper() + "!" * times


def _counted(text: str) -> int:
    _calls.put(("counted", text))
    return len(text)


def _cut(text: str) -> list[str]:
    _calls.put(("cut", text))
    return text.split()


async def _found(text: str) -> dict[str, Any]:
    _calls.put(("found", text))
    return {"text": text, "long": len(text) > 2, "tags": ["t", text[:1]]}


def _joined(texts: list[str], mark: str = "+") -> str:
    _calls.put(("joined", tuple(texts), mark))
    return mark.join(texts)


def _flaky(text: str) -> str:
    _calls.put(("flaky", text))
    if len(text) % 3 == 1:
        raise HostFailure(f"not with {text!r}")
    return f"({text})"


async def _async_flaky(text: str) -> int:
    _calls.put(("async_flaky", text))
    if len(text) % 3 == 2:
        raise HostFailure(f"not now, {text!r}")
    return len(text) // 2


def _mixed(text: str) -> Any:
    """Values that are equal and yet not the same, and such as cannot be looked up."""
    _calls.put(("mixed", text))
    values: tuple[Any, ...] = (1, True, 1.0, "1", None, 0, False, -0.0, (1, 2), (True, 2), [1], {"k": text}, text)
    return values[sum(text.encode()) % len(values)]


def bare(text: str, mark: str = "~") -> str:
    """Not decorated: for `sgl.call`."""
    _calls.put(("bare", text, mark))
    return mark + text


turned = sgl.host(_turned)
shouted = sgl.host(_shouted)
counted = sgl.host(_counted)
cut = sgl.host(timeout=30.0)(_cut)
found = sgl.host(_found)
joined = sgl.host(_joined)
mixed = sgl.host(_mixed)
flaky = sgl.host(_flaky)
async_flaky = sgl.host(_async_flaky)

NAMES: dict[str, Callable[..., Any]] = {
    "turned": turned,
    "shouted": shouted,
    "counted": counted,
    "cut": cut,
    "found": found,
    "joined": joined,
    "mixed": mixed,
    "flaky": flaky,
    "async_flaky": async_flaky,
    "bare": bare,
}
"""What a program finds by name."""
