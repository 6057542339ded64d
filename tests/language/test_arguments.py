"""Arguments taken apart for a trace, and matched with what an artifact was compiled for."""

from __future__ import annotations

import enum
import sys
import types
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sglc
import sglc as sgl
from sglc.language.arguments import bind_compiled, replace_texts, take_apart


@dataclass
class Person:
    name: str
    age: int


VALUES: dict[str, Any] = {"q": "x", "docs": ["a", ("b", 3)], "who": Person("Ada", 36), "more": {"k": None, "t": "z"}}


def test_texts_are_open_and_the_rest_is_fixed() -> None:
    taken = take_apart(VALUES)
    assert taken.texts == {"q": "x", "docs[0]": "a", "docs[1][0]": "b", "who.name": "Ada", "more['t']": "z"}
    assert taken.statics == {
        "docs[]": 2, "docs[1]()": 2, "docs[1][1]": 3, "who.": "Person", "who.age": 36, "more{}": 2, "more['k']": None,
    }  # fmt: skip
    assert replace_texts(taken, taken.texts.__getitem__) == VALUES


def test_one_and_true_are_two_shapes() -> None:
    assert take_apart({"n": 1}).shape != take_apart({"n": True}).shape
    assert take_apart({"t": "a"}).shape == take_apart({"t": "b"}).shape


class Mood(str, enum.Enum):  # noqa: UP042 - as programs before Python 3.11 have it
    HAPPY = "yes"
    SAD = "no"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Doc(NamedTuple):
    title: str
    pages: int = 1


class Markup(str):
    __slots__ = ()


class Count(int):
    pass


@dataclass(frozen=True)
class Measured:
    text: str
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", len(self.text))
        object.__setattr__(self, "shouted", self.text.upper())


INHERITED: dict[str, tuple[Any, str, Any]] = {
    "a member of an Enum of texts": (Mood.HAPPY, "x.value + x.name", Mood.SAD),
    "the identity of a member": (Mood.HAPPY, "'happy' if x is Mood.HAPPY else 'sad'", Mood.SAD),
    "a member of an Enum of numbers": (Level.LOW, "x.name + str(x + 1)", Level.HIGH),
    "a named tuple": (Doc("title"), "x.title + str(x.pages) + x[0]", Doc("other", 2)),
    "named tuples in a list": ([Doc("a"), Doc("b")], "''.join(d.title for d in x)", [Doc("c"), Doc("d")]),
    "what an instance computes of its fields": (
        Measured("four"),
        "x.text + str(x.size) + x.shouted",
        Measured("fives"),
    ),
}
"""an argument, an expression with it, and another argument"""


@pytest.mark.parametrize("name", INHERITED)
def test_arguments_keep_what_they_inherit(name: str) -> None:
    first, expression, second = INHERITED[name]
    made: dict[str, Any] = {}
    exec(f"def program(s, x):\n    s += {expression}\n    s += sgl.gen('a')\n", {"sgl": sgl, "Mood": Mood}, made)
    program = sgl.function(made["program"])
    with sgl.Scripted(lambda question: "ok") as backend, warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (first, second, first):
            expected = eval(expression, {"x": value, "Mood": Mood}) + "ok"
            assert program.run(x=value, backend=backend, mode="interpret").text() == expected
            assert program.run(x=value, backend=backend).text() == expected


def _shown(*args: Any, **kwargs: Any) -> str:
    return f"{args} {sorted(kwargs.items())}"


SIGNATURES: dict[str, tuple[str, list[tuple[tuple[Any, ...], dict[str, Any]]]]] = {
    "keywords of any name": ("q, **rest", [(("a",), {"z": "b", "k": 1}), ((), {"q": "a"}), ((), {"q": "a", "z": "c"})]),
    "any number of texts": ("*parts", [(("a", "b"), {}), ((), {}), (("a", 1, None), {})]),
    "texts and keywords": ("q, *parts, sep='-', **rest", [(("a", "b", "c"), {"sep": "+", "x": "y"}), (("a",), {})]),
    "by place alone": ("q, r='d', /", [(("a",), {}), (("a", "b"), {})]),
    "by place, and by name": ("q, /, r, *, t='u'", [(("a", "b"), {}), (("a",), {"r": "b", "t": "c"})]),
}
"""the parameters of a program, and the arguments of its calls"""


