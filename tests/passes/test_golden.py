"""Each pass does what its text pairs say, and leaves alone what they say."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from sglc.ir.graph import Graph
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph, print_schedule
from sglc.ir.terms import check_same_meaning
from sglc.ir.verify import verify
from sglc.passes.lower import lower
from sglc.passes.pipeline import GRAPH_PASSES, optimise
from tests.passes import goldens
from tests.passes.goldens import Case

RUNS: dict[str, Callable[[Graph], str]] = {p.__name__: lambda graph, p=p: print_graph(p(graph)) for p in GRAPH_PASSES}
RUNS["optimise"] = lambda graph: print_graph(optimise(graph))
RUNS["lower"] = lambda graph: print_schedule(graph, lower(graph))


def updated(name: str, case: Case) -> Case:
    graph = parse_graph(case.before)
    return Case(case.title, print_graph(graph), RUNS[name](graph))


if os.environ.get("SGLC_UPDATE_GOLDEN") == "1":
    for name in RUNS:
        goldens.write(name, [updated(name, case) for case in goldens.read(name)])

CASES = [pytest.param(name, case, id=f"{name}: {case.title}") for name in RUNS for case in goldens.read(name)]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_golden(name: str, case: Case) -> None:
    assert updated(name, case) == case


@pytest.mark.parametrize(("name", "case"), [case for case in CASES if case.values[0] != "lower"])
def test_goldens_are_valid_and_mean_the_same(name: str, case: Case) -> None:
    before, after = parse_graph(case.before), parse_graph(case.after)
    verify(before)
    verify(after)
    check_same_meaning(before, after)
    assert print_graph(after) == case.after


def test_every_pass_has_goldens_and_every_golden_a_pass() -> None:
    files = {path.stem for path in goldens.FOLDER.glob("*.sglcir")}
    assert set(RUNS) <= files
    assert all(len(goldens.read(name)) >= 2 for name in RUNS)
