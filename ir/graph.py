"""A program as data: ops in an order in which each comes after what it reads, and what the program gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from sglc.ir.ops import Op, Param, operands, with_operands

Tree: TypeAlias = "Op | bool | int | float | str | list[Tree] | tuple[Tree, ...] | dict[str, Tree] | None"
"""A result: plain Python data whose leaves may be values of type text."""


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """Gens and selects that extend `state` and do not wait for each other: they run at once and share its KV."""

    state: Op
    members: tuple[Op, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Graph:
    """One traced program.

    params:    the texts among its arguments, in the order of the function's signature.
    prefixes:  ops that depend on no argument and were hoisted out of the call: computed once for all calls.
    body:      all other ops.
    final:     the state whose text is the program's text.
    variables: name -> text, or a list of texts (a joined fork), in the order of first assignment.
    value:     what the Python function returned.
    statics:   what was fixed when the program was traced: the path of an argument (or of its structure) -> its value.
    forks:     what `detect_forks` found; () before it ran.
    """

    name: str
    params: tuple[Param, ...]
    prefixes: tuple[Op, ...]
    body: tuple[Op, ...]
    final: Op
    variables: dict[str, Tree]
    value: Tree = None
    statics: dict[str, bool | int | float | str | None] = field(
        default_factory=dict[str, "bool | int | float | str | None"]
    )
    forks: tuple[Fork, ...] = ()

    def __repr__(self) -> str:
        return f"<graph {self.name}: {len(self.ops)} ops>"

    @property
    def ops(self) -> tuple[Op, ...]:
        """Every op, each after what it reads."""
        return (*self.params, *self.prefixes, *self.body)

    def outputs(self) -> Iterator[Op]:
        """The ops that the program gives back."""
        yield self.final
        yield from leaves(self.variables)
        yield from leaves(self.value)

    def users(self) -> dict[Op, list[Op]]:
        """op -> the ops that read it, in order, once for each time they read it."""
        users: dict[Op, list[Op]] = {op: [] for op in self.ops}
        for op in self.ops:
            for operand in operands(op):
                users[operand].append(op)
        return users


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


def rewritten(graph: Graph, rewrite: Callable[[Op], Op | None]) -> Graph:
    """The graph with each op replaced by `rewrite(op)`, from first to last; None leaves the op as it is.

    `rewrite` sees an op whose operands are already the new ones, and may return an earlier op (which drops this one) or
    a new op (which takes its place). Params stay.
    """
    new: dict[Op, Op] = {param: param for param in graph.params}
    emitted: set[Op] = set(graph.params)

    def section(ops: tuple[Op, ...]) -> tuple[Op, ...]:
        out: list[Op] = []
        for op in ops:
            moved = with_operands(op, new.__getitem__)
            result = rewrite(moved) or moved
            new[op] = result
            if result not in emitted:
                emitted.add(result)
                out.append(result)
        return tuple(out)

    prefixes, body = section(graph.prefixes), section(graph.body)
    forks = tuple(Fork(new[f.state], tuple(dict.fromkeys(new[m] for m in f.members))) for f in graph.forks)
    return Graph(
        name=graph.name,
        params=graph.params,
        prefixes=prefixes,
        body=body,
        final=new[graph.final],
        variables={name: map_leaves(tree, new.__getitem__) for name, tree in graph.variables.items()},
        value=map_leaves(graph.value, new.__getitem__),
        statics=graph.statics,
        forks=forks,
    )
