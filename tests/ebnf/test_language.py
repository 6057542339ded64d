"""A grammar's automaton accepts exactly its words: compared with an oracle that lists them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from sglc.ir.ops import Constraint
from sglc.passes.ebnf.regular import tree_of_grammar
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular.compile import compile_bytes
from sglc.passes.regular.source import NotRegular
from sglc.passes.regular.utf8 import ByteDfa
from tests.ebnf.grammars import ALPHABET, Part, Word, acyclic, at_ends, language, nested, refusal, words, written


def accepted(dfa: ByteDfa, word: Word) -> bool:
    state = 0
    for symbol in word:
        if isinstance(symbol, int):
            state = int(dfa.ids[symbol][state]) if symbol in dfa.ids else -1
            if state < 0:
                return False
            continue
        for byte in symbol.encode():
            state = int(dfa.table[state, byte])
            if state < 0:
                return False
    return bool(dfa.accept[state])


def check(rules: dict[str, Part], text: str, symbols: tuple[str | int, ...], length: int) -> None:
    expected = language(rules, length)
    if (error := refusal(lambda: compile_bytes(*read_constraint(Constraint("ebnf", text))))) is not None:
        assert "no text" in error.what
        assert not expected
        return
    dfa = compile_bytes(*read_constraint(Constraint("ebnf", text)))
    found = {word for word in words(symbols, length) if accepted(dfa, word)}
    assert found == expected, text


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("make", "tokens"), [(acyclic, (7,)), (at_ends, ())])
def test_the_automaton_of_a_grammar(seed: int, make: Callable[..., dict[str, Part]], tokens: tuple[int, ...]) -> None:
    draw = random.Random(seed)
    for _ in range(60):
        rules = make(draw, tokens) if tokens else make(draw)
        check(rules, written(rules, draw), (*ALPHABET, *tokens), 4)


def test_rules_that_nest_are_regular_only_where_that_is_proved() -> None:
    """Whatever is taken is right; that some is not taken is no error."""
    draw = random.Random(0)
    taken = 0
    for _ in range(200):
        rules = nested(draw)
        text = written(rules, draw)
        if (error := refusal(lambda text=text: tree_of_grammar(text))) is not None:
            assert isinstance(error, NotRegular) or "has no text" in error.what
            continue
        taken += 1
        check(rules, text, tuple(ALPHABET), 5)
    assert 10 < taken < 150


TEXT_CASES = {
    'root ::= "a\\n\\t\\"\\\\\\r" [\\]\\-\\^x]': (['a\n\t"\\\r]', 'a\n\t"\\\r-', 'a\n\t"\\\r^'], ['a\n\t"\\\ry', ""]),
    'root ::= "\\xe9\\u4e2d\\U0001F600"': (["é中😀"], ["é", "é中"]),
    "root ::= [^\\x00-\\x7f]+": (["é", "中😀"], ["a", "éa", ""]),
    "root ::= .": (["\n", "a", "😀"], ["", "ab"]),
    'root ::= ("yes" | "no"){2} [-a] [a-]?': (["yesno-", "nonoa-"], ["yes-", "yesnono-"]),
    'root::="a"b\nb::="b"# c\n|"c"': (["ab", "ac"], ["a", "abc"]),
    'root ::= my-rule_2 my-rule_2\nmy-rule_2 ::= ("x" | ) "1"': (["1x1", "11", "x11", "x1x1"], ["x", "1"]),
    'root ::= root ("+" | "-") root | [0-9]+': (["1", "1+2", "12-3+4"], ["+1", "1+", "1++2"]),
    'root ::= num (op root)*\nnum ::= [0-9]\nop ::= [-+]': (["1", "1+2-3"], ["1-", "-1"]),
    "root ::= a | root\na ::= [b] a?": (["b", "bbb"], ["", "a"]),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXT_CASES)
def test_what_a_written_grammar_allows(text: str) -> None:
    dfa = compile_bytes(*tree_of_grammar(text))
    yes, no = TEXT_CASES[text]
    assert [word for word in (*yes, *no) if accepted(dfa, tuple(word))] == yes


def test_the_tree_of_a_rule_is_one_object() -> None:
    tree, _ = tree_of_grammar('root ::= "(" r ")" | "[" r "]"\nr ::= "a" | "bc"')
    first, second = (part.parts[1] for part in tree.parts)  # type: ignore[union-attr]
    assert first is second
