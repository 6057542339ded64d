"""A tree of regular operations to the smallest automaton over classes of characters.

An NFA over characters (Thompson), a DFA over the classes of characters that the pattern does not tell apart (subset
construction), and the smallest one (Hopcroft). Nothing here depends on the size of Unicode.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sglc.passes.regex.charset import CharSet
from sglc.passes.regex.limits import MAX_STATES, Budget
from sglc.passes.regex.tree import Chars, Choice, Regular, Repeat, Sequence

ACCEPT = -1
"""The NFA's final state."""


@dataclass(frozen=True, slots=True)
class Dfa:
    """A DFA over letters, which are numbers of classes of characters. State 0 is the start; missing moves are refusals.
    Without any state, no text matches."""

    moves: list[dict[int, int]]
    accept: list[bool]


@dataclass(frozen=True, slots=True)
class Run:
    """The characters first .. last are all of one letter."""

    first: int
    last: int
    letter: int


def smallest_dfa(tree: Regular, budget: Budget) -> tuple[Dfa, list[Run]]:
    """The smallest DFA for the full match of a regex, all of whose states can reach acceptance, and its letters by
    ascending runs of characters. Raises `ConstraintError` beyond the budget."""
    nfa = _Nfa(tree)
    letters, runs = _letters(nfa.char_sets)
    dfa = _trimmed(_determinised(nfa, letters, budget))
    return (_minimised(dfa, budget) if dfa.moves else dfa), runs


class _Nfa:
    """States with moves without a character (`free`) and at most one move with one (`step`: set number, next state)."""

    def __init__(self, tree: Regular) -> None:
        self.char_sets: dict[CharSet, int] = {}
        self.free: list[list[int]] = []
        self.step: list[tuple[int, int] | None] = []
        self.start = self._build(tree, ACCEPT)

    def _state(self, free: list[int], step: tuple[int, int] | None = None) -> int:
        self.free.append(free)
        self.step.append(step)
        return len(self.free) - 1

    def _build(self, tree: Regular, after: int) -> int:
        """The state from which `tree` and then `after` is matched."""
        match tree:
            case Chars(chars):
                return self._state([], (self.char_sets.setdefault(chars, len(self.char_sets)), after))
            case Sequence(parts):
                for part in reversed(parts):
                    after = self._build(part, after)
                return after
            case Choice(parts):
                return self._state([self._build(part, after) for part in parts])
            case Repeat(body, least, most):
                if most is None:
                    loop = self._state([])
                    self.free[loop] += [self._build(body, loop), after]
                    entry = loop
                else:
                    entry = after
                    for _ in range(most - least):
                        entry = self._state([self._build(body, entry), after])
                for _ in range(least):
                    entry = self._build(body, entry)
                return entry

    def closure(self, state: int) -> list[int]:
        """The states with a character, and ACCEPT, that are reached without a character."""
        found: list[int] = []
        seen, stack = {state}, [state]
        while stack:
            at = stack.pop()
            if at == ACCEPT or self.step[at] is not None:
                found.append(at)
                continue
            for to in self.free[at]:
                if to not in seen:
                    seen.add(to)
                    stack.append(to)
        return found


def _letters(char_sets: dict[CharSet, int]) -> tuple[list[list[int]], list[Run]]:
    """Classes of characters that the sets do not tell apart: the letters of each set, and their runs, ascending."""
    edges: dict[int, int] = defaultdict(int)  # code point -> bit set of the sets that begin or end there
    for chars, number in char_sets.items():
        for first, last in chars:
            edges[first] ^= 1 << number
            edges[last + 1] ^= 1 << number
    numbers: dict[int, int] = {}
    runs: list[Run] = []
    members, start = 0, 0
    for point in sorted(edges):
        if members:
            runs.append(Run(start, point - 1, numbers.setdefault(members, len(numbers))))
        members ^= edges[point]
        start = point
    letters: list[list[int]] = [[] for _ in char_sets]
    for members, letter in numbers.items():
        for number in _bits(members):
            letters[number].append(letter)
    return letters, runs


def _bits(number: int) -> Iterator[int]:
    """The positions of the bits that are set, ascending."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _determinised(nfa: _Nfa, letters: list[list[int]], budget: Budget) -> Dfa:
    """The subset construction."""
    closures: dict[int, list[int]] = {}

    def closure(state: int) -> list[int]:
        if state not in closures:
            closures[state] = nfa.closure(state)
            budget.spend(len(closures[state]))
        return closures[state]

    start = frozenset(closure(nfa.start))
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


def _minimised(dfa: Dfa, budget: Budget) -> Dfa:
    """Hopcroft's partition refinement, for a DFA with missing moves: every class is a splitter at first, so that no
    class of refused texts is needed."""
    into: list[dict[int, list[int]]] = [{} for _ in dfa.moves]
    for state, moves in enumerate(dfa.moves):
        for letter, target in moves.items():
            into[target].setdefault(letter, []).append(state)
    accepting = {state for state, accepts in enumerate(dfa.accept) if accepts}
    classes = [c for c in (accepting, set(range(len(dfa.moves))) - accepting) if c]
    class_of = {state: number for number, members in enumerate(classes) for state in members}
    waiting = set(range(len(classes)))
    while waiting:
        splitter = list(classes[waiting.pop()])
        sources: dict[int, list[int]] = {}
        for target in splitter:
            for letter, states in into[target].items():
                sources.setdefault(letter, []).extend(states)
                budget.spend(1 + len(states))
        for states in sources.values():
            touched: dict[int, list[int]] = {}
            for state in states:
                touched.setdefault(class_of[state], []).append(state)
            for number, moved in touched.items():
                members = classes[number]
                if len(moved) == len(members):
                    continue
                smaller = set(moved) if 2 * len(moved) <= len(members) else members.difference(moved)
                budget.spend(len(moved) + len(smaller))
                members -= smaller
                classes.append(smaller)
                for state in smaller:
                    class_of[state] = len(classes) - 1
                # Where the whole class still waits, both parts must; where it does not, one of them is enough.
                waiting.add(len(classes) - 1)
    order = {class_of[0]: 0}
    for state in range(len(dfa.moves)):
        order.setdefault(class_of[state], len(order))
    first = {order[class_of[state]]: state for state in reversed(range(len(dfa.moves)))}
    chosen = [first[number] for number in range(len(order))]
    return Dfa(
        [{letter: order[class_of[to]] for letter, to in dfa.moves[state].items()} for state in chosen],
        [dfa.accept[state] for state in chosen],
    )
