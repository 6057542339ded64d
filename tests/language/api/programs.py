"""Section 1.3 of the reference: programs, run, in batches, bound, traced, called."""

from __future__ import annotations

import pytest

import sglc
import sglc as sgl
from tests.language.api.rows import echo, of, ran, row, settings_of


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
