"""The subset construction where a regex does not look around: a state of the DFA is a set of states of the NFA."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc.ir.native import native
from sglc.passes.regular.limits import MAX_STATES, Budget
from sglc.passes.regular.minimise import Edges
from sglc.passes.regular.nfa import ACCEPT, Nfa


def plain(nfa: Nfa, first: int, letters: list[list[int]], count: int, budget: Budget) -> Edges:
    """The DFA from one state of the NFA. letters: of each set; count: of all."""
    members = np.zeros((len(letters), -(-max(count, 1) // 32) * 32), dtype=np.bool_)
    members[np.repeat(np.arange(len(letters)), list(map(len, letters))), list(chain.from_iterable(letters))] = True
    masks = np.packbits(members, axis=1, bitorder="little").view("<i4")
    made = _in_python(nfa, first, masks, budget) if native is None else _in_c(nfa, first, masks, budget)
    bits = np.unpackbits(made.masks.view(np.uint8), axis=1, bitorder="little").view(np.bool_)
    return Edges(np.ascontiguousarray(bits[:, :count]), made.counts, made.sets, made.targets, made.accept)


class _Made(NamedTuple):
    """As `Edges`, but masks: int32 [sets, words]; letter n is in a set where bit n % 32 of its word n // 32 is set."""

    masks: NDArray[np.int32]
    counts: NDArray[np.int32]
    sets: NDArray[np.int32]
    targets: NDArray[np.int32]
    accept: NDArray[np.bool_]


def _in_c(nfa: Nfa, first: int, masks: NDArray[np.int32], budget: Budget) -> _Made:
    assert native is not None
    made = native.subsets(
        nfa.free_begin,
        nfa.free_end,
        nfa.free_to,
        nfa.step_set,
        nfa.step_to,
        masks,
        masks.shape[1],
        first,
        MAX_STATES,
        budget.work,
    )
    if made is None:
        raise budget.exceeded()
    counts, sets, targets, accept, found = (np.frombuffer(part, dtype=np.int32) for part in made[:5])
    budget.work = made[5]
    return _Made(found.reshape(-1, masks.shape[1]), counts, sets, targets, accept != 0)


def _in_python(nfa: Nfa, first: int, masks: NDArray[np.int32], budget: Budget) -> _Made:
    """As `_in_c`. Sets of letters are bit sets on the way."""
    of_set = [int.from_bytes(mask.tobytes(), "little") for mask in masks]
    number_of = {mask: number for number, mask in enumerate(dict.fromkeys(of_set))}
    sets, targets, counts, accept = list[int](), list[int](), list[int](), list[bool]()
    found = _States(nfa, budget)
    found.of(first)
    for subset in found.queue:  # grows
        reading = [state for state in subset if state != ACCEPT]
        moves = [(of_set[nfa.step_set[state]], nfa.step_to[state]) for state in reading]
        moves = [(mask, after) for mask, after in moves if mask]  # a set may be empty
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
    size = 4 * masks.shape[1]
    words = np.frombuffer(b"".join(mask.to_bytes(size, "little") for mask in number_of), dtype="<i4")
    counts, sets, targets = (np.array(part, dtype=np.int32) for part in (counts, sets, targets))
    return _Made(words.reshape(-1, masks.shape[1]), counts, sets, targets, np.array(accept, dtype=np.bool_))


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
            mask &= ~other  # noqa: PLW2901 - what is left of it
        if mask:
            split.append((mask, (after,)))
        apart = split
    return apart


class _States:
    """The states of the DFA, numbered as they are found: sets of NFA states with a move, and ACCEPT, ascending."""

    def __init__(self, nfa: Nfa, budget: Budget) -> None:
        self.queue: list[tuple[int, ...]] = []
        self._nfa = nfa
        self._budget = budget
        self._number: dict[tuple[int, ...], int] = {}
        self._closures: dict[int, tuple[int, ...]] = {}
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
            union = tuple(sorted({state for start in states for state in self._closure(start)}))
            self._budget.spend(len(states) + len(union))
            self._after_all[states] = self._numbered(union)
        return self._after_all[states]

    def _numbered(self, subset: tuple[int, ...]) -> int:
        number = self._number.setdefault(subset, len(self.queue))
        if number == len(self.queue):
            self.queue.append(subset)
            if number >= MAX_STATES:
                raise self._budget.exceeded()
        return number

    def _closure(self, start: int) -> tuple[int, ...]:
        """The states with a character, and ACCEPT, that are reached without a character."""
        if start in self._closures:
            return self._closures[start]
        nfa, found = self._nfa, list[int]()
        seen, stack = {start}, [start]
        while stack:
            at = stack.pop()
            if at == ACCEPT or nfa.step_set[at] >= 0:
                found.append(at)
                continue
            for to in nfa.free(at):
                if to not in seen:
                    seen.add(to)
                    stack.append(to)
        self._budget.spend(len(seen))
        self._closures[start] = tuple(sorted(found))
        return self._closures[start]
