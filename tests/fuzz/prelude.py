"""What generated programs find by name, besides `sgl`: host functions, helpers, modules, constants."""

from __future__ import annotations

import copy
import html
import json
import re
import textwrap
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sglc as sgl
from tests.fuzz import hosts

TABLE = {"yes": "go", "no": "stop", "7": "seven", "": "nothing", "A": "first"}
NAME = "no"
ITEMS = ("yes", "B", "12")
PHRASES = types.SimpleNamespace(greeting="Hi {}!".format)


def polite(text: Any) -> Any:
    """Plain Python on a text: a comparison and a sum."""
    return "please " + text if text != "no" else text.upper()


def shortened(text: Any) -> Any:
    """A loop over questions about a text."""
    for end in ("s", "o", "!"):
        if text.endswith(end):
            return text[:-1]
    return text or "-"


def asked(s: Any, text: Any) -> Any:
    """A helper that works on the state: appends, asks, and branches on the answer."""
    s += "Asked " + text + ": " + sgl.gen("helped", temperature=0)
    if s["helped"] == "yes":
        s += " Good."
    return s["helped"]


def chosen(s: Any, *options: Any) -> Any:
    """A helper with a select of texts that it is given."""
    s += sgl.select("picked", choices=[*options, "rest"])
    return {"yes": 1, "no": 2}.get(s["picked"], 0)


@sgl.function
def deeper(s: Any, p: Any, depth: int = 0) -> int:
    """A program that calls itself as long as the model says so."""
    s += f"{depth}: {p}" + sgl.gen("answer", temperature=0)
    if depth > 0 and s["answer"] in ("yes", "A", "7"):
        below = deeper(p=s["answer"] + ".", depth=depth - 1)
        s += below["answer"]
        return below.ret_value + 1
    return 0


def pieces(text: Any, size: int = 2) -> Iterator[Any]:
    """A generator of parts of a text."""
    while text and size:
        yield text[:2]
        text, size = text[2:], size - 1


class Notes:
    """What a body may keep its texts in."""

    def __init__(self, *lines: Any) -> None:
        self.lines = list(lines)

    def add(self, line: Any) -> Notes:
        if line not in self.lines:
            self.lines.append(line)
        return self

    @property
    def last(self) -> Any:
        return self.lines[-1] if self.lines else ""

    def text(self) -> Any:
        return sgl.join("; ", self.lines)


@dataclass
class Card:
    """An argument with a text and a number in it."""

    title: Any = "no"
    count: int = 1


def names() -> dict[str, Any]:
    """A new namespace for one program."""
    return {
        "sgl": sgl, "copy": copy, "html": html, "json": json, "re": re, "textwrap": textwrap, "TABLE": TABLE, "NAME": NAME,
        "ITEMS": ITEMS, "PHRASES": PHRASES, "Counter": Counter, "deeper": deeper, "pieces": pieces, "Notes": Notes, "Card": Card, "polite": polite, "shortened": shortened, "asked": asked, "chosen": chosen, **hosts.NAMES,
    }  # fmt: skip
