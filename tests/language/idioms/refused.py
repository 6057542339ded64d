"""What is refused: it does something else each time."""

from __future__ import annotations

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
