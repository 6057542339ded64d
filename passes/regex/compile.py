"""A regex and a vocabulary to a token automaton."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regex.automaton import byte_dfa
from sglc.passes.regex.syntax import parse
from sglc.passes.regex.tokens import token_automaton


def compile_regex(pattern: str, vocabulary: Vocabulary) -> TokenAutomaton:
    """The automaton of the texts that Python's `re.fullmatch(pattern, text)` matches.

    Raises `ConstraintError`, with a caret under the part, for a pattern that `re` refuses, that is not regular (or uses
    look-around, word boundaries or back-references), that no text matches, whose automaton is too large, or whose texts
    the vocabulary cannot write. Takes at most a few seconds, whatever the pattern.
    """
    try:
        dfa = byte_dfa(parse(pattern), pattern)
    except RecursionError as error:  # the parts of a regex are walked recursively, from whatever depth we are called at
        raise ConstraintError("the regex is nested too deeply", hint="use fewer groups in one another") from error
    return token_automaton(dfa, vocabulary, pattern)
