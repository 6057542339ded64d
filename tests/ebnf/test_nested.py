"""What nests goes to llguidance: with the same words, by an oracle that lists them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from llguidance import LLMatcher, LLTokenizer
from llguidance._tokenizer import TokenizerWrapper

from sglc.passes.ebnf.lark_text import lark_of_grammar
from tests.ebnf.grammars import ALPHABET, Word, acyclic, at_ends, language, nested, refusal, written

CONTROL = 300


class Bytes:
    """Every byte is a token, 256 ends an answer, 257 to 301 are control tokens."""

    eos_token_id = 256
    bos_token_id = None
    tokens: Sequence[bytes] = [bytes([byte]) for byte in range(256)] + [b"<%d>" % number for number in range(256, 302)]
    special_token_ids: Sequence[int] = range(256, 302)

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


TOKENIZER = LLTokenizer(TokenizerWrapper(Bytes()))


def accepted(grammar: str, length: int, symbols: tuple[str | int, ...]) -> set[Word]:
    """All words up to a length, found by walking and going back."""
    matcher = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), (matcher.get_error(), grammar)
    found: set[Word] = set()

    def walk(word: Word) -> None:
        if matcher.is_accepting():
            found.add(word)
        if len(word) == length or matcher.is_stopped():
            return
        for symbol in symbols:
            ids = [symbol] if isinstance(symbol, int) else list(symbol.encode())
            if matcher.try_consume_tokens(ids) == len(ids):
                walk((*word, symbol))
                matcher.rollback(len(ids))

    walk(())
    return found


def is_word(grammar: str, text: str) -> bool:
    matcher = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), (matcher.get_error(), grammar)
    ids = list(text.encode())
    return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()


@pytest.mark.parametrize("seed", range(4))
def test_random_grammars(seed: int) -> None:
    draw = random.Random(seed)
    lexemes = 0
    for _ in range(50):
        make = draw.choice([nested, nested, nested, at_ends, acyclic, lambda draw: acyclic(draw, (CONTROL,))])
        rules = make(draw)
        text = written(rules, draw)
        symbols, length = ((*ALPHABET, CONTROL), 4) if "<[" in text else (tuple(ALPHABET), 5)
        expected = language(rules, length)
        if (error := refusal(lambda text=text: lark_of_grammar(text))) is not None:
            assert "has no text" in error.what, text
            assert not expected
            continue
        grammar = lark_of_grammar(text)
        lexemes += any(line.startswith("T") and "(" in line for line in grammar.splitlines())
        assert accepted(grammar, length, symbols) == expected, (text, grammar)
    assert lexemes > 8


JSON = r"""
root ::= value
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array ::= "[" ws (value ("," ws value)*)? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
"""

# grammar, its texts, others, and the lexemes that it is written in (None: any)
CASES = [
    (JSON, ['{"a": [1, 2.5e+1, "é\\n", {}], "b" :null}', "[[[]]]", "-0.5 "], ["[1,]", "1a", '{"a"}', '"'], None),
    ('root ::= "(" root ")" | ("a" | "ab") "bc" "x"', ["abcx", "(abbcx)"], ["abx", "(abcx"], 3),
    ('root ::= "<" root ">" | ("a" | "ab") root2\nroot2 ::= "bc" root?', ["abc", "<abbcabc>"], ["abbcc"], None),
    ('root ::= "(" root ")" | [0-9]+ [0-9] root?', ["12", "(123)", "1234"], ["1", "(1)"], 3),
    ('root ::= "(" root ")" | [0-9]+ "." root?', ["12.", "(1.2.)"], ["1", "(1)"], 3),
    ('root ::= "(" root "ü" | [é]+', ["é", "((éééüü"], ["ü", "(éü(", "("], 3),
    ('root ::= "-" root "-" | . .', ["-a--", "--é-", "\n\n", "----"], ["-a-", "---"], 2),
    ('root ::= "/" root "/" | [\\]\\x00-\\x1f"\']', ["/]/", '"', "//\x1f//"], ["/", "a"], 2),
    ("root ::= a | root a root\na ::= root | [x] | a a", ["x", "xxxx"], ["", "y"], None),
]


@pytest.mark.parametrize(("text", "yes", "no", "lexemes"), CASES)
def test_what_a_written_grammar_allows(text: str, yes: list[str], no: list[str], lexemes: int | None) -> None:
    grammar = lark_of_grammar(text)
    assert [word for word in (*yes, *no) if is_word(grammar, word)] == yes
    if lexemes is not None:
        assert sum(line.startswith("T") for line in grammar.splitlines()) == lexemes, grammar


def test_json_is_written_in_long_lexemes() -> None:
    """Strings, numbers and words are one lexeme each, so that little is left to the parser."""
    lexemes = [line for line in lark_of_grammar(JSON).splitlines() if line.startswith("T")]
    assert len(lexemes) == 12
    for part in ("true|false|null", "[E-Ee-e]", "u(?:[0-9A-Fa-f]){4,4}"):
        assert any(part in line for line in lexemes)


def test_the_greedy_lexer_is_why() -> None:
    """Written as it stands, a grammar loses a text; this is what `lexemes.py` is for."""
    assert not is_word('start: (A | AB) BC\nA: "a"\nAB: "ab"\nBC: "bc"\n', "abc")
    text = 'root ::= nest | ("a" | "ab") tail\ntail ::= "bc" nest?\nnest ::= "(" root ")"'
    assert is_word(lark_of_grammar(text), "abc")
    assert is_word(lark_of_grammar(text), "abbc(abc)")
