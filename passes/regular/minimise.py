"""The smallest DFA.

A few rounds of Moore's refinement, for all states at once, leave few states alike, or none. What still is alike by then
is often alike for long (a counted repeat is a chain, of which each round tells one state apart), and Hopcroft's
refinement goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sglc.passes.regular.limits import Budget

_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dfa:
    """A DFA over letters, which are numbers of classes of characters. State 0 is the start; missing moves are refusals.
    Without any state, no text matches."""

    moves: list[dict[int, int]]
    accept: list[bool]


def dense(dfa: Dfa, letters: int) -> NDArray[np.int32]:
    """The moves of a DFA, -1 where there is none: int32 [states, letters]."""
    moves = np.full((len(dfa.moves), letters), -1, dtype=np.int32)
    states = np.repeat(np.arange(len(dfa.moves)), [len(row) for row in dfa.moves])
    moves[states, np.fromiter(chain.from_iterable(dfa.moves), np.intp)] = np.fromiter(
        chain.from_iterable(row.values() for row in dfa.moves), np.int32
    )
    return moves


def distinct(rows: NDArray[np.generic]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One index for each distinct row, and for each row which of these it equals. At least one column."""
    whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}")[:, 0]
    _, chosen, place_of = np.unique(whole, return_index=True, return_inverse=True)
    return chosen, place_of.reshape(-1)


def minimised(dfa: Dfa, letters: int, budget: Budget) -> Dfa:
    """The smallest DFA of the same language. All states of `dfa` are reached, and reach acceptance."""
    class_of, waiting = _by_rounds(dense(dfa, letters), np.array(dfa.accept, dtype=np.int64), budget)
    classes = _by_splitting(dfa, class_of, waiting, budget) if waiting else class_of.tolist()
    order = {classes[0]: 0}
    for number in classes:
        order.setdefault(number, len(order))
    if len(order) == len(classes):
        return dfa
    first = {order[classes[state]]: state for state in reversed(range(len(classes)))}
    chosen = [first[number] for number in range(len(order))]
    return Dfa(
        [{letter: order[classes[to]] for letter, to in dfa.moves[state].items()} for state in chosen],
        [dfa.accept[state] for state in chosen],
    )


def _by_rounds(moves: NDArray[np.int32], class_of: _Ints, budget: Budget) -> tuple[_Ints, set[int]]:
    """Classes of states that no text of a few letters tells apart, and those of them that may still tell others apart:
    none where the classes are the final ones."""
    active = np.arange(len(moves))
    old, parents = class_of, class_of
    while True:
        budget.spend(moves[active].size // 64 + 20)
        behind = np.append(class_of, -1)[moves[active]]
        chosen, place_of = distinct(np.concatenate([class_of[active, None], behind], axis=1))
        parents, old = class_of[active[chosen]], class_of
        class_of = old.copy()
        class_of[active] = len(moves) + int(old.max()) + place_of
        if len(chosen) == len(np.unique(parents)):
            return class_of, set()
        sizes = np.bincount(place_of)
        left = active[sizes[place_of] > 1]
        if len(active) - len(left) < len(active) // 16:
            return class_of, _all_but_the_largest(class_of[active[chosen]], parents, sizes)
        if not len(left):
            return class_of, set()
        active = left


def _all_but_the_largest(numbers: _Ints, parents: _Ints, sizes: NDArray[np.intp]) -> set[int]:
    """Of the classes that one class was split into, all but the largest: where those lead is then told by the rest."""
    largest: dict[int, int] = {}
    for index, parent in enumerate(parents.tolist()):
        if parent not in largest or sizes[index] > sizes[largest[parent]]:
            largest[parent] = index
    return set(np.delete(numbers, list(largest.values())).tolist())


def _by_splitting(dfa: Dfa, initial: _Ints, splitters: set[int], budget: Budget) -> list[int]:
    """The final classes (Hopcroft), from classes of which only `splitters` may still tell states of others apart. A
    missing move needs no class of its own: the splitters tell it from a move."""
    into: list[dict[int, list[int]]] = [{} for _ in dfa.moves]
    for state, moves in enumerate(dfa.moves):
        for letter, target in moves.items():
            into[target].setdefault(letter, []).append(state)
    numbers, places = np.unique(initial, return_inverse=True)
    class_of: list[int] = places.reshape(-1).tolist()
    classes: list[set[int]] = [set() for _ in numbers]
    for state, number in enumerate(class_of):
        classes[number].add(state)
    waiting = {number for number, name in enumerate(numbers.tolist()) if name in splitters}
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
    return class_of
