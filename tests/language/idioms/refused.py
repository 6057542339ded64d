"""What cannot be compiled: it does something else each time, or gives what is no plain data."""

from __future__ import annotations

import contextlib
import random
import uuid

import sglc as sgl
from tests.language.idioms.table import idiom


@idiom("x", "y", "", "é", refused="it is not repeatable")
def unseeded_random(s, row):
    s += row + "\na=" + sgl.gen("a")
    s += f" {random.random()}"


@idiom("x", "y", "", "é", refused="it is not repeatable")
def seeded_global_random(s, row):
    s += row + "\na=" + sgl.gen("a")
    random.seed(5)
    s += f" {random.random():.6f} " + random.choice([s["a"], "b", "c"])


@idiom("x", "y", "", "é", refused="it is not repeatable")
def identity_of_an_object(s, row):
    s += row + "\na=" + sgl.gen("a")
    if s["a"] != "z":
        s += f" {id(object())} {uuid.uuid4()}"


@idiom("x", "y", "", "é", refused="of type bytes, which a compiled program cannot give back")
def returns_bytes(s, row):
    s += row + "\na=" + sgl.gen("a")
    return s["a"].encode()


@idiom("x", "y", "", "é", refused="of type set, which a compiled program cannot give back")
def variable_is_a_set(s, row):
    s += row + "\na=" + sgl.gen("a")
    s["letters"] = set(s["a"])


@idiom("x", "y", "", "é", refused="of type generator, which a compiled program cannot give back")
def returns_a_generator(s, row):
    s += row + "\na=" + sgl.gen("a")
    return (letter for letter in s["a"])


@idiom("7", "nan", "1e400", "x", "-inf", refused="is no plain data")
def numbers_that_are_not_finite(s, row):
    s += row + "\na=" + sgl.gen("a")
    with contextlib.suppress(ValueError):
        return [float(s["a"])]


@idiom("x", "y", "", "z", refused="dict")
def returns_a_dict_of_numbers(s, row):
    s += row + "\na=" + sgl.gen("a")
    return {1: s["a"]} if s["a"] == "y" else {"1": s["a"]}
