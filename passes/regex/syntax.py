r"""Regex source to a tree of the regular operations. What is not regular is refused, with a caret under it.

The meaning is Python's `re` for a full match of a str. `\p{L}` and `\P{L}`, which Python refuses, are a character of a
general category of Unicode, or of all that begin with its letter, and one that is not.
"""

# pyright: reportUnknownMemberType=false
# (lark leaves some of its own types open)

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple, NoReturn

from lark import Lark, Token, Tree

from sglc.ir.errors import ConstraintError
from sglc.passes.regex.anchors import anchor
from sglc.passes.regex.characters import UnsupportedError, characters
from sglc.passes.regular.source import Source
from sglc.passes.regular.tree import Chars, Look, Regular, atomic, choice, repeat, sequence

MAX_LENGTH = 20_000  # characters
MAX_OPERATORS = 10_000  # characters with a meaning: braces, stars, backslashes ...
MAX_DEPTH = 50  # groups in groups


class _Scope(NamedTuple):
    """Where in the pattern a part stands: the flags that hold (of `re`), and whether text can come before and after."""

    flags: int
    first: bool = True
    last: bool = True
    depth: int = 0


def refusal(pattern: str, span: tuple[int, int], what: str, hint: str) -> ConstraintError:
    """An error that shows a part of the pattern with a caret under it."""
    return Source("regex", pattern).refusal(span, what, hint)


def parse(pattern: str) -> Regular:
    """The tree of a pattern. Raises `ConstraintError` for what `re` refuses and for what is not regular."""
    if len(pattern) > MAX_LENGTH:
        what = f"the regex is too long: {len(pattern):,} characters, at most {MAX_LENGTH:,}"
        raise refusal(pattern, (MAX_LENGTH, MAX_LENGTH + 1), what, "split the answer into several gens")
    if (operators := sum(map(pattern.count, "\\.*+?{[|("))) > MAX_OPERATORS:
        what = f"the regex is too complex: {operators:,} operators, at most {MAX_OPERATORS:,}"
        raise refusal(pattern, (0, 1), what, "split the answer into several gens")
    flags = _flags(pattern)
    tree = _grammar().parse(pattern, start="verbose" if flags & re.VERBOSE else "plain")
    alternation = tree.children[0]
    assert isinstance(alternation, Tree)
    return _Reader(pattern).alternation(alternation, _Scope(flags))


