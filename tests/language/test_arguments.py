"""Arguments taken apart for a trace, and matched with what an artifact was compiled for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
