"""Traces a program along its paths: Python function -> Graph.

The body runs once along each path. Where it asks what is not known, the graph gets a switch, and the body runs again for
each answer that can be foreseen: yes and no for a question, the choices of a select, the strings of a finite regex. What
cannot be foreseen, or lies beyond the bounds, is an exit: there the run goes on with what the model really said.
"""

from __future__ import annotations

import itertools
import math
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sglc.ir.builder import Builder
from sglc.ir.errors import ENDS_ALL, Location
from sglc.ir.functions import TESTS
from sglc.ir.graph import Case, End, Graph, Order, Region, Switch
from sglc.ir.ops import Numbered, Op, Param, Render, prompts
from sglc.language.arguments import Arguments
from sglc.language.host_function import Host
from sglc.language.settings import Bounds
from sglc.language.symbolic import note_folder
from sglc.passes.drop_dead import drop_dead
from sglc.trace.effects import end_at_effect
from sglc.trace.foresee import foreseen, foreseen_all
from sglc.trace.known import Known, Leaf, Question
from sglc.trace.leaves import Leaves
from sglc.trace.repeatable import start_of
from sglc.trace.replay import raise_if_always
from sglc.trace.tracer import Recorded, Risk, record


@dataclass(frozen=True, slots=True)
class Origin:
    """What the tracer knows of an open switch: enough to go on after it."""

    known: Known
    question: Question


@dataclass(frozen=True)
class Traced:
    """graph: the program. origins: of its switches, by number. risks: of its regions. hosts: the host functions that it
    calls, by name. failure: what the body raised before the first question; with the real texts it may go well, so a run
    finds an exit there. file: the line that reads one. names_files: whether other lines may.
    by_python: there is no graph; runs are plain Python's."""

    graph: Graph
    origins: dict[int, Origin]
    risks: tuple[Risk | None, ...]
    hosts: dict[str, Host]
    failure: BaseException | None = None
    file: Location | None = None
    names_files: bool = False
    by_python: bool = False

    @property
    def tools(self) -> frozenset[Callable[..., Any]]:
        """The host functions themselves."""
        return frozenset(host.function for host in self.hosts.values())


BRANCHES_ON_ARGUMENTS = 3
"""Questions about arguments alone on a path of which both answers are followed, where a row is at hand. A chat of twenty
messages that asks who has said each of them has a million paths, and one row takes one."""


SECONDS = 1.0
"""Of the thread's own time, after which no more is followed while a row waits. A body that searches or computes takes long on each path."""


@dataclass(eq=False)
class _Node:
    """A region under construction. choice: the values of the switch around it. asked: so many questions about arguments
    alone have led here. is_of_row: their answers are those of the row at hand."""

    known: Known
    numbered: Mapping[int, Numbered]
    depth: int
    choice: tuple[Any, ...] = ()
    asked: int = 0
    is_of_row: bool = True
    recorded: Recorded | None = None
    inside: list[_Node] = field(default_factory=list["_Node"])
    open: bool = True


