"""Comparisons."""

from __future__ import annotations

import collections.abc

from tests.language.idioms.table import NUMBERS, WORDS, ask, idiom, start


@idiom("so", "m", "yes", "", "M", "é")
def ordering(s, row):
    a = start(s, row)
    return [a < "m", a >= "m", "m" < a, "a" <= a <= "n", a != "m", "m" == a]


@idiom(*WORDS)
def compared_with_constants(s, row):
    a = start(s, row)
    if "yes" == a:
        s += " one"
    elif a == "no" or a == "":
        s += " two"
    elif a == "YES ":
        s += " three"


@idiom({"a": "x", "b": "y"}, {"a": "x", "b": "x"}, {"a": "", "b": ""}, {"a": "y", "b": "x"}, {"a": "é", "b": "é"})
def two_answers_compared(s, row):
    a, b = start(s, row), ask(s, "b")
    if a == b:
        s += " same"
    s += " less" if a < b else " not less"
    return [hash(a) == hash(b), {a, b} == {b}, a != b, len({a: 1, b: 2}), a in b]


@idiom(*NUMBERS)
def compared_with_other_types(s, row):
    a = start(s, row)
    try:
        less = a < 5
    except TypeError as error:
        less = str(error)
    return [a == 7, a == None, a is None, a != 7.0, a == ["7"], a == b"7", a == True, less]


@idiom({"a": "x", "b": "y"}, {"a": "x", "b": "x"}, {"a": "", "b": ""}, {"a": "y", "b": "X"})
def lists_compared(s, row):
    a, b = start(s, row), ask(s, "b")
    return [[a, 1] == [b, 1], (a, "z") < (b, "z"), {"k": a} == {"k": b}, [a] == ["x"], (a, b) == ("x", "x")]


@idiom(*WORDS)
def truth(s, row):
    a = start(s, row)
    s += a or "nothing"
    s += a and "something"
    if not a:
        s += " empty"
    return [bool(a), not a, a.strip() and 1]


@idiom(*NUMBERS)
def chained_comparison(s, row):
    a = start(s, row)
    if 0 < len(a) <= 2 and a.isdigit():
        s += " digits" if 5 <= int(a) < 10 else " other digits"


@idiom(*WORDS)
def ternary(s, row):
    a = start(s, row)
    s += " Y" if a == "yes" else " N" if a == "no" else " ?"


@idiom(*WORDS)
def any_and_all(s, row):
    a = start(s, row)
    return [any(a == x for x in ("no", "yes")), all(c in "yes" for c in a), any([a]), all([a, "x"])]


@idiom(*WORDS)
def types_of_text(s, row):
    a = start(s, row)
    s += " text" if isinstance(a, str) else " other"
    s += " exact" if type(a) is str else " inexact"
    return [a.__class__ is str, isinstance(a, int), isinstance(a, collections.abc.Sequence), type(a).__name__,
            isinstance(a, (int, str)), hasattr(a, "upper"), callable(a), issubclass(type(a), str)]  # fmt: skip


@idiom(*WORDS)
def identity(s, row):
    a = start(s, row)
    again = a
    return [a is again, a is None, a is not None, s["a"] == a]
