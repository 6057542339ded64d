"""The rules of a valid graph. Every pass gets a valid graph and gives one; the pipeline checks it after each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sglc.ir.errors import IRError
from sglc.ir.graph import MAX_REGIONS, End, Fork, Graph, Region, Switch, Tree
from sglc.ir.ops import (
    Append,
    Call,
    Format,
    Gen,
    Image,
    Method,
    Numbered,
    Op,
    Param,
    Root,
    Select,
    Type,
    Unordered,
)
from sglc.ir.printer import MAX_NESTING, Key, lines_of, pointer, quoted, value_names
from sglc.ir.terms import terms
from sglc.ir.values import is_constant, what_is_wrong, what_is_wrong_with_text
from sglc.ir.verify_ops import Broken, Known, word
from sglc.ir.verify_ways import cases_are_complete, members_do_not_wait

CONSTANT = (Root, Append, Format, Unordered, Method, Image)
"""Ops that may stand in a prefix."""

Extension: TypeAlias = Append | Gen | Select
"""Ops that make a longer prompt of a prompt."""


@dataclass(frozen=True, slots=True)
class Written:
    """The text that a graph was read from. numbers: of the line that each of its things stands on, from 1. names: of its
    values."""

    file: str
    lines: Sequence[str]
    numbers: Mapping[Key, int]
    names: Mapping[Op, str]


def verify(graph: Graph, written: Written | None = None) -> None:
    """Raises `IRError` for the first broken rule, with the line of the graph's text and carets under the place.

    written: the text that it was read from, where it was read from one; else the line is as it would be printed.
    """
    try:
        _Verifier(graph).run()
    except Broken as broken:
        quote = _quoted(written, broken) if written and broken.line in written.numbers else _explained(graph, broken)
        raise quote from None


def _quoted(written: Written, broken: Broken) -> IRError:
    """With the line as the file has it."""
    number = written.numbers[broken.line]
    what, _ = _pointed(written.lines[number - 1].rstrip(), written.names, broken)
    return IRError(what, where=f"{written.file}:{number}", hint=broken.hint)


def _explained(graph: Graph, broken: Broken) -> IRError:
    names = value_names(graph)
    lines = list(lines_of(graph, names))
    at = names.get(broken.at, "%?") if isinstance(broken.at, Op) else broken.at
    numbers = [i for i, (key, _) in enumerate(lines) if key == broken.line]
    number = next((i for i in numbers if at in lines[i][1]), numbers[0] if numbers else 0)
    what, start = _pointed(lines[number][1], names, broken)
    return IRError(what, where=f"{graph.name}:{number + 1}:{start + 1}", hint=broken.hint)


def _pointed(line: str, names: Mapping[Op, str], broken: Broken) -> tuple[str, int]:
    """What is wrong, with the line and carets under the place, and where those begin."""
    at = names.get(broken.at, "%?") if isinstance(broken.at, Op) else broken.at
    indent = len(line) - len(line.lstrip())
    whole = rf"(?<![\w%]){re.escape(at)}" + (r"(?!\w)" if at[-1:].isalnum() else "")
    found = list(re.compile(whole).finditer(line, indent + 1)) if at else []
    start, end = found[-1 if broken.last else 0].span() if found else (indent, len(line))
    return f"{broken.what}\n{pointer(line, start, end)}", start


class _Verifier:
    """Walks the regions as they are printed; what is known in a region is forgotten behind its end."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known = Known(graph)
        self.regions: set[Region] = set()  # so far
        self.switches: set[int] = set()  # their numbers
        self.numbered: dict[int, Op] = {}  # the first op of each number on the path to here
        self.twins: list[tuple[Op, Op]] = []  # ops of one number on one path

    def run(self) -> None:
        graph = self.graph
        self.params()
        for op in graph.prefixes:
            if not isinstance(op, CONSTANT):
                hint = "a prefix depends on no argument and no answer"
                raise Broken(op, "", f"a prefix cannot hold a {word(op)}", hint)
            self.known.define(op)
        self.known.defined.update(graph.params)
        self.names()
        self.orders()
        self.walk()
        self.same_numbers()
        self.extensions()

    def params(self) -> None:
        names: set[str] = set()
        for op in self.graph.params:
            if op.name in names:
                raise Broken(op, quoted(op.name), f"two params have the name {op.name!r}")
            names.add(op.name)
            self.known.string(op, op.name)
            if op.default is not None:
                self.known.string(op, op.default)

    def names(self) -> None:
        graph = self.graph
        if (problem := what_is_wrong_with_text(graph.name)) is not None:
            raise Broken("program", "", problem, "text must be valid Unicode")
        for path, value in graph.statics.items():
            if not is_constant(value):
                raise Broken(("static", path), "", f"a static is a {type(value).__name__}, not a constant")
            self.tree(("static", path), value)

    def orders(self) -> None:
        orders = self.graph.orders
        apart = {op.loc for op in self.graph.ops if isinstance(op, Unordered)} if orders else set[object]()
        for place, order in orders.items():
            line: Key = "order", str(place)
            for text in (place.file, order.why):
                if (problem := what_is_wrong_with_text(text)) is not None:
                    raise Broken(line, "", problem, "text must be valid Unicode")
            if order.places is None:
                continue
            if sorted(order.places) != list(range(len(order.places))):
                raise Broken(line, "", "an order names a part twice, or not at all", "it has each of 0, 1, ... once")
            if place in apart:
                hint = "with the order chosen, they stand in the prompt themselves"
                raise Broken(line, "", "parts whose order is chosen still are an unordered", hint)

    def walk(self) -> None:
        path: list[Region] = []
        left = [(self.graph.region, 1)]
        while left:
            region, depth = left.pop()
            while len(path) >= depth:
                self.leave(path.pop())
            path.append(region)
            if depth > MAX_REGIONS:
                raise Broken((region, "final"), "", f"regions nest deeper than {MAX_REGIONS}")
            if region in self.regions:
                raise Broken((region, "final"), "", "a region stands in the graph twice")
            self.regions.add(region)
            self.region(region)
            left.extend((inner, depth + 1) for inner in reversed(region.inside()))

    def region(self, region: Region) -> None:
        for op in region.body:
            if isinstance(op, Param):
                raise Broken(op, "", "a param stands among the ops", "params belong to the graph's params")
            self.known.define(op)
            if isinstance(op, Numbered) and (first := self.numbered.setdefault(op.number, op)) is not op:
                self.twins.append((first, op))
        here = set(region.body) if region.forks else set[Op]()
        for fork in region.forks:
            self.fork(fork, here)
        if region.forks:
            members_do_not_wait(region)
        final = region.end.final
        if final not in self.known.defined or final.result is not Type.STATE:
            raise Broken((region, "final"), final, "the program's text is of a state of the graph")
        if isinstance(region.end, Switch):
            self.switch(region, region.end)
            return
        for name, tree in region.end.variables.items():
            self.tree((region, f"variable {name}"), name)
            self.tree((region, f"variable {name}"), tree)
        self.answers(region, region.end)
        self.tree((region, "return"), region.end.value)

    def answers(self, region: Region, end: End) -> None:
        for name, tree in end.answers.items():
            line: Key = region, f"answers {name}"
            if name not in end.variables:
                raise Broken(line, quoted(name), f"answers of {quoted(name)}, which is no variable")
            self.tree(line, tree, answers=True)

    def fork(self, fork: Fork, here: set[Op]) -> None:
        """here: the ops of its region."""
        if fork.state not in self.known.defined or fork.state.result is not Type.STATE:
            raise Broken(fork, fork.state, "a fork is of a state of the graph")
        if len(fork.members) != len(set(fork.members)):
            raise Broken(fork, fork.members[0], "a fork names a member twice")
        for member in fork.members:
            if member not in here or not isinstance(member, Gen | Select):
                raise Broken(fork, member, "a fork's members are gens and selects of its region")
            fault = Broken(fork, member, "a fork's member does not extend its state")
            self.known.extends.append((member.state, fork.state, fault))

    def leave(self, region: Region) -> None:
        self.known.defined.difference_update(region.body)
        for op in region.body:
            if isinstance(op, Numbered) and self.numbered.get(op.number) is op:
                del self.numbered[op.number]

    def switch(self, region: Region, switch: Switch) -> None:
        line: Key = region, "switch"
        for subject in switch.subjects:
            if subject not in self.known.defined:
                raise Broken(line, subject, "a switch is on a value that is not known here")
            if subject.result in (Type.STATE, Type.IMAGE):
                raise Broken(line, subject, f"a switch is on a {subject.result.value}", "ask for a text or a test")
        number = switch.number
        if type(number) is not int or not 0 <= number < 2**63:
            raise Broken(line, "number=", f"number is {number!r}, not an integer of at least 0")
        if number in self.switches:
            raise Broken(line, "number=", f"two switches have the number {number}", "each has its own")
        self.switches.add(number)
        if (problem := what_is_wrong_with_text(switch.why)) is not None:
            raise Broken(line, "why=", problem, "text must be valid Unicode")
        if not switch.open and not switch.cases:
            raise Broken(line, "", "a switch has no case, and no exit")
        if switch.cases and not switch.subjects:
            raise Broken(line, "", "a switch with cases has no subject", "name what they are cases of")
        self.cases(region, switch)

    def cases(self, region: Region, switch: Switch) -> None:
        seen: set[tuple[object, ...]] = set()
        for index, case in enumerate(switch.cases):
            line: Key = region, f"case {index}"
            if len(case.values) != len(switch.subjects):
                what = f"a case's values are {len(case.values)}, and the subjects {len(switch.subjects)}"
                raise Broken(line, "", what, "give one value for each")
            for value, subject in zip(case.values, switch.subjects, strict=True):
                if not is_constant(value):
                    raise Broken(line, "", f"a case's value is a {type(value).__name__}, not a constant")
                if (problem := what_is_wrong(value)) is not None:
                    raise Broken(line, "", problem)
                if not _can_be(subject, value):
                    what = f"a case's value is a {type(value).__name__}, and its subject a {subject.result.value}"
                    raise Broken(line, "", what)
            if case.values in seen:
                raise Broken(line, "", "two cases are the same")
            seen.add(case.values)
        if not switch.open:
            cases_are_complete(region, switch)

    def tree(self, line: Key, tree: Tree, *, answers: bool = False) -> None:
        """A result: plain data of exact types, finite, not too deep, whose ops are texts of the graph. answers: gens and
        selects, in lists, instead."""
        todo: list[tuple[Tree, int]] = [(tree, 0)]
        while todo:
            item, depth = todo.pop()
            if isinstance(item, Op):
                known = item in self.known.defined
                if answers and not (known and isinstance(item, Gen | Select)):
                    raise Broken(line, item, "an answer is not of a gen or select of the graph")
                if not answers and not (known and item.result is Type.TEXT):
                    raise Broken(line, item, "a result is not a text of the graph", "read a gen or a select")
                continue
            if answers and not isinstance(item, list | None):
                raise Broken(line, "", "answers are gens and selects, null, and lists of these")
            if (problem := what_is_wrong(item)) is not None:
                raise Broken(line, "", problem, "results are plain data, as JSON has it")
            if isinstance(item, list | tuple | dict):
                if depth == MAX_NESTING:
                    raise Broken(line, "", f"lists and dicts nest deeper than {MAX_NESTING}")
                if isinstance(item, dict):
                    item = [*item, *item.values()]
                todo.extend((child, depth + 1) for child in reversed(item))

    def same_numbers(self) -> None:
        """Ops with one number on one path are one op, and so must be equal."""
        term = terms(self.graph, {}) if self.twins else {}
        for one, two in self.twins:
            if type(one) is not type(two) or term[one] != term[two]:
                assert isinstance(two, Numbered)
                what = f"two ops that differ have the number {two.number}"
                raise Broken(two, "number=", what, "each gen, select, call, meta and render of a path has its own")

    def extensions(self) -> None:
        """What is said to be a prompt after another begins with that one."""
        begins = _beginnings(self.graph.ops) if self.known.extends else {}
        for state, since, fault in self.known.extends:
            if begins[state].start not in begins[since]:
                raise fault


def _beginnings(ops: Iterable[Op]) -> dict[Op, range]:
    """Numbers for the states, so that a prompt begins with another if its first number is among the other's."""
    states = [op for op in ops if op.result is Type.STATE]
    sizes = dict.fromkeys(states, 1)
    for op in reversed(states):
        if isinstance(op, Extension):
            sizes[op.state] += sizes[op]
    numbers: dict[Op, range] = {}
    free: dict[Op | None, int] = defaultdict(int)  # the next number below a state; None is above the roots
    for op in states:
        above = op.state if isinstance(op, Extension) else None
        start = free[above]
        numbers[op] = range(start, start + sizes[op])
        free[above], free[op] = start + sizes[op], start + 1
    return numbers


def _can_be(subject: Op, value: object) -> bool:
    """Whether a value of the program can be this constant. What a host function gives, and data, can be anything."""
    if isinstance(subject, Call) or subject.result is Type.DATA:
        return True
    return type(value) is (bool if subject.result is Type.BOOL else str)
