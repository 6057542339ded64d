"""What people give, and mistake: each has an answer, or an error that says what to do."""

from __future__ import annotations

import copy
import enum
import functools
import multiprocessing
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

import sglc
import sglc as sgl
from sglc.language.settings import checked_regex

ANYTHING: Any = sgl.function  # what people give is not of the types that are asked for
SET_BACKEND: Any = sgl.set_default_backend

MODES = ("interpret", "compiled")


@pytest.fixture
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(lambda question: "yes") as backend:
        yield backend


@ANYTHING
def ask(s, q):
    s += q + sgl.gen("a")


CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "backend of a path": (lambda b: ask.run(q="q", backend="model"), "backend is of type str"),
    "backend of a class": (lambda b: ask.run(q="q", backend=sgl.Scripted), "backend is the class Scripted"),
    "backend of a batch": (lambda b: ask.run_batch([{"q": "q"}], backend=3), "backend is of type int"),
    "interpreted": (lambda b: ask.run(q="q", backend="model", mode="interpret"), "backend is of type str"),
    "default backend": (lambda b: SET_BACKEND("http://localhost"), "backend is of type str"),
    "compiled program": (lambda b: ask.compile().run(q="q", backend="model"), "backend is of type str"),
    "no rows": (lambda b: ask.run_batch(None, backend=b), "run_batch takes a list of rows, not a NoneType"),
    "one row": (lambda b: ask.run_batch({"q": "q"}, backend=b), "run_batch takes a list of rows, not a dict"),
    "a text for rows": (lambda b: ask.run_batch("rows", backend=b), "run_batch takes a list of rows, not a str"),
    "all rows are wrong": (lambda b: ask.run_batch([{"z": "q"}, 3], backend=b), "row 0: missing a required argument"),
    "seed": (lambda b: ask.run(q="q", backend=b, seed="a"), "seed is 'a', not a whole number"),
    "seed of a batch": (lambda b: ask.run_batch([{"q": "q"}], backend=b, seed=True), "seed is True"),
    "mode": (lambda b: ask.run(q="q", backend=b, mode="fast"), "mode must be 'compiled' or 'interpret', not 'fast'"),
    "no function": (lambda b: ANYTHING(3), "a program is made of a plain function, and this is of type int"),
    "builtin": (lambda b: ANYTHING(len), "of type builtin_function_or_method"),
    "class": (lambda b: ANYTHING(str), "this is the class str"),
    "program": (lambda b: sgl.function(ask), "this is of type SglFunction"),
    "partial": (lambda b: sgl.function(functools.partial(ask.func, "s")), "this is of type partial"),
}


@pytest.mark.parametrize("case", CALLS)
def test_what_makes_no_sense_is_said(case: str, backend: sgl.Scripted) -> None:
    call, message = CALLS[case]
    with pytest.raises(sglc.SglcError, match=re.escape(message)) as caught:
        call(backend)
    assert caught.value.hint or case in ("seed", "seed of a batch", "mode")


@pytest.mark.parametrize("mode", MODES)
def test_a_row_that_does_not_fit_is_an_error_of_its_own(mode: str, backend: sgl.Scripted) -> None:
    results = ask.run_batch([{"q": "one"}, {"z": "two"}, 3, ("four",)], backend=backend, mode=mode)
    assert [result.error() is None for result in results] == [True, False, False, True]
    assert "row 1: missing a required argument: 'q'" in str(results[1].error())
    assert "row 2: a row is a int" in str(results[2].error())
    assert results[3].text() == "fouryes"


def styled(s, style, q):
    s += f"In a {style} style: " + q + sgl.gen("a")


def test_a_partial_is_a_program(backend: sgl.Scripted) -> None:
    program = sgl.function(functools.partial(styled, style="terse"))
    for mode in MODES:
        assert program.run(q="q", backend=backend, mode=mode).text() == "In a terse style: qyes"


@sgl.function
def asks_a_batch(s, q):
    results = ask.run_batch([{"q": q}, (q + "2",)])
    s += sgl.join("", [result["a"] for result in results]) + sgl.gen("b")
    first = next(iter(ask.run_batch([{"q": "z"}], generator_style=True)))
    s["first"] = first.text()


