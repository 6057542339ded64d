"""Host functions."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import sglc as sgl
from tests.language.idioms.table import NUMBERS, WORDS, ask, idiom, start


@sgl.host
def search(query: str) -> str:
    return {"yes": "found it", "": ""}.get(query, f"nothing about {query}")


@sgl.host
def length(text: str) -> int:
    return len(text)


@sgl.host
def ratio(text: str) -> float:
    return len(text) / 3


@sgl.host
def is_long(text: str, than: int = 2) -> bool:
    return len(text) > than


@sgl.host
def looked_up(key: str) -> dict[str, Any]:
    return {"key": key, "words": key.split(), "none": None}


@sgl.host
def words_of(text: str) -> list[str]:
    return text.split()


@sgl.host
def maybe(text: str) -> str | None:
    return text.upper() if text in ("yes", "so") else None


@sgl.host
def parsed(text: str) -> int:
    return int(text)


@sgl.host
def untyped(text, *more, sep="-"):
    return sep.join([text, *more])


@sgl.host
async def awaited(text: str) -> str:
    await asyncio.sleep(0)
    return text + text


@idiom(*WORDS)
def host_text(s, row):
    a = start(s, row)
    found = search(a)
    s += " " + found
    if found.startswith("nothing"):
        s += " sorry"
        ask(s, "b")
    return found


@idiom(*WORDS)
def host_numbers(s, row):
    a = start(s, row)
    if length(a) > 2:
        s += f" {length(a) * 2}"
    return [length(a), ratio(a), is_long(a), is_long(a, than=0), not is_long(a)]


@idiom(*WORDS)
def host_data(s, row):
    a = start(s, row)
    entry = looked_up(a)
    s += f" {entry['key']} {len(entry['words'])} {entry['none']}"
    for word in words_of(a):
        s += f" <{word}>"
    return [entry, maybe(a) is None, maybe(a) or "none"]


@idiom(*WORDS)
def host_called(s, row):
    a = start(s, row)
    shown = sgl.call(lambda text, mark: mark + text.title(), a, mark="*")
    s += shown + untyped(a, "x", sep="/") + untyped(search(a), a)
    return shown == "*Yes"


@idiom(*WORDS, plain=False)
def host_async(s, row):
    a = start(s, row)
    s += awaited(a) + sgl.call(awaited, "x")
    if awaited(a) == "yesyes":
        s += " agreed"


@idiom(*NUMBERS)
def host_fails(s, row):
    a = start(s, row)
    s += f" {parsed(a) + 1}"


@idiom(*NUMBERS, plain=False)
def host_fails_inside_try(s, row):
    a = start(s, row)
    try:
        s += f" {parsed(a) + 1}"
    except ValueError:
        s += " caught"


@idiom({"a": "x", "b": "no"}, {"a": "yes", "b": ["no", "yes"]}, {"a": "", "b": ""}, {"a": "so", "b": "yes"})
def tool_loop(s, row):
    query = start(s, row)
    for _ in range(3):
        s += f" [{search(query)}]"
        query = ask(s, "b")
        if query == "yes":
            return search(query)
    return None


@sgl.host
def looked_up_untyped(key):
    return {"key": key}


@idiom(*WORDS, plain=False)
def tool_without_annotation_that_gives_no_text(s, row):
    found = looked_up_untyped(start(s, row))
    s += found.get("key", "none")


class Shelf:
    def __init__(self, name: str) -> None:
        self.name = name

    @sgl.host
    def get(self, key: str) -> str:
        return f"{self.name}:{key}"

    @classmethod
    @sgl.host
    def kind(cls, key: str) -> str:
        return f"{cls.__name__} of {key}"

    def put(self, key: str) -> str:
        return f"{key} into {self.name}"


class Corner(Shelf):
    def get(self, key: str) -> str:
        return super().get(key) + " in the corner"


UPPER, LOWER, CORNER = Shelf("upper"), Shelf("lower"), Corner("corner")


@idiom(*WORDS)
def tools_that_are_methods(s, row):
    a = start(s, row)
    s += UPPER.get(a) + LOWER.get(a) + Shelf.kind(a) + UPPER.kind(a) + CORNER.get(a) + Shelf.get(CORNER, a)
    s += sgl.call(UPPER.put, a) + sgl.call(LOWER.put, a) + sgl.call(UPPER.get, a) + sgl.call(LOWER.get, a)


def _limited(tool):
    @functools.wraps(tool)
    def checked(text):
        return tool(text) if len(text) < 4 else "too long"

    return checked


checked_search = _limited(search)


@idiom("so", "long enough", "yes", "naïve – ok")
def tool_in_a_wrapper(s, row):
    a = start(s, row)
    s += checked_search(f"{a}") + sgl.call(checked_search, a)
