# What users write is what is tested, so their style stays:
# ruff: noqa: B012, B905, BLE001, C406, E711, E712, E722, E731, PLR1714, PLW0108, PLW2901, RUF005, RUF059, SIM118, SIM300
# ruff: noqa: SIM401, UP031, UP032
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportCallIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportIndexIssue=false
"""Python on what a model said: small bodies, each with what the model says, case by case.

A body begins with `start(s, row)`: the row's name, then a first answer. `ask(s, "b")` is one more answer. What the model
says follows from the prompt alone (`said`), so runs may be repeated, reordered and run side by side.

The first cases are of the uninteresting kind: a trace of them, wrongly kept, would show in the later ones.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import bisect
import builtins
import collections
import contextlib
import copy
import csv
import dataclasses
import datetime
import difflib
import enum
import fnmatch
import functools
import hashlib
import heapq
import html
import io
import itertools
import json
import math
import operator
import pathlib
import pickle
import random
import re
import shlex
import statistics
import string
import struct
import textwrap
import types
import typing
import unicodedata
import urllib.parse
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import sglc as sgl

Says = str | Sequence[str] | Mapping[str, str | Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Idiom:
    """A body and its cases.

    says: case by case what the model says: all answers to one question, one after the other (the last one again when
    they are used up), by the name of the question; a text alone answers all questions. given: case by case the
    arguments besides the row. plain: whether plain Python without sglc can run the body (it can run no program inside
    of a program). late: whether no trace can see what the body looks at, so that a run may have to be done again.
    refused: what the refusal says of a body that cannot be compiled; "" for all others.
    """

    body: Callable[..., Any]
    says: tuple[Says, ...]
    given: tuple[Mapping[str, Any], ...]
    plain: bool
    late: bool
    refused: str

    @property
    def name(self) -> str:
        return self.body.__name__

    def rows(self) -> list[dict[str, Any]]:
        """The arguments of each case, fresh ones in every call."""
        return [{"row": f"{self.name}#{i}", **copy.deepcopy(given)} for i, given in enumerate(self.given)]


IDIOMS: dict[str, Idiom] = {}


def idiom(
    *says: Says, given: Sequence[Mapping[str, Any]] = (), plain: bool = True, late: bool = False, refused: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keeps a body as an idiom. given: the arguments of each case, in turns; none where there are none."""

    def keep(body: Callable[..., Any]) -> Callable[..., Any]:
        assert body.__name__ not in IDIOMS
        arguments = tuple(itertools.islice(itertools.cycle(given or [{}]), len(says)))
        IDIOMS[body.__name__] = Idiom(body, says, arguments, plain, late, refused)
        return body

    return keep


def said(prompt: str, choices: Sequence[str] = ()) -> str:
    """What the model says after a prompt: it begins with `name#case` and ends with the name of the question.

    Of a select, the answer's first letter may be enough."""
    name, _, case = prompt.partition("\n")[0].rpartition("#")
    says = IDIOMS[name].says[int(case)]
    question = prompt[prompt.rindex("\n") : prompt.rindex("=") + 1]
    of_question = says.get(question[1:-1], "") if isinstance(says, Mapping) else says
    answers = [of_question] if isinstance(of_question, str) else list(of_question)
    answer = answers[min(prompt.count(question), len(answers)) - 1]
    return next(choice for choice in choices if choice.startswith(answer[:1])) if choices else answer


def ask(s: Any, name: str) -> Any:
    s += f"\n{name}=" + sgl.gen(name)
    return s[name]


def start(s: Any, row: Any) -> Any:
    s += row
    return ask(s, "a")


WORDS = ("so", "no", "yes", "", "YES ", "naïve – ok")
NUMBERS = ("7", "12", "x", "", "-3", " 4 ", "٣", "1_000", "2.5")
MIXED = ("so", "12", "", '{"k": "v"}', "é√9", "no\nyes")
JSONS = ('{"k": "v"}', "[1, 2]", "no", "", '"text"', "3", "null", '{"k": {"n": [true]}}', '{"k": ')


# --- formatting --------------------------------------------------------------------------------------------------------


@idiom(*MIXED)
def f_string_width(s, row):
    a = start(s, row)
    s += f"|{a:>8}|{a:*^9}|{a:.2}|{a:<4s}|"


@idiom(*MIXED)
def f_string_conversion(s, row):
    a = start(s, row)
    s += f"{a!r} {a!s} {a!a} {a!r:>12}"


@idiom(*WORDS)
def f_string_compared(s, row):
    a = start(s, row)
    if f"{a}" == "yes":
        s += " agreed"
    elif f"{a}" != "no":
        s += f" neither ({a})"


@idiom(*WORDS)
def f_string_upper(s, row):
    a = start(s, row)
    s += f"<{a}>".upper() + f"{a} b".split(" ")[0]


@idiom(*WORDS)
def f_string_key(s, row):
    a = start(s, row)
    names = {"no": "rejected", "yes": "accepted", "x so": "unknown"}
    s += names.get(f"{a}", "none") + names.get(f"x {a}", "none")
    try:
        s += names[f"{a}"]
    except KeyError as error:
        s += f" no key {error}"


@idiom(*WORDS)
def f_string_in(s, row):
    a = start(s, row)
    s += " short" if len(f"{a}!") < 4 else " long"
    s += " has y" if "y" in f"-{a}" else " has none"
    return f"{a}" in ["yes", "so"]


ANIMALS = [word.lower() for word in ("GNU", "ZEBRA", "OX")]
WANTED = "ZEBRA"


@idiom("so", "zebra", "", "gnu", "ZEBRA", late=True)
def f_string_and_computed_constants(s, row):
    a = start(s, row)
    if f"{a}" == WANTED.lower():
        s += " wanted"
    elif f"{a}" in ANIMALS:
        s += " animal"
    return [f"{a}!" == WANTED + "!", ANIMALS.index(f"{a}") if f"{a}" in ANIMALS else -1]


@idiom("so", "abcdefghijkl", "", "ABC-1234", "eee", "x" * 70)
def f_string_and_conditions_of_all(s, row):
    a = start(s, row)
    text = f"{a}"
    s += " long" if len(text) > 60 else " twelve" if len(text) == 12 else " other"
    s += " code" if re.fullmatch(r"[A-Z]{3}-\d{4}", text) else " none"
    return [text.count("e") >= 3, text > "q", sum(map(ord, text)) % 7, text.isupper(), text[-1:], hash(text) == hash(a)]


@idiom("so", "2024-02-29", "", "x", "17:30", "12345678123456781234567812345678", "1.5")
def f_string_parsed(s, row):
    a = start(s, row)
    found = []
    for parse in (datetime.date.fromisoformat, datetime.time.fromisoformat, uuid.UUID, Decimal, float):
        try:
            found.append(str(parse(f"{a}")))
        except Exception as error:
            found.append(type(error).__name__)
    return found


@idiom("so", "2024-02-29", "", "x", "17:30", "12345678123456781234567812345678", "1.5", "abs")
def swallowed_parsing(s, row):
    a = start(s, row)
    for parse in (datetime.date.fromisoformat, datetime.time.fromisoformat, uuid.UUID, Decimal, bytes.fromhex, eval):
        try:
            s += f" {parse(a)}"
        except Exception:
            s += " no"


