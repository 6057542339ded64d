"""What it is worth to ask once what rows of a batch ask alike: half of the rows are rows that were there before.

Two examples on the embedded model: `judge.py` at temperature 0, where each answer of an equal row is equal, and
`hellaswag.py`, which only selects. Shared and not (`Engine(share_rows=False)`) take turns, each with an empty cache; the
texts are the same. Without sharing an equal row finds its prompts in the cache, but for their last tokens, and decodes
its answers again.
"""

from __future__ import annotations

import json
import statistics
import time
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks._report import Report, main
from sglc import Engine, SglFunction
from sglc.command.program_file import load_program

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CASES = {"judge": EXAMPLES / "data" / "essays.jsonl", "hellaswag": EXAMPLES / "hellaswag.jsonl"}
DISTINCT = 12
ROUNDS = 3


def measure() -> Report:
    figures: dict[str, float] = {"rows": 2 * DISTINCT}
    with Engine(device="cpu") as shared, Engine(device="cpu", share_rows=False) as apart:
        for name, path in CASES.items():
            with path.open(encoding="utf-8") as lines:
                rows = [json.loads(line) for line in islice(lines, DISTINCT)]
            program = load_program(str(EXAMPLES / f"{name}.py"))
            found = _compare(program, rows * 2, {"": shared, "_apart": apart})
            figures |= {f"{name}_{key}": value for key, value in found.items()}
    return Report(figures)


def _compare(program: SglFunction, rows: list[dict[str, Any]], engines: dict[str, Engine]) -> dict[str, float]:
    """The figures of one program on both engines."""
    seconds: dict[str, list[float]] = {key: [] for key in engines}
    figures: dict[str, float] = {}
    texts: dict[str, list[str]] = {}
    for round_ in range(ROUNDS + 1):
        for key, engine in engines.items():
            engine.flush_cache()
            engine.reset_stats()
            start = time.perf_counter()
            results = program.run_batch(rows, backend=engine, temperature=0)
            if round_:  # the first forward passes are slower
                seconds[key].append(time.perf_counter() - start)
            stats = engine.stats()
            texts[key] = [result.text() for result in results]
            figures |= {f"prefilled{key}": stats.prefilled_tokens, f"decoded{key}": stats.decoded_tokens}
            figures |= {f"passes{key}": stats.forward_passes}
    if len({tuple(of_all) for of_all in texts.values()}) > 1:
        raise AssertionError(f"sharing changes the texts of {program.__name__}")
    figures |= {f"s{key}": statistics.median(taken) for key, taken in seconds.items()}
    ratios = [slow / fast for fast, slow in zip(*seconds.values(), strict=True)]
    return {**figures, "speed": statistics.median(ratios)}


if __name__ == "__main__":
    main("rows", measure)
