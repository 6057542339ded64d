"""What the tracer records, and what it refuses with the user's line."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import random
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sglc
import sglc as sgl
from sglc.ir.errors import Location
from sglc.ir.graph import End, Switch
from sglc.ir.ops import Append, Gen, Param, Role, Select
from sglc.language.symbolic import shown_path
from tests.language.programs import CASES, forks, nested


def parts_of(program: sgl.SglFunction, **arguments: Any) -> list[Any]:
    """All parts that a program appends, params by name."""
    graph = program.trace(**arguments)
    parts = [part for op in graph.body if isinstance(op, Append) for part in op.parts]
    return [f"%{part.name}" if isinstance(part, Param) else part for part in parts]


def program(body: Callable[..., Any]) -> sgl.SglFunction:
    return sgl.function(body)


def idiom_plus(s, a):
    s += "x" + a + "y"


def idiom_f_string(s, a):
    s += f"x{a}y"


def idiom_percent(s, a):
    s += "x%sy" % a  # noqa: UP031 - tested


def idiom_format(s, a):
    s += "x{}y".format(a)  # noqa: UP032 - tested


def idiom_str(s, a):
    s += "x" + str(a) + "y"


def idiom_join(s, a):
    s += sgl.join("", ["x", a, "y"])


def idiom_in_place(s, a):
    text = "x"
    text += a
    s += text
    s += "y"


def idiom_nested_f_string(s, a):
    inner = f"x{a}"
    s += f"{inner}y"


def idiom_helper(s, a):
    def wrapped(text: str) -> str:
        assert isinstance(text, str)
        return "x" + text + "y"

    s += wrapped(a)


IDIOMS = [f for name, f in list(globals().items()) if name.startswith("idiom_")]


@pytest.mark.parametrize("body", IDIOMS, ids=lambda f: f.__name__)
def test_text_is_followed_through(body: Callable[..., Any]) -> None:
    parts = parts_of(program(body))
    assert parts == ["x", "%a", "y"]


@pytest.mark.parametrize(("case", "arguments"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_a_trace_is_a_valid_graph_that_prints_and_parses(case: sgl.SglFunction, arguments: dict[str, Any]) -> None:
    from sglc.ir.parser import parse_graph
    from sglc.ir.printer import print_graph
    from sglc.ir.verify import verify

    graph = case.trace(**arguments)
    verify(graph)
    assert print_graph(parse_graph(print_graph(graph))) == print_graph(graph)


def test_roles_and_locations() -> None:
    def body(s, q):
        s += sgl.user(q)
        s += sgl.assistant(sgl.gen("a"))

    first = inspect.getsourcelines(body)[1]
    graph = program(body).trace()
    user = next(op for op in graph.body if isinstance(op, Append))
    assert [part for part in user.parts if isinstance(part, Role)] == [Role("user", "begin"), Role("user", "end")]
    assert user.loc is not None
    assert (user.loc.file, user.loc.line) == (shown_path(__file__), first + 1)
    gen = next(op for op in graph.body if isinstance(op, Gen))
    assert gen.loc is not None
    assert gen.loc.line == first + 2


def test_forks_extend_one_state_and_join_gathers() -> None:
    graph = forks.trace()
    gens = [op for op in graph.body if isinstance(op, Gen)]
    assert len(gens) == 6
    assert isinstance(graph.variables["point"], list)
    assert len(graph.variables["point"]) == 3
    assert sum(isinstance(op, Select) for op in graph.body) == 1


def test_a_nested_call_is_part_of_its_caller() -> None:
    graph = nested.trace()
    gens = [op for op in graph.body if isinstance(op, Gen)]
    assert [gen.sampling.max_tokens for gen in gens] == [6, 6, 5]
    assert [gen.number for gen in gens] == [0, 1, 2]


def test_structure_is_static_and_texts_are_open() -> None:
    def body(s, docs, user, count: int = 3):
        for doc in docs:
            s += doc
        s += user["name"] + str(count)

    graph = program(body).trace(docs=["a", "b"], user={"name": "x", "age": 3})
    assert [param.name for param in graph.params] == ["docs[0]", "docs[1]", "user['name']"]
    assert graph.statics == {"docs[]": 2, "user{}": 2, "user['age']": 3, "count": 3}


# --- what only the confirmation finds ---------------------------------------------------------------------------------


def hidden_search(s, a):
    s += a + sgl.gen("c")
    try:
        found = re.search("[0-9]", s["c"])
    except Exception:  # noqa: BLE001 - what a user may write
        found = None
    s += "number" if found else "none"
    s += sgl.gen("d")


def hidden_type(s, a):
    s += "text" if type(a) is str else "other"


def hidden_counter(s, a):
    COUNTER.append(1)
    s += f"{a} {len(COUNTER)}"


def hidden_random(s, a):
    s += str(random.random())


def hidden_default(s, a):
    with contextlib.suppress(TypeError):
        a = ",".join([a, "x"])
    s += a


def hidden_length(s, a):
    values = {"length": 0}
    with contextlib.suppress(TypeError):
        values["length"] = len(re.findall(".", a))
    return values


def hidden_settings(s, a):
    tokens = 3
    with contextlib.suppress(TypeError):
        tokens = int(os.path.basename(a) != "")
    s += "x" + sgl.gen("b", max_tokens=tokens)


COUNTER: list[int] = []
HIDDEN = [f for name, f in list(globals().items()) if name.startswith("hidden_")]


TRACED_NEVERTHELESS = {hidden_search, hidden_default, hidden_length, hidden_settings}
"""Their exceptions are seen, although the body swallows them."""


@pytest.mark.parametrize("body", HIDDEN, ids=lambda f: f.__name__)
def test_what_a_trace_cannot_see_is_found(body: Callable[..., Any]) -> None:
    lines, first = inspect.getsourcelines(body)
    if body in TRACED_NEVERTHELESS:
        graph = program(body).trace()
        assert isinstance(graph.region.end, Switch)
        where: object = graph.region.end.loc
    elif body is hidden_type:
        with pytest.warns(RuntimeWarning, match="in a way that a trace does not see"):
            graph = program(body).trace()
        assert isinstance(graph.region.end, Switch)
        where = graph.region.end.loc
    else:
        with pytest.raises(sglc.ProgramError, match="it is not repeatable") as caught:
            program(body).trace()
        where = caught.value.where
    assert isinstance(where, Location)
    assert first <= where.line < first + len(lines)


# --- what is asked for ------------------------------------------------------------------------------------------------


def asks_if(s, a):
    s += sgl.gen("c")
    if s["c"] == "A":  # line
        s += "x"


def asks_argument_branch(s, a):
    if a:  # line
        s += "x"


def asks_swallowed(s, a):
    s += sgl.gen("c")
    try:
        value = int(s["c"])  # line
    except Exception:  # noqa: BLE001 - what a user may write
        value = 0
    s += str(value)


def asks_dict(s, a):
    s += {"x": "y"}[a]  # line


def asks_strip(s, a):
    s += a.strip()  # line


def asks_len(s, a):
    s += "x" * len(a)  # line


def asks_contains(s, a):
    s += "x" if "y" in a else "z"  # line


def asks_match(s, a):
    match a:
        case "x":  # line
            s += "y"


def asks_repr(s, a):
    s += f"{a!r}"  # line


def asks_width(s, a):
    s += f"{a:>10}"  # line


def asks_json(s, a):
    s += json.dumps({"a": a})  # line


def asks_re(s, a):
    s += str(re.search("x", a))  # line


def asks_str_join(s, a):
    s += ", ".join(["x", a])  # line


def asks_cut_marker(s, a):
    s += f"x{a}y"[:6]  # line


def asks_text(s, a):
    s += s.text()  # line


ASKS = {
    asks_if: (2, "== of s['c']"),
    asks_argument_branch: (2, "using it as a condition of a"),
    asks_swallowed: (0, "int() of s['c']"),
    asks_dict: (0, "looking it up of a"),
    asks_strip: None,
    asks_len: (0, "len() of a"),
    asks_contains: (2, "in of a"),
    asks_match: (2, "== of a"),
    asks_repr: None,
    asks_width: None,
    asks_json: (0, "TypeError: Object of type str is not JSON serializable"),
    asks_re: (0, "TypeError: expected string or bytes-like object"),
    asks_str_join: (0, "TypeError: sequence item 1: expected str instance"),
    asks_cut_marker: (0, "a string that was cut"),
    asks_text: None,
}
"""body -> the cases of its switch (0: an exit) and what it says; None where nothing is asked."""


@pytest.mark.parametrize("body", ASKS, ids=lambda f: f.__name__)
def test_questions_become_switches_and_exits_at_their_line(body: Callable[..., Any]) -> None:
    end, wanted = program(body).trace().region.end, ASKS[body]
    if wanted is None:
        assert isinstance(end, End)
        return
    assert isinstance(end, Switch)
    cases, why = wanted
    assert len(end.cases) == cases
    assert end.open is (cases == 0)
    assert end.why.startswith(why)
    lines, first = inspect.getsourcelines(body)
    assert end.loc == Location(
        shown_path(__file__), next(first + n for n, line in enumerate(lines) if "# line" in line)
    )


# --- what is refused -------------------------------------------------------------------------------------------------


def refuse_raise(s, a):
    raise ValueError("the body is broken")  # line


def refuse_nested_role(s, a):
    s += sgl.user_begin()
    s += sgl.system("x")  # line


def refuse_unopened_role(s, a):
    s += sgl.user_end()  # line


def refuse_number(s, a):
    s += 5  # line


def refuse_unknown_variable(s, a):
    s += s["nothing"]  # line


def refuse_temperature(s, a):
    s += sgl.gen("x", temperature=-1)  # line


def refuse_max_tokens(s, a):
    s += sgl.gen("x", max_tokens="many")  # line  # pyright: ignore[reportArgumentType]: the mistake


def refuse_dtype(s, a):
    s += sgl.gen("x", dtype=list)  # line


def refuse_no_choice(s, a):
    s += sgl.select("x", choices=[])  # line


def refuse_fork_below_zero(s, a):
    s.fork(-1)  # line


def refuse_returned_object(s, a):
    s.set_var("x", object())


MESSAGES = {
    refuse_raise: "raised ValueError: the body is broken",
    refuse_nested_role: "a system message begins inside a user message",
    refuse_unopened_role: "a user message ends, but no message is open",
    refuse_number: "a prompt cannot take a value of type int",
    refuse_unknown_variable: "the state has no variable 'nothing'",
    refuse_temperature: "temperature is -1, not a number of at least 0",
    refuse_max_tokens: "max_tokens is 'many', not an integer",
    refuse_dtype: "gen does not know dtype 'list'",
    refuse_no_choice: "select needs at least one choice",
    refuse_fork_below_zero: "fork needs a whole number of at least 0",
    refuse_returned_object: "variable 'x' is of type object",
}


def test_every_refusal_is_in_the_table() -> None:
    assert {f.__name__ for f in MESSAGES} == {name for name in globals() if name.startswith("refuse_")}


@pytest.mark.parametrize("body", MESSAGES, ids=lambda f: f.__name__)
def test_what_cannot_be_traced_is_refused_at_its_line(body: Callable[..., Any]) -> None:
    with pytest.raises(sglc.ProgramError) as caught:
        program(body).trace()
    error = caught.value
    assert MESSAGES[body] in str(error)
    lines, first = inspect.getsourcelines(body)
    marked = [first + number for number, line in enumerate(lines) if "# line" in line]
    if marked:
        assert isinstance(error.where, Location)
        assert (error.where.file, error.where.line) == (shown_path(__file__), marked[0])


def test_the_first_parameter_is_s() -> None:
    with pytest.raises(sglc.ProgramError, match="must be named s"):
        sgl.function(lambda state: None)


ARGUMENT_ERRORS = [
    ((), {}, "missing a required argument: 'docs'"),
    ((["a"], True, 3), {}, "too many positional arguments"),
    ((), {"docs": ["a"], "extra": 1}, "got an unexpected keyword argument 'extra'"),
]


@pytest.mark.parametrize(("args", "kwargs", "message"), ARGUMENT_ERRORS, ids=[m for _, _, m in ARGUMENT_ERRORS])
def test_arguments_that_do_not_fit_are_refused(args: tuple[Any, ...], kwargs: dict[str, Any], message: str) -> None:
    from tests.language.programs import loop

    with pytest.raises(sglc.ArgumentsError, match=re.escape(message)):
        loop.run(*args, **kwargs)
    with pytest.raises(sglc.ArgumentsError, match="row 0"):
        loop.run_batch([args or kwargs])


def test_compiling_needs_the_value_of_what_is_no_text() -> None:
    def body(s, count: int):
        s += str(count)

    with pytest.raises(sglc.ArgumentsError, match="needs the value of count"):
        program(body).compile()
    assert program(body).compile(count=3).graph.statics == {"count": 3}


def test_a_loop_that_ends_for_no_invented_text_does_not_hang() -> None:
    def body(s, a):
        s += "x" + sgl.gen("c")
        text = str(len(a)) + a
        while not text.endswith("."):
            text = text[:-1]
        s += text

    with sgl.Scripted(lambda question: "yes") as backend:
        assert program(body).run(a="ab.c", backend=backend).text() == "xyes4ab."


def test_a_run_does_not_believe_an_error_that_only_other_texts_raise() -> None:
    def body(s, a):
        s += "x" + sgl.gen("answers")  # a list, with n=2
        if f"{a}" != "no":
            s += s["answers"].upper()

    with sgl.Scripted(lambda question: "yes") as backend:
        run = program(body).run_batch([{"a": "no"}, {"a": "other"}], backend=backend, n=2)
    assert [type(state.error()) for state in run] == [type(None), sglc.RunError]


def test_compiling_refuses_what_fails_on_all_texts() -> None:
    def body(s, a):
        s += f"x{a}" + sgl.gen("c")
        s += nowhere + s["c"]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

    with pytest.raises(sglc.ProgramError, match="NameError: name 'nowhere' is not defined"):
        program(body).compile()


def test_a_nested_list_is_changed_in_place_after_an_exit() -> None:
    def body(s, a):
        forks = s.fork(1)
        forks += sgl.gen("x", n=2)
        forks.join()
        s["x"].append(" ".join(reversed(a.split())))

    with sgl.Scripted(lambda question: "yes") as backend, warnings.catch_warnings():
        warnings.simplefilter("error")
        result = program(body).run(a="b a", backend=backend)
    assert result["x"] == [["yes", "yes"], "a b"]


def test_a_text_that_is_known_now_beside_one_that_is_not() -> None:
    def body(s, a, b):
        try:
            if a in b:
                s["in"] = True
            [][len(b)]
        except LookupError:
            s["swallowed"] = True
        except Exception:  # noqa: BLE001 - as bodies do: the TypeError of a look-up in a plain string is not the body's
            s["other"] = True

    with sgl.Scripted(lambda question: "yes") as backend, warnings.catch_warnings():
        warnings.simplefilter("error")
        result = program(body).run(a="e", b="yes", backend=backend)
    assert result.variables == {"in": True, "swallowed": True}


@pytest.mark.parametrize("operation", ["eq", "in", "startswith", "lt"])
@pytest.mark.parametrize("made", ["literal + text", "answer + text", "method"])
def test_a_question_stays_answered_when_a_text_in_it_becomes_known(made: str, operation: str) -> None:
    literal = "<a b>"

    def text(s, a):
        match made:
            case "literal + text":  # like the answer, so that it counts as that once the answer is known
                return literal + a
            case "answer + text":
                return s["k"] + a
            case _:
                return s["k"].upper() + a

    def asked(value):
        match operation:
            case "eq":
                return value == literal
            case "in":
                return literal in value
            case "startswith":
                return value.startswith(literal)
            case _:
                return value < literal

    def body(s, a):
        s += sgl.select("k", choices=[literal, "other"])
        s["given"] = same(s["k"] if asked(text(s, a)) else "no")
        s["length"] = len(s["k"])

    with sgl.Scripted(lambda question: literal) as backend, warnings.catch_warnings():
        warnings.simplefilter("error")
        for a in ("", "x", literal):
            compiled = program(body).run(a=a, backend=backend)
            assert compiled.error() is None
            assert compiled.variables == program(body).run(a=a, backend=backend, mode="interpret").variables


@sgl.host
def same(text: str) -> str:
    return text


def test_a_scope_that_began_before_an_answer_was_known() -> None:
    def body(s):
        s += "Q: " + sgl.select("k", choices=["no", "yes"])
        s += s["k"] + "!"
        with s.var_scope("x"):
            s += "A: " + sgl.gen("y")
            {"yes": 1}[s["k"]]

    with sgl.Scripted(lambda question: "yes") as backend, warnings.catch_warnings():
        warnings.simplefilter("error")
        result = program(body).run(backend=backend)
    assert result["x"] == "A: yes"


def test_a_misled_trace_gives_way_to_plain_python() -> None:
    def body(s, a):
        s += "Q: "
        if f"{a}" == str(3) + "x":  # a placeholder is not, and no confirmation tries this text
            s += sgl.select("x", choices=["yes", "no"])
        else:
            s += sgl.gen("x")
        s["n"] = len(s["x"])

    with (
        sgl.Scripted(lambda question: "yes") as backend,
        pytest.warns(RuntimeWarning, match="run again by plain Python"),
    ):
        result = program(body).run(a="3x", backend=backend)
    assert result.variables == {"x": "yes", "n": 3}


def test_a_loop_that_swallows_what_ends_it_does_not_hang() -> None:
    def body(s, a):
        s += "x" + sgl.gen("c")
        swallowed = False
        text = str(len(a)) + a
        while not text.endswith("."):
            try:
                text = text[:-1]
                for _ in range(10**9 if not text and not swallowed else 0):
                    pass
            except BaseException:  # noqa: BLE001 - once, as a callback of the garbage collector does
                swallowed = True
        s += text

    with sgl.Scripted(lambda question: "yes") as backend:
        assert program(body).run(a="ab.c", backend=backend).text() == "xyes4ab."


# --- what looks like a placeholder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["\U0010f8f0", "\U0010f8f1", "\U0010f8f2"], ids=ascii)
def test_a_text_may_hold_the_characters_of_placeholders(mark: str) -> None:
    @sglc.function
    def odd(s, q):
        s += f"{q} " + sglc.gen("a")
        s += f"{len(s['a'])}: {q}" + s["a"] + "".join(["x", s["a"]])

    with sglc.Scripted(lambda question: f"a{mark}b") as backend:
        for q in ("q", f"{mark}q"):
            expected = odd.run(q=q, backend=backend, mode="interpret").text()
            assert odd.run(q=q, backend=backend).text() == expected


# --- files -----------------------------------------------------------------------------------------------------------

FOLDER = Path()


def reads_by_open(s, q):
    with open(FOLDER / "prompt") as file:  # line
        s += file.read() + sglc.gen("a")


def reads_by_pathlib(s, q):
    s += (FOLDER / "prompt").read_text() + sglc.gen("a")  # line


def reads_in_a_helper(s, q):
    s += _prompt_of_a_file() + sglc.gen("a")


def _prompt_of_a_file() -> str:
    return json.loads(json.dumps((FOLDER / "prompt").read_text()))


def asks_whether_there_is_one(s, q):
    s += ("yes" if (FOLDER / "other").exists() else "no") + sglc.gen("a")  # line


def lists_a_folder(s, q):
    s += " ".join(sorted(os.listdir(FOLDER))) + sglc.gen("a")  # line


def reads_on_a_later_path(s, q):
    s += q + sglc.gen("a")
    if s["a"] == "ok":
        s += (FOLDER / "prompt").read_text()  # line


def reads_after_an_exit(s, q):
    s += q + sglc.gen("a")
    if len(s["a"]) == 2:
        s += (FOLDER / "prompt").read_text()  # line


@pytest.mark.parametrize(
    "body",
    [
        reads_by_open,
        reads_by_pathlib,
        reads_in_a_helper,
        asks_whether_there_is_one,
        lists_a_folder,
        reads_on_a_later_path,
        reads_after_an_exit,
    ],
    ids=lambda body: body.__name__,
)
def test_what_a_file_says_is_read_at_each_run(
    body: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(body.__globals__, "FOLDER", tmp_path)
    reads = program(body)
    with sglc.Scripted(lambda question: "ok") as backend, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for text in ("one", "two"):
            (tmp_path / "prompt").write_text(text)
            if text == "two":
                (tmp_path / "other").touch()
            expected = reads.run(q="q", backend=backend, mode="interpret").text()
            assert reads.run(q="q", backend=backend).text() == expected
    lines, first = inspect.getsourcelines(body)
    line = next((first + number for number, line in enumerate(lines) if "# line" in line), None)
    assert "reads a file" in str(said[0].message)
    assert line is None or str(said[0].message).startswith(f"{shown_path(__file__)}:{line}: ")


def test_an_import_reads_no_file_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imported_in_a_body.py").write_text("NAME = 'x'\n")
    monkeypatch.syspath_prepend(tmp_path)

    def body(s, q):
        import imported_in_a_body  # pyright: ignore[reportMissingImports]

        s += q + imported_in_a_body.NAME + sglc.gen("a")

    with sglc.Scripted(lambda question: "ok") as backend, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert program(body).run(q="q", backend=backend).text() == "qxok"
