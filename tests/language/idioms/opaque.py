"""What no trace can hold, so that its runs are plain Python's."""

from __future__ import annotations

import contextlib

import sglc as sgl
from tests.language.idioms.table import idiom


@idiom("x", "y", "", "é")
def returns_bytes(s, row):
    s += row + "\na=" + sgl.gen("a")
    return s["a"].encode()


@idiom("x", "y", "", "é")
def variable_is_a_set(s, row):
    s += row + "\na=" + sgl.gen("a")
    s["letters"] = set(s["a"])


@idiom("7", "nan", "1e400", "x", "-inf")
def numbers_that_are_not_finite(s, row):
    s += row + "\na=" + sgl.gen("a")
    with contextlib.suppress(ValueError):
        return [float(s["a"])]


@idiom("x", "y", "", "z")
def returns_a_dict_of_numbers(s, row):
    s += row + "\na=" + sgl.gen("a")
    return {1: s["a"]} if s["a"] == "y" else {"1": s["a"]}
