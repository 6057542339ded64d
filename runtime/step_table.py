"""Automata side by side on a device, so that the states of a batch are tensors that never leave it.

A state of any of the automata is one number: its own, behind the states of the automata before. A step is two gathers,
whatever the automata: no kernel, no loop, nothing that a graph of a device could not capture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from sglc.ir.tokens import TokenAutomaton


@dataclass(frozen=True, slots=True)
class StepTable:
    """All tensors are on one device. What they take: 4 bytes a cell of `next` and of `class_of`, 16 a state.

    starts:   the number of each automaton's start.
    next:     int32 [sum of states * classes]; the state after a token of a class, -1 where it is not allowed.
    class_of: int32 [sum of sizes]; each automaton's classes of tokens.
    cells:    int64 [states]; where a state's classes begin in `next`.
    tokens:   int64 [states]; where its automaton's tokens begin in `class_of`.
    """

    starts: tuple[int, ...]
    next: Tensor
    class_of: Tensor
    cells: Tensor
    tokens: Tensor

    def step(self, states: Tensor, tokens: Tensor) -> Tensor:
        """The states after a token each, int32 [batch]; -1 where it is not allowed, and after that for ever.

        states: int32 [batch]. tokens: integers [batch] below the sizes of the states' automata. An end id leads nowhere.
        """
        known = states.clamp(min=0)
        classes = self.class_of[self.tokens[known] + tokens]
        return self.next[self.cells[known] + classes].where(states >= 0, states)


def step_table(automata: Sequence[TokenAutomaton], device: torch.device | str = "cpu") -> StepTable:
    """Raises ValueError for no automata, or for more states than int32 holds."""
    if not automata:
        raise ValueError("a table of steps needs an automaton at least")
    counts = [len(automaton.accept) for automaton in automata]
    starts = list(accumulate(counts, initial=0))
    if starts[-1] > np.iinfo(np.int32).max:
        raise ValueError(f"{starts[-1]:,} states are too many for one table: make several")
    following = [
        np.where(automaton.next >= 0, automaton.next + start, -1).ravel()
        for automaton, start in zip(automata, starts, strict=False)
    ]
    widths = np.repeat([automaton.next.shape[1] for automaton in automata], counts)
    sizes = accumulate((automaton.size for automaton in automata[:-1]), initial=0)

    def on_device(array: np.ndarray, dtype: type) -> Tensor:
        return torch.from_numpy(array.astype(dtype)).to(device)

    return StepTable(
        starts=tuple(starts[:-1]),
        next=on_device(np.concatenate(following), np.int32),
        class_of=on_device(np.concatenate([automaton.class_of for automaton in automata]), np.int32),
        cells=on_device(np.cumsum(widths) - widths, np.int64),
        tokens=on_device(np.repeat(list(sizes), counts), np.int64),
    )
