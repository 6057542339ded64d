"""The smallest DFA.

Partition refinement by signatures: a state's signature is a hash of where each letter leads to, as classes of states. Only
states are looked at of which a successor has left its class, and of the parts that a class falls into all but the largest
leave it (Hopcroft). A signature is the sum, over letters, of products of a random word for the letter and one for the class
that it leads to, so it can be made of the edges, whatever their sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sglc.ir.automaton import random_words
from sglc.ir.native import native
from sglc.passes.regular.limits import Budget

_WORD = (1 << 64) - 1


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

    letters: bool [sets, letters]. counts: int32 [states]; the edges of each. sets, targets: int32 [edges]; edges of one
    state have disjoint sets. accept: bool [states].
    """

    letters: NDArray[np.bool_]
    counts: NDArray[np.int32]
    sets: NDArray[np.int32]
    targets: NDArray[np.int32]
    accept: NDArray[np.bool_]

    @staticmethod
    def of(moves: Sequence[dict[int, int]], accept: list[bool], letters: int) -> Edges:
        """Of the moves of each state: letter -> state."""
        return Edges(
            np.eye(letters, dtype=np.bool_),
            np.array([len(row) for row in moves], dtype=np.int32),
            np.array([letter for row in moves for letter in row], dtype=np.int32),
            np.array([to for row in moves for to in row.values()], dtype=np.int32),
            np.array(accept, dtype=np.bool_),
        )


def distinct(rows: NDArray[np.generic]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """One index for each distinct row, and for each row which of these it equals. At least one column."""
    whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}")[:, 0]
    _, chosen, place_of = np.unique(whole, return_index=True, return_inverse=True)
    return chosen, place_of.reshape(-1)


def trimmed(edges: Edges) -> Edges:
    """Without states that reach no accepting one; without any state where the start is such."""
    sources = np.repeat(np.arange(len(edges.counts), dtype=np.int32), edges.counts)
    into: list[list[int]] = [[] for _ in edges.counts]
    for source, target in zip(sources.tolist(), edges.targets.tolist(), strict=True):
        into[target].append(source)
    useful = edges.accept.copy()
    stack = np.flatnonzero(useful).tolist()
    while stack:
        for state in into[stack.pop()]:
            if not useful[state]:
                useful[state] = True
                stack.append(state)
    if not useful[:1].any():
        none = np.empty(0, dtype=np.int32)
        return Edges(edges.letters, none, none, none, np.empty(0, dtype=np.bool_))
    kept = useful[sources] & useful[edges.targets]
    order = np.cumsum(useful, dtype=np.int32) - 1
    counts = np.bincount(order[sources[kept]], minlength=np.count_nonzero(useful)).astype(np.int32)
    return Edges(edges.letters, counts, edges.sets[kept], order[edges.targets[kept]], edges.accept[useful])


def minimised(edges: Edges, budget: Budget) -> Dfa:
    """The smallest DFA of the same language. All states of `edges` are reached, and reach acceptance."""
    letters = edges.letters.shape[1]
    if not len(edges.counts):
        return Dfa.empty(letters)
    if native is None:
        return _in_python(edges, budget)
    made = native.smallest(edges.counts, edges.letters, letters, edges.sets, edges.targets, edges.accept, budget.work)
    if made is None:
        raise budget.exceeded()
    moves, first = (np.frombuffer(part, dtype=np.int32) for part in made[:2])
    budget.work = made[2]
    return Dfa(moves.reshape(len(first), letters), edges.accept[first])


def _in_python(edges: Edges, budget: Budget) -> Dfa:
    """`minimised`, as C does it. The classes of states are in the order of their first states."""
    numbers: dict[int, int] = {}
    number_of = np.array([numbers.setdefault(each, len(numbers)) for each in _classes(edges, budget)], dtype=np.int32)
    first = np.empty(len(numbers), dtype=np.intp)
    first[number_of[::-1]] = np.arange(len(number_of))[::-1]  # the last that is written stays
    sources = np.repeat(np.arange(len(edges.counts)), edges.counts)
    moves = np.full((len(edges.counts), edges.letters.shape[1]), -1, dtype=np.int32)
    edge, letter = np.nonzero(edges.letters[edges.sets])
    moves[sources[edge], letter] = number_of[edges.targets][edge]
    dfa = Dfa(moves[first], edges.accept[first])
    if not (np.array_equal(dfa.moves[number_of], moves) and np.array_equal(dfa.accept[number_of], edges.accept)):
        raise AssertionError("two signatures are equal by accident")  # which nobody will see
    return dfa


def _classes(edges: Edges, budget: Budget) -> list[int]:
    """The final class of each state: from two on, those that accept and the others, classes are split until none falls
    apart. Two classes may be one by accident; whoever uses them checks them."""
    starts = np.concatenate([[0], np.cumsum(edges.counts)])
    words = random_words(1, edges.letters.shape[1], after=len(edges.counts) + 2)[0]  # the first are of classes
    of_set = np.where(edges.letters, words, np.uint64(0)).sum(axis=1, dtype=np.uint64)
    weights = of_set[edges.sets]
    return _refined(starts.tolist(), weights.tolist(), edges.targets.tolist(), edges.accept.tolist(), budget)


def _refined(
    starts: list[int], weights: list[int], targets: list[int], accept: list[bool], budget: Budget
) -> list[int]:
    """The class of each state. starts: where the edges of each begin; weights: of each edge, of its letters.

    A round looks at the states of which a successor has left its class. Of the parts that a class falls into, the largest
    stays; the others become classes in the order of their signatures, after them those that were not looked at.
    """
    class_of = [int(accepts) for accepts in accept]
    into: list[list[int]] = [[] for _ in class_of]
    members: list[set[int]] = [set(), set()]
    for state, number in enumerate(class_of):
        members[number].add(state)
        for at in range(starts[state], starts[state + 1]):
            into[targets[at]].append(state)
    words = random_words(1, len(class_of) + 2)[0].tolist()
    waiting = {state for state, number in enumerate(class_of) if len(members[number]) > 1}
    while waiting:
        budget.spend(len(waiting) // 4 + 1)
        found: dict[int, dict[int, list[int]]] = {}
        for state in waiting:
            edges = range(starts[state], starts[state + 1])
            signature = sum(weights[at] * words[class_of[targets[at]]] for at in edges) & _WORD
            found.setdefault(class_of[state], {}).setdefault(signature, []).append(state)
        moved: list[int] = []
        for number, parts in sorted(found.items()):
            for part in _leaving(members[number], [part for _, part in sorted(parts.items())]):
                members[number].difference_update(part)
                for state in part:
                    class_of[state] = len(members)
                members.append(set(part))
                moved += part
        waiting = {state for target in moved for state in into[target] if len(members[class_of[state]]) > 1}
    return class_of


def _leaving(members: set[int], parts: list[list[int]]) -> list[list[int]]:
    """All parts of a class but the largest. parts: those that are known; the rest of the members are one part too."""
    rest = len(members) - sum(map(len, parts))
    largest = max(parts, key=len)
    if rest >= len(largest):
        return parts
    if rest:
        parts.append(list(members.difference(*parts)))
    return [part for part in parts if part is not largest]
