"""A grammar to one tree of regular operations, where it is regular."""

from __future__ import annotations

from sglc.ir.errors import ConstraintError
from sglc.passes.ebnf.linear import NotLinear, Sized, TooLarge, plain, solved
from sglc.passes.ebnf.rules import ROOT, Grammar, Rule, groups, uses
from sglc.passes.ebnf.syntax import grammar_of
from sglc.passes.regular.limits import MAX_POSITIONS
from sglc.passes.regular.source import NotRegular, Source
from sglc.passes.regular.tree import Regular


def tree_of_grammar(text: str) -> tuple[Regular, Source]:
    """The tree of the texts of a grammar; that of a rule is made once, however often it is used.

    Raises `ConstraintError` for what is no grammar, and `NotRegular` where a rule contains itself other than at its end
    or beginning, or where the tree would be too large.
    """
    grammar = grammar_of(text)
    trees, refused = regular_rules(grammar)
    if refused:
        raise next(iter(refused.values()))
    return trees[ROOT].tree, grammar.source


def regular_rules(grammar: Grammar) -> tuple[dict[str, Sized], dict[str, ConstraintError]]:
    """The trees of the rules that `root` needs, and for each rule that has none, why; it may be a rule in it."""
    trees: dict[str, Sized] = {}
    refused: dict[str, ConstraintError] = {}
    for group, recursive in groups(grammar.rules, ROOT):
        inner = [use.name for rule in group for use in uses(rule.body) if use.name in refused]
        try:
            if inner:
                refused |= {rule.name: refused[inner[0]] for rule in group}
            elif recursive:
                trees |= solved(group, trees.__getitem__)
            else:
                trees[group[0].name] = plain(group[0].body, trees.__getitem__)
        except NotLinear:
            refused |= {rule.name: _nested(group, grammar.source) for rule in group}
        except TooLarge:
            refused |= {rule.name: _large(rule, grammar.source) for rule in group}
    return trees, refused


def _nested(group: list[Rule], source: Source) -> ConstraintError:
    first, *others = group
    through = f" through {', '.join(rule.name for rule in others[:3])}" if others else ""
    what = f"the rule {first.name} contains itself{through}, and not only at its end or only at its beginning"
    return source.refusal(first.span, what, "write it with repeats instead, if its depth has a bound", NotRegular)


def _large(rule: Rule, source: Source) -> ConstraintError:
    what = f"the rule {rule.name} stands for more than {MAX_POSITIONS:,} characters or classes"
    return source.refusal(rule.span, what, "make its repeats smaller, or use fewer rules in it", NotRegular)
