"""Few-shot prompts whose examples are shared and whose instructions vary: 32 rows on the embedded model, with
`reorder_parts` and without.

As the program is written, each row's instructions stand before the examples, so no row shares anything. Their order is free
(`sgl.unordered`): with the pass the examples come first, and are prefilled once for all rows. The engine, its cache emptied
before each batch, is the same; so are the rows. Seconds are the median of the rounds, compilation left out.
"""

from __future__ import annotations

import functools
import statistics
import time
from typing import Any
from unittest.mock import patch

import sglc as sgl
from benchmarks._report import Report, main
from sglc import Engine, compiler
from sglc.ir.tokens import Text
from sglc.passes.pipeline import GRAPH_PASSES, optimise
from sglc.passes.reorder_parts import reorder_parts

ROWS = 32
ROUNDS = 3
TONES = ("calm", "strict", "short", "warm")
TOPICS = ("trains", "bread", "rivers", "chess", "gardens", "winter", "maps", "bees", "ships", "glass", "opera", "snow")

EXAMPLES = "".join(
    f"Text: The {tone} note on {topic} says {number} things, and the last of them is new.\nGrade: {number % 5 + 1}\n"
    for number, (tone, topic) in enumerate(((tone, topic) for topic in TOPICS for tone in TONES), start=1)
)


def grade(s: Any, instructions: str, text: str) -> None:
    s += "You grade texts from 1 to 5.\n" + sgl.unordered(f"{instructions}\n", EXAMPLES)
    s += "Text: " + text + "\nGrade:" + sgl.gen("grade", max_tokens=4, temperature=0, ignore_eos=True)


def measure() -> Report:
    rows = [
        {
            "instructions": f"Row {number}: be {TONES[number % 4]} where a text is on {TOPICS[number % 8]}.",
            "text": f"A note on {TOPICS[number % 7]} of {number} words.",
        }
        for number in range(ROWS)
    ]
    without = functools.partial(optimise, passes=[each for each in GRAPH_PASSES if each is not reorder_parts])
    programs = {"with": sgl.function(grade), "without": sgl.function(grade)}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    prefilled: dict[str, int] = {}
    with Engine(device="cpu") as engine:
        programs["with"].run_batch(rows[:2], backend=engine, seed=0)
        with patch.object(compiler, "optimise", without):
            programs["without"].run_batch(rows[:2], backend=engine, seed=0)
        for _ in range(ROUNDS):
            for name, program in programs.items():
                engine.flush_cache()
                engine.reset_stats()
                start = time.perf_counter()
                results = program.run_batch(rows, backend=engine, seed=0)
                seconds[name].append(time.perf_counter() - start)
                if failed := [result for result in results if result.error()]:
                    raise AssertionError(f"{len(failed)} rows failed, the first with: {failed[0].error()}")
                prefilled[name] = engine.stats().prefilled_tokens
        examples = len(engine.tokenizer.encode([Text(EXAMPLES, trusted=True)]))
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return Report(
        {
            "rows": ROWS,
            "example_tokens": examples,
            "prefilled_tokens_without": prefilled["without"],
            "prefilled_tokens_with": prefilled["with"],
            "prefill_ratio": prefilled["without"] / prefilled["with"],
            "seconds_without": median["without"],
            "seconds_with": median["with"],
            "speed_ratio": median["without"] / median["with"],
        }
    )


if __name__ == "__main__":
    main("unordered", measure)