@pytest.mark.parametrize("name", SIGNATURES)
def test_parameters_of_each_kind(name: str) -> None:
    parameters, calls = SIGNATURES[name]
    made: dict[str, Any] = {}
    names = [word.strip() for word in parameters.replace("/", "").split(",")]
    given = ", ".join(word.partition("=")[0] for word in names if word not in ("*", ""))
    source = f"def {{}}({{}}{parameters}):\n    {{}}shown({given})\n"
    exec(source.format("program", "s, ", "s += ") + "    s += sgl.gen('x')\n", {"sgl": sgl, "shown": _shown}, made)
    exec(source.format("plain", "", "return "), {"shown": _shown}, made)
    program = sgl.function(made["program"])
    with sgl.Scripted(lambda question: "ok") as backend:
        for args, kwargs in calls:
            expected = made["plain"](*args, **kwargs) + "ok"
            assert program.run(*args, **kwargs, backend=backend, mode="interpret").text() == expected
            assert program.run(*args, **kwargs, backend=backend).text() == expected
            assert program.bind(**kwargs).run(*args, backend=backend).text() == expected


def test_keywords_of_any_name_in_rows_and_artifacts() -> None:
    @sgl.function
    def program(s, q, **rest):
        s += q + "".join(f"{name}={text};" for name, text in rest.items()) + sgl.gen("x")

    with sgl.Scripted(lambda question: "ok") as backend:
        rows = [{"q": "a", "y": "1", "z": "2"}, {"q": "b"}]
        assert [result.text() for result in program.run_batch(rows, backend=backend)] == ["ay=1;z=2;ok", "bok"]
        assert program.compile(y="?").run(q="a", y="1", backend=backend).text() == "ay=1;ok"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [({"a b": "x"}, "the argument 'a b' is no name"), ({"q": "x"}, "the argument 'q' is the name of another one")],
)
def test_keywords_that_are_no_names(kwargs: dict[str, Any], message: str) -> None:
    @sgl.function
    def program(s, q, /, **rest):
        s += q

    with sgl.Scripted(lambda question: "ok") as backend, pytest.raises(sglc.ArgumentsError, match=message):
        program.run("a", **kwargs, backend=backend)


@sgl.function
def program(s, docs, n: int = 2, style="short"):
    for doc in docs:
        s += doc
    s += style
    s += sgl.gen("x", max_tokens=n)


GRAPH = program.trace(docs=["a", "b"])


def test_defaults_fill_in() -> None:
    bound = bind_compiled(GRAPH, {"docs": ["x", "y"]})
    assert bound.texts == {"docs[0]": "x", "docs[1]": "y", "style": "short"}
    assert bind_compiled(GRAPH, {"docs": ["x", "y"], "n": 2, "style": "z"}).texts["style"] == "z"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "argument 'docs' is missing"),
        ({"docs": ["x"]}, r"compiled with docs\[\] = 2, and the row has 1"),
        ({"docs": ["x", "y"], "n": 3}, "compiled with n = 2, and the row has 3"),
        ({"docs": ["x", "y"], "n": 2.0}, "compiled with n = 2, and the row has 2.0"),
        ({"docs": ["x", 5]}, r"docs\[1\]"),
        ({"docs": "xy"}, "docs"),
        ({"docs": ["x", "y"], "o": 1}, "has no argument 'o'"),
    ],
)
def test_rows_that_an_artifact_cannot_serve(row: dict[str, Any], message: str) -> None:
    with pytest.raises(sglc.ArgumentsError, match=message) as caught:
        bind_compiled(GRAPH, row, "rows.jsonl:1")
    assert caught.value.where == "rows.jsonl:1"


ANN, BOB = Person("Ann", 1), Person("Bob", 2)
NOBODY = Person("nobody", 0)


@sgl.function
def talks(s, people, speaker):
    others = [person for person in people if person is not speaker]
    s += f"{speaker.name} to {', '.join(person.name for person in others)}" + sgl.gen("a")
    return len(others)


@sgl.function
def greets(s, q, to=NOBODY):
    s += q + ("" if to is NOBODY else f" to {to.name}") + sgl.gen("a")


IDENTITIES: dict[str, tuple[sgl.SglFunction, dict[str, Any]]] = {
    "one of them": (talks, {"people": [ANN, BOB], "speaker": ANN}),
    "another of them": (talks, {"people": [ANN, BOB], "speaker": BOB}),
    "an equal one": (talks, {"people": [ANN, BOB], "speaker": Person("Ann", 1)}),
    "the default": (greets, {"q": "x"}),
    "given as the default": (greets, {"q": "x", "to": NOBODY}),
    "like the default": (greets, {"q": "x", "to": Person("nobody", 0)}),
}


