"""`gen(ebnf=...)` on a model, compiled and interpreted."""

from __future__ import annotations

import re

import pytest

import sglc as sgl
from sglc.ir.errors import ConstraintError

CONTROL = 3  # <|user|> of the embedded model


@sgl.function
def listed(s):
    s += "Letters: " + sgl.gen(
        "x", ebnf='root ::= item | root "," item\nitem ::= [a-c] | "(" [0-9]{2} ")"', max_tokens=30
    )


@sgl.function
def with_token(s):
    s += "Text: " + sgl.gen("x", ebnf=f'root ::= "ab" <[{CONTROL}]> "cd" [xy]', max_tokens=30)


@sgl.function
def ending(s):
    s += "Text: " + sgl.gen("x", ebnf='root ::= "ab"\n  <[1]>', max_tokens=30)


@pytest.mark.parametrize("seed", range(4))
def test_the_answer_is_of_the_grammar(engine: sgl.Engine, seed: int) -> None:
    compiled = listed.run(backend=engine, temperature=1.0, seed=seed)
    item = r"([a-c]|\([0-9]{2}\))"
    assert re.fullmatch(f"{item}(,{item})*", compiled["x"])
    assert listed.run(backend=engine, temperature=1.0, seed=seed, mode="interpret")["x"] == compiled["x"]


def test_a_token_is_in_the_answer_and_not_in_its_text(engine: sgl.Engine) -> None:
    for mode in ("compiled", "interpret"):
        result = with_token.run(backend=engine, seed=1, mode=mode)
        assert result["x"] in ("abcdx", "abcdy")
        assert result.meta["x"]["finish_reason"]["type"] == "match"


def test_a_token_that_ends_an_answer_is_refused_at_its_line(engine: sgl.Engine) -> None:
    with pytest.raises(ConstraintError, match=r"token 1 ends an answer, so it cannot be a part of one") as caught:
        ending.run(backend=engine)
    assert "test_engine.py" in str(caught.value.where)
