"""What a lexer can do with lexemes: asked of their automata."""

from __future__ import annotations

from typing import NamedTuple

from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.limits import Budget
from sglc.passes.regular.source import Source
from sglc.passes.regular.tree import Regular, Token

_MOST_STEPS = 300_000  # of pairs of states


class TooMuchWork(Exception):
    """The automata are too large to compare them."""


class _Automaton(NamedTuple):
    """moves: for each state (first character, last character, next state), ascending."""

    moves: list[list[tuple[int, int, int]]]
    accept: list[bool]


class _Common(NamedTuple):
    """share: two lexemes have a word in common. bytes: the first bytes of characters with which the second goes on
    behind a word of the first."""

    share: bool
    bytes: int


class Lexer:
    """Answers about lexemes and tokens; each is found out once. Sets of bytes are numbers, bit by bit."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._automata: dict[Regular, _Automaton] = {}
        self._common: dict[tuple[Regular, Regular], _Common] = {}
        self._steps = _MOST_STEPS

    def first_bytes(self, tree: Regular) -> int:
        """The bytes that a word may begin with. Raises `TooMuchWork`, `ConstraintError`."""
        return 0 if isinstance(tree, Token) else _bytes(self._automaton(tree).moves[0])

    def share_a_word(self, one: Regular, other: Regular) -> bool:
        if isinstance(one, Token) or isinstance(other, Token):
            return one == other
        return self._together(one, other).share

    def goes_on(self, one: Regular, other: Regular) -> int:
        """The bytes with which `other` goes on behind a word of `one`."""
        return self._together(one, other).bytes

    def _automaton(self, tree: Regular) -> _Automaton:
        if tree not in self._automata:
            dfa, runs = smallest_dfa(tree, Budget.of(tree, self._source))
            rows: list[list[int]] = dfa.moves.tolist()
            moves = [[(run.first, run.last, row[run.letter]) for run in runs if row[run.letter] >= 0] for row in rows]
            self._automata[tree] = _Automaton(moves, dfa.accept.tolist())
        return self._automata[tree]

    def _together(self, one: Regular, other: Regular) -> _Common:
        if (one, other) not in self._common:
            self._common[one, other] = self._product(self._automaton(one), self._automaton(other))
        return self._common[one, other]

    def _product(self, one: _Automaton, other: _Automaton) -> _Common:
        """What is found in the pairs of states that some text leads to."""
        share, found = False, 0
        seen, stack = {(0, 0)}, [(0, 0)]
        while stack:
            state, state2 = stack.pop()
            if one.accept[state]:
                share = share or other.accept[state2]
                found |= _bytes(other.moves[state2])
            moves, moves2 = one.moves[state], other.moves[state2]
            self._steps -= 1 + len(moves) + len(moves2)
            if self._steps < 0:
                raise TooMuchWork
            at = at2 = 0
            while at < len(moves) and at2 < len(moves2):
                first, last, to = moves[at]
                first2, last2, to2 = moves2[at2]
                if max(first, first2) <= min(last, last2) and (to, to2) not in seen:
                    seen.add((to, to2))
                    stack.append((to, to2))
                if last < last2:
                    at += 1
                else:
                    at2 += 1
        return _Common(share, found)


def _bytes(moves: list[tuple[int, int, int]]) -> int:
    """The first bytes in UTF-8 of the characters of moves."""
    found = 0
    for first, last, _ in moves:
        low, high = chr(first).encode()[0], chr(last).encode()[0]
        found |= (2 << high) - (1 << low)
    return found
