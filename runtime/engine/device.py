"""The device: what the scheduler drives. Two makers: `torch_device` and, for tests of the scheduler, `fake_device`.

A batch is ragged: the rows of all requests one after another. A row is one token at one position of one request; in each
layer the device first writes the keys and values of all rows into their pages, and then each row attends to the pages of
positions 0..position of its chunk. So a chunk may go on after rows of an earlier chunk of the same batch: a tree of
tokens is computed at once, as one chunk for each run of it.

A batch is started in two parts: its forward pass, and then what is drawn from it. Between the two, what the batch before
has drawn may be read, and masks and penalties follow from that. The next batch may be started before this one's ids are
read: its rows name them by their place (`Chunk.follows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sglc.ir.tokens import TokenConstraint
from sglc.runtime.engine.request import Score


@dataclass(frozen=True, slots=True)
class Draw:
    """How the id after a chunk's last row is chosen. `history`: the ids generated so far, for the penalties. `score`:
    report the log probability of the chosen id."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    frequency_penalty: float
    presence_penalty: float
    seed: int
    position: int  # index of the id to draw among the generated ones; with `seed`, all that a draw depends on
    history: Sequence[int] = ()
    constraint: TokenConstraint | None = None
    state: Any = None  # of the constraint
    forbidden: frozenset[int] = frozenset()  # end ids before min_tokens
    score: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one request in a batch.

    ids:       the tokens to compute, at positions start .. start + len(ids) - 1.
    pages:     the page of every position 0 .. start + len(ids) - 1. The last len(ids) of them are written by this chunk,
               the others were by batches before, or are by chunks before it in this one.
    draw:      choose an id after the last row; None for a chunk that is not the end of its prompt.
    score:     (row, id) pairs: report the log probability of id after the chunk's row.
    score_top: with each log probability, report those of so many of the likeliest ids.
    """

    ids: Sequence[int]
    start: int
    pages: Sequence[int]
    draws: bool = False
    follows: int | None = None
    score: Sequence[tuple[int, int]] = ()
    score_top: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    chunks: Sequence[Chunk]


@dataclass(slots=True)
class Result:
    """One entry a chunk, in order. drawn: the chosen id, None where nothing was drawn, or the exception that the draw
    or a score of this chunk alone ended with. scores: the log probabilities asked for, that of the chosen id last."""

    drawn: list[int | Exception | None]
    scores: list[list[Score]] = field(default_factory=list)


class Pending(Protocol):
    """A batch on its way."""

    def draw(self, draws: Sequence[Draw | None]) -> None:
        """Starts the draws, one a chunk: None where there is none, or nobody wants it any more. Called once, before the
        others, and before a batch is submitted behind this one."""
        ...

    def ready(self) -> bool: ...

    def result(self) -> Result:
        """Waits; raises what the batch as a whole failed with."""
        ...


class Device(Protocol):
    @property
    def num_pages(self) -> int:
        """Pages of the KV pool, one token each."""
        ...

    @property
    def max_positions(self) -> int:
        """The longest sequence the model can read, in tokens."""
        ...

    @property
    def runs_ahead(self) -> bool:
        """Whether a batch is still on its way when `submit` and `draw` return, so that the next one is better made meanwhile."""
        ...

    def submit(self, batch: Batch) -> Pending:
        """Starts a batch. Batches run in the order of submission, and what `draw` starts before the next of them: so a page
        may change its owner while a batch that reads or writes it is on its way."""
        ...
