"""Section 1.2 of the reference: the arguments of `gen`, what is asked for and what comes of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

import sglc
import sglc as sgl
from tests.language.api.rows import GREEDY, PROMPT, ended, of, ran, row, said, tokens

# argument of gen, argument of run, what both are given, what the model is asked for, and where nobody says anything
ARGUMENTS: list[tuple[str, str, Any, Any, Any]] = [
    ("max_tokens", "max_new_tokens", 7, 7, 128),
    ("min_tokens", "min_tokens", 3, 3, 0),
    ("stop", "stop", ["x", "\n"], ("x", "\n"), ()),
    ("stop", "stop", "x", ("x",), ()),
    ("stop_token_ids", "stop_token_ids", [5, 6], (5, 6), ()),
    ("stop_regex", "stop_regex", "[.!]", ("[.!]",), ()),
    ("temperature", "temperature", 0.3, 0.3, 1.0),
    ("top_p", "top_p", 0.5, 0.5, 1.0),
    ("top_k", "top_k", 9, 9, -1),
    ("min_p", "min_p", 0.25, 0.25, 0.0),
    ("frequency_penalty", "frequency_penalty", 0.5, 0.5, 0.0),
    ("presence_penalty", "presence_penalty", -0.5, -0.5, 0.0),
    ("ignore_eos", "ignore_eos", True, True, False),
    ("return_logprob", "return_logprob", True, True, False),
    ("logprob_start_len", "logprob_start_len", 2, 2, None),
    ("top_logprobs_num", "top_logprobs_num", 3, 3, 0),
    ("return_text_in_logprobs", "return_text_in_logprobs", True, True, False),
]

for entry in ARGUMENTS:

    @row(f"1.2 {entry[0]}={entry[2]!r} is asked for")
    def argument(entry: tuple[str, str, Any, Any, Any] = entry) -> None:
        of_gen, of_run, given, asked, default = entry
        program = of("q", sgl.gen("a", **{of_gen: given}), sgl.gen("b"))
        assert [getattr(s, of_gen) for s in ran(program).samplings] == [asked, default]
        inherited = ran(program, **{of_run: given}).samplings
        assert [getattr(s, of_gen) for s in inherited] == [asked, asked]


@row("1.2 a gen's own setting comes before the run's")
def own_settings_first() -> None:
    program = of("q", sgl.gen("a", temperature=0.2, stop="x", max_tokens=3))
    (sampling,) = ran(program, temperature=0.9, stop=["y"], max_new_tokens=5).samplings
    assert (sampling.temperature, sampling.stop, sampling.max_tokens) == (0.2, ("x",), 3)


@row("1.2 name")
def gen_name() -> None:
    result = ran(of(sgl.gen("first"), sgl.gen("second")), says=["1", "2"]).result
    assert result.variables == {"first": "1", "second": "2"}


@row("1.2 name: None, and the answers do not collide")
def gen_without_name() -> None:
    result = ran(of(sgl.gen(), "|", sgl.gen(), "|", sgl.gen("c")), says=["1", "2", "3"]).result
    assert (result.text(), result.variables) == ("1|2|3", {"c": "3"})


@row("1.2 max_tokens")
def max_tokens(engine: sglc.Engine) -> None:
    assert [tokens(said(engine, max_tokens=n, ignore_eos=True)) for n in (0, 1, 5)] == [0, 1, 5]
    assert ended(said(engine, max_tokens=2, ignore_eos=True)) == "length"


@row("1.2 max_tokens: 0 with log probabilities shows what could come next")
def max_tokens_of_none(engine: sglc.Engine) -> None:
    looked, drawn = (
        said(engine, **{**GREEDY, "max_tokens": most}, return_logprob=True, top_logprobs_num=3) for most in (0, 1)
    )
    assert (looked["a"], tokens(looked), len(looked.get_meta_info("a")["output_top_logprobs"])) == ("", 0, 1)
    assert looked.get_meta_info("a")["output_top_logprobs"] == drawn.get_meta_info("a")["output_top_logprobs"]


def lengths_of_letters(engine: sglc.Engine, **settings: Any) -> list[int]:
    """How many tokens answers have that may end at any of them."""
    rows = of(PROMPT, sgl.gen("a", regex="[a-c]*", max_tokens=6, **settings)).run_batch(
        [{}] * 24, backend=engine, seed=3
    )
    return [tokens(result) for result in rows]


@row("1.2 min_tokens")
def min_tokens(engine: sglc.Engine) -> None:
    assert min(lengths_of_letters(engine)) < 3
    assert min(lengths_of_letters(engine, min_tokens=3)) >= 3


@row("1.2 finish_in_time: ours")
def finish_in_time(engine: sglc.Engine) -> None:
    plain, whole = (said(engine, regex='"[a-z ]{20,}"', max_tokens=24, finish_in_time=given) for given in (False, True))
    assert (ended(plain), ended(whole)) == ("length", "match")
    assert re.fullmatch('"[a-z ]{20,}"', whole["a"])


@row("1.1 template: ours")
def template(engine: sglc.Engine) -> None:
    program = of(PROMPT, sgl.template(" x=", sgl.gen("x", dtype=int), ", y=", sgl.gen("y"), ";", max_tokens=20))
    result = program.run(backend=engine, seed=1)
    assert result.text() == f"{PROMPT} x={result['x']}, y={result['y']};"
    int(result["x"])
    assert result.get_meta_info("x") == result.get_meta_info("y")
    assert ";" not in result["y"]


@row("1.2 ignore_eos")
def ignore_eos(engine: sglc.Engine) -> None:
    for ignored in (False, True):
        program = of(PROMPT, sgl.gen("a", max_tokens=32, ignore_eos=ignored))
        lengths = {tokens(result) for result in program.run_batch([{}] * 24, backend=engine, seed=1)}
        assert (lengths == {32}) is ignored


@row("1.2 n")
def gen_n(engine: sglc.Engine) -> None:
    result = said(engine, max_tokens=6, n=3)
    assert len(result["a"]) == 3
    assert len(set(result["a"])) > 1
    assert result.text() == PROMPT + result["a"][0]
    assert len(result.get_meta_info("a")) == 3
    assert len(said(engine, run={"n": 2}, max_tokens=2)["a"]) == 2


@row("1.2 stop")
def stop(engine: sglc.Engine) -> None:
    whole = said(engine, **GREEDY)["a"]
    letter = whole[len(whole) // 2]
    for given in (letter, [letter, "\0"]):
        cut = said(engine, **GREEDY, stop=given)
        assert cut["a"] == whole.partition(letter)[0]
        assert cut.get_meta_info("a")["finish_reason"] == {"type": "stop", "matched": letter}
        assert cut.text() == PROMPT + cut["a"]


@row("1.2 stop: the chat template's own is always there")
def stop_of_the_template(engine: sglc.Engine) -> None:
    answer = said(engine, regex="yes(<\\|turn_end\\|>.*)?", max_tokens=32, stop=["zzz"])["a"]
    assert "<|turn_end|>" not in answer


@row("1.2 stop_token_ids")
def stop_token_ids(engine: sglc.Engine) -> None:
    vocabulary = engine.tokenizer.vocabulary.tokens
    whole = said(engine, **GREEDY)
    letter = next(letter for letter in reversed(whole["a"]) if letter.isalnum())
    having = [number for number, token in enumerate(vocabulary) if token is not None and letter.encode() in token]
    cut = said(engine, **GREEDY, stop_token_ids=having)
    assert letter not in cut["a"]
    assert whole["a"].startswith(cut["a"])
    assert ended(cut) == "stop"
    assert cut.get_meta_info("a")["finish_reason"]["matched"] in having


@row("1.2 temperature")
def temperature(engine: sglc.Engine) -> None:
    for value, different in ((0, 1), (1.5, 6)):
        texts = {said(engine, run={"seed": seed}, max_tokens=6, temperature=value)["a"] for seed in range(6)}
        assert len(texts) == different


@row("1.2 top_p, top_k, min_p")
def truncated_sampling(engine: sglc.Engine) -> None:
    greedy = said(engine, **GREEDY)["a"]
    assert said(engine, max_tokens=8)["a"] != greedy
    for setting, value in (("top_p", 1e-9), ("top_k", 1), ("min_p", 1.0)):
        assert said(engine, None, max_tokens=8, **{setting: value})["a"] == greedy


@row("1.2 frequency_penalty, presence_penalty")
def penalties(engine: sglc.Engine) -> None:
    settings: dict[str, Any] = {"temperature": 0, "max_tokens": 24}
    plain = said(engine, **settings)["a"]
    for penalty in ("frequency_penalty", "presence_penalty"):
        assert said(engine, None, **settings, **{penalty: 2.0})["a"] != plain
        assert said(engine, None, **settings, **{penalty: 0.0})["a"] == plain


@row("1.2 dtype")
def dtype(engine: sglc.Engine) -> None:
    patterns = {
        int: "[-+]?[0-9]+",
        float: r"[-+]?[0-9]*\.?[0-9]+",
        bool: "True|False",
        str: r'"[\w\s]*"?',
    }
    for kind, pattern in patterns.items():
        for given in (kind, kind.__name__):
            for seed in range(3):
                assert re.fullmatch(pattern, said(engine, run={"seed": seed}, dtype=given, max_tokens=12)["a"])


@row("1.2 dtype: numbers stop at a space and at a line's end")
def dtype_stops() -> None:
    for kind in (int, float):
        (sampling,) = ran(of(sgl.gen("a", dtype=kind, stop="x"))).samplings
        assert sampling.stop == ("x", " ", "\n")


@row("1.2 dtype beats regex, with a warning")
def dtype_beats_regex(engine: sglc.Engine) -> None:
    with pytest.warns(UserWarning, match="dtype is used"):
        expression = sgl.gen("a", dtype=bool, regex="[xy]")
    assert of(PROMPT, expression).run(backend=engine)["a"] in ("True", "False")
    with pytest.raises(sglc.ProgramError, match="does not know dtype"):
        sgl.gen("a", dtype="decimal")


@row("1.2 choices, choices_method")
def gen_choices(engine: sglc.Engine) -> None:
    for method in (None, "greedy_token_selection", sgl.unconditional_likelihood_normalized):
        assert said(engine, choices=["left", "right"], choices_method=method)["a"] in ("left", "right")


@row("1.2 regex")
def regex(engine: sglc.Engine) -> None:
    for seed in range(4):
        answer = said(engine, run={"seed": seed}, regex="(ab|cd){3}-[0-9]{2}", max_tokens=32)
        assert re.fullmatch("(ab|cd){3}-[0-9]{2}", answer["a"])
        assert ended(answer) in ("match", "stop")


@row("1.2 regex is checked where it is written")
def regex_checked() -> None:
    with pytest.raises(re.error):
        sgl.gen("a", regex="(")