@idiom({"a": "so", "b": "x"}, {"a": "x", "b": "x"}, {"a": "", "b": ""}, {"a": "xy", "b": "y"}, late=True)
def f_strings_compared(s, row):
    a, b = start(s, row), ask(s, "b")
    s += " same" if f"{a}." == f"{b}." else " other"
    return [f"{a}" == f"x{b}", f"{a}" < f"{b}", len({f"{a}", f"{b}", a}), f"{b}" in f"{a}-"]


@idiom(*MIXED)
def f_string_nested(s, row):
    a = start(s, row)
    s += f"<{f'[{a}]':>10}|{'yes' if a == 'so' else f'not {a}'}|{a:>{len(a) + 2}}>"


@idiom(*MIXED)
def f_string_debug(s, row):
    a = start(s, row)
    s += f"{a=} {a = !s} {len(a)=}"


@idiom(*MIXED)
def f_string_slice(s, row):
    a = start(s, row)
    text = f"<{a}>"
    s += text[1:3] + text[-1]
    return [text, len(text), text == "<so>"]


@idiom(*MIXED)
def percent(s, row):
    a = start(s, row)
    s += "%s, %5s|%-5s|%r, %.1s" % (a, a, a, a, a) + "%(x)s" % {"x": a} + "%s" % a


@idiom(*MIXED)
def percent_of_the_answer(s, row):
    a = start(s, row)
    s += f"{a}: %s" % 5 + ("%s" + a) % 1


@idiom(*MIXED)
def str_format(s, row):
    a = start(s, row)
    s += "{0:>6}|{0!r}|{1}|{x}".format(a, 3, x=a) + "{[0]}".format([a]) + "{x}".format_map({"x": a})


@idiom("x", "{}", "{0} and {0}", "{", "{x}", "")
def answer_as_format(s, row):
    a = start(s, row)
    try:
        s += a.format("five", x=6)
    except (ValueError, IndexError) as error:
        s += f" {type(error).__name__}"


@idiom(*MIXED)
def format_function(s, row):
    a = start(s, row)
    s += format(a, ">5") + format(a) + str(a) + repr(a) + ascii(a)


@idiom("so", "yes", "", "$y", "${")
def string_template(s, row):
    a = start(s, row)
    s += string.Template("$x and ${x}").substitute(x=a)
    s += string.Template("$x $y").safe_substitute(x=a)
    try:
        s += string.Template(a).substitute(y="Y")
    except ValueError as error:
        s += str(error)


@idiom(*MIXED)
def str_join(s, row):
    a = start(s, row)
    s += ", ".join(["x", a, "y"]) + a.join("123") + "-".join(a)


@idiom(*MIXED)
def concatenation(s, row):
    a = start(s, row)
    text = "x"
    text += a
    text = a + text + a
    s += text * 2 + "-" * len(a)
    return text


@idiom("3.14159", "x", "", "1e3", "nan", "-inf", "7")
def formatted_numbers(s, row):
    a = start(s, row)
    try:
        s += f"{float(a):.2f} {float(a):>10,.1f} {int(float(a)):04d}"
    except ValueError:
        s += " not a number"
    except OverflowError:
        s += " too much"


@idiom("so", "a long line of many words that is wrapped", "", "  indented\n    more", "x\ty")
def text_wrap(s, row):
    a = start(s, row)
    s += "\n".join(textwrap.wrap(a, 12)) + textwrap.shorten(a, 14, placeholder="...")
    s += textwrap.indent(a, "> ") + textwrap.dedent(a)


@idiom(*MIXED)
def string_io(s, row):
    a = start(s, row)
    buffer = io.StringIO()
    print("said", a, sep=":", end=".", file=buffer)
    buffer.write(a)
    s += buffer.getvalue()


# --- comparison --------------------------------------------------------------------------------------------------------


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


# --- containers --------------------------------------------------------------------------------------------------------


@idiom(*WORDS)
def membership(s, row):
    a = start(s, row)
    return [
        a in ["so", "yes"], a in ("no",), a in {"yes", "no"}, a in {"yes": 1}, a in frozenset(["", "so"]),
        a not in ["no"], a in "yes, no", "y" in a, a in {"yes": 1}.keys(), a in ["no"] + [a],
    ]  # fmt: skip


@idiom(*WORDS)
def dict_dispatch(s, row):
    a = start(s, row)
    handlers = {"yes": lambda text: text.upper(), "no": lambda text: text + "!", "": lambda text: "empty"}
    s += handlers.get(a, repr)(a)


@idiom("so", "no", "yes", "")
def dict_look_up(s, row):
    a = start(s, row)
    s += {"yes": " accepted", "no": " rejected", "so": " so"}[a]


@idiom(*WORDS)
def dict_key(s, row):
    a = start(s, row)
    table = {"yes": 1, "so": 2}
    table[a] = table.get(a, 0) + 1
    table.setdefault(a, 9)
    popped = table.pop("yes", None)
    return [table, popped, list(table), sorted(table.items()), {**table, a: "again"}, table | {"no": 0}]


@idiom(*WORDS)
def dict_comprehension(s, row):
    a = start(s, row)
    lengths = {word: len(word) for word in (a, "yes", a.strip())}
    return [lengths, max(lengths, key=lengths.__getitem__), dict([(a, 1)]), dict.fromkeys([a, "no"])]


@idiom({"a": "x", "b": "y"}, {"a": "x", "b": "x"}, {"a": "", "b": "a"}, {"a": "b", "b": ""})
def set_of_answers(s, row):
    a, b = start(s, row), ask(s, "b")
    seen = {a, b, "x"}
    seen.discard("y")
    return [len(seen), sorted(seen), sorted({a} & {b}), sorted({a} ^ {"x"}), {a} <= {b, "x"}]


@idiom({"a": "m", "b": "k"}, {"a": "a", "b": "z"}, {"a": "", "b": ""}, {"a": "zz", "b": "b"}, {"a": "É", "b": "e"})
def sorted_answers(s, row):
    a, b = start(s, row), ask(s, "b")
    items = [a, b, "m"]
    items.sort(reverse=True)
    s += " ".join(sorted([a, b, "l"])) + items[0]
    return [items, sorted([a, b, "kk"], key=len), min(a, b), max([a, b, "c"], key=str.lower)]


@idiom("x", "a a b", "", "b b a a a", "é é")
def counter(s, row):
    a = start(s, row)
    counts = collections.Counter(a.split())
    counts.update([a])
    return [counts.most_common(2), counts["a"], sum(counts.values()), counts[a]]


@idiom("x", "ab ac b", "", "b a ab")
def default_dict(s, row):
    a = start(s, row)
    groups: dict[str, list[str]] = collections.defaultdict(list)
    for word in a.split():
        groups[word[0]].append(word)
    groups[a].append("whole")
    return dict(groups)


@idiom("x", "a,b", "", "a,b,c,d")
def deque_of_parts(s, row):
    a = start(s, row)
    queue = collections.deque(a.split(","), maxlen=3)
    queue.appendleft(a)
    queue.rotate(1)
    return [list(queue), queue.popleft(), a in queue]


