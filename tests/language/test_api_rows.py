"""SGLang's words, row by row of the reference (its sections 1.1 to 1.9): each row does something, and here it is seen.

`test_language.py` has what the words become; here programs run. What a model is asked shows on `Scripted`; what the
engine makes of it shows on the embedded model, which knows little: properties only.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

import sglc
import sglc as sgl
from sglc.runtime.scripted import Question

Answer = Callable[[Question], str]


@dataclass
class Ran:
    """A run on a scripted model. questions: what was asked, in order: prompt, choices, sampling and seed."""

    result: Any = None
    prompts: list[str] = field(default_factory=list)
    choices: list[tuple[str, ...]] = field(default_factory=list)
    samplings: list[Any] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    def keep(self, question: Question) -> None:
        self.prompts.append(question.prompt)
        self.choices.append(question.choices)
        self.samplings.append(question.sampling)
        self.seeds.append(question.seed)


def ran(program: Any, *args: Any, says: str | list[str] | Answer = "ok", **kwargs: Any) -> Ran:
    """Runs a program, or a bare body, on a model that says one text, or one after the other, or a function's."""
    seen = Ran()
    texts = iter(says if isinstance(says, list) else [])

    def answer(question: Question) -> str:
        seen.keep(question)
        if isinstance(says, list):
            return next(texts)
        return says if isinstance(says, str) else says(question)

    with sgl.Scripted(answer) as backend:
        run = program.run if isinstance(program, sgl.SglFunction) else sgl.function(program).run
        seen.result = run(*args, backend=backend, **kwargs)
        seen.result.sync()
    return seen


def of(*expressions: Any) -> sgl.SglFunction:
    """A program that appends expressions."""

    def appended(s):
        for expression in expressions:
            s += expression

    return sgl.function(appended)


Row = Callable[..., None]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    """Keeps the check of a row; its parameters, but for those with a default, are fixtures: `engine`, the embedded one."""

    def keep(check: Row) -> Row:
        assert name not in ROWS
        ROWS[name] = check
        return check

    return keep


GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 8}
PROMPT = "Once upon a time"


def said(engine: sglc.Engine, run: dict[str, Any] | None = None, **settings: Any) -> Any:
    """The result of one gen, `a`, on the engine."""
    result = of(PROMPT, sgl.gen("a", **settings)).run(backend=engine, **{"seed": 1, **(run or {})})
    assert result.error() is None
    return result


def tokens(result: Any) -> int:
    return result.get_meta_info("a")["completion_tokens"]


def ended(result: Any) -> str:
    return result.get_meta_info("a")["finish_reason"]["type"]


# --- 1.1 module functions ------------------------------------------------------------------------------------------------


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


def settings_of(program: sgl.SglFunction) -> dict[str, Any]:
    """What a program was made with, besides its body and its bound arguments."""
    return {name: value for name, value in vars(program).items() if name not in ("bind_arguments", "kept")}


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


@pytest.fixture
def no_default() -> Iterator[None]:
    """No default engine, and afterwards the one that was there."""
    kept = sgl.global_config.default_backend
    sgl.set_default_backend(None)
    yield
    sgl.set_default_backend(kept)


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


# --- 1.2 gen's arguments -------------------------------------------------------------------------------------------------

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


# --- 1.3 SglFunction -----------------------------------------------------------------------------------------------------


@sgl.function
def echo(s, a, b="B"):
    s += a + b + sgl.gen("x")
    return [a, b]


@row("1.3 run: arguments by place and by name, settings among them")
def run_arguments() -> None:
    assert ran(echo, "1").result.text() == "1Bok"
    assert ran(echo, "1", "2").result.text() == "12ok"
    seen = ran(echo, "1", b="2", temperature=0.25, use_thread=False)
    assert (seen.result.text(), seen.samplings[0].temperature) == ("12ok", 0.25)
    with pytest.raises(sglc.ArgumentsError, match="unexpected keyword argument 'c'"):
        ran(echo, "1", c="2")


