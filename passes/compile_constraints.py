"""Compiles the constraints of a program, once each: to token automata where it can be, else to grammars."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.grammar import CompiledConstraint, Grammar
from sglc.ir.graph import Graph
from sglc.ir.in_time import in_time
from sglc.ir.ops import Constraint, Gen, Sampling
from sglc.ir.tokens import TokenConstraint, Vocabulary
from sglc.passes.front_ends import read_constraint
from sglc.passes.grammar import grammar_of
from sglc.passes.regular.compile import compile_tree
from sglc.passes.regular.source import NotRegular

_NO_LIMIT = 2**31
"""Of tokens, where only the run says it."""


def compile_constraints(graph: Graph, vocabulary: Vocabulary) -> dict[Constraint, CompiledConstraint]:
    """constraint -> automaton or grammar, in program order.

    Raises `ConstraintError` at the user's line of the first gen whose constraint is invalid, or neither regular nor a
    grammar, or too large for both, or that finish_in_time cannot keep within max_tokens.
    """
    automata: dict[Constraint, CompiledConstraint] = {}
    for op in graph.ops:
        if isinstance(op, Gen) and op.constraint is not None:
            try:
                if op.constraint not in automata:
                    automata[op.constraint] = compile_constraint(op.constraint, vocabulary)
                check_length(automata[op.constraint], op.sampling)
            except ConstraintError as error:
                raise type(error)(error.what, where=op.loc or error.where, hint=error.hint) from error
    return automata


def check_length(compiled: TokenConstraint | Grammar, sampling: Sampling) -> None:
    """Raises `ConstraintError` where finish_in_time cannot keep an answer within its max_tokens."""
    if sampling.finish_in_time:
        in_time(compiled, _NO_LIMIT if sampling.max_tokens is None else sampling.max_tokens)


def compile_constraint(constraint: Constraint, vocabulary: Vocabulary) -> CompiledConstraint:
    """An automaton: nothing is cheaper to follow. A grammar, with the reason, where the constraint makes sense but is not
    regular, not known to us, or too large for an automaton.

    Raises `ConstraintError` where neither can be done, with the part that is to blame.
    """
    try:
        return compile_tree(*read_constraint(constraint), vocabulary)
    except NotRegular as refusal:
        return grammar_of(constraint, refusal)
