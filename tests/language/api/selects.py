"""Section 1.6 of the reference: how `select` chooses."""

from __future__ import annotations

import pytest

import sglc
import sglc as sgl
from tests.language.api.rows import PROMPT, of, ran, row


@row("1.6 a temperature is refused")
def select_temperature() -> None:
    with pytest.raises(sglc.ProgramError, match="temperature must be 0"):
        sgl.select("a", ["x"], temperature=0.5)
    assert ran(of(sgl.select("a", ["x"], temperature=1e-6)), says="x").result["a"] == "x"


@row("1.6 the choice has the best score")
def select_scores(engine: sglc.Engine) -> None:
    choices = ["yes", "no", "a longer choice", "x"]
    for prompt in ("Is it?", "Why not", "1 2 3"):
        result = of(prompt, sgl.select("a", choices)).run(backend=engine)
        scores = result.get_meta_info("a")["normalized_prompt_logprobs"]
        assert len(scores) == len(choices)
        assert result["a"] == choices[scores.index(max(scores))]
        assert result.text() == prompt + result["a"]


@row("1.6 ties go to the first")
def select_ties(engine: sglc.Engine) -> None:
    for method in ("token_length_normalized", "greedy_token_selection", "unconditional_likelihood_normalized"):
        result = of(PROMPT, sgl.select("a", [" same", " same", " same"], choices_method=method)).run(backend=engine)
        scores = result.get_meta_info("a")["normalized_prompt_logprobs"]
        assert result["a"] == " same"
        assert len(set(scores)) == 1


@row("1.6 a choice that is another's beginning can win, and be lost to")
def select_prefixes(engine: sglc.Engine) -> None:
    winners = {
        of(prompt, sgl.select("a", ["1", "12", "123 456"])).run(backend=engine)["a"]
        for prompt in ("Is it?", "Why not", "1 2 3", "x", "The end", "def f(", "Number:")
    }
    assert winners <= {"1", "12", "123 456"}
    assert len(winners) > 1


@row("1.6 a choice that joins the prompt's last token")
def select_healing(engine: sglc.Engine) -> None:
    apart = of("The answer is ", sgl.select("a", ["yes", "no"])).run(backend=engine)
    assert apart.error() is None
    assert apart.text() == "The answer is " + apart["a"]
