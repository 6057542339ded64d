"""What stands around a call in the code of a body, read off its instructions."""

from __future__ import annotations

import dis
import functools
import itertools
from types import CodeType, FrameType
from typing import Any

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


def prints_to_a_file(frame: FrameType) -> bool:
    """Whether the call of `print` that a frame is in names the file. (It may be None, which is seldom written.)"""
    return frame.f_lasti in _with_file(frame.f_code)


@functools.lru_cache(_MAX_CODES)
def _with_file(code: CodeType) -> frozenset[int]:
    """The places of the calls that have a keyword argument `file`."""
    names: Any = ()
    found: set[int] = set()
    for step in dis.get_instructions(code):
        if step.opname == "KW_NAMES":
            names = code.co_consts[step.arg or 0]
        elif step.opname == "LOAD_CONST":
            names = step.argval
        elif step.opname in ("CALL", "CALL_KW"):
            if type(names) is tuple and "file" in names:
                found.add(step.offset)
            names = ()
    return frozenset(found)
