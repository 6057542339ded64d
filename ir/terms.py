"""What a graph means, as terms: two graphs mean the same if each output has the same term in both.

Ops are pure and there is no arithmetic, so every value has a normal form: chains of appends are flattened, neighbouring
literals joined, empty ones dropped, formats dissolved where they are parts; gen, select and image are uninterpreted.
Terms are hash-consed: a term is an id in a table of tuples of ids, so equal ids of one table are equal terms, for all
arguments and whatever the model says. Names and places are no part of a term.

The normal form of a prompt is a chain of pieces. So that it depends neither on how literals were split nor costs more
than their characters, a run of literal text enters the chain in blocks of `BLOCK` characters counted from the run's
start, and its rest is kept aside until a piece that is no literal ends the run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeAlias

from sglc.ir.builder import flattened
from sglc.ir.errors import IRError
from sglc.ir.graph import Graph, Tree
from sglc.ir.ops import Append, Format, Gen, Image, Op, Param, Part, Read, Role, Root, Select, Trusted
from sglc.ir.printer import quoted

BLOCK = 256

Table: TypeAlias = dict[Hashable, int]
Chain: TypeAlias = tuple[int, str]
"""A chain of pieces: the id of all but the last literal text, and the rest of that text, shorter than BLOCK."""


def terms(graph: Graph, table: Table) -> dict[Op, int]:
    """The term of each op of a valid graph, as an id of `table`. Linear in the graph and its literals."""
    return _Terms(table).of(graph)


def check_same_meaning(before: Graph, after: Graph) -> None:
    """Raises `IRError` naming the first thing that `after` says differently: a param, a static, or an output."""
    _same("the parameters", _params(before), _params(after))
    _same("the statics", _constants(before.statics), _constants(after.statics))
    _same("the names of the variables", list(before.variables), list(after.variables))
    table: Table = {}
    old, new = terms(before, table), terms(after, table)
    _same("the program's text", old[before.final], new[after.final])
    for name, tree in before.variables.items():
        _same(f"the variable {quoted(name)}", _tree(tree, old), _tree(after.variables[name], new))
    _same("the return value", _tree(before.value, old), _tree(after.value, new))


def _same(what: str, before: object, after: object) -> None:
    if before != after:
        raise IRError(f"{what} changed its meaning", hint="the rewrite is wrong; the graph before it is still right")


def _params(graph: Graph) -> list[tuple[str, str | None]]:
    return [(param.name, param.default) for param in graph.params]


def _constants(statics: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    return {path: (type(value).__name__, repr(value)) for path, value in statics.items()}


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
    def __init__(self, table: Table) -> None:
        self.table = table
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
                    self.answer(op, ("gen", self.term(op.state), op.sampling, op.regex, None if greedy else op.sample))
                case Read():
                    self.terms[op] = self.id(("read", self.term(op.state)))
                case Param():
                    self.terms[op] = self.id(("param", op.name))
                case Select():
                    choices = tuple(self.ended(self.extended((self.text, ""), choice)) for choice in op.choices)
                    self.answer(op, ("select", self.term(op.state), choices))
                case Format():
                    self.chains[op] = self.format(op)
                case Image():
                    self.terms[op] = self.id(("image", self.term(op.path)))
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

    def format(self, op: Format) -> Chain:
        first = op.parts[0] if op.parts else None
        if isinstance(first, Format):  # text that grows in a loop: not walked anew each time
            return self.extended(self.chains[first], op.parts[1:])
        return self.extended((self.text, ""), op.parts)

    def extended(self, chain: Chain, parts: Iterable[Part]) -> Chain:
        base, tail = chain
        for part in flattened(parts):
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
