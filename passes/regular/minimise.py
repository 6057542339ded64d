"""The smallest DFA.

Partition refinement by signatures: a state's signature is a hash of its class and of where each letter leads to, as
classes. Some rounds (Moore), for all states at once, leave few states alike, or none. What still is alike by then is
often alike for long (a counted repeat is a chain, of which each round tells one state apart); from there on only states
are looked at of which a successor has left its class, and of the parts that a class falls into all but the largest
leave it (Hopcroft).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sglc.ir.automaton import random_words
from sglc.ir.distances import ranges
from sglc.passes.regular.limits import Budget

_Ints = NDArray[np.int64]
_Words = NDArray[np.uint64]
_WORD = (1 << 64) - 1
_FEW = 100  # states that are looked at one by one in the time of a round
_ROUNDS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Dfa:
    """A DFA over letters, which are numbers of classes of characters. State 0 is the start. Without any state, no text
    matches.

    moves: int32 [states, letters]; -1 where a letter is refused. accept: bool [states].
    """

    moves: NDArray[np.int32]
    accept: NDArray[np.bool_]

    @staticmethod
    def empty(letters: int) -> Dfa:
        return Dfa(np.zeros((0, letters), dtype=np.int32), np.zeros(0, dtype=np.bool_))


@dataclass(slots=True, eq=False)
class Edges:
    """A DFA in the making, as edges in the order of the states that they leave; an edge is for a set of letters.

    letters: bool [sets, letters]. counts: edges of each state. sets, targets: of each edge; edges of one state have
    disjoint sets.
    """

    letters: NDArray[np.bool_]
    counts: list[int]
    sets: list[int]
    targets: list[int]
    accept: list[bool]

    @staticmethod
    def of(moves: Sequence[dict[int, int]], accept: list[bool], letters: int) -> Edges:
        """Of the moves of each state: letter -> state."""
        return Edges(
            np.eye(letters, dtype=np.bool_),
            [len(row) for row in moves],
            [letter for row in moves for letter in row],
            [to for row in moves for to in row.values()],
            accept,
        )


def distinct(rows: NDArray[np.generic]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One index for each distinct row, and for each row which of these it equals. At least one column."""
    whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}")[:, 0]
    _, chosen, place_of = np.unique(whole, return_index=True, return_inverse=True)
    return chosen, place_of.reshape(-1)


def trimmed(edges: Edges) -> Edges:
    """Without states that reach no accepting one; without any state where the start is such."""
    into: list[list[int]] = [[] for _ in edges.counts]
    sources = np.repeat(np.arange(len(edges.counts)), edges.counts).tolist()
    for source, target in zip(sources, edges.targets, strict=True):
        into[target].append(source)
    useful = {state for state, accepts in enumerate(edges.accept) if accepts}
    stack = list(useful)
    while stack:
        for state in into[stack.pop()]:
            if state not in useful:
                useful.add(state)
                stack.append(state)
    if 0 not in useful:
        return Edges(edges.letters, [], [], [], [])
    if len(useful) == len(edges.counts):
        return edges
    order = {state: number for number, state in enumerate(sorted(useful))}
    kept = [
        (order[source], label, order[to])
        for source, label, to in zip(sources, edges.sets, edges.targets, strict=True)
        if source in order and to in order
    ]
    counts = np.bincount([source for source, _, _ in kept], minlength=len(order)).tolist()
    accept = [edges.accept[state] for state in order]
    return Edges(edges.letters, counts, [label for _, label, _ in kept], [to for _, _, to in kept], accept)


def minimised(edges: Edges, budget: Budget) -> Dfa:
    """The smallest DFA of the same language. All states of `edges` are reached, and reach acceptance."""
    letters = edges.letters.shape[1]
    if not edges.counts:
        return Dfa.empty(letters)
    _, first, place_of = np.unique(_Refinement(edges, budget).classes(), return_index=True, return_inverse=True)
    chosen = np.sort(first)  # in the order of their first states
    number_of = np.argsort(np.argsort(first)).astype(np.int32)[place_of.reshape(-1)]
    accept = np.array(edges.accept, dtype=np.bool_)
    dfa = Dfa(_moves(edges, chosen, number_of), accept[chosen])
    others = np.delete(np.arange(len(accept)), chosen)
    same = number_of[others]
    if not (
        np.array_equal(_moves(edges, others, number_of), dfa.moves[same])
        and np.array_equal(accept[others], dfa.accept[same])
    ):
        raise AssertionError("two signatures are equal by accident")  # which nobody will see
    return dfa


