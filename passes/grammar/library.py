"""llguidance, the library that follows grammars: an optional part of the installation."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from sglc.ir.grammar import MAX_GRAMMAR

if TYPE_CHECKING:
    from llguidance import LLTokenizer

HINT = "pip install 'sglc[grammar]'"

OPTIONS = '%llguidance {"no_forcing": true}\n'
"""The mask of a place where one text must come has every token of that text: which of them is written is the jumps' or
the model's to say, as with automata."""


def installed() -> bool:
    try:
        import llguidance  # noqa: F401 - whether it can be
    except ImportError:
        return False
    return True


def complaint(grammar: str) -> str:
    """What the library says against a grammar, in one line; "" where it takes it, and some text matches its beginning."""
    from llguidance import LLMatcher, LLParserLimits

    if len(grammar) > MAX_GRAMMAR:
        return f"it is a grammar of {len(grammar):,} characters, at most {MAX_GRAMMAR:,}"
    matcher = LLMatcher(_bytes(), grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
    if not matcher.is_error():
        matcher.compute_bitmask()  # the first place: a grammar that matches nothing, or too much at once
    return said(matcher.get_error()) if matcher.is_error() else ""


def said(error: str) -> str:
    """The first line of an error of the library, without the place in a text that the user has not written."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    line = re.sub(r"^at \d+\(\d+\): ", "", lines[0]) if lines else "it fails without a reason"
    line = line.removeprefix("failed to compile JSON schema: ")
    if line == "regex parse error:":
        line = next((each for each in lines if each.startswith("error:")), line)
    line = (
        line.partition(" Regex is empty:")[0].rstrip(":") + ": no text matches" if " Regex is empty:" in line else line
    )
    if line.startswith("Unable to determine if regex is empty"):
        line = "it takes too long to see whether some text matches"
    if line == "NoExtensionBias":
        line = "no text matches it"
    if line.startswith("panic: assertion failed: grammar.symbols.len()"):
        line = "it has more than 65,000 symbols"
    return "".join(c if c.isprintable() else " " for c in line)[:300]


@cache
def _bytes() -> LLTokenizer:
    """The tokenizer of single bytes: grammars are checked without a model's."""
    from llguidance import LLTokenizer

    return LLTokenizer("byte")
