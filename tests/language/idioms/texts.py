"""Methods of str."""

from __future__ import annotations

import difflib
import fnmatch
import pathlib

from tests.language.idioms.table import ask, idiom, start


@idiom("so", "Yes ", "", "  12\t", "éÉß", "a_b c-d")
def str_methods(s, row):
    a = start(s, row)
    names = ["capitalize", "casefold", "lower", "lstrip", "rstrip", "strip", "swapcase", "title", "upper", "split",
             "splitlines", "expandtabs", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier",
             "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper"]  # fmt: skip
    return {name: getattr(a, name)() for name in names}


@idiom("so", "a,b", "", "b,a,b", "é,")
def str_methods_with_arguments(s, row):
    a = start(s, row)
    s += a.center(9, "*") + a.ljust(4) + a.rjust(4) + a.zfill(5) + a.replace("a", "A") + a.removeprefix("a,")
    return [a.count("b"), a.find(","), a.rfind("b"), a.partition(","), a.rpartition(","), a.split(","),
            a.rsplit(",", 1), a.startswith("a"), a.endswith((",", "b")), a.startswith(("x", "s"), 0),
            a.removesuffix("b"), a.strip("ab"), a.translate(str.maketrans("ab", "xy")), a.encode().hex()]  # fmt: skip


@idiom("so", "b", "", "a,b", "c")
def answer_as_argument(s, row):
    a = start(s, row)
    try:
        s += str("a,b,c".split(a))
    except ValueError as error:
        s += str(error)
    return ["a,b,c".find(a), "a,b,c".replace(a, "-"), "a,b,c".startswith(a), "abc".count(a), "b".join(["x", a]),
            "abcba".strip(a), "x".ljust(3) + a, "a,b,c".partition(a or ","), str.upper(a)]  # fmt: skip


@idiom("so", "a,b", "", "no comma")
def str_index(s, row):
    a = start(s, row)
    try:
        s += f" at {a.index(',')}"
    except ValueError as error:
        s += f" {error}"


@idiom("so", "Answer: yes", "", "Answer:", "answer: YES\nAnswer: no")
def parsed_by_hand(s, row):
    a = start(s, row)
    for line in a.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() == "answer" and value.strip():
            s += f" [{value.strip().lower()}]"
            return value.strip().lower() == "yes"
    return None


@idiom("so", "x.py", "", "dir/x.tar.gz", "*.py")
def paths_and_patterns(s, row):
    a = start(s, row)
    path = pathlib.PurePosixPath(a)
    return [path.suffix, path.name, str(path / "y"), fnmatch.fnmatch(a, "*.py"), fnmatch.filter(["x.py", "z"], a)]


@idiom("aple", "pear", "", "x", "banan")
def close_matches(s, row):
    a = start(s, row)
    fruits = ["apple", "pear", "banana"]
    s += " ".join(difflib.get_close_matches(a, fruits))
    return round(difflib.SequenceMatcher(None, a, "apple").ratio(), 3)


@idiom({"a": "x", "b": "*"}, {"a": "yes", "b": "ab"}, {"a": "", "b": ""}, {"a": "long enough", "b": "é"})
def padded_with_an_answer(s, row):
    a = start(s, row)
    b = ask(s, "b")
    try:
        s += "|" + a.center(9, b) + (a + "!").ljust(9, b) + a.rjust(4, f"{b}") + "|"
    except TypeError as error:
        s += f" {error}"
