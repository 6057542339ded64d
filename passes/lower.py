"""Lowers a graph to a schedule: which requests, in which order, what they wait for, and when KV dies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sglc.ir.graph import Graph, Region, Switch
from sglc.ir.made_of import ANSWERS, indices, made_of
from sglc.ir.ops import Append, Call, Gen, Op, Primitive, Root, Select, operands, token_bound
from sglc.ir.schedule import ForkPlan, Lifetime, Prefix, Schedule, Step
from sglc.passes.longest_answer import longest_answer

Request: TypeAlias = Gen | Select
"""What becomes a step of the engine; calls of host functions are steps too."""

Extension: TypeAlias = Append | Gen | Select
"""What makes a longer prompt of a prompt."""


def lower(graph: Graph) -> Schedule:
    requests = [op for op in graph.ops if isinstance(op, Primitive)]
    answers = _Answers(graph.ops, requests)
    after = [answers.read_by(request) for request in requests]
    tree = _prompt_tree(graph)
    position = {op: index for index, op in enumerate(graph.ops)}
    home = {op: index for index, region in enumerate(graph.regions) for op in region.body}
    regions = [home[request] for request in requests]
    longest = [longest_answer(op.constraint) if isinstance(op, Gen) and op.constraint else None for op in requests]
    bounds = [token_bound(op, most) for op, most in zip(requests, longest, strict=True)]
    priority = _tokens_to_the_end(graph, answers, after, bounds)
    fork = {member: index for index, fork in enumerate(graph.forks) for member in fork.members}
    return Schedule(
        prefixes=(
            *(Prefix(position[state], tree.steps[state]) for state in _constant_prompts(graph, tree)),
            *_shared_prompts(graph, tree, position),
        ),
        steps=tuple(
            Step(
                op=position[op],
                kind=_kind(op),
                after=after[index],
                priority=priority[index],
                order=order,
                fork=fork.get(op, -1),
                region=regions[index],
                longest=longest[index],
            )
            for index, (op, order) in enumerate(zip(requests, _orders(requests, tree), strict=True))
        ),
        lifetimes=tuple(
            _lifetimes(requests, regions, after, tree, position, _tokens_behind(graph, tree, requests, bounds))
        ),
        forks=tuple(_fork_plans(graph, regions, after, tree, position, requests)),
    )


def _kind(op: Primitive) -> Literal["decode", "score", "call"]:
    match op:
        case Gen():
            return "decode"
        case Select():
            return "score"
        case Call():
            return "call"


def _orders(requests: Sequence[Primitive], tree: _PromptTree) -> list[int]:
    """The place of each request in the walk of the prompts; calls have no prompt and come last."""
    calls = iter(range(sum(not isinstance(op, Call) for op in requests), len(requests)))
    return [next(calls) if isinstance(op, Call) else tree.first[op] - 1 for op in requests]


class _Answers:
    """Whose answers a value is made of; requests are named by their index.

    A value's answers are reached through one op, its `door`: a request, or an op that brings several doors together
    (`behind` it). So long chains cost nothing, and a door that a request behind the same op waits for can be dropped.
    """

    def __init__(self, ops: Iterable[Op], requests: Sequence[Primitive]) -> None:
        self.index = {op: i for i, op in enumerate(requests)}
        self.door: dict[Op, Op] = {}
        self.behind: dict[Op, list[Op]] = {}
        for op in ops:
            doors = self.doors(operands(op))
            if isinstance(op, Primitive) or len(doors) > 1:
                self.door[op], self.behind[op] = op, doors
            elif doors:
                (self.door[op],) = doors

    def doors(self, values: Iterable[Op]) -> list[Op]:
        doors = dict.fromkeys(self.door[x] for x in values if x in self.door)
        if len(doors) < 2:
            return list(doors)
        implied = {earlier for x in doors if isinstance(x, Primitive) for earlier in self.behind[x]}
        return [x for x in doors if x not in implied]

    def read_by(self, request: Primitive) -> tuple[int, ...]:
        """The requests that it waits for; those that one of them waits for itself may be left out."""
        return self.reached(self.behind[request])

    def in_values(self, values: Iterable[Op]) -> tuple[int, ...]:
        """The requests whose answers these values are made of; those that one of them waits for may be left out."""
        return self.reached(self.doors(values))

    def reached(self, doors: Iterable[Op]) -> tuple[int, ...]:
        found: set[Op] = set()
        stack = list(doors)
        while stack:
            op = stack.pop()
            if op not in found:
                found.add(op)
                if not isinstance(op, Primitive):
                    stack.extend(self.behind[op])
        return tuple(sorted(self.index[op] for op in found if isinstance(op, Primitive)))


def _tokens_to_the_end(
    graph: Graph, answers: _Answers, after: Sequence[tuple[int, ...]], bounds: Sequence[int]
) -> list[int]:
    """The bound on tokens decoded along the longest chain of requests that begins with each. What stands in the cases
    of a switch waits for the answers that the switch is on. bounds: of each request alone."""
    longest = [0] * len(after)
    from_region: dict[Region, int] = {}  # along the longest chain that begins in it
    for region in reversed(graph.regions):  # those inside a region, and so later requests, first
        inside = max((from_region[inner] for inner in region.inside()), default=0)
        if isinstance(region.end, Switch):
            for index in answers.in_values(region.end.subjects):
                longest[index] = max(longest[index], inside)
        from_region[region] = inside
        for op in reversed(region.body):
            if isinstance(op, Primitive):
                index = answers.index[op]
                longest[index] += bounds[index]
                from_region[region] = max(from_region[region], longest[index])
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
    """The longest constant beginnings of requests' prompts, and of those that runs leave the compiled paths with."""
    body = set(graph.body)
    finals = {region.end.final for region in graph.regions if isinstance(region.end, Switch) and region.end.open}
    left: set[Op] = set()
    for state in finals:
        while state not in left and isinstance(state, Extension):
            left.add(state)
            state = state.state  # noqa: PLW2901 - up to the root
    return [
        op
        for op in graph.prefixes
        if isinstance(op, Append)
        and (tree.steps[op] or op in left)
        and (op in finals or not body.isdisjoint(tree.extensions[op]))
    ]


