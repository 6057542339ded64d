"""One line of the text form, as a tree of the grammar, or what is wrong with it and where."""

# pyright: reportUnknownMemberType=false
# (lark leaves some of its own types open)

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TypeAlias, cast

from lark import Lark, Token
from lark import Tree as Syntax
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

MAX_LINE = 100_000
"""Characters of a line, strings not counted: a bound on the memory that a hostile line takes, about 30 MB."""

Rule: TypeAlias = Syntax[Token]
Node: TypeAlias = Token | Syntax[Token]

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
_READABLE = {
    "STRING": "a string",
    "VALUE": "a value (%name)",
    "NAME": "a name",
    "ROLE": "a role (<user>)",
    "INT": "an integer",
    "FLOAT": "a number",
    "$END": "the end of the line",
    "<END-OF-FILE>": "the end of the line",  # lark's lexer's word for it
}


class Fault(Exception):
    """What is wrong with a line at its columns start..end, counted from 0."""

    def __init__(self, what: str, start: int = 0, end: int = 0, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.start, self.end, self.hint = what, start, end, hint


def fault_at(node: Node, what: str, hint: str = "") -> Fault:
    """A fault at the place of a node, or of its first token."""
    while isinstance(node, Syntax) and node.children:
        node = node.children[0]
    if isinstance(node, Syntax) or node.column is None:
        return Fault(what, hint=hint)
    return Fault(what, node.column - 1, node.column - 1 + len(node), hint)


@functools.cache
def _grammar() -> Lark:
    return Lark.open("grammar.lark", rel_to=__file__, start="line", parser="lalr", maybe_placeholders=False)


def parse_line(line: str) -> Rule:
    """Raises `Fault` for whatever is no line of the grammar."""
    if len(line) > MAX_LINE and len(_STRING.sub('""', line)) > MAX_LINE:
        raise Fault(f"a line has over {MAX_LINE:,} characters outside of strings", hint="split it")
    try:
        return _grammar().parse(line)
    except UnexpectedCharacters as error:
        start = error.column - 1
        what = f"unexpected character {line[start]!r}" if line[start] != '"' else "a string has no end or a bad escape"
        raise Fault(what, start, start + 1, _expected(error.allowed)) from None
    except UnexpectedToken as error:
        token = cast(Token, error.token)
        if token.type == "$END":
            raise Fault("the line ends too early", len(line), len(line), _expected(error.expected)) from None
        raise fault_at(token, f"unexpected {token[:40]!r}", _expected(error.expected)) from None


def _expected(terminals: Iterable[str]) -> str:
    grammar = _grammar()
    words = (_READABLE.get(name) or f"`{grammar.get_terminal(name).pattern.value}`" for name in terminals)
    return f"expected {', '.join(sorted(words))}"
