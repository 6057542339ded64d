"""Programs inside of programs."""

from __future__ import annotations

import sglc as sgl
from tests.language.idioms.table import ask, idiom, start


@sgl.function
def inner(s, prompt, text):
    s += prompt + text
    b = ask(s, "b")
    if b == "yes":
        return b.upper()
    s += " [" + b + "]"
    return f"{b} of {text}"


@idiom({"a": "x", "b": "y"}, {"a": "x", "b": "yes"}, {"a": "yes", "b": "no"}, {"a": "", "b": ""}, plain=False)
def program_in_a_program(s, row):
    a = start(s, row)
    one = inner(row, a)
    if one["b"] == "no":
        s += " refused"
    s += f" {one['b']} {one.ret_value} {len(one.text())}"
    return one.ret_value


@idiom({"a": "x", "b": "y"}, {"a": "p q", "b": "yes"}, {"a": "", "b": "no"}, {"a": "q", "b": "no"}, plain=False)
def list_of_programs(s, row):
    a = start(s, row)
    results = [inner.run(prompt=row, text=word, temperature=0) for word in a.split()]
    s += " ".join(result["b"] for result in results)
    return [result.ret_value for result in results]


@sgl.function
def countdown(s, prompt, text):
    s += prompt
    a = ask(s, "a")
    if not text or a == "stop":
        return "end"
    return text[0] + countdown(prompt, text[1:]).ret_value


@idiom("ab", "x", "", "stop", "abc", plain=False)
def recursive_program(s, row):
    a = start(s, row)
    s += countdown(row, a[:3]).ret_value


@idiom({"a": "x", "b": "y"}, {"a": "no", "b": "yes"}, {"a": "", "b": ""}, {"a": "yes", "b": "yes"}, plain=False)
def bound_program(s, row):
    a = start(s, row)
    ready = inner.bind(prompt=row)
    try:
        s += ready(text=a).ret_value if a != "no" else " not asked"
    except Exception as error:
        s += type(error).__name__
