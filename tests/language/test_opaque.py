"""What no trace can hold, and plain Python can run: objects among the arguments, arguments that the body changes, values that
are no plain data, bodies that always raise. The compiled mode gives what plain Python does, and says what that costs."""

from __future__ import annotations

import collections
import copy
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sglc
import sglc as sgl
from sglc.language.state import ProgramState

MODES = ("interpret", "compiled")


@pytest.fixture
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(lambda question: question.choices[-1] if question.choices else "yes") as backend:
        yield backend


class Markup(str):
    def shown(self) -> str:
        return f"<{self}>"


class Retriever:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def search(self, query: str) -> str:
        self.asked.append(query)
        return f"found {len(self.asked)}"


@dataclasses.dataclass
class Session:
    turns: list[str] = dataclasses.field(default_factory=list[str])


def takes_a_retriever(s, tool):
    s += tool.search("x") + sgl.gen("a")
    s += tool.search(s["a"])
    return tool.asked


def takes_a_text_with_methods(s, page):
    s += page.shown() + sgl.gen("a")


def takes_votes(s, votes):
    s += f"{votes['none']} {votes}" + sgl.gen("a")
    return votes.most_common(1)


def takes_numbers_as_keys(s, table):
    s += table[1] + sgl.gen("a")


def takes_nan(s, score):
    s += f"{score}" + sgl.gen("a")


def takes_a_set(s, words):
    s += " ".join(sorted(words)) + sgl.gen("a")


def takes_a_function(s, shown):
    s += sgl.gen("a")
    return shown(s["a"])


def takes_an_iterator(s, parts):
    s += next(parts, "end") + sgl.gen("a")
    s += sgl.gen("a")


def takes_an_object_in_a_record(s, row):
    s += row["page"].shown() + sgl.gen("a")


def appends_to_a_list(s, history):
    history.append("asked")
    s += "\n".join(history) + sgl.gen("a")
    history.append(s["a"])


def appends_after_an_exit(s, history):
    s += "q" + sgl.gen("a")
    if len(s["a"]) > 2:
        history.append(s["a"])
    s += f"{len(history)}" + sgl.gen("b")


def pops_from_a_record(s, row):
    s += row.pop("q", "nothing") + sgl.gen("a")


def changes_what_is_deep_inside(s, rows):
    rows[0]["tags"].append("seen")
    s += rows[0]["q"] + sgl.gen("a")


def changes_an_object(s, session):
    session.turns.append("one")
    s += "\n".join(session.turns) + sgl.gen("a")


def keeps_a_state(s, text):
    s["inner"] = inner(x=text)
    s += s["inner"]["a"] + sgl.gen("b")


def gives_back_a_set(s, text):
    s += text + sgl.gen("a")
    return set(s["a"])


def keeps_minus_infinity(s, text):
    s += text + sgl.gen("a")
    s["best"] = float("-inf")


def keeps_no_change(s, history):
    history = [*history, "mine"]
    s += "\n".join(history) + sgl.gen("a")


BODIES: list[tuple[Callable[..., Any], Callable[[], dict[str, Any]], str]] = [
    (takes_a_retriever, lambda: {"tool": Retriever()}, "argument tool is of type Retriever"),
    (takes_a_text_with_methods, lambda: {"page": Markup("p")}, "argument page is of type Markup"),
    (takes_votes, lambda: {"votes": collections.Counter("aab")}, "argument votes is of type Counter"),
    (takes_numbers_as_keys, lambda: {"table": {1: "one"}}, "argument table is a dict with a key that is no text"),
    (takes_nan, lambda: {"score": float("nan")}, "argument score is the number nan"),
    (takes_nan, lambda: {"score": 10**400}, "argument score is a number of more than 1,024 bits"),
    (takes_a_set, lambda: {"words": {"a", "b"}}, "argument words is of type set"),
    (takes_a_function, lambda: {"shown": str.upper}, "argument shown is of type method_descriptor"),
    (takes_an_iterator, lambda: {"parts": iter("abc")}, "argument parts is of type"),
    (takes_an_object_in_a_record, lambda: {"row": {"page": Markup("p")}}, "argument row['page'] is of type Markup"),
    (appends_to_a_list, lambda: {"history": ["first"]}, "changes its argument history"),
    (appends_after_an_exit, lambda: {"history": ["first"]}, "changes its argument history"),
    (pops_from_a_record, lambda: {"row": {"q": "why", "k": "v"}}, "changes its argument row"),
    (changes_what_is_deep_inside, lambda: {"rows": [{"q": "why", "tags": ["new"]}]}, "changes its argument rows"),
    (changes_an_object, lambda: {"session": Session()}, "changes its argument session"),
    (keeps_a_state, lambda: {"text": "q"}, "variable 'inner' is of type ProgramState"),
    (gives_back_a_set, lambda: {"text": "q"}, "the returned value is of type set"),
    (keeps_minus_infinity, lambda: {"text": "q"}, "variable 'best' is no plain data"),
    (keeps_no_change, lambda: {"history": ["first"]}, ""),
]
"""a body, arguments for it, and what the warning says"""