Pair = collections.namedtuple("Pair", "left right")


@idiom("x", "a=b", "=", "", "k=v=w")
def named_tuple(s, row):
    a = start(s, row)
    pair = Pair(*a.split("=", 1)) if "=" in a else Pair(a, "")
    s += f" {pair.left}:{pair.right}"
    return [list(pair), pair == ("a", "b"), pair._replace(left="L").left, list(pair._asdict())]


@dataclasses.dataclass(order=True, frozen=True)
class Verdict:
    word: str
    weight: int = 1

    @property
    def positive(self) -> bool:
        return self.word.startswith("y")


@idiom(*WORDS)
def data_class(s, row):
    a = start(s, row)
    verdict = Verdict(a, len(a))
    s += " good" if verdict.positive else " bad"
    return [verdict == Verdict("yes", 3), verdict < Verdict("no"), dataclasses.asdict(verdict), repr(verdict),
            verdict in {Verdict("so", 2)}, dataclasses.replace(verdict, weight=0).word]  # fmt: skip


@idiom("x", "a,b", "a,b,c", "", ",")
def unpacking(s, row):
    a = start(s, row)
    try:
        left, right = a.split(",")
        s += f" {right},{left}"
    except ValueError as error:
        s += f" {error}"
    first, *rest = a.split(",")
    return [first, rest, [*a], (*rest, first)]


@idiom("x", "abc", "", "ab", "éèê")
def unpacking_characters(s, row):
    a = start(s, row)
    try:
        x, y = a
        s += y + x
    except ValueError as error:
        s += str(error)


@idiom("x", "abcdef", "", "ab", "é√∂")
def slicing(s, row):
    a = start(s, row)
    s += a[1:3] + a[::-1] + a[-2:] + a[:-1] + a[::2] + a[slice(1, None)]
    return a[:2] == "ab"


@idiom("x", "abc", "", "ab", "é√∂")
def indexing(s, row):
    a = start(s, row)
    try:
        s += a[0] + a[-1] + a[2]
    except IndexError as error:
        s += str(error)


@idiom("abc", "x", "", "é")
def index_out_of_range(s, row):
    a = start(s, row)
    s += a[0]
    return a[1]


@idiom("x", "ab", "", "é√∂")
def iteration(s, row):
    a = start(s, row)
    for number, letter in enumerate(a):
        s += f" {number}{letter}"
    return [list(a), tuple(a), sorted(set(a)), list(zip(a, "12")), list(reversed(a)), [*map(ord, a)]]


@idiom({"a": "x y", "b": "1"}, {"a": "x", "b": "1 2 3"}, {"a": "", "b": ""}, {"a": "a b", "b": "b a"})
def zips(s, row):
    a, b = start(s, row).split(), ask(s, "b").split()
    with contextlib.suppress(ValueError):
        s += str(list(zip(a, b, strict=True)))
    return [list(zip(a, b)), list(itertools.zip_longest(a, b, fillvalue="-")), dict(zip(a, b))]


@idiom("x", "1 2 3", "", "a b")
def star_arguments(s, row):
    a = start(s, row)

    def shown(*texts: str, last: str = "none", **more: str) -> str:
        return f"{len(texts)} {'/'.join(texts)} {last} {sorted(more.items())}"

    s += shown(*a.split()) + shown(*a, last=a, other=a)


@idiom("x", "last", "other", "", "a b")
def keywords_from_answers(s, row):
    a = start(s, row)

    def shown(**more: int) -> str:
        return str(sorted(more))

    s += shown(**{a: 1})


@idiom("x", "b", "a", "", "c")
def list_methods(s, row):
    a = start(s, row)
    letters = ["a", "b", a]
    try:
        place = ["a", "b"].index(a)
    except ValueError:
        place = -1
    letters.remove(a)
    letters.insert(0, a)
    letters.extend(a)
    return [place, letters, letters.count(a), letters.index(a), letters.pop()]


@idiom("m", "a", "z", "", "é")
def heaps_and_bisection(s, row):
    a = start(s, row)
    heap = ["k", a, "p"]
    heapq.heapify(heap)
    return [heapq.heappop(heap), bisect.bisect(["b", "m", "x"], a), heapq.nlargest(2, ["k", a, "p"])]


@idiom("x", "b", "a", "")
def maps(s, row):
    a = start(s, row)
    chain = collections.ChainMap({a: "first"}, {"a": "A", "b": "B"})
    ordered = collections.OrderedDict([("a", 1), ("b", 2), (a, 3)])
    ordered.move_to_end(a, last=False)
    return [chain["a"], chain.get("b"), list(ordered), types.MappingProxyType({"a": 1}).get(a)]


# --- regular expressions -----------------------------------------------------------------------------------------------


@idiom("so", "a 12", "", "٣ é", "3\n4")
def re_search(s, row):
    a = start(s, row)
    found = re.search(r"(\d)(\d*)", a)
    s += f" {found[1]} at {found.start()}" if found else " none"
    return found.groups() if found else None


@idiom("so", "yes, so", "", "Yes", "no: why")
def re_match_case(s, row):
    a = start(s, row)
    if re.match("yes|no", a):
        s += " prefix"
    if re.fullmatch(r"\w*", a, re.I):
        s += " word"
    if m := re.match(r"(?P<word>\w+)(?:: (?P<reason>.*))?", a):
        return m.groupdict()
    return None


COMPILED = re.compile(r"([a-z]+)=(\d+)")


@idiom("so", "a=1", "", "a=1, b=22;c=", "é=1")
def re_compiled(s, row):
    a = start(s, row)
    pairs = {m[1]: int(m[2]) for m in COMPILED.finditer(a)}
    s += str(COMPILED.findall(a)) + COMPILED.sub(r"\2=\1", a)
    return pairs


@idiom("so", "a1b2", "", "12", "a.b")
def re_substitution(s, row):
    a = start(s, row)
    s += re.sub(r"\d", lambda m: str(int(m.group()) + 1), a) + "|".join(re.split(r"\d", a))
    return [re.subn("[a-z]", "", a), re.findall(re.escape(a), "so a.b axb") if a else []]


@idiom("so", "[", "s+", "", "(o)")
def re_pattern_of_the_answer(s, row):
    a = start(s, row)
    try:
        s += str(re.findall(a, "so [so]"))
    except re.error as error:
        s += f" {error}"


# --- JSON and other formats --------------------------------------------------------------------------------------------


@idiom(*JSONS)
def json_loads(s, row):
    a = start(s, row)
    try:
        value = json.loads(a)
    except json.JSONDecodeError as error:
        s += f" bad at {error.pos}: {error.msg}"
        return None
    s += f" {type(value).__name__}"
    return value


@idiom(*JSONS)
def json_swallowed(s, row):
    a = start(s, row)
    try:
        value = json.loads(a)["k"]
    except Exception as error:
        value = type(error).__name__
    s += str(value)


@idiom("no", "x {} y", "", 'text {"k": [1]} more', "{", "}{")
def json_of_a_part(s, row):
    a = start(s, row)
    begin, end = a.find("{"), a.rfind("}")
    if begin == -1 or end < begin:
        s += " no object"
        return {}
    return json.loads(a[begin : end + 1])


