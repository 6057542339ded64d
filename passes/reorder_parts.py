"""Puts the parts of an `unordered` in the order that shares most: what varies least comes first.

    program p {                                       =>   program p {
      %x = param "x"                                         %x = param "x"
      %0 = root                                              %0 = root
      %1 = unordered [[%x], ["Like these: ..."]] @ "p.py":3  %1 = append %0, ["Like these: ...", %x, "?"]
      %2 = append %0, [%1, "?"]                              %2 = gen %1 {number=0}
      %3 = gen %2 {number=0}                                 order "p.py":3 = [1, 0]
      final %3                                               final %2
    }                                                      }

Constants come first, then what is made of arguments, of fewer arguments first, then what holds answers; equal parts stay as
they were written. All ops of one place in the program get one order. The parts stay as they were written, and the graph says
why, where the program may depend on their order: where its own Python, or a host function, gets to see the text.

What is put in order is text like any other: the op goes, its parts stand in the prompt. (`Graph.orders` remembers the order,
for the replays of the program's function.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from sglc.ir.builder import flattened, in_order
from sglc.ir.errors import Location
from sglc.ir.graph import Graph, Order, Orders
from sglc.ir.ops import (
    Append,
    Call,
    Format,
    Meta,
    Op,
    Param,
    Part,
    Read,
    Render,
    Type,
    Unordered,
    operands,
    prompts,
    with_operands,
)
from sglc.passes.rebuild import joined, rebuilt

Made: TypeAlias = "Mapping[Op, frozenset[Op] | None]"
"""text -> the arguments that it is made of; None where answers are in it."""

Rank: TypeAlias = tuple[int, int]
"""How much a part varies: what kind of values it is made of, and how many arguments."""

CONSTANT, CONSTANT_HERE, ARGUMENTS, ANSWERS = range(4)
"""CONSTANT_HERE: no argument and no answer is in it, but another text stands at the same place in a loop or a case."""


def reorder_parts(graph: Graph) -> Graph:
    if not any(isinstance(op, Unordered) for op in graph.ops):
        return graph
    return _without_dissolved(in_orders(graph, _orders(graph)))


def in_orders(graph: Graph, orders: Orders) -> Graph:
    """The graph with these orders, and with the parts themselves in the place of each `unordered`."""
    apart = {x for op in graph.ops if not isinstance(op, Append) for x in operands(op)}.union(graph.outputs())
    new: dict[Op, Op] = {}

    def section(ops: Iterable[Op]) -> Iterator[Op]:
        for op in ops:
            moved = with_operands(op, lambda x: new.get(x, x))
            if isinstance(moved, Append) and any(isinstance(x, Unordered) for x in operands(op)):
                moved = replace(moved, parts=tuple(flattened(moved.parts, orders)))
            elif isinstance(moved, Unordered) and op in apart:
                moved = Format(parts=in_order(moved, orders), loc=moved.loc)
            new[op] = moved
            if not isinstance(moved, Unordered):
                yield moved

    prefixes = tuple(section(graph.prefixes))  # before the regions that read them
    made = rebuilt(graph, prefixes, lambda region: section(region.body), lambda op: new.get(op, op))
    return replace(made, orders=orders)


def _without_dissolved(graph: Graph) -> Graph:
    """Without the formats that nobody reads: of those that stood in an `unordered` the prompts hold the parts now."""
    read = {*graph.outputs()}
    for op in reversed(graph.ops):
        if not isinstance(op, Format) or op in read:
            read.update(operands(op))

    def stays(op: Op) -> bool:
        return not isinstance(op, Format) or op in read

    return rebuilt(graph, filter(stays, graph.prefixes), lambda region: filter(stays, region.body))


def _orders(graph: Graph) -> dict[Location, Order]:
    """The order of each place where it is another one than the written, or would be if it were safe."""
    places: defaultdict[Location, list[Unordered]] = defaultdict(list)
    for op in graph.ops:
        if isinstance(op, Unordered) and op.loc is not None:  # without a place no replay could follow
            places[op.loc].append(op)
    made, whys = _made(graph), dict(_whys(graph))
    orders = {place: order for place, order in graph.orders.items() if order.places is not None}
    for place, ops in places.items():
        counts = sorted({len(op.groups) for op in ops})
        if len(counts) > 1:
            whys.setdefault(place, f"{', '.join(map(str, counts[:-1]))} and {counts[-1]} parts stand at this line")
        ranks = [_rank([op.groups[number] for op in ops], made) for number in range(counts[0])]
        best = tuple(sorted(range(counts[0]), key=ranks.__getitem__))
        if place in whys and (len(counts) > 1 or list(best) != sorted(best)):
            orders[place] = Order(None, whys[place])
        elif list(best) != sorted(best):
            orders[place] = Order(best)
    return orders


def _made(graph: Graph) -> Made:
    made: dict[Op, frozenset[Op] | None] = {}
    for op in graph.ops:
        if isinstance(op, Param):
            made[op] = frozenset((op,))
        elif isinstance(op, Read | Call | Meta | Render):
            made[op] = None
        elif op.result is Type.TEXT:
            made[op] = _together(operands(op), made)
    return made


def _together(values: Sequence[Op], made: Made) -> frozenset[Op] | None:
    together: frozenset[Op] = frozenset()
    for value in values:
        arguments = made[value]
        if arguments is None:
            return None
        together = together | arguments if together else arguments
    return together


def _rank(groups: Sequence[tuple[Part, ...]], made: Made) -> Rank:
    """Of a part in all ops of its place: the one that varies most counts."""
    ranks: list[Rank] = []
    for group in groups:
        arguments = _together([part for part in group if isinstance(part, Op)], made)
        ranks.append((ANSWERS, 0) if arguments is None else (ARGUMENTS, len(arguments)) if arguments else (CONSTANT, 0))
    worst = max(ranks)
    same = len({joined(group) for group in groups}) == 1
    return worst if same or worst[0] != CONSTANT else (CONSTANT_HERE, 0)


def _whys(graph: Graph) -> Iterator[tuple[Location, str]]:
    """The places that keep the order in which they were written, and why."""
    for place, order in graph.orders.items():  # what the tracer saw
        if order.places is None:
            yield place, order.why
    for op in graph.ops:
        if not isinstance(op, Append):
            yield from ((place, f"its text is used{_at(op)}") for place in _places(operands(op)))
    yield from ((place, "its text is a result of the program") for place in _places(graph.outputs()))
    seen: defaultdict[Op, set[Op]] = defaultdict(set)  # since a state -> those that were looked at
    for op in graph.ops:
        if isinstance(op, Render):
            for state in prompts(op.state):
                if state is op.since or state in seen[op.since]:
                    break
                seen[op.since].add(state)
                if isinstance(state, Append):
                    why = f"the text that holds it is read{_at(op)}"
                    yield from ((place, why) for place in _places(operands(state)))


def _places(ops: Iterable[Op]) -> Iterator[Location]:
    return (op.loc for op in ops if isinstance(op, Unordered) and op.loc is not None)


def _at(op: Op) -> str:
    return f" at {op.loc}" if op.loc else ""