def test_a_batch_inside_of_a_program_is_a_part_of_it() -> None:
    asked: list[str] = []

    def answer(question: Any) -> str:
        asked.append(question.prompt)
        return "yes"

    with sgl.Scripted(answer) as backend:
        for mode in MODES:
            asked.clear()
            result = asks_a_batch.run(q="q", backend=backend, mode=mode)
            assert (result.text(), result["first"]) == ("yesyesyes", "zyes")
            assert sorted(asked) == ["q", "q2", "yesyes", "z"]
        assert asks_a_batch.compile().run(q="q", backend=backend).text() == "yesyesyes"


LOG: list[str] = []


@sgl.host
def logs(text):
    LOG.append(text)


@sgl.host
def numbers(text):
    return [len(text), 2]


def logs_twice(s, q):
    logs("asked")
    s += q + sgl.gen("a")
    logs(s["a"])
    sgl.call(LOG.append, q)


def reads_what_is_no_text(s, q):
    s += q + sgl.gen("a")
    s += str(sum(numbers(s["a"])))


def keeps_what_is_no_text(s, q):
    s["n"] = numbers(q)
    s += q + sgl.gen("a")


def reads_it_behind_an_exit(s, q):
    found = numbers(q)
    s += q + sgl.gen("a")
    if len(s["a"]) > 2:
        s += str(found[0])


def appends_what_is_no_text(s, q):
    s += q + sgl.gen("a")
    s += numbers(q)


@pytest.mark.parametrize(
    "body", [logs_twice, reads_what_is_no_text, keeps_what_is_no_text, reads_it_behind_an_exit, appends_what_is_no_text]
)
def test_a_tool_without_annotation_may_give_anything(body: Any, backend: sgl.Scripted) -> None:
    found: list[Any] = []
    for mode in MODES:
        LOG.clear()
        program = sgl.function(body)
        results = [program.run(q=q, backend=backend, mode=mode) for q in ("one", "three", "one")]
        found.append(
            [(result.text(), result.variables, str(result.error())) for result in results if not result.error()]
        )
        found[-1] += [str(result.error()) for result in results if result.error()] + sorted(LOG)
    assert found[0] == found[1]


@sgl.host
def given(value) -> str:
    return repr(value)


def gives_infinity(s, q):
    s += q + sgl.gen("a")
    s += given(float("inf")) + given([float("-inf")])


def test_numbers_that_no_artifact_holds_go_to_tools(backend: sgl.Scripted) -> None:
    for mode in MODES:
        assert sgl.function(gives_infinity).run(q="q", backend=backend, mode=mode).text() == "qyesinf[-inf]"


@sgl.host
def fails(x: str) -> str:
    raise KeyError(x)


def assigns_after_a_failure(s, q):
    s["before"] = "yes"
    s += q + sgl.gen("a")
    s += fails(s["a"])
    s["a"] += "*"
    s["after"] = "yes"


def test_a_failed_run_has_the_variables_before_its_failure(backend: sgl.Scripted) -> None:
    program = sgl.function(assigns_after_a_failure)
    for mode in MODES:
        assert program.run(q="q", backend=backend, mode=mode).variables == {"before": "yes", "a": "yes"}


def eats_a_text(s, q):
    s += q + sgl.gen("a")
    rest, count = s["a"], 0
    while rest:
        rest = rest[1:]
        count += 1
    s += str(count)


def test_a_text_may_be_eaten_character_by_character(backend: sgl.Scripted) -> None:
    assert sgl.function(eats_a_text).run(q="q", backend=backend).text() == "qyes3"


class Outside:
    """What bodies change: containers, attributes of a class and of an object, with slots too."""

    items: ClassVar[list[Any]] = [1]
    by_name: ClassVar[dict[str, Any]] = {"k": "v"}
    names: ClassVar[set[str]] = {"x"}
    last: Any = "before"


class Slotted:
    __slots__ = ("count", "unset")

    def __init__(self) -> None:
        self.count = 1


SLOTTED = Slotted()
OBJECT = Outside()
COUNTER = [0]


def outside() -> tuple[Any, ...]:
    own = dict(vars(OBJECT))
    return list(Outside.items), dict(Outside.by_name), set(Outside.names), Outside.last, own, SLOTTED.count