def seen(result: Any, arguments: dict[str, Any]) -> list[Any]:
    given = {
        name: value.asked if isinstance(value, Retriever) else list(value) if isinstance(value, Iterator) else value
        for name, value in arguments.items()
    }
    variables = {
        name: "a state" if isinstance(value, ProgramState) else value for name, value in result.variables.items()
    }
    return [result.text(), repr(variables), repr(result.ret_value), result.error(), repr(given)]


@pytest.mark.parametrize(("body", "made", "said"), BODIES, ids=[f"{body.__name__}-{said}" for body, _, said in BODIES])
def test_as_plain_python_does(
    body: Callable[..., Any], made: Callable[[], dict[str, Any]], said: str, backend: sgl.Scripted, recwarn: Any
) -> None:
    expected: list[list[Any]] = []
    for mode in MODES:
        program = sgl.function(body)
        kept, runs = made(), list[Any]()
        for arguments in (kept, kept, made()):  # what one run has changed the next one sees, as in Python
            runs.append(seen(program.run(**arguments, backend=backend, mode=mode), arguments))
        batch = [made(), made()]
        results = program.run_batch(batch, backend=backend, mode=mode)
        runs += [seen(result, arguments) for result, arguments in zip(results, batch, strict=True)]
        expected.append(runs)
    assert expected[0] == expected[1]
    messages = {str(warning.message) for warning in recwarn if "plain Python" in str(warning.message)}
    if not said:
        assert not messages
    assert all(said in message and "test_opaque.py:" in message for message in messages)
    assert bool(messages) == bool(said)


def counted(s, q, seen=[]):  # noqa: B006 - what it is about
    seen.append(q)
    s += q + sgl.gen("a")
    return list(seen)


MISSING = object()


def has_objects_for_defaults(s, q, shown=str.upper, context=MISSING):
    if context is not MISSING:
        s += context
    s += q + sgl.gen("a")
    return shown(s["a"])


def test_defaults_are_the_functions_own(backend: sgl.Scripted) -> None:
    for mode in MODES:
        own = sgl.function(copy_of(counted))
        values = [own.run(q=q, backend=backend, mode=mode).ret_value for q in ("one", "two")]
        assert values == [["one"], ["one", "two"]]
        program = sgl.function(has_objects_for_defaults)
        assert program.run(q="q", backend=backend, mode=mode).ret_value == "YES"
        assert program.run(q="q", context="c", backend=backend, mode=mode).text() == "cqyes"
        assert program.run(q="q", shown=str.lower, backend=backend, mode=mode).ret_value == "yes"


def copy_of(function: Any) -> Any:
    made = type(function)(
        function.__code__, function.__globals__, function.__name__, copy.deepcopy(function.__defaults__)
    )
    return made