@idiom(*MIXED)
def json_dumps(s, row):
    a = start(s, row)
    s += json.dumps({"said": a, "words": a.split()}, ensure_ascii=False) + json.dumps([a]) + json.dumps(a)


@idiom(*JSONS)
def json_or_regex(s, row):
    a = start(s, row)
    try:
        found = json.loads(a)
    except ValueError:
        try:
            found = re.search(r'"(\w+)"', a).group(1)
        except AttributeError:
            found = "nothing"
    return found


@idiom("x", "[1, 'a']", "", "{'k': (1, None)}", "__import__('os')", "1 +", "'é'")
def literal_eval(s, row):
    a = start(s, row)
    try:
        return ast.literal_eval(a)
    except (ValueError, SyntaxError) as error:
        s += f" {type(error).__name__}"
        return None


@idiom("x", "1 + 2", "len('abc')", "a * 2")
def evaluated(s, row):
    a = start(s, row)
    try:
        s += str(eval(a, {"a": a, "len": len}))
    except NameError as error:
        s += str(error)


@idiom("x", "a,b\n1,2", "", 'a,"b, c"', "a\n\nb")
def csv_rows(s, row):
    a = start(s, row)
    return [list(csv.reader(io.StringIO(a))), list(csv.DictReader(a.splitlines()))]


@idiom("x", "a 'b c'", "", "it's", '"q"')
def shell_words(s, row):
    a = start(s, row)
    try:
        return shlex.split(a)
    except ValueError as error:
        return str(error)


@idiom("x", "a b&c=é", "", "http://h:8/p?q=1&q=2#f", "%41")
def urls(s, row):
    a = start(s, row)
    parts = urllib.parse.urlsplit(a)
    s += urllib.parse.quote(a) + urllib.parse.unquote(a)
    return [parts.scheme, parts.path, urllib.parse.parse_qs(parts.query), urllib.parse.urlencode({"q": a})]


@idiom("x", "<b>&", "", "&amp;", "é\u0301")
def escapes(s, row):
    a = start(s, row)
    s += html.escape(a) + html.unescape(a)
    return [unicodedata.normalize("NFC", a), [unicodedata.category(c) for c in a]]


@idiom("x", "eA==", "", "é", "aGk=", "a")
def base64_text(s, row):
    a = start(s, row)
    s += base64.b64encode(a.encode()).decode()
    try:
        return base64.b64decode(a, validate=True).decode("utf-8", "replace")
    except ValueError as error:
        return str(error)


@idiom("x", "y", "", "é")
def hashes(s, row):
    a = start(s, row)
    s += hashlib.sha256(a.encode()).hexdigest()[:8] + str(uuid.uuid5(uuid.NAMESPACE_DNS, a))
    return [zlib.crc32(a.encode()), hashlib.md5(a.encode("utf-16")).hexdigest()]


@idiom("x", "abc", "", "é", "0f")
def bytes_of_text(s, row):
    a = start(s, row)
    data = a.encode()
    try:
        s += bytes.fromhex(a).decode("latin-1")
    except ValueError as error:
        s += str(error)
    return [len(data), list(data), data.decode(), bytes(a, "utf-8") == data, struct.pack("2s", data[:2]).hex()]


@idiom("x", "é", "", "\N{SNOWMAN}")
def encoding_errors(s, row):
    a = start(s, row)
    try:
        a.encode("ascii")
    except UnicodeEncodeError as error:
        s += f" {error.reason} {error.start}"
    return a.encode("ascii", "ignore").decode()


# --- numbers -----------------------------------------------------------------------------------------------------------


@idiom(*NUMBERS)
def int_in_try(s, row):
    a = start(s, row)
    try:
        number = int(a)
    except ValueError:
        number = -1
    s += f" {number + 1}"
    return number


@idiom(*NUMBERS)
def int_or_error(s, row):
    a = start(s, row)
    s += f" {int(a) * 2}"
    return int(a) > 5


@idiom("7", "ff", "", "0x1f", "zz", "0b11")
def int_of_a_base(s, row):
    a = start(s, row)
    try:
        return [int(a, 16), int(a, 0)]
    except ValueError as error:
        return str(error)


@idiom(*NUMBERS, "-1e3")
def float_in_try(s, row):
    a = start(s, row)
    try:
        x = float(a)
    except ValueError as error:
        s += str(error)
        return None
    s += " large" if x > 5 else " small"
    return [x * 2, round(x, 1), str(x), math.isnan(x)]


@idiom("7", "1+2j", "x", "", "1/3", "0.1")
def other_numbers(s, row):
    a = start(s, row)
    found: list[Any] = []
    for kind in (complex, Decimal, Fraction):
        try:
            found.append(str(kind(a)))
        except (ValueError, InvalidOperation) as error:
            found.append(type(error).__name__)
    return found


@idiom("7", "0", "x", "-2", "")
def arithmetic(s, row):
    a = start(s, row)
    try:
        s += f" {100 // int(a)} {math.sqrt(int(a)):.2f} {divmod(7, int(a))}"
    except ZeroDivisionError:
        s += " by zero"
    except ValueError as error:
        s += f" {error}"


@idiom("x", "1 2 3", "", "1, 2, x", "10 -4")
def sum_of_numbers(s, row):
    a = start(s, row)
    numbers = [int(part) for part in a.split() if part.lstrip("-").isdigit()]
    s += f" {sum(numbers)} {max(numbers, default=None)}"
    return statistics.mean(numbers) if numbers else None


@idiom("2", "0", "x", "4", "")
def range_of_the_answer(s, row):
    a = start(s, row)
    for i in range(int(a) if a.isdigit() else 1):
        s += f" {i}:" + ask(s, "b")


@idiom("x", "é", "", "ab", "7")
def characters(s, row):
    a = start(s, row)
    try:
        s += chr(ord(a) + 1)
    except TypeError as error:
        s += str(error)
    return [sum(map(ord, a)), [chr(ord(c) ^ 1) for c in a]]


@idiom("1", "2024-02-30", "2024-02-29", "", "2024-02-29T10:11:12+00:00")
def dates(s, row):
    a = start(s, row)
    try:
        day = datetime.datetime.fromisoformat(a)
    except Exception:
        return "no date"
    s += day.strftime(" %d.%m.%Y")
    return [day.year, (day + datetime.timedelta(days=1)).day]


@idiom("1", "29.02.2024", "31.02.2024", "", "1.1.24")
def date_formats(s, row):
    a = start(s, row)
    for pattern in ("%d.%m.%Y", "%d.%m.%y"):
        with contextlib.suppress(ValueError):
            return str(datetime.datetime.strptime(a, pattern).date())
    return None


# --- str methods -------------------------------------------------------------------------------------------------------


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


# --- exceptions --------------------------------------------------------------------------------------------------------


@idiom(*NUMBERS)
def try_else_finally(s, row):
    a = start(s, row)
    try:
        number = int(a)
    except ValueError:
        s += " bad"
    else:
        s += f" {number}"
        ask(s, "b")
    finally:
        s += " done"


