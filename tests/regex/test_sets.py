"""Intersections and complements of trees, against sets of words."""

from __future__ import annotations

import functools
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.ir.errors import ConstraintError
from sglc.passes.regex.syntax import parse
from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.limits import MAX_WORK, Budget
from sglc.passes.regular.source import Source
from sglc.passes.regular.tree import Both, Choice, Not, Part, Regular, Repeat, Sequence
from sglc.passes.regular.utf8 import byte_table

WORDS = ["".join(word) for length in range(6) for word in itertools.product("ab", repeat=length)]
PATTERNS = ["a*", "(ab)*", "[ab]{2}", "b|ab?", "", r"[^\s\S]", ".*a.*", "(?!ab).*", r"\w+\b", "(a|b){0,3}", "a{1,3}+b"]


@functools.cache
def of_pattern(pattern: str) -> frozenset[str]:
    return frozenset(word for word in WORDS if re.fullmatch(pattern, word))


def words(tree: Regular | str) -> frozenset[str]:
    """The words of a tree with patterns as its leaves."""
    match tree:
        case str():
            return of_pattern(tree)
        case Both(parts):
            return frozenset(WORDS).intersection(*map(words, parts))
        case Not(body):
            return frozenset(WORDS) - words(body)
        case Choice(parts):
            return frozenset[str]().union(*map(words, parts))
        case Sequence(parts):
            pairs = itertools.product(*map(words, parts))
            return frozenset(WORDS) & frozenset("".join(pair) for pair in pairs)
        case _:
            raise AssertionError(tree)


def compiled(tree: Regular | str) -> Regular:
    match tree:
        case str():
            look = "(?" in tree or "\\b" in tree  # it would see what stands around it
            return Both((parse(tree),)) if look else parse(tree)
        case Not(body):
            return Not(compiled(body))
        case Both(parts) | Choice(parts) | Sequence(parts):
            return type(tree)(tuple(map(compiled, parts)))
        case _:
            raise AssertionError(tree)


def accepted(tree: Regular) -> frozenset[str]:
    dfa, runs = smallest_dfa(tree, Budget(Source("regex", ""), (0, 0)))
    if not len(dfa.moves):
        return frozenset()
    table = byte_table(dfa, runs, Budget(Source("regex", ""), (0, 0)))

    def accepts(word: str) -> bool:
        state = 0
        for byte in word.encode():
            state = int(table.table[state, byte]) if state >= 0 else -1
        return state >= 0 and bool(table.accept[state])

    return frozenset(filter(accepts, WORDS))


def grown(inner: st.SearchStrategy[Regular | str]) -> st.SearchStrategy[Regular]:
    two = st.tuples(inner, inner)
    return st.one_of(*(two.map(kind) for kind in (Both, Choice, Sequence)), inner.map(Not))  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(st.recursive(st.sampled_from(PATTERNS), grown, max_leaves=5))
def test_random_trees(tree: Regular | str) -> None:
    assert accepted(compiled(tree)) == words(tree)


def test_a_part_stands_for_itself() -> None:
    """A look in a part does not see what stands around the part."""
    assert accepted(Sequence((Not(parse("(?!a)")), parse("b*")))) == frozenset(filter(None, WORDS))


def test_parts_change_nothing() -> None:
    """A part at several places, small or large, in itself or in a repeat; its texts are those of its body."""
    for pattern in ("a|bc", "(ab?|b{2,3}a)*b", "a*b*a?b?a*"):
        body = parse(pattern)
        part = Part(body, "")
        for made in (
            lambda x: Sequence((x, x)),
            lambda x: Choice((x, Sequence((parse("a"), x, parse("b?"), x)))),
            lambda x: Sequence((Repeat(x, 0, 2, ""), parse("b"), Repeat(x, 1, None, ""))),
            lambda x: Both((Sequence((x, parse("a?"))), Not(x))),
        ):
            assert accepted(made(part)) == accepted(made(body)), pattern
            nested = Part(Sequence((part, part)), "")
            assert accepted(made(nested)) == accepted(made(Sequence((body, body)))), pattern


def test_none_and_all() -> None:
    assert accepted(Both(())) == frozenset(WORDS)
    assert accepted(Not(parse(r"(?s).*"))) == frozenset()
    assert accepted(Not(Choice(()))) == frozenset(WORDS)


def test_equal_parts_are_built_once() -> None:
    part = Not(parse("(?s)(a?b?){30}c*|.*"))  # much work for nothing
    once, often = Budget(Source("regex", ""), (0, 0)), Budget(Source("regex", ""), (0, 0))
    smallest_dfa(Sequence((part, parse("c"))), once)
    smallest_dfa(Choice(tuple(Sequence((parse(letter), part)) for letter in "cdefghijk")), often)
    assert MAX_WORK - often.work < 2 * (MAX_WORK - once.work)


@pytest.mark.parametrize(
    "tree",
    [
        Not(parse("|".join(f"(a|b)*{'ab'[n % 2]}(a|b){{{n}}}" for n in range(50)))),
        Both(tuple(parse(f"(a{{{n}}})*") for n in (7, 11, 13, 17, 19))),
        Sequence((Not(parse(".*a.{30}")), parse("c"))),
    ],
    ids=["choices", "product", "complement"],
)
def test_what_blows_up_ends_with_one_error(tree: Regular) -> None:
    with pytest.raises(ConstraintError, match="too large an automaton"):
        smallest_dfa(tree, Budget(Source("regex", "pattern"), (0, 7)))