@row("1.3 run: seed")
def run_seed() -> None:
    program = of("q", sgl.gen("a"), sgl.gen("b"))
    assert ran(program, seed=5).seeds == ran(program, seed=5).seeds
    assert ran(program, seed=5).seeds != ran(program, seed=6).seeds
    assert ran(program).seeds != ran(program).seeds
    first, second = ran(program, seed=5).seeds
    assert first != second


@row("1.3 run_batch: rows are dicts or tuples")
def run_batch_rows() -> None:
    with sgl.Scripted(lambda question: question.prompt.lower()) as backend:
        results = echo.run_batch([{"a": "X"}, ("Y",), {"a": "Z", "b": "C"}, ("V", "W")], backend=backend, temperature=0)
    assert [result["x"] for result in results] == ["xb", "yb", "zc", "vw"]


@row("1.3 run_batch: a row that does not fit is named")
def run_batch_mismatch() -> None:
    with sgl.Scripted(lambda question: "") as backend:
        for rows in ([("a",), ("a", "b", "c")], [{"a": "a"}, {"b": "b"}], [{"a": "a"}, {"a": "a", "c": "c"}]):
            good, bad = echo.run_batch(rows, backend=backend)
            assert good.error() is None
            assert isinstance(bad.error(), sglc.ArgumentsError)
            assert "row 1" in str(bad.error())


@row("1.3 run_batch: nothing gives nothing")
def run_batch_of_nothing() -> None:
    with sgl.Scripted(lambda question: "") as backend:
        assert echo.run_batch([], backend=backend) == []


@row("1.3 run_batch: num_threads and progress_bar")
def run_batch_options(capsys: pytest.CaptureFixture[str]) -> None:
    with sgl.Scripted(lambda question: "ok") as backend:
        for threads in ("auto", 1, 64):
            results = echo.run_batch([("1",), ("2",)], backend=backend, num_threads=threads, progress_bar=True)
            assert [result.text() for result in results] == ["1Bok", "2Bok"]
    assert capsys.readouterr().err


@row("1.3 run_batch: generator_style gives results one by one, in order")
def run_batch_generator() -> None:
    with sgl.Scripted(lambda question: question.prompt) as backend:
        results = echo.run_batch([(str(n),) for n in range(300)], backend=backend, generator_style=True)
        assert not isinstance(results, list)
        assert next(results)["x"] == "0B"
        assert [result["x"] for result in results] == [f"{n}B" for n in range(1, 300)]


@row("1.3 bind")
def bind() -> None:
    bound = echo.bind(b="2")
    assert ran(bound, "1").result.text() == "12ok"
    assert ran(bound.bind(a="3")).result.text() == "32ok"
    assert ran(echo, "1").result.text() == "1Bok"
    with pytest.raises(sglc.ArgumentsError, match="no argument 'c'"):
        echo.bind(c="2")


@row("1.3 bind: bound arguments come before the call's")
def bind_wins() -> None:
    assert ran(echo.bind(b="2"), "1", b="3").result.text() == "12ok"


@row("1.3 bind keeps the function's own settings")
def bind_keeps_settings() -> None:
    for settings in ({}, {"num_api_spec_tokens": 64}, {"max_paths": 3, "max_depth": 2}):
        program = sgl.function(**settings)(lambda s, a: None)
        assert settings_of(program.bind(a="1")) == settings_of(program)


@row("1.3 trace")
def trace() -> None:
    graph = echo.trace()
    assert [param.name for param in graph.params] == ["a", "b"]
    assert echo.trace(a=sgl.static("fixed")).statics["a"] == "fixed"


@row("1.3 cache")
def cache(engine: sglc.Engine) -> None:
    constant = "A constant prompt of many words that each call begins with, whatever is asked. "

    @sgl.function
    def program(s, a):
        s += constant + a + sgl.gen("x", max_tokens=1)

    engine.flush_cache()
    program.cache(engine)
    assert program.run("Why?", backend=engine).get_meta_info("x")["cached_tokens"] > 10


@row("1.3 call: run, or a part of the program around it")
def call() -> None:
    @sgl.function
    def outer(s):
        s += "outer "
        inner = echo("1", b="2")
        s += inner["x"] + inner.text() + str(inner.ret_value)

    assert ran(outer).result.text() == "outer ok12ok['1', '2']"
    with sgl.Scripted(lambda question: "ok") as backend:
        assert echo("1", backend=backend).text() == "1Bok"


