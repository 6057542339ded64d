"""Random valid graphs, and equality of graphs.

Each graph is drawn under a policy (few distinct literals, many constants, deep forks, equal greedy gens, ...), so that
prompts meet and passes have something to do.
"""

from __future__ import annotations

from dataclasses import fields
from random import Random
from typing import Any

from hypothesis import strategies as st

from sglc.ir.builder import Builder
from sglc.ir.errors import Location
from sglc.ir.graph import Fork, Graph, Tree
from sglc.ir.ops import Append, Format, Gen, Image, Op, Part, Role, Root, Sampling, Select, Trusted, operands

LITERALS = (
    "",
    "a",
    "b",
    "ab",
    " ",
    "\n",
    "You are a judge.",
    "Answer: ",
    "Answer: yes",
    "é😀e\u0301",
    '"\\#{',
    "\x00\u2028",
)
SETTINGS = (
    Sampling(temperature=0.0),
    Sampling(temperature=0.0, max_tokens=8, stop=("\n", "é")),
    Sampling(),
    Sampling(max_tokens=3, temperature=0.7, top_p=0.9, top_k=5, min_p=0.1, seed=-3),
    Sampling(min_tokens=1, stop_token_ids=(2, 7), frequency_penalty=-0.5, presence_penalty=2.0, ignore_eos=True),
)
REGEXES = (None, None, "[1-9]|10", r"\w+\s")
PARAMS = ("essay", "docs[0]", "docs[1]", "user.name", "0", "docs_0")
CONSTANTS: tuple[Tree, ...] = (None, True, 0, -7, 1.5, 1e300, -0.0, "", "x\n", 2**200, (), [], {})


def random_graph(rng: Random, size: int = 20) -> Graph:
    """A graph of about `size` ops as the tracer makes them: no prefixes and no forks yet."""
    return _Program(rng, size).graph()


def random_compiled_graph(rng: Random, size: int = 20) -> Graph:
    """The same, with some constant ops in the prefix and some forks, as after the passes."""
    graph = random_graph(rng, size)
    prefixes: list[Op] = []
    for op in graph.body:
        constant = isinstance(op, Root | Append | Format | Image) and all(x in prefixes for x in operands(op))
        if constant and rng.random() < 0.8:
            prefixes.append(op)
    below: dict[Op, list[Op]] = {}
    for op in graph.body:
        if isinstance(op, Gen | Select):
            state: Op = op
            while isinstance(state, Append | Gen | Select):
                state = state.state
                below.setdefault(state, []).append(op)
    forks = [Fork(state, tuple(members)) for state, members in below.items() if rng.random() < 0.3]
    return Graph(
        name=graph.name,
        params=graph.params,
        prefixes=tuple(prefixes),
        body=tuple(op for op in graph.body if op not in prefixes),
        final=graph.final,
        variables=graph.variables,
        value=graph.value,
        statics=graph.statics,
        forks=tuple(forks),
    )


def graphs(max_size: int = 40) -> st.SearchStrategy[Graph]:
    """Graphs as the tracer makes them."""
    return st.builds(random_graph, st.randoms(use_true_random=False), st.integers(0, max_size))


def compiled_graphs(max_size: int = 40) -> st.SearchStrategy[Graph]:
    """Graphs as they are after the passes."""
    return st.builds(random_compiled_graph, st.randoms(use_true_random=False), st.integers(0, max_size))


def same(one: Graph, two: Graph) -> bool:
    """Whether two graphs have the same ops in the same order, places included, and the same everything else."""
    if len(one.ops) != len(two.ops):
        return False
    twin = dict(zip(one.ops, two.ops, strict=True))

    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, Op):
            return twin.get(a) is b
        if type(a) is not type(b):
            return False
        if isinstance(a, Trusted | Fork | Graph):
            return all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
        if isinstance(a, dict):
            return equal(list(a.items()), list(b.items()))
        if isinstance(a, list | tuple):
            return len(a) == len(b) and all(map(equal, a, b))
        return repr(a) == repr(b)

    def equal_ops(a: Op, b: Op) -> bool:
        return type(a) is type(b) and all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))

    return equal(one, two) and all(map(equal_ops, one.ops, two.ops))


