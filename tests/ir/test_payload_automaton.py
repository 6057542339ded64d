"""Automata as arrays: what is packed comes back, and whatever numbers a file holds, what is read can be walked."""

from __future__ import annotations

import zlib
from dataclasses import fields
from random import Random
from typing import Any

import numpy as np
import pytest

from sglc.ir.arrays import ContentError, Room, pack_small
from sglc.ir.automaton import complete
from sglc.ir.errors import ConstraintError
from sglc.ir.payload_automaton import pack_automaton, unpack_automaton
from sglc.ir.tokens import TokenAutomaton
from tests.regex.oracle import byte_level, sentence_piece, sparse
from tests.regexes import compile_regex, random_regex, stepped

ROOM = 1 << 30


def random_automaton(rng: Random) -> TokenAutomaton:
    while True:
        vocabulary = rng.choice([byte_level, lambda: sentence_piece(rng), lambda: sparse(rng)])()
        try:
            return compile_regex(random_regex(rng), vocabulary)
        except ConstraintError:  # the sparse vocabulary cannot write it
            continue


def same(one: TokenAutomaton, two: TokenAutomaton) -> bool:
    arrays = [(getattr(one, field.name), getattr(two, field.name)) for field in fields(one) if field.init]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in arrays)


def walkable(automaton: TokenAutomaton, rng: Random) -> None:
    """Whatever is drawn of what a mask allows, there is a state after it, and a way to acceptance from there."""
    state = 0
    for _ in range(20):
        assert automaton.distance[state] >= 0
        row = automaton.row(state)
        allowed = [32 * word + bit for word, value in enumerate(row.tolist()) for bit in range(32) if value >> bit & 1]
        going = [token for token in allowed if token not in automaton.ends]
        assert set(allowed) - set(going) == (set(automaton.ends.tolist()) if automaton.accept[state] else set())
        assert allowed or automaton.final[state]
        assert automaton.forced[state] == (allowed[0] if len(allowed) == 1 else -1)
        assert -1 <= automaton.walk(state, bytes([rng.randrange(256)])) < len(automaton.accept)
        if not going:
            break
        state = stepped(automaton, state, rng.choice(going))
        assert 0 <= state < len(automaton.accept)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_packed_comes_back(seed: int) -> None:
    rng, forms = Random(seed), set[bool]()
    for _ in range(40):
        automaton = random_automaton(rng)
        packed = pack_automaton(automaton)
        found = unpack_automaton(packed, Room(ROOM))
        assert same(found, automaton)
        assert pack_automaton(found) == packed
        walkable(found, rng)
        forms.add("next" in packed)
    assert forms == {True, False}


@pytest.mark.parametrize("states", [255, 256, 257, 65_535, 65_536, 65_537])
def test_the_numbers_of_states_around_the_sizes_of_the_types(states: int) -> None:
    moves = np.full((states, 2), -1, np.int32)
    moves[:-1, 1] = np.arange(1, states)
    moves[::7, 1] = np.minimum(np.arange(0, states, 7) + 40, states - 1)
    accept = np.arange(states) == states - 1
    moves[-1, 1] = -1
    classes, byte_class = np.array([0, 1, 1], np.int32), np.zeros(256, np.uint8)
    automaton = complete(classes, moves, accept, np.zeros(1, np.int32), byte_class, moves)
    assert automaton.distance[-1] == 0
    assert same(unpack_automaton(pack_automaton(automaton), Room(ROOM)), automaton)


@pytest.mark.parametrize("seed", range(4))
def test_other_numbers_are_refused_or_can_be_walked(seed: int) -> None:
    """Damage below the compression, where no checksum sees it: numbers and shapes change, digests and types fit."""
    rng = Random(seed)
    accepted, reasons = 0, set[str]()
    for _ in range(12):
        packed = pack_automaton(random_automaton(rng))
        for _ in range(120):
            damaged = dict(packed)
            for name in rng.choices(list(packed), k=rng.randint(1, 2)):
                damaged[name] = changed(packed[name], rng)
            try:
                found = unpack_automaton(damaged, Room(ROOM))
            except ContentError as error:
                reasons.add(str(error))
            else:
                accepted += 1
                walkable(found, rng)
                assert same(unpack_automaton(pack_automaton(found), Room(ROOM)), found)
    assert 100 < accepted < 1_300
    assert len(reasons) > 12


def changed(packed: bytes, rng: Random) -> bytes:
    header = 2 + 8 * packed[1]
    start, data = bytearray(packed[:header]), bytearray(zlib.decompress(packed[header:]))
    kind = rng.randrange(6)
    for _ in range(rng.randint(1, 3)):
        if kind < 4 and data:
            data[rng.randrange(len(data))] = rng.choice([0, 1, 2, 3, 255, rng.randrange(256)])
        elif kind == 4:
            start[2 + 8 * rng.randrange(packed[1])] = rng.choice([0, 1, 2, 255])
        else:
            del data[rng.randrange(len(data) + 1) :]
    return bytes(start) + zlib.compress(bytes(data), 1)


def test_a_number_that_does_not_fit_is_not_packed() -> None:
    for values in ([2], [-1]):
        with pytest.raises(ContentError, match=r"a number is not in 0 \.\. 1"):
            pack_small(np.array(values), 2)


def test_room_is_taken_before_arrays_are_made() -> None:
    packed: dict[str, Any] = pack_automaton(random_automaton(Random(0)))
    with pytest.raises(ContentError, match="its arrays take more than 0 MiB"):
        unpack_automaton(packed, Room(100))