def changes_containers(s, q):
    s += q + sgl.gen("a")
    Outside.items.append(s["a"])
    Outside.by_name[q] = s["a"]
    Outside.by_name.pop("k", None)
    Outside.names.add("y")


def changes_attributes(s, q):
    s += q + sgl.gen("a")
    Outside.last, OBJECT.last, SLOTTED.count = s["a"], s["a"], 2


def changes_behind_an_exit(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) == 3:
        Outside.items.append(s["a"])
        OBJECT.last = s["a"]


def changes_after_an_error(s, q):
    s += q + sgl.gen("a")
    number = {"yes": 1}[s["a"]]
    Outside.last = number
    raise ValueError("after it")


def changes_after_its_meta_info(s, q):
    s += q + sgl.select("a", ["yes", "no"])
    Outside.items.append((s["a"], s.get_meta_info("a")))


CHANGES = (
    changes_containers,
    changes_attributes,
    changes_behind_an_exit,
    changes_after_an_error,
    changes_after_its_meta_info,
)


@pytest.mark.parametrize("body", CHANGES, ids=lambda body: body.__name__)
def test_what_a_refused_body_changed_is_put_back(body: Any, backend: sgl.Scripted) -> None:
    before = outside()
    program = sgl.function(body)
    for result in program.run_batch([{"q": "q"}, {"q": "r"}], backend=backend):
        assert "changes something outside of it" in str(result.error())
    with pytest.raises(sglc.ProgramError, match="changes something outside of it"):
        program.run(q="q", backend=backend)
    assert outside() == before


def test_a_cell_that_a_refused_body_changed_is_put_back(backend: sgl.Scripted) -> None:
    total = 0

    def counts(s, q):
        nonlocal total
        s += q + sgl.gen("a")
        if len(s["a"]) == 3:
            total += 1

    (result,) = sgl.function(counts).run_batch([{"q": "q"}], backend=backend)
    assert "closure cell 'total'" in str(result.error())
    assert total == 0


def grammar_of_an_argument(s, word):
    s += sgl.gen("a", ebnf=f'root ::= "{word}"') + sgl.gen("b", ebnf='root ::= "' + word + '"')


def test_a_grammar_may_be_made_of_an_argument(backend: sgl.Scripted) -> None:
    for mode in MODES:
        result = sgl.function(grammar_of_an_argument).run(word="yes", backend=backend, mode=mode)
        assert (result.error(), result.variables) == (None, {"a": "yes", "b": "yes"})