@idiom(*WORDS)
def finally_around_a_branch(s, row):
    a = start(s, row)
    try:
        if a == "yes":
            return "early"
        s += " late"
    finally:
        s += " always"
    return "late"


@idiom(*WORDS)
def return_in_finally(s, row):
    a = start(s, row)
    try:
        if a == "yes":
            s += " agreed"
        int(a)
    finally:
        return "final"


class Refused(Exception):
    """An exception of the user's own."""

    def __init__(self, word: str) -> None:
        super().__init__(f"refused: {word}")
        self.word = word


@idiom(*WORDS)
def custom_exception(s, row):
    a = start(s, row)

    def checked(word: str) -> str:
        if word in ("no", ""):
            raise Refused(word)
        return word.strip()

    try:
        s += checked(a)
    except Refused as error:
        s += f" {error} ({error.word})"


@idiom("so", "yes", "no", "", "x")
def raised_to_the_top(s, row):
    a = start(s, row)
    if a == "no":
        raise Refused(a)
    if not a:
        raise ValueError
    s += " went on"
    if a == "x":
        raise KeyError(a)


@idiom(*NUMBERS)
def raise_from(s, row):
    a = start(s, row)
    try:
        return int(a)
    except ValueError as error:
        raise Refused(a) from error


@idiom(*NUMBERS)
def raise_again(s, row):
    a = start(s, row)
    try:
        return int(a)
    except ValueError:
        s += " noted"
        ask(s, "b")
        raise


@idiom(*NUMBERS)
def bare_except(s, row):
    a = start(s, row)
    try:
        number = int(a)
    except:
        number = -1
    s += f" {number}"


@idiom(*NUMBERS)
def except_base_exception(s, row):
    a = start(s, row)
    try:
        if a == "7":
            s += " seven"
        number = float(a)
    except BaseException as error:
        s += f" {type(error).__name__}"
        number = 0.0
    return number


@idiom(["7"], ["x", "8"], ["", "x", "9"], ["-1", "no"], ["٣"])
def bare_except_until_a_number(s, row):
    a = start(s, row)
    for _ in range(3):
        try:
            return int(a)
        except:
            a = ask(s, "a")
    return None


@idiom(["7"], ["x", "8"], ["", "x", "9"], ["a", "b", "c", "d"])
def retry_until_a_number(s, row):
    a = start(s, row)
    while True:
        try:
            number = int(a)
            break
        except ValueError as error:
            s += f" ({error})"
            a = ask(s, "a")
            if a == "d":
                raise
    return number


@idiom(*NUMBERS)
def suppressed(s, row):
    a = start(s, row)
    number = 0
    with contextlib.suppress(ValueError):
        number = int(a)
        s += " parsed"
    with contextlib.suppress(BaseException):
        s += a[3]
        s += " long"
    return number


@idiom(*JSONS)
def except_by_class(s, row):
    a = start(s, row)
    try:
        s += json.loads(a)["k"]["n"][0] + "!"
    except json.JSONDecodeError:
        s += " no JSON"
    except (KeyError, IndexError):
        s += " no key"
    except TypeError:
        s += " no text"


@idiom(*NUMBERS)
def nested_try(s, row):
    a = start(s, row)
    try:
        try:
            number = int(a)
        except ValueError:
            number = int(float(a))
        finally:
            s += " inner"
    except ValueError:
        number = None
    return number


@idiom(*NUMBERS)
def exception_group(s, row):
    a = start(s, row)
    try:
        if not a.strip().isdigit():
            raise ExceptionGroup("all", [ValueError(a), TypeError("other")])
    except* ValueError as group:
        s += f" {group.exceptions[0]}"
    except* TypeError:
        s += " other"


@idiom(*WORDS)
def assertion(s, row):
    a = start(s, row)
    assert a != "no", f"it said {a!r}"
    s += " fine"


@idiom(*WORDS)
def wrong_types(s, row):
    a = start(s, row)
    said_errors = []
    for mistake in (lambda: a + 1, lambda: a.nothing, lambda: a[1.5], lambda: a(), lambda: -a, lambda: a * "x"):
        try:
            mistake()
        except (TypeError, AttributeError) as error:
            said_errors.append(f"{type(error).__name__}: {error}")
    return said_errors


@idiom(*WORDS)
def except_around_re(s, row):
    a = start(s, row)
    try:
        found = re.search("y", a)
    except Exception:
        found = None
    s += " y" if found else " none"


@idiom({"a": "x", "b": "1"}, {"a": "7", "b": "x"}, {"a": "", "b": "x"}, {"a": "8", "b": "9"})
def except_around_answers(s, row):
    a = start(s, row)
    try:
        s += f" {int(a)}"
        b = ask(s, "b")
        s += f" {int(b)}"
    except Exception as error:
        s += f" [{error}]"


# --- functions, closures, generators -----------------------------------------------------------------------------------


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


@contextlib.contextmanager
def tagged(s, name):
    s += f"<{name}>"
    try:
        yield name
    finally:
        s += f"</{name}>"


@idiom("x", "b", "", "bb", "é")
def context_manager(s, row):
    a = start(s, row)
    with tagged(s, a) as name, contextlib.ExitStack() as stack:
        stack.callback(s.set_var, "left", name)
        if name == "b":
            ask(s, "c")


@idiom("x", "b", "", "stop", "é")
def context_manager_left_by_an_error(s, row):
    a = start(s, row)
    try:
        with tagged(s, a):
            if a in ("stop", "b"):
                raise ValueError(a)
    except ValueError as error:
        s["stopped"] = str(error)
        if a == "stop":
            raise


@idiom("x", "b", "", "stop", "é")
def variable_set_by_finally(s, row):
    a = start(s, row)
    try:
        return {"x": 1, "b": 2}[a]
    finally:
        s["left"] = a


@idiom(*WORDS)
def walrus(s, row):
    if (a := start(s, row)) == "no":
        s += " no"
    elif n := len(a):
        s += f" {n}"
    return [t for x in (a, "yes") if (t := x.strip())]


class Word:
    """A helper class that holds what was said."""

    made = 0

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def clean(self) -> str:
        return self.text.strip().lower()

    @classmethod
    def of(cls, text: str) -> Word:
        return cls(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Word) and self.clean == other.clean

    def __hash__(self) -> int:
        return hash(self.clean)

    def __len__(self) -> int:
        return len(self.text)

    def __bool__(self) -> bool:
        return self.clean != "no"

    def __str__(self) -> str:
        return f"<{self.text}>"


@idiom(*WORDS)
def helper_class(s, row):
    a = start(s, row)
    word = Word.of(a)
    s += str(word) if word else " (no)"
    return [word == Word("Yes"), len({word, Word("so")}), len(word), word.clean, f"{word}"]


class Shouting(str):
    """A text of the user's own."""

    def loud(self) -> str:
        return self.upper() + "!"


@idiom(*WORDS)
def subclass_of_str(s, row):
    a = Shouting(start(s, row))
    s += a.loud() + (" yes" if a == "yes" else "")
    return isinstance(a, Shouting)


@functools.singledispatch
def described(value: Any) -> str:
    return "thing"


