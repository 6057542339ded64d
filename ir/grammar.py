"""A constraint that is no automaton: a grammar, followed while an answer is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sglc.ir.tokens import TokenAutomaton

MAX_GRAMMAR = 1 << 20  # characters of a grammar's text


@dataclass(frozen=True, slots=True)
class Grammar:
    """text: of the grammar, in the Lark syntax of llguidance, at most `MAX_GRAMMAR` characters. why: why it is no
    automaton, one sentence on one line. Nothing compiled: that takes milliseconds, and depends on the library's version.
    """

    text: str
    why: str


CompiledConstraint: TypeAlias = TokenAutomaton | Grammar
"""What the compiler makes of a constraint for one vocabulary."""