def retried(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(s: Any, *args: Any, **kwargs: Any) -> Any:
        for attempt in range(2):
            s += f"{len(args)} {sorted(kwargs)}: "
            function(s, *args, attempt=attempt, **kwargs)

    return wrapper


@sgl.function
@retried
def number(s, q, style="short", attempt=0):
    s += f"{q} {style} #{attempt} " + sgl.gen("a")


def test_a_wrapper_sees_what_was_given(backend: sgl.Scripted) -> None:
    for mode in MODES:
        assert number.run("q", backend=backend, mode=mode).text() == "1 []: q short #0 yes1 []: q short #1 yes"
        assert number.run(q="q", backend=backend, mode=mode).text() == "0 ['q']: q short #0 yes0 ['q']: q short #1 yes"
        expected = "1 ['style']: q long #0 yes1 ['style']: q long #1 yes"
        assert number.run("q", style="long", backend=backend, mode=mode).text() == expected


PAID: list[str] = []


@sgl.host
def pay(what: str) -> str:
    PAID.append(what)
    return "paid"


class RejectedError(Exception):
    def __init__(self, word: str) -> None:
        super().__init__("rejected")
        self.word = word


def always_raises(s, q, count):
    s += q + sgl.gen("a")
    s += pay(q)
    if count > 3:
        raise RejectedError(s["a"])


def test_a_body_that_always_raises_does_first_what_comes_before(backend: sgl.Scripted) -> None:
    found: list[Any] = []
    for mode in MODES:
        PAID.clear()
        program = sgl.function(always_raises)
        results = [program.run(q=q, count=5, backend=backend, mode=mode) for q in ("one", "two")]
        results += program.run_batch(
            [{"q": "three", "count": 4}, {"q": "four", "count": 1}], backend=backend, mode=mode
        )
        words = [getattr(result.error() and result.error().__cause__, "word", None) for result in results]
        found.append([sorted(PAID), words, [result.variables for result in results]])
    assert found[0] == found[1]
    assert found[0][1] == ["yes", "yes", "yes", None]


def named_by_an_argument(s, fields):
    for name in fields:
        s += name + ": " + sgl.gen(name) + "\n"
    return {name: s[name] for name in fields}


def named_by_an_answer(s, fields):
    s += sgl.select("kind", fields)
    s += sgl.gen(s["kind"])


def selected_by_an_argument(s, fields):
    s += sgl.select(fields[0], ["a", "b"]) + sgl.gen_int(fields[1])


def forked_by_an_argument(s, fields):
    forks = s.fork(2)
    forks += sgl.gen(fields[0])
    forks.join()


NAMED = [named_by_an_argument, named_by_an_answer, selected_by_an_argument, forked_by_an_argument]


@pytest.mark.parametrize("body", NAMED, ids=lambda body: body.__name__)
def test_a_name_may_be_a_text_of_the_run(body: Callable[..., Any], backend: sgl.Scripted) -> None:
    program = sgl.function(body)
    for fields in (["name", "age"], ["x", "y"], ["name", "age"]):
        runs = [program.run(fields=fields, backend=backend, mode=mode) for mode in MODES]
        assert runs[0].error() is None
        assert (runs[0].variables, runs[0].ret_value) == (runs[1].variables, runs[1].ret_value)


@sgl.function
def has_settings_of_its_own(s, q, mode="short", seed=0, temperature=0.5):
    s += f"[{mode} {seed} {temperature}] {q}" + sgl.gen("a")


def test_arguments_go_before_settings_of_the_same_name(backend: sgl.Scripted) -> None:
    run = functools.partial(has_settings_of_its_own.run, backend=backend)
    assert run(q="q", mode="long", seed=7).text() == "[long 7 0.5] qyes"
    assert run(q="q", mode="interpret", temperature=0).text() == "[interpret 0 0] qyes"
    rows = [{"q": "q", "seed": 3, "mode": "x"}]
    for mode in MODES:
        batch = has_settings_of_its_own.run_batch(rows, backend=backend, mode=mode, seed=1, temperature=0)
        assert batch[0].text() == "[x 3 0.5] qyes"


@sgl.function
def inner(s, x):
    s += x + sgl.gen("a")


@pytest.mark.parametrize("setting", ["backend", "seed"])
@pytest.mark.parametrize("mode", MODES)
def test_a_program_inside_of_another_has_no_settings_of_its_own(mode: str, setting: str, backend: sgl.Scripted) -> None:
    other = {"backend": backend, "seed": 5}[setting]

    @sgl.function
    def outer(s, q):
        s += inner.run(x=q, **{setting: other})["a"]

    try:
        error = outer.run(q="q", backend=backend, mode=mode).error()
    except sglc.ProgramError as refusal:
        error = refusal
    assert f"a part of another program here, with that one's {setting}" in str(error)


SHOWN: list[str] = []


@sgl.host
def shown(value) -> str:
    SHOWN.append(repr(value))
    return repr(value)


GIVEN: dict[str, Callable[[], Any]] = {
    "a set": lambda: {"x"},
    "a counter": lambda: collections.Counter("aab"),
    "numbers as keys": lambda: {1: "one"},
    "an object": Session,
    "a subclass of str": lambda: Markup("p"),
    "bytes in a list": lambda: [b"x", {"k": b"y"}],
}


@pytest.mark.parametrize("case", GIVEN)
def test_tools_take_what_plain_python_gives_them(case: str, backend: sgl.Scripted) -> None:
    @sgl.function
    def program(s, q):
        s += q + sgl.gen("a")
        s += shown(GIVEN[case]())

    found: list[Any] = []
    for mode in MODES:
        SHOWN.clear()
        found.append([program.run(q=q, backend=backend, mode=mode).text() for q in ("one", "two")] + SHOWN)
    assert found[0] == found[1]
    assert len(found[0]) == 4


MESSAGES: list[str] = []


@sgl.host
def runs_tools(messages, *, notes=None) -> str:
    messages.append({"role": "tool", "content": "42"})
    if notes is not None:
        notes["seen"] = [len(messages)]
    return "done"


def tool_changes_an_argument(s, messages):
    s += messages[-1]["content"] + sgl.gen("a")
    s += runs_tools(messages)
    s += messages[-1]["content"] + sgl.gen("b")


def tool_changes_a_list_of_the_body(s, messages):
    own, notes = [{"role": "user", "content": "own"}], {"k": "v"}
    s += sgl.gen("a")
    s += runs_tools(own, notes=notes)
    s += own[-1]["content"] + f" {len(own)} {notes}" + sgl.gen("b")


def tool_changes_a_global(s, messages):
    s += sgl.gen("a")
    sgl.call(list.append, MESSAGES, s["a"])
    s += f"{len(MESSAGES)}" + sgl.gen("b")


@pytest.mark.parametrize(
    "body", [tool_changes_an_argument, tool_changes_a_list_of_the_body, tool_changes_a_global], ids=lambda b: b.__name__
)
def test_what_a_tool_does_to_its_arguments_is_seen(body: Callable[..., Any], backend: sgl.Scripted) -> None:
    found: list[Any] = []
    for mode in MODES:
        MESSAGES.clear()
        given = [{"role": "user", "content": "hi"}]
        program = sgl.function(body)
        texts = [program.run(messages=given, backend=backend, mode=mode).text() for _ in range(3)]
        found.append([texts, given, list(MESSAGES)])
    assert found[0] == found[1]
