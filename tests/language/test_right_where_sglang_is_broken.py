"""What SGLang gets wrong, and sglc must not: errors that hang or hide, batches that one row ends, joins that lose, names
that collide, settings that are dropped, bodies that run once too often, prefixes that are not the program's, effects
that nobody notices. (The reference, sections 1.3, 1.5, 1.9, 2.1 to 2.3.)"""

from __future__ import annotations

import datetime
import inspect
import os
import random
import re
import time
import types
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

import pytest

import sglc
import sglc as sgl
from sglc.ir.errors import Location
from sglc.language.symbolic import shown_path

T = TypeVar("T")
MODES = ("compiled", "interpret")


def within(seconds: float, function: Callable[[], T]) -> T:
    """The function's value; fails where it takes longer, which is how a hang shows."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(function).result(timeout=seconds)
    finally:
        pool.shutdown(wait=False)


class Broken(Exception):
    """What the model's side raises."""


def answer(question: Any) -> str:
    if question.prompt.endswith("bad"):
        raise Broken("no answer")
    return question.choices[0] if question.choices else "ok"


@pytest.fixture(scope="module")
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(answer) as backend:
        yield backend


# --- a failed gen is its root cause, and nothing hangs -----------------------------------------------------------------


def fails_first(s):
    s += "bad" + sgl.gen("a")


def fails_and_goes_on(s):
    s += "bad" + sgl.gen("a")
    s += "more" + sgl.gen("b")
    s += sgl.user("end" + sgl.gen("c"))


def fails_and_is_read(s):
    s += "bad" + sgl.gen("a")
    s += "yes" if s["a"] == "ok" else "no"


def fails_and_text_is_read(s):
    s += "bad" + sgl.gen("a")
    s.sync()
    return [s.text(), s.error(), s.messages()]


def fails_at_the_end(s):
    s += "x" + sgl.gen("before") + "bad" + sgl.gen("a")


def fails_in_a_fork(s):
    s += "x"
    forks = s.fork(3)
    forks += lambda i: f"{i}" + ("bad" if i == 1 else "")
    forks += sgl.gen("a")
    forks.join()
    s += f"{s['a']}" + sgl.gen("b")


def fails_in_a_fork_that_is_not_joined(s):
    forks = s.fork(2)
    forks[1] += "bad" + sgl.gen("a")
    s += "x" + forks[1]["a"] + sgl.gen("b")


def fails_in_a_select(s):
    s += "bad" + sgl.select("a", ["x", "y"])
    s += sgl.gen("b")


def fails_in_reasoning(s):
    s += "bad" + sgl.separate_reasoning(sgl.gen("a"), model_type="qwen3")


@sgl.function
def inner(s, text):
    s += text + sgl.gen("a")
    return s["a"]


def fails_inside(s):
    s += "x"
    s += inner("bad").ret_value


def fails_and_is_swallowed(s):
    try:
        s += "bad" + sgl.gen("a")
        s += s["a"].upper()
    except Exception:  # noqa: BLE001 - what users write
        s += "swallowed"


