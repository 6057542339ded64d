"""The main job: `examples/judge.py` over all essays on the embedded model, compiled against interpreted.

Interpreted runs go row by row, each primitive at once, on the same engine with the same cache, as a program would that
calls a server once a gen. Both modes give the same text; the ratio is what the compiled schedule's parallelism is worth.
Tokens: what each request, and each choice, alone would have prefilled, and what was.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

from benchmarks._report import Report, main
from sglc import Engine
from sglc.command.program_file import load_program

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3


def measure() -> Report:
    program = load_program(str(ROOT / "examples" / "judge.py"))
    rows = [json.loads(line) for line in (ROOT / "examples" / "data" / "essays.jsonl").read_text().splitlines()]
    seconds: dict[str, list[float]] = {"compiled": [], "interpret": []}
    texts: dict[str, list[str]] = {}
    with Engine(device="cpu") as engine:
        program.run_batch(rows[:2], backend=engine, seed=0)  # the first forward passes are slower
        for _ in range(ROUNDS):
            for mode, times in seconds.items():
                engine.flush_cache()
                engine.reset_stats()
                start = time.perf_counter()
                results = program.run_batch(rows, backend=engine, seed=0, mode=mode)  # pyright: ignore[reportArgumentType]: the keys above
                times.append(time.perf_counter() - start)
                texts[mode] = [result.text() for result in results]
                if mode == "compiled":
                    stats = engine.stats()
    without = stats.prompt_tokens + stats.shared_tokens
    if texts["compiled"] != texts["interpret"]:
        raise AssertionError("compiled and interpreted texts differ")
    ratios = [slow / fast for fast, slow in zip(seconds["compiled"], seconds["interpret"], strict=True)]
    return Report(
        {
            "rows": len(rows),
            "prompt_tokens_without_sharing": without,
            "prompt_tokens_prefilled": stats.prefilled_tokens,
            "prefill_ratio": without / stats.prefilled_tokens,
            "forward_passes": stats.forward_passes,
            "compiled_over_interpreted_speed": statistics.median(ratios),
        }
    )


if __name__ == "__main__":
    main("judge", measure)