@lru_cache
def _grammar() -> Lark:
    text = files("sglc.passes.regex").joinpath("syntax.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=["plain", "verbose"])


_PROPERTY = re.compile(r"\\(?:[pP]\{\w*\}|.)", re.DOTALL)


def _flags(pattern: str) -> int:
    """The flags of the whole pattern. Raises `ConstraintError` where Python does not accept it."""
    # re folds the case of every character of a range one by one, up to 25 ms for each range
    if re.search(r"\(\?[aLmsux]*i", pattern) and len(re.findall(r"-(\\[uU]|[^\x00-\x7f])", pattern)) > 32:
        raise ConstraintError("the regex has more than 32 large ranges under (?i)", hint="write both cases out")
    known = pattern
    if "\\p" in pattern or "\\P" in pattern:  # Python is shown a class of its own, of the same length
        known = _PROPERTY.sub(lambda found: "\\w" if len(found[0]) > 2 else found[0], pattern)
    try:
        with warnings.catch_warnings(action="ignore"):  # what may mean something else in a future Python means this now
            return re.compile(known).flags
    except re.error as error:
        at = _place(pattern, error.pos or 0)
        hint = r"a property is written \p{L}" if "escape \\p" in error.msg.lower() else "see Python's re module"
        raise refusal(pattern, (at, at + 1), f"not a valid regex: {error.msg}", hint) from error
    except (RecursionError, OverflowError) as error:
        raise ConstraintError("the regex is nested too deeply or counts too far", hint="make it simpler") from error


def _place(pattern: str, at: int) -> int:
    """Where in the pattern a place is that Python counted with two characters for each property."""
    for found in _PROPERTY.finditer(pattern):
        if len(found[0]) > 2 and found.start() < at:
            at += len(found[0]) - 2
    return at


_LOOKS = {"(?=": (True, True), "(?!": (True, False), "(?<=": (False, True), "(?<!": (False, False)}


class _Reader:
    """Walks the tree of one pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._lazy = 0  # lazy quantifiers so far

    def alternation(self, tree: Tree[Token], scope: _Scope) -> Regular:
        return choice([self._sequence(branch.children, scope) for branch in tree.children if isinstance(branch, Tree)])

    def _sequence(self, items: list[Token | Tree[Token]], scope: _Scope) -> Regular:
        start, end = 0, len(items) - 1
        while start < len(items) and _takes_no_text(items[start]):
            start += 1
        while end >= 0 and _takes_no_text(items[end]):
            end -= 1
        parts: list[Regular] = []
        for index, item in enumerate(items):
            if isinstance(item, Token) and item.type == "TEXT":
                parts += [Chars(characters(character, scope.flags)) for character in item]
                continue
            first, last = scope.first and index <= start, scope.last and index >= end
            parts.append(self._item(item, _Scope(scope.flags, first, last, scope.depth)))
        return sequence(parts)

    def _item(self, item: Token | Tree[Token], scope: _Scope) -> Regular:
        """An atom or a group, with its quantifier."""
        if isinstance(item, Token):
            atom, quantifier = _split(item)
        else:
            atom, quantifier = "", _split(item.children[2])[-1] if len(item.children) == 3 else None
        if not quantifier:
            return self._atom(item, atom, scope) if isinstance(item, Token) else self._group(item, scope)
        least, most = _counts(quantifier)
        lazy = self._lazy
        inner = scope if most == 1 else scope._replace(first=False, last=False)
        body = self._atom(item, atom, inner) if isinstance(item, Token) else self._group(item, inner)
        end = _end(item)
        tree = repeat(body, least, most, (_start(item), end))
        if quantifier[-1] == "+" and len(quantifier) > 1:
            return atomic(tree, lazy == self._lazy, (end - len(quantifier), end))
        self._lazy += quantifier[-1] == "?" and len(quantifier) > 1
        return tree

    def _atom(self, token: Token, atom: str, scope: _Scope) -> Regular:
        span = (_start(token), _start(token) + len(atom))
        if atom in _ANCHORS:
            word = characters("\\w", scope.flags) if atom in ("\\b", "\\B") else ()
            return anchor(atom, scope.flags, word, first=scope.first, last=scope.last, span=span)
        if atom.startswith("(?P=") or (atom[0] == "\\" and atom[1] in "123456789" and not _OCTAL.match(atom)):
            self._refuse(span, "a back-reference is not regular", "write out what may stand here")
        try:
            return Chars(characters(atom, scope.flags))
        except UnsupportedError as error:
            raise refusal(self._pattern, span, error.what, error.hint) from error

    def _group(self, tree: Tree[Token], scope: _Scope) -> Regular:
        opening, alternation = tree.children[0], tree.children[1]
        assert isinstance(opening, Token)
        assert isinstance(alternation, Tree)
        span = (_start(opening), _start(opening) + len(opening))
        if scope.depth == MAX_DEPTH:
            self._refuse(span, f"more than {MAX_DEPTH} groups in one another", "make the regex simpler")
        scope = scope._replace(depth=scope.depth + 1)
        if opening in _LOOKS:
            ahead, wanted = _LOOKS[opening]
            inner = scope._replace(first=scope.first and ahead, last=scope.last and not ahead)
            return Look(self.alternation(alternation, inner), ahead, wanted, span)
        if opening == "(?>":
            lazy = self._lazy
            body = self.alternation(alternation, scope)
            return atomic(body, lazy == self._lazy, span)
        if opening.startswith("(?("):
            self._refuse(span, "a condition is not regular", "write out both cases as alternatives")
        if (opening.endswith(":")) and opening != "(?:":
            on, _, off = opening[2:-1].partition("-")
            scope = scope._replace(flags=_changed(scope.flags, on, off))
        return self.alternation(alternation, scope)

    def _refuse(self, span: tuple[int, int], what: str, hint: str) -> NoReturn:
        raise refusal(self._pattern, span, what, hint)


_ANCHORS = ("^", "$", "\\A", "\\Z", "\\z", "\\b", "\\B")
_OCTAL = re.compile(r"\\[0-7]{3}$")


@lru_cache(maxsize=4096)
def _quantified(kind: str, text: str) -> tuple[str, str | None]:
    """The atom and the quantifier of a token, by the groups of its own definition in the grammar."""
    match = re.fullmatch(_grammar().get_terminal(kind).pattern.to_regexp(), text)
    assert match
    return match[1], match[match.re.groups]


def _split(token: Token | Tree[Token]) -> tuple[str, str | None]:
    assert isinstance(token, Token)
    return _quantified(token.type, str(token))


def _counts(quantifier: str) -> tuple[int, int | None]:
    if quantifier[0] != "{":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[quantifier[0]]
    least, comma, most = quantifier[1 : quantifier.index("}")].partition(",")
    return int(least or 0), (int(most) if most else None) if comma else int(least)


_FLAGS = {"a": re.ASCII, "i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


def _changed(flags: int, on: str, off: str) -> int:
    for letter in on:
        flags = flags & ~re.ASCII if letter == "u" else flags | _FLAGS[letter]
    for letter in off:
        flags &= ~_FLAGS[letter]
    return flags


def _takes_no_text(item: Token | Tree[Token]) -> bool:
    """Whether an item holds nothing but anchors and looks."""
    if isinstance(item, Token):
        return item.type != "TEXT" and _split(item)[0] in _ANCHORS
    opening, alternation = item.children[0], item.children[1]
    assert isinstance(alternation, Tree)
    return opening in _LOOKS or all(
        _takes_no_text(part) for branch in alternation.children if isinstance(branch, Tree) for part in branch.children
    )


def _start(node: Token | Tree[Token]) -> int:
    while isinstance(node, Tree):
        node = node.children[0]
    return node.start_pos or 0


def _end(node: Token | Tree[Token]) -> int:
    while isinstance(node, Tree):
        node = node.children[-1]
    return node.end_pos or 0
