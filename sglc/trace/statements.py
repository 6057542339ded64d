"""What stands around a call in the code of a body, read off its instructions."""

from __future__ import annotations

import dis
import functools
import itertools
from types import CodeType, FrameType

_MAX_CODES = 1_024
"""Of which it is kept what is found in them."""


def drops_what_it_calls(frame: FrameType | None) -> bool:
    """Whether a statement is a call alone, the one that a frame is in: it forgets at once what the call gives."""
    return frame is not None and frame.f_lasti in _before_drops(frame.f_code)


@functools.lru_cache(_MAX_CODES)
def _before_drops(code: CodeType) -> frozenset[int]:
    """The places of the instructions that stand before a POP_TOP."""
    steps = list(dis.get_instructions(code))
    return frozenset(one.offset for one, after in itertools.pairwise(steps) if after.opname == "POP_TOP")
