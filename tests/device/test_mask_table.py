"""Masks and steps of a batch by gathers: against the ids that each state allows, whatever the table has room for."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sglc.ir.tokens import TokenAutomaton
from sglc.runtime.bitmask import allocate_token_bitmask, fill_next_token_bitmask
from sglc.runtime.engine import sampler
from sglc.runtime.engine.device import Draw
from sglc.runtime.mask_table import MAX_BYTES, MaskTable
from sglc.runtime.step_table import step_table
from tests.device.test_bitmask import DEVICES, bits
from tests.device.test_sampler import GREEDY, automaton

STATES = 6


class Listed:
    """A constraint that is no automaton: its states are the tuples of the ids that they allow."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.start: tuple[int, ...] = ()

    def row(self, state: Any) -> NDArray[np.int32]:
        row = np.zeros(-(-self.size // 32), dtype=np.int64)
        for token in state:
            row[token // 32] |= 1 << token % 32
        return row.astype(np.uint32).view(np.int32)

    def step(self, state: Any, token: int) -> Any | None:
        return state if token in state else None

    def accepts(self, state: Any) -> bool:
        return True

    def is_final(self, state: Any) -> bool:
        return False

    def only_id(self, state: Any) -> int:
        return -1

    def forced_bytes(self, state: Any) -> bytes:
        return b""

    def reach(self, state: Any, lengths: NDArray[np.int64]) -> int:
        return 0


class Many:
    """Automata of six states with random ids each, and one constraint that is none, over vocabularies of one size."""

    def __init__(self, rng: Random, size: int, count: int) -> None:
        self.size, self.listed = size, Listed(size)
        self.allowed = [
            [sorted(rng.sample(range(size), rng.randint(0, size))) for _ in range(STATES)] for _ in range(count)
        ]
        for states in self.allowed:
            states[5] = states[4]  # equal masks
        self.automata = [automaton(states, size) for states in self.allowed]

    def batch(self, rng: Random, count: int) -> tuple[list[Any], list[Any], list[set[int]]]:
        """Constraints, their states, and the ids that these allow."""
        constraints: list[Any] = []
        states: list[Any] = []
        expected: list[set[int]] = []
        for _ in range(count):
            number, state = rng.randrange(-2, len(self.automata)), rng.randrange(STATES)
            ids = self.allowed[number % len(self.allowed)][state]
            constraints.append({-1: None, -2: self.listed}.get(number) if number < 0 else self.automata[number])
            states.append({-1: 7, -2: tuple(ids)}.get(number) if number < 0 else state)
            expected.append(set(range(self.size)) if number == -1 else set(ids))
        return constraints, states, expected


def check(table: MaskTable, constraints: Sequence[Any], states: Sequence[Any], expected: Sequence[set[int]]) -> None:
    width = 32 * table.words
    bitmask = torch.full((len(states), table.words), 0x5A5A5A5A, dtype=torch.int32, device=table.device)
    fill_next_token_bitmask(bitmask, constraints, states, table)
    for row, (constraint, ids) in enumerate(zip(constraints, expected, strict=True)):
        assert bits(bitmask, row, width) == [constraint is None or i in ids for i in range(width)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("rows", [2, 3, 9, 1000])
def test_masks_of_batches(rows: int, device: str) -> None:
    """With room for a few rows, a table forgets all the time."""
    rng = Random(rows)
    for size in (1, 31, 64, 200):
        for words in {-(-size // 32), 1, -(-size // 32) + 2}:
            many = Many(rng, size, 7)
            table = MaskTable(words, device, max_bytes=rows * 4 * words)
            for _ in range(40):
                check(table, *many.batch(rng, rng.randint(0, 8)))


@pytest.mark.parametrize("device", DEVICES)
def test_a_mask_is_copied_once(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(0)
    many = Many(rng, 40, 4)
    asked: list[tuple[int, int]] = []
    row = TokenAutomaton.row
    monkeypatch.setattr(TokenAutomaton, "row", lambda self, state: asked.append((id(self), state)) or row(self, state))
    table = MaskTable(2, device)
    for _ in range(30):
        check(table, *many.batch(rng, 8))
    assert len(asked) == len(set(asked)) == 4 * (STATES - 1)  # two of the states have one mask


def test_the_bound_holds_but_for_one_large_batch() -> None:
    rng = Random(0)
    many = Many(rng, 320, 20)
    table = MaskTable(10, max_bytes=50 * 40)
    for _ in range(100):
        check(table, *many.batch(rng, 16))
        assert table.nbytes <= 50 * 40
    constraints = [each for each in many.automata for _ in range(5)]
    ids = [set(states[number]) for states in many.allowed for number in range(5)]
    check(table, constraints, list(range(5)) * 20, ids)
    assert table.nbytes == 101 * 40
    assert MaskTable(4008).nbytes < MAX_BYTES // 1000  # an engine without constraints pays nothing


def test_rows_of_collected_automata_are_used_again() -> None:
    rng = Random(0)
    table = MaskTable(2, max_bytes=1000 * 8)
    first = Many(rng, 64, 2)
    check(
        table,
        [each for each in first.automata for _ in range(5)],
        list(range(5)) * 2,
        [set(i) for s in first.allowed for i in s[:5]],
    )
    size = table.nbytes
    for _ in range(50):
        many = Many(rng, 64, 10)
        check(table, *many.batch(rng, 8))
        del many
    assert table.nbytes == size == 64 * 8
    check(table, [first.automata[1]] * 5, list(range(5)), [set(ids) for ids in first.allowed[1][:5]])


@pytest.mark.parametrize("rows", [4, 9, 1000])
def test_automata_come_and_go(rows: int) -> None:
    """New ones get the addresses of those that were collected, and their rows."""
    rng = Random(rows)
    table = MaskTable(2, max_bytes=rows * 8)
    alive: list[Many] = []
    addresses: set[int] = set()
    again = 0
    for _ in range(150):
        if len(alive) == 3 or (alive and rng.random() < 0.3):
            del alive[rng.randrange(len(alive))]
        alive.append(Many(rng, 64, 1))
        again += id(alive[-1].automata[0]) in addresses
        addresses.add(id(alive[-1].automata[0]))
        for _ in range(3):
            check(table, *rng.choice(alive).batch(rng, rng.choice([1, 1, 3])))
    assert again > 20


def test_rows_may_be_added_within_inference_mode_and_outside() -> None:
    rng = Random(0)
    many, table = Many(rng, 64, 30), MaskTable(2)
    for _ in range(20):
        with torch.inference_mode():
            check(table, *many.batch(rng, 8))
        check(table, *many.batch(rng, 8))


@pytest.mark.parametrize("device", DEVICES)
def test_draws_are_the_same_from_a_table(device: str) -> None:
    rng = Random(0)
    many = Many(rng, 70, 5)
    generator = torch.Generator().manual_seed(0)
    table = MaskTable(3, device)
    for _ in range(20):
        constraints, states, expected = many.batch(rng, 8)
        logits = torch.randn((8, 70), generator=generator).to(device)
        draws = [_draw(constraint, state) for constraint, state in zip(constraints, states, strict=True)]
        drawn = [drawn.id for drawn in sampler.draw(logits, draws, table)]
        for row, ids, id_ in zip(logits.tolist(), expected, drawn, strict=True):
            assert id_ == max(ids, key=row.__getitem__) if ids else isinstance(id_, Exception)


def _draw(constraint: Any, state: Any) -> Draw:
    settings = {name: getattr(GREEDY, name) for name in ("temperature", "top_p", "top_k", "min_p", "seed", "position")}
    return Draw(**settings, frequency_penalty=0, presence_penalty=0, constraint=constraint, state=state)


def test_a_bitmask_of_another_width_or_device_is_refused() -> None:
    with pytest.raises(ValueError, match="of 2 words a row cannot be filled from a table of 3"):
        fill_next_token_bitmask(allocate_token_bitmask(1, 64), [None], [0], MaskTable(3))
    with pytest.raises(ValueError, match="on the device of the table"):
        fill_next_token_bitmask(allocate_token_bitmask(1, 64, "meta"), [None], [0], MaskTable(2))


@pytest.mark.parametrize("device", DEVICES)
def test_steps_of_batches_are_those_of_the_automata(device: str) -> None:
    rng = Random(0)
    automata: list[TokenAutomaton] = []
    for size in (1, 40, 33, 70):
        made = automaton([sorted(rng.sample(range(size), rng.randint(0, size))) for _ in range(STATES)], size)
        following = made.next.copy()
        following[following >= 0] = [rng.randrange(STATES) for _ in range((following >= 0).sum())]
        made.next[:] = following
        automata.append(made)
    table = step_table(automata, device)
    assert table.starts == (0, 6, 12, 18)
    which = [rng.randrange(4) for _ in range(300)]
    states: list[int | None] = [rng.randrange(STATES) for _ in which]
    numbers = torch.tensor([table.starts[w] + (s or 0) for w, s in zip(which, states, strict=True)], dtype=torch.int32)
    numbers = numbers.to(device)
    for _ in range(6):
        tokens = [rng.randrange(automata[w].size) for w in which]
        numbers = table.step(numbers, torch.tensor(tokens, device=device))
        states = [None if s is None else automata[w].step(s, t) for w, s, t in zip(which, states, tokens, strict=True)]
        expected = [-1 if s is None else table.starts[w] + s for w, s in zip(which, states, strict=True)]
        assert (numbers.dtype, numbers.tolist()) == (torch.int32, expected)
    assert 0 < sum(s is not None for s in states) < len(states)


def test_a_table_of_no_automata_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an automaton"):
        step_table([])


def test_free_rows_are_forgotten_with_all_others() -> None:
    table = MaskTable(2, max_bytes=3 * 8)
    check(table, [automaton([[1]], 64)], [0], [{1}])  # collected at once: its row is free
    check(table, [automaton([[2], [3], [4]], 64)] * 3, [0, 1, 2], [{2}, {3}, {4}])
