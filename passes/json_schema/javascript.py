"""The smallest parts of JavaScript's regexes: tokens, and the characters that they stand for."""

from __future__ import annotations

import re

from sglc.passes.regular.charset import CharSet, char_set, complement

_HEX = "[0-9a-fA-F]"
_ESCAPE = (
    rf"\\(?:u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|u{_HEX}{{4}}|u\{{{_HEX}{{1,6}}\}}|x{_HEX}{{2}}"
    r"|[dDwWsStnvfr]|0(?![0-9])|[^0-9a-zA-Z])"
)
TOKEN = re.compile(
    rf"(?P<escape>{_ESCAPE})|(?P<class>\[(?!\^?\])(?:\\.|[^\]\\])+\])"
    r"|(?P<open>\((?:\?[:=!]|\?<\w+>|(?!\?)))|(?P<close>\))|(?P<bar>\|)|(?P<anchor>[\^$])"
    r"|(?P<count>(?:[*+?]|\{[0-9]{1,9}(?:,[0-9]{0,9})?\})\??)|(?P<dot>\.)|(?P<character>[^\\\[({])",
    re.DOTALL,
)
UNIT = re.compile(rf"(?:{_ESCAPE}|\\b|[^\\])", re.DOTALL)

UNKNOWN = {
    "(": ("a group of this kind is not supported", "say it without, or check the answer afterwards"),
    "\\": ("an escape of this kind is not supported", "write the characters that it stands for"),
    "[": ("a class needs characters and an end", "write \\[ for the character itself"),
    "{": ("this is no count", "write \\{ for the character itself"),
}
"""What can begin with a character that begins no token."""

_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0, "b": 8}
_LINE_ENDS: CharSet = ((10, 10), (13, 13), (0x2028, 0x2029))
_SPACES = " \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
_CATEGORIES: dict[str, CharSet] = {
    "d": char_set([(48, 57)]),
    "w": char_set([(48, 57), (65, 90), (95, 95), (97, 122)]),
    "s": char_set([(9, 13), *((ord(c), ord(c)) for c in _SPACES), (0x2000, 0x200A)]),
}
"""What JavaScript means by them, which is not what Python means."""


def characters(text: str, *, in_class: bool = False) -> CharSet:
    """The characters that a character, an escape or the dot stands for."""
    if text == "." and not in_class:
        return complement(_LINE_ENDS)
    if len(text) > 1 and text[1].lower() in _CATEGORIES:
        chars = _CATEGORIES[text[1].lower()]
        return complement(chars) if text[1].isupper() else chars
    point = _code_point(text)
    return char_set([(point, point)])


def _code_point(text: str) -> int:
    """Of a character, or of an escape of one."""
    if len(text) == 1:
        return ord(text)
    match text[1]:
        case "u" if len(text) == 12:
            return 0x10000 + (int(text[2:6], 16) - 0xD800) * 0x400 + int(text[8:], 16) - 0xDC00
        case "u" | "x":
            return int(text[2:].strip("{}"), 16)
        case letter:
            return _CONTROLS.get(letter, ord(letter))
