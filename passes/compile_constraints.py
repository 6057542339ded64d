"""Compiles the regexes of a program to token automata, once each."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.graph import Graph
from sglc.ir.ops import Gen
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regex.compile import compile_regex


def compile_constraints(graph: Graph, vocabulary: Vocabulary) -> dict[str, TokenAutomaton]:
    """regex -> automaton, in program order.

    Raises `ConstraintError` at the user's line of the first gen whose regex is invalid, not regular or too large.
    """
    automata: dict[str, TokenAutomaton] = {}
    for op in graph.ops:
        if isinstance(op, Gen) and op.regex is not None and op.regex not in automata:
            try:
                automata[op.regex] = compile_regex(op.regex, vocabulary)
            except ConstraintError as error:
                raise ConstraintError(error.what, where=op.loc or error.where, hint=error.hint) from error
    return automata
