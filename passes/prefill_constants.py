"""Tokenises the constant prompts of a program, as far as no continuation can change their tokens."""

from __future__ import annotations

from sglc.ir.graph import Graph
from sglc.ir.ops import Append, Op, Part, Role
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import Piece, Text, Tokenizer


def prefill_constants(graph: Graph, schedule: Schedule, tokenizer: Tokenizer) -> tuple[tuple[int, ...], ...]:
    """For each of the schedule's prefixes of the program the ids that begin every prompt which begins with it.

    Raises `ModelError` where a prefix has roles and the model no chat template.
    """
    ops = graph.ops
    return tuple(tuple(tokenizer.stable_prefix(constant_pieces(ops[p.op]))) for p in schedule.of_scope("program"))


def constant_pieces(state: Op) -> list[Piece]:
    """A constant prompt as pieces, up to its first part that is neither literal nor role (an image, a computed text)."""
    chain: list[tuple[Part, ...]] = []
    while isinstance(state, Append):
        chain.append(state.parts)
        state = state.state
    pieces: list[Piece] = []
    for part in (part for parts in reversed(chain) for part in parts):
        if isinstance(part, str):
            pieces.append(Text(part, trusted=True))
        elif isinstance(part, Role):
            pieces.append(part)
        else:
            break
    return pieces