@described.register
def _(value: str) -> str:
    return f"text {value}"


@described.register
def _(value: int) -> str:
    return f"number {value}"


@idiom(*NUMBERS)
def single_dispatch(s, row):
    a = start(s, row)
    s += described(a) + described(int(a) if a.strip().isdigit() else None)


@idiom("x", "word", "weight", "", "nothing", "positive")
def attribute_by_name(s, row):
    a = start(s, row)
    verdict = Verdict("yes")
    holder = types.SimpleNamespace()
    setattr(holder, a, "kept")
    return [getattr(verdict, a, "none"), hasattr(verdict, a), vars(holder)]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.StrEnum):
    SMALL = "s"
    LARGE = "l"


@idiom("x", "red", "blue", "", "RED")
def enum_by_value(s, row):
    a = start(s, row)
    try:
        s += Colour(a).name
    except ValueError as error:
        s += str(error)
    return Colour[a].value if a in Colour.__members__ else None


@idiom("x", "s", "l", "", "S")
def string_enum(s, row):
    a = start(s, row)
    s += " small" if a == Size.SMALL else " other"
    return [Size.LARGE == a, a in [size.value for size in Size], {Size.SMALL: 1}.get(a)]


# --- flow --------------------------------------------------------------------------------------------------------------


@idiom("yes", ["no", "yes"], ["no", "", "no", "yes"], ["no"], ["é", "yes"])
def while_not_yes(s, row):
    a = start(s, row)
    rounds = 0
    while a != "yes" and rounds < 4:
        rounds += 1
        a = ask(s, "a")
    return rounds


@idiom("yes", "no", ["no", "maybe", "yes"], ["maybe", "no"], "")
def while_true_with_break(s, row):
    s += row
    kept = []
    while True:
        a = ask(s, "a")
        if a == "maybe":
            continue
        kept.append(a)
        if a == "yes" or len(kept) == 3:
            break
    else:
        s += " never"
    return kept


@idiom("x", "a b", "", "b stop a", "stop")
def for_else(s, row):
    a = start(s, row)
    for word in a.split():
        if word == "stop":
            s += " stopped"
            break
        if word == "a":
            continue
        s += f" {word}"
    else:
        s += " all"


@idiom(*WORDS)
def early_return(s, row):
    a = start(s, row)
    if a == "no":
        return None
    s += " more"
    if a.startswith("y"):
        return ask(s, "b")
    s += " end"
    return "end"


@idiom({"a": "x", "b": "y"}, {"a": "a b", "b": "b"}, {"a": "", "b": ""}, {"a": "b c", "b": "c b"})
def nested_loops(s, row):
    a, b = start(s, row), ask(s, "b")
    pairs = [(x, y) for x in a.split() for y in b.split() if x <= y]
    for x in a.split():
        for y in b.split():
            if x == y:
                s += f" {x}"
                break
        else:
            s += f" no {x}"
    return pairs


@idiom(*WORDS)
def match_literals(s, row):
    a = start(s, row)
    match a:
        case "yes":
            s += " one"
        case "no" | "":
            s += " two"
        case str(text) if text.isupper():
            s += " three"
        case other:
            s += f" {other}"


@idiom("x", "go north", "go", "", "take lamp now", "quit")
def match_sequence(s, row):
    a = start(s, row)
    match a.split():
        case ["go", direction]:
            s += f" going {direction}"
        case ["take", thing, *rest]:
            s += f" taking {thing} {len(rest)}"
        case []:
            s += " nothing"
        case [word] if word == "quit":
            return "quit"
        case [first, *_]:
            s += f" what is {first}?"


@idiom(*JSONS)
def match_json(s, row):
    a = start(s, row)
    try:
        value = json.loads(a)
    except ValueError:
        value = ...
    match value:
        case {"k": str(text)}:
            s += f" {text}"
        case {"k": {"n": [bool(flag), *_]}}:
            s += f" {flag}"
        case [int(), int()]:
            s += " two"
        case None | int():
            s += " scalar"
        case _:
            s += " other"


@idiom(*WORDS)
def match_class(s, row):
    a = start(s, row)
    match Verdict(a, len(a)):
        case Verdict("yes", weight):
            s += f" yes {weight}"
        case Verdict(word, 2):
            s += f" two {word}"
        case Verdict(word=word, weight=0):
            s += " empty"
        case _:
            s += " other"


@idiom("x", "b a", "", "a a")
def comprehension_of_gens(s, row):
    a = start(s, row)
    answers = [ask(s, f"{word}_") for word in a.split() if word != "x"]
    return {"answers": answers, "count": len(answers)}


@idiom(
    {"a": "search", "b": "x"},
    {"a": ["search", "finish"], "b": "found"},
    {"a": ["think", "search", "finish"], "b": "y"},
    {"a": "finish"},
    {"a": ""},
)
def agent_loop(s, row):
    a = start(s, row)
    for step in range(3):
        action, _, rest = a.partition(" ")
        if action == "finish":
            return f"finished at {step}"
        if action == "search":
            s += f" observed {ask(s, 'b')}"
        elif not action:
            break
        a = ask(s, "a")
    return "gave up"


# --- copies, kinds of state ---------------------------------------------------------------------------------------------


@idiom(*MIXED)
def copies(s, row):
    a = start(s, row)
    nested = {"k": [a, {"x": a}]}
    deep, shallow = copy.deepcopy(nested), copy.copy(nested)
    deep["k"].append("new")
    return [copy.copy(a) == a, copy.deepcopy(a), deep, shallow, nested]


@idiom(*MIXED)
def pickled(s, row):
    a = start(s, row)
    s += pickle.loads(pickle.dumps({"k": a}))["k"]


@idiom("x", "y", "", "é")
def seeded_random(s, row):
    a = start(s, row)
    draw = random.Random(7)
    s += draw.choice(["p", "q", a]) + str(draw.randint(1, 9))
    return [random.Random(a).randint(0, 99), draw.sample(sorted({a, "k", "l"}), 2)]


@idiom("x", "y", "", "é")
def local_class(s, row):
    a = start(s, row)

    class Local:
        texts: typing.ClassVar[list[str]] = []

        def keep(self, text: str) -> int:
            self.texts.append(text)
            return len(self.texts)

    s += f" {Local().keep(a)} {Local().keep('b')}"
    return Local.texts


@idiom("x", "y", "", "é")
def async_inside(s, row):
    a = start(s, row)

    async def answered(text: str) -> str:
        await asyncio.sleep(0)
        return text + ("!" if text == "y" else "?")

    s += asyncio.run(answered(a))


@idiom("x", "y", "", "é")
def threads_inside(s, row):
    a = start(s, row)
    with ThreadPoolExecutor(2) as pool:
        s += "".join(pool.map(str.upper, [a, "b", a + "c"]))


@idiom("x", "abs", "len", "")
def locals_and_builtins(s, row):
    a = start(s, row)
    s += f" {hasattr(builtins, a)} {sorted(locals())}"
    return "{a}-{row}".format(**locals()).startswith("x-")


GREETING = "hello"
RATES = {"yes": 1.5, "no": 0.5}
ALLOWED = frozenset({"yes", "so"})


