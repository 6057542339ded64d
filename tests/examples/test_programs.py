"""Every example gives the same compiled and interpreted, and what its readers expect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sglc
from sglc.program_file import load_program

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DATA = {"judge": "essays.jsonl"}
ROWS = 3


def test_every_example_has_data() -> None:
    assert sorted(DATA) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", DATA)
def test_compiled_equals_interpreted(engine: sglc.Engine, name: str) -> None:
    program = load_program(str(EXAMPLES / f"{name}.py"))
    lines = (EXAMPLES / "data" / DATA[name]).read_text(encoding="utf-8").splitlines()[:ROWS]
    rows = [json.loads(line) for line in lines]
    compiled = program.run_batch(rows, backend=engine, seed=0)
    interpreted = program.run_batch(rows, backend=engine, seed=0, mode="interpret")
    for fast, plain in zip(compiled, interpreted, strict=True):
        assert fast.error() is None
        assert (fast.text(), fast.variables, fast.ret_value) == (plain.text(), plain.variables, plain.ret_value)


def test_judge_scores_six_dimensions_and_gives_a_verdict(engine: sglc.Engine) -> None:
    program = load_program(str(EXAMPLES / "judge.py"))
    result = program.run(essay="Water is wet. " * 40, backend=engine)
    assert len(result["comment"]) == len(result["score"]) == 6
    assert all(int(score) in range(1, 11) for score in result["score"])
    assert result["verdict"] in ("accept", "revise", "reject")


def test_judge_prefills_the_rubric_once(engine: sglc.Engine) -> None:
    program = load_program(str(EXAMPLES / "judge.py"))
    compiled = program.compile(backend=engine)
    (rubric,) = compiled.for_model(engine.tokenizer).prefix_ids
    assert len(rubric) > 300
    engine.flush_cache()
    engine.warm([rubric])
    engine.reset_stats()
    for result in program.run_batch([{"essay": f"Essay {n}. Water is wet."} for n in range(3)], backend=engine):
        assert min(meta["cached_tokens"] for meta in result.meta["comment"]) >= len(rubric)
    stats = engine.stats()
    assert stats.prefilled_tokens + stats.cached_tokens == stats.prompt_tokens
