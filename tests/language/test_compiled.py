"""A compiled program runs without its Python, also after a trip through an artifact."""

from __future__ import annotations

from pathlib import Path

import pytest

import sglc
from tests.language.programs import forks, formatted


def test_compiled_and_loaded_run_as_the_function_does(engine: sglc.Engine, tmp_path: Path) -> None:
    rows = [{"subject": f"the number {n}"} for n in range(3)]
    expected = [result.variables for result in forks.run_batch(rows, backend=engine, seed=4)]
    compiled = forks.compile(backend=engine)
    compiled.save(tmp_path / "forks.sglc")
    for program in (compiled, sglc.load(tmp_path / "forks.sglc")):
        assert [result.variables for result in program.run_batch(rows, backend=engine, seed=4)] == expected
        assert program.run(**rows[0], backend=engine, seed=4).variables == expected[0]


def test_settings_and_defaults(engine: sglc.Engine) -> None:
    compiled = formatted.compile(count=5)
    result = compiled.run(name="Ada", backend=engine, temperature=0)
    assert "Ada has 5 apples" in result.text()
    assert compiled.run_batch([], backend=engine) == []
    with pytest.raises(sglc.ArgumentsError, match="argument 'name' is missing"):
        compiled.run(backend=engine)
    with pytest.raises(sglc.ArgumentsError, match="row 1: the program was compiled with count = 5"):
        compiled.run_batch([{"name": "a"}, {"name": "b", "count": 2}], backend=engine)
