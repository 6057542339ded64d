"""Of all sections: log probabilities, schemas, streams and asyncio."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

import sglc
import sglc as sgl
from tests.language.api.rows import GREEDY, PROMPT, broken, echo, in_both, of, row, said


@row("1.2 stop_regex")
def stop_regex(engine: sglc.Engine) -> None:
    whole = said(engine, **GREEDY)["a"]
    cut = said(engine, **GREEDY, stop_regex="[aeiou][a-z]")["a"]
    assert cut == re.split("[aeiou][a-z]", whole)[0]
    assert cut != whole


@row("1.2 json_schema")
def json_schema(engine: sglc.Engine) -> None:
    schema = '{"type":"object","properties":{"x":{"type":"boolean"}},"required":["x"],"additionalProperties":false}'
    answer = said(engine, json_schema=schema, max_tokens=64)["a"]
    assert re.fullmatch(r'\s*\{\s*"x"\s*:\s*(true|false)\s*\}\s*', answer)


@row("1.2 return_logprob")
def return_logprob(engine: sglc.Engine) -> None:
    meta = said(engine, **GREEDY, return_logprob=True).get_meta_info("a")
    assert len(meta["output_token_logprobs"]) == meta["completion_tokens"]
    assert all(entry[0] <= 0 for entry in meta["output_token_logprobs"])
    assert "output_token_logprobs" not in said(engine, **GREEDY).get_meta_info("a")


@row("1.2 logprob_start_len")
def logprob_start_len(engine: sglc.Engine) -> None:
    meta = said(engine, **GREEDY, return_logprob=True, logprob_start_len=0).get_meta_info("a")
    assert len(meta["input_token_logprobs"]) == meta["prompt_tokens"]
    later = said(engine, **GREEDY, return_logprob=True, logprob_start_len=2).get_meta_info("a")
    assert len(later["input_token_logprobs"]) == later["prompt_tokens"] - 2


@row("1.2 top_logprobs_num")
def top_logprobs_num(engine: sglc.Engine) -> None:
    meta = said(engine, **GREEDY, return_logprob=True, top_logprobs_num=3).get_meta_info("a")
    assert [len(entry) for entry in meta["output_top_logprobs"]] == [3] * meta["completion_tokens"]
    best = [max(entry[0] for entry in position) for position in meta["output_top_logprobs"]]
    assert best == pytest.approx([entry[0] for entry in meta["output_token_logprobs"]])


@row("1.2 return_text_in_logprobs")
def return_text_in_logprobs(engine: sglc.Engine) -> None:
    result = said(engine, **GREEDY, return_logprob=True, return_text_in_logprobs=True)
    entries = result.get_meta_info("a")["output_token_logprobs"]
    assert "".join(entry[2] for entry in entries) == result["a"]


@row("1.3 run(stream=True)")
def run_streamed() -> None:
    with sgl.Scripted(lambda question: "ok", latency=0.01) as backend:
        result = of("q", sgl.gen("a"), "r", sgl.gen("b")).run(backend=backend, stream=True)
        assert "".join(result.text_iter()) == "qokrok"
        assert (result["a"], result.text(), result.error()) == ("ok", "qokrok", None)


@row("1.3 run(stream=True) on the engine comes in pieces")
def run_streamed_on_the_engine(engine: sglc.Engine) -> None:
    program = of(PROMPT, sgl.gen("a", temperature=0, max_tokens=24, ignore_eos=True), "!")
    pieces = list(program.run(backend=engine, stream=True).text_iter())
    assert len(pieces) > 3
    assert "".join(pieces) == program.run(backend=engine).text()


@row("1.4 text_iter of a variable")
def text_iter_of_a_variable(engine: sglc.Engine) -> None:
    program = of(PROMPT, sgl.gen("a", **GREEDY), "!", sgl.gen("b", **GREEDY))
    result = program.run(backend=engine, stream=True)
    assert "".join(result.text_iter("b")) == program.run(backend=engine)["b"]
    assert "".join(result.text_iter("a")) == result["a"]


@row("1.4 text_iter of a run that fails raises its error")
def text_iter_of_a_failed_run() -> None:
    with sgl.Scripted(broken) as backend:
        result = of("bad", sgl.gen("a"), "more").run(backend=backend, stream=True)
        for name in (None, "a"):
            with pytest.raises(sglc.RunError, match="no answer"):
                list(result.text_iter(name))


@row("1.4 text_async_iter")
def text_async_iter(engine: sglc.Engine) -> None:
    program = of(PROMPT, sgl.gen("a", **GREEDY), "!")

    async def pieces(**asked: Any) -> list[Any]:
        result = program.run(backend=engine, stream=True)
        return [piece async for piece in result.text_async_iter(**asked)]

    result = program.run(backend=engine)
    assert "".join(asyncio.run(pieces())) == result.text()
    assert "".join(asyncio.run(pieces(var_name="a"))) == result["a"]
    pairs = asyncio.run(pieces(var_name="a", return_meta_data=True))
    assert "".join(piece for piece, _ in pairs) == result["a"]
    assert pairs[-1][1]["finish_reason"] == result.get_meta_info("a")["finish_reason"]


@row("1.1 separate_reasoning: what is known of the answer stays")
def meta_of_reasoned() -> None:
    def body(s):
        s += sgl.separate_reasoning(sgl.gen("a"), model_type="qwen3")

    result = in_both(body, "<think>so</think>yes")
    assert (result["a"], result["a_reasoning_content"]) == ("yes", "so")
    assert result.get_meta_info("a")["finish_reason"]["type"] == "stop"
    assert result.get_meta_info("a_reasoning_content") is None


@row("1.1 separate_reasoning, streamed")
def separate_reasoning_streamed() -> None:
    program = of("q", sgl.separate_reasoning(sgl.gen("a"), model_type="qwen3"), "!", sgl.gen("b"))
    with sgl.Scripted(lambda question: "<think>hm</think>yes") as backend:
        streamed, whole = (program.run(backend=backend, stream=stream) for stream in (True, False))
        assert "".join(streamed.text_iter()) == whole.text()
        assert streamed.variables == whole.variables


@row("1.3 arun")
def arun() -> None:
    async def both(backend: sgl.Scripted) -> tuple[Any, Any]:
        return await asyncio.gather(echo.arun("1", backend=backend), echo.arun("2", b="C", backend=backend))

    with sgl.Scripted(lambda question: question.prompt.lower(), latency=0.01) as backend:
        assert [result["x"] for result in asyncio.run(both(backend))] == ["1b", "2c"]


@row("1.3 arun_batch")
def arun_batch() -> None:
    async def collected(backend: sgl.Scripted) -> list[str]:
        rows = [("1",), {"a": "2"}, ("bad",), ("3", "C")]
        found = []
        async for result in echo.arun_batch(rows, backend=backend):
            found.append("failed" if result.error() else result.text())
        return found

    with sgl.Scripted(broken) as backend:
        assert asyncio.run(collected(backend)) == ["1Bok", "2Bok", "failed", "3Cok"]


@row("1.6 meta: logprobs of the prompt, the choices and the method")
def select_meta(engine: sglc.Engine) -> None:
    methods = {
        "token_length_normalized": set(),
        "greedy_token_selection": {"greedy_logprob_matrix"},
        "unconditional_likelihood_normalized": {"unconditional_token_logprobs"},
    }
    for method, own in methods.items():
        result = of(PROMPT, sgl.select("a", ["yes", "no, never"], choices_method=method)).run(backend=engine)
        meta = result.get_meta_info("a")
        wanted = {"normalized_prompt_logprobs", "input_token_logprobs", "output_token_logprobs", *own}
        assert wanted <= meta.keys()
        assert len(meta["input_token_logprobs"]) == 2
