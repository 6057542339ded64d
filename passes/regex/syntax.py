r"""Regex source to a tree of the regular operations. What is not regular is refused, with a caret under it.

The meaning is Python's `re` for a full match of a str. `\p{L}` and `\P{L}`, which Python refuses, are a character of a
general category of Unicode, or of all that begin with its letter, and one that is not.
"""

# pyright: reportUnknownMemberType=false
# (lark leaves some of its own types open)

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple, NoReturn, TypeAlias

from lark import Lark, Token, Tree

from sglc.passes.regex.anchors import anchor
from sglc.passes.regex.characters import ASCII, DOTALL, IGNORECASE, VERBOSE, UnsupportedError, characters, one_of
from sglc.passes.regex.lexer import PatternLexer, items, switched
from sglc.passes.regex.python import python_flags, refusal
from sglc.passes.regular.tree import Chars, Look, Regular, Sequence, atomic, choice, repeat, sequence

MAX_DEPTH = 50  # groups in groups


class _Scope(NamedTuple):
    """Where in the pattern a part stands: the flags that hold (of `re`), and whether text can come before and after."""

    flags: int
    first: bool = True
    last: bool = True
    depth: int = 0


def parse(pattern: str) -> Regular:
    """The tree of a pattern. Raises `ConstraintError` for what `re` refuses and for what is not regular."""
    flags = python_flags(pattern)
    tree = _grammar().parse((pattern, bool(flags & VERBOSE)))
    alternation = tree.children[0]
    assert isinstance(alternation, Tree)
    return _Reader(pattern).alternation(alternation, _Scope(flags))


