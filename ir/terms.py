"""What a graph means, as terms: two graphs mean the same if each output has the same term in both.

Ops are pure and there is no arithmetic, so every value has a normal form: chains of appends are flattened, neighbouring
literals joined, empty ones dropped, formats dissolved where they are parts; all other ops are uninterpreted.
The parts of an `unordered` are free to stand in any order, so two graphs are compared in the order that one of them chose:
the graph before a pass is read with the orders of the graph after it, and must say the same then, part for part.
Terms are hash-consed: a term is an id in a table of tuples of ids, so equal ids of one table are equal terms, for all
arguments and whatever the model says. Names and places are no part of a term. A call of a host function does something,
so the calls of each region are part of what a graph means, whether they are read or not.

The normal form of a prompt is a chain of pieces. So that it depends neither on how literals were split nor costs more
than their characters, a run of literal text enters the chain in blocks of `BLOCK` characters counted from the run's
start, and its rest is kept aside until a piece that is no literal ends the run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from sglc.ir.builder import flattened, in_order
from sglc.ir.errors import IRError, Location
from sglc.ir.graph import Graph, Orders, Region, Switch, Tree
from sglc.ir.ops import (
    Append,
    Argument,
    Call,
    Format,
    Gen,
    Image,
    Meta,
    Method,
    Op,
    Param,
    Part,
    Read,
    Render,
    Role,
    Root,
    Select,
    Test,
    Trusted,
    Unordered,
)
from sglc.ir.printer import quoted

BLOCK = 256

Table: TypeAlias = dict[Hashable, int]
Fact: TypeAlias = tuple[str, object]
"""One thing that a graph says: what it is about, for a person, and what it says, comparable."""
Chain: TypeAlias = tuple[int, str]
"""A chain of pieces: the id of all but the last literal text, and the rest of that text, shorter than BLOCK."""


def terms(graph: Graph, table: Table, orders: Orders = MappingProxyType({})) -> dict[Op, int]:
    """The term of each op of a valid graph, as an id of `table`. Linear in the graph and its literals. orders: besides the
    graph's own."""
    return _Terms(table, {**orders, **graph.orders}).of(graph)


def check_same_meaning(before: Graph, after: Graph) -> None:
    """Raises `IRError` naming the first thing that `after` says differently: a param, a static, or an output."""
    table: Table = {}
    check_same(meaning(before, table, after.orders), meaning(after, table))


def meaning(graph: Graph, table: Table, orders: Orders = MappingProxyType({})) -> list[Fact]:
    """All that a valid graph says, in one order: equal for graphs that mean the same, if `table` is one. orders: as for
    `terms`."""
    facts: list[Fact] = [
        ("the parameters", _params(graph)),
        ("the statics", _constants(graph.statics)),
        ("the order of parts", _placed({**orders, **graph.orders})),
    ]
    term = terms(graph, table, orders)
    for region in graph.regions:
        facts.extend(_said(region, term))
    return facts


def check_same(before: list[Fact], after: list[Fact]) -> None:
    """Raises `IRError` naming the first fact that differs. Facts that are equal so far stand in equal places: they say
    how a region ends, with how many cases, and which variables it has."""
    for (what, one), (_, two) in zip(before, after, strict=False):
        if one != two:
            hint = "the rewrite is wrong; the graph before it is still right"
            raise IRError(f"{what} changed its meaning", hint=hint)


def _said(region: Region, term: dict[Op, int]) -> Iterator[Fact]:
    end = region.end
    yield "the program's text", term[end.final]
    yield "the calls of host functions", {term[op] for op in region.body if isinstance(op, Call)}
    yield "what the program branches on", _switch(end, term)
    if isinstance(end, Switch):
        return
    yield "the names of the variables", list(end.variables)
    for name, tree in end.variables.items():
        yield f"the variable {quoted(name)}", _tree(tree, term)
    yield "the variables that are answers", list(end.answers)
    for name, tree in end.answers.items():
        yield f"the answer in {quoted(name)}", _tree(tree, term)
    yield "the return value", _tree(end.value, term)


def _switch(end: object, term: dict[Op, int]) -> Hashable:
    if not isinstance(end, Switch):
        return None
    cases = tuple(tuple((type(value).__name__, repr(value)) for value in case.values) for case in end.cases)
    return tuple(term[subject] for subject in end.subjects), cases, end.open, end.number


def _params(graph: Graph) -> list[tuple[str, str | None]]:
    return [(param.name, param.default) for param in graph.params]


