"""The functions of methods and tests: Python's own, and what is said about wrong arguments."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.ir.functions import MAX_WIDTH, METHODS, TESTS, what_is_wrong_with_call
from sglc.ir.ops import Param

TEXTS = ("", "a", "  Ab c\t", "ß", "é😀", "12", "<think>why</think> so")
X = Param(name="x")

CALLS: tuple[tuple[str, tuple[Any, ...], str], ...] = (
    ("slice", (1, None, None), "x[1:]"),
    ("slice", (None, None, -2), "x[::-2]"),
    ("slice", (-(10**30), 10**30, 1), "x[-(10**30):10**30]"),
    ("format", (">8",), "f'{x:>8}'"),
    ("repr", (), "repr(x)"),
    ("strip", (" c",), "x.strip(' c')"),
    ("replace", ("a", "b", 1), "x.replace('a', 'b', 1)"),
    ("removesuffix", ("c\t",), "x.removesuffix('c\\t')"),
    ("zfill", (9,), "x.zfill(9)"),
    ("eq", ("a",), "x == 'a'"),
    ("eq", (1,), "x == 1"),
    ("lt", ("b",), "x < 'b'"),
    ("ge", ("a",), "x >= 'a'"),
    ("contains", ("b",), "'b' in x"),
    ("startswith", (("<", "1"),), "x.startswith(('<', '1'))"),
    ("endswith", ("so", 1, 30), "x.endswith('so', 1, 30)"),
    ("group", (r"(.)(.*)", 2), "x[1:] if x else ''"),
    ("group", (r"(a)|[^a]*", 1), "'a' if x == 'a' else ''"),
    ("isdigit", (), "x.isdigit()"),
    ("bool", (), "bool(x)"),
)


@pytest.mark.parametrize(("name", "arguments", "python"), CALLS)
def test_a_function_is_what_python_does(name: str, arguments: tuple[Any, ...], python: str) -> None:
    function = {**METHODS, **TESTS}[name]
    assert what_is_wrong_with_call("method" if name in METHODS else "test", name, (X, *arguments)) is None
    for text in TEXTS:
        assert function(text, *arguments) == eval(python, {"x": text})


def test_no_function_is_both_and_each_is_of_one_text() -> None:
    assert METHODS.keys().isdisjoint(TESTS)
    plain = {name for name in (*METHODS, *TESTS) if hasattr(str, name) and name != "format"}
    assert len(plain) > 25
    assert all({**METHODS, **TESTS}[name] is getattr(str, name) for name in plain)


@pytest.mark.parametrize(
    ("answer", "reasoning", "rest"),
    [
        ("<think>a</think>b", "a", "b"),
        ("a</think>\n\nb</think>c", "a", "b</think>c"),
        ("no mark", "", "no mark"),
        ("", "", ""),
    ],
)
def test_an_answer_is_parted_at_the_end_of_its_reasoning(answer: str, reasoning: str, rest: str) -> None:
    assert METHODS["reasoning"](answer, "</think>") == reasoning
    assert METHODS["after_reasoning"](answer, "</think>") == rest


WRONG: dict[str, tuple[str, str, tuple[Any, ...], str]] = {
    "method as a test": ("test", "strip", (X,), "there is no test 'strip'"),
    "test as a method": ("method", "eq", (X, "a"), "there is no method 'eq'"),
    "type": ("method", "strip", (X, 1), "strip: strip arg must be None or str"),
    "number of arguments": ("test", "isdigit", (X, 1), "isdigit: str.isdigit() takes no arguments (1 given)"),
    "number inside a tuple": (
        "test",
        "startswith",
        (X, ("b", 1)),
        "startswith: tuple for startswith must only contain str",
    ),
    "reasoning without a mark": ("method", "reasoning", (X, ""), "reasoning: empty separator"),
    "group of no regex": ("method", "group", (X, "(", 1), "group: '(' is no regex: missing ), unterminated"),
    "group that is not there": ("method", "group", (X, "(a)", 2), "group: there is no group 2 among 1"),
    "the whole as a group": ("method", "group", (X, "(a)", 0), "group: there is no group 0 among 1"),
    "group of a regex that is a value": ("method", "group", (X, X, 1), "group takes a text, a regex and the number"),
    "group without a number": ("method", "group", (X, "(a)", True), "group takes a text, a regex and the number"),
    "width": ("method", "ljust", (X, MAX_WIDTH + 1), "a number in the arguments of ljust is over 100,000"),
    "width in a format": (
        "method",
        "format",
        (X, "0>99999999999"),
        "a number in the arguments of format is over 100,000",
    ),
    "precision in a format": (
        "method",
        "format",
        (X, ".100001"),
        "a number in the arguments of format is over 100,000",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls(case: str) -> None:
    kind, name, arguments, message = WRONG[case]
    problem = what_is_wrong_with_call(kind, name, arguments)
    assert problem is not None
    assert problem.startswith(message)


@pytest.mark.timeout(5)
def test_looking_at_a_hostile_call_costs_nothing() -> None:
    million = "a" * 1_000_000
    assert what_is_wrong_with_call("method", "replace", (million, X, million)) is None
    assert what_is_wrong_with_call("method", "replace", (million, "a", million)) is None