# --- 1.4 ProgramState ----------------------------------------------------------------------------------------------------

MODES = ("compiled", "interpret")


def in_both(body: Callable[..., Any], says: str | list[str] | Answer = "ok") -> Any:
    """The result of a body, the same in both modes."""
    compiled, interpreted = (ran(body, says=says, mode=mode).result for mode in MODES)
    assert compiled.error() is None
    assert interpreted.error() is None
    assert (compiled.text(), compiled.ret_value) == (interpreted.text(), interpreted.ret_value)
    assert compiled.variables == interpreted.variables
    assert compiled.meta.keys() == interpreted.meta.keys()
    return compiled


@row("1.4 +=")
def state_append() -> None:
    def body(s):
        s += "x"
        s += sgl.gen("a") + "y"
        s += s["a"]

    assert in_both(body).text() == "xokyok"


@row("1.4 += None is refused")
def state_append_none() -> None:
    for mode in MODES:
        error = ran(of("x", None), mode=mode).result.error()
        assert "Tried to append None to state." in str(error)
        assert isinstance(error.__cause__, ValueError)


@row("1.4 s[name], get_var, s[name]=, set_var, in")
def state_variables() -> None:
    def body(s):
        s += sgl.gen("a")
        s["b"] = [s["a"], 1]
        s.set_var("c", s.get_var("a") + "!")
        return ["a" in s, "b" in s, "d" in s, s["b"], s["c"]]

    result = in_both(body)
    assert result.ret_value == [True, True, False, ["ok", 1], "ok!"]
    assert result.variables == {"a": "ok", "b": ["ok", 1], "c": "ok!"}
    assert ("b" in result, "d" in result, result.get_var("b")) == (True, False, ["ok", 1])


@row("1.4 get_meta_info")
def state_meta() -> None:
    def body(s):
        s += sgl.gen("a")
        return [s.get_meta_info("a")["finish_reason"]["type"], s.get_meta_info("b")]

    result = in_both(body)
    assert result.ret_value == ["stop", None]
    assert result.get_meta_info("a")["finish_reason"]["type"] == "stop"
    assert result.get_meta_info("b") is None


@row("1.4 text")
def state_text() -> None:
    def body(s):
        s += "x" + sgl.gen("a")
        before = s.text()
        s += sgl.user("y")
        return [before, s.text() == before]

    assert in_both(body).ret_value == ["xok", False]


@row("1.4 messages")
def state_messages() -> None:
    def body(s):
        s += sgl.user("x")
        s += sgl.assistant(sgl.gen("a"))
        return s.messages()

    result = in_both(body)
    assert result.ret_value == result.messages()
    assert result.messages() == [{"role": "user", "content": "x"}, {"role": "assistant", "content": "ok"}]


@row("1.4 sync, error")
def state_sync_and_error() -> None:
    def body(s):
        s += sgl.gen("a")
        s.sync()
        return s.error()

    result = in_both(body)
    assert (result.ret_value, result.sync(), result.error()) == (None, None, None)


@row("1.4 text_iter, of the state and of the result")
def text_iter() -> None:
    def body(s):
        s += "x" + sgl.gen("a")
        return ["".join(s.text_iter()), "".join(s.text_iter("a"))]

    result = in_both(body)
    assert result.ret_value == ["xok", "ok"]
    assert list(result.text_iter()) == ["xok"]
    assert "".join(result.text_iter("a")) == "ok"


@row("1.4 user, assistant, system: called")
def state_roles_called() -> None:
    def body(s):
        s.system("S")
        s.user("U" + sgl.gen("u"))
        s.assistant(sgl.gen("a"))

    assert [(m["role"], m["content"]) for m in in_both(body).messages()] == [
        ("system", "S"),
        ("user", "Uok"),
        ("assistant", "ok"),
    ]