def _constants(statics: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    return {path: (type(value).__name__, repr(value)) for path, value in statics.items()}


def _placed(orders: Orders) -> dict[Location, tuple[int, ...]]:
    return {place: order.places for place, order in orders.items() if order.places is not None}


def _tree(tree: Tree, term: dict[Op, int]) -> Hashable:
    """A result with terms for values; types are kept apart (1, 1.0, True), and so are lists and tuples."""
    if isinstance(tree, Op):
        return ("term", term[tree])
    if isinstance(tree, dict):
        return ("dict", *((key, _tree(value, term)) for key, value in tree.items()))
    if isinstance(tree, list | tuple):
        return (type(tree).__name__, *(_tree(value, term) for value in tree))
    return (type(tree).__name__, repr(tree))


class _Terms:
    def __init__(self, table: Table, orders: Orders) -> None:
        self.table = table
        self.orders = orders
        self.root = self.id("root")
        self.text = self.id("text")
        self.chains: dict[Op, Chain] = {}  # of states and formats
        self.terms: dict[Op, int] = {}  # of all others, and of those chains that were asked for
        self.alone: dict[int, int] = {}  # a text of one value only -> that value

    def id(self, key: Hashable) -> int:
        return self.table.setdefault(key, len(self.table))

    def of(self, graph: Graph) -> dict[Op, int]:
        for op in graph.ops:
            match op:
                case Append():
                    self.chains[op] = self.extended(self.chains[op.state], op.parts)
                case Gen():
                    greedy = op.sampling.temperature == 0  # equal prompts then have equal answers
                    self.answer(
                        op, ("gen", self.term(op.state), op.sampling, op.constraint, None if greedy else op.number)
                    )
                case Read():
                    self.terms[op] = self.id(("read", self.term(op.state)))
                case Param():
                    self.terms[op] = self.id(("param", op.name))
                case Select():
                    choices = tuple(self.ended(self.extended((self.text, ""), choice)) for choice in op.choices)
                    self.answer(op, ("select", self.term(op.state), choices, op.method))
                case Call():
                    keywords = tuple((key, self.argument(value)) for key, value in op.keywords)
                    key = (
                        "call",
                        op.function,
                        self.argument(op.arguments),
                        keywords,
                        op.timeout,
                        op.dropped,
                        op.number,
                    )
                    self.terms[op] = self.id(key)
                case Method() | Test():
                    self.terms[op] = self.id((type(op).__name__, op.name, self.argument(op.arguments)))
                case Meta():
                    self.terms[op] = self.id(("meta", self.term(op.state)))
                case Render():
                    self.terms[op] = self.id(("render", self.term(op.state), self.term(op.since)))
                case Format():
                    self.chains[op] = self.format(op)
                case Unordered():
                    self.chains[op] = self.extended((self.text, ""), in_order(op, self.orders))
                case Image():
                    self.terms[op] = self.id(("image", self.term(op.path), op.frames))
                case Root():
                    self.chains[op] = (self.root, "")
                case _:
                    raise TypeError(f"no term for {type(op).__name__}")
        return {op: self.term(op) for op in graph.ops}

    def term(self, op: Op) -> int:
        if op not in self.terms:
            self.terms[op] = self.ended(self.chains[op])
        return self.terms[op]

    def ended(self, chain: Chain) -> int:
        base, tail = chain
        return self.id(("literal", base, tail)) if tail else self.alone.get(base, base)

    def answer(self, op: Op, key: Hashable) -> None:
        self.terms[op] = self.id(key)
        self.chains[op] = (self.terms[op], "")

    def argument(self, argument: Argument) -> Hashable:
        if isinstance(argument, Op):
            return ("term", self.term(argument))
        if isinstance(argument, tuple | list):
            return (type(argument).__name__, *map(self.argument, argument))
        if isinstance(argument, dict):
            return ("dict", *((key, self.argument(value)) for key, value in argument.items()))
        return (type(argument).__name__, repr(argument))

    def format(self, op: Format) -> Chain:
        first = op.parts[0] if op.parts else None
        if isinstance(first, Format):  # text that grows in a loop: not walked anew each time
            return self.extended(self.chains[first], op.parts[1:])
        return self.extended((self.text, ""), op.parts)

    def extended(self, chain: Chain, parts: Iterable[Part]) -> Chain:
        base, tail = chain
        for part in flattened(parts, self.orders):
            if isinstance(part, str):
                tail += part
                blocks = len(tail) // BLOCK * BLOCK
                for start in range(0, blocks, BLOCK):
                    base = self.id(("literal", base, tail[start : start + BLOCK]))
                tail = tail[blocks:]
                continue
            if tail:
                base, tail = self.id(("literal", base, tail)), ""
            match part:
                case Role():
                    base = self.id((part.edge, base, part.name))
                case Trusted():
                    base = self.id(("trusted", base, self.term(part.text)))
                case _:
                    before, value = base, self.term(part)
                    base = self.id(("value", before, value))
                    if before == self.text:
                        self.alone[base] = value
        return base, tail
