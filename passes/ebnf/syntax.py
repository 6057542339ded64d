r"""The text of a grammar to its rules. What makes no sense is refused, with a caret under it.

The dialect is that of llama.cpp (GBNF) and XGrammar. A dot is any character, a newline too. `\xHH` is a code point, not a
byte. `<[123]>` is the token with that id.
"""

# pyright: reportUnknownMemberType=false
# (lark leaves some of its own types open)

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import NoReturn

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken

from sglc.ir.values import MAX_CONSTRAINT
from sglc.passes.ebnf.characters import MeaninglessError, character_class, literal
from sglc.passes.ebnf.rules import ROOT, Again, Either, Expression, Grammar, Leaf, Row, Rule, Use, holding, uses
from sglc.passes.regular.charset import EVERY
from sglc.passes.regular.source import Source
from sglc.passes.regular.tree import Chars, sequence
from sglc.passes.regular.tree import Token as TokenId

MAX_DEPTH = 50  # groups in groups
MAX_COUNT = 100_000  # of a repeat


def grammar_of(text: str) -> Grammar:
    """The rules of a grammar. Raises `ConstraintError`."""
    source = Source("grammar", text)
    if len(text) > (most := MAX_CONSTRAINT["ebnf"]):
        what = f"the grammar is too long: {len(text):,} characters, at most {most:,}"
        raise source.refusal((most, most + 1), what, "split the answer into several gens")
    _check_brackets(source)
    rules: dict[str, Rule] = {}
    for rule in _Reader(source).rules(_parsed(source)):
        if rule.name in rules:
            raise source.refusal(rule.span, f"there are two rules {rule.name}", "join them with | in one rule")
        rules[rule.name] = rule
    _check_names(rules, source)
    finite = holding(rules, lambda tree: True)
    for rule in rules.values():
        if rule.name not in finite:
            what = f"the rule {rule.name} has no text: each of its alternatives needs another text of it, without end"
            raise source.refusal(rule.span, what, "give it an alternative that does not lead back to it")
    return Grammar(rules, source)


def _check_names(rules: dict[str, Rule], source: Source) -> None:
    for rule in rules.values():
        for use in uses(rule.body):
            if use.name not in rules:
                hint = f'write {use.name} ::= ..., or "{use.name}" for the text itself'
                raise source.refusal(use.span, f"there is no rule {use.name}", hint)
    if ROOT not in rules:
        first = next(iter(rules.values()))
        what = f"there is no rule {ROOT}, with which an answer begins"
        raise source.refusal(first.span, what, f"call the first rule {ROOT}")


_MARKS = re.compile(r'"(?:\\.|[^"\\\r\n])*"|\[(?:\\.|[^\]\\\r\n])*\]|#[^\r\n]*|<\[[^<>\s"]*\]>|["\[()]')


def _check_brackets(source: Source) -> None:
    """Raises `ConstraintError` for one that is not closed, or not open, and for too many in one another."""
    opened: list[int] = []
    for found in _MARKS.finditer(source.text):
        at = found.start()
        match found[0]:
            case "(":
                opened.append(at)
                if len(opened) > MAX_DEPTH:
                    what = f"more than {MAX_DEPTH} groups in one another"
                    raise source.refusal((at, at + 1), what, "make a rule of what is inside")
            case ")" if not opened:
                raise source.refusal((at, at + 1), "no bracket is open here", 'a bracket as text is written ")"')
            case ")":
                opened.pop()
            case '"':
                what = "this quote is not closed on its line"
                raise source.refusal((at, at + 1), what, 'write \\n for a newline, and \\" for a quote')
            case "[":
                what = "this class is not closed on its line"
                raise source.refusal((at, at + 1), what, "close it with ], and write \\] for the bracket itself")
            case _:
                pass
    if opened:
        raise source.refusal((opened[-1], opened[-1] + 1), "this bracket is not closed", "close it with )")


@lru_cache
def _lark() -> Lark:
    text = files("sglc.passes.ebnf").joinpath("syntax.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr")


def _parsed(source: Source) -> Tree[Token]:
    try:
        return _lark().parse(source.text)
    except UnexpectedCharacters as error:
        at: int | None = error.pos_in_stream
        _refuse_at(source, at or 0, "")
    except UnexpectedToken as error:
        token: Token = error.token
        _refuse_at(source, len(source.text) if token.type == "$END" else token.start_pos or 0, token.type)


