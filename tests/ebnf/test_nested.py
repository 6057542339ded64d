"""What nests goes to llguidance: with the same words, by an oracle that lists them."""

from __future__ import annotations

import random

import pytest
from llguidance import LLMatcher, LLTokenizer
from llguidance._tokenizer import TokenizerWrapper

from sglc.ir.errors import ConstraintError
from sglc.passes.ebnf.lark_text import lark_of_grammar
from sglc.passes.ebnf.regular import tree_of_grammar
from sglc.passes.regular.source import NotRegular
from tests.ebnf.grammars import ALPHABET, Word, acyclic, at_ends, language, nested, words, written

CONTROL = 300


class Bytes:
    """Every byte is a token, 256 ends an answer, 257 to 301 are control tokens."""

    eos_token_id = 256
    bos_token_id = None
    tokens = [bytes([byte]) for byte in range(256)] + [b"<%d>" % number for number in range(256, 302)]  # noqa: RUF012
    special_token_ids = list(range(256, 302))  # noqa: RUF012

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
        make = draw.choice([nested, nested, nested, at_ends, acyclic])
        rules = make(draw)
        text = written(rules, draw)
        expected = language(rules, 5)
        try:
            grammar = lark_of_grammar(text)
        except ConstraintError as error:
            assert "has no text" in error.what, text  # noqa: PT017
            assert not expected
            continue
        lexemes += any("T" in line and len(line) > 12 for line in grammar.splitlines())
        assert accepted(grammar, 5, tuple(ALPHABET)) == expected, (text, grammar)
    assert lexemes > 20
