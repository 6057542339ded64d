"""Rules that use themselves at their ends only, as repeats.

A group of rules is a system of equations. Where each use of the group ends its alternative (or each begins it), the
system is linear and has one smallest solution, by Arden's rule (1961): X = A X | B is A* B. One rule may do more:

    X ::= X "," X | "-" X | X "!" | "a"     is     item ("," item)*  with  item = "-"* "a" "!"*
    X ::= "a" ("," X)* | "b"                is     "b" | "a" ("," ("a" | "b"))*

Each text of the left side is one of the right, by induction: what an alternative puts around such texts or between them
gives such a text again (a prefix belongs to the first item, a suffix to the last). The other way round, items are made by
the prefixes and suffixes, and joined one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from sglc.passes.ebnf.rules import Again, Either, Expression, Leaf, Row, Rule, Use, uses
from sglc.passes.regular.charset import union
from sglc.passes.regular.limits import MAX_POSITIONS
from sglc.passes.regular.source import Place
from sglc.passes.regular.tree import EMPTY, Chars, Choice, Regular, Sequence, repeat, sequence

_MAX_WORK = 1_000_000  # characters of all trees on the way to a solution


class Sized(NamedTuple):
    """A tree and how many characters it stands for, with its repeats written out."""

    tree: Regular
    size: int


class NotLinear(Exception):
    """A use of the group has something on both sides, or is repeated."""


class TooLarge(Exception):
    """A tree stands for more than `MAX_POSITIONS` characters, or takes too much work."""


Known: TypeAlias = Callable[[str], Sized]
"""The tree of a rule."""
Ends: TypeAlias = tuple[str | None, str | None]
"""The rules of the group with which an alternative begins and ends. (x, "") is x alone."""
Forms: TypeAlias = dict[Ends, Sized]
"""All alternatives, and what stands between the ends of each."""

NO_TEXT = Sized(EMPTY, 0)
_CONSTANT: Ends = (None, None)


def in_row(parts: list[Sized]) -> Sized:
    size = _checked(sum(part.size for part in parts))
    return Sized(sequence(part.tree for part in parts), size)


def either(parts: list[Sized]) -> Sized:
    """One of the parts. Single characters are one set; equal parts are not looked for, which would take long."""
    size = _checked(sum(part.size for part in parts))
    flat = [x for part in parts for x in (part.tree.parts if isinstance(part.tree, Choice) else (part.tree,))]
    chars = [tree.chars for tree in flat if isinstance(tree, Chars)]
    trees: list[Regular] = [Chars(union(chars))] if chars else []
    trees += [tree for tree in flat if not isinstance(tree, Chars) and not _is_empty(tree)]
    trees += [EMPTY] * any(map(_is_empty, flat))
    return Sized(trees[0] if len(trees) == 1 else Choice(tuple(trees)), size)


def again(body: Sized, least: int, most: int | None, span: Place) -> Sized:
    size = _checked(body.size * max(1, least if most is None else most))
    return Sized(repeat(body.tree, least, most, span), size)


def _is_empty(tree: Regular) -> bool:
    return isinstance(tree, Sequence) and not tree.parts


def _checked(size: int) -> int:
    if size > MAX_POSITIONS:
        raise TooLarge
    return size


def plain(expression: Expression, known: Known) -> Sized:
    """The tree of an expression, all of whose rules are known. Raises `TooLarge`."""
    match expression:
        case Leaf(tree):
            return Sized(tree, max(1, len(tree.parts)) if isinstance(tree, Sequence) else 1)  # never 0: it takes time
        case Use(name):
            return known(name)
        case Row(parts):
            return in_row([plain(part, known) for part in parts])
        case Either(parts):
            return either([plain(part, known) for part in parts])
        case Again(body, least, most, span):
            return again(plain(body, known), least, most, span)


class _Forms:
    """The forms of the rules of one group."""

    def __init__(self, group: set[str], known: Known) -> None:
        self._group = group
        self._known = known

    def of(self, expression: Expression) -> Forms:
        """Raises `NotLinear`, `TooLarge`."""
        if not any(use.name in self._group for use in uses(expression)):
            return {_CONSTANT: plain(expression, self._known)}
        match expression:
            case Use(name):
                return {(name, ""): NO_TEXT}
            case Row(parts):
                found: Forms = {_CONSTANT: NO_TEXT}
                for part in parts:
                    found = _joined(found, self.of(part))
                return found
            case Either(parts):
                return _gathered([entry for part in parts for entry in self.of(part).items()])
            case Again(body, 0, 1):
                return _gathered([*self.of(body).items(), (_CONSTANT, NO_TEXT)])
            case _:
                raise NotLinear


def _gathered(entries: list[tuple[Ends, Sized]]) -> Forms:
    found: dict[Ends, list[Sized]] = defaultdict(list)
    for ends, middle in entries:
        found[ends].append(middle)
    return {ends: either(middles) for ends, middles in found.items()}


def _joined(one: Forms, two: Forms) -> Forms:
    """One alternative followed by another."""
    entries: list[tuple[Ends, Sized]] = []
    for ends, middle in one.items():
        for ends2, middle2 in two.items():
            entries.append((_join(ends, middle, ends2, middle2), in_row([middle, middle2])))
    return _gathered(entries)


def _join(one: Ends, middle: Sized, two: Ends, middle2: Sized) -> Ends:
    if one == _CONSTANT and _is_empty(middle.tree):
        return two
    if two == _CONSTANT and _is_empty(middle2.tree):
        return one
    left, inner = (one[0], None) if one[1] == "" else one
    inner2, right = (None, two[0]) if two[1] == "" else two
    if inner is not None or inner2 is not None:
        raise NotLinear
    return left, right


def solved(group: list[Rule], known: Known) -> dict[str, Sized]:
    """The trees of rules that use one another. Raises `NotLinear` where they do it elsewhere than at their ends, and
    `TooLarge`."""
    names = {rule.name for rule in group}
    forms = _Forms(names, known)
    if len(group) == 1 and (found := _listed(group[0], forms)) is not None:
        return {group[0].name: found}
    found = {rule.name: forms.of(rule.body) for rule in group}
    if len(group) == 1:
        return {name: _alone(name, of_rule, group[0].span) for name, of_rule in found.items()}
    for at_end in (True, False):
        if all(_is_linear(ends, at_end) for of_rule in found.values() for ends in of_rule):
            return _System(found, at_end, group[0].span).solution()
    raise NotLinear


def _listed(rule: Rule, forms: _Forms) -> Sized | None:
    """The solution of X ::= item (glue X)* | other, None for a rule of another shape."""
    branches = rule.body.parts if isinstance(rule.body, Either) else (rule.body,)
    lists = [branch for branch in branches if any(use.name == rule.name for use in uses(branch))]
    if len(lists) != 1 or not isinstance(lists[0], Row):
        return None
    *items, last = lists[0].parts
    if not isinstance(last, Again) or (last.least, last.most) != (0, None):
        return None
    if any(use.name == rule.name for item in items for use in uses(item)):
        return None
    glue = forms.of(last.body)
    if glue.keys() != {(None, rule.name)}:
        return None
    item = forms.of(Row(tuple(items)))[_CONSTANT]
    others = [forms.of(branch)[_CONSTANT] for branch in branches if branch is not lists[0]]
    more = again(in_row([glue[None, rule.name], either([item, *others])]), 0, None, last.span)
    return either([*others, in_row([item, more])])


def _alone(name: str, forms: Forms, span: Place) -> Sized:
    """The solution for one rule."""

    def repeated(ends: Ends) -> list[Sized]:
        return [again(forms[ends], 0, None, span)] if ends in forms else []

    item = in_row([*repeated((None, name)), forms[_CONSTANT], *repeated((name, None))])
    if (name, name) not in forms:
        return item
    return in_row([item, again(in_row([forms[name, name], item]), 0, None, span)])


def _is_linear(ends: Ends, at_end: bool) -> bool:
    return ends[1] == "" or ends[0 if at_end else 1] is None


class _System:
    """Equations X_i = A_i1 X_1 | ... | A_in X_n | B_i, or with the X in front (not `at_end`)."""

    def __init__(self, forms: dict[str, Forms], at_end: bool, span: Place) -> None:
        self._names = list(forms)
        self._at_end = at_end
        self._span = span
        self._work = _MAX_WORK
        self._rows: list[dict[str | None, Sized]] = []
        for of_rule in forms.values():
            entries: list[tuple[Ends, Sized]] = [((self._end(ends), ""), middle) for ends, middle in of_rule.items()]
            self._rows.append({ends[0]: middle for ends, middle in _gathered(entries).items()})

    def _end(self, ends: Ends) -> str | None:
        return ends[0] if ends[1] == "" or not self._at_end else ends[1]

    def solution(self) -> dict[str, Sized]:
        """Gauss: each equation, from the last, is solved for its own X, which then goes into those before."""
        for index in reversed(range(len(self._names))):
            self._solve(index)
            for row in self._rows[:index]:
                self._put(row, self._names[index], self._rows[index])
        found: dict[str, Sized] = {}
        for name, row in zip(self._names, self._rows, strict=True):
            for before, tree in found.items():
                self._put(row, before, {None: tree})
            found[name] = row[None]  # there is one: the rule has a text
        return found

    def _solve(self, index: int) -> None:
        """X = A X | rest to X = A* rest."""
        row = self._rows[index]
        own = row.pop(self._names[index], None)
        if own is not None:
            loop = again(own, 0, None, self._span)
            for name, middle in row.items():
                row[name] = self._after(loop, middle)

    def _put(self, row: dict[str | None, Sized], name: str, solved_row: dict[str | None, Sized]) -> None:
        """The right side of a solved equation for its X."""
        outer = row.pop(name, None)
        if outer is None:
            return
        for inner, middle in solved_row.items():
            more = self._after(outer, middle)
            row[inner] = either([row[inner], more]) if inner in row else more

    def _after(self, outer: Sized, inner: Sized) -> Sized:
        self._work -= 1 + outer.size + inner.size
        if self._work < 0:
            raise TooLarge
        return in_row([outer, inner] if self._at_end else [inner, outer])
