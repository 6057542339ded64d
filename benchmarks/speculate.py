"""What it is worth to compute, while a host function is waited for, what is known of the prompts to come.

Three programs on the Llama of 100 million parameters, one row and eight rows at a time: a retrieval of 0.3 s with about
1,000 tokens before it; a switch on what a host function of 0.3 s gives, with about 300 tokens in each of its two arms; and
a join of forks that decode, where the engine is never idle and nothing is to be gained. With speculation and without
(`Engine(speculate=False)`) take turns, each with an empty cache and rows of its own texts; the seconds are medians.
speed: seconds without over seconds with, the median of the rounds. waited: the longest that a request had to wait for a
piece that was under way, in seconds.
"""

from __future__ import annotations

import statistics
import time

from benchmarks._llama import model_folder
from benchmarks._report import Report, main
from sglc import Engine, ProgramState, SglFunction, function, gen, host
from sglc.runtime.jobs import PrefillJob
from sglc.runtime.speculation import PIECE

SECONDS = 0.3
ROUNDS = 3
SENTENCE = (
    "The answer is to be short, to name the passage that it was found in, and to say so where none of them tells it. "
)
TEXT = SENTENCE * 40
ARM = SENTENCE * 12


@host
def search(question: str) -> str:
    time.sleep(SECONDS)
    return f"nothing about {question}"


@function
def retrieval(s: ProgramState, question: str) -> None:
    s += TEXT + question + "\nPassages:\n" + search(question) + "\nAnswer:" + gen("answer", max_tokens=8, temperature=0)


@function
def arms(s: ProgramState, question: str) -> None:
    s += "Question: " + question + "\n"
    if search(question) == "":
        s += "Nothing was found. " + ARM
    else:
        s += "This was found. " + ARM
    s += gen("answer", max_tokens=8, temperature=0)


@function
def join(s: ProgramState, question: str) -> None:
    s += "Question: " + question + "\n"
    forks = s.fork(2)
    forks += lambda number: f"Side {number}:" + gen("side", max_tokens=16, temperature=0)
    s += ARM + forks[0]["side"] + forks[1]["side"] + gen("answer", max_tokens=8, temperature=0)


def measure() -> Report:
    figures: dict[str, float] = {}
    with (
        Engine(str(model_folder()), device="cpu") as on,
        Engine(str(model_folder()), device="cpu", speculate=False) as off,
    ):
        figures["waited"] = _piece(on)
        for program in (retrieval, arms, join):
            for rows in (1, 8):
                name = f"{program.__name__}_{rows}"
                figures |= {f"{name}_{key}": value for key, value in _compare(program, rows, on, off).items()}
    return Report(figures)


def _compare(program: SglFunction, rows: int, on: Engine, off: Engine) -> dict[str, float]:
    seconds: dict[Engine, list[float]] = {on: [], off: []}
    texts: dict[Engine, list[str]] = {}
    for round_ in range(ROUNDS + 1):
        for engine, taken in seconds.items():
            engine.flush_cache()
            engine.reset_stats()
            start = time.perf_counter()
            results = program.run_batch([{"question": f"What is {row}?"} for row in range(rows)], backend=engine)
            if round_:  # the first forward passes are slower
                taken.append(time.perf_counter() - start)
            texts[engine] = [result.text() for result in results]
    if texts[on] != texts[off]:
        print(
            f"in bfloat16 the texts of {program.__name__} depend on the batch: {sum(map(str.__ne__, *texts.values()))}"
        )
    return {
        "s": statistics.median(seconds[on]),
        "s_without": statistics.median(seconds[off]),
        "speed": statistics.median(slow / fast for fast, slow in zip(*seconds.values(), strict=True)),
        "speculated": on.stats().speculated_tokens,
    }


def _piece(engine: Engine) -> float:
    """Seconds of one piece, the median of a few."""
    taken: list[float] = []
    for number in range(5):
        start = time.perf_counter()
        engine.ask(PrefillJob(tuple(range(1_000 + number * PIECE, 1_000 + (number + 1) * PIECE))))
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main("speculate", measure)