def _moves(edges: Edges, states: NDArray[np.intp], number_of: NDArray[np.int32]) -> NDArray[np.int32]:
    """The moves of some states, to the classes of states: int32 [states, letters], -1 where there is none."""
    counts, sets, targets = (np.array(part, dtype=np.int64) for part in (edges.counts, edges.sets, edges.targets))
    at = ranges((np.cumsum(counts) - counts)[states], counts[states])
    rows = np.repeat(np.arange(len(states)), counts[states])
    moves = np.full((len(states), edges.letters.shape[1]), -1, dtype=np.int32)
    edge, letter = np.nonzero(edges.letters[sets[at]])
    moves[rows[edge], letter] = number_of[targets[at]][edge]
    return moves


class _Refinement:
    """Classes of states, from two on: those that accept, and the others.

    A signature is the sum, over letters, of products of a random word for the letter and one for the class that it leads
    to, so it can be made of the edges, whatever their sets. It has 64 bits; whoever uses the classes checks them.
    """

    def __init__(self, edges: Edges, budget: Budget) -> None:
        self._budget = budget
        self._size, letters = len(edges.counts), edges.letters.shape[1]
        self._counts = np.array(edges.counts, dtype=np.int64)
        self._starts = np.cumsum(self._counts) - self._counts
        self._targets = np.array(edges.targets, dtype=np.int64)
        words = random_words(1, letters + 2 * self._size)[0]
        of_set = np.where(edges.letters, words[:letters], np.uint64(0)).sum(axis=1, dtype=np.uint64)
        self._weights: _Words = of_set[np.array(edges.sets, dtype=np.int64)]  # of each edge
        self._words: _Words = words[letters:]  # of each class
        self._class_of = np.array(edges.accept, dtype=np.int64)  # a state that is alone has class `size` + its number

    def classes(self) -> _Ints:
        """The final class of each state."""
        active, classes, rounds = np.arange(self._size), len(np.unique(self._class_of)), 0
        while len(active):
            self._budget.spend(len(active) // 32 + 20)
            parts = self._signatures(active)
            sizes = np.bincount(parts)
            alone = sizes[parts] == 1
            self._class_of[active] = np.where(alone, self._size + active, parts)
            settled = np.count_nonzero(alone)
            if len(sizes) == classes:
                break
            active, classes = active[~alone], len(sizes) - settled
            rounds += 1
            if len(active) < _FEW or (rounds > _ROUNDS and settled < len(active) // 16):
                self._one_by_one(active.tolist())
                break
        return self._class_of

    def _signatures(self, active: _Ints) -> _Ints:
        """Numbers for the signatures, and classes, of states."""
        counts = self._counts[active]
        at = ranges(self._starts[active], counts)
        values = self._weights[at] * self._words[self._class_of[self._targets[at]]]
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(values)])
        ends = np.cumsum(counts)
        old = self._words[self._class_of[active]]
        mixed = (old ^ (old >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        return np.unique(sums[ends] - sums[ends - counts] + mixed, return_inverse=True)[1].reshape(-1)

    def _one_by_one(self, active: list[int]) -> None:
        """Splits classes until none falls apart. active: the states that are not alone."""
        class_of, words, weights = self._class_of.tolist(), self._words.tolist(), self._weights.tolist()
        starts, targets = [*self._starts.tolist(), len(self._targets)], self._targets.tolist()
        into: list[list[int]] = [[] for _ in class_of]
        members: dict[int, set[int]] = {}
        for state in active:
            members.setdefault(class_of[state], set()).add(state)
            for at in range(starts[state], starts[state + 1]):
                into[targets[at]].append(state)
        new = 1 + max(members, default=0)
        waiting = set(active)
        while waiting:
            parts: dict[int, dict[int, list[int]]] = {}
            for state in waiting:
                edges = range(starts[state], starts[state + 1])
                signature = sum(weights[at] * words[class_of[targets[at]]] for at in edges) & _WORD
                parts.setdefault(class_of[state], {}).setdefault(signature, []).append(state)
            self._budget.spend(len(waiting))
            moved: list[int] = []
            for number, found in parts.items():
                for part in _leaving(members[number], list(found.values())):
                    members[number].difference_update(part)
                    members[new] = set(part)
                    for state in part:
                        class_of[state] = new
                    moved += part
                    new += 1
            waiting = {state for target in moved for state in into[target] if len(members[class_of[state]]) > 1}
        self._class_of = np.array(class_of)


def _leaving(members: set[int], parts: list[list[int]]) -> list[list[int]]:
    """All parts of a class but the largest. parts: those that are known; the rest of the members are one part too."""
    rest = len(members) - sum(map(len, parts))
    largest = max(parts, key=len)
    if rest >= len(largest):
        return parts
    if rest:
        parts.append(list(members.difference(*parts)))
    return [part for part in parts if part is not largest]
