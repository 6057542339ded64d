r"""A pattern to the large tokens of its shape, and those to single atoms.

`a\d{2}|x|yz(b)?` is RUN `a\d{2}`, WORDS `|x`, _BAR, RUN `yz`, OPENING `(`, RUN `b` and CLOSING `)?`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from lark import Token
from lark.common import LexerConf
from lark.lexer import Lexer

_ESCAPE = r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[NpP]\{[^}]*\}|[0-7]{3}|0[0-7]{0,2}|[1-9][0-9]?|.)"
_CLASS = r"\[\^?\]?(?:\\.|[^\]\\])*\]"
_REFERENCE = r"\(\?P=\w+\)"
_REPEAT = r"(?:[*+?]|\{(?:[0-9]+(?:,[0-9]*)?|,[0-9]*)\})[?+]?"
_OPENING = r"\((?:\?(?:[:>=!]|P<\w+>|<[=!]|\(\w+\)|[aiLmsux]*(?:-[imsx]+)?:))?"
_COMMENT = r"\(\?#[^)]*\)"
_GLOBAL_FLAGS = r"\(\?[aiLmsux]+\)"
_SPECIAL = r"\\.^$*+?{}\[\]|()"  # in a class


class _Regexes(NamedTuple):
    """token: one of the grammar, by the name of its group. item: (characters without a quantifier), (an atom) with or
    without its (quantifier), or none of them where a part of a run means nothing."""

    token: re.Pattern[str]
    item: re.Pattern[str]


@lru_cache
def _regexes(verbose: bool) -> _Regexes:
    layout = r"[ \t\n\r\v\f]|#[^\n]*+|" if verbose else ""
    first = r" \t\n\r\v\f#" if verbose else ""  # the characters that layout begins with, in a class
    gap = f"(?:{layout}{_COMMENT})*"
    run = rf"(?:[^\\\[|(){first}]+|{layout}\\.|{_CLASS}|{_REFERENCE}|{_COMMENT}|{_GLOBAL_FLAGS})+"
    words = rf"(?:\|[^{_SPECIAL}{first}]++(?=[|)]|\Z))+"
    closing = rf"\)(?:{gap}{_REPEAT})?"
    token = rf"(?P<RUN>{run})|(?P<WORDS>{words})|(?P<_BAR>\|)|(?P<CLOSING>{closing})|(?P<OPENING>{_OPENING})"
    text = rf"[^{_SPECIAL}{first}]+(?![*+?{{{first}]|\(\?#)"
    atom = f"{_ESCAPE}|{_CLASS}|{_REFERENCE}|."
    item = f"({text})|{layout}{_COMMENT}|{_GLOBAL_FLAGS}|({atom})(?:{gap}({_REPEAT}))?"
    return _Regexes(re.compile(token, re.DOTALL), re.compile(item, re.DOTALL))


class PatternLexer(Lexer):
    """The tokens of (a pattern, whether it is under the flag x), of which Python has accepted the pattern.

    Lark's own would compile the terminals anew for each set of them that its parser expects: 2 ms for a small pattern.
    """

    def __init__(self, conf: LexerConf) -> None:
        pass

    def lex(self, data: tuple[str, bool]) -> Iterator[Token]:  # pyright: ignore[reportIncompatibleMethodOverride]: lark gives what `parse` got
        pattern, verbose = data
        outside: list[bool] = []  # the flag, outside of each open group
        at = 0
        while at < len(pattern):
            if pattern[at] == ")":  # what stands behind it is outside, its quantifier too
                verbose = outside.pop()
            found = _regexes(verbose).token.match(pattern, at)
            assert found
            kind = found.lastgroup
            assert kind
            if kind == "OPENING":
                outside.append(verbose)
                on, off = switched(found[0])
                verbose = (verbose or "x" in on) and "x" not in off
            yield Token(kind, found[0], at)
            at = found.end()


def switched(opening: str) -> tuple[str, str]:
    """The letters of the flags that an opening such as `(?i-s:` switches on and off."""
    if not opening.endswith(":"):
        return "", ""
    on, _, off = opening[2:-1].partition("-")
    return on, off


def items(pattern: str, token: Token, verbose: bool) -> Iterator[re.Match[str]]:
    """Of a run or a closing: groups 1, characters without a quantifier; or 2, an atom (or the bracket), and 3, its
    quantifier or None."""
    start = token.start_pos or 0
    for found in _regexes(verbose).item.finditer(pattern, start, start + len(token)):
        if found.lastindex:
            yield found
