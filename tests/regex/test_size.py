"""What is too large over tokens is noticed in a sample of its states, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import Vocabulary
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular import tokens, walk
from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.compile import compile_tree
from sglc.passes.regular.limits import Budget
from sglc.passes.regular.minimise import Dfa
from sglc.passes.regular.nfa import Run
from sglc.passes.regular.source import Source
from sglc.passes.regular.tokens import check_size
from sglc.passes.regular.tree import Regular
from tests.constraints.random_constraints import random_case

BYTES = [bytes([byte]) for byte in range(256)]


def some_vocabulary(draw: random.Random) -> Vocabulary:
    """Bytes, and tokens of several of them."""
    letters = 'abcABC01 _-."{},:\n' + "é中"
    longer = {"".join(draw.choices(letters, k=draw.randint(2, 4))).encode() for _ in range(300)}
    return Vocabulary((*BYTES, *sorted(longer), None), frozenset({256 + len(longer)}), 257 + len(longer), "test")


def some_automata(seed: int, count: int) -> Iterator[tuple[Regular, Source, Dfa, list[Run], Vocabulary]]:
    draw = random.Random(seed)
    for _ in range(count):
        tree, source = read_constraint(random_case(draw).constraint)
        vocabulary = some_vocabulary(draw)
        try:
            dfa, runs = smallest_dfa(tree, Budget.of(tree, source))
        except ConstraintError:  # too large already
            continue
        if dfa.moves.size:
            yield tree, source, dfa, runs, vocabulary


@pytest.mark.parametrize("native", [True, False])
def test_what_the_sample_refuses_the_whole_refuses(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LARGE", 1)
    monkeypatch.setattr(tokens, "SAMPLE", 16)
    if not native:
        monkeypatch.setattr(walk, "native", None)
    draw = random.Random(11)
    early = fits = 0
    for tree, source, dfa, runs, vocabulary in some_automata(13, 150):
        monkeypatch.setattr(tokens, "MAX_CELLS", draw.choice([20, 100, 500, 2_000]))
        try:
            check_size(dfa, runs, vocabulary, source)
            noticed = False
        except ConstraintError:
            noticed = True
        with monkeypatch.context() as without:
            without.setattr(tokens, "LARGE", 1 << 30)
            try:
                compile_tree(tree, source, vocabulary)
                refused = False
            except ConstraintError:
                refused = True
        assert refused or not noticed, source.text
        early, fits = early + noticed, fits + (not refused)
    assert min(early, fits) > 20


def test_a_walk_from_some_states_is_that_part_of_the_whole() -> None:
    """In C and in Python alike."""
    draw = random.Random(12)
    for _, _, dfa, _, vocabulary in some_automata(14, 30):
        letters = dfa.moves.shape[1]
        letter_of = np.array([draw.randrange(letters) for _ in range(256)], dtype=np.uint8)
        columns = np.ascontiguousarray(dfa.moves.T)
        asked = np.array(sorted(draw.sample(range(len(dfa.moves)), -(-len(dfa.moves) // 3))), dtype=np.int32)
        whole_of, whole = walk.walk(letter_of, columns, vocabulary.trie, 1 << 40, 1 << 20)
        some_of, some = walk.walk(letter_of, columns, vocabulary.trie, 1 << 40, 1 << 20, asked)
        assert np.array_equal(some[some_of], whole[:, asked][whole_of])
        assert len(np.unique(some, axis=0)) == len(some)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(walk, "native", None)
            other_of, other = walk.walk(letter_of, columns, vocabulary.trie, 1 << 40, 1 << 20, asked)
        assert np.array_equal(some_of, other_of)
        assert np.array_equal(some, other)
