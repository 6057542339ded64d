"""What a row's id is chosen by: as it is asked for, and in the numbers that the kernels work with."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from torch import Tensor

OK, NOT_A_NUMBER, NOTHING_ALLOWED = range(3)
"""What became of a row."""

BLOCK = 8192
"""Ids that are summed up at a time. A part of what a draw means, so it never changes with the batch."""

ONE = 40
"""log2 of the weight of a block's likeliest id. The sum of 2**20 of them has 60 bits."""

_ALL = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_SMALLEST, _LARGEST = 1e-30, 3e38  # of a scale: with them, minus infinity stays so, and nothing becomes infinite


@dataclass(frozen=True, slots=True)
class Choice:
    """How the id of one row is chosen. temperature 0: the lowest of the likeliest ids. top_k <= 0, top_p 1, min_p 0 are off.

    mask:  row of the masks that says what is allowed; -1: everything.
    bias:  number of the row among those with edits; -1: it has none.
    score: report the log probability of the chosen id, that of the plain logits: before all of the above.
    """

    temperature: float = 0.0
    top_k: int = -1
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0
    position: int = 0
    mask: int = -1
    bias: int = -1
    score: bool = False


@dataclass(frozen=True, slots=True)
class Edits:
    """What is added to some logits, minus infinity to forbid an id. On the device of the logits.

    count:  of rows that have edits. rows: int64 [n] the number of each edit's row among them. ids: int64 [n], no id twice in
    a row. values: float32 [n].
    """

    count: int
    rows: Tensor
    ids: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Draw:
    """How an id is drawn.

    key:   where its numbers begin. scale: log2(e) / temperature, in float32.
    top_k: 0: off. top_p: in units of 2**-63; -1: off.
    least: how far below the largest logit the others may be, not above 0, in float32.
    """

    key: int
    scale: float
    top_k: int
    top_p: int
    least: float

    @property
    def filtered(self) -> bool:
        return self.top_k > 0 or self.top_p >= 0 or self.least > -math.inf


def draw_of(choice: Choice) -> Draw | None:
    """None where nothing is drawn."""
    temperature = choice.temperature
    if temperature <= 0:
        return None
    return Draw(
        key(choice.seed, choice.position),
        _single(min(max(1 / (temperature * math.log(2)), _SMALLEST), _LARGEST)),
        max(choice.top_k, 0),
        int(max(choice.top_p, 0.0) * 2.0**63) if choice.top_p < 1 else -1,
        _single(max(temperature * math.log(min(choice.min_p, 1.0)), -_LARGEST)) if choice.min_p > 0 else -math.inf,
    )


def key(seed: int, position: int) -> int:
    """Where the numbers of a draw begin: 64 bits that depend on (seed, position) alone."""
    return number(seed & _ALL, 0) ^ (position & _ALL)


def number(key: int, index: int) -> int:
    """Number `index` of splitmix64 (Steele, Lea and Flood, 2014) from the state `key`: 64 bits."""
    x = (key + (index + 1) * _GOLDEN) & _ALL
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _ALL
    return x ^ (x >> 31)


def bits(value: float) -> int:
    """Of a number as float32."""
    return struct.unpack("<i", struct.pack("<f", value))[0]


def _single(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]