def _shared_prompts(graph: Graph, tree: _PromptTree, position: dict[Op, int]) -> Iterator[Prefix]:
    """The prefixes of a batch, and then those of a call.

    The state graph is a tree, since a state goes on from one other: what a prompt begins with is what dominates it. A
    prefix of a batch is as long as it can be with its arguments: each longer prompt has more in it. On one of a call
    several prompts go on.
    """
    made = made_of(graph)
    read = {operand for op in graph.body for operand in operands(op)}
    whole = sum(1 << index for index, param in enumerate(graph.params) if param in read)
    of_calls: list[Prefix] = []
    for state in graph.body:
        if not isinstance(state, Extension) or not tree.steps[state]:
            continue
        ways = [op for op in tree.extensions[state] if isinstance(op, Request) or tree.steps[op]]
        bits = made[state]
        if bits in (0, ANSWERS, whole):
            if len(ways) > 1:
                of_calls.append(Prefix(position[state], tree.steps[state], "call"))
        elif any(made[op] != bits for op in ways):
            yield Prefix(position[state], tree.steps[state], "batch", tuple(indices(bits)))
    yield from of_calls


def _fork_plans(
    graph: Graph,
    regions: Sequence[int],
    after: Sequence[tuple[int, ...]],
    tree: _PromptTree,
    position: dict[Op, int],
    requests: Sequence[Primitive],
) -> list[ForkPlan]:
    """For each fork its plan. regions: the index of each request's region."""
    index: dict[Op, int] = {op: i for i, op in enumerate(requests)}
    rounds: list[int] = []
    for earlier in after:
        rounds.append(1 + max((rounds[i] for i in earlier), default=-1))
    states = [fork.state for fork in graph.forks]
    members = [tuple(index[op] for op in fork.members) for fork in graph.forks]
    within = [-1] * len(states)
    around: dict[tuple[int, int], list[int]] = defaultdict(list)  # region and round -> groups inside each other

    def below(number: int) -> tuple[int, int]:
        """The numbers of the requests below a fork's state: of two states, one is inside the other or apart from it."""
        return tree.first[states[number]], tree.first[states[number]] + tree.steps[states[number]]

    def outer_first(number: int) -> tuple[int, int, int]:
        first, end = below(number)
        return first, -end, position[states[number]]

    for number in sorted(filter(members.__getitem__, range(len(states))), key=outer_first):
        one = members[number][0]
        groups = around[regions[one], rounds[one]]
        while groups and below(groups[-1])[1] < below(number)[1]:
            groups.pop()
        within[number] = groups[-1] if groups else -1
        groups.append(number)
    return [
        ForkPlan(position[state], steps, outer) for state, steps, outer in zip(states, members, within, strict=True)
    ]


