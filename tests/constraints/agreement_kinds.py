"""How other engines are known to differ, id by id: a difference is of a kind where its predicate holds.

The reasons are choices of meaning or of what to allow, none of them a fault of a mask: what is right is compared elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """name: of the row of the table; several may share one. kind, text: of the constraint."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where two masks differ. text: before. token: of an id that one of them allows; more: the other engine does. single:
    it allows no other. forced: what must come, for ours."""

    asked: Asked
    text: bytes
    token: bytes
    more: bool
    single: bytes | None
    forced: bytes

    @property
    def whole(self) -> bytes:
        return self.text + self.token


def _canonical(at: Place) -> bool:
    """Of the ways to write what is forced, only the tokenizer's own is allowed."""
    if at.more or not at.single or not at.forced:
        return False
    return all(each[: len(at.forced)] == at.forced[: len(each)] for each in (at.single, at.token))


def _delete(at: Place) -> bool:
    """The control character DEL does not stand in a string."""
    return at.asked.kind == "json_schema" and not at.more and b"\x7f" in at.token


def _escape(at: Place) -> bool:
    r"""A character that is no control character is not written as \u...., nor a slash as \/."""
    begun = rb"\\/|\\u(?!00[01])(?!0{0,2}\Z)"
    return at.asked.kind == "json_schema" and not at.more and re.search(begun, _strung(at.whole)) is not None


def _strung(text: bytes) -> bytes:
    """Without the escapes that are one backslash and another."""
    return text.replace(b"\\\\", b"")


def _minus_zero(at: Place) -> bool:
    """An integer may be -0."""
    return at.asked.kind == "json_schema" and at.more and re.search(rb"(?<![0-9.eE])-0", at.whole) is not None


def _exponent(at: Place) -> bool:
    """An exponent of a number has more than three digits."""
    return at.asked.kind == "json_schema" and at.more and re.search(rb"[eE][-+]?[0-9]{4}", at.whole) is not None


def _surrogate(at: Place) -> bool:
    """Half a character (a surrogate) stands in a string, in bytes that are no UTF-8."""
    return at.more and re.search(rb"\xed[\xa0-\xbf]", at.whole) is not None


def _counted_raw(at: Place) -> bool:
    """In a string of a bounded length, control characters stand as they are."""
    return "maxLength" in at.asked.text and at.more and re.search(rb"[\x00-\x1f]", at.token) is not None


def _counted_escape(at: Place) -> bool:
    """In a string of a bounded length there are no escapes, and no backslash."""
    return "maxLength" in at.asked.text and not at.more and b"\\" in at.whole


def _dot(at: Place) -> bool:
    """`.` takes the end of a line."""
    return at.asked.kind == "regex" and "." in at.asked.text and at.more and b"\n" in at.token


def _ascii(at: Place) -> bool:
    r"""`\d`, `\w` and `\s` are those of ASCII."""
    known = at.asked.kind == "regex" and re.search(r"\\[dws]", at.asked.text) is not None
    return known and not at.more and re.search(rb"[\x80-\xff\x1c-\x1f]", at.token) is not None


def _words(at: Place) -> bool:
    r"""`\w` and `\s` are those of Unicode's regular expressions: with marks, without fractions and separators of ASCII."""
    if at.asked.kind != "regex" or not re.search(r"\\[ws]", at.asked.text):
        return False
    try:
        text = at.token.decode()
    except UnicodeDecodeError:  # a part of a character: of one that the masks behind it decide
        return True
    letters = ("L", "Nd", "Pc")  # what both have
    return any(not unicodedata.category(character).startswith(letters) and character != " " for character in text)


KINDS: dict[str, dict[str, Callable[[Place], bool]]] = {
    "llguidance": {
        "canonical": _canonical,
        "DEL": _delete,
        "escape": _escape,
        "minus zero": _minus_zero,
        "exponent": _exponent,
        "words": _words,
    },
    "xgrammar": {
        "exponent": _exponent,
        "raw in counted": _counted_raw,
        "no escape in counted": _counted_escape,
        "dot": _dot,
        "ASCII": _ascii,
        "surrogate": _surrogate,
    },
}
"""How each engine is known to differ; the docstrings say in what."""