class GivesUpError(BaseException):
    """As pytest's own, where a test fails inside of an answer."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GivesUpError])
def test_an_answer_that_gives_up_is_the_error_of_its_run(error: type[BaseException], mode: str) -> None:
    def answer(question: Any) -> str:
        if question.prompt.startswith("bad"):
            raise error
        return "yes"

    with sgl.Scripted(answer) as backend:
        assert error.__name__ in str(ask.run(q="bad", backend=backend, mode=mode).error())
        assert ask.run(q="good", backend=backend, mode=mode).text() == "goodyes"


def test_an_answer_may_not_wait_for_its_own_backend() -> None:
    with sgl.Scripted(lambda question: ask.run(q="inner", backend=backend)["a"]) as backend:
        assert "waits for a program on itself" in str(ask.run(q="q", backend=backend).error())


def _work(q: str) -> str:
    return ask.run(q=q, backend=_shared[0])["a"]


_shared: list[Any] = []


@pytest.mark.skipif(sys.platform != "linux", reason="where processes are forked")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_backend_of_another_process_is_said_so(backend: sgl.Scripted) -> None:
    _shared[:] = [backend]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        waiting = pool.map_async(_work, ["q"])
        with pytest.raises(sglc.RunError, match="made in another process"):
            waiting.get(30)


def test_errors_go_from_one_process_to_another() -> None:
    error = sglc.RunError("what", where="here", hint="do this")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with pytest.raises(sglc.ConstraintError) as caught:
        checked_regex("[")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.pos) == (type(caught.value), str(caught.value), 0)


def test_programs_are_copied_and_pickled_as_functions_are() -> None:
    assert copy.deepcopy({"program": asks_a_batch})["program"] is asks_a_batch
    assert pickle.loads(pickle.dumps(asks_a_batch)) is asks_a_batch
    bound = asks_a_batch.bind(q="x")
    assert copy.deepcopy(bound) is bound
    assert bound.bind_arguments == {"q": "x"}
    assert asks_a_batch.bind_arguments == {}
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(bound)


def test_settings_of_sglangs_servers(recwarn: Any) -> None:
    with sgl.Runtime(tp_size=1, max_total_tokens=512, log_level="error") as engine:
        assert isinstance(engine, sgl.Engine)
        assert engine.endpoint is engine
        assert engine.get_tokenizer().encode("Hi", add_special_tokens=False)
        assert engine.get_server_info() == engine.info()
    assert "tp_size, log_level" in str(recwarn.pop(UserWarning).message)


@sgl.host
def looks_up(word):
    return {"yes": "found"}.get(word)


def compares_with_none(s, q):
    s += sgl.gen("a", temperature=0) + q
    found = looks_up(q)
    s += " nothing " if found is None else " something "
    s += sgl.gen("b")


def asks_for_its_type(s, q):
    s += q + sgl.gen("a")
    s += (" text " if isinstance(looks_up(q), str) else " none ") + sgl.gen("b")


def filters_what_is_none(s, q):
    found = [looks_up(word) for word in (q, "yes", "no")]
    s += f"{len([each for each in found if each is not None])}" + sgl.gen("a")


@pytest.mark.parametrize(
    "body", [compares_with_none, asks_for_its_type, filters_what_is_none], ids=lambda b: b.__name__
)
def test_none_of_a_tool_without_annotation_is_none(body: Any, backend: sgl.Scripted) -> None:
    program = sgl.function(body)
    for q in ("yes", "no", "yes", "no"):
        texts = [program.run(q=q, backend=backend, mode=mode).text() for mode in MODES]
        assert texts[0] == texts[1]


class Label(enum.StrEnum):
    YES = "yes"
    NO = "no"


class Prompt(str):
    __slots__ = ()


class Most(enum.IntEnum):
    TWO = 2


def chooses_of_an_enum(s, q):
    s += q + sgl.select(Label.NO, choices=list(Label))
    return s["no"] + s[Label.NO]


def appends_an_enum(s, q):
    s += Label.YES + q + Prompt("! ") + sgl.user(Label.NO) + sgl.trusted(Prompt("t"))
    s += sgl.gen("a", stop=Label.NO, regex=Prompt("[a-z]*"), max_tokens=Most.TWO)
    s[Prompt("b")] = 1
    with s.var_scope(Prompt("c")):
        s += sgl.join(Prompt(", "), [q, "z"])
    return s["b"]


@pytest.mark.parametrize("body", [chooses_of_an_enum, appends_an_enum], ids=lambda body: body.__name__)
def test_a_text_of_another_class_is_its_characters(body: Any, backend: sgl.Scripted) -> None:
    interpreted, compiled = (sgl.function(body).run(q="q", backend=backend, mode=mode) for mode in MODES)
    assert (compiled.text(), compiled.variables, compiled.ret_value) == (
        interpreted.text(),
        interpreted.variables,
        interpreted.ret_value,
    )
    assert all(type(name) is str for name in compiled.variables)


@pytest.mark.parametrize("mode", MODES)
def test_a_group_may_be_empty(mode: str, backend: sgl.Scripted) -> None:
    @sgl.function
    def summarize(s, docs):
        forks = s.fork(len(docs))
        for number, doc in enumerate(docs):
            forks[number] += doc + sgl.gen("a")
        forks += sgl.gen("b")
        forks.join()
        s += "\n".join(fork["a"] for fork in forks) + sgl.gen("end")

    texts = [summarize.run(docs=docs, backend=backend, mode=mode).text() for docs in ([], ["x"])]
    assert texts == ["yes", "yesyes"]


def test_a_message_that_is_appended_twice_says_so(backend: sgl.Scripted) -> None:
    @ANYTHING
    def twice(s):
        s += s.system("x")

    with pytest.raises(sglc.ProgramError, match="have appended already"):
        twice.run(backend=backend)


def test_a_state_has_no_attributes_of_a_body(backend: sgl.Scripted) -> None:
    @ANYTHING
    def keeps(s, q):
        s.found = q

    for mode in MODES:
        assert "no attribute 'found'" in str(keeps.run(q="q", backend=backend, mode=mode).error())
