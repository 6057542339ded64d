"""Regex source to a tree of the regular operations. What is not regular is refused, with a caret under it.

The meaning is Python's `re` for a full match of a str.
"""

# pyright: reportUnknownMemberType=false
# (lark leaves some of its own types open)

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import NoReturn

from lark import Lark, Token, Tree

from sglc.ir.errors import ConstraintError
from sglc.passes.regex.charset import EVERY, CharSet, category, char_set, complement, ignoring_case, intersection, union
from sglc.passes.regex.tree import EMPTY, Chars, Regular, choice, repeat, sequence

MAX_LENGTH = 20_000  # characters
MAX_OPERATORS = 10_000  # characters with a meaning: braces, stars, backslashes ...
MAX_DEPTH = 50  # groups in groups


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where in the pattern a part stands: the flags that hold, and whether text can come before and after it."""

    ignore_case: bool = False
    dot_all: bool = False
    ascii_only: bool = False
    first: bool = True
    last: bool = True
    depth: int = 0


def refusal(pattern: str, span: tuple[int, int], what: str, hint: str) -> ConstraintError:
    """An error that shows a part of the pattern with a caret under it."""
    start, end = span
    left = max(0, start - 40)
    line = "".join(c if c.isprintable() else "·" for c in pattern[left : max(end, start + 1) + 40][:120])
    dots = "..." if left else ""
    carets = "^" * max(1, min(end, left + 120) - start)
    return ConstraintError(f"{what}\n    {dots}{line}\n    {' ' * (len(dots) + start - left)}{carets}", hint=hint)


def parse(pattern: str) -> Regular:
    """The tree of a pattern. Raises `ConstraintError` for what `re` refuses and for what is not regular."""
    if len(pattern) > MAX_LENGTH:
        what = f"the regex is too long: {len(pattern):,} characters, at most {MAX_LENGTH:,}"
        raise refusal(pattern, (MAX_LENGTH, MAX_LENGTH + 1), what, "split the answer into several gens")
    if (operators := sum(map(pattern.count, "\\.*+?{[|("))) > MAX_OPERATORS:
        what = f"the regex is too complex: {operators:,} operators, at most {MAX_OPERATORS:,}"
        raise refusal(pattern, (0, 1), what, "split the answer into several gens")
    _check_python_accepts(pattern)
    flags = re.match(r"\(\?([aiLmsux]+)\)", pattern)
    letters = flags[1] if flags else ""
    scope = _Scope(ignore_case="i" in letters, dot_all="s" in letters, ascii_only="a" in letters)
    return _Reader(pattern).alternation(_grammar("x" in letters).parse(pattern), scope)


@lru_cache
def _grammar(verbose: bool) -> Lark:
    """The grammar; under the flag x, white space and comments between its tokens mean nothing."""
    text = files("sglc.passes.regex").joinpath("syntax.lark").read_text(encoding="utf-8")
    if verbose:
        text = text.replace("?atom: TEXT |", "?atom:")
    layout = "\nLAYOUT.4: /[ \\t\\n\\r\\v\\f]+|#[^\\n]*/\n%ignore LAYOUT\n" if verbose else ""
    return Lark(text + layout, parser="lalr")


def _check_python_accepts(pattern: str) -> None:
    # re folds the case of every character of a range one by one, up to 25 ms for each range
    if re.search(r"\(\?[aLmsux]*i", pattern) and len(re.findall(r"-(\\[uU]|[^\x00-\x7f])", pattern)) > 32:
        raise ConstraintError("the regex has more than 32 large ranges under (?i)", hint="write both cases out")
    try:
        with warnings.catch_warnings(action="ignore"):  # what may mean something else in a future Python means this now
            re.compile(pattern)
    except re.error as error:
        at = error.pos or 0
        raise refusal(pattern, (at, at + 1), f"not a valid regex: {error.msg}", "see Python's re module") from error
    except (RecursionError, OverflowError) as error:
        raise ConstraintError("the regex is nested too deeply or counts too far", hint="make it simpler") from error


class _Reader:
    """Walks the tree of one pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def alternation(self, tree: Tree[Token], scope: _Scope) -> Regular:
        return choice([self._sequence(branch, scope) for branch in _trees(tree)])

    def _sequence(self, tree: Tree[Token], scope: _Scope) -> Regular:
        items = _trees(tree)
        solid = [index for index, item in enumerate(items) if not _takes_no_text(item)]
        start, end = (solid[0], solid[-1]) if solid else (len(items), -1)
        scopes = (
            replace(scope, first=scope.first and index <= start, last=scope.last and index >= end)
            for index in range(len(items))
        )
        return sequence([self._item(item, scope) for item, scope in zip(items, scopes, strict=True)])

    def _item(self, tree: Tree[Token], scope: _Scope) -> Regular:
        atom, *rest = tree.children
        if not rest:
            return self._atom(atom, scope)
        quantifier = rest[0]
        assert isinstance(quantifier, Token)
        least, most = self._counts(quantifier)
        if most != 1:
            scope = replace(scope, first=False, last=False)
        span = (_start(atom), _end(quantifier))
        return repeat(self._atom(atom, scope), least, most, span)

    def _counts(self, quantifier: Token) -> tuple[int, int | None]:
        text = str(quantifier)
        counted = text.startswith("{")
        if text.endswith("+") and len(text) > 1:
            self._refuse(quantifier, "a possessive quantifier is not supported", "leave the second + out")
        if not counted:
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text[0]]
        least, comma, most = text[1 : text.index("}")].partition(",")
        return int(least or 0), (int(most) if most else None) if comma else int(least)

    def _atom(self, atom: Token | Tree[Token], scope: _Scope) -> Regular:
        if isinstance(atom, Tree):
            return self._group(atom, scope)
        text = str(atom)
        match atom.type:
            case "DOT":
                return Chars(EVERY if scope.dot_all else complement(((10, 10),)))
            case "CARET":
                return self._anchor(atom, scope.first, "start")
            case "DOLLAR":
                return self._anchor(atom, scope.last, "end")
            case "BACK_REFERENCE":
                self._refuse(atom, "a back-reference is not regular", "write out what may stand here")
            case "CLASS":
                return self._chars(atom, self._class(atom, scope), scope)
            case "ESCAPE":
                return self._escape(atom, scope)
            case _:
                return sequence(self._literal(character, scope) for character in text)

    def _literal(self, character: str, scope: _Scope) -> Regular:
        point = ord(character)
        chars: CharSet = ((point, point),)
        if scope.ignore_case:
            chars = ignoring_case(re.escape(character), chars, scope.ascii_only)
        return Chars(intersection(chars, EVERY))

    def _escape(self, token: Token, scope: _Scope) -> Regular:
        text = str(token)
        match text[1]:
            case "A":
                return self._anchor(token, scope.first, "start")
            case "Z" | "z":
                return self._anchor(token, scope.last, "end")
            case "b" | "B":
                self._refuse(token, "a word boundary is not supported", "write the characters that stand there")
            case "N":
                self._refuse(token, "a character by name is not supported", "write the character or \\uXXXX")
            case "d" | "D" | "w" | "W" | "s" | "S":
                return Chars(category(text[1], scope.ascii_only))
            case digit if digit in "123456789" and not re.fullmatch("[0-7]{3}", text[1:]):
                self._refuse(token, "a back-reference is not regular", "write out what may stand here")
            case _:
                point = _code_point(text)
                return self._chars(token, char_set([(point, point)]), scope)

    def _group(self, tree: Tree[Token], scope: _Scope) -> Regular:
        opening, alternation = tree.children[0], tree.children[1]
        assert isinstance(opening, Token)
        assert isinstance(alternation, Tree)
        if scope.depth == MAX_DEPTH:
            self._refuse(opening, f"more than {MAX_DEPTH} groups in one another", "make the regex simpler")
        text = str(opening)
        flags = re.fullmatch(r"\(\?([a-zA-Z]*)(?:-([a-z]+))?:", text)
        if flags is None and text != "(" and not text.startswith("(?P<"):
            what = "an atomic group" if text == "(?>" else "a condition" if text.startswith("(?(") else "looking around"
            self._refuse(opening, f"{what} is not supported", "say it without, or check the answer afterwards")
        scope = replace(scope, depth=scope.depth + 1)
        if flags:
            on, off = flags[1], flags[2] or ""
            if "x" in on + off:
                self._refuse(opening, "the flag x is supported only for a whole regex", "begin the regex with (?x)")
            scope = replace(
                scope,
                ignore_case=(scope.ignore_case or "i" in on) and "i" not in off,
                dot_all=(scope.dot_all or "s" in on) and "s" not in off,
                ascii_only=(scope.ascii_only or "a" in on) and "u" not in on,
            )
        return self.alternation(alternation, scope)

    def _anchor(self, token: Token, trivial: bool, edge: str) -> Regular:
        if not trivial:
            what = f"{token} is supported only at the {edge} of the regex"
            self._refuse(token, what, "leave it out: the whole answer matches the regex")
        return EMPTY

    def _chars(self, token: Token, chars: CharSet, scope: _Scope) -> Regular:
        if not scope.ignore_case:
            return Chars(chars)
        return Chars(ignoring_case(str(token), chars, scope.ascii_only))

    def _class(self, token: Token, scope: _Scope) -> CharSet:
        body = str(token)[1:-1]
        negated = body.startswith("^")
        units: list[str] = _UNIT.findall(body[1:] if negated else body)
        sets: list[CharSet] = []
        at = 0
        while at < len(units):
            unit = units[at]
            if re.fullmatch(r"\\[dDwWsS]", unit):
                sets.append(category(unit[1], scope.ascii_only))
                at += 1
                continue
            if unit.startswith("\\N"):
                self._refuse(token, "a character by name is not supported", "write the character or \\uXXXX")
            first = last = _code_point(unit, in_class=True)
            if at + 2 < len(units) and units[at + 1] == "-":
                last = _code_point(units[at + 2], in_class=True)
                at += 2
            sets.append(char_set([(first, last)]))
            at += 1
        chars = union(sets)
        return complement(chars) if negated else chars

    def _refuse(self, token: Token, what: str, hint: str) -> NoReturn:
        raise refusal(self._pattern, (_start(token), _end(token)), what, hint)


_UNIT = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[0-7]{1,3}|[\s\S])|[^\\]", re.DOTALL
)
_CONTROLS = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}


def _code_point(unit: str, *, in_class: bool = False) -> int:
    """The character of an escape or of a character itself; `\\b` is a backspace in a class."""
    if len(unit) == 1:
        return ord(unit)
    letter = unit[1]
    if letter in "xuU":
        return int(unit[2:], 16)
    if letter in "01234567":
        return int(unit[1:], 8)
    return _CONTROLS.get(letter, ord(letter))


def _takes_no_text(item: Tree[Token]) -> bool:
    """Whether an item holds nothing but anchors."""
    atom = item.children[0]
    if isinstance(atom, Token):
        return atom.type in ("CARET", "DOLLAR") or (atom.type == "ESCAPE" and atom[1] in "AZz")
    return all(_takes_no_text(item) for branch in _trees(atom.children[1]) for item in _trees(branch))


def _trees(tree: Token | Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)] if isinstance(tree, Tree) else []


def _start(node: Token | Tree[Token]) -> int:
    while isinstance(node, Tree):
        node = node.children[0]
    return node.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0