@lru_cache
def _grammar() -> Lark:
    text = files("sglc.passes.regex").joinpath("syntax.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer=PatternLexer)


_LOOKS = {"(?=": (True, True), "(?!": (True, False), "(?<=": (False, True), "(?<!": (False, False)}


_Item: TypeAlias = re.Match[str] | Tree[Token]
"""What `items` finds in a run, or a group."""


class _Reader:
    """Walks the tree of one pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._lazy = 0  # lazy quantifiers so far

    def alternation(self, tree: Tree[Token], scope: _Scope) -> Regular:
        branches: list[Regular] = []
        for child in tree.children:
            if isinstance(child, Tree):
                branches.append(self._sequence(child, scope))
            else:  # words
                letters = {character: one_of(character, scope.flags) for character in {*child} - {"|"}}
                words = [tuple(map(letters.__getitem__, word)) for word in child[1:].split("|")]
                branches += [word[0] if len(word) == 1 else Sequence(word) for word in words]
        return branches[0] if len(branches) == 1 else choice(branches)

    def _sequence(self, tree: Tree[Token], scope: _Scope) -> Regular:
        found = list(self._items(tree, scope.flags))
        start, end = 0, len(found) - 1
        while start < len(found) and self._takes_no_text(found[start], scope.flags):
            start += 1
        while end >= 0 and self._takes_no_text(found[end], scope.flags):
            end -= 1
        parts: list[Regular] = []
        for index, item in enumerate(found):
            if not isinstance(item, Tree) and item[1]:
                parts += _letters(item[1], scope.flags)
                continue
            first, last = scope.first and index <= start, scope.last and index >= end
            parts.append(self._item(item, _Scope(scope.flags, first, last, scope.depth)))
        return sequence(parts)

    def _items(self, tree: Tree[Token], flags: int) -> Iterator[_Item]:
        for child in tree.children:
            if isinstance(child, Tree):
                yield child
            else:
                yield from items(self._pattern, child, bool(flags & VERBOSE))

    def _takes_no_text(self, item: _Item, flags: int) -> bool:
        """Whether an item holds nothing but anchors and looks."""
        if not isinstance(item, Tree):
            return item[2] in _ANCHORS
        opening, alternation, _ = _group(item)
        if opening in _LOOKS:
            return True
        flags = _inside(opening, flags)
        for branch in alternation.children:
            if not isinstance(branch, Tree):
                return False
            for each in self._items(branch, flags):
                if not self._takes_no_text(each, flags):
                    return False
        return True

    def _item(self, item: _Item, scope: _Scope) -> Regular:
        """An atom or a group, with its quantifier."""
        if isinstance(item, Tree):
            opening, _, closing = _group(item)
            (end,) = items(self._pattern, closing, bool(scope.flags & VERBOSE))
            start = opening.start_pos or 0
        else:
            end, start = item, item.start()
        quantifier: str | None = end[3]
        if not quantifier:
            return self._once(item, scope)
        least, most = _counts(quantifier)
        lazy = self._lazy
        body = self._once(item, scope if most == 1 else _Scope(scope.flags, False, False, scope.depth))
        tree = repeat(body, least, most, (start, end.end()))
        if quantifier[-1] == "+" and len(quantifier) > 1:
            return atomic(tree, lazy == self._lazy, end.span(3))
        self._lazy += quantifier[-1] == "?" and len(quantifier) > 1
        return tree

    def _once(self, item: _Item, scope: _Scope) -> Regular:
        return self._group(item, scope) if isinstance(item, Tree) else self._atom(item[2], item.span(2), scope)

    def _atom(self, atom: str, span: tuple[int, int], scope: _Scope) -> Regular:
        if atom in _ANCHORS:
            word = characters("\\w", scope.flags) if atom in ("\\b", "\\B") else ()
            return anchor(atom, scope.flags, word, first=scope.first, last=scope.last, span=span)
        if atom.startswith("(?P=") or (atom[0] == "\\" and atom[1] in "123456789" and not _OCTAL.match(atom)):
            self._refuse(span, "a back-reference is not regular", "write out what may stand here")
        try:
            return one_of(atom, scope.flags)
        except UnsupportedError as error:
            raise refusal(self._pattern, span, error.what, error.hint) from error

    def _group(self, tree: Tree[Token], scope: _Scope) -> Regular:
        opening, alternation, _ = _group(tree)
        start = opening.start_pos or 0
        span = (start, start + len(opening))
        if scope.depth == MAX_DEPTH:
            self._refuse(span, f"more than {MAX_DEPTH} groups in one another", "make the regex simpler")
        scope = _Scope(scope.flags, scope.first, scope.last, scope.depth + 1)
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
        return self.alternation(alternation, _Scope(_inside(opening, scope.flags), *scope[1:]))

    def _refuse(self, span: tuple[int, int], what: str, hint: str) -> NoReturn:
        raise refusal(self._pattern, span, what, hint)


def _group(tree: Tree[Token]) -> tuple[Token, Tree[Token], Token]:
    """The opening, the alternation and the closing."""
    opening, alternation, closing = tree.children
    assert isinstance(opening, Token)
    assert isinstance(alternation, Tree)
    assert isinstance(closing, Token)
    return opening, alternation, closing


def _letters(text: str, flags: int) -> list[Chars]:
    return [one_of(character, flags) for character in text]


_ANCHORS = frozenset({"^", "$", "\\A", "\\Z", "\\z", "\\b", "\\B"})
_OCTAL = re.compile(r"\\[0-7]{3}$")


def _counts(quantifier: str) -> tuple[int, int | None]:
    if quantifier[0] != "{":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[quantifier[0]]
    least, comma, most = quantifier[1 : quantifier.index("}")].partition(",")
    return int(least or 0), (int(most) if most else None) if comma else int(least)


_FLAGS = {"a": ASCII, "i": IGNORECASE, "m": int(re.MULTILINE), "s": DOTALL, "x": VERBOSE}


def _inside(opening: str, flags: int) -> int:
    """The flags in a group."""
    on, off = switched(opening)
    for letter in on:
        flags = flags & ~ASCII if letter == "u" else flags | _FLAGS[letter]
    for letter in off:
        flags &= ~_FLAGS[letter]
    return flags
