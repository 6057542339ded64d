"""What may come next to a lexeme in the texts of a grammar: the sets FIRST and FOLLOW of parsing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sglc.passes.ebnf.rules import Again, Either, Expression, Leaf, Row, Rule, Use, holding
from sglc.passes.regular.tree import Regular


class Neighbours(NamedTuple):
    """follow: for each lexeme or token, those that may come next. before: those that may stand before it; None where it
    may begin a text."""

    follow: dict[Regular, set[Regular]]
    before: dict[Regular, set[Regular | None]]


def neighbours(rules: Mapping[str, Expression], root: str) -> Neighbours:
    """Of the leaves of the rules, none of which has an empty word."""
    tables = _Tables(rules)
    follow, before = dict[Regular, set[Regular]](), dict[Regular, set[Regular | None]]()
    for leaf, number in tables.leaves.items():
        follow[leaf] = tables.those(tables.follow[number])
    for leaf, after in follow.items():
        for other in after:
            before.setdefault(other, set()).add(leaf)
    for leaf in tables.those(tables.first_of[root]):
        before.setdefault(leaf, set()).add(None)
    return Neighbours(follow, before)


class _Tables:
    """Sets of leaves as numbers, bit by bit; found by going round until nothing changes."""

    def __init__(self, rules: Mapping[str, Expression]) -> None:
        self.leaves: dict[Regular, int] = {}
        self._empty = holding({name: Rule(name, body, "") for name, body in rules.items()}, lambda tree: False)
        self.first_of = dict.fromkeys(rules, 0)
        before = None
        while self.first_of != before:
            before = dict(self.first_of)
            for name, body in rules.items():
                self.first_of[name] = self._first(body)
        self.follow = [0] * len(self.leaves)
        self._follow_of = dict.fromkeys(rules, 0)
        known = None
        while known != (self.follow, self._follow_of):
            known = (list(self.follow), dict(self._follow_of))
            for name, body in rules.items():
                self._walk(body, self._follow_of[name])

    def those(self, bits: int) -> set[Regular]:
        return {leaf for leaf, number in self.leaves.items() if bits >> number & 1}

    def _is_empty(self, expression: Expression) -> bool:
        match expression:
            case Leaf():
                return False
            case Use(name):
                return name in self._empty
            case Row(parts):
                return all(map(self._is_empty, parts))
            case Either(parts):
                return any(map(self._is_empty, parts))
            case Again(body, least):
                return least == 0 or self._is_empty(body)

    def _first(self, expression: Expression) -> int:
        match expression:
            case Leaf(tree):
                return 1 << self.leaves.setdefault(tree, len(self.leaves))
            case Use(name):
                return self.first_of[name]
            case Row(parts):
                return self._begin(parts, 0)
            case Either(parts):
                found = 0
                for part in parts:
                    found |= self._first(part)
                return found
            case Again(body):
                return self._first(body)

    def _begin(self, parts: tuple[Expression, ...], after: int) -> int:
        """What parts in a row and then `after` begin with. Every part is looked at, so that each leaf has a number."""
        for part in reversed(parts):
            after = self._first(part) | (after if self._is_empty(part) else 0)
        return after

    def _walk(self, expression: Expression, after: int) -> None:
        """Notes what follows each leaf and rule of an expression that `after` may follow."""
        match expression:
            case Leaf(tree):
                self.follow[self.leaves[tree]] |= after
            case Use(name):
                self._follow_of[name] |= after
            case Row(parts):
                for part in reversed(parts):
                    self._walk(part, after)
                    after = self._first(part) | (after if self._is_empty(part) else 0)
            case Either(parts):
                for part in parts:
                    self._walk(part, after)
            case Again(body, _, most):
                self._walk(body, after if most == 1 else after | self._first(body))