FAILING = [function for name, function in list(globals().items()) if name.startswith("fails_")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", FAILING, ids=lambda body: body.__name__)
def test_a_failed_gen_is_its_root_cause(body: Callable[..., Any], mode: Any, backend: sgl.Scripted) -> None:
    result = within(10, lambda: sgl.function(body).run(backend=backend, mode=mode))
    within(10, result.sync)
    error = within(10, result.error)
    assert isinstance(error, sglc.RunError)
    assert isinstance(error.__cause__, Broken)
    assert isinstance(error.where, Location)
    assert error.where.file == shown_path(__file__)
    assert re.search(r"sgl\.(gen|select)\(", str(error))  # the text of the line
    reads: list[Callable[[], Any]] = [result.text, result.messages, partial(getattr, result, "ret_value")]
    for read in [*reads, partial(result.get_var, "a"), partial(result.get_var, "b")]:
        with pytest.raises(sglc.RunError, match="no answer") as caught:
            within(10, read)
        assert caught.value is error
    assert result.get_meta_info("a") is None


def test_what_had_answered_before_stays_readable(backend: sgl.Scripted) -> None:
    for mode in MODES:
        result = sgl.function(fails_at_the_end).run(backend=backend, mode=mode)
        assert result["before"] == "ok"
        assert result.variables == {"before": "ok"}


@pytest.mark.parametrize("body", FAILING, ids=lambda body: body.__name__)
def test_a_failed_stream_ends_with_its_root_cause(body: Callable[..., Any], backend: sgl.Scripted) -> None:
    result = sgl.function(body).run(backend=backend, stream=True)
    for name in (None, "a", "b"):
        with pytest.raises(sglc.RunError, match="no answer"):
            within(10, lambda name=name: list(result.text_iter(name)))
    assert isinstance(within(10, result.error), sglc.RunError)


def test_others_that_are_under_way_do_not_hold_up_the_error() -> None:
    def body(s):
        forks = s.fork(4)
        forks += ["a", "b", "bad", "d"]
        forks += sgl.gen("x")
        forks.join()

    def slow(question: Any) -> str:
        if not question.prompt.endswith("bad"):
            time.sleep(0.01)
        return answer(question)

    with sgl.Scripted(slow, latency=0.01) as backend:
        for mode in MODES:
            result = within(10, lambda mode=mode: sgl.function(body).run(backend=backend, mode=mode))
            assert "no answer" in str(result.error())


def test_an_engine_that_has_ended_says_so_at_once() -> None:
    backend = sgl.Scripted(answer)
    backend.shutdown()
    for mode in MODES:
        program = sgl.function(fails_at_the_end)
        with pytest.raises(sglc.RunError, match="has ended"):
            within(10, lambda mode=mode, program=program: program.run(backend=backend, mode=mode).text())


# --- one failed row never aborts a batch -----------------------------------------------------------------------------------


@sgl.host
def half(text: str) -> int:
    return 10 // len(text)


def row_of_the_model(s, a):
    s += a + sgl.gen("x")


def row_read_by_the_body(s, a):
    s += a + sgl.gen("x")
    s += f"{s['x'].upper()}" if s["x"] == "ok" else "no"


def row_of_the_body(s, a):
    s += a + sgl.gen("x")
    if a == "bad":
        raise Broken("no answer")


def row_of_the_body_after_an_answer(s, a):
    s += "q" + sgl.gen("x") + a
    return {"good": 1, "fine": 2, "again": 3}[a + s["x"].replace("ok", "")]


def row_of_a_host_function(s, a):
    s += "q" + sgl.gen("x")
    return half("" if a == "bad" else a)


def row_of_a_fork(s, a):
    forks = s.fork(2)
    forks += ["y", a]
    forks += sgl.gen("x")
    forks.join()


def row_that_is_refused(s, a):
    s += "q" + sgl.gen("x")
    if a == "bad":
        s += str(random.random())


ROWS = [function for name, function in list(globals().items()) if name.startswith("row_")]


@pytest.mark.parametrize("generator_style", [False, True])
@pytest.mark.parametrize("body", ROWS, ids=lambda body: body.__name__)
def test_one_failed_row_leaves_the_others_alone(
    body: Callable[..., Any], generator_style: bool, backend: sgl.Scripted
) -> None:
    rows = [{"a": a} for a in ("good", "bad", "fine", "bad", "again")]
    program = sgl.function(body)
    results = within(20, lambda: list(program.run_batch(rows, backend=backend, generator_style=generator_style)))
    assert [result.error() is None for result in results] == [True, False, True, False, True]
    for result, row in zip(results, rows, strict=True):
        if row["a"] != "bad":
            alone = sgl.function(body).run(row["a"], backend=backend, mode="interpret")
            assert (result.text(), result.variables) == (alone.text(), alone.variables)
            assert result.ret_value == alone.ret_value
        else:
            with pytest.raises(sglc.SglcError):
                result.text()


@pytest.mark.parametrize("body", [body for body in ROWS if body is not row_that_is_refused], ids=lambda b: b.__name__)
def test_one_failed_row_leaves_the_others_alone_when_interpreted(
    body: Callable[..., Any], backend: sgl.Scripted
) -> None:
    rows = [("good",), ("bad",), ("fine",)]
    results = within(20, lambda: list(sgl.function(body).run_batch(rows, backend=backend, mode="interpret")))
    assert [result.error() is None for result in results] == [True, False, True]


# --- joins, names, settings --------------------------------------------------------------------------------------------


def results_in_both_modes(body: Callable[..., Any], backend: sgl.Scripted) -> list[Any]:
    program = sgl.function(body)
    results = [program.run(backend=backend, mode=mode) for mode in MODES]
    assert [result.error() for result in results] == [None, None]
    return results


def test_a_join_loses_no_overwritten_variable(backend: sgl.Scripted) -> None:
    def body(s):
        s += "x" + sgl.gen("a")
        s["b"] = "parent"
        forks = s.fork(3)
        forks[0]["a"] = "zero"
        forks[1] += "y" + sgl.gen("b")
        forks[2]["c"] = s["a"] + "!"
        forks.join()
        return [s["a"], s["b"], s["c"]]

    for result in results_in_both_modes(body, backend):
        assert result.ret_value == [["zero", "ok", "ok"], ["parent", "ok", "parent"], [None, None, "ok!"]]
        assert result.variables == {"a": result["a"], "b": result["b"], "c": result["c"]}


def test_a_join_keeps_what_is_known_about_the_answers(backend: sgl.Scripted) -> None:
    def body(s):
        forks = s.fork(2)
        forks[1] += sgl.gen("a")
        forks.join()

    for result in results_in_both_modes(body, backend):
        assert result["a"] == [None, "ok"]
        first, second = result.get_meta_info("a")
        assert first is None
        assert second["finish_reason"]["type"] == "stop"


def test_unnamed_answers_do_not_collide(backend: sgl.Scripted) -> None:
    def body(s):
        s += "1" + sgl.gen() + "2" + sgl.gen() + "3" + sgl.select(choices=["p", "q"]) + sgl.gen("named")
        forks = s.fork(2)
        forks += sgl.gen()
        forks.join()

    for result in results_in_both_modes(body, backend):
        assert result.text() == "1ok2ok3pok"
        assert result.variables == {"named": "ok"}
        assert list(result.meta) == ["named"]


def test_bind_keeps_every_setting() -> None:
    def body(s, a, b="B"):
        s += a + b + sgl.gen("x")

    for settings in ({}, {"num_api_spec_tokens": 64}, {"max_paths": 3}, {"num_api_spec_tokens": 1, "max_depth": 2}):
        program = sgl.function(**settings)(body)
        bound = program.bind(a="1").bind(b="2")
        kept = {name: value for name, value in vars(program).items() if name not in ("bind_arguments", "kept")}
        assert {name: vars(bound)[name] for name in kept} == kept
        assert all(value in str(kept) for value in map(str, settings.values()))


# --- the body runs as often as it must, and nobody outside sees it -----------------------------------------------------------


def branching(s, question):
    s += "Think. " + question + sgl.gen("a")
    if s["a"].startswith("o"):
        s += " Why? " + sgl.gen("b")
    try:
        s += str(int(s["a"]))
    except ValueError:
        s += " no number"
    for word in s["b"].split():
        s += f" {word}" + sgl.gen("c")


def test_a_model_is_asked_what_the_program_asks_and_nothing_else() -> None:
    asked: list[str] = []

    def said(question: Any) -> str:
        asked.append(question.prompt)
        return "ok ok"

    expected = [
        "Think. Q",
        "Think. Qok ok Why? ",
        "Think. Qok ok Why? ok ok no number ok",
        "Think. Qok ok Why? ok ok no number okok ok ok",
    ]
    with sgl.Scripted(said) as backend:
        for mode in MODES:
            program = sgl.function(branching)
            for _ in range(2):
                asked.clear()
                program.run("Q", backend=backend, mode=mode)
                assert asked == expected
        asked.clear()
        sgl.function(branching).run_batch([("Q",), ("R",), ("Q",)], backend=backend)
    other = [prompt.replace("Q", "R", 1) for prompt in expected]
    assert sorted(asked) == sorted(expected + expected + other)


CONSTANT = "A beginning of many words that never changes, whatever is asked, and that is worth a prefix. "
NAMES = {"easy": "An easy one.", "hard": "A hard one."}


def prefix_in_an_f_string(s, question):
    s += f"{CONSTANT}{question}" + sgl.gen("a", max_tokens=1)


def prefix_in_a_sum(s, question):
    s += CONSTANT + question + sgl.gen("a", max_tokens=1)


def prefix_in_a_percent(s, question):
    s += (CONSTANT + "%s") % question + sgl.gen("a", max_tokens=1)


def prefix_in_a_message(s, question):
    s += sgl.system(CONSTANT)
    s += sgl.user(f"{question}") + sgl.assistant(sgl.gen("a", max_tokens=1))


def prefix_before_a_look_up(s, question):
    s += CONSTANT
    s += NAMES[question] + sgl.gen("a", max_tokens=1)


def prefix_before_a_branch(s, question):
    s += f"{CONSTANT}{question}"
    s += " hard" if question == "hard" else " easy"
    s += sgl.gen("a", max_tokens=1)


PREFIXED = [function for name, function in list(globals().items()) if name.startswith("prefix_")]


@pytest.mark.parametrize("body", PREFIXED, ids=lambda body: body.__name__)
def test_the_constant_beginning_is_prefilled_ahead(body: Callable[..., Any], engine: sglc.Engine) -> None:
    program = sgl.function(body)
    engine.flush_cache()
    program.cache(engine)
    result = program.run("hard", backend=engine, temperature=0)
    words = len(CONSTANT.split())
    assert result.get_meta_info("a")["cached_tokens"] >= words
    interpreted = program.run("hard", backend=engine, temperature=0, mode="interpret")
    assert result.text() == interpreted.text()
    rows = program.run_batch([("hard",), ("easy",)], backend=engine, temperature=0)
    assert [NAMES[q] in r.text() or q in r.text() for q, r in zip(("hard", "easy"), rows, strict=True)] == [True, True]


def test_a_body_that_raises_for_some_arguments_fails_for_those_alone(backend: sgl.Scripted) -> None:
    def body(s, question):
        s += CONSTANT
        if len(question) > 5:
            raise ValueError(f"{question} is too long")
        s += NAMES[question] + sgl.gen("a")

    results = sgl.function(body).run_batch([("easy",), ("a long one",), ("none",), ("hard",)], backend=backend)
    causes = [repr(getattr(result.error(), "__cause__", None)) for result in results]
    assert causes == ["None", "ValueError('a long one is too long')", "KeyError('none')", "None"]
    assert results[3].text() == CONSTANT + "A hard one.ok"


def test_a_forks_prompt_begins_with_its_parents() -> None:
    asked: list[str] = []

    def body(s, a):
        s += "pre" + a
        with s.user():
            forks = s.fork(2)
            forks += lambda i: f"-{i}" + sgl.gen("x")
            forks.join()
        with s.var_scope("part"):
            s += str(s["x"])

    def said(question: Any) -> str:
        asked.append(question.prompt)
        return "ok"

    with sgl.Scripted(said) as backend:
        for mode in MODES:
            asked.clear()
            result = sgl.function(body).run("!", backend=backend, mode=mode)
            assert sorted(asked) == ["pre!<user>-0", "pre!<user>-1"]
            assert result["part"] == "['ok', 'ok']"


def test_a_branch_on_an_answer_is_taken_by_the_answer() -> None:
    def body(s, a):
        s += a + sgl.select("c", ["A", "B", "C"])
        if s["c"] == "A":
            s += " first"
        elif s["c"] in ("B",):
            s += " second"

    with sgl.Scripted(lambda question: question.prompt[-1]) as backend:
        results = sgl.function(body).run_batch([("C",), ("A",), ("B",), ("A",)], backend=backend)
    assert [result.text() for result in results] == ["CC", "AA first", "BB second", "AA first"]


# --- effects are seen and named ------------------------------------------------------------------------------------------

SEEN: list[str] = []
TABLE: dict[str, int] = {}
WORDS: set[str] = set()
COUNT = 0
LAST = ""
HOLDER = types.SimpleNamespace(count=0, said="")


class Holder:
    count = 0


@pytest.fixture(autouse=True)
def world() -> Iterator[None]:
    """Everything that the bodies below change, as it was."""
    yield
    global COUNT, LAST
    COUNT, LAST, Holder.count = 0, "", 0
    HOLDER.count, HOLDER.said = 0, ""
    for kept in (SEEN, TABLE, WORDS):
        kept.clear()
    for name in [name for name in os.environ if name.startswith("SGLC_TEST_")]:
        del os.environ[name]


Effect = tuple[Callable[..., Any], str]
EFFECTS: list[Effect] = []


def effect(named: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keeps a body with an effect. named: what the message says of it, as a regex."""

    def keep(body: Callable[..., Any]) -> Callable[..., Any]:
        EFFECTS.append((body, named))
        return body

    return keep


@effect("SEEN|not repeatable")
def appends_and_reads(s):
    SEEN.append("x")
    s += f"{len(SEEN)}" + sgl.gen("a")


@effect("SEEN")
def appends(s):
    s += "x" + sgl.gen("a")
    SEEN.append("x")


@effect("SEEN")
def appends_an_answer(s):
    s += "x" + sgl.gen("a")
    SEEN.append(s["a"])


@effect("SEEN|not repeatable")
def does_something_once(s):
    if not SEEN:
        SEEN.append("x")
        s += "first"
    s += "x" + sgl.gen("a")


@effect("TABLE")
def fills_a_table(s):
    s += "x" + sgl.gen("a")
    TABLE[s["a"]] = 1


@effect("WORDS|not repeatable")
def remembers_words(s):
    s += "x" + sgl.gen("a")
    if s["a"] in WORDS:
        s += " again"
    WORDS.add(s["a"])


@effect("COUNT")
def counts(s):
    global COUNT  # noqa: PLW0603 - tested
    s += "x" + sgl.gen("a")
    COUNT += 1


@effect("COUNT|not repeatable")
def counts_and_reads(s):
    global COUNT  # noqa: PLW0603 - tested
    COUNT += 1
    s += f"{COUNT}" + sgl.gen("a")


@effect("LAST")
def rebinds_a_global(s):
    global LAST  # noqa: PLW0603 - tested
    s += "x" + sgl.gen("a")
    LAST = s["a"]


@effect("count")
def sets_a_class_attribute(s):
    s += "x" + sgl.gen("a")
    Holder.count += 1


@effect("said")
def sets_an_attribute(s):
    s += "x" + sgl.gen("a")
    HOLDER.said = s["a"]


@effect("SGLC_TEST_WORD")
def sets_an_environment_variable(s):
    s += "x" + sgl.gen("a")
    os.environ["SGLC_TEST_WORD"] = "y"


@effect("SGLC_TEST_ANSWER")
def keeps_an_answer_in_the_environment(s):
    s += "x" + sgl.gen("a")
    os.environ["SGLC_TEST_ANSWER"] = s["a"]


@effect("not repeatable")
def reads_the_clock(s):
    s += f"{time.time()}" + sgl.gen("a")


@effect("not repeatable")
def reads_the_clock_late(s):
    s += "x" + sgl.gen("a")
    if s["a"] != "no":
        s += f"{datetime.datetime.now()}"


@effect("not repeatable.*(clock|time)")
def branches_on_the_clock(s):
    s += "x" + sgl.gen("a")
    if time.time() > 1e9:
        s += " late"


@effect("not repeatable.*random")
def draws(s):
    s += f"{random.random()}" + sgl.gen("a")


@effect("not repeatable.*random")
def branches_on_a_draw(s):
    s += "x" + sgl.gen("a")
    if random.random() < 0.01:
        s += " lucky"


@effect("not repeatable")
def draws_a_choice(s):
    s += random.choice(["p", "q"]) + sgl.gen("a")


@effect("not repeatable")
def makes_an_identifier(s):
    s += "x" + sgl.gen("a")
    return str(uuid.uuid4())


@effect("not repeatable")
def names_an_object(s):
    s += f"{object()}" + sgl.gen("a")


@pytest.mark.parametrize(("body", "named"), EFFECTS, ids=[body.__name__ for body, _ in EFFECTS])
def test_an_effect_is_refused_with_its_line_and_a_cure(
    body: Callable[..., Any], named: str, backend: sgl.Scripted
) -> None:
    program = sgl.function(body)
    lines, first = inspect.getsourcelines(body)
    for _ in range(3):  # a refusal stays
        with pytest.raises(sglc.ProgramError, match=named) as caught:
            program.run(backend=backend)
        error = caught.value
        assert isinstance(error.where, Location)
        assert error.where.file == shown_path(__file__)
        assert first <= error.where.line < first + len(lines)
        assert re.search("pass .* as arguments|host function", error.hint)
    assert all(isinstance(result.error(), sglc.ProgramError) for result in program.run_batch([{}] * 2, backend=backend))


def counted(start: int) -> tuple[Callable[..., Any], Callable[[], int]]:
    count = start

    def counts_in_a_cell(s):
        nonlocal count
        s += "x" + sgl.gen("a")
        count += 1

    return counts_in_a_cell, lambda: count


def test_a_counter_in_a_closure_is_named(backend: sgl.Scripted) -> None:
    body, _ = counted(0)
    with pytest.raises(sglc.ProgramError, match="'count' of counts_in_a_cell"):
        sgl.function(body).run(backend=backend)


def test_a_host_function_may_have_effects(backend: sgl.Scripted) -> None:
    @sgl.host
    def keep(text: str) -> int:
        SEEN.append(text)
        return len(SEEN)

    def body(s, a):
        s += a + sgl.gen("x")
        s += f" {keep(a + s['x'])}"

    program = sgl.function(body)
    for mode, length in zip((*MODES, "compiled"), (1, 2, 3), strict=True):
        assert program.run(f"{length}", backend=backend, mode=mode).text() == f"{length}ok {length}"
    assert SEEN == ["1ok", "2ok", "3ok"]


CALLER: ContextVar[str] = ContextVar("CALLER", default="nobody")


def test_the_callers_context_is_there(backend: sgl.Scripted) -> None:
    """In the body and in host functions, from the first run on and at every later one."""

    @sgl.host
    def caller(text: str) -> str:
        return f"{CALLER.get()} {text}"

    def body(s):
        s += CALLER.get() + sgl.gen("a")
        s += caller(s["a"])

    program = sgl.function(body)
    for name in ("nobody", "one", "two", "one"):
        if name != "nobody":
            CALLER.set(name)
        for mode in MODES:
            assert program.run(backend=backend, mode=mode).text() == f"{name}ok{name} ok"


# --- what changes between two runs is seen --------------------------------------------------------------------------------

GREETING = "one"
LIST = ["one"]
DICT = {"k": {"in": ["one"]}}
CONFIG = types.SimpleNamespace(inner=types.SimpleNamespace(text="one"))


class Settings:
    text = "one"

    def __init__(self) -> None:
        self.own = "one"

    @property
    def both(self) -> str:
        return self.text + self.own

    @staticmethod
    def fixed() -> str:
        return GREETING


SETTINGS = Settings()


def helper() -> str:
    return f"{GREETING} {LIST[0]}"


def with_default(text: list[str] = LIST) -> str:
    return text[-1]


def assign(name: str, value: Any) -> None:
    globals()[name] = value


# what the body says, what changes between two runs
CHANGES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "global": (lambda: GREETING, lambda: assign("GREETING", "two")),
    "item of a list": (lambda: LIST[0], lambda: LIST.__setitem__(0, "two")),
    "length of a list": (lambda: len(LIST), lambda: LIST.append("two")),
    "nested data": (lambda: DICT["k"]["in"][0], lambda: DICT["k"]["in"].insert(0, "two")),
    "key of a dict": (lambda: sorted(DICT), lambda: DICT.update(new={"in": []})),
    "attribute": (lambda: CONFIG.inner.text, lambda: setattr(CONFIG.inner, "text", "two")),
    "class attribute": (lambda: SETTINGS.text, lambda: setattr(Settings, "text", "two")),
    "property": (lambda: SETTINGS.both, lambda: setattr(SETTINGS, "own", "two")),
    "static method": (lambda: f"{Settings.fixed()}", lambda: setattr(Settings, "fixed", staticmethod(lambda: "two"))),
    "helper's global": (lambda: f"{helper()}", lambda: assign("GREETING", "two")),
    "helper": (lambda: f"{helper()}", lambda: assign("helper", lambda: "two")),
    "default of a helper": (lambda: f"{with_default()}", lambda: LIST.append("two")),
    "environment": (lambda: os.environ.get("SGLC_TEST_X"), lambda: os.environ.update(SGLC_TEST_X="two")),
}


@pytest.fixture
def kept_globals() -> Iterator[None]:
    """The names that the changes rebind and change, as they were."""
    kept = (GREETING, helper, Settings.text, Settings.fixed)
    yield
    for name, value in zip(("GREETING", "helper"), kept, strict=False):
        assign(name, value)
    Settings.text, Settings.fixed = kept[2], staticmethod(kept[3])
    LIST[:], SETTINGS.own, CONFIG.inner.text = ["one"], "one", "one"
    DICT.clear()
    DICT["k"] = {"in": ["one"]}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_change_between_two_runs_is_a_new_program(changed: str, backend: sgl.Scripted, kept_globals: None) -> None:
    read, change = CHANGES[changed]

    def body(s):
        s += f"{read()} " + sgl.gen("a")
        if s["a"] == "ok":
            s += f" {read()}"

    program = sgl.function(body)
    before = f"{read()} ok {read()}"
    assert program.run(backend=backend).text() == before
    change()
    after = f"{read()} ok {read()}"
    assert after != before
    assert program.run(backend=backend).text() == after
    assert [result.text() for result in program.run_batch([{}, {}], backend=backend)] == [after, after]


def test_a_cell_that_changes_between_two_runs_is_a_new_program(backend: sgl.Scripted) -> None:
    word = "one"

    def body(s):
        s += word + sgl.gen("a")

    program = sgl.function(body)
    assert program.run(backend=backend).text() == "oneok"
    word = "two"
    assert program.run(backend=backend).text() == "twook"
