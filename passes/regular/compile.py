"""A tree of regular operations and a vocabulary to a token automaton."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.limits import Budget
from sglc.passes.regular.source import Source
from sglc.passes.regular.tokens import token_automaton
from sglc.passes.regular.tree import Regular
from sglc.passes.regular.utf8 import ByteDfa, byte_table


def compile_tree(tree: Regular, source: Source, vocabulary: Vocabulary) -> TokenAutomaton:
    """The automaton of the texts that a tree matches, each as a whole. source: what the tree was made of.

    Raises `ConstraintError`, with the part that is to blame, where an atomic group makes a difference, where no text
    matches, where the automaton is too large, or where the vocabulary cannot write the texts. It takes seconds at most,
    whatever the tree.
    """
    return token_automaton(compile_bytes(tree, source), vocabulary, source)


def compile_bytes(tree: Regular, source: Source) -> ByteDfa:
    """The part of `compile_tree` that needs no vocabulary: the smallest automaton over UTF-8."""
    try:
        budget = Budget.of(tree, source)
        dfa, runs = smallest_dfa(tree, budget)
    except RecursionError as error:  # trees are walked recursively, from whatever depth we are called at
        what, hint = f"the {source.name} is nested too deeply", "use fewer groups in one another"
        raise ConstraintError(what, hint=hint) from error
    if not len(dfa.moves):
        raise source.refusal(source.whole, f"no text matches the {source.name}", "check its character classes")
    return byte_table(dfa, runs, budget)
