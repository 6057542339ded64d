"""A regex and a vocabulary to a token automaton."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regex.automaton import smallest_dfa
from sglc.passes.regex.limits import Budget
from sglc.passes.regex.syntax import parse, refusal
from sglc.passes.regex.tokens import token_automaton
from sglc.passes.regex.utf8 import ByteDfa, byte_table


def compile_regex(pattern: str, vocabulary: Vocabulary) -> TokenAutomaton:
    """The automaton of the texts that Python's `re.fullmatch(pattern, text)` matches.

    Raises `ConstraintError`, with a caret under the part, for a pattern that `re` refuses, that is not regular (a
    back-reference, or an atomic group that makes a difference), that no text matches, whose automaton is too large, or
    whose texts the vocabulary cannot write. It takes seconds at most, whatever the pattern.
    """
    return token_automaton(compile_bytes(pattern), vocabulary, pattern)


def compile_bytes(pattern: str) -> ByteDfa:
    """The part of `compile_regex` that needs no vocabulary: the smallest automaton over UTF-8."""
    try:
        tree = parse(pattern)
        budget = Budget.of(tree, pattern)
        dfa, runs = smallest_dfa(tree, budget)
    except RecursionError as error:  # the parts of a regex are walked recursively, from whatever depth we are called at
        raise ConstraintError("the regex is nested too deeply", hint="use fewer groups in one another") from error
    if not dfa.moves:
        raise refusal(pattern, (0, len(pattern)), "no text matches the regex", "check its character classes")
    return byte_table(dfa, runs, budget)
