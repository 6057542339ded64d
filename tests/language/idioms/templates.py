"""Templates: several gens as one, whose variables are cut out of one answer."""

from __future__ import annotations

import sglc as sgl
from tests.language.idioms.table import ask, idiom, start


@idiom("Ann is 7, free.", "Bo is -12, x is 3, not free.", "", "Ann is seven", "é is 0, free.", plain=False)
def template_in_a_prompt(s, row):
    s += row + "\nt="
    s += sgl.template(sgl.gen("who"), " is ", sgl.gen("age", dtype=int), ", ", sgl.gen("state", regex="[^.]+"), ".")
    if s["state"] == "free":
        s += " So " + s["who"] + " may come."
    return [s["who"], s["age"].strip("-"), s.get_meta_info("age")]


@idiom("<yes|maybe>", "<no|>", "<yes|a>b>", "yes", "", "<no|\n>", plain=False)
def template_with_a_choice(s, row):
    s += row + "\nt="
    s += sgl.template("<", sgl.gen("a", choices=["yes", "no"]), "|", sgl.gen("why"), ">", name="all", max_tokens=9)
    for word in ("yes", "no"):
        if s["a"] == word:
            return {word: s["why"], "all": s["all"]}
    return ask(s, "b")


@idiom("7.5!", "12!", "!", "x!", "-.5!", plain=False)
def template_in_forks(s, row):
    s += row
    forks = s.fork(2)
    for number in range(2):
        forks[number] += f"\nt{number}=" + sgl.template(sgl.gen("x", dtype=float), "!", temperature=0)
    forks.join()
    return sgl.join(" or ", s["x"])


@idiom({"t": "a, b"}, {"t": "ab"}, {"t": ", "}, {"t": ""}, {"t": "a, b, c"}, plain=False)
def template_with_several_answers(s, row):
    s += row + "\nt=" + sgl.template(sgl.gen("x"), ", ", sgl.gen("y"), n=2)
    return [s["x"], len(s["y"]), s.get_meta_info("y")]


@idiom("ab", "a.", "", "a.b", "..", given=[{"end": "."}, {"end": "b"}, {"end": "ab"}, {"end": ""}], plain=False)
def template_of_an_argument(s, row, end):
    a = start(s, row)
    s += "\nt=" + sgl.template("a", sgl.gen("x", regex="[^b]*"), end, name="y")
    return [a, s["x"], s["y"]]
