"""How long answers can be, against the texts themselves and the automata of a vocabulary of bytes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sglc.ir.ops import Constraint
from sglc.passes.finite_language import finite_language
from sglc.passes.longest_answer import MAX_TEXT, longest_answer


@pytest.mark.parametrize(
    ("regex", "tokens"),
    [
        ("[1-9]|10", 2),
        ("", 0),
        ("a", 1),
        ("é", 2),
        ("[a-é]", 2),
        ("[a-€]", 3),
        ("😀?", 4),
        ("yes|no|", 3),
        ("(ab|c){3}", 6),
        ("(ab|c){2,4}d?", 9),
        ("(?:)*", 0),
        ("a(?=b)b", 2),
        ("(?>ab|a)c", 3),
        ("(?i:yes)", 4),  # of the letters that are an s whatever the case one has two bytes
        ("a*", None),
        ("(a|b+)c", None),
        ("[0-9]{3,}", None),
        ("[0-9]{1,20000}", 20_000),
        (r"\d{1,20}", 20 * 4),  # digits of other scripts have up to four bytes
        ("(", None),
        (f"{'a' * MAX_TEXT}", MAX_TEXT),
        (f"{'a' * MAX_TEXT}b", None),
        ("((((a{1000}){1000}){1000}){1000}){1000}", None),
    ],
)
def test_of_a_regex(regex: str, tokens: int | None) -> None:
    constraint = Constraint("regex", regex)
    assert longest_answer(constraint) == tokens
    texts = finite_language(constraint, 1_000)
    if texts is not None and tokens is not None:
        assert tokens == max(len(text.encode()) for text in texts)


@pytest.mark.parametrize(
    ("schema", "tokens"),
    [
        ({"type": "boolean"}, len("false")),
        ({"enum": ["a", "bcd"]}, len('"bcd"')),
        ({"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"], "additionalProperties": False}, len('{"a": 1}')),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}, len("[false, false]")),
        ({"type": "string"}, None),
        ({"type": "array"}, None),
        ({"type": "nothing"}, None),
    ],
)  # fmt: skip
def test_of_a_schema(schema: Any, tokens: int | None) -> None:
    assert longest_answer(Constraint("json_schema", json.dumps(schema))) == tokens


def test_of_a_grammar() -> None:
    assert longest_answer(Constraint("ebnf", 'root ::= "yes" | "no"')) == 3
    assert longest_answer(Constraint("ebnf", 'root ::= "(" root ")" | "x"')) is None


def test_a_constraint_is_read_once() -> None:
    constraint = Constraint("regex", "|".join(f"{number}x" for number in range(1_500)))
    longest_answer(constraint)
    start = time.process_time()
    for _ in range(1_000):
        assert longest_answer(constraint) == 5
    assert time.process_time() - start < 0.1
