"""Masks along random walks, each bit against the terms: a token is allowed where its bytes, one after another, are."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenConstraint, Vocabulary
from tests.constraints.bytewise import Follower
from tests.constraints.pattern_terms import UnsupportedError
from tests.constraints.random_constraints import Case, random_case
from tests.constraints.terms import TooLargeError
from tests.regexes import compile_automaton


def bits(row: NDArray[np.int32]) -> list[int]:
    """The ids that a mask allows."""
    return np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little")).tolist()


def differences(ours: NDArray[np.int32], expected: NDArray[np.int32], vocabulary: Vocabulary) -> str:
    """A few ids that only one of two masks allows, with their texts."""
    said: list[str] = []
    for name, row in (("too many", ours & ~expected), ("too few", expected & ~ours)):
        ids = bits(row)
        shown = [(token, vocabulary.tokens[token] if token < len(vocabulary.tokens) else None) for token in ids[:6]]
        said += [f"{len(ids)} {name}: {shown}"] * bool(ids)
    return "; ".join(said)


def compare(case: Case, vocabulary: Vocabulary, draw: random.Random, steps: int, seen: Counter[str]) -> None:
    """Walks on until so many masks have been compared, from the start again where a text ends. Counts them in `seen`.
    Raises AssertionError at the first that differs."""
    try:
        follower = case.make_follower()
        is_empty = follower.is_empty
        constraint = compile_automaton(case.constraint, vocabulary)
    except (TooLargeError, UnsupportedError):
        seen["unknown to the oracle"] += 1
        return
    except ConstraintError:
        seen["refused"] += 1
        return
    assert not is_empty, f"no text matches {case.constraint}, and it is compiled"
    seen["constraints"] += 1
    left = steps
    try:
        while left > 0:
            left = _walk(case, constraint, follower, vocabulary, draw, left, seen)
    except TooLargeError:
        seen["too large for the oracle"] += 1


def _walk(
    case: Case,
    constraint: TokenConstraint,
    follower: Follower,
    vocabulary: Vocabulary,
    draw: random.Random,
    left: int,
    seen: Counter[str],
) -> int:
    """One text; the steps that are left after it."""
    state, place, taken = constraint.start, 0, list[int]()
    for _ in range(min(left, draw.choice([5, 20, 60]))):
        expected = follower.mask(place, vocabulary)
        check_state(constraint, state, expected, follower, place, vocabulary, f"{case.constraint} after {taken}")
        seen["steps"] += 1
        left -= 1
        allowed = [token for token in bits(expected) if token not in vocabulary.end_ids]
        if not allowed:
            seen["ends"] += 1
            break
        token = draw.choice(allowed)
        refused = draw.randrange(vocabulary.size)
        if refused not in allowed and refused not in vocabulary.end_ids:
            assert constraint.step(state, refused) is None, f"{case.constraint} after {taken}: id {refused} is taken"
        state, place = constraint.step(state, token), follower.walk(place, vocabulary.tokens[token] or b"")
        taken.append(token)
        assert state is not None, f"{case.constraint} after {taken}: the last id is not taken"
    return left


def check_state(
    constraint: TokenConstraint,
    state: object,
    expected: NDArray[np.int32],
    follower: Follower,
    place: int,
    vocabulary: Vocabulary,
    where: str,
) -> None:
    """All that a constraint says of a state."""
    row = constraint.row(state)
    assert row.dtype == np.int32, where
    assert np.array_equal(row, expected), f"{where}: {differences(row, expected, vocabulary)}"
    accepts, allowed = follower.accepts(place), bits(expected)
    assert constraint.accepts(state) == accepts, where
    assert constraint.only_id(state) == (allowed[0] if len(allowed) == 1 else -1), where
    more = any(follower.step(place, byte) >= 0 for byte in range(256))
    assert constraint.is_final(state) == (accepts and (not more or not allowed)), where
    for byte in constraint.forced_bytes(state):
        assert not follower.accepts(place), f"{where}: forced, and the text may end"
        assert [each for each in range(256) if follower.step(place, each) >= 0] == [byte], f"{where}: not forced"
        place = follower.step(place, byte)


def compare_random(vocabulary: Vocabulary, seed: int, steps: int, seen: Counter[str]) -> None:
    draw = random.Random(seed)
    try:
        compare(random_case(draw), vocabulary, draw, steps, seen)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
