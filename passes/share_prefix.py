"""Makes equal values one, and gives prompts that begin alike a state where they part.

    %1 = append %0, ["Judge the style of ", %x]        =>   %1 = append %0, ["Judge the "]
    %2 = gen %1 {sample=0}                                  %2 = append %1, ["style of ", %x]
    %3 = append %0, ["Judge the logic of ", %x]             %3 = gen %2 {sample=0}
    %4 = gen %3 {sample=1}                                  %4 = append %1, ["logic of ", %x]
                                                            %5 = gen %4 {sample=1}

All roots are one. Prompts are equal where their parts are, wherever appends cut them; so are texts, images, selects and
greedy gens (`temperature=0` in the program) of equal operands and attributes, whatever their names and numbers. Other
gens are samples, each of its own. A shared beginning ends between words: inside one there is no token to win. A state
that only a single longer prompt goes on from is dissolved in it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from sglc.ir.errors import Location
from sglc.ir.graph import Graph
from sglc.ir.ops import Append, Format, Gen, Image, Op, Part, Read, Root, Select, Trusted, Type, operands, with_operands
from sglc.passes.prefix_tree import Node, parting
from sglc.passes.rebuild import joined, rebuilt


def share_prefix(graph: Graph) -> Graph:
    first, nodes = _classes(graph)
    _mark_needed(graph, nodes)
    return _emitted(graph, first, nodes)


def _classes(graph: Graph) -> tuple[dict[Op, Op], dict[Op, Node]]:
    """For each op but appends the first op equal to it, and for each state its node; equal states have the same."""
    first: dict[Op, Op] = {}
    nodes: dict[Op, Node] = {}
    by_key: dict[Hashable, Op] = {}

    def parts_key(parts: tuple[Part, ...]) -> Hashable:
        values = (_with_value(part, first.__getitem__) for part in joined(parts))
        return tuple((value.text,) if isinstance(value, Trusted) else value for value in values)

    def key(op: Op) -> Hashable:
        match op:
            case Root():
                return Root
            case Gen():
                greedy = op.sampling.temperature == 0
                return Gen, nodes[op.state], op.sampling, op.regex, None if greedy else op.sample
            case Select():
                return Select, nodes[op.state], tuple(map(parts_key, op.choices))
            case Read():
                return Read, first[op.state]
            case Format():
                return Format, parts_key(op.parts)
            case Image():
                return Image, first[op.path]
            case _:
                return op

    for op in graph.ops:
        if isinstance(op, Append):
            node = nodes[op.state]
            for part in op.parts:
                node = node.extended(_with_value(part, first.__getitem__), op.loc)
            node.append = node.append or op
            nodes[op] = node
        else:
            first[op] = by_key.setdefault(key(op), op)
            if op.result is Type.STATE:
                nodes[op] = nodes[first[op]] if first[op] is not op else Node(state=op, needed=True)
    return first, nodes


def _mark_needed(graph: Graph, nodes: dict[Op, Node]) -> None:
    """Marks the prompts that are states of the new graph: what gens, selects and results read, ends that nothing reads,
    where prompts part, and prefixes that the body goes on from."""
    for op in graph.outputs():
        if op in nodes:
            nodes[op].needed = True
    for op in graph.ops:
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

    hoisted = {nodes[op] for op in graph.prefixes if op in nodes}
    constant = set(_with_all_above(hoisted))
    passed: set[Node] = set()
    for start in nodes.values():
        node = None if start in constant else start.parent
        while node is not None and not (node.needed or node in hoisted or node in passed):
            passed.add(node)
            node = node.parent
        if node in hoisted:
            node.needed = True


def _with_all_above(nodes: Iterable[Node]) -> list[Node]:
    found: dict[Node, None] = {}
    for start in nodes:
        node: Node | None = start
        while node is not None and node not in found:
            found[node] = None
            node = node.parent
    return list(found)


def _emitted(graph: Graph, first: dict[Op, Op], nodes: dict[Op, Node]) -> Graph:
    """The graph of one op a class, each where the first of its class (or the first prompt through it) stood."""
    new: dict[Op, Op] = {param: param for param in graph.params}

    def current(op: Op) -> Op:
        if op not in nodes:
            return new.get(op, op)
        state = nodes[op].state
        assert state is not None  # it was emitted, because this op reads it
        return state

    def emit(append: Append, out: list[Op]) -> None:
        """Emits the append's prompt, and before it those needed on the way to it."""
        path: list[Node] = []
        node = nodes[append]
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
            parts.append(_with_value(node.part, current))
            if node.needed:
                made = Append(state=state, parts=joined(tuple(parts)), loc=loc)
                same = node.append and node.append.state is made.state and node.append.parts == made.parts
                state = node.state = node.append if node.append and same else made
                out.append(state)
                parts.clear()

    def section(ops: tuple[Op, ...]) -> list[Op]:
        out: list[Op] = []
        for op in ops:
            if isinstance(op, Append):
                if nodes[op].needed:
                    emit(op, out)
            elif first[op] is op:
                new[op] = with_operands(op, current)
                out.append(new[op])
                if op in nodes:
                    nodes[op].state = new[op]
            else:
                new[op] = new[first[op]]
        return out

    return rebuilt(graph, section(graph.prefixes), section(graph.body), current)


def _with_value(part: Part, new: Callable[[Op], Op]) -> Part:
    """The part with its value, where it is one, replaced by `new(value)`."""
    if isinstance(part, Trusted):
        text = new(part.text)
        return part if text is part.text else Trusted(text)
    return new(part) if isinstance(part, Op) else part
