"""The masks of automata, packed, in one table that stays on a device: those of a batch are one gather.

A mask is expanded and copied once, at its first use; from then on a batch costs the numbers of its rows. The table grows
by doubling up to a bound in bytes. Where a batch wants more rows than that, all is forgotten and the table begins anew
with the masks of this batch; a batch that is larger by itself is the one thing that exceeds the bound. The rows of an
automaton that has been collected are used again. Beside the rows it keeps a number for each state that was met, no
more than the automaton itself has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

import numpy as np
import torch
from torch import Tensor

from sglc.ir.tokens import TokenAutomaton, TokenConstraint
from sglc.kernels.launch import uploaded

MAX_BYTES = 128 << 20
"""Of a table: 8,000 masks of 128,256 ids. A large schema has a thousand."""

_FREE = 0  # the row that allows everything
_FIRST_ROWS = 64

_Slots = dict[Any, int]
"""state -> row of the table, of one automaton."""


@dataclass(slots=True)
class _Kept:
    """What is kept of an automaton. masks: number of a mask -> row of the table."""

    automaton: ref[TokenAutomaton]
    masks: dict[int, int] = field(default_factory=dict[int, int])


@dataclass(slots=True)
class _Wanted:
    """A mask of an automaton by its number, and a state that has it."""

    automaton: TokenAutomaton
    mask: int
    state: int


class MaskTable:
    """words: int32 words of a mask; what a constraint has beyond them is cut, what it has not allows nothing.

    For one thread; an automaton may be collected in any.
    """

    def __init__(self, words: int, device: torch.device | str = "cpu", max_bytes: int = MAX_BYTES) -> None:
        self._most = max(2, max_bytes // (4 * max(1, words)))
        self._rows = torch.full((1, words), -1, dtype=torch.int32, device=device)
        self._used = 1  # rows that have been given out, the free ones included
        self._free: list[int] = []
        self._kept: dict[int, _Kept] = {}  # by id: a weak dictionary's look-up takes three times as long
        self._slots: dict[int, _Slots] = {id(None): _Everywhere()}

    @property
    def words(self) -> int:
        return self._rows.shape[1]

    @property
    def device(self) -> torch.device:
        return self._rows.device

    @property
    def rows(self) -> Tensor:
        """int32 [any, words]; another tensor after the table has grown."""
        return self._rows

    @property
    def nbytes(self) -> int:
        return self._rows.nbytes

    def fill(self, bitmask: Tensor, constraints: Sequence[TokenConstraint | None], states: Sequence[Any]) -> None:
        """Row i becomes the mask of constraint i in its state; without a constraint it allows everything.

        bitmask: int32 [len(constraints), words] on the table's device. The masks of constraints that are no automata
        have no bound: they are copied at each call, and not kept.
        """
        others: list[int] = []
        if (numbers := self.numbers(constraints, states)) is None:
            others = [i for i, c in enumerate(constraints) if not isinstance(c, TokenAutomaton | None)]
            numbers = self._admitted(constraints, states)
        if self.device.type == "cpu":  # without the threads of torch, whose waking costs more than a megabyte's copy
            np.take(self._rows.numpy(), numbers, axis=0, out=bitmask.numpy(), mode="clip")  # "raise" would buffer `out`
        else:
            torch.index_select(self._rows, 0, self._index(numbers), out=bitmask)
        if others:
            rows = _packed([c.row(states[i]) for i in others if (c := constraints[i]) is not None], self.words)
            bitmask.index_copy_(0, self._index(others), uploaded(rows, self.device))

    def numbers(self, constraints: Sequence[TokenConstraint | None], states: Sequence[Any]) -> list[int] | None:
        """Which of `rows` are the constraints' masks, until the table is asked again; None where some constraint is no
        automaton."""
        slots = self._slots
        try:
            return [slots[id(c)][s] for c, s in zip(constraints, states, strict=True)]
        except KeyError:
            known = all(isinstance(c, TokenAutomaton | None) for c in constraints)
            return self._admitted(constraints, states) if known else None

    def _index(self, numbers: Sequence[int]) -> Tensor:
        return uploaded(torch.from_numpy(np.array(numbers, dtype=np.int64)), self.device)

    def _admitted(self, constraints: Sequence[TokenConstraint | None], states: Sequence[Any]) -> list[int]:
        """The row of each automaton's state, 0 for what is no automaton. Makes those that are missing."""
        pairs = list(zip(constraints, states, strict=True))
        wanted: list[_Wanted | None] = [
            _Wanted(c, int(c.row_of[s]), s) if isinstance(c, TokenAutomaton) else None for c, s in pairs
        ]
        missing = self._missing(wanted)
        if self._used + len(missing) - len(self._free) > self._most:
            self._forget()
            missing = self._missing(wanted)
        self._add(missing)
        numbers: list[int] = []
        for one in wanted:
            numbers.append(_FREE if one is None else self._kept[id(one.automaton)].masks[one.mask])
            if one is not None:
                self._slots[id(one.automaton)][one.state] = numbers[-1]
        return numbers

    def _missing(self, wanted: Sequence[_Wanted | None]) -> list[_Wanted]:
        """One for each mask that has no row."""
        missing: dict[tuple[int, int], _Wanted] = {}
        for one in wanted:
            if one is not None:
                kept = self._kept.get(id(one.automaton))
                if kept is None or one.mask not in kept.masks:
                    missing[id(one.automaton), one.mask] = one
        return list(missing.values())

    def _add(self, missing: Sequence[_Wanted]) -> None:
        if not missing:
            return
        while len(self._free) < len(missing):
            self._free.append(self._used)
            self._used += 1
        self._grow(self._used)
        added: list[int] = []
        for one in missing:
            kept = self._kept.get(id(one.automaton)) or self._followed(one.automaton)
            added.append(self._free.pop())
            kept.masks[one.mask] = added[-1]
        rows = _packed([one.automaton.row(one.state) for one in missing], self.words)
        self._rows.index_copy_(0, self._index(added), uploaded(rows, self.device))

    def _followed(self, automaton: TokenAutomaton) -> _Kept:
        """Begins to keep an automaton's masks, until it is collected. What ends that holds no reference to the table."""
        key, kept, slots, free = id(automaton), self._kept, self._slots, self._free

        def collected(_: ref[TokenAutomaton]) -> None:
            slots.pop(key, None)
            if (gone := kept.pop(key, None)) is not None:
                free.extend(gone.masks.values())

        kept[key], slots[key] = _Kept(ref(automaton, collected)), {}
        return kept[key]

    def _forget(self) -> None:
        everywhere = self._slots[id(None)]
        self._kept.clear()  # and with them their references: nothing is told of these automata any longer
        self._slots.clear()
        self._free.clear()
        self._slots[id(None)] = everywhere
        self._used = 1

    def _grow(self, least: int) -> None:
        """To at least so many rows."""
        have = len(self._rows)
        if least <= have:
            return
        count = max(least, min(max(_FIRST_ROWS, 2 * have), self._most))
        with torch.inference_mode(False):  # rows are added within that mode and outside of it
            grown = self._rows.new_empty((count, self.words))
            grown[:have] = self._rows
        self._rows = grown


class _Everywhere(dict[Any, int]):
    """Of no constraint: row 0 in whatever state."""

    def __missing__(self, state: Any) -> int:
        return _FREE


def _packed(rows: Sequence[Any], words: int) -> Tensor:
    """int32 [len(rows), words] on the CPU."""
    packed = np.zeros((len(rows), words), dtype=np.int32)
    for target, row in zip(packed, rows, strict=True):
        count = min(words, len(row))
        target[:count] = row[:count]
    return torch.from_numpy(packed)