class _Program:
    """A program under construction: its texts, and its states with the role that is open in each."""

    def __init__(self, rng: Random, size: int) -> None:
        self.rng = rng
        self.size = size
        self.builder = Builder(rng.choice(("judge", "a b", "λ")))
        self.literals = rng.sample(LITERALS, rng.randint(1, 4)) if rng.random() < 0.7 else list(LITERALS)
        self.settings = [SETTINGS[0]] if rng.random() < 0.3 else list(SETTINGS)
        self.constants = rng.choice((0.2, 0.5, 0.9))
        self.forks = rng.choice((0.05, 0.4, 0.8))
        self.texts: list[Op] = []
        self.images: list[Op] = []
        self.states: list[tuple[Op, str | None]] = [(self.builder.root(), None)]
        self.answers: list[Op] = []

    def graph(self) -> Graph:
        rng, builder = self.rng, self.builder
        for name in PARAMS[: rng.randint(0, len(PARAMS))]:
            default = rng.choice((None, None, "", "calm é\n"))
            self.texts.append(builder.param(name, default, loc=self.loc()))
        while len(self.states) + len(self.texts) + len(self.images) < self.size:
            rng.choice((self.append, self.append, self.append, self.gen, self.gen, self.select, self.text))()
        reads = [builder.read(answer) for answer in self.answers if rng.random() < 0.8]
        variables: dict[str, Tree] = {f"v{i}": read for i, read in enumerate(reads)}
        if reads and rng.random() < 0.5:
            variables["all é"] = list[Tree](reads)
        statics = {"n": 3, "flag": True, "docs": None, "x y": 0.1} if rng.random() < 0.3 else {}
        final = self.states[-1] if rng.random() < 0.7 else rng.choice(self.states)
        return builder.finish(final[0], variables, self.tree(2) if rng.random() < 0.5 else None, statics)

    def loc(self) -> Location | None:
        return (
            Location(self.rng.choice(("judge.py", "a b/é.py")), self.rng.randint(1, 99))
            if self.rng.random() < 0.5
            else None
        )

    def state(self) -> tuple[Op, str | None]:
        return self.rng.choice(self.states) if self.rng.random() < self.forks else self.states[-1]

    def value(self) -> Part:
        if not self.texts or self.rng.random() < self.constants:
            return self.rng.choice(self.literals)
        text = self.rng.choice(self.texts)
        return Trusted(text) if self.rng.random() < 0.1 else text

    def values(self, least: int) -> list[Part]:
        return [self.value() for _ in range(self.rng.randint(least, 3))]

    def append(self) -> None:
        rng = self.rng
        if rng.random() < 0.05:
            self.states.append((self.builder.root(loc=self.loc()), None))
        state, role = self.state()
        parts: list[Part] = []
        for part in self.values(1):
            if rng.random() < 0.3:
                edge = Role(role, "end") if role else Role(rng.choice(("system", "user", "assistant")), "begin")
                parts.append(edge)
                role = edge.name if edge.edge == "begin" else None
            elif self.images and rng.random() < 0.2:
                parts.append(rng.choice(self.images))
            else:
                parts.append(part)
        self.states.append((self.builder.append(state, parts, loc=self.loc()), role))

    def gen(self) -> None:
        rng = self.rng
        state, role = self.state()
        for _ in range(2 if rng.random() < 0.2 else 1):
            gen = self.builder.gen(
                state,
                name=rng.choice((None, "x", "score é")),
                sampling=rng.choice(self.settings),
                regex=rng.choice(REGEXES),
                loc=self.loc(),
            )
            self.answered(gen, role)

    def select(self) -> None:
        state, role = self.state()
        choices = [self.values(1) for _ in range(self.rng.randint(1, 3))]
        self.answered(
            self.builder.select(state, choices, name=self.rng.choice((None, "verdict")), loc=self.loc()), role
        )

    def answered(self, answer: Op, role: str | None) -> None:
        self.states.append((answer, role))
        self.answers.append(answer)
        if self.rng.random() < 0.6:
            self.texts.append(self.builder.read(answer, loc=self.loc()))

    def text(self) -> None:
        if self.rng.random() < 0.3:
            path = self.rng.choice(self.texts) if self.texts else "cat.png"
            self.images.append(self.builder.image(path, loc=self.loc()))
        else:
            self.texts.append(self.builder.format(self.values(0), loc=self.loc()))

    def tree(self, depth: int) -> Tree:
        rng = self.rng
        kind = rng.randrange(5) if depth else rng.randrange(2)
        if kind == 0 and self.texts:
            return rng.choice(self.texts)
        if kind <= 1:
            return rng.choice(CONSTANTS)
        items = [self.tree(depth - 1) for _ in range(rng.randrange(4))]
        return {2: items, 3: tuple(items), 4: {f"k{i}": item for i, item in enumerate(items)}}[kind]
