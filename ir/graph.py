"""A program as data: ops in an order in which each comes after what it reads, and what the program gives back.

Where a program asks what a text is, its graph branches: the ops after the question stand in regions, one for each
answer that was foreseen. Regions never meet again, so a graph is a tree of regions, and each way from the top to an end
is one path of the program. An op is known in its own region and in those inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias, TypeVar

from sglc.ir.errors import Location
from sglc.ir.ops import Op, Param, Read, operands, with_operands

MAX_REGIONS = 200
"""Of regions inside each other; the verifier and the parser refuse more."""

T = TypeVar("T")

Static: TypeAlias = "bool | int | float | str | None"
Tree: TypeAlias = "Op | bool | int | float | str | list[Tree] | tuple[Tree, ...] | dict[str, Tree] | None"
"""A result: plain Python data whose leaves may be values of type text."""


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """Gens and selects that extend `state` and do not wait for each other: they run at once and share its KV."""

    state: Op
    members: tuple[Op, ...]


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """The end of a path.

    final:     the state whose text is the program's text.
    variables: name -> text, or a list of texts (a joined fork), in the order of first assignment.
    value:     what the Python function returned.
    answers:   name -> the gen or select that filled the variable, where one did; a list for a list, with None for what
               else is in it. The body may have changed the variable since.
    """

    final: Op
    variables: dict[str, Tree]
    value: Tree = None
    answers: dict[str, Tree] = field(default_factory=dict[str, "Tree"])

    def outputs(self) -> Iterator[Op]:
        """The ops that the program gives back."""
        yield self.final
        yield from leaves(self.variables)
        yield from leaves(self.value)
        yield from leaves(self.answers)


@dataclass(frozen=True, slots=True, eq=False)
class Switch:
    """The program goes on in the region of the case whose values are those of the subjects.

    final:    the program's prompt so far; that of every path from here on begins with it.
    subjects: tests, texts and data that were asked for.
    cases:    () for an exit: the way on was not traced.
    open:     there may be other values. The runtime then leaves the compiled paths: it runs the Python function on with
              what is known, and adds the region that comes of it.
    number:   of this switch in the graph; what the tracer knows of it is kept under it.
    why:      what was asked for, in words.
    """

    final: Op
    subjects: tuple[Op, ...]
    cases: tuple[Case, ...] = ()
    open: bool = True
    number: int = 0
    why: str = ""
    loc: Location | None = None

    def outputs(self) -> Iterator[Op]:
        """The ops that the program needs in order to go on."""
        yield self.final
        yield from self.subjects


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Ops that run together, and how it goes on after them. forks: what `detect_forks` found; () before it ran."""

    body: tuple[Op, ...]
    end: End | Switch
    forks: tuple[Fork, ...] = ()

    def inside(self) -> tuple[Region, ...]:
        """The regions of the cases."""
        return tuple(case.region for case in self.end.cases) if isinstance(self.end, Switch) else ()

    def regions(self) -> Iterator[Region]:
        """This region and all in it, each before what is inside it, in the order of the cases."""
        stack: list[Region] = [self]
        while stack:
            region = stack.pop()
            yield region
            stack.extend(reversed(region.inside()))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """values: one for each subject of the switch."""

    values: tuple[Static, ...]
    region: Region


@dataclass(frozen=True, slots=True)
class Order:
    """How the parts of an `unordered` stand at one place of the program.

    places: for each part the place where it was written, in their new order; None: as written. why: what keeps them there,
    where another order would share more.
    """

    places: tuple[int, ...] | None
    why: str = ""

    def put(self, parts: Sequence[T]) -> tuple[T, ...]:
        """The parts in this order; as written where they are more or fewer."""
        if self.places is None or len(self.places) != len(parts):
            return tuple(parts)
        return tuple(parts[place] for place in self.places)


Orders: TypeAlias = "Mapping[Location, Order]"
"""Of the places that have one; elsewhere parts stand as written."""

AS_WRITTEN = Order(None)


