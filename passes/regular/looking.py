"""The subset construction where a regex looks around.

A look behind is decided by what was read: its own automaton runs along with the text. A look ahead is a promise about
what is left: whoever passes one takes an automaton along that must accept the rest (or must not). So a state is a set of
ways on, each an NFA state and the promises made on the way: an alternating automaton in disjunctive normal form. A
promise is itself about such a state, so what is looked for may look around in turn, in either direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from sglc.passes.regular.limits import Budget
from sglc.passes.regular.nfa import ACCEPT, FOUND, Nfa

Promise: TypeAlias = tuple[int, bool]
"""A state that must accept the rest of the text, or must not."""
Promises: TypeAlias = frozenset[Promise]
Way: TypeAlias = tuple[int, Promises]
"""An NFA state that reads a character or is final, and what was promised on the way to it."""
Facts: TypeAlias = tuple[frozenset[Promises], ...]
"""For each look behind, at one place: any of these sets of promises makes it hold. Those ahead have an entry too, empty.
"""

NONE: Promises = frozenset()
NEVER, ALWAYS = 0, 1


class Subsets:
    """The states of all subset automata of one NFA, numbered; what is asked once is kept."""

    def __init__(self, nfa: Nfa, letters: list[list[int]], budget: Budget) -> None:
        self._nfa = nfa
        self._letters = [frozenset(of_set) for of_set in letters]
        self._budget = budget
        self._ways: list[frozenset[Way]] = []
        self._number: dict[frozenset[Way], int] = {}
        self._steps: dict[tuple[int, int, Facts], int] = {}
        self._starts: dict[tuple[int, Facts], int] = {}
        for ways in (frozenset[Way](), frozenset({(FOUND, NONE)})):  # NEVER and ALWAYS
            self._intern(ways)

    def start(self, state: int, facts: Facts) -> int:
        """The state in which nothing is read yet, from an NFA state on."""
        key = (state, facts)
        if key not in self._starts:
            self._starts[key] = self._closed([(state, NONE)], facts)
        return self._starts[key]

    def step(self, state: int, letter: int, facts: Facts) -> int:
        """The state after a letter. facts: at the place behind it."""
        key = (state, letter, facts)
        if key not in self._steps:
            self._steps[key] = self._closed(self._moved(state, letter, facts), facts)
        return self._steps[key]

    def accepts(self, state: int) -> bool:
        """Whether the text may end here."""
        return any(
            at in (ACCEPT, FOUND) and all(self.accepts(about) == wanted for about, wanted in promises)
            for at, promises in self._ways[state]
        )

    def found(self, state: int) -> frozenset[Promises]:
        """What makes a look behind in this state hold here: any of these sets of promises."""
        return frozenset(promises for at, promises in self._ways[state] if at == ACCEPT)

    def letters(self, state: int) -> frozenset[int]:
        """The letters that an NFA state of a state reads."""
        sets = [self._nfa.step_set[at] for at, _ in self._ways[state] if at >= 0]
        return frozenset[int]().union(*(self._letters[number] for number in sets if number >= 0))

    def behind(self, before: tuple[int, ...] | None, letter: int) -> tuple[tuple[int, ...], Facts]:
        """The states of the looks behind after a letter, or at the start of the text where there are none before, and
        what they say. A look sees the facts of those in it, which have smaller numbers."""
        states: list[int] = []
        facts: Facts = ()
        for number, (start, ahead) in enumerate(self._nfa.looks):
            if ahead:
                states.append(NEVER)
                facts += (frozenset(),)
                continue
            seeds: list[Way] = [(start, NONE)]
            if before is not None:
                seeds += self._moved(before[number], letter, facts)
            states.append(self._closed(seeds, facts))
            facts += (self.found(states[-1]),)
        return tuple(states), facts

    def _moved(self, state: int, letter: int, facts: Facts) -> list[Way]:
        """The ways after a letter, before the moves without a character."""
        moved: list[Way] = []
        for at, promises in self._ways[state]:
            self._budget.spend(4 + 3 * len(promises))
            if at == ACCEPT:
                continue
            after = at
            if at != FOUND:
                number = self._nfa.step_set[at]
                if number < 0 or letter not in self._letters[number]:
                    continue
                after = self._nfa.step_to[at]
            kept = self._kept((self.step(about, letter, facts), wanted) for about, wanted in promises)
            if kept is not None:
                moved.append((after, kept))
        return moved

    @staticmethod
    def _kept(promises: Iterable[Promise]) -> Promises | None:
        """The promises that are open; None where one is broken, or two contradict one another."""
        kept: set[Promise] = set()
        for about, wanted in promises:
            if about in (NEVER, ALWAYS):
                if (about == ALWAYS) != wanted:
                    return None
            elif (about, not wanted) in kept:
                return None
            else:
                kept.add((about, wanted))
        return frozenset(kept)

    def _closed(self, seeds: list[Way], facts: Facts) -> int:
        """The state of the seeds and of all that they reach without a character at a place with these facts."""
        nfa = self._nfa
        seen, stack = set(seeds), seeds
        reading: dict[int, list[Promises]] = {}
        while stack:
            at, promises = stack.pop()
            if at < 0 or nfa.step_set[at] >= 0:
                reading.setdefault(at, []).append(promises)
                continue
            ways: list[Way] = [(to, promises) for to in nfa.free(at)]
            if guard := nfa.guards.get(at):
                for added in self._needed(guard.look, guard.wanted, facts):
                    joined = self._kept([*promises, *added])
                    if joined is not None:
                        ways.append((guard.after, joined))
            self._budget.spend(2 + 2 * len(ways) + len(promises))
            for way in ways:
                if way not in seen:
                    seen.add(way)
                    stack.append(way)
        if NONE in reading.get(FOUND, ()):
            return ALWAYS
        return self._intern(frozenset((at, least) for at, sets in reading.items() for least in self._smallest(sets)))

    def _needed(self, look: int, wanted: bool, facts: Facts) -> Iterable[Promises]:
        """What makes a look hold here, or not hold: any of these sets of promises."""
        start, ahead = self._nfa.looks[look]
        if ahead:
            return [frozenset({(self.start(start, facts), wanted)})]
        if wanted:
            return facts[look]
        broken: set[Promises] = {NONE}  # not (A and B or C) is (not A or not B) and not C
        for promises in facts[look]:
            self._budget.spend(len(broken) * len(promises))
            each = [self._kept([*chosen, (about, not kept)]) for chosen in broken for about, kept in promises]
            broken = {chosen for chosen in each if chosen is not None}
        return broken

    def _smallest(self, sets: list[Promises]) -> list[Promises]:
        """Without those that promise more than another does."""
        if len(sets) == 1:
            return sets
        smallest: list[Promises] = []
        for promises in sorted(sets, key=len):
            self._budget.spend(1 + len(smallest))
            if not any(kept <= promises for kept in smallest):
                smallest.append(promises)
        return smallest

    def _intern(self, ways: frozenset[Way]) -> int:
        if ways not in self._number:
            self._number[ways] = len(self._ways)
            self._ways.append(ways)
        return self._number[ways]
