"""The subset construction where a regex does not look around: a state of the DFA is a set of states of the NFA."""

from __future__ import annotations

import numpy as np

from sglc.passes.regular.limits import MAX_STATES, Budget
from sglc.passes.regular.minimise import Edges
from sglc.passes.regular.nfa import ACCEPT, Nfa, bits_of


def plain(nfa: Nfa, first: int, letters: list[list[int]], count: int, budget: Budget) -> Edges:
    """The DFA from one state of the NFA. letters: of each set; count: of all. Sets of letters are bit sets on the way."""
    masks = [sum(1 << letter for letter in of_set) for of_set in letters]
    number_of = {mask: number for number, mask in enumerate(dict.fromkeys(masks))}
    sets, targets, counts, accept = list[int](), list[int](), list[int](), list[bool]()
    found, steps = _States(nfa, budget), nfa.step
    found.of(first)
    for subset in found.queue:  # grows
        reading = [step for state in subset if state != ACCEPT and (step := steps[state])]
        moves = [(masks[number], after) for number, after in reading if masks[number]]  # a set may be empty
        taken = 0
        for mask, _ in moves:
            if taken & mask:  # some letters have several moves
                apart = _apart(moves)
                budget.spend(len(apart) * len(moves))
                sets += [number_of.setdefault(mask, len(number_of)) for mask, _ in apart]
                targets += [found.of_all(after) for _, after in apart]
                counts.append(len(apart))
                break
            taken |= mask
        else:
            sets += [number_of[mask] for mask, _ in moves]
            targets += [found.of(after) for _, after in moves]
            counts.append(len(moves))
        budget.spend(1 + len(moves))
        accept.append(ACCEPT in subset)
    members = np.zeros((len(number_of), count), dtype=np.bool_)
    for mask, number in number_of.items():
        members[number, list(bits_of(mask))] = True
    return Edges(members, counts, sets, targets, accept)


def _apart(moves: list[tuple[int, int]]) -> list[tuple[int, tuple[int, ...]]]:
    """Disjoint sets of letters, and the states behind each; from sets that may overlap, and the state behind each."""
    apart: list[tuple[int, tuple[int, ...]]] = []
    for mask, after in moves:
        split: list[tuple[int, tuple[int, ...]]] = []
        for other, states in apart:
            if both := other & mask:
                split.append((both, (*states, after)))
            if left := other & ~mask:
                split.append((left, states))
            mask &= ~other  # noqa: PLW2901
        if mask:
            split.append((mask, (after,)))
        apart = split
    return apart


class _States:
    """The states of the DFA, numbered as they are found: sets of NFA states with a move, and ACCEPT."""

    def __init__(self, nfa: Nfa, budget: Budget) -> None:
        self.queue: list[frozenset[int]] = []
        self._nfa = nfa
        self._budget = budget
        self._number: dict[frozenset[int], int] = {}
        self._closures: dict[int, frozenset[int]] = {}
        self._after: dict[int, int] = {}
        self._after_all: dict[tuple[int, ...], int] = {}

    def of(self, state: int) -> int:
        """The state of what is reached from an NFA state without a character."""
        if state not in self._after:
            self._after[state] = self._numbered(self._closure(state))
        return self._after[state]

    def of_all(self, states: tuple[int, ...]) -> int:
        if len(states) == 1:
            return self.of(states[0])
        if states not in self._after_all:
            union = frozenset[int]().union(*map(self._closure, states))
            self._budget.spend(len(states) + len(union))
            self._after_all[states] = self._numbered(union)
        return self._after_all[states]

    def _numbered(self, subset: frozenset[int]) -> int:
        number = self._number.setdefault(subset, len(self.queue))
        if number == len(self.queue):
            self.queue.append(subset)
            if number >= MAX_STATES:
                raise self._budget.exceeded()
        return number

    def _closure(self, start: int) -> frozenset[int]:
        """The states with a character, and ACCEPT, that are reached without a character."""
        if start in self._closures:
            return self._closures[start]
        nfa, found = self._nfa, list[int]()
        seen, stack = {start}, [start]
        while stack:
            at = stack.pop()
            if at == ACCEPT or nfa.step[at] is not None:
                found.append(at)
                continue
            for to in nfa.free[at]:
                if to not in seen:
                    seen.add(to)
                    stack.append(to)
        self._budget.spend(len(seen))
        self._closures[start] = frozenset(found)
        return self._closures[start]
