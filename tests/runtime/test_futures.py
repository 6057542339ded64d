"""What runs claim: compared with the steps that are left, and seen in small programs that fork, join, branch and leave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from sglc import ProgramState, SglFunction, function, gen, select
from sglc.ir.errors import RunError
from sglc.ir.graph import Graph, Switch
from sglc.ir.ops import Gen, Op, Root, Select, prompts
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from sglc.runtime.engine.radix import Claim
from sglc.runtime.futures import Future
from sglc.runtime.jobs import Outcome
from sglc.runtime.program import Block, Instead, Run
from tests.graphs import random_graph
from tests.runtime.test_executor import for_bytes, hosts_of, meaning, texts_of
from tests.runtime.toy import Machine


def to_come(block: Block) -> Iterator[Op]:
    """The steps with prompts in a block and all that may follow it."""
    yield from (plan.op for plan in block.plans if isinstance(plan.op, Gen | Select))
    for case in block.cases.values():
        yield from to_come(case)


def read_again(run: Run, asked: set[Op]) -> set[Op]:
    """By the definition: the longest state with KV, or about to have it, of each step that was not asked for yet. Of what
    a run goes on from at an exit too."""
    has_kv = {state for step in asked for state in prompts(step)}
    steps = [plan.op for block in run.path for plan in block.plans]
    ends: list[Op] = [step for step in steps if isinstance(step, Gen | Select) and step not in asked]
    if run.switching:
        ends += [step for case in run.block.cases.values() for step in to_come(case)]
        end = run.block.end
        if isinstance(end, Switch) and end.open:
            ends.append(end.final)
    found: set[Op] = set()
    for end in ends:
        state = next((state for state in prompts(end) if state in has_kv), None)
        if state is not None and not isinstance(state, Root) and state not in run.program.constants:
            found.add(state)
    return {state for state in found if state in run.values}


def test_a_run_claims_what_its_steps_will_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[Future, set[Op]] = {}
    claimed = 0
    ask, settle = Future.ask, Future.settle

    def asking(self: Future, step: Op) -> None:
        asked.setdefault(self, set()).add(step)
        ask(self, step)

    def settling(self: Future) -> None:
        nonlocal claimed
        settle(self)
        claims = {state for state, claim in self._watched.items() if claim is not None}
        assert claims == read_again(self._run, asked.get(self, set()))
        claimed += len(claims)

    monkeypatch.setattr(Future, "ask", asking)
    monkeypatch.setattr(Future, "settle", settling)
    for seed in range(150):
        graph = for_bytes(random_graph(Random(seed), size=30))
        graph = graph if seed % 3 else optimise(graph)
        machine = Machine()
        machine.run(graph, lower(graph), texts_of(graph), hosts_of(graph))
        assert machine.core._tree.loose == machine.core._tree.size
    assert claimed > 200


def test_no_pool_changes_an_answer_and_no_claim_is_left() -> None:
    graphs = [for_bytes(random_graph(Random(seed), size=20)) for seed in range(40)]
    wanted: dict[int, Outcome] = {}
    evicted = 0
    for pages in (20_000, 1_500, 1_000, 800):
        machine = Machine(pages=pages, chunk_tokens=64)
        ended: dict[int, Outcome] = {}
        for row, graph in enumerate(graphs):
            machine.start(graph, lower(graph), texts_of(graph), row, ended, hosts_of(graph))
        machine.drain()
        wanted = wanted or ended
        for row, outcome in wanted.items():
            # Of two steps that fail, which is the first depends on when a thread gives a host function's answer.
            assert (ended[row].error is None) == (outcome.error is None), f"{ended[row].error}, or {outcome.error}"
            if outcome.error is None:
                assert meaning(ended[row]) == meaning(outcome)
        assert machine.core._tree.loose == machine.core._tree.size
        evicted += machine.core.stats.evicted_tokens
    assert evicted


@pytest.mark.parametrize("how", ["cancel", "fail"])
def test_what_a_run_claims_ends_with_it(how: str) -> None:
    for turns in range(0, 40, 3):
        machine = Machine()
        ended: dict[int, Outcome] = {}
        run = start(machine, joins, ended)
        for _ in range(turns):
            machine.port.turn()
        if how == "cancel":
            machine.executor.cancel(run)
        else:
            machine.executor.fail_all(RunError("the engine was shut down"))
        while not machine.core.idle:
            machine.port.turn()
        assert held(machine) == []
        assert not machine.core._scheduler._begun


# Small programs


@function
def chain(s: ProgramState, x: str) -> None:
    s += "Start " + x + gen("a") + " then " + gen("b") + " then " + gen("c")


@function
def fork(s: ProgramState, x: str) -> None:
    s += "Start " + x
    forks = s.fork(4)
    forks += " go" + gen("a")


@function
def joins(s: ProgramState, x: str) -> None:
    s += "Start " + x
    forks = s.fork(2)
    forks += " go" + gen("a")
    forks.join()
    s += "".join(s["a"][:1]) + gen("b")


@function
def branches(s: ProgramState, x: str) -> None:
    s += "Start " + x
    first = s.fork(1)[0]
    first += " which?" + select("way", choices=["left", "right"])
    if first["way"] == "left":
        s += " left" + gen("a")
    else:
        first += " right" + gen("b")


@function
def leaves(s: ProgramState, x: str) -> None:
    s += "Start " + x
    other = s.fork(1)[0]
    other += " how many?" + gen("count")
    s += " more" * len(other["count"]) + gen("word")


def start(machine: Machine, program: SglFunction, ended: dict[int, Outcome]) -> Run:
    graph = compiled(program)
    return machine.start(graph, lower(graph), {"x": "<x>"}, 0, ended)


def compiled(program: SglFunction) -> Graph:
    return optimise(program.trace())


def held(machine: Machine) -> list[Claim]:
    """The claims that are not of a waiting request."""
    tree, live = machine.core._tree, machine.core._live.values()
    waiting = {sequence.claim for sequence in live}
    nodes = (tree.root, *tree.nodes())
    return [claim for node in nodes for claims in node.claims.values() for claim in claims if claim not in waiting]


def seen(program: SglFunction, pages: int = 4096) -> list[str]:
    """The texts that a run holds a claim of, constants left out, each when it is first seen."""
    machine = Machine(pages)
    ended: dict[int, Outcome] = {}
    looked = threading.Event()

    def leave(run: Run, switch: Switch, values: tuple[Any, ...]) -> Instead:
        assert looked.wait(10)
        return Outcome

    run = start(machine, program, ended)
    run.program.leave = leave
    texts: list[str] = []
    while not machine.executor.idle:
        if machine.port.idle:
            looked.set()
            machine.posted.get(timeout=10)()
        else:
            machine.port.turn()
        for claim in held(machine):
            text = machine.tokenizer.decode(claim.ids)
            if claim.when[1] and text not in texts:  # a constant prompt has no row
                texts.append(text)
    assert held(machine) == []
    assert run.future is None
    return texts


@pytest.mark.parametrize(
    ("program", "texts"),
    [
        (chain, []),  # each gen goes on from the one before at once
        (fork, []),  # all four wait at once
        (joins, ["Start <x>"]),  # until the last of the two has answered
        (branches, []),  # the way is known with the first answer
        (leaves, ["Start <x>"]),  # until the function is run on
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_claims(program: SglFunction, texts: list[str]) -> None:
    assert seen(program) == texts
