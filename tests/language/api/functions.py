"""Section 1.1 of the reference: the functions of the module."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

import sglc
import sglc as sgl
from tests.language.api.rows import GREEDY, PROMPT, ended, of, ran, row, said, settings_of


@row("1.1 function, bare")
def function_bare() -> None:
    @sgl.function
    def program(s, a):
        s += a + sgl.gen("x")

    assert ran(program, "q").result.text() == "qok"


@row("1.1 function, with arguments")
def function_with_arguments() -> None:
    @sgl.function(num_api_spec_tokens=64)
    def program(s, a):
        s += a + sgl.gen("x")

    assert ran(program, a="q").result["x"] == "ok"


@row("1.1 function, called with arguments")
def function_called_with_arguments() -> None:
    def body(s, a):
        s += a + sgl.gen("x")

    for settings in ({"num_api_spec_tokens": 64}, {"max_paths": 3, "max_depth": 2}):
        called, decorated = sgl.function(body, **settings), sgl.function(**settings)(body)
        assert settings_of(called) == settings_of(decorated) != settings_of(sgl.function(body))


@row("1.1 function: the first parameter is s")
def function_first_parameter() -> None:
    with pytest.raises(sglc.ProgramError, match="must be named s"):
        sgl.function(lambda prompt: None)


@row("1.1 gen")
def gen() -> None:
    seen = ran(of("q", sgl.gen("a"), "!"), says="yes")
    assert (seen.prompts, seen.result["a"], seen.result.text()) == (["q"], "yes", "qyes!")


@row("1.1 gen with choices is a select")
def gen_with_choices() -> None:
    seen = ran(of("q", sgl.gen("a", choices=["x", "y"], max_tokens=3, temperature=0.7)), says="y")
    assert (seen.choices, seen.samplings, seen.result["a"]) == ([("x", "y")], [None], "y")


@row("1.1 gen_int")
def gen_int(engine: sglc.Engine) -> None:
    for seed in range(3):
        result = of(PROMPT, sgl.gen_int("a", max_tokens=6)).run(backend=engine, seed=seed)
        assert re.fullmatch("[-+]?[0-9]+", result["a"])


@row("1.1 gen_string")
def gen_string(engine: sglc.Engine) -> None:
    for seed in range(3):
        result = of(PROMPT, sgl.gen_string("a", max_tokens=16)).run(backend=engine, seed=seed)
        assert re.match(r'"[\w\s]*', result["a"])
        assert ended(result) == "length" or re.fullmatch(r'"[\w\s]*"', result["a"])


@row("1.1 select")
def select() -> None:
    seen = ran(of("q", sgl.select("a", ["x", "y"], 0.0, sgl.token_length_normalized), "!"), says="y")
    assert (seen.prompts, seen.choices) == (["q"], [("x", "y")])
    assert (seen.result["a"], seen.result.text()) == ("y", "qy!")


@row("1.1 select wants choices")
def select_wants_choices() -> None:
    for choices in (None, []):
        with pytest.raises(sglc.ProgramError, match="select needs"):
            sgl.select("a", choices)


@row("1.1 image")
def image(engine: sglc.Engine) -> None:
    result = of(sgl.user(sgl.image("a.png") + "What?"), sgl.assistant(sgl.gen("a"))).run(backend=engine)
    assert "text only" in str(result.error())


@row("1.1 video")
def video(engine: sglc.Engine) -> None:
    result = of(sgl.user(sgl.video("a.mp4", 4) + "What?"), sgl.assistant(sgl.gen("a"))).run(backend=engine)
    assert "text only" in str(result.error())


@row("1.1 system, user, assistant")
def roles() -> None:
    seen = ran(of(sgl.system("S"), sgl.user("U" + sgl.gen("u")), sgl.assistant(sgl.gen("a")), sgl.user()))
    assert seen.result.messages() == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Uok"},
        {"role": "assistant", "content": "ok"},
        {"role": "user", "content": ""},
    ]


for role in ("system", "user", "assistant"):

    @row(f"1.1 {role}_begin, {role}_end")
    def role_edges(role: str = role) -> None:
        begin, end = getattr(sgl, f"{role}_begin"), getattr(sgl, f"{role}_end")
        seen = ran(of(begin(), "x", sgl.gen("a"), end()))
        assert seen.result.messages() == [{"role": role, "content": "xok"}]
        assert seen.result.text() == ran(of(getattr(sgl, role)("x" + sgl.gen("a")))).result.text()


@row("1.1 separate_reasoning")
def separate_reasoning() -> None:
    reasoned = sgl.separate_reasoning(sgl.gen("a") + "|" + sgl.gen("b"), model_type="qwen3")
    result = ran(of("q", reasoned), says=["<think>hm</think>yes", "no"]).result
    assert result["a"].strip() == "yes"
    assert "hm" in result["a_reasoning_content"]
    assert (result["b"], result["b_reasoning_content"]) == ("no", "")
    assert result.text().endswith("|no")


@row("1.1 set_default_backend")
def set_default_backend(no_default: None) -> None:
    scripted: Any = sgl.Scripted(lambda question: "default")
    with scripted as backend:
        sgl.set_default_backend(backend)
        assert of("q", sgl.gen("a")).run().text() == "qdefault"
        assert of("q", sgl.gen("a")).run_batch([{}])[0].text() == "qdefault"
        sgl.set_default_backend(None)


@row("1.1 flush_cache")
def flush_cache(engine: sglc.Engine) -> None:
    long = "one two three four five six seven eight nine"
    cached = []
    for _ in range(2):
        of(long, sgl.gen("a", **GREEDY)).run(backend=engine)
        assert sgl.flush_cache(engine) is True
        cached.append(of(long, sgl.gen("a", **GREEDY)).run(backend=engine).get_meta_info("a")["cached_tokens"])
    again = of(long, sgl.gen("a", **GREEDY)).run(backend=engine).get_meta_info("a")["cached_tokens"]
    assert cached == [0, 0]
    assert again > 0


@row("1.1 get_server_info")
def get_server_info(engine: sglc.Engine, no_default: None) -> None:
    assert sgl.get_server_info() is None
    info = sgl.get_server_info(engine)
    assert info is not None
    assert info["vocab_size"] > 1000
    assert info["stats"]["kv_tokens_in_use"] >= 0


@row("1.1 Runtime, Engine")
def runtime_and_engine(engine: sglc.Engine) -> None:
    assert issubclass(sgl.Runtime, sgl.Engine)
    assert said(engine, **GREEDY)["a"] == said(engine, **GREEDY)["a"]


for name in ("RuntimeEndpoint", "OpenAI", "Anthropic", "LiteLLM", "VertexAI", "Crusoe"):

    @row(f"1.1 {name}")
    def backend_elsewhere(name: str = name) -> None:
        with pytest.raises(sglc.ModelError, match=f"no backend {name}"):
            getattr(sgl, name)("model")


@row("1.1 backends are imported when they are used")
def lazy_imports() -> None:
    code = "import sys, sglc; sglc.OpenAI; print('torch' in sys.modules, 'openai' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    assert shown.split() == ["False", "False"]


@row("1.1 choices methods")
def choices_methods(engine: sglc.Engine) -> None:
    choices = ["a", "the end of all things", "no", "yes or no"]
    found: dict[str, list[str]] = {}
    for word in ("token_length_normalized", "greedy_token_selection", "unconditional_likelihood_normalized"):
        method = getattr(sgl, word)
        assert method.name == word
        for prompt in ("Is it?", "Why", "1 2 3", "Once upon a time", "x = ", "The end", "for i in", "He said"):
            result = of(prompt, sgl.select("a", choices=choices, choices_method=method)).run(backend=engine)
            found.setdefault(word, []).append(result["a"])
    assert len(set(map(tuple, found.values()))) > 1
