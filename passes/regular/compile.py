"""A tree of regular operations and a vocabulary to a token automaton."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.limits import Budget
from sglc.passes.regular.minimise import Dfa
from sglc.passes.regular.nfa import Run
from sglc.passes.regular.source import Source
from sglc.passes.regular.tokens import check_size, token_automaton
from sglc.passes.regular.tree import Regular, Token, nodes
from sglc.passes.regular.utf8 import ByteDfa, byte_table


def compile_tree(tree: Regular, source: Source, vocabulary: Vocabulary) -> TokenAutomaton:
    """The automaton of the texts that a tree matches, each as a whole. source: what the tree was made of.

    Raises `ConstraintError`, with the part that is to blame, where an atomic group makes a difference, where no text
    matches, where the automaton is too large, or where the vocabulary cannot write the texts. It takes seconds at most,
    whatever the tree.
    """
    check_ids(tree, source, vocabulary)
    dfa, runs, budget = _compile_characters(tree, source)
    check_size(dfa, runs, vocabulary, source)
    return token_automaton(byte_table(dfa, runs, budget), vocabulary, source)


def check_ids(tree: Regular, source: Source, vocabulary: Vocabulary) -> None:
    """Raises `ConstraintError` for a token id that the vocabulary has not, or that ends an answer."""
    for node in nodes(tree):
        if isinstance(node, Token):
            if node.id >= vocabulary.size:
                what = f"the model has no token {node.id}: its ids are below {vocabulary.size}"
                raise source.refusal(node.span, what, "see the tokenizer's files for the ids of its tokens")
            if node.id in vocabulary.end_ids:
                what = f"token {node.id} ends an answer, so it cannot be a part of one"
                raise source.refusal(node.span, what, "leave it out: an answer ends where the constraint is met")


def compile_bytes(tree: Regular, source: Source) -> ByteDfa:
    """The part of `compile_tree` that needs no vocabulary: the smallest automaton over UTF-8."""
    return byte_table(*_compile_characters(tree, source))


def _compile_characters(tree: Regular, source: Source) -> tuple[Dfa, list[Run], Budget]:
    """The smallest automaton over characters, and what is left of the budget."""
    try:
        budget = Budget.of(tree, source)
        dfa, runs = smallest_dfa(tree, budget)
    except RecursionError as error:  # trees are walked recursively, from whatever depth we are called at
        what, hint = f"the {source.name} is nested too deeply", "use fewer groups in one another"
        raise ConstraintError(what, hint=hint) from error
    if not len(dfa.moves):
        raise source.refusal(source.whole, f"no text matches the {source.name}", "check its character classes")
    return dfa, runs, budget
