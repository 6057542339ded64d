"""A tree of regular operations to the smallest automaton over classes of characters.

An NFA over characters, a DFA over the classes of characters that the pattern does not tell apart (subset construction),
and the smallest one (Hopcroft). Parts that are intersections and complements come first: their DFAs are parts of the NFA.
Nothing here depends on the size of Unicode.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from sglc.passes.regular.apart import apart
from sglc.passes.regular.charset import EVERY, FIRST_ID, CharSet, char_set
from sglc.passes.regular.limits import MAX_STATES, Budget
from sglc.passes.regular.looking import NEVER, Subsets
from sglc.passes.regular.minimise import Dfa, Edges, minimised, trimmed
from sglc.passes.regular.nfa import Block, Nfa, Run, letters_of
from sglc.passes.regular.subsets import plain
from sglc.passes.regular.tree import Both, Not, Part, Regular, often


def smallest_dfa(tree: Regular, budget: Budget) -> tuple[Dfa, list[Run]]:
    """The smallest DFA for the full match of a regex, all of whose states can reach acceptance, and its letters by
    ascending runs of characters. Raises `ConstraintError` beyond the budget."""
    tree = apart(tree)
    return _Builder(tree, budget).dfa(tree)


class _Builder:
    """Builds automata of trees; equal trees that stand for themselves are built once."""

    def __init__(self, tree: Regular, budget: Budget) -> None:
        self._budget = budget
        self._often = often(tree)
        self._blocks: dict[Regular, Block] = {}

    def dfa(self, tree: Regular) -> tuple[Dfa, list[Run]]:
        nfa = Nfa(self._block, self._often, self._budget)
        if isinstance(tree, Both | Not):
            nfa.set_number(EVERY)
            starts = [nfa.add(part) for part in (tree.parts if isinstance(tree, Both) else (tree.body,))]
        else:
            starts = [nfa.add(tree)]
        letters, runs = letters_of(nfa.char_sets)
        count = 1 + max((run.letter for run in runs), default=-1)
        made = [_determinised(nfa, start, letters, count, self._budget) for start in starts]
        if nfa.void or nfa.looks:
            made = [trimmed(edges) for edges in made]
        dfas = [minimised(edges, self._budget) for edges in made]
        if isinstance(tree, Not):
            texts = {run.letter for run in runs if run.first < FIRST_ID}
            return self._smallest(_complement(dfas[0], texts)), runs
        found, *others = dfas or [self._smallest(_complement(Dfa.empty(1), {0}))]
        for other in others:
            found = self._smallest(_product(found, other, self._budget))
        return found, runs

    def _smallest(self, edges: Edges) -> Dfa:
        return minimised(trimmed(edges), self._budget)

    def _block(self, tree: Regular) -> Block:
        """The DFA of a tree that stands for itself, with sets of characters."""
        if tree not in self._blocks:
            dfa, runs = self.dfa(tree.body if isinstance(tree, Part) else tree)
            self._blocks[tree] = _block_of(dfa, runs)
        return self._blocks[tree]


def _block_of(dfa: Dfa, runs: list[Run]) -> Block:
    """A DFA with sets of characters, of one with letters. The moves of a state are in the order of their first letters."""
    states, letters = dfa.moves.shape
    state, letter = np.nonzero(dfa.moves >= 0)
    _, first, move = np.unique(state * states + dfa.moves[state, letter], return_index=True, return_inverse=True)
    order = np.argsort(first)
    members = np.zeros((len(first), letters), dtype=np.bool_)
    members[np.argsort(order)[move.reshape(-1)], letter] = True
    numbers: dict[bytes, int] = {}  # of sets of letters
    move_set = [numbers.setdefault(row.tobytes(), len(numbers)) for row in members]
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for run in runs:
        spans[run.letter].append((run.first, run.last))
    sets = [np.flatnonzero(np.frombuffer(row, dtype=np.bool_)).tolist() for row in numbers]
    first = first[order]
    return Block(
        [_characters(of, spans) for of in sets],
        np.bincount(state[first], minlength=states).astype(np.int32),
        np.array(move_set, dtype=np.int32),
        dfa.moves[state[first], letter[first]],
        dfa.accept,
    )


def _characters(letters: list[int], spans: dict[int, list[tuple[int, int]]]) -> CharSet:
    """The characters of some letters; token ids stand behind all characters."""
    all_spans = [span for letter in letters for span in spans[letter]]
    return char_set(all_spans) + tuple(sorted(span for span in all_spans if span[0] >= FIRST_ID))


def _complement(dfa: Dfa, letters: set[int]) -> Edges:
    """A DFA that accepts the texts of these letters that another refuses; its last state has no way back."""
    sink, ascending = len(dfa.moves), sorted(letters)
    moves = [{letter: sink if row[letter] < 0 else row[letter] for letter in ascending} for row in dfa.moves.tolist()]
    moves.append(dict.fromkeys(ascending, sink))
    return Edges.of(moves, [*(~dfa.accept).tolist(), True], dfa.moves.shape[1])


def _product(one: Dfa, other: Dfa, budget: Budget) -> Edges:
    """A DFA that accepts what both accept."""
    letters = one.moves.shape[1]
    if not len(one.moves) or not len(other.moves):
        return Edges.of([], [], letters)
    lefts, rights = one.moves.tolist(), other.moves.tolist()
    pairs = {(0, 0): 0}
    queue = [(0, 0)]
    moves: list[dict[int, int]] = []
    accept: list[bool] = []
    for left, right in queue:  # grows
        row: dict[int, int] = {}
        for letter, pair in enumerate(zip(lefts[left], rights[right], strict=True)):
            if pair[0] >= 0 and pair[1] >= 0:
                if pair not in pairs:
                    pairs[pair] = len(queue)
                    queue.append(pair)
                row[letter] = pairs[pair]
        budget.spend(1 + letters // 8 + len(row))
        moves.append(row)
        accept.append(bool(one.accept[left] and other.accept[right]))
        if len(queue) > MAX_STATES:
            raise budget.exceeded()
    return Edges.of(moves, accept, letters)


def _determinised(nfa: Nfa, start: int, letters: list[list[int]], count: int, budget: Budget) -> Edges:
    """The subset construction from one state of the NFA. letters: of each set; count: of all."""
    return _looking(nfa, start, letters, count, budget) if nfa.looks else plain(nfa, start, letters, count, budget)


def _looking(nfa: Nfa, start: int, letters: list[list[int]], count: int, budget: Budget) -> Edges:
    """Where the regex looks around: a state is one of the text and one of each look behind."""
    subsets = Subsets(nfa, letters, budget)
    behind, facts = subsets.behind(None, 0)
    first = (subsets.start(start, facts), behind)
    states = {first: 0}
    queue = [first]
    rows: list[dict[int, int]] = []
    accept: list[bool] = []
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
        rows.append(moves)
        accept.append(subsets.accepts(state))
    return Edges.of(rows, accept, count)