def _refuse_at(source: Source, at: int, kind: str) -> NoReturn:
    """What stands at a place where the shape of a grammar does not allow it."""
    span = (at, at + 1)
    if kind == "$END":
        raise source.refusal(span, "the grammar ends before a rule does", "a rule is written name ::= expression")
    if kind == "DEFINITION":
        raise source.refusal(span, "a rule begins inside of a bracket", "close the bracket before it")
    if kind == "QUANTIFIER" or source.text[at] in "*+?{":
        raise source.refusal(
            span,
            "there is nothing to repeat here, or this is no repeat",
            "after a part comes one of ? * + {n} {n,} {n,m}; repeats of repeats need brackets",
        )
    if kind in ("NAME", "LITERAL", "CLASS", "DOT", "ID", "LPAR", "VBAR"):
        raise source.refusal(span, "no rule has begun here", "a rule is written name ::= expression")
    raise source.refusal(
        span,
        f"{source.text[at]!r} has no meaning here",
        'a rule is written name ::= expression, of "texts", [classes], names, ( ), | and repeats',
    )


class _Reader:
    """Walks the tree of one grammar."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def rules(self, tree: Tree[Token]) -> list[Rule]:
        found: list[Rule] = []
        for part in tree.children:
            assert isinstance(part, Tree)
            definition, alternation = part.children
            assert isinstance(definition, Token)
            assert isinstance(alternation, Tree)
            name = definition.removesuffix("::=").rstrip()
            start = definition.start_pos or 0
            if not any(branch.children for branch in alternation.children if isinstance(branch, Tree)):
                self._refuse((start, start + len(definition)), f"the rule {name} is empty", 'no text is written ""')
            found.append(Rule(name, self._alternation(alternation), (start, start + len(name))))
        return found

    def _alternation(self, tree: Tree[Token]) -> Expression:
        branches = [self._sequence(branch) for branch in tree.children if isinstance(branch, Tree)]
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def _sequence(self, tree: Tree[Token]) -> Expression:
        parts = [self._item(item) for item in tree.children if isinstance(item, Tree)]
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def _item(self, tree: Tree[Token]) -> Expression:
        atom = tree.children[0]
        if isinstance(atom, Token):
            body = self._atom(atom)
        else:
            inner = atom.children[1] if len(atom.children) == 3 else atom.children[0]
            assert isinstance(inner, Tree)
            body = self._alternation(inner)
        if len(tree.children) == 1:
            return body
        quantifier = tree.children[1]
        assert isinstance(quantifier, Token)
        start = quantifier.start_pos or 0
        least, most = self._counts(quantifier, (start, start + len(quantifier)))
        first = tree
        while isinstance(first, Tree):
            first = first.children[0]
        span = (first.start_pos or 0, start + len(quantifier))
        return body if least == most == 1 else Again(body, least, most, span)

    def _counts(self, quantifier: str, span: tuple[int, int]) -> tuple[int, int | None]:
        if quantifier in ("*", "+", "?"):
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[quantifier]
        numbers = [number.strip() for number in quantifier[1:-1].split(",")]
        if any(len(number.lstrip("0")) > 6 or int(number or 0) > MAX_COUNT for number in numbers):
            self._refuse(span, f"a repeat counts to {MAX_COUNT:,} at most", "use + or *, or split the answer")
        least = int(numbers[0])
        most = least if len(numbers) == 1 else int(numbers[1]) if numbers[1] else None
        if most is not None and most < least:
            self._refuse(span, f"the repeat {quantifier} counts backwards", "write the smaller number first")
        return least, most

    def _atom(self, token: Token) -> Expression:
        text, start = str(token), token.start_pos or 0
        span = (start, start + len(text))
        try:
            match token.type:
                case "LITERAL":
                    return Leaf(sequence(Chars(((point, point),)) for point in literal(text)))
                case "CLASS":
                    return Leaf(Chars(character_class(text)))
                case "DOT":
                    return Leaf(Chars(EVERY))
                case "ID":
                    return Leaf(TokenId(self._id(text, span), span))
                case _:
                    return Use(text, span)
        except MeaninglessError as error:
            raise self._source.refusal((start + error.start, start + error.end), error.what, error.hint) from error

    def _id(self, text: str, span: tuple[int, int]) -> int:
        found = re.fullmatch(r"<\[([0-9]{1,9})\]>", text)
        if found is None:
            self._refuse(span, f"{text} is no token", "a token is written by its id: <[123]>")
        return int(found[1])

    def _refuse(self, span: tuple[int, int], what: str, hint: str) -> NoReturn:
        raise self._source.refusal(span, what, hint)