@idiom(*WORDS)
def global_constants(s, row):
    a = start(s, row)
    s += GREETING if a in ALLOWED else GREETING.upper()
    return RATES.get(a, 0.0) * 2


@idiom("x", "y", "", "é", given=[{"names": ["a"]}, {"names": ["y", "b"]}, {"names": []}, {"names": ["é"]}])
def list_argument(s, row, names):
    a = start(s, row)
    s += " known" if a in names else " new"
    names.append(a)
    return [names, len(names), sorted(names), names.index(a)]


@idiom("x", "y", "", "k", given=[{"table": {"k": "v"}}, {"table": {"y": "w"}}])
def dict_argument(s, row, table):
    a = start(s, row)
    s += table.get(a, " none")
    table[a] = "seen"
    return table


@idiom("so", "yes", "no", "", given=[{"verdict": Verdict("yes", 2)}, {"verdict": Verdict("no", 3)}])
def dataclass_argument(s, row, verdict):
    a = start(s, row)
    s += " same" if verdict.word == a else " other"
    return [verdict.weight, verdict == Verdict(a, 3), verdict.positive]


@idiom(*WORDS, given=[{"wanted": "yes"}, {"wanted": "no"}, {"wanted": "yes"}, {"wanted": ""}])
def compared_with_argument(s, row, wanted):
    a = start(s, row)

    def agrees(text: str) -> bool:
        return text == wanted

    s += " as wanted" if agrees(a) else f" not {wanted}"
    return [a in wanted, wanted in [a], {wanted: 1}.get(a)]


@idiom("x", "y", "", "é", given=[{"times": 1}, {"times": 3}, {"flag": True}, {}])
def default_arguments(s, row, times=2, flag=False, label="none"):
    a = start(s, row)
    for _ in range(times):
        s += a if flag else label
    return times


# --- the state ---------------------------------------------------------------------------------------------------------


@idiom(*WORDS)
def text_in_the_body(s, row):
    start(s, row)
    if s.text().endswith("yes"):
        s += " agreed"
    s += f" ({len(s.text())})"


@idiom(*WORDS)
def messages_in_the_body(s, row):
    s += row
    s += sgl.user("Is it?")
    with s.assistant():
        a = ask(s, "a")
    s += sgl.user("Sure?" if a == "yes" else "Why " + a)
    if len(s.messages()) == 3 and s.messages()[1]["content"].endswith("no"):
        s += sgl.assistant("No.")
    return s.messages()


@idiom(*WORDS)
def meta_in_the_body(s, row):
    a = start(s, row)
    meta = s.get_meta_info("a")
    if meta["finish_reason"]["type"] == "stop" and a != "no":
        s += " stopped"
    return [meta["finish_reason"], s.get_meta_info("nothing")]


@idiom(*WORDS)
def variables_of_the_state(s, row):
    a = start(s, row)
    s["copy"] = a + "!"
    s.set_var("kept", [a, {"k": a}])
    s += s["copy"] + (" b" if "b" in s else " no b")
    if s.get_var("copy") == "yes!":
        ask(s, "b")
    return [s["kept"], "b" in s, "copy" in s]


@idiom(*WORDS)
def list_variable_grows(s, row):
    a = start(s, row)
    s["kept"] = []
    s["kept"].append(a)
    if a == "yes":
        s["kept"].append(ask(s, "b"))
    return s["kept"]


@idiom(*WORDS)
def answers_in_a_list_variable(s, row):
    a = start(s, row)
    s["kept"] = [a, ask(s, "b")]
    return s.get_meta_info("kept")


@idiom(*WORDS)
def aliases_of_the_state(s, row):
    a = start(s, row)
    same = s
    same += " same"
    holder = {"state": s}
    if a == "yes":
        ask(holder["state"], "b")
    return [same is s, same.text() == s.text()]


@idiom("x", "y", "yes", "", "abcdefgh")
def loop_on_the_text(s, row):
    start(s, row)
    before = len(s.text())
    while len(s.text()) < before + 12:
        s += "." + ask(s, "b")
    return s.text()[before:].count(".")


@idiom(*WORDS)
def early_return_in_a_message(s, row):
    s += row
    with s.assistant():
        a = ask(s, "a")
        if a == "yes":
            return "early"
        s += " later"
    return "late"


@idiom(*WORDS)
def expression_by_answer(s, row):
    a = start(s, row)
    expression = "\nb=" + sgl.gen("b") if a == "yes" else "\nb=" + sgl.select("b", choices=["p", a, "so"])
    s += expression
    s += expression
    return s["b"]


@idiom(*WORDS)
def unnamed_answers(s, row):
    s += row
    s += "\na=" + sgl.gen() + "\nb=" + sgl.gen()
    if s.text().endswith("yes"):
        s += " agreed"


@idiom(*WORDS)
def joined_by_sglc(s, row):
    a = start(s, row)
    text = sgl.join(", ", [a, "k", f"{a}!"])
    s += text
    if text == "yes, k, yes!":
        s += " agreed"
    return text


@idiom(*WORDS)
def variable_overwritten(s, row):
    a = start(s, row)
    s["a"] = a.upper()
    if s["a"] == "YES":
        s["a"] = 5
    return s["a"]


@idiom(*WORDS)
def scope_of_a_variable(s, row):
    a = start(s, row)
    with s.var_scope("part"):
        s += f" <{a}"
        if a == "yes":
            ask(s, "b")
        s += ">"
    return [s["part"], len(s["part"])]


@idiom("so", "no", "yes", "", "why")
def roles_by_answer(s, row):
    a = start(s, row)
    if a == "no":
        s += sgl.system("No.")
    s += sgl.user("And " + a) if a else sgl.assistant("Silence.")


@idiom({"a": "x", "b": "y"}, {"a": "yes", "b": "no"}, {"a": "", "b": "yes"}, {"a": "yes", "b": "yes"})
def select_then_branch(s, row):
    start(s, row)
    s += "\nb=" + sgl.select("b", choices=["yes", "no", ""])
    if s["b"] == "yes":
        s += " agreed"
    elif s["a"] == "yes":
        s += " half"
    return {"yes": 1, "no": 2, "": 3}[s["b"]]


@idiom({"a": "x", "b": "x"}, {"a": "p,q", "b": "q"}, {"a": "q,p", "b": "p"}, {"a": "", "b": ""})
def select_of_generated_choices(s, row):
    a = start(s, row)
    choices = a.split(",")
    s += "\nb=" + sgl.select("b", choices=choices)
    return choices.index(s["b"])


@idiom("1", "3", "x", "", "2")
def settings_by_answer(s, row):
    a = start(s, row)
    s += "\nb=" + sgl.gen("b", max_tokens=int(a) if a.isdigit() else 9, stop=a or None)
    return len(s["b"])


@idiom("b", "c", "x", "é", "b")
def name_by_answer(s, row):
    a = start(s, row)
    s += "\nn=" + sgl.gen(f"name_{a}")
    return [s["name_" + a], "name_b" in s]


