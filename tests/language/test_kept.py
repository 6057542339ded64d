"""A program that is made anew of the same code is compiled once, where nothing differs that its code can see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sglc as sgl


@pytest.fixture
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(lambda question: question.prompt) as backend:
        yield backend


def with_a_default(most: Any) -> sgl.SglFunction:
    def body(s, q, most=most):
        s += f"{q} {most}" + sgl.gen("a")

    return sgl.function(body)


def with_a_cell(word: Any) -> sgl.SglFunction:
    def body(s, q):
        s += f"{q} {word}" + sgl.gen("a")

    return sgl.function(body)


def with_bounds(most: Any) -> sgl.SglFunction:
    def body(s, q):
        s += q + sgl.gen("a")

    return sgl.function(max_paths=most)(body)


class Named:
    def __str__(self) -> str:
        return "named"


@pytest.mark.parametrize(
    ("make", "one", "two", "shared"),
    [
        (with_a_default, 3, 3, True),
        (with_a_default, 3, 4, False),
        (with_a_default, 1, True, False),
        (with_a_default, "3", 3, False),
        (with_a_cell, "x", "x", True),
        (with_a_cell, "x", "y", False),
        (with_a_cell, 1.0, 1, False),
        (with_a_cell, Named(), Named(), False),
        (with_bounds, 3, 3, True),
        (with_bounds, 3, 4, False),
    ],
)
def test_programs_of_one_code(
    make: Callable[[Any], sgl.SglFunction], one: Any, two: Any, shared: bool, backend: sgl.Scripted
) -> None:
    first, second = make(one), make(two)
    for program, value in ((first, one), (second, two)):
        expected = program.run(q="q", backend=backend, mode="interpret").text()
        assert program.run(q="q", backend=backend).text() == expected, value
    assert (first.kept is second.kept) == shared


def test_a_cell_that_changes_later_is_its_own(backend: sgl.Scripted) -> None:
    def make() -> tuple[sgl.SglFunction, Callable[[str], None]]:
        word = "x"

        def body(s, q):
            s += q + word + sgl.gen("a")

        def change(to: str) -> None:
            nonlocal word
            word = to

        return sgl.function(body), change

    (first, change_first), (second, change_second) = make(), make()
    assert first.kept is second.kept
    assert [each.run(q="q", backend=backend).text() for each in (first, second)] == ["qxqx", "qxqx"]
    change_second("y")
    assert [each.run(q="q", backend=backend).text() for each in (first, second)] == ["qxqx", "qyqy"]
    change_first("z")
    assert [each.run(q="q", backend=backend).text() for each in (first, second)] == ["qzqz", "qyqy"]


def test_a_function_that_is_made_into_a_program_twice_is_compiled_twice() -> None:
    def body(s, q):
        s += q + sgl.gen("a")

    assert sgl.function(body).kept is not sgl.function(body).kept


def test_many_programs_of_one_function_are_told(backend: sgl.Scripted, recwarn: Any) -> None:
    @sgl.function
    def numbered(s, number, q):
        s += f"{number} {q}" + sgl.gen("a")

    numbered.run_batch([{"number": number, "q": "q"} for number in range(70)], backend=backend)
    said = [str(warning.message) for warning in recwarn]
    assert len(said) == 1
    assert "test_kept.py" in said[0]
    assert "64 programs have been compiled for numbered, one for each value of number" in said[0]
    assert "give number as a text, str(number)" in said[0]
