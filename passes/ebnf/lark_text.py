"""A grammar to llguidance's Lark syntax: for what nests.

llguidance reads a text as lexemes, each as long as possible, and never takes one back. So a part becomes a lexeme of its
own only where that loses nothing (`lexemes.py`); what is left are single characters, which are never too long.
"""

from __future__ import annotations

from collections.abc import Iterator

from sglc.passes.ebnf.depth import MAX_DEPTH, depth
from sglc.passes.ebnf.lexemes import Lexicon, safe_lexemes
from sglc.passes.ebnf.regular import regular_rules
from sglc.passes.ebnf.rules import ROOT, Again, Either, Expression, Grammar, Leaf, Row, Use, inside
from sglc.passes.ebnf.syntax import grammar_of
from sglc.passes.regular.charset import CharSet
from sglc.passes.regular.source import NotRegular
from sglc.passes.regular.tree import Chars, Choice, Regular, Repeat, Sequence, Token


def lark_of_grammar(text: str) -> str:
    """The same language for `LLMatcher.grammar_from_lark`. Raises `ConstraintError` for what is no grammar, `NotRegular` for
    rules that go too deep for the library."""
    grammar = grammar_of(text)
    lexicon = safe_lexemes(grammar, regular_rules(grammar)[0])
    _check_depth(grammar, lexicon)
    names = {name: f"r{number}" for number, name in enumerate(lexicon.rules)}
    lines = [f"start: {names[ROOT]}"]
    for name, body in lexicon.rules.items():
        lines.append(f"{names[name]}: {_expression(body, names, lexicon)}")
    lines += [f"T{number}: /{regex_of(tree)}/" for number, tree in enumerate(lexicon.lexemes)]
    return "\n".join(lines) + "\n"


def _check_depth(grammar: Grammar, lexicon: Lexicon) -> None:
    levels = depth(ROOT, lambda name: _steps(lexicon.rules[name], 0))
    if levels > MAX_DEPTH:
        what = f"its rules lead to one another through {levels:,} levels, at most {MAX_DEPTH:,}"
        raise grammar.source.refusal(grammar.rules[ROOT].span, what, "write it in fewer rules", NotRegular)


def _steps(expression: Expression, level: int) -> Iterator[tuple[int, str]]:
    """The rules that a part of a rule leads to, and at which level of the rule: a group or a repeat is one, a row none."""
    if isinstance(expression, Use):
        yield level + 1, expression.name
    for part in inside(expression):
        yield from _steps(part, level + isinstance(part, Either | Again))


def _expression(expression: Expression, names: dict[str, str], lexicon: Lexicon) -> str:
    def inner(part: Expression) -> str:
        text = _expression(part, names, lexicon)
        return text if isinstance(part, Leaf | Use) else f"({text})"

    match expression:
        case Leaf(Token(number)):
            return f"<[{number}]>"
        case Leaf(tree):
            return f"T{lexicon.lexemes[tree]}"
        case Use(name):
            return names[name]
        case Row(parts):
            return " ".join(map(inner, parts)) or '""'
        case Either(parts):
            return " | ".join(map(inner, parts))
        case Again(body, least, most):
            return inner(body) + _counts(least, most)


def regex_of(tree: Regular) -> str:
    """A regex of llguidance for a tree of characters, rows, choices and repeats."""
    match tree:
        case Chars(chars):
            return _class(chars)
        case Sequence(parts):
            return "".join(map(regex_of, parts))
        case Choice(parts):
            return f"(?:{'|'.join(map(regex_of, parts))})"
        case Repeat(body, least, most):
            return f"(?:{regex_of(body)}){_counts(least, most)}"
        case _:
            raise AssertionError(tree)


def _class(chars: CharSet) -> str:
    def point(number: int) -> str:
        return chr(number) if chr(number).isascii() and chr(number).isalnum() else f"\\x{{{number:X}}}"

    if len(chars) == 1 and chars[0][0] == chars[0][1]:
        return point(chars[0][0])
    return f"[{''.join(f'{point(first)}-{point(last)}' for first, last in chars)}]"


def _counts(least: int, most: int | None) -> str:
    short: dict[tuple[int, int | None], str] = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    return short.get((least, most), f"{{{least},{'' if most is None else most}}}")
