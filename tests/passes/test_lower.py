"""Schedules against their definition, by brute force on random programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest

from sglc.ir.builder import Builder
from sglc.ir.graph import Graph, Region, Switch
from sglc.ir.ops import (
    DEFAULT_SAMPLING,
    Append,
    Call,
    Constraint,
    Gen,
    Op,
    Param,
    Primitive,
    Root,
    Sampling,
    Select,
    Type,
    operands,
    prompts,
)
from sglc.ir.schedule import Schedule
from sglc.ir.verify_schedule import verify_schedule
from sglc.passes.finite_language import finite_language
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from tests.graphs import beginnings, random_compiled_graph, random_graph


@dataclass(frozen=True)
class Lowered:
    graph: Graph
    schedule: Schedule
    reads: dict[Op, set[Op]]  # op -> all gens, selects and calls whose answers it is made of, itself too
    asked: dict[Op, set[Op]]  # op -> those that the switches around its region are on
    begins: dict[Op, set[Op]]  # state -> the gens and selects whose prompt begins with it
    home: dict[Op, int]  # op -> the index of its region


def lowered(graph: Graph) -> Lowered:
    reads: dict[Op, set[Op]] = {}
    begins: dict[Op, set[Op]] = {op: set() for op in graph.ops}
    for op in graph.ops:
        reads[op] = {x for operand in operands(op) for x in reads[operand]}
        if isinstance(op, Primitive):
            reads[op].add(op)
        if isinstance(op, Gen | Select):
            for state in beginnings(op):
                begins[state].add(op)
    asked: dict[Op, set[Op]] = {}

    def visit(region: Region, around: set[Op]) -> None:
        asked.update(dict.fromkeys(region.body, around))
        if isinstance(region.end, Switch):
            for case in region.end.cases:
                visit(case.region, around | {x for subject in region.end.subjects for x in reads[subject]})

    visit(graph.region, set())
    home = {op: index for index, region in enumerate(graph.regions) for op in region.body}
    return Lowered(graph, lower(graph), reads, asked, begins, home)


PROGRAMS = [
    lowered(make(Random(seed), Random(seed).randint(0, 60)))
    for seed in range(120)
    for make in (random_graph, random_compiled_graph, lambda rng, size: optimise(random_graph(rng, size)))
]


def test_the_programs_have_something_to_schedule() -> None:
    assert sum(len(p.schedule.steps) > 3 for p in PROGRAMS) > 100
    assert sum(len(p.schedule.prefixes) > 1 for p in PROGRAMS) > 10
    assert sum(any(len(life.last) > 1 for life in p.schedule.lifetimes) for p in PROGRAMS) > 50
    assert sum(any(len(step.after) > 1 for step in p.schedule.steps) for p in PROGRAMS) > 20
    assert sum(any(step.region for step in p.schedule.steps) for p in PROGRAMS) > 50
    assert sum(any(p.home[op] != p.home[x] for op in p.home for x in p.reads[op] if x in p.home) for p in PROGRAMS) > 30
    assert sum(len(calls(p)) > 1 for p in PROGRAMS) > 50


def calls(p: Lowered) -> list[Op]:
    return [op for op in p.graph.ops if isinstance(op, Call)]


def test_schedules_are_valid() -> None:
    for p in PROGRAMS:
        verify_schedule(p.graph, p.schedule)


def test_a_step_waits_for_exactly_what_its_prompt_and_choices_read() -> None:
    for p in PROGRAMS:
        waits: list[set[Op]] = []
        for index, step in enumerate(p.schedule.steps):
            op = p.graph.ops[step.op]
            assert step.kind == {Gen: "decode", Select: "score", Call: "call"}[type(op)]
            assert step.region == p.home[op]
            assert all(earlier < index for earlier in step.after)
            waits.append({x for i in step.after for x in (waits[i] | {p.graph.ops[p.schedule.steps[i].op]})})
            assert waits[index] == p.reads[op] - {op}


def test_priority_is_the_longest_chain_of_tokens_to_the_end() -> None:
    for p in PROGRAMS:
        longest: dict[Op, int] = {}
        for step in reversed(p.schedule.steps):
            op = p.graph.ops[step.op]
            assert isinstance(op, Primitive)
            waiting = [later for later in longest if op in p.reads[later] | p.asked[later]]
            longest[op] = bound(op) + max((longest[later] for later in waiting), default=0)
            assert step.priority == longest[op]


def bound(op: Primitive) -> int:
    """Tokens of a step: the bytes of the longest text of its constraint, where it has few texts, else max_tokens."""
    if not isinstance(op, Gen):
        return 1
    most = op.sampling.filled_from(DEFAULT_SAMPLING).max_tokens
    assert most is not None
    texts = finite_language(op.constraint, 10_000) if op.constraint is not None else None
    return most if texts is None else min(most, max(len(text.encode()) for text in texts))


def test_order_is_a_depth_first_walk_in_program_order() -> None:
    for p in PROGRAMS:
        order = {p.graph.ops[step.op]: step.order for step in p.schedule.steps}
        assert sorted(order.values()) == list(range(len(order)))
        assert sorted(order, key=order.__getitem__)[len(order) - len(calls(p)) :] == calls(p)
        for begins in p.begins.values():
            numbers = sorted(order[op] for op in begins)
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        for state in p.graph.ops:
            branches = [op for op in p.graph.ops if isinstance(op, Append | Gen | Select) and op.state is state]
            walked = [[order[op] for op in (branch, *p.begins[branch]) if op in order] for branch in branches]
            walked = [numbers for numbers in walked if numbers]
            assert all(max(one) < min(two) for one, two in pairwise(walked))
            for branch in branches:
                assert all(order[branch] < order[op] for op in p.begins[branch] if branch in order)


def test_kv_lives_until_the_last_step_that_begins_with_it() -> None:
    for p in PROGRAMS:
        ops = p.graph.ops
        step_of = {ops[step.op]: index for index, step in enumerate(p.schedule.steps)}
        expected: dict[int, tuple[int, tuple[int, ...]]] = {}
        for index, state in enumerate(ops):
            branches = [op for op in ops if isinstance(op, Append | Gen | Select) and op.state is state]
            if isinstance(state, Root) or not (len(branches) > 1 or any(op in step_of for op in branches)):
                continue
            users = p.begins[state]
            last = [
                op
                for op in users  # what waits for one in another region may not run, and then that one is the last
                if not any(op in p.reads[x] and p.home[x] == p.home[op] for x in users if x is not op)
            ]
            expected[index] = (len(users), tuple(sorted(step_of[op] for op in last)))
        assert {life.state: (life.uses, life.last) for life in p.schedule.lifetimes} == expected
        assert [life.state for life in p.schedule.lifetimes] == sorted(expected)


def test_tokens_behind_a_state_are_never_too_few() -> None:
    exact = 0
    for p in PROGRAMS:
        ops = p.graph.ops
        for life in p.schedule.lifetimes:
            below: dict[int, int] = {}
            for op in p.begins[ops[life.state]]:
                assert isinstance(op, Primitive)
                below[p.home[op]] = below.get(p.home[op], 0) + bound(op)
            most = on_a_path(p.graph.region, p.graph.regions.index, below)
            if len(below) < 2:
                assert life.tokens == most
            assert most <= life.tokens <= sum(below.values())
            exact += life.tokens == most < sum(below.values())
    assert exact > 20


def on_a_path(region: Region, number: Callable[[Region], int], below: dict[int, int]) -> int:
    inside = max((on_a_path(inner, number, below) for inner in region.inside()), default=0)
    return below.get(number(region), 0) + inside


def begins_with(state: Op, beginning: Op) -> bool:
    while state is not beginning and isinstance(state, Append | Gen | Select):
        state = state.state
    return state is beginning


def test_prefixes_are_the_constant_prompts_that_the_body_goes_on_from() -> None:
    for p in PROGRAMS:
        ends = [region.end for region in p.graph.regions]
        left = {end.final for end in ends if isinstance(end, Switch) and end.open}  # what runs leave the graph with
        expected = {
            p.graph.ops.index(op): len(p.begins[op])
            for op in p.graph.prefixes
            if isinstance(op, Append)
            and (p.begins[op] or any(begins_with(final, op) for final in left))
            and (
                op in left or any(isinstance(user, Append | Gen | Select) and op is user.state for user in p.graph.body)
            )
        }
        assert {prefix.op: prefix.uses for prefix in p.schedule.of_scope("program")} == expected


def test_prefixes_of_a_batch_are_as_long_as_their_arguments_let_them() -> None:
    found = 0
    for p in PROGRAMS:
        ops = p.graph.ops
        read = {operand for op in p.graph.body for operand in operands(op)}
        whole = {param for param in p.graph.params if param in read}
        expected: dict[int, tuple[int, tuple[int, ...]]] = {}
        for state in p.graph.body:
            params = made_of(state)
            if state.result is not Type.STATE or p.reads[state] or not params or params == whole or not p.begins[state]:
                continue
            longer = [op for op in ops if isinstance(op, Append) and op.state is state and made_of(op) == params]
            same = {step for op in longer if not p.reads[op] for step in p.begins[op]}
            if same != p.begins[state]:  # some step goes on with more than these arguments
                expected[ops.index(state)] = len(p.begins[state]), tuple(sorted(map(p.graph.params.index, params)))
        assert {x.op: (x.uses, x.params) for x in p.schedule.of_scope("batch")} == expected
        found += len(expected)
    assert found > 50


def made_of(op: Op) -> set[Op]:
    return {op} if isinstance(op, Param) else {param for operand in operands(op) for param in made_of(operand)}


def test_prefixes_of_a_call_are_what_several_of_its_prompts_go_on_from() -> None:
    found = 0
    for p in PROGRAMS:
        ops = p.graph.ops
        read = {operand for op in p.graph.body for operand in operands(op)}
        whole = {param for param in p.graph.params if param in read}
        expected: set[int] = set()
        for state in p.graph.body:
            branches = [op for op in ops if isinstance(op, Append | Gen | Select) and op.state is state]
            ways = [op for op in branches if not isinstance(op, Append) or p.begins[op]]
            if len(ways) > 1 and (p.reads[state] or made_of(state) in (set(), whole)) and not isinstance(state, Root):
                expected.add(ops.index(state))
        assert {prefix.op for prefix in p.schedule.of_scope("call")} == expected
        found += len(expected)
    assert found > 50


def test_forks_are_planned_as_they_stand_in_each_other() -> None:
    inside = 0
    for p in PROGRAMS:
        step_of = {p.graph.ops[step.op]: index for index, step in enumerate(p.schedule.steps)}
        rounds: dict[Op, int] = {}
        for step in p.schedule.steps:
            op = p.graph.ops[step.op]
            rounds[op] = len(longest_chain(op, p.reads))
        assert len(p.schedule.forks) == len(p.graph.forks)
        for plan, fork in zip(p.schedule.forks, p.graph.forks, strict=True):
            assert plan.state == p.graph.ops.index(fork.state)
            assert plan.members == tuple(step_of[op] for op in fork.members)
            one = fork.members[0]
            around = [
                number
                for number, other in enumerate(p.graph.forks)
                if other is not fork
                and begins_with(fork.state, other.state)
                and (p.home[other.members[0]], rounds[other.members[0]]) == (p.home[one], rounds[one])
            ]
            nearest = max(around, key=lambda number: len([*prompts(p.graph.forks[number].state)]), default=-1)
            assert plan.within == nearest
            inside += nearest >= 0
    assert inside > 10


def longest_chain(op: Op, reads: dict[Op, set[Op]]) -> list[Op]:
    """Of steps one after the other, the last of which is this one."""
    before = [longest_chain(earlier, reads) for earlier in reads[op] - {op}]
    return [*max(before, key=len, default=[]), op]


def test_steps_know_their_fork() -> None:
    for p in PROGRAMS:
        for step in p.schedule.steps:
            op = p.graph.ops[step.op]
            inside = [index for index, fork in enumerate(p.graph.forks) if op in fork.members]
            assert step.fork in inside if inside else step.fork == -1


def test_a_graph_without_steps() -> None:
    schedule = lower(random_graph(Random(0), 0))
    assert schedule == Schedule((), (), (), ())


@pytest.mark.parametrize(("max_tokens", "priority"), [(None, 128), (0, 0), (7, 7)])
def test_the_bound_of_a_gen(max_tokens: int | None, priority: int) -> None:
    b = Builder("p")
    graph = b.finish(b.gen(b.append(b.root(), ["a"]), sampling=Sampling(max_tokens=max_tokens)))
    assert lower(graph).steps[0].priority == priority


@pytest.mark.parametrize(("regex", "max_tokens", "priority"), [("[1-9]|10", None, 2), ("[1-9]|10", 1, 1), ("a*", 9, 9)])
def test_the_bound_of_a_constrained_gen(regex: str, max_tokens: int | None, priority: int) -> None:
    b = Builder("p")
    gen = b.gen(b.root(), sampling=Sampling(max_tokens=max_tokens), constraint=Constraint("regex", regex))
    assert lower(b.finish(gen)).steps[0].priority == priority