@dataclass(frozen=True, eq=False, repr=False)  # no slots: what is computed from the fields is kept
class Graph:
    """One traced program.

    params:   the texts among its arguments, in the order of the function's signature.
    prefixes: ops that depend on no argument and were hoisted out of the call: computed once for all calls.
    region:   all other ops.
    statics:  what was fixed when the program was traced: the path of an argument (or of its structure) -> its value.
    orders:   what order the parts of an `unordered` have, or why they have none, by its place in the program. The op itself
              may be gone: the replays of the program's function need the order, too.
    """

    name: str
    params: tuple[Param, ...]
    prefixes: tuple[Op, ...]
    region: Region
    statics: dict[str, Static] = field(default_factory=dict[str, "Static"])
    orders: Orders = field(default_factory=dict[Location, Order])

    def __repr__(self) -> str:
        return f"<graph {self.name}: {len(self.ops)} ops>"

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        return tuple(self.region.regions())

    @cached_property
    def body(self) -> tuple[Op, ...]:
        """The ops of all regions, each after what it reads."""
        return tuple(op for region in self.regions for op in region.body)

    @cached_property
    def ops(self) -> tuple[Op, ...]:
        """Every op, each after what it reads."""
        return (*self.params, *self.prefixes, *self.body)

    @cached_property
    def forks(self) -> tuple[Fork, ...]:
        return tuple(fork for region in self.regions for fork in region.forks)

    @property
    def end(self) -> End:
        """The end of a program that does not branch. Raises ValueError for one that does."""
        if isinstance(self.region.end, Switch):
            raise ValueError(f"{self.name} branches: it has an end for each path")
        return self.region.end

    @property
    def final(self) -> Op:
        return self.end.final

    @property
    def variables(self) -> dict[str, Tree]:
        return self.end.variables

    @property
    def value(self) -> Tree:
        return self.end.value

    def outputs(self) -> Iterator[Op]:
        """What the program gives back, or needs in order to go on, on any path."""
        for region in self.regions:
            yield from region.end.outputs()

    def users(self) -> dict[Op, list[Op]]:
        """op -> the ops that read it, in order, once for each time they read it."""
        users: dict[Op, list[Op]] = {op: [] for op in self.ops}
        for op in self.ops:
            for operand in operands(op):
                users[operand].append(op)
        return users


def answers_of(variables: Mapping[str, Tree]) -> dict[str, Tree]:
    """The answers of variables that are answers as they stand, or lists of them."""
    return {name: answers for name, tree in variables.items() if (answers := _answers_in(tree)) is not None}


def _answers_in(tree: Tree) -> Tree:
    if isinstance(tree, Read):
        return tree.state
    if isinstance(tree, list):
        items = [_answers_in(item) for item in tree]
        return items if any(item is not None for item in items) else None
    return None


def leaves(tree: Tree) -> Iterator[Op]:
    """The ops in a result, left to right."""
    if isinstance(tree, Op):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from leaves(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from leaves(value)


def map_leaves(tree: Tree, new: Callable[[Op], Op]) -> Tree:
    """The result with each op `x` replaced by `new(x)`."""
    if isinstance(tree, Op):
        return new(tree)
    if isinstance(tree, dict):
        return {key: map_leaves(value, new) for key, value in tree.items()}
    if isinstance(tree, list):
        return [map_leaves(value, new) for value in tree]
    if isinstance(tree, tuple):
        return tuple(map_leaves(value, new) for value in tree)
    return tree


def with_regions(
    top: Region,
    change: Callable[[Region], tuple[tuple[Op, ...], tuple[Fork, ...]]],
    new: Callable[[Op], Op] = lambda op: op,
) -> Region:
    """The region with the ops and forks `change(it)`, each region inside it likewise, and each op `x` that an end or a
    switch reads replaced by `new(x)`. `change` sees each region before those inside it."""
    changed = [(region, change(region)) for region in top.regions()]
    made: dict[Region, Region] = {}
    for region, (body, forks) in reversed(changed):  # what is inside a region is made before it
        made[region] = Region(body, _moved(region.end, new, made), forks)
    return made[top]


def _moved(end: End | Switch, new: Callable[[Op], Op], made: Mapping[Region, Region]) -> End | Switch:
    if isinstance(end, Switch):
        cases = tuple(Case(case.values, made[case.region]) for case in end.cases)
        return replace(end, final=new(end.final), subjects=tuple(map(new, end.subjects)), cases=cases)
    variables, answers = (
        {name: map_leaves(tree, new) for name, tree in trees.items()} for trees in (end.variables, end.answers)
    )
    return End(new(end.final), variables, map_leaves(end.value, new), answers)


def rewritten(graph: Graph, rewrite: Callable[[Op], Op | None]) -> Graph:
    """The graph with each op replaced by `rewrite(op)`, from first to last; None leaves the op as it is.

    `rewrite` sees an op whose operands are already the new ones, and may return an op that is known there (which drops
    this one) or a new op (which takes its place). Params stay.
    """
    new: dict[Op, Op] = {param: param for param in graph.params}
    emitted: set[Op] = set(graph.params)

    def section(ops: Iterable[Op]) -> tuple[Op, ...]:
        out: list[Op] = []
        for op in ops:
            moved = with_operands(op, new.__getitem__)
            result = rewrite(moved) or moved
            new[op] = result
            if result not in emitted:
                emitted.add(result)
                out.append(result)
        return tuple(out)

    def region(old: Region) -> tuple[tuple[Op, ...], tuple[Fork, ...]]:
        body = section(old.body)
        return body, tuple(Fork(new[f.state], tuple(dict.fromkeys(new[m] for m in f.members))) for f in old.forks)

    return replace(graph, prefixes=section(graph.prefixes), region=with_regions(graph.region, region, new.__getitem__))