@idiom("x", "yes", "", "no")
def several_answers(s, row):
    s += row
    s += "\na=" + sgl.gen("a", n=3)
    if s["a"][0] == "yes":
        s += " first"
    return [len(s["a"]), collections.Counter(s["a"]).most_common(1)[0][0]]


@idiom("7", "12", "x", "", "-3")
def typed_gen(s, row):
    s += row
    s += "\na=" + sgl.gen_int("a")
    if s["a"].isdigit() and int(s["a"]) > 10:
        s += " large"


@idiom(
    {"a": "x", "b": "1", "c": "2"},
    {"a": "yes", "b": "1", "c": "x"},
    {"a": "", "b": "x", "c": "x"},
    {"a": "yes", "b": "x", "c": "3"},
)
def branches_in_forks(s, row):
    a = start(s, row)
    forks = s.fork(2)
    for name, fork in zip("bc", forks, strict=True):
        answer = ask(fork, name)
        if answer.isdigit():
            fork += f" number {a}"
            fork["score"] = int(answer)
        elif a == "yes":
            fork["score"] = -1
            ask(fork, "d")
    forks.join()
    s += f" {s['score']}" if "score" in s else " no score"
    return [s["b"], s["c"], "d" in s]


@idiom("2", "1", "3", "x", "02")
def forks_by_answer(s, row):
    a = start(s, row)
    try:
        forks = s.fork(int(a))
    except ValueError:
        forks = s.fork(2)
    forks += lambda i: f" {i}:"
    for fork in forks:
        ask(fork, "b")
    forks.join()
    return [len(s["b"]), s["b"] == ["2", "2"]]


@idiom("2", "1", "0", "x", plain=False)
def fork_of_none(s, row):
    a = start(s, row)
    forks = s.fork(int(a) if a.isdigit() else -1)
    return len(forks)


@idiom("x", "yes", "", "no")
def copy_of_the_state(s, row):
    a = start(s, row)
    with s.copy() as aside:
        aside += f" aside {a}"
        if a == "yes":
            ask(aside, "b")
    s += " b" if "b" in s else " no b"
    return s["b"] if "b" in s else None


@idiom("x", "yes", "", "no")
def forks_of_forks(s, row):
    a = start(s, row)
    outer = s.fork(2)
    for i, fork in enumerate(outer):
        fork += f" {i}"
        inner_forks = fork.fork(2)
        for j, state in enumerate(inner_forks):
            if ask(state, "b") == "yes" or j:
                state["place"] = f"{i}{j}{a}"
        inner_forks.join()
        fork += str(fork["place"])
    outer.join()
    return [s["b"], s["place"]]


@idiom({"a": "x", "b": "y"}, {"a": "yes", "b": "y"}, {"a": "", "b": ""}, {"a": "no", "b": "yes"})
def fork_that_goes_on(s, row):
    a = start(s, row)
    forks = s.fork(3)
    s += " parent"
    for i, fork in enumerate(forks):
        if i == 1 and a == "yes":
            continue
        ask(fork, "b")
    forks[0]["a"] = "overwritten" if forks[2]["b"] == "yes" else a
    forks.join()
    s += f" {s['b']}"
    return s["a"]


@idiom("x", "yes", "", "no")
def forks_not_joined(s, row):
    a = start(s, row)
    forks = s.fork(2)
    for fork in forks:
        fork += a
        ask(fork, "b")
    s += " agreed" if forks[0]["b"] == "yes" else " not"
    return [forks[1]["b"], "b" in s, len(forks[1].text())]


@idiom("x", "yes", "", "7")
def fork_names_by_answer(s, row):
    a = start(s, row)
    forks = s.fork(2)
    for i, fork in enumerate(forks):
        ask(fork, f"b{i}{a}")
    forks.join()
    return sorted(name for name in ("b0yes", "b1yes", "b07", "b17", "b0") if name in s)


@idiom("x", "yes", "", "no", plain=False)
def forks_concatenated(s, row):
    a = start(s, row)
    forks = s.fork(2)
    forks += [" one", " two"]
    if a != "no":
        forks[0] += a.upper()
    forks.join("concate_and_append")


# --- programs inside of programs ----------------------------------------------------------------------------------------


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


# --- host functions ------------------------------------------------------------------------------------------------------


@sgl.host
def search(query: str) -> str:
    return {"yes": "found it", "": ""}.get(query, f"nothing about {query}")


@sgl.host
def length(text: str) -> int:
    return len(text)


@sgl.host
def ratio(text: str) -> float:
    return len(text) / 3


@sgl.host
def is_long(text: str, than: int = 2) -> bool:
    return len(text) > than


@sgl.host
def looked_up(key: str) -> dict[str, Any]:
    return {"key": key, "words": key.split(), "none": None}


@sgl.host
def words_of(text: str) -> list[str]:
    return text.split()


@sgl.host
def maybe(text: str) -> str | None:
    return text.upper() if text in ("yes", "so") else None


@sgl.host
def parsed(text: str) -> int:
    return int(text)


@sgl.host
def untyped(text, *more, sep="-"):
    return sep.join([text, *more])


@sgl.host
async def awaited(text: str) -> str:
    await asyncio.sleep(0)
    return text + text


@idiom(*WORDS)
def host_text(s, row):
    a = start(s, row)
    found = search(a)
    s += " " + found
    if found.startswith("nothing"):
        s += " sorry"
        ask(s, "b")
    return found


@idiom(*WORDS)
def host_numbers(s, row):
    a = start(s, row)
    if length(a) > 2:
        s += f" {length(a) * 2}"
    return [length(a), ratio(a), is_long(a), is_long(a, than=0), not is_long(a)]


@idiom(*WORDS)
def host_data(s, row):
    a = start(s, row)
    entry = looked_up(a)
    s += f" {entry['key']} {len(entry['words'])} {entry['none']}"
    for word in words_of(a):
        s += f" <{word}>"
    return [entry, maybe(a) is None, maybe(a) or "none"]


@idiom(*WORDS)
def host_called(s, row):
    a = start(s, row)
    shown = sgl.call(lambda text, mark: mark + text.title(), a, mark="*")
    s += shown + untyped(a, "x", sep="/") + untyped(search(a), a)
    return shown == "*Yes"


@idiom(*WORDS, plain=False)
def host_async(s, row):
    a = start(s, row)
    s += awaited(a) + sgl.call(awaited, "x")
    if awaited(a) == "yesyes":
        s += " agreed"


@idiom(*NUMBERS)
def host_fails(s, row):
    a = start(s, row)
    s += f" {parsed(a) + 1}"


@idiom(*NUMBERS, plain=False)
def host_fails_inside_try(s, row):
    a = start(s, row)
    try:
        s += f" {parsed(a) + 1}"
    except ValueError:
        s += " caught"


@idiom({"a": "x", "b": "no"}, {"a": "yes", "b": ["no", "yes"]}, {"a": "", "b": ""}, {"a": "so", "b": "yes"})
def tool_loop(s, row):
    query = start(s, row)
    for _ in range(3):
        s += f" [{search(query)}]"
        query = ask(s, "b")
        if query == "yes":
            return search(query)
    return None


# --- what cannot be compiled: it does something else each time, or gives what is no plain data -------------------------


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
