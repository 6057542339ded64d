"""Which texts an answer can be, where they are few: the choices of a select, the strings of a finite regex."""

from __future__ import annotations

import functools

from sglc.ir.ops import Constraint, Gen, Op, Read, Select
from sglc.passes.finite_language import finite_language

MAX_VALUES = 16
"""Texts of one answer that are told apart ahead of time, at most."""


def foreseen(op: Op) -> tuple[str, ...]:
    """The texts that the answer read by `op` can be; () where they are not known, or too many."""
    answer = op.state if isinstance(op, Read) else None
    if isinstance(answer, Select):
        if not all(isinstance(part, str) for choice in answer.choices for part in choice):
            return ()
        texts = tuple(dict.fromkeys("".join(map(str, choice)) for choice in answer.choices))
        return texts if len(texts) <= MAX_VALUES else ()
    if isinstance(answer, Gen) and answer.constraint is not None:
        return _language(answer.constraint)
    return ()


def foreseen_all(op: Op) -> bool:
    """Whether there can be no other: a gen may also end at `max_tokens`, in the middle of a text."""
    return isinstance(op, Read) and isinstance(op.state, Select)


@functools.lru_cache(1024)
def _language(constraint: Constraint) -> tuple[str, ...]:
    return finite_language(constraint, MAX_VALUES) or ()
