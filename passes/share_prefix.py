"""Makes equal values one, and gives prompts that begin alike a state where they part.

    %1 = append %0, ["Judge the style of ", %x]        =>   %1 = append %0, ["Judge the "]
    %2 = gen %1 {number=0}                                  %2 = append %1, ["style of ", %x]
    %3 = append %0, ["Judge the logic of ", %x]             %3 = gen %2 {number=0}
    %4 = gen %3 {number=1}                                  %4 = append %1, ["logic of ", %x]
                                                            %5 = gen %4 {number=1}

All roots are one. Prompts are equal where their parts are, wherever appends cut them; so are texts, images, selects and
greedy gens (`temperature=0` in the program) of equal operands and attributes, whatever their names and numbers. Other
gens are samples, each of its own. Regions share with those around them texts, but no longer prompts: only one of a
switch's cases runs. A shared beginning ends between words: inside one there is no token to win. A state
that only a single longer prompt goes on from is dissolved in it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sglc.ir.errors import Location
from sglc.ir.graph import Graph, Region
from sglc.ir.ops import (
    Append,
    Argument,
    Format,
    Gen,
    Image,
    Method,
    Op,
    Part,
    Read,
    Root,
    Select,
    Test,
    Trusted,
    Type,
    Unordered,
    operands,
    with_operands,
)
from sglc.passes.prefix_tree import Node, parting
from sglc.passes.rebuild import joined, rebuilt


def share_prefix(graph: Graph) -> Graph:
    needed = _needed_elsewhere(graph)
    new: dict[Op, Op] = {param: param for param in graph.params}
    first: dict[Op, Op] = dict(new)
    top = _Section(first, new, {})
    top.classify((*graph.prefixes, *graph.region.body))
    top.mark_needed(needed[graph.region], graph.prefixes)
    prefixes = top.emitted(graph.prefixes)
    around: dict[Region, _Section] = {}  # region -> the section of the region around it
    path = [top]  # of the regions around the one that is looked at

    def body(region: Region) -> Iterable[Op]:
        section = top
        if region is not graph.region:
            while path[-1] is not around[region]:
                path.pop().forget()
            section = _Section(first, new, top.by_key)
            path.append(section)
            section.classify(region.body)
            section.mark_needed(needed[region])
        out = section.emitted(region.body)
        section.finish()
        around.update(dict.fromkeys(region.inside(), section))
        return out

    return rebuilt(graph, prefixes, body, new.__getitem__)


def share_constants(graph: Graph) -> Graph:
    """The same among the prefixes alone: what was hoisted out of different cases begins alike only then."""
    new: dict[Op, Op] = {}
    section = _Section({}, new, {})
    section.classify(graph.prefixes)
    read = dict.fromkeys(chain(graph.outputs(), *map(operands, graph.body)))
    section.mark_needed(op for op in read if op in section.nodes)
    prefixes = section.emitted(graph.prefixes)
    section.finish()

    def current(op: Op) -> Op:
        return new.get(op, op)

    def body(region: Region) -> Iterable[Op]:
        for op in region.body:
            new[op] = with_operands(op, current)
            yield new[op]

    return rebuilt(graph, prefixes, body, current)


def _needed_elsewhere(graph: Graph) -> dict[Region, list[Op]]:
    """For each region those of its ops that an end or a region inside it reads."""
    home = {op: region for region in graph.regions for op in region.body}
    home.update(dict.fromkeys(graph.prefixes, graph.region))
    needed: dict[Region, list[Op]] = {region: [] for region in graph.regions}
    for region in graph.regions:
        read = (x for op in region.body for x in operands(op) if home.get(x) is not region)
        for op in chain(region.end.outputs(), read):
            if op in home:
                needed[home[op]].append(op)
    return needed


@dataclass(slots=True)
class _Section:
    """The ops of one region, with the prefixes for the outermost.

    first:  for each op but appends the first op equal to it; also of the regions around this one.
    new:    for each op what takes its place; complete for the regions around this one.
    by_key: the first op of each class; also of the regions around this one. One table for all, in which a region's own
            classes, `keys`, are forgotten behind its end.
    nodes:  for each state its node; equal states have the same. States of regions around this one begin trees here.
    around: those states in the new graph -> their nodes.
    """

    first: dict[Op, Op]
    new: dict[Op, Op]
    by_key: dict[Hashable, Op]
    keys: list[Hashable] = field(default_factory=list["Hashable"])
    nodes: dict[Op, Node] = field(default_factory=dict[Op, Node])
    around: dict[Op, Node] = field(default_factory=dict[Op, Node])
    ops: Sequence[Op] = ()

    def classify(self, ops: Sequence[Op]) -> None:
        self.ops = ops
        for op in ops:
            if isinstance(op, Append):
                node = self.node(op.state)
                for part in op.parts:
                    node = node.extended(_with_value(part, self.first_of), op.loc)
                node.append = node.append or op
                self.nodes[op] = node
            else:
                key = self.key(op)
                first = self.first[op] = self.by_key.setdefault(key, op)
                if first is op:
                    self.keys.append(key)
                if op.result is Type.STATE:
                    self.nodes[op] = Node(state=op, needed=True) if first is op else self.node(first)

    def node(self, state: Op) -> Node:
        if state not in self.nodes:
            there = self.new[state]
            self.nodes[state] = self.around.setdefault(there, Node(state=there, needed=True))
        return self.nodes[state]

    def first_of(self, op: Op) -> Op:
        return self.first.get(op, op)

    def key(self, op: Op) -> Hashable:
        match op:
            case Root():
                return Root
            case Gen():
                greedy = op.sampling.temperature == 0
                return Gen, self.node(op.state), op.sampling, op.constraint, None if greedy else op.number
            case Select():
                return Select, self.node(op.state), tuple(map(self.parts_key, op.choices)), op.method
            case Read():
                return Read, self.first_of(op.state)
            case Format():
                return Format, self.parts_key(op.parts)
            case Unordered():
                return Unordered, op.loc, tuple(map(self.parts_key, op.groups))
            case Method() | Test():
                return type(op), op.name, self.argument_key(op.arguments)
            case Image():
                return Image, self.first_of(op.path), op.frames
            case _:
                return op

    def parts_key(self, parts: tuple[Part, ...]) -> Hashable:
        values = (_with_value(part, self.first_of) for part in joined(parts))
        return tuple((value.text,) if isinstance(value, Trusted) else value for value in values)

    def argument_key(self, argument: Argument) -> Hashable:
        if isinstance(argument, Op):
            return self.first_of(argument)
        if isinstance(argument, tuple | list):
            return tuple(map(self.argument_key, argument))
        return type(argument), argument

    def forget(self) -> None:
        for key in self.keys:
            del self.by_key[key]

    def mark_needed(self, outside: Iterable[Op], prefixes: Iterable[Op] = ()) -> None:
        """Marks the prompts that are states of the new graph: what is read outside of appends and outside of this
        section, ends that nothing reads, where prompts part, and prefixes that the body goes on from."""
        nodes = self.nodes
        for op in outside:
            if op in nodes:
                nodes[op].needed = True
        for op in self.ops:
            if not isinstance(op, Append):
                for state in operands(op):
                    if state in nodes:
                        nodes[state].needed = True
        everywhere = _with_all_above(nodes.values())
        for node in everywhere:
            node.needed = node.needed or not node.children
        for node in everywhere:
            if len(node.children) > 1 and (shared := parting(node)):
                shared.needed = True

        hoisted = {nodes[op] for op in prefixes if op in nodes}
        constant = set(_with_all_above(hoisted))
        passed: set[Node] = set()
        for start in nodes.values():
            node = None if start in constant else start.parent
            while node is not None and not (node.needed or node in hoisted or node in passed):
                passed.add(node)
                node = node.parent
            if node in hoisted:
                node.needed = True

    def emitted(self, ops: Iterable[Op]) -> list[Op]:
        """One op a class, each where the first of its class (or the first prompt through it) stood."""
        out: list[Op] = []
        for op in ops:
            if isinstance(op, Append):
                if self.nodes[op].needed:
                    self.emit(op, out)
            elif self.first[op] is op:
                self.new[op] = with_operands(op, self.current)
                out.append(self.new[op])
                if op in self.nodes:
                    self.nodes[op].state = self.new[op]
            else:
                self.new[op] = self.new[self.first[op]]
        return out

    def emit(self, append: Append, out: list[Op]) -> None:
        """Emits the append's prompt, and before it those needed on the way to it."""
        path: list[Node] = []
        node = self.nodes[append]
        while node.state is None:
            path.append(node)
            assert node.parent is not None  # the state at the beginning of the tree came first
            node = node.parent
        state: Op = node.state
        parts: list[Part] = []
        loc: Location | None = None
        for node in reversed(path):
            assert node.part is not None  # only the beginning has none
            loc = loc if parts else node.loc
            parts.append(_with_value(node.part, self.current))
            if node.needed:
                made = Append(state=state, parts=joined(tuple(parts)), loc=loc)
                same = node.append and node.append.state is made.state and node.append.parts == made.parts
                state = node.state = node.append if node.append and same else made
                out.append(state)
                parts.clear()

    def current(self, op: Op) -> Op:
        if op not in self.nodes:
            return self.new.get(op, op)
        state = self.nodes[op].state
        assert state is not None  # it was emitted, because this op reads it
        return state

    def finish(self) -> None:
        """Makes the states known to the regions inside this one."""
        for op, node in self.nodes.items():
            if node.state is not None:
                self.new[op] = node.state


def _with_all_above(nodes: Iterable[Node]) -> list[Node]:
    found: dict[Node, None] = {}
    for start in nodes:
        node: Node | None = start
        while node is not None and node not in found:
            found[node] = None
            node = node.parent
    return list(found)


def _with_value(part: Part, new: Callable[[Op], Op]) -> Part:
    """The part with its value, where it is one, replaced by `new(value)`."""
    if isinstance(part, Trusted):
        text = new(part.text)
        return part if text is part.text else Trusted(text)
    return new(part) if isinstance(part, Op) else part
