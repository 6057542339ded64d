"""The texts that a constraint allows, where they are few."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.charset import CharSet
from sglc.passes.regular.limits import Budget
from sglc.passes.regular.tree import (
    Atomic,
    Both,
    Chars,
    Choice,
    Look,
    Not,
    Part,
    Regular,
    Repeat,
    Sequence,
    Token,
    nodes,
)


def finite_language(constraint: Constraint, limit: int) -> tuple[str, ...] | None:
    """All texts that a constraint allows, each once, if there are at most `limit`.

    In the order in which they are written: what stands further left changes last, alternatives from left to right, fewer repeats
    first. Neighbouring alternatives of one character are a class, and the characters of a class ascend, in front of
    the longer alternatives. (They ascend where a regex looks around that has more than 1,000 without.) As everywhere, `\\d` means all of Unicode's digits, and no string holds a surrogate.

    None: there are more, or they are too long to be written out (a million characters of work), or the constraint
    is not one that `compile_constraint` takes. It is never a part of them.
    """
    try:
        tree, source = read_constraint(constraint)
        budget = Budget.of(tree, source)
        kinds = {type(node) for node in nodes(tree)}
        if Token in kinds:  # whether it has a text is not known here
            return None
        if Look in kinds or Atomic in kinds:
            return _of_automaton(tree, limit, budget)
        return tuple(_Writer(limit, budget).strings(tree))
    except (_TooManyError, ConstraintError, RecursionError):  # whoever compiles the regex gets to know what is wrong
        return None


_MOST_TO_ORDER = 1_000


class _TooManyError(Exception):
    """More strings than the limit."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes out the strings of trees.

    Where a part of a tree has too many strings, so has the whole: every string of the part, put between fixed others,
    is another string of the whole. That needs others to put around it, so a sequence looks for a part without any
    string first (`[^\\s\\S]x*` has none, not too many).
    """

    limit: int
    budget: Budget

    def strings(self, tree: Regular) -> list[str]:
        """Distinct, at most `limit`; none where nothing matches."""
        match tree:
            case Chars(chars):
                return self._characters(chars)
            case Sequence(parts):
                return [] if any(map(_is_void, parts)) else self._concatenated(list(map(self.strings, parts)))
            case Choice(parts):
                return self._few(string for part in parts for string in self.strings(part))
            case Repeat(body, least, most):
                return self._repeated(self.strings(body), least, most)
            case Look():
                return self._few([""])
            case Atomic(body) | Part(body):
                return self.strings(body)
            case Both() | Not() | Token():
                raise _TooManyError  # no regex has them

    def _characters(self, chars: CharSet) -> list[str]:
        count = sum(last - first + 1 for first, last in chars)
        if count > self.limit:
            raise _TooManyError
        self.budget.spend(count)
        return [chr(point) for first, last in chars for point in range(first, last + 1)]

    def _repeated(self, body: list[str], least: int, most: int | None) -> list[str]:
        if not any(body):  # no string, or the empty one alone: there is nothing to repeat
            return body or self._few([""] * (least == 0))
        if most is None:
            raise _TooManyError
        power = self._concatenated([body] * least)
        found = dict.fromkeys(power)
        for _ in range(most - least):  # each turn finds a string that is longer than all before
            power = self._product(power, body)
            found.update(dict.fromkeys(power))
            if len(found) > self.limit:
                raise _TooManyError
        return list(found)

    def _concatenated(self, languages: list[list[str]]) -> list[str]:
        """By halves, so that a long literal is not copied once for each of its characters."""
        if len(languages) < 2:
            return languages[0] if languages else self._few([""])
        middle = len(languages) // 2
        return self._product(self._concatenated(languages[:middle]), self._concatenated(languages[middle:]))

    def _product(self, left: list[str], right: list[str]) -> list[str]:
        if len(left) + len(right) - 1 > self.limit:  # two sets of strings have at least so many concatenations
            raise _TooManyError
        self.budget.spend(sum(map(len, left)) * len(right) + len(left) * (len(right) + sum(map(len, right))))
        return self._few(first + second for first in left for second in right)

    def _few(self, strings: Iterable[str]) -> list[str]:
        """Each once, in the order of their first place."""
        found: dict[str, None] = {}
        for string in strings:
            found[string] = None
            if len(found) > self.limit:
                raise _TooManyError
        return list(found)


def _of_automaton(tree: Regular, limit: int, budget: Budget) -> tuple[str, ...]:
    """The strings along the paths of the automaton, in the order that the regex has without what it looks for."""
    dfa, runs = smallest_dfa(tree, budget)
    found: list[str] = []
    moves = dfa.moves.tolist()
    stack = [("", 0)] if moves else []
    while stack:
        text, state = stack.pop()
        found += [text] * bool(dfa.accept[state])
        after = [(run, to) for run in runs if (to := moves[state][run.letter]) >= 0]
        size = sum(run.last - run.first + 1 for run, _ in after)
        budget.spend(1 + len(runs) + size * (1 + len(text)))
        if len(text) >= len(moves) or len(found) + len(stack) + size > limit:  # a circle; each way has an end
            raise _TooManyError
        stack += [
            (text + chr(point), to) for run, to in reversed(after) for point in range(run.last, run.first - 1, -1)
        ]
    try:
        plain = dict.fromkeys(_Writer(_MOST_TO_ORDER, budget).strings(tree))
    except _TooManyError:
        return tuple(found)
    kept = set(found)
    return tuple(string for string in plain if string in kept)


def _is_void(tree: Regular) -> bool:
    """Whether a tree matches no text at all, not even the empty one."""
    match tree:
        case Chars(chars):
            return not chars
        case Sequence(parts):
            return any(map(_is_void, parts))
        case Choice(parts):
            return all(map(_is_void, parts))
        case Repeat(body, least):
            return least > 0 and _is_void(body)
        case Atomic(body) | Part(body):
            return _is_void(body)
        case Token() | Look() | Both() | Not():
            return False
