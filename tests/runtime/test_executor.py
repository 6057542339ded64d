"""The executor on the fake device: optimised programs say what unoptimised ones say, and failures stay where they are."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from sglc.ir.builder import Builder
from sglc.ir.errors import CapacityError, Location, RunError
from sglc.ir.graph import Graph, rewritten
from sglc.ir.ops import DEFAULT_SAMPLING, Append, Call, Gen, Image, Op, Sampling, Select
from sglc.language.host_function import Host
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from sglc.passes.reorder_parts import in_orders
from sglc.runtime.futures import Future
from sglc.runtime.jobs import Outcome
from tests.graphs import random_graph
from tests.runtime.toy import Machine

PROGRAMS = 120


def for_bytes(graph: Graph) -> Graph:
    """The program without constraints and images, which need a real model, and without empty choices, which are errors."""

    def rewrite(op: Op) -> Op | None:
        if isinstance(op, Gen):
            return replace(op, constraint=None, sampling=replace(op.sampling, finish_in_time=None))
        if isinstance(op, Append):
            return replace(op, parts=tuple(part for part in op.parts if not isinstance(part, Image)))
        if isinstance(op, Select):
            return replace(op, choices=tuple((f"choice {n}: ", *choice) for n, choice in enumerate(op.choices)))
        return None

    return rewritten(graph, rewrite)


def texts_of(graph: Graph) -> dict[str, str]:
    return {param.name: f"<{param.name}>" for param in graph.params}


def hosts_of(graph: Graph) -> dict[str, Host]:
    """A host function for each that the program calls: it tells its arguments."""
    names = {op.function for op in graph.body if isinstance(op, Call)}
    return {name: Host(lambda *args, **kwargs: f"{args}{kwargs}"[:30], name, None, True) for name in names}


def meaning(outcome: Outcome) -> tuple[object, ...]:
    return outcome.text, outcome.variables, outcome.value, outcome.messages


@pytest.mark.parametrize("part", range(4))
def test_optimised_equals_unoptimised_on_random_programs(part: int) -> None:
    ran = 0
    for seed in range(part * PROGRAMS // 4, (part + 1) * PROGRAMS // 4):
        graph = for_bytes(random_graph(Random(seed), size=25))
        better = optimise(graph)
        graph = in_orders(graph, better.orders)
        plain = Machine().run(graph, lower(graph), texts_of(graph), hosts_of(graph))
        fast = Machine(chunk_tokens=32).run(better, lower(better), texts_of(graph), hosts_of(graph))
        assert str(fast.error) == str(plain.error), f"seed {seed}"
        if plain.error is None:
            ran += 1
            assert meaning(fast) == meaning(plain), f"seed {seed}"
        else:
            assert "leaves the compiled paths" in str(plain.error)
    assert ran > PROGRAMS // 12  # the others come to an exit


def test_a_batch_says_what_its_rows_say_alone() -> None:
    graphs = [for_bytes(random_graph(Random(seed), size=20)) for seed in range(60)]
    machine = Machine(pages=3000, chunk_tokens=64)
    ended: dict[int, Outcome] = {}
    for row, graph in enumerate(graphs):
        machine.start(graph, lower(graph), texts_of(graph), row, ended, hosts_of(graph))
    machine.drain()
    assert sorted(ended) == list(range(len(graphs)))
    for row, graph in enumerate(graphs):
        alone: dict[int, Outcome] = {}
        single = Machine()
        single.start(graph, lower(graph), texts_of(graph), row, alone, hosts_of(graph))
        single.drain()
        assert str(alone[row].error) == str(ended[row].error)
        if ended[row].error is None:  # a run that leaves the compiled paths has what was answered by then
            assert meaning(alone[row]) == meaning(ended[row])


def chain(*sampling: Sampling) -> Graph:
    """Gens one after another, each on its own line of a file."""
    builder = Builder("chain")
    state: Op = builder.append(builder.root(), ["start "])
    variables: dict[str, Op] = {}
    for number, settings in enumerate(sampling):
        gen = builder.gen(state, name=f"g{number}", sampling=settings, loc=Location("chain.py", number + 1))
        variables[f"g{number}"] = builder.read(gen)
        state = builder.append(gen, [" then "])
    return builder.finish(final=state, variables=variables, value=None, statics={})


def test_a_failing_step_fails_its_program_with_its_line_and_no_other() -> None:
    short = Sampling(max_tokens=3)
    good, bad = chain(short, short), chain(short, Sampling(max_tokens=100_000), short)
    machine = Machine()
    ended: dict[int, Outcome] = {}
    for row, graph in enumerate((good, bad, good)):
        machine.start(graph, lower(graph), {}, row, ended)
    machine.drain()
    error = ended[1].error
    assert isinstance(error, CapacityError)
    assert error.where == Location("chain.py", 2)
    assert list(ended[1].variables) == ["g0"]
    for row in (0, 2):
        alone: dict[int, Outcome] = {}
        single = Machine()
        single.start(good, lower(good), {}, row, alone)
        single.drain()
        assert ended[row].error is None
        assert meaning(ended[row]) == meaning(alone[row])


def test_a_cancelled_call_gives_no_outcome_and_leaves_nothing_behind() -> None:
    graph = chain(Sampling(max_tokens=6), Sampling(max_tokens=6))
    for steps in range(12):
        machine = Machine()
        ended: dict[int, Outcome] = {}
        calls = [machine.start(graph, lower(graph), {}, row, ended) for row in range(2)]
        for _ in range(steps):
            machine.port.turn()
        machine.executor.cancel(calls[0])
        machine.drain()
        assert 1 in ended
        machine.core.step()
        machine.core.flush_cache()
        assert machine.core.idle
        assert machine.core.stats.kv_tokens_in_use == 0


def test_when_the_loop_ends_everything_under_way_fails() -> None:
    graph = chain(Sampling(max_tokens=6))
    machine = Machine()
    ended: dict[int, Outcome] = {}
    for row in range(3):
        machine.start(graph, lower(graph), {}, row, ended)
    machine.executor.fail_all(RunError("the engine was shut down"))
    assert machine.executor.idle
    assert all("shut down" in str(outcome.error) for outcome in ended.values())
    assert len(ended) == 3


def test_nobody_waits_for_a_run_that_cannot_be_ended_as_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = chain(Sampling(max_tokens=6))
    machine = Machine()
    ended: dict[int, Outcome] = {}
    for row in range(3):
        machine.start(graph, lower(graph), {}, row, ended)

    def broken(future: Future) -> None:
        raise AssertionError("a defect")

    monkeypatch.setattr(Future, "end", broken)
    machine.executor.fail_all(RunError("the engine was shut down"))
    assert all("shut down" in str(outcome.error) for outcome in ended.values())
    assert len(ended) == 3


def test_settings_come_from_the_gen_then_the_run_then_the_defaults() -> None:
    own = Sampling(temperature=0.0)
    run = Sampling(temperature=0.5, top_k=3)
    filled = own.filled_from(run).filled_from(DEFAULT_SAMPLING)
    assert (filled.temperature, filled.top_k, filled.max_tokens) == (0.0, 3, 128)
    assert replace(filled, seed=None) == filled


def test_a_thousand_gens_in_a_row_need_no_recursion() -> None:
    graph = chain(*[Sampling(max_tokens=1)] * 1000)
    outcome = Machine(pages=20_000).run(graph, lower(graph), {})
    assert outcome.error is None
    assert len(outcome.variables) == 1000
