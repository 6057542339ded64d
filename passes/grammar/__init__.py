"""Constraints for which there is no automaton, as grammars that llguidance follows while an answer is written."""

from __future__ import annotations

from sglc.ir.grammar import Grammar
from sglc.ir.ops import Constraint
from sglc.passes.ebnf.lark_text import lark_of_grammar
from sglc.passes.front_ends import read_constraint
from sglc.passes.grammar.lark import lark_of_tree
from sglc.passes.grammar.library import HINT, OPTIONS, complaint, installed
from sglc.passes.grammar.schema import lark_of_schema
from sglc.passes.regular.source import NotRegular


def grammar_of(constraint: Constraint, refusal: NotRegular) -> Grammar:
    """The grammar of a constraint that was refused an automaton.

    Raises `ConstraintError`: with both reasons where there is no grammar either, and with the first alone where the
    library is not installed. Takes a moment whatever the constraint: the library has limits of its own.
    """
    why = _line(refusal.what)
    if not installed():
        raise NotRegular(refusal.what, hint=f"{HINT} for constraints that are not regular, or {refusal.hint}")
    try:
        text = OPTIONS + _lark(constraint)
    except NotRegular as error:
        if error.what == refusal.what:
            raise refusal from None
        raise _neither(refusal, error.what) from None
    except RecursionError:  # from whatever depth we are called at
        raise _neither(refusal, f"the {constraint.kind} is nested too deeply") from None
    if found := complaint(text):
        raise _neither(refusal, f"llguidance: {found}")
    return Grammar(text, why)


def _lark(constraint: Constraint) -> str:
    match constraint.kind:
        case "regex":  # from the tree that our parser made: another one would read another meaning
            return lark_of_tree(*read_constraint(constraint))
        case "json_schema":
            return lark_of_schema(constraint.text, constraint.whitespace)
        case "ebnf":
            return lark_of_grammar(constraint.text)


def _neither(refusal: NotRegular, what: str) -> NotRegular:
    return NotRegular(f"{refusal.what}\n  and no grammar either: {what}", hint=refusal.hint)


def _line(what: str) -> str:
    """An error's first line as a reason."""
    line = what.split("\n", 1)[0]
    return "".join(c if c.isprintable() else " " for c in line)[:300]
