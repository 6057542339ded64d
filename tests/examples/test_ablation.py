"""`benchmarks.ablation` on one example: what it counts, and what it leaves out because it makes no difference."""

from __future__ import annotations

import json

from benchmarks.ablation import ALL, FULL, LOWER, OFF, ROOT, ablated, compiled
from sglc import Engine
from sglc.command.program_file import load_program
from sglc.ir.terms import check_same_meaning
from sglc.ir.verify_schedule import verify_schedule
from sglc.passes.pipeline import GRAPH_PASSES


def test_one_example() -> None:
    path = ROOT / "examples" / "mmlu.py"
    rows = [json.loads(line) for line in path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()[:2]]
    with Engine(device="cpu") as engine:
        found = ablated(engine, load_program(str(path)), rows, rounds=1)
    full = found[FULL]
    assert [*found] == [FULL, *OFF]
    assert full.ahead > 250  # the five examples, which depend on no argument
    assert full.ratio == 1
    assert found["hoist_prefix"].ahead == 0
    assert found["hoist_prefix"].tokens == full.tokens + full.ahead
    assert found["detect_forks"].same  # there is one step
    assert found["detect_forks"].tokens == full.tokens
    assert not found[ALL].same


def test_what_is_off_is_valid_and_means_the_same() -> None:
    traced = load_program(str(ROOT / "examples" / "judge.py")).trace()
    for off in OFF:
        made = compiled(traced, off)
        verify_schedule(made.graph, made.schedule)
        check_same_meaning(traced, made.graph)
        in_order = [step.order for step in made.schedule.steps] == [*range(len(made.schedule.steps))]
        assert in_order or off not in (LOWER, ALL)
    assert compiled(traced, ALL).graph is traced
    assert {graph_pass.__name__ for graph_pass in GRAPH_PASSES} < set(OFF)
