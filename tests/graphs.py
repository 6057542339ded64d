"""Random valid graphs, graphs with a change, and equality of graphs.

Each graph is drawn under a policy (few distinct literals, many constants, deep forks, equal greedy gens, ...), so that
prompts meet and passes have something to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import count, product
from random import Random
from typing import Any, get_args

from hypothesis import strategies as st

from sglc.ir.builder import Builder, flattened
from sglc.ir.errors import Location
from sglc.ir.graph import Case, End, Fork, Graph, Region, Switch, Tree, answers_of, with_regions
from sglc.ir.ops import (
    Append,
    Argument,
    ChoicesMethod,
    Constraint,
    Gen,
    Op,
    Part,
    Role,
    Sampling,
    Select,
    Trusted,
    Type,
    Unordered,
    operands,
    prompts,
)
from sglc.ir.verify import CONSTANT

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
CONSTRAINTS = (
    None,
    None,
    Constraint("regex", "[1-9]|10"),
    Constraint("regex", r"\w+\s"),
    Constraint("json_schema", '{"type":"boolean"}', 2),
)
PARAMS = ("essay", "docs[0]", "docs[1]", "user.name", "0", "docs_0")
CONSTANTS: tuple[Tree, ...] = (None, True, 0, -7, 1.5, 1e300, -0.0, "", "x\n", 2**200, (), [], {})
METHODS: tuple[tuple[Argument, ...], ...] = (
    ("strip",),
    ("lower",),
    ("slice", None, -1, None),
    ("slice", 0, 10**30, 2),
    ("replace", "a", ""),
    ("removeprefix", "é\n"),
    ("center", 9, "*"),
    ("format", ">8"),
)
TESTS: tuple[tuple[Argument, ...], ...] = (
    ("eq", "a"),
    ("eq", 1),
    ("lt", "b"),
    ("contains", "é😀"),
    ("startswith", ("a", "")),
    ("isdigit",),
    ("bool",),
)
CALLED: tuple[str | int | float | bool | None, ...] = ("a", "", "é\n", 0, 2**70, 0.5, True, None)
"""What a call may give, no two of them equal."""


def random_graph(rng: Random, size: int = 20, *, straight: bool = False) -> Graph:
    """A graph of about `size` ops as the tracer makes them: no prefixes and no forks yet.

    Every other one branches. straight: none does, and the ops are those that only the model is needed for.
    """
    policy = _Policy(rng, straight)
    builder = Builder(rng.choice(("judge", "a b", "λ")))
    program = _Region(policy, builder)
    for name in PARAMS[: rng.randint(0, len(PARAMS))]:
        default = rng.choice((None, None, "", "calm é\n"))
        program.texts.append(builder.param(name, default, loc=policy.loc()))
    program.states.append((builder.root(), None))
    region = program.region(size, 1)
    statics = {"n": 3, "flag": True, "docs": None, "x y": 0.1} if rng.random() < 0.3 else {}
    return replace(builder.finish_with(region.end, statics), region=region)


def independent(ops: Sequence[Op]) -> tuple[Op, ...]:
    """Those of the ops, each after what it reads, that wait for none of those before them that stay."""
    stay: list[Op] = []
    for op in ops:
        stack, seen = [op], set[Op]()
        while stack:
            above = [operand for operand in operands(stack.pop()) if operand not in seen]
            seen.update(above)
            stack += above
        if seen.isdisjoint(stay):
            stay.append(op)
    return tuple(stay)


def random_compiled_graph(rng: Random, size: int = 20, *, straight: bool = False) -> Graph:
    """The same, with some constant ops in the prefix and some forks, as after the passes."""
    graph = random_graph(rng, size, straight=straight)
    prefixes: dict[Op, None] = {}
    for op in graph.body:
        if isinstance(op, CONSTANT) and prefixes.keys() >= set(operands(op)) and rng.random() < 0.8:
            prefixes[op] = None

    def change(region: Region) -> tuple[tuple[Op, ...], tuple[Fork, ...]]:
        below: dict[Op, list[Op]] = {}
        for op in region.body:
            if isinstance(op, Gen | Select):
                for state in beginnings(op):
                    below.setdefault(state, []).append(op)
        forks = tuple(Fork(state, independent(members)) for state, members in below.items() if rng.random() < 0.3)
        return tuple(op for op in region.body if op not in prefixes), forks

    return replace(graph, prefixes=tuple(prefixes), region=with_regions(graph.region, change))


def graphs(max_size: int = 40) -> st.SearchStrategy[Graph]:
    """Graphs as the tracer makes them."""
    return st.builds(random_graph, st.randoms(use_true_random=False), st.integers(0, max_size))


def compiled_graphs(max_size: int = 40) -> st.SearchStrategy[Graph]:
    """Graphs as they are after the passes."""
    return st.builds(random_compiled_graph, st.randoms(use_true_random=False), st.integers(0, max_size))


def beginnings(state: Op) -> Iterator[Op]:
    """The states that a prompt is made from, the nearest first."""
    while isinstance(state, Append | Gen | Select):
        state = state.state
        yield state


def changed(graph: Graph, **changes: Any) -> Graph:
    """A graph that does not branch with other fields: its own, `body` and `forks`, or `final`, `variables`, `value`."""

    def taken(*names: str) -> dict[str, Any]:
        return {name: changes.pop(name) for name in names if name in changes}

    end = replace(graph.end, **taken("final", "variables", "value"))
    region = replace(graph.region, end=end, **taken("body", "forks"))
    return replace(graph, region=region, **changes)


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
        if isinstance(a, Trusted | Fork | End | Switch):
            return all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
        if isinstance(a, dict):
            return equal(list(a.items()), list(b.items()))
        if isinstance(a, list | tuple):
            return len(a) == len(b) and all(map(equal, a, b))
        return repr(a) == repr(b)

    def equal_ops(a: Op, b: Op) -> bool:
        return type(a) is type(b) and all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))

    def content(graph: Graph) -> list[Any]:
        return [
            graph.name,
            graph.params,
            graph.prefixes,
            graph.statics,
            list(graph.orders.items()),
            *map(flat, graph.regions),
        ]

    def flat(region: Region) -> list[Any]:
        """A region without those inside it, which come after it."""
        if isinstance(region.end, End):
            return [region.body, region.forks, region.end]
        return [region.body, region.forks, replace(region.end, cases=()), [case.values for case in region.end.cases]]

    return equal(content(one), content(two)) and all(map(equal_ops, one.ops, two.ops))


class _Policy:
    """What the programs of one seed are like."""

    def __init__(self, rng: Random, straight: bool) -> None:
        self.rng = rng
        self.straight = straight
        self.literals = rng.sample(LITERALS, rng.randint(1, 4)) if rng.random() < 0.7 else list(LITERALS)
        self.settings = [SETTINGS[0]] if rng.random() < 0.3 else list(SETTINGS)
        self.constants = rng.choice((0.2, 0.5, 0.9))
        self.forks = rng.choice((0.05, 0.4, 0.8))
        self.branches = 0 if straight else rng.choice((0, 0.6, 1))
        self.knows_earlier = rng.random() < 0.5  # whether regions are built as the tracer builds them
        self.switches = count()

    def loc(self) -> Location | None:
        if self.rng.random() < 0.5:
            return None
        return Location(self.rng.choice(("judge.py", "a b/é.py")), self.rng.randint(1, 99))


class _Region:
    """A region under construction: its texts, and its states with the role that is open in each."""

    def __init__(self, policy: _Policy, builder: Builder, around: _Region | None = None) -> None:
        self.policy = policy
        self.rng = policy.rng
        self.builder = builder
        self.texts = list(around.texts) if around else []
        self.calls = list(around.calls) if around else []
        self.metas = list(around.metas) if around else []
        self.images = list(around.images) if around else []
        self.states = list(around.states) if around else list[tuple[Op, str | None]]()
        self.answers = list(around.answers) if around else []
        self.said = 0
        self.begins: Op | None = None  # the final state of the region around it: its own begins with that

    def region(self, size: int, depth: int) -> Region:
        """About `size` ops, part of them in cases."""
        rng = self.rng
        branches = size > 4 and depth < 4 and rng.random() < self.policy.branches
        own = rng.randint(0, size) if branches else size
        actions = [self.append, self.append, self.append, self.gen, self.gen, self.select, self.text]
        if not self.policy.straight:
            actions += [self.call, self.method, self.meta, self.render]
        while self.said < own - 1:
            self.said += 1
            rng.choice(actions)()
        end = self.switch(size - own, depth) if branches else self.end()
        return Region(tuple(self.builder.body), end)

    def end(self) -> End:
        rng, builder = self.rng, self.builder
        reads = [builder.read(answer) for answer in self.answers if rng.random() < 0.8]
        variables: dict[str, Tree] = {f"v{i}": read for i, read in enumerate(reads)}
        if reads and rng.random() < 0.5:
            variables["all é"] = list[Tree](reads)
        value = self.tree(2) if rng.random() < 0.5 else None
        answers = answers_of(variables)
        for name in variables:  # the body may have changed it since
            if rng.random() < 0.2 and self.answers:
                answers[name] = rng.choice((self.answers[-1], [None, self.answers[0]]))
        return End(self.final(), variables, value, answers)

    def final(self) -> Op:
        states = [state for state, _ in self.states if self.begins is None or self.begins in prompts(state)]
        return states[-1] if self.rng.random() < 0.7 else self.rng.choice(states)

    def switch(self, size: int, depth: int) -> Switch:
        rng = self.rng
        number, final = next(self.policy.switches), self.final()
        subjects, values = rng.choice((self.asked, self.asked, self.given, self.unforeseen))()
        complete = bool(subjects) and all(subject.result is Type.BOOL for subject in subjects) and rng.random() < 0.5
        cases = rng.sample(values, len(values) if complete else rng.randint(1, min(3, len(values)))) if values else []
        inside = [Case(case, self.inner(final).region(size // len(cases), depth + 1)) for case in cases]
        is_open = not (cases and complete)
        why = rng.choice(("", "int()", 'if s["x"] == "é\n"'))
        return Switch(final, subjects, tuple(inside), is_open, number, why, self.policy.loc())

    def inner(self, final: Op) -> _Region:
        earlier = self.builder.numbered
        builder = Builder("case", earlier if self.policy.knows_earlier else None)
        builder.numbered.update(earlier)
        inside = _Region(self.policy, builder, self)
        inside.begins = final
        return inside

    def asked(self) -> tuple[tuple[Op, ...], list[tuple[Any, ...]]]:
        """Questions, and what may be answered."""
        tests = [self.test() for _ in range(self.rng.randint(1, 2))]
        return tuple(tests), list(product((True, False), repeat=len(tests)))

    def given(self) -> tuple[tuple[Op, ...], list[tuple[Any, ...]]]:
        """A text, or what a host function gives."""
        if self.calls and self.rng.random() < 0.5:
            return (self.rng.choice(self.calls),), [(value,) for value in CALLED]
        return (self.a_text(),), [(text,) for text in self.policy.literals]

    def unforeseen(self) -> tuple[tuple[Op, ...], list[tuple[Any, ...]]]:
        known = [*self.texts, *self.metas]
        return tuple(self.rng.sample(known, min(len(known), self.rng.randint(0, 2)))), []

    def state(self) -> tuple[Op, str | None]:
        return self.rng.choice(self.states) if self.rng.random() < self.policy.forks else self.states[-1]

    def a_text(self) -> Op:
        return self.rng.choice(self.texts) if self.texts else self.builder.format(["a"])

    def value(self) -> Part:
        if not self.texts or self.rng.random() < self.policy.constants:
            return self.rng.choice(self.policy.literals)
        text = self.rng.choice(self.texts)
        return Trusted(text) if self.rng.random() < 0.1 else text

    def values(self, least: int) -> list[Part]:
        return [self.value() for _ in range(self.rng.randint(least, 3))]

    def append(self) -> None:
        rng = self.rng
        if rng.random() < 0.05:
            self.states.append((self.builder.root(loc=self.policy.loc()), None))
        state, role = self.state()
        parts: list[Part] = []
        for part in self.values(1):
            if rng.random() < 0.3:
                edge = Role(role, "end") if role else Role(rng.choice(("system", "user", "assistant")), "begin")
                parts.append(edge)
                role = edge.name if edge.edge == "begin" else None
            elif self.images and rng.random() < 0.2:
                parts.append(rng.choice(self.images))
            elif not self.policy.straight and rng.random() < 0.1:
                parts.append(self.unordered())
            else:
                parts.append(part)
        self.states.append((self.builder.append(state, parts, loc=self.policy.loc()), role))

    def unordered(self) -> Op:
        """Parts in any order; sometimes a text that is used for something else, too."""
        groups = [
            [part for part in flattened(self.values(0)) if not isinstance(part, Trusted | Unordered)]
            for _ in range(self.rng.randint(2, 3))
        ]
        made = self.builder.unordered(groups, loc=self.policy.loc())
        if self.rng.random() < 0.2:
            self.texts.append(made)
        return made

    def gen(self) -> None:
        rng = self.rng
        state, role = self.state()
        for _ in range(2 if rng.random() < 0.2 else 1):
            sampling, constraint = rng.choice(self.policy.settings), rng.choice(CONSTRAINTS)
            if constraint is not None and sampling.max_tokens is None:
                sampling = replace(sampling, finish_in_time=True)
            gen = self.builder.gen(
                state,
                name=rng.choice((None, "x", "score é")),
                sampling=sampling,
                constraint=constraint,
                loc=self.policy.loc(),
            )
            self.answered(gen, role)

    def select(self) -> None:
        state, role = self.state()
        choices = [self.values(1) for _ in range(self.rng.randint(1, 3))]
        name, method = self.rng.choice((None, "verdict")), self.rng.choice(get_args(ChoicesMethod))
        self.answered(self.builder.select(state, choices, name=name, method=method, loc=self.policy.loc()), role)

    def answered(self, answer: Op, role: str | None) -> None:
        self.states.append((answer, role))
        self.answers.append(answer)
        if self.rng.random() < 0.6:
            self.texts.append(self.builder.read(answer, loc=self.policy.loc()))

    def text(self) -> None:
        if self.rng.random() < 0.3:
            path = self.rng.choice(self.texts) if self.texts else "cat.png"
            self.images.append(self.builder.image(path, self.rng.choice((None, 8)), loc=self.policy.loc()))
        else:
            self.texts.append(self.builder.format(self.values(0), loc=self.policy.loc()))

    def call(self) -> None:
        rng = self.rng
        arguments = tuple(rng.choice((*self.texts, "x", 1.5, None, (True, (self.a_text(),)))) for _ in range(2))
        keywords = (("é", self.a_text()), ("n", ())) if rng.random() < 0.3 else ()
        timeout = rng.choice((None, 60, 30.5))  # long: a machine may be busy
        call = self.builder.call(rng.choice(("search", "a b#2")), arguments, keywords, timeout=timeout)
        self.calls.append(call)
        self.texts.append(call)

    def method(self) -> None:
        name, *arguments = self.rng.choice(METHODS)
        assert isinstance(name, str)
        self.texts.append(self.builder.method(name, (self.a_text(), *arguments), loc=self.policy.loc()))

    def test(self) -> Op:
        name, *arguments = self.rng.choice(TESTS)
        assert isinstance(name, str)
        return self.builder.test(name, (self.a_text(), *arguments), loc=self.policy.loc())

    def meta(self) -> None:
        if self.answers:
            self.metas.append(self.builder.meta(self.rng.choice(self.answers), loc=self.policy.loc()))

    def render(self) -> None:
        state, _ = self.state()
        since = self.rng.choice([state, *beginnings(state)])
        self.texts.append(self.builder.render(state, since, loc=self.policy.loc()))

    def tree(self, depth: int) -> Tree:
        rng = self.rng
        kind = rng.randrange(5) if depth else rng.randrange(2)
        if kind == 0 and self.texts:
            return rng.choice(self.texts)
        if kind <= 1:
            return rng.choice(CONSTANTS)
        items = [self.tree(depth - 1) for _ in range(rng.randrange(4))]
        return {2: items, 3: tuple(items), 4: {f"k{i}": item for i, item in enumerate(items)}}[kind]
