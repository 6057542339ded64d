"""Functions, closures, generators."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from typing import Any

from tests.language.idioms.table import WORDS, Verdict, ask, idiom, start


@idiom(*WORDS)
def closure(s, row):
    a = start(s, row)
    prefix = a.strip()

    def said_with(suffix: str) -> str:
        return prefix + suffix + (" yes" if prefix == "yes" else "")

    s += said_with("!")


@idiom("x", "a b a", "", "a a a")
def nonlocal_count(s, row):
    a = start(s, row)
    count = 0

    def see(word: str) -> None:
        nonlocal count
        count += word == "a"

    for word in a.split():
        see(word)
    s += f" {count}"
    return count > 1


@idiom("x", "a b c", "", "stop a", "a stop b")
def generator(s, row):
    a = start(s, row)

    def words():
        for word in a.split():
            if word == "stop":
                return
            yield word.upper()

    for word in words():
        s += f" {word}:" + ask(s, "b")
    return [*words()]


@idiom("x", "a b c", "", "stop")
def generator_with_send(s, row):
    a = start(s, row)

    def collector():
        found: list[str] = []
        try:
            while True:
                found.append((yield found))
        finally:
            found.append("end")

    collected = collector()
    kept = next(collected)
    for word in a.split():
        collected.send(word)
        if word == "b":
            break
    collected.close()
    return kept


@idiom(
    {"a": "x", "b": ["one", "two"]},
    {"a": "", "b": ["a", "b", "long enough"]},
    {"a": "é", "b": ["long enough", ""]},
    {"b": ["", "b"]},
)
def generator_left_open(s, row):
    start(s, row)

    def asked():
        try:
            while True:
                yield ask(s, "b")
        finally:
            ask(s, "c")

    for word in asked():
        if len(word) > 3 or word == "two" or word == "b":
            break
    return ask(s, "d")


@idiom("x", "a bb", "", "ccc a")
def generator_expression(s, row):
    a = start(s, row)
    s += " ".join(word[::-1] for word in a.split() if len(word) > 1)
    return next((word for word in a.split() if word == "a"), "none")


@idiom("x", "b a", "", "é a")
def lambdas(s, row):
    a = start(s, row)
    shout: Callable[[str], str] = lambda text: text.upper() if text != "x" else "none"
    s += shout(a)
    return sorted(a.split(), key=lambda word: (len(word), word))


@idiom("x", "1 2 3", "", "a")
def functools_words(s, row):
    a = start(s, row)
    s += functools.reduce(lambda one, two: two + one, a.split(), "")
    to_int = functools.partial(int, base=8)
    return [to_int(part) for part in a.split() if part.isdigit()]


@functools.lru_cache
def shouted(text: str) -> str:
    return text.upper() + "!" if text else "silence"


@functools.cache
def length_of(text: str) -> int:
    return len(text)


@idiom("x", "yes", "", "x", "yes")
def cached_helper(s, row):
    a = start(s, row)
    s += shouted(a) + f" {length_of(a)}"
    if shouted(a) == "YES!":
        s += " agreed"


@idiom("x", "aab", "", "b a", "ééa")
def itertools_words(s, row):
    a = start(s, row)
    s += "".join(itertools.chain(a, "-", a)) + "".join(itertools.takewhile(str.isalpha, a))
    groups = [(key, len(list(group))) for key, group in itertools.groupby(a)]
    return [groups, list(itertools.product(a[:2], "1")), list(itertools.accumulate(a)), list(itertools.pairwise(a))]


@idiom("x", "1 b 3", "", "b")
def map_and_filter(s, row):
    a = start(s, row)
    s += " ".join(map(str.upper, filter(str.isalpha, a.split())))
    return [list(map(len, a.split())), list(filter(None, [a, "y"]))]


@idiom("x", "b,c", "", "c,b")
def operators(s, row):
    a = start(s, row)
    return [operator.itemgetter(-1)(a.split(",")), operator.methodcaller("upper")(a), operator.eq(a, "x"),
            operator.contains(a, ","), operator.concat("x", a), operator.length_hint(a),
            operator.attrgetter("word")(Verdict(a))]  # fmt: skip


@idiom("x", "abcba", "", "ab")
def recursion(s, row):
    a = start(s, row)

    def palindrome(text: str) -> bool:
        return len(text) < 2 or (text[0] == text[-1] and palindrome(text[1:-1]))

    s += " palindrome" if palindrome(a) else " none"


@idiom("x", "y", "", "é")
def defaults_and_keywords(s, row):
    a = start(s, row)

    def shown(text: str, mark: str = a, *rest: str, end: str = "." + a, **more: Any) -> str:
        return f"{text}{mark}{rest}{end}{more}"

    s += shown("t") + shown("t", "m", a, end="e", k=a) + shown(text=a)


def loud(function: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> str:
        said_text = function(*args, **kwargs)
        return said_text.upper() if said_text != "x" else "quiet"

    return wrapped


@loud
def echoed(text: str, *, twice: bool = False) -> str:
    return text * 2 if twice else text


@idiom("x", "y", "", "é")
def decorated_helper(s, row):
    a = start(s, row)
    s += echoed(a) + echoed(a, twice=a == "y")
