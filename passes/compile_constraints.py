"""Compiles the constraints of a program to token automata, once each."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.graph import Graph
from sglc.ir.in_time import in_time
from sglc.ir.ops import Constraint, Gen
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular.compile import compile_tree

_NO_LIMIT = 2**31
"""Of tokens, where only the run says it."""


def compile_constraints(graph: Graph, vocabulary: Vocabulary) -> dict[Constraint, TokenAutomaton]:
    """constraint -> automaton, in program order.

    Raises `ConstraintError` at the user's line of the first gen whose constraint is invalid, not regular or too large, or
    that finish_in_time cannot keep within max_tokens.
    """
    automata: dict[Constraint, TokenAutomaton] = {}
    for op in graph.ops:
        if isinstance(op, Gen) and op.constraint is not None:
            try:
                if op.constraint not in automata:
                    automata[op.constraint] = compile_constraint(op.constraint, vocabulary)
                if op.sampling.finish_in_time:
                    limit = op.sampling.max_tokens
                    in_time(automata[op.constraint], _NO_LIMIT if limit is None else limit)
            except ConstraintError as error:
                raise ConstraintError(error.what, where=op.loc or error.where, hint=error.hint) from error
    return automata


def compile_constraint(constraint: Constraint, vocabulary: Vocabulary) -> TokenAutomaton:
    """Raises `ConstraintError` where that cannot be done, with the part that is to blame."""
    return compile_tree(*read_constraint(constraint), vocabulary)
