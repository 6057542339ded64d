"""A tree of regular operations to the smallest automaton over classes of characters.

An NFA over characters, a DFA over the classes of characters that the pattern does not tell apart (subset construction),
and the smallest one (Hopcroft). Parts that are intersections and complements come first: their DFAs are parts of the NFA.
Nothing here depends on the size of Unicode.
"""

from __future__ import annotations

from collections import defaultdict

from sglc.passes.regular.charset import EVERY, CharSet, char_set
from sglc.passes.regular.limits import MAX_STATES, Budget
from sglc.passes.regular.looking import NEVER, Subsets
from sglc.passes.regular.minimise import Dfa, minimised
from sglc.passes.regular.nfa import ACCEPT, Block, Nfa, Run, letters_of
from sglc.passes.regular.tree import Both, Not, Part, Regular


def smallest_dfa(tree: Regular, budget: Budget) -> tuple[Dfa, list[Run]]:
    """The smallest DFA for the full match of a regex, all of whose states can reach acceptance, and its letters by
    ascending runs of characters. Raises `ConstraintError` beyond the budget."""
    return _Builder(budget).dfa(tree)


class _Builder:
    """Builds automata of trees; equal trees that stand for themselves are built once."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._parts: dict[Regular, Block] = {}

    def dfa(self, tree: Regular) -> tuple[Dfa, list[Run]]:
        nfa = Nfa(self._part, self._budget)
        if isinstance(tree, Both | Not):
            nfa.set_number(EVERY)
            starts = [nfa.add(part) for part in (tree.parts if isinstance(tree, Both) else (tree.body,))]
        else:
            starts = [nfa.add(tree)]
        letters, runs = letters_of(nfa.char_sets)
        count = 1 + max((run.letter for run in runs), default=-1)
        dfas = [self._smallest(_determinised(nfa, start, letters, self._budget), count) for start in starts]
        if isinstance(tree, Not):
            return self._smallest(_complement(dfas[0], count), count), runs
        found, *others = dfas or [_complement(Dfa([], []), 1)]
        for other in others:
            found = self._smallest(_product(found, other, self._budget), count)
        return found, runs

    def _smallest(self, dfa: Dfa, letters: int) -> Dfa:
        trimmed = _trimmed(dfa)
        return minimised(trimmed, letters, self._budget) if trimmed.moves else trimmed

    def _part(self, tree: Regular) -> Block:
        """The DFA of a tree that stands for itself, with sets of characters."""
        if tree not in self._parts:
            dfa, runs = self.dfa(tree.body if isinstance(tree, Part) else tree)
            spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
            for run in runs:
                spans[run.letter].append((run.first, run.last))
            self._parts[tree] = [_by_target(moves, spans) for moves in dfa.moves], dfa.accept
        return self._parts[tree]


def _by_target(moves: dict[int, int], spans: dict[int, list[tuple[int, int]]]) -> list[tuple[CharSet, int]]:
    """The moves of a state, with all characters that lead to the same one as one set."""
    to: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for letter, target in moves.items():
        to[target] += spans[letter]
    return [(char_set(ranges), target) for target, ranges in to.items()]


def _complement(dfa: Dfa, letters: int) -> Dfa:
    """A DFA that accepts what another refuses; its last state has no way back."""
    sink = len(dfa.moves)
    every = dict.fromkeys(range(letters), sink)
    return Dfa([*({**every, **moves} for moves in dfa.moves), every], [*(not accepts for accepts in dfa.accept), True])


def _product(one: Dfa, other: Dfa, budget: Budget) -> Dfa:
    """A DFA that accepts what both accept."""
    if not one.moves or not other.moves:
        return Dfa([], [])
    pairs = {(0, 0): 0}
    queue = [(0, 0)]
    both = Dfa([], [])
    for left, right in queue:  # grows
        budget.spend(1 + len(one.moves[left]))
        moves: dict[int, int] = {}
        for letter, to in one.moves[left].items():
            if letter in other.moves[right]:
                pair = (to, other.moves[right][letter])
                if pair not in pairs:
                    pairs[pair] = len(queue)
                    queue.append(pair)
                moves[letter] = pairs[pair]
        both.moves.append(moves)
        both.accept.append(one.accept[left] and other.accept[right])
        if len(queue) > MAX_STATES:
            raise budget.exceeded()
    return both


def _determinised(nfa: Nfa, start: int, letters: list[list[int]], budget: Budget) -> Dfa:
    """The subset construction from one state of the NFA."""
    return _looking(nfa, start, letters, budget) if nfa.looks else _plain(nfa, start, letters, budget)


def _looking(nfa: Nfa, start: int, letters: list[list[int]], budget: Budget) -> Dfa:
    """Where the regex looks around: a state is one of the text and one of each look behind."""
    subsets = Subsets(nfa, letters, budget)
    behind, facts = subsets.behind(None, 0)
    first = (subsets.start(start, facts), behind)
    states = {first: 0}
    queue = [first]
    dfa = Dfa([], [])
    for state, behind in queue:  # grows
        moves: dict[int, int] = {}
        for letter in sorted(subsets.letters(state)):
            after, facts = subsets.behind(behind, letter)
            target = (subsets.step(state, letter, facts), after)
            budget.spend(4 + 2 * len(after))
            if target[0] == NEVER:
                continue
            if target not in states:
                states[target] = len(queue)
                queue.append(target)
                if len(queue) > MAX_STATES:
                    raise budget.exceeded()
            moves[letter] = states[target]
        dfa.moves.append(moves)
        dfa.accept.append(subsets.accepts(state))
    return dfa


def _plain(nfa: Nfa, first: int, letters: list[list[int]], budget: Budget) -> Dfa:
    """Where it does not: a state is a set of states of the NFA."""
    closures: dict[int, list[int]] = {}

    def closure(state: int) -> list[int]:
        if state not in closures:
            closures[state] = _closure(nfa, state)
            budget.spend(len(closures[state]))
        return closures[state]

    start = frozenset(closure(first))
    states = {start: 0}
    queue = [start]
    dfa = Dfa([], [])
    for subset in queue:  # grows
        by_set: dict[int, set[int]] = {}
        for state in subset:
            if state != ACCEPT and (step := nfa.step[state]):
                number, after = step
                reached = closure(after)
                by_set.setdefault(number, set()).update(reached)
                budget.spend(1 + len(reached))
        by_letter: dict[int, list[set[int]]] = {}
        for number, reached in by_set.items():
            budget.spend(len(letters[number]))
            for letter in letters[number]:
                by_letter.setdefault(letter, []).append(reached)
        moves: dict[int, int] = {}
        for letter, targets in by_letter.items():
            target = frozenset(targets[0]) if len(targets) == 1 else frozenset[int]().union(*targets)
            budget.spend(len(target))
            if target not in states:
                states[target] = len(queue)
                queue.append(target)
                if len(queue) > MAX_STATES:
                    raise budget.exceeded()
            moves[letter] = states[target]
        dfa.moves.append(moves)
        dfa.accept.append(ACCEPT in subset)
    return dfa


def _closure(nfa: Nfa, state: int) -> list[int]:
    """The states with a character, and ACCEPT, that are reached without a character."""
    found: list[int] = []
    seen, stack = {state}, [state]
    while stack:
        at = stack.pop()
        if at == ACCEPT or nfa.step[at] is not None:
            found.append(at)
            continue
        for to in nfa.free[at]:
            if to not in seen:
                seen.add(to)
                stack.append(to)
    return found


def _trimmed(dfa: Dfa) -> Dfa:
    """The DFA without states that reach no accepting one; without any state where the start is such."""
    into: list[list[int]] = [[] for _ in dfa.moves]
    for state, moves in enumerate(dfa.moves):
        for target in moves.values():
            into[target].append(state)
    useful = {state for state, accepts in enumerate(dfa.accept) if accepts}
    stack = list(useful)
    while stack:
        for state in into[stack.pop()]:
            if state not in useful:
                useful.add(state)
                stack.append(state)
    if 0 not in useful:
        return Dfa([], [])
    order = {state: number for number, state in enumerate(sorted(useful))}
    return Dfa(
        [{letter: order[to] for letter, to in dfa.moves[state].items() if to in useful} for state in order],
        [dfa.accept[state] for state in order],
    )
