"""Which parts of a grammar may be lexemes, each matched as long as possible, without a loss.

At a place of a text some lexemes are allowed. The lexer reads on as long as one of them can go on. A word of lexeme A ends
in the right place if no lexeme B that is allowed at the same place can go on behind it with what may follow A. So:

    clash(A, B): behind some word of A, a beginning of a word of B, B goes on with a byte that can follow A in the grammar,
                 and A and B can be allowed at the same place

B is broken up where A clashes with it, until none does. A single character never goes on, so this ends. All is decided on
first bytes of characters, and on what holds in some place of the grammar: a part may be broken up needlessly, never
wrongly left whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sglc.ir.errors import ConstraintError
from sglc.passes.ebnf.lexer import Lexer, TooMuchWork
from sglc.passes.ebnf.linear import Sized, TooLarge, plain
from sglc.passes.ebnf.neighbours import neighbours
from sglc.passes.ebnf.rules import ROOT, Again, Either, Expression, Grammar, Leaf, Row, Use, uses
from sglc.passes.regular.tree import Chars, Choice, Regular, Repeat, Sequence, Token, nodes

_MOST_RULES = 300  # with more of them, or more lexemes, all is broken up: slower to follow, and as exact
_MOST_LEXEMES = 200


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Rules whose leaves are lexemes and tokens, and the lexemes with their numbers. No lexeme has an empty word."""

    rules: dict[str, Expression]
    lexemes: dict[Regular, int] = field(default_factory=dict[Regular, int])


def safe_lexemes(grammar: Grammar, trees: Mapping[str, Sized]) -> Lexicon:
    """The grammar in lexemes that no lexer reads too far. trees: of the rules that are regular."""
    lexer = Lexer(grammar.source)
    broken = set[Regular]()
    try:
        while True:
            lexicon = _Writer(grammar, trees, broken).lexicon()
            more = _clashing(lexicon, lexer)
            if not more:
                return lexicon
            broken |= more
    except (TooMuchWork, ConstraintError, RecursionError):  # of their automata, and of trees of hundreds of rules
        return _Writer(grammar, trees, None).lexicon()


class _Writer:
    """Makes lexemes of the largest parts that use no nested rule and have no empty word, but of the parts of the broken
    ones instead. With `broken` None, of single characters only."""

    def __init__(self, grammar: Grammar, trees: Mapping[str, Sized], broken: set[Regular] | None) -> None:
        self._grammar = grammar
        self._trees = trees
        self._broken = broken
        self._lexicon = Lexicon({})
        self._needed = [ROOT]

    def lexicon(self) -> Lexicon:
        for name in self._needed:  # grows
            if name not in self._lexicon.rules:
                self._lexicon.rules[name] = self._part(self._grammar.rules[name].body)
        return self._lexicon

    def _part(self, expression: Expression) -> Expression:
        tree = self._tree(expression)
        if tree is not None:
            self._lexicon.lexemes.setdefault(tree, len(self._lexicon.lexemes))
            return Leaf(tree)
        match expression:
            case Leaf(tree):
                return self._letters(tree)
            case Use(name):
                self._needed.append(name)
                return expression
            case Row(parts):
                return Row(tuple(self._row(parts)))
            case Either(parts):
                return Either(tuple(map(self._part, parts)))
            case Again(body, 0, most, span) if most != 1:
                return Again(self._part(Again(body, 1, most, span)), 0, 1, span) if most != 0 else Row(())
            case Again(body, least, most, span):
                return Again(self._part(body), least, most, span)

    def _row(self, parts: tuple[Expression, ...]) -> list[Expression]:
        """Neighbours that use no nested rule are tried as one part, unless they are all there is: that was tried."""
        found: list[Expression] = []
        run: list[Expression] = []
        for part in (*parts, None):
            if part is not None and self._is_regular(part):
                run.append(part)
                continue
            whole = Row(tuple(run))
            if 1 < len(run) < len(parts) and self._tree(whole) is not None:
                found.append(self._part(whole))
            else:
                found += map(self._part, run)
            found += [self._part(part)] if part is not None else []
            run = []
        return found

    def _letters(self, tree: Regular) -> Expression:
        """A literal, letter by letter; a token."""
        if isinstance(tree, Token):
            return Leaf(tree)
        assert isinstance(tree, Sequence)
        return Row(tuple(self._part(Leaf(part)) for part in tree.parts))

    def _is_regular(self, expression: Expression) -> bool:
        return all(use.name in self._trees for use in uses(expression))

    def _tree(self, expression: Expression) -> Regular | None:
        """The tree of what may be a lexeme."""
        if isinstance(expression, Leaf) and isinstance(expression.tree, Chars):
            return expression.tree
        if self._broken is None or not self._is_regular(expression):
            return None
        try:
            tree = plain(expression, self._trees.__getitem__).tree
        except TooLarge:
            return None
        return None if tree in self._broken or _is_empty(tree) or _has_token(tree) else tree


def _has_token(tree: Regular) -> bool:
    return any(isinstance(node, Token) for node in nodes(tree))


def _is_empty(tree: Regular) -> bool:
    """Whether no text at all is a word of a tree."""
    match tree:
        case Sequence(parts):
            return all(map(_is_empty, parts))
        case Choice(parts):
            return any(map(_is_empty, parts))
        case Repeat(body, least):
            return least == 0 or _is_empty(body)
        case _:
            return False


def _clashing(lexicon: Lexicon, lexer: Lexer) -> set[Regular]:
    """The lexemes with which some lexeme clashes."""
    if len(lexicon.rules) > _MOST_RULES or len(lexicon.lexemes) > _MOST_LEXEMES:
        raise TooMuchWork
    follow, before = neighbours(lexicon.rules, ROOT)
    found: set[Regular] = set()
    for one in lexicon.lexemes:
        bytes_after = 0
        for after in follow.get(one, ()):
            bytes_after |= lexer.first_bytes(after)
        for other in lexicon.lexemes:
            if isinstance(other, Chars) or other in found or not lexer.goes_on(one, other) & bytes_after:
                continue
            if one == other or _meet(before.get(one, set()), before.get(other, set()), lexer):
                found.add(other)
    return found


def _meet(before: set[Regular | None], before_other: set[Regular | None], lexer: Lexer) -> bool:
    """Whether two lexemes can be allowed at the same place, by what stands before them: None is the start."""
    if before & before_other:
        return True
    return any(
        lexer.share_a_word(one, other)
        for one in before
        for other in before_other
        if one is not None and other is not None
    )
