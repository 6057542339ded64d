"""The rules of a grammar as data, and what follows from how they use one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import networkx as nx

from sglc.passes.regular.source import Place, Source
from sglc.passes.regular.tree import Regular

ROOT = "root"


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A regular part that uses no rule: characters, or a token."""

    tree: Regular


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A text of a rule. span: where the name is written."""

    name: str
    span: Place


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One part after another; no text at all where there is none."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Either:
    """One of the parts, of which there are some."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """`body`, `least` to `most` times; None is without end. span: where it was written."""

    body: Expression
    least: int
    most: int | None
    span: Place


Expression: TypeAlias = Leaf | Use | Row | Either | Again


@dataclass(frozen=True, slots=True)
class Rule:
    """span: where its name is defined."""

    name: str
    body: Expression
    span: Place


@dataclass(frozen=True, slots=True)
class Grammar:
    """Rules by name; one is called `root`, all that are used are there, and each has a text that is not endless."""

    rules: Mapping[str, Rule]
    source: Source


def inside(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Leaf() | Use():
            return ()
        case Row(parts) | Either(parts):
            return parts
        case Again(body):
            return (body,)


def uses(expression: Expression) -> Iterator[Use]:
    """In the order in which they are written."""
    stack = [expression]
    while stack:
        at = stack.pop()
        if isinstance(at, Use):
            yield at
        stack += reversed(inside(at))


def groups(rules: Mapping[str, Rule], start: str) -> list[tuple[list[Rule], bool]]:
    """The rules that `start` needs, those first that others need; rules that use one another are one group. True: they
    do use themselves, or one another."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node(start)
    stack = [start]
    seen = {start}
    while stack:
        name = stack.pop()
        for use in uses(rules[name].body):
            graph.add_edge(name, use.name)
            if use.name not in seen:
                seen.add(use.name)
                stack.append(use.name)
    place = {name: number for number, name in enumerate(rules)}
    found: list[tuple[list[Rule], bool]] = []
    for members in nx.strongly_connected_components(graph):  # Tarjan's: those first that others lead to
        names = sorted(members, key=place.__getitem__)
        found.append(([rules[name] for name in names], len(names) > 1 or graph.has_edge(names[0], names[0])))
    return found


def holding(rules: Mapping[str, Rule], leaf: Callable[[Regular], bool]) -> set[str]:
    """The rules with a text, finite, all of whose leaves are such; a repeat may be zero times.

    In linear time, by counting for each part how many of its own parts are missing (Dowling and Gallier, 1984).
    """
    above: list[int] = []  # of each part, the part that it is in, -1 - (number of its rule) for the body
    missing: list[int] = []
    waiting: dict[str, list[int]] = defaultdict(list)
    ready: list[int] = []
    names = list(rules)

    def number(expression: Expression, outer: int) -> None:
        at = len(above)
        above.append(outer)
        match expression:
            case Leaf(tree):
                missing.append(0 if leaf(tree) else -1)
            case Use(name):
                missing.append(1)
                waiting[name].append(at)
            case Row(parts):
                missing.append(len(parts))
            case Either() | Again():
                missing.append(0 if isinstance(expression, Again) and not expression.least else 1)
        if missing[at] == 0:
            ready.append(at)
        for part in inside(expression):
            number(part, at)

    for index, rule in enumerate(rules.values()):
        number(rule.body, -1 - index)
    found: set[str] = set()
    while ready:
        outer = above[ready.pop()]
        told = [outer]
        if outer < 0:
            name = names[-1 - outer]
            told = [] if name in found else waiting[name]
            found.add(name)
        for at in told:
            missing[at] -= 1
            if missing[at] == 0:
                ready.append(at)
    return found
