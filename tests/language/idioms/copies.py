"""Copies of what the model said, and kinds of state."""

from __future__ import annotations

import asyncio
import builtins
import copy
import pickle
import random
import typing
from concurrent.futures import ThreadPoolExecutor

from tests.language.idioms.table import MIXED, WORDS, Verdict, idiom, start


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
