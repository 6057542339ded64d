"""What holds for every pass on every program, on random ones."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings

from sglc.ir.graph import Graph, Region, Switch
from sglc.ir.ops import Append, Call, Format, Gen, Image, Method, Op, Primitive, Root, Select, Type, Unordered, operands
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from sglc.ir.terms import check_same_meaning, terms
from sglc.ir.verify import verify
from sglc.passes.detect_forks import detect_forks
from sglc.passes.drop_dead import drop_dead
from sglc.passes.hoist_prefix import hoist_prefix
from sglc.passes.pipeline import GRAPH_PASSES, Pass, optimise
from sglc.passes.prefix_tree import can_part
from sglc.passes.share_prefix import share_prefix
from tests.graphs import compiled_graphs, graphs, random_compiled_graph, random_graph, same
from tests.passes import goldens

EVERY_PASS = pytest.mark.parametrize("graph_pass", GRAPH_PASSES, ids=lambda p: p.__name__)


@EVERY_PASS
def test_a_pass_keeps_the_meaning_and_has_nothing_left_to_do(graph_pass: Pass) -> None:
    for seed in range(300):
        rng = Random(seed)
        before = rng.choice((random_graph, random_compiled_graph))(rng, rng.randint(0, 50))
        after = graph_pass(before)
        verify(after)
        check_same_meaning(before, after)
        assert same(graph_pass(after), after), f"seed {seed}"


@EVERY_PASS
def test_what_is_answered_stays_in_its_region(graph_pass: Pass) -> None:
    """No pass asks for an answer that was not asked for there, drops a call, or one that an exit may ask for."""
    dropped = 0
    for seed in range(200):
        before = random_graph(Random(seed), 40)
        after = graph_pass(before)
        for old, new in zip(before.regions, after.regions, strict=True):
            asked, asks = ({op.number for op in r.body if isinstance(op, Primitive)} for r in (old, new))
            assert asks <= asked
            dropped += len(asked) - len(asks)
            calls, called = ([op.number for op in r.body if isinstance(op, Call)] for r in (old, new))
            assert called == calls
            if graph_pass is not share_prefix and any(isinstance(r.end, Switch) and r.end.open for r in old.regions()):
                assert asks == asked
    assert bool(dropped) == (graph_pass in (drop_dead, share_prefix))


@EVERY_PASS
@settings(max_examples=40, deadline=None)
@given(before=compiled_graphs())
def test_a_pass_keeps_the_meaning_of_shrinkable_graphs(graph_pass: Pass, before: Graph) -> None:
    after = graph_pass(before)
    verify(after)
    check_same_meaning(before, after)


@settings(max_examples=60, deadline=None)
@given(before=graphs())
def test_the_pipeline_keeps_the_meaning_and_leaves_no_pass_out(before: Graph) -> None:
    seen: list[tuple[str, Graph]] = []
    after = optimise(before, lambda name, graph: seen.append((name, graph)))
    check_same_meaning(before, after)
    assert [name for name, _ in seen] == [p.__name__ for p in GRAPH_PASSES]
    assert seen[-1][1] is after


@EVERY_PASS
def test_every_pass_has_something_to_do_in_the_random_programs(graph_pass: Pass) -> None:
    """Else the tests above show nothing."""
    programs = [random_graph(Random(seed), 25) for seed in range(200)]
    changed = sum(not same(graph_pass(program), program) for program in programs)
    assert changed >= 0.05 * len(programs)


def test_the_programs_are_not_changed() -> None:
    for seed in range(50):
        graph, twin = random_graph(Random(seed), 30), random_graph(Random(seed), 30)
        optimise(graph)
        assert same(graph, twin)


def test_after_sharing_no_two_states_are_equal() -> None:
    for seed in range(300):
        graph = share_prefix(random_graph(Random(seed), 40))
        if any(isinstance(part, Format | Unordered) for op in graph.ops for part in operands(op)):
            continue  # terms see through these, which is more than is promised
        term = terms(graph, {})
        for region in graph.regions:
            states = [op for op in region.body if op.result is Type.STATE]
            assert len({term[state] for state in states}) == len(states), f"seed {seed}"


def test_after_sharing_no_two_appends_to_a_state_begin_alike() -> None:
    def shareable(a: object, b: object) -> bool:
        if not (isinstance(a, str) and isinstance(b, str)):
            return a == b
        common = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        return any(
            all(n == len(text) or can_part(text[n - 1], text[n]) for text in (a, b)) for n in range(1, common + 1)
        )

    for seed in range(300):
        graph = share_prefix(random_graph(Random(seed), 40))
        appends: dict[tuple[Region, Op], list[Append]] = {}
        for region in graph.regions:
            for op in region.body:
                if isinstance(op, Append):
                    appends.setdefault((region, op.state), []).append(op)
        for siblings in appends.values():
            for one, two in combinations(siblings, 2):
                assert not shareable(one.parts[0], two.parts[0]), f"seed {seed}"


def test_what_is_hoisted_is_what_depends_on_no_argument_and_no_answer() -> None:
    for seed in range(200):
        graph = hoist_prefix(random_graph(Random(seed), 40))
        varies: set[Op] = set(graph.params)
        for op in graph.ops:
            constant = isinstance(op, Root | Append | Format | Unordered | Method | Image)
            if not constant or not varies.isdisjoint(operands(op)):
                varies.add(op)
        assert varies.isdisjoint(graph.prefixes)
        assert varies.issuperset(graph.body)
        for op in graph.body:
            if isinstance(op, Append) and op.state not in varies:
                first = op.parts[0]
                assert varies.intersection(operands(Format(parts=(first,)))), f"seed {seed}: constant beginning left"


def test_forks_are_all_the_gens_that_can_run_at_once() -> None:
    for seed in range(300):
        graph = detect_forks(random_graph(Random(seed), 40))
        waits: dict[Op, set[Op]] = {}  # op -> all gens, selects and calls that it waits for
        home = {op: region for region in graph.regions for op in region.body}
        rounds: dict[Op, int] = {}
        prompts: dict[Op, list[Op]] = {}  # gen or select -> the states it extends through appends, nearest first
        for op in graph.ops:
            waits[op] = {x for operand in operands(op) for x in waits[operand]}
            rounds[op] = max((rounds[x] for x in operands(op)), default=0)
            if isinstance(op, Gen | Select):
                state: Op = op.state
                prompts[op] = [state]
                while isinstance(state, Append):
                    state = state.state
                    prompts[op].append(state)
            if isinstance(op, Gen | Select | Call):
                waits[op] = waits[op] | {op}
                rounds[op] += 1
        members = [member for fork in graph.forks for member in fork.members]
        assert len(members) == len(set(members))
        for fork in graph.forks:
            assert len(fork.members) > 1
            assert len({home[member] for member in fork.members}) == 1
            common = [s for s in prompts[fork.members[0]] if all(s in prompts[member] for member in fork.members)]
            assert common[0] is fork.state
            assert all(b not in waits[a] and a not in waits[b] for a, b in combinations(fork.members, 2))
        for a, b in combinations(prompts.keys() - set(members), 2):
            at_once = home[a] is home[b] and rounds[a] == rounds[b]
            assert not at_once or set(prompts[a]).isdisjoint(prompts[b]), f"seed {seed}"


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_what_is_optimised_stays_as_it_is(graph: Graph) -> None:
    """From the second time on. The first time, in one graph of some thousands, hoisting cuts a prompt where another one could
    go on from, behind the pass that shares: that shows when it is next optimised. The cache finds the same tokens."""
    twice = optimise(optimise(graph))
    assert print_graph(optimise(twice)) == print_graph(twice)


@pytest.mark.parametrize("name", [graph_pass.__name__ for graph_pass in GRAPH_PASSES] + ["optimise", "lower"])
def test_the_goldens_that_are_optimised_stay_as_they_are(name: str) -> None:
    for case in goldens.read(name):
        once = optimise(parse_graph(case.before))
        assert print_graph(optimise(once)) == print_graph(once), case.title