@pytest.mark.filterwarnings("ignore:.*plain Python")
def test_objects_are_the_same_where_the_caller_gave_the_same() -> None:
    with sgl.Scripted(lambda question: "!") as backend:
        for name, (program, row) in [*IDENTITIES.items(), *reversed(IDENTITIES.items())]:
            interpreted, compiled = (
                program.run(**row, backend=backend, mode=mode) for mode in ("interpret", "compiled")
            )
            assert (compiled.text(), compiled.ret_value) == (interpreted.text(), interpreted.ret_value), name


@sgl.function
def lists(s, person, **more):
    s += "".join(f"{key}: {value}. " for key, value in {**person, **more}.items()) + sgl.gen("a")


@pytest.mark.filterwarnings("ignore:.*plain Python")
def test_a_list_that_holds_itself_is_no_hang_where_identity_counts() -> None:
    people: list[Any] = [ANN]
    people.append(people)
    with sgl.Scripted(lambda question: "!") as backend:
        assert counts.run(people=[ANN], speaker=ANN, backend=backend).ret_value == 0
        assert counts.run(people=people, speaker=ANN, backend=backend).ret_value == 1


@sgl.function
def counts(s, people, speaker):
    s += sgl.gen("a")
    return len([person for person in people if person is not speaker])


def test_the_order_of_a_dict_is_its_own() -> None:
    people = [{"age": 3, "name": "Ann"}, {"name": "Bo", "age": 3}]
    more = [{"x": None, "y": "z"}, {"y": "z", "x": None}]
    rows = [{"person": person, **each} for person in people for each in more]
    with sgl.Scripted(lambda question: "!") as backend:
        batches = [lists.run_batch(rows, backend=backend, mode=mode) for mode in ("interpret", "compiled")]
    interpreted, compiled = ([result.text() for result in batch] for batch in batches)
    assert compiled == interpreted
    assert len(set(compiled)) == 4


MADE = """
import dataclasses, enum
STYLE = "politely"
SAID = []
class Tone(enum.Enum):
    A = "{tone}"
@dataclasses.dataclass
class Agent:
    name: str
    def intro(self):
        return "{word} " + self.name + " speaks " + STYLE
    def note(self, text):
        SAID.append(text)
"""


@pytest.fixture
def module_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda name, **words: made_module(f"sglc_made_{name}", monkeypatch, **words)


def made_module(name: str, monkeypatch: pytest.MonkeyPatch, **words: str) -> Any:
    made = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, made)
    exec(MADE.format(**words), vars(made))
    return made


@sgl.function
def introduces(s, agent, tone):
    s += f"{agent.intro()} {tone.value}" + sgl.gen("a")


def test_classes_of_arguments_are_looked_at(module_of: Any) -> None:
    one, two = module_of("one", tone="long", word="one:"), module_of("two", tone="short", word="two:")
    with sgl.Scripted(lambda question: "!") as backend:

        def texts() -> list[list[str]]:
            rows = [{"agent": module.Agent("Bo"), "tone": module.Tone.A} for module in (one, two)]
            return [
                [result.text() for result in introduces.run_batch(rows, backend=backend, mode=mode)]
                for mode in ("interpret", "compiled")
            ]

        first = texts()
        assert first == [["one: Bo speaks politely long!", "two: Bo speaks politely short!"]] * 2
        one.STYLE = "rudely"
        two.Agent.intro = lambda self: "patched"
        assert texts() == [["one: Bo speaks rudely long!", "patched short!"]] * 2


def test_what_methods_of_arguments_change_is_found(module_of: Any) -> None:
    made = module_of("made", tone="long", word="x")

    @sgl.function
    def notes(s, agent):
        s += agent.name + sgl.gen("a")
        agent.note(s["a"])

    with (
        sgl.Scripted(lambda question: "!") as backend,
        pytest.raises(sglc.ProgramError, match="changes something outside of it: global SAID"),
    ):
        notes.run(agent=made.Agent("Bo"), backend=backend)
    assert made.SAID == []


@sgl.function
def signed(s, q, who=Person("Ada", 36)):  # noqa: B008 - what it is
    s += f"{q} {who.name} {who.age}" + sgl.gen("a")


def test_an_artifact_has_the_default_object(tmp_path: Path) -> None:
    signed.compile(q="x").save(tmp_path / "signed.sglc")
    with sgl.Scripted(lambda question: "!") as backend:
        assert sgl.load(tmp_path / "signed.sglc").run(q="y", backend=backend).text() == "y Ada 36!"
