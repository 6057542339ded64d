"""Containers."""

from __future__ import annotations

import bisect
import collections
import contextlib
import dataclasses
import heapq
import itertools
import types

from tests.language.idioms.table import WORDS, Verdict, ask, idiom, start


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