def explore(
    function: Callable[..., Any],
    arguments: Arguments,
    bounds: Bounds | None = None,
    n: int | None = None,
    plain: bool = False,
    names_files: bool = False,
    for_row: bool = False,
) -> Traced:
    """The graph of a program for arguments of this shape.

    for_row: the arguments are a row that is to be run, and the other answers to what is asked about arguments alone
    are left to exits where there is much of that. Otherwise the texts' characters are not used. plain: let the body see real strings only, so that each answer it reads is an exit. names_files: the function's code has
    names that may read files, which is looked for then. Raises what the body raises
    whatever the texts are; what only some may raise is left to the run.
    """
    note_folder()
    bounds = bounds or Bounds()
    max_paths = bounds.paths(for_row=for_row)
    hosts: dict[str, Host] = {}
    root = _Node(Known(plain=plain), {}, 0)
    root.recorded = record(function, arguments, root.known, hosts=hosts, n=n)
    end_at_effect(function)
    failure = root.recorded.failure
    if failure is not None and root.recorded.risk is None:
        raise_if_always(function, arguments, n, failure)
    params = root.recorded.params
    waiting = deque([root])
    paths = 1
    late = time.thread_time() + SECONDS if for_row else math.inf
    while waiting and time.thread_time() < late:
        node = waiting.popleft()
        recorded = node.recorded
        assert recorded is not None
        question = recorded.end
        if isinstance(question, End) or node.depth >= bounds.max_depth:
            continue
        values, complete = _foreseen(question, max_paths)
        about_arguments = question.test is not None and all(isinstance(leaf, str) for leaf in question.leaves)
        own = _answer_of(question, arguments.texts) if for_row and about_arguments else None
        if own is not None and node.asked >= BRANCHES_ON_ARGUMENTS:
            values, complete = [own] if node.is_of_row else [], False
        if not values or paths + len(values) - 1 > max_paths:
            continue
        cases: list[_Node] = []
        for choice in values:
            if time.thread_time() > late:
                complete = False
                break
            case = _Node(
                question.answered(node.known, choice),
                recorded.numbered,
                node.depth + 1,
                choice,
                node.asked + about_arguments,
                node.is_of_row and own in (None, choice),
            )
            try:
                case.recorded = record(
                    function, arguments, case.known, recorded.numbered, params, hosts, n, files=names_files
                )
            except ENDS_ALL:
                raise
            except BaseException:  # noqa: BLE001 - raised on this path alone: the run that takes it raises it again
                complete = False
                continue
            end_at_effect(function)
            if not all(op.since in prompts(op.state) for op in case.recorded.body if isinstance(op, Render)):
                complete = False  # the prompt was recorded before, in steps of other texts
                continue
            cases.append(case)
        node.inside, node.open = cases, not complete
        paths += max(0, len(cases) - 1)
        waiting.extend(cases)
    if waiting and time.thread_time() > late:
        warn_of_slow_body(function)
    regions = _Regions()
    region = regions.of(root)
    graph = Graph(function.__name__, params, (), region, arguments.statics, regions.orders)
    return Traced(drop_dead(graph), regions.origins, tuple(regions.risks), hosts, failure, regions.file, names_files)


def warn_of_slow_body(function: Callable[..., Any]) -> None:
    """Says why a first run takes so long."""
    warnings.warn(
        f"{start_of(function)}: {function.__name__} takes long to run without the model, and it runs many times while it is "
        "compiled: what is not compiled by now is when runs get there; put what takes long into a host function (@sglc.host)",
        RuntimeWarning,
        stacklevel=6,
    )


def untraced(function: Callable[..., Any], arguments: Arguments, why: str) -> Traced:
    """A graph that is left at its beginning. why: in words."""
    builder = Builder(function.__name__)
    root = builder.root(loc=start_of(function))
    params = tuple(builder.param(path, default=None) for path in arguments.texts)
    question = Question(why, start_of(function))
    region = Region((root,), switch_at(root, question, 0))
    graph = Graph(function.__name__, params, (), region, arguments.statics, {})
    return Traced(graph, {0: Origin(Known(), question)}, (None,), {}, by_python=True)


class _Regions:
    """Makes the regions of nodes, and gathers what belongs to the whole graph: the fields of `Traced` and `Graph`."""

    def __init__(self) -> None:
        self.origins: dict[int, Origin] = {}
        self.risks: list[Risk | None] = []
        self.orders: dict[Location, Order] = {}
        self.file: Location | None = None

    def of(self, node: _Node) -> Region:
        recorded = node.recorded
        assert recorded is not None
        self.risks.append(recorded.risk)
        self.orders.update(recorded.orders)
        self.file = self.file or recorded.file
        body = tuple(op for op in recorded.body if not isinstance(op, Param))
        if isinstance(recorded.end, End):
            return Region(body, recorded.end)
        number = len(self.origins)
        self.origins[number] = Origin(node.known, recorded.end)
        cases = tuple(Case(case.choice, self.of(case)) for case in node.inside)
        return Region(body, switch_at(recorded.final, recorded.end, number, cases, opened=node.open))


def switch_at(
    final: Op, question: Question, number: int, cases: tuple[Case, ...] = (), *, opened: bool = True
) -> Switch:
    return Switch(final, question.subjects, cases, opened, number, question.why, question.loc)


def _answer_of(question: Question, texts: Mapping[str, str]) -> tuple[bool]:
    """The answer of a row to a question about its arguments alone."""
    assert question.test is not None
    values: dict[Leaf, Any] = {**texts}
    given = Leaves(values).plain(question.test.arguments)
    return (TESTS[question.test.name](*given),)


def _foreseen(question: Question, most: int) -> tuple[list[tuple[Any, ...]], bool]:
    """The answers to a question that can be foreseen, and whether there can be no other."""
    if question.test is not None:
        return [(True,), (False,)], True
    texts = [foreseen(op) for op in question.ops]
    if not texts or not all(texts):
        return [], False
    values = list(itertools.islice(itertools.product(*texts), most + 1))
    return values, all(foreseen_all(op) for op in question.ops)
