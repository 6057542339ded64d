"""Lowers a graph to a schedule: which requests, in which order, what they wait for, and when KV dies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sglc.ir.graph import Graph
from sglc.ir.ops import DEFAULT_SAMPLING, Append, Gen, Op, Root, Select, operands
from sglc.ir.schedule import Lifetime, Prefix, Schedule, Step

Request: TypeAlias = Gen | Select
"""What becomes a step."""

Extension: TypeAlias = Append | Gen | Select
"""What makes a longer prompt of a prompt."""


def lower(graph: Graph) -> Schedule:
    requests = [op for op in graph.ops if isinstance(op, Request)]
    after = _answers_read(graph, requests)
    tree = _prompt_tree(graph)
    position = {op: index for index, op in enumerate(graph.ops)}
    priority = _tokens_to_the_end(requests, after)
    fork = {member: index for index, fork in enumerate(graph.forks) for member in fork.members}
    return Schedule(
        prefixes=tuple(Prefix(position[state], tree.steps[state]) for state in _constant_prompts(graph, tree)),
        steps=tuple(
            Step(
                op=position[op],
                kind="score" if isinstance(op, Select) else "decode",
                after=after[index],
                priority=priority[index],
                order=tree.first[op] - 1,
                fork=fork.get(op, -1),
            )
            for index, op in enumerate(requests)
        ),
        lifetimes=tuple(_lifetimes(requests, after, tree, position)),
    )


def _answers_read(graph: Graph, requests: Sequence[Request]) -> list[tuple[int, ...]]:
    """For each request the requests that it waits for; those that one of them waits for itself may be left out.

    A value's answers are reached through one op, its `door`: a request, or an op that brings several doors together
    (`behind` it). So long chains cost nothing, and a door that a request behind the same op waits for can be dropped.
    """
    door: dict[Op, Op] = {}
    behind: dict[Op, list[Op]] = {}
    for op in graph.ops:
        doors = dict.fromkeys(door[x] for x in operands(op) if x in door)
        if len(doors) > 1:
            implied = {earlier for x in doors if isinstance(x, Request) for earlier in behind[x]}
            doors = dict.fromkeys(x for x in doors if x not in implied)
        if isinstance(op, Request) or len(doors) > 1:
            door[op], behind[op] = op, list(doors)
        elif doors:
            (door[op],) = doors

    index = {op: i for i, op in enumerate(requests)}

    def waited_for(request: Request) -> tuple[int, ...]:
        found: set[Op] = set()
        stack = list(behind[request])
        while stack:
            op = stack.pop()
            if op not in found:
                found.add(op)
                if not isinstance(op, Request):
                    stack.extend(behind[op])
        return tuple(sorted(index[op] for op in found if isinstance(op, Request)))

    return [waited_for(request) for request in requests]


def _tokens_to_the_end(requests: Sequence[Request], after: Sequence[tuple[int, ...]]) -> list[int]:
    """The bound on tokens decoded along the longest chain of requests that begins with each."""
    longest = [0] * len(requests)
    for index in range(len(requests) - 1, -1, -1):
        op = requests[index]
        longest[index] += 1 if isinstance(op, Select) else op.sampling.filled_from(DEFAULT_SAMPLING).max_tokens or 0
        for earlier in after[index]:
            longest[earlier] = max(longest[earlier], longest[index])
    return longest


@dataclass(frozen=True, slots=True)
class _PromptTree:
    """The prompts of a program, walked depth first in program order; requests are counted on the way.

    extensions: state -> the ops that go on from it. steps: state -> how many requests' prompts begin with it; these are
    the requests first[state] <= number < first[state] + steps[state], and a request's own number is first[it] - 1.
    """

    extensions: dict[Op, list[Extension]]
    steps: dict[Op, int]
    first: dict[Op, int]


def _prompt_tree(graph: Graph) -> _PromptTree:
    extensions: dict[Op, list[Extension]] = {}
    for op in graph.ops:
        if isinstance(op, Root | Extension):
            extensions[op] = []
        if isinstance(op, Extension):
            extensions[op.state].append(op)

    steps = dict.fromkeys(extensions, 0)
    for op in reversed(extensions):  # longer prompts first
        if isinstance(op, Extension):
            steps[op.state] += steps[op] + isinstance(op, Request)

    first: dict[Op, int] = {}
    free: dict[Op | None, int] = defaultdict(int)  # the next number below a state; None is above the roots
    for op in extensions:
        above = op.state if isinstance(op, Extension) else None
        first[op] = free[op] = free[above] + isinstance(op, Request)
        free[above] = first[op] + steps[op]
    return _PromptTree(extensions, steps, first)


def _constant_prompts(graph: Graph, tree: _PromptTree) -> list[Op]:
    """The longest constant beginnings of requests' prompts."""
    body = set(graph.body)
    return [
        op
        for op in graph.prefixes
        if isinstance(op, Append) and tree.steps[op] and not body.isdisjoint(tree.extensions[op])
    ]


def _lifetimes(
    requests: Sequence[Request], after: Sequence[tuple[int, ...]], tree: _PromptTree, position: dict[Op, int]
) -> list[Lifetime]:
    """Of the states that a request reads or several ops go on from; an empty prompt has no KV."""
    index: dict[Op, int] = {op: i for i, op in enumerate(requests)}
    waiting: list[list[int]] = [[] for _ in requests]
    for i, earlier in enumerate(after):
        for j in earlier:
            waiting[j].append(i)

    def is_waited_for(request: int, numbers: range, latest: int) -> bool:
        """Whether a request of these numbers, all of which are at most the `latest`, waits for this one."""
        seen, stack = {request}, [request]
        while stack:
            for i in waiting[stack.pop()]:
                if tree.first[requests[i]] - 1 in numbers:
                    return True
                if i <= latest and i not in seen:
                    seen.add(i)
                    stack.append(i)
        return False

    last: dict[Op, tuple[int, ...]] = {}
    latest: dict[Op, int] = {}
    lifetimes: list[Lifetime] = []
    for state, extensions in reversed(tree.extensions.items()):
        branches = [last[op] or ((index[op],) if op in index else ()) for op in extensions]
        latest[state] = max((max(latest[op], index.get(op, -1)) for op in extensions), default=-1)
        ends = [branch for branch in branches if branch]
        if len(ends) < 2:
            last[state] = ends[0] if ends else ()
        else:
            numbers = range(tree.first[state], tree.first[state] + tree.steps[state])
            kept = (
                i for branch in ends for i in branch if not (waiting[i] and is_waited_for(i, numbers, latest[state]))
            )
            last[state] = tuple(sorted(kept))
        if not isinstance(state, Root) and (len(extensions) > 1 or not index.keys().isdisjoint(extensions)):
            lifetimes.append(Lifetime(position[state], tree.steps[state], last[state]))
    return lifetimes[::-1]
