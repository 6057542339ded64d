"""Constraints as they are written, to trees of regular operations."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.passes.json_schema import tree_of_schema
from sglc.passes.regex.syntax import parse
from sglc.passes.regular.source import Source
from sglc.passes.regular.tree import Regular


def read_constraint(constraint: Constraint) -> tuple[Regular, Source]:
    """The tree of the texts that a constraint allows, and what errors say about it.

    Raises `ConstraintError`, with the part that is to blame, for what is invalid or not regular.
    """
    try:
        match constraint.kind:
            case "regex":
                return parse(constraint.text), Source("regex", constraint.text)
            case "json_schema":
                tree = tree_of_schema(constraint.text, constraint.whitespace)
                return tree, Source("json_schema", constraint.text, root="at #")
            case "ebnf":
                from sglc.passes.ebnf.regular import tree_of_grammar  # here: slow to import, and few programs have one

                return tree_of_grammar(constraint.text)
    except RecursionError as error:  # from whatever depth we are called at
        raise ConstraintError(
            f"the {constraint.kind} is nested too deeply", hint="use fewer groups in one another"
        ) from error