def _tokens_behind(
    graph: Graph, tree: _PromptTree, requests: Sequence[Primitive], bounds: Sequence[int]
) -> dict[Op, int]:
    """For each state the most tokens that requests whose prompt begins with it may decode on one path: never too few,
    and, where no switch is behind it, not one too many."""
    bound: dict[Op, int] = dict(zip(requests, bounds, strict=True))
    number = {region: index for index, region in enumerate(graph.regions)}
    home = {op: region for region in graph.regions for op in region.body}
    around = {inner: region for region in graph.regions for inner in region.inside()}
    behind: dict[Op, int] = {}
    for state, extensions in reversed(tree.extensions.items()):
        here = home.get(state, graph.region)
        own: dict[Region, int] = defaultdict(int)
        for op in extensions:
            own[home.get(op, graph.region)] += behind[op] + bound.get(op, 0)
        same = own.pop(here, 0)
        behind[state] = same + (_most_on_a_path(own, here, around, number) if len(own) > 1 else sum(own.values()))
    return behind


def _most_on_a_path(
    own: dict[Region, int], top: Region, around: dict[Region, Region], number: dict[Region, int]
) -> int:
    """The most of what regions inside `top` have that lies on one path: a path takes one case of each switch."""
    known: set[Region] = set()
    for start in own:
        region = start
        while region is not top and region not in known:
            known.add(region)
            region = around[region]
    inside: dict[Region, int] = defaultdict(int)  # the most of those inside a region
    for region in sorted(known, key=number.__getitem__, reverse=True):
        inside[around[region]] = max(inside[around[region]], own.get(region, 0) + inside[region])
    return inside[top]


def _lifetimes(
    requests: Sequence[Primitive],
    regions: Sequence[int],
    after: Sequence[tuple[int, ...]],
    tree: _PromptTree,
    position: dict[Op, int],
    behind: dict[Op, int],
) -> list[Lifetime]:
    """Of the states that a request reads or several ops go on from; an empty prompt has no KV. regions: the index of
    each request's region. behind: tokens that may be decoded behind each state."""
    index: dict[Op, int] = {op: i for i, op in enumerate(requests)}
    waiting: list[list[int]] = [[] for _ in requests]  # for each request those that wait for it, and surely run
    for i, earlier in enumerate(after):
        for j in earlier:
            if regions[i] == regions[j]:  # else i may never run
                waiting[j].append(i)

    def is_waited_for(request: int, numbers: range, latest: int) -> bool:
        """Whether a request of these numbers, all of which are at most the `latest`, waits for this one."""
        seen, stack = {request}, [request]
        while stack:
            for i in waiting[stack.pop()]:
                if tree.first.get(requests[i], 0) - 1 in numbers:
                    return True
                if i <= latest and i not in seen:
                    seen.add(i)
                    stack.append(i)
        return False

    def ends_of(op: Extension) -> tuple[int, ...]:
        """The last requests whose prompt is that of `op` or longer; a longer one in another region may never run."""
        if op not in index or any(regions[i] == regions[index[op]] for i in last[op]):
            return last[op]
        return (index[op], *last[op])

    last: dict[Op, tuple[int, ...]] = {}
    latest: dict[Op, int] = {}
    lifetimes: list[Lifetime] = []
    for state, extensions in reversed(tree.extensions.items()):
        branches = [ends_of(op) for op in extensions]
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
            lifetimes.append(Lifetime(position[state], tree.steps[state], last[state], behind[state]))
    return lifetimes[::-1]