@row("1.4 user, assistant, system: with")
def state_roles_with() -> None:
    def body(s):
        for name in ("system", "user", "assistant"):
            with getattr(s, name)():
                s += name[0]
        return s.messages()

    assert in_both(body).ret_value == [{"role": r, "content": r[0]} for r in ("system", "user", "assistant")]


@row("1.4 roles do not nest")
def state_roles_nested() -> None:
    def body(s):
        with s.user():
            s += sgl.assistant("x")

    for mode in MODES:
        assert "inside a user message" in str(refused(lambda mode=mode: ran(body, mode=mode).result))


@row("1.4 the template's default system prompt")
def default_system_prompt() -> None:
    template = (
        "{% if messages[0].role != 'system' %}[system]Default.{% endif %}"
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    with sgl.Engine(device="cpu", max_kv_tokens=512, chat_template=template) as engine:
        asked = of(sgl.user("U"), sgl.assistant(sgl.gen("a", **GREEDY))).run(backend=engine)
        own = of(sgl.system("S"), sgl.user("U"), sgl.assistant(sgl.gen("a", **GREEDY))).run(backend=engine)
    assert asked.text() == "[system]Default.[user]U[assistant]" + asked["a"]
    assert own.text() == "[system]S[user]U[assistant]" + own["a"]


@row("1.4 var_scope")
def var_scope() -> None:
    def body(s):
        s += "x"
        with s.var_scope("v"):
            s += "y" + sgl.gen("a")
        s += "z"
        return s["v"]

    assert in_both(body).ret_value == "yok"


@row("1.4 copy")
def state_copy() -> None:
    def body(s):
        s += "x"
        with s.copy(position_ids_offset=[3]) as aside:
            aside += "y" + sgl.gen("a")  # noqa: PLW2901 - appends in place
        s += "z"
        return s["a"]

    result = in_both(body)
    assert (result.text(), result.ret_value) == ("xz", ["ok"])


@row("1.4 ret_value")
def ret_value() -> None:
    assert ran(echo, "1").result.ret_value == ["1", "B"]
    assert ran(of("x")).result.ret_value is None


# --- 1.5 fork and join -----------------------------------------------------------------------------------------------------


@row("1.5 fork copies variables, text, messages and the open role")
def fork_copies() -> None:
    def body(s):
        s += sgl.user("x")
        s += sgl.assistant_begin()
        s += "A" + sgl.gen("a")
        forks = s.fork(2)
        for number, fork in enumerate(forks):
            fork += f"{number}{fork['a']}"  # noqa: PLW2901 - appends in place
            fork += sgl.assistant_end()  # noqa: PLW2901 - appends in place
        s += sgl.assistant_end()
        return [forks[0].text(), forks[1].messages(), s.text()]

    first, messages, parent = in_both(body).ret_value
    assert first == parent.replace("Aok", "Aok0ok")
    assert messages == [{"role": "user", "content": "x"}, {"role": "assistant", "content": "Aok1ok"}]


@row("1.5 fork: position_ids_offset, and one state")
def fork_of_one() -> None:
    def body(s):
        forks = s.fork(1, position_ids_offset=[7])
        forks += sgl.gen("a")
        forks.join()
        return [len(forks), len(s.fork()), s["a"]]

    assert in_both(body).ret_value == [1, 1, ["ok"]]


@row("1.5 group: indexed, iterated, += of functions, expressions and lists")
def group_append() -> None:
    def body(s):
        forks = s.fork(2)
        forks += lambda i: f"{i}"
        forks += "-" + sgl.gen("a")
        forks += ["x", sgl.gen("b")]
        forks += ("y", "z")
        return [forks[0].text(), forks[1].text(), [fork["a"] for fork in forks]]

    assert in_both(body).ret_value == ["0-okxy", "1-okokz", ["ok", "ok"]]


@row("1.5 group += of anything else is refused")
def group_append_refused() -> None:
    for mistake in ("x", 5, None):

        def body(s, mistake=mistake):
            forks = s.fork(2)
            forks += mistake

        for mode in MODES:
            assert "Invalid value" in str(refused(lambda mode=mode, body=body: ran(body, mode=mode).result))


@row("1.5 join gathers new names")
def join_gathers() -> None:
    def body(s):
        s += "x" + sgl.gen("kept")
        forks = s.fork(2)
        forks += lambda i: f"{i}" + sgl.gen("a")
        forks.join()

    result = in_both(body)
    assert (result.text(), result.variables) == ("xok", {"kept": "ok", "a": ["ok", "ok"]})


@row("1.5 join: an overwritten name is not lost")
def join_overwritten() -> None:
    def body(s):
        s["a"] = "parent"
        forks = s.fork(2)
        forks[1]["a"] = "child"
        forks.join()
        return s["a"]

    assert in_both(body).ret_value == ["parent", "child"]


@row("1.5 join gathers meta infos")
def join_gathers_meta() -> None:
    def body(s):
        forks = s.fork(2)
        forks += sgl.gen("a")
        forks.join()
        return len(s.get_meta_info("a"))

    result = in_both(body)
    assert result.ret_value == 2
    assert [meta["finish_reason"]["type"] for meta in result.get_meta_info("a")] == ["stop", "stop"]


@row("1.5 meta infos stay with a variable that the body changes in place")
def meta_of_a_changed_list() -> None:
    def body(s):
        forks = s.fork(2)
        forks += sgl.gen("a")
        forks.join()
        s += sgl.gen("b", n=2)
        s["a"].append("more")
        s["b"][0] = "other"

    result = in_both(body)
    assert [len(result.get_meta_info(name)) for name in "ab"] == [2, 2]


@row("1.5 join: concate_and_append")
def join_concatenates() -> None:
    def body(s):
        s += "x"
        forks = s.fork(2)
        forks += lambda i: f"<{i}>" + sgl.gen("a")
        forks.join("concate_and_append")
        s += "!" + sgl.gen("b")

    assert in_both(body).text() == "x<0>ok<1>ok!ok"


@row("1.5 join: concate_and_append on the engine")
def join_concatenates_on_the_engine(engine: sglc.Engine) -> None:
    @sgl.function
    def program(s):
        s += "x"
        forks = s.fork(2)
        forks += lambda i: f"<{i}>" + sgl.gen("a", **GREEDY)
        forks.join("concate_and_append")
        s += "!" + sgl.gen("b", **GREEDY)
        return [fork["a"] for fork in forks]

    result = program.run(backend=engine)
    first, second = result.ret_value
    assert result.text() == f"x<0>{first}<1>{second}!{result['b']}"


# --- 1.6 select ------------------------------------------------------------------------------------------------------------


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


# --- 1.7 chat templates ----------------------------------------------------------------------------------------------------


@row("1.7 the model's own template")
def own_template(engine: sglc.Engine) -> None:
    result = of(sgl.system("S"), sgl.user("U"), sgl.assistant(sgl.gen("a", **GREEDY))).run(backend=engine)
    head, _, tail = result.text().partition("U")
    assert re.search(r"<\|system\|>\s*S<\|turn_end\|>\s*<\|user\|>\s*$", head)
    assert re.match(r"<\|turn_end\|>\s*<\|assistant\|>\s*", tail)
    assert result["a"] in tail


@row("1.7 a template in the place of the model's")
def other_template() -> None:
    template = (
        "{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT: {% endif %}"
    )
    with sgl.Engine(device="cpu", max_kv_tokens=512, chat_template=template) as engine:
        result = of(sgl.user("Hi"), sgl.assistant(sgl.gen("a", **GREEDY, stop="\n"))).run(backend=engine)
    assert result.text().startswith("USER: Hi\nASSISTANT: " + result["a"])


@row("1.7 a template that is none is refused")
def broken_template() -> None:
    for template, said_of_it in (
        ("{% for %}", "not valid Jinja"),
        ("none", "not Jinja"),
        ("{{ 1 }}", "leaves out"),
        ("", "no chat template"),
    ):
        with (
            pytest.raises(sglc.ModelError, match=said_of_it) as caught,
            sgl.Engine(device="cpu", max_kv_tokens=512, chat_template=template) as engine,
        ):
            of(sgl.user("U"), sgl.gen("a")).run(backend=engine).text()
        assert "chat_template=" in caught.value.hint


# --- 1.8 global_config -----------------------------------------------------------------------------------------------------

CONFIG = {
    "verbosity": 0,
    "skip_special_tokens_in_output": True,
    "spaces_between_special_tokens_in_out": True,
    "enable_precache_with_tracing": True,
    "enable_parallel_encoding": True,
}

for setting, value in CONFIG.items():

    @row(f"1.8 {setting}")
    def config(setting: str = setting, value: Any = value) -> None:
        assert getattr(sgl.global_config, setting) == value
        setattr(sgl.global_config, setting, value)
        assert ran(echo, "1").result.text() == "1Bok"


@row("1.8 default_backend")
def config_default_backend(no_default: None) -> None:
    scripted: Any = sgl.Scripted(lambda question: "configured")
    with scripted as backend:
        assert sgl.global_config.default_backend is None
        sgl.global_config.default_backend = backend
        assert of(sgl.gen("a")).run()["a"] == "configured"
        sgl.global_config.default_backend = None


# --- 1.9 errors ------------------------------------------------------------------------------------------------------------


class Broken(Exception):
    """What the model's side raises."""


def broken(question: Question) -> str:
    if "bad" in question.prompt:
        raise Broken("no answer")
    return "ok"


def refused(run: Callable[[], Any]) -> Exception | None:
    """The error of a run, raised or kept."""
    try:
        return run().error()
    except sglc.SglcError as error:
        return error


@row("1.9 a backend raises, and nothing follows")
def backend_raises() -> None:
    for mode in MODES:
        result = ran(of("bad", sgl.gen("a")), says=broken, mode=mode).result
        error = result.error()
        assert isinstance(error, sglc.RunError)
        assert isinstance(error.__cause__, Broken)
        assert "no answer" in str(error)
        with pytest.raises(sglc.RunError, match="no answer"):
            result["a"]


@row("1.9 a backend raises, and more follows: nothing hangs")
def backend_raises_and_more_follows() -> None:
    for mode in MODES:
        result = ran(of("bad", sgl.gen("a"), "more", sgl.gen("b"), "end"), says=broken, mode=mode).result
        result.sync()
        assert isinstance(result.error().__cause__, Broken)
        reads: list[Callable[[], Any]] = [result.text, result.messages, partial(result.get_var, "a")]
        for read in [*reads, partial(result.get_var, "b"), partial(getattr, result, "ret_value")]:
            with pytest.raises(sglc.RunError, match="no answer"):
                read()


@row("1.9 run_batch: a row fails, its variable read by the body or not")
def batch_with_a_failed_row() -> None:
    def unread(s, a):
        s += a + sgl.gen("x")

    def read(s, a):
        s += a + sgl.gen("x")
        s += "yes" if s["x"] == "ok" else "no"

    for body in (unread, read):
        for mode in MODES:
            with sgl.Scripted(broken) as backend:
                rows = [("1",), ("bad",), ("2",)]
                results = sgl.function(body).run_batch(rows, backend=backend, mode=mode)
                assert [result.error() is None for result in results] == [True, False, True]
                assert "no answer" in str(results[1].error())
                assert [results[n]["x"] for n in (0, 2)] == ["ok", "ok"]


# --- log probabilities, schemas, streams, asyncio ----------------------------------------------------------------------------


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


@pytest.mark.parametrize("name", ROWS)
def test_row(name: str, request: pytest.FixtureRequest) -> None:
    parameters = inspect.signature(ROWS[name]).parameters.values()
    fixtures = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    ROWS[name](**{fixture: request.getfixturevalue(fixture) for fixture in fixtures})


BEYOND = ("seed", "ebnf", "json_whitespace")
"""What SGLang's gen has not."""


def test_no_section_and_no_argument_of_gen_is_forgotten() -> None:
    assert {name.split()[0] for name in ROWS} == {f"1.{number}" for number in range(1, 10)}
    of_gen = " ".join(name for name in ROWS if name.startswith("1.2"))
    arguments = [name for name in inspect.signature(sgl.gen).parameters if name not in BEYOND]
    assert [name for name in arguments if not re.search(rf"\b{name}\b", of_gen)] == []
