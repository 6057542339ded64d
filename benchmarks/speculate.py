"""What it is worth to compute, while a host function is waited for, what is known of the prompts to come.

Programs on the Llama of 100 million parameters, one row and eight rows at a time: a retrieval with about 1,000 tokens
before it, of 0.3 s and, one row, of 2 s; a switch on what a host function of 0.3 s gives, with about 300 tokens in each of
its two arms; and a join of forks that decode, where the engine is never idle and nothing is to be gained. With speculation
and without (`Engine(speculate=False)`) take turns, each with an empty cache; the seconds are medians. speed: seconds
without over seconds with, the median of the rounds. piece: the seconds that one piece takes, which is how long a request
may have to wait for one that is under way.
"""

from __future__ import annotations

import statistics
import time

from benchmarks._llama import model_folder
from benchmarks._report import Report, main
from sglc import Engine, ProgramState, SglFunction, function, gen, host
from sglc.runtime.jobs import PrefillJob
from sglc.runtime.speculation import PIECE

ROUNDS = 3
SENTENCE = (
    "The answer is to be short, to name the passage that it was found in, and to say so where none of them tells it. "
)
TEXT = SENTENCE * 34
ARM = SENTENCE * 10


@host
def search(question: str, seconds: float) -> str:
    time.sleep(seconds)
    return f"nothing about {question}"


@function
def retrieval(s: ProgramState, question: str) -> None:
    s += TEXT + question + "\nPassages:\n" + search(question, 0.3) + "\nAnswer:" + gen("answer", max_tokens=4)


@function
def slow_retrieval(s: ProgramState, question: str) -> None:
    s += TEXT + question + "\nPassages:\n" + search(question, 2.0) + "\nAnswer:" + gen("answer", max_tokens=4)


@function
def arms(s: ProgramState, question: str) -> None:
    s += "Question: " + question + "\n"
    if search(question, 0.3) == "":
        s += "Nothing was found. " + ARM
    else:
        s += "This was found. " + ARM
    s += gen("answer", max_tokens=4)


@function
def join(s: ProgramState, question: str) -> None:
    s += "Question: " + question + "\n"
    forks = s.fork(2)
    forks += lambda number: f"Side {number}:" + gen("side", max_tokens=8)
    s += SENTENCE * 3 + forks[0]["side"] + forks[1]["side"] + gen("answer", max_tokens=4)


CASES = ((retrieval, 1), (retrieval, 8), (slow_retrieval, 1), (arms, 1), (arms, 8), (join, 1), (join, 8))


def measure() -> Report:
    figures: dict[str, float] = {}
    folder = str(model_folder())
    with Engine(folder, device="cpu") as on, Engine(folder, device="cpu", speculate=False) as off:
        figures["piece"] = _piece(on)
        for engine in (on, off):  # the first forward passes are slower
            join.run(question="What is it?", backend=engine)
        for program, rows in CASES:
            name = f"{program.__name__}_{rows}"
            figures |= {f"{name}_{key}": value for key, value in _compare(program, rows, on, off).items()}
    return Report(figures)


def _compare(program: SglFunction, rows: int, on: Engine, off: Engine) -> dict[str, float]:
    seconds: dict[Engine, list[float]] = {on: [], off: []}
    questions = [{"question": f"What is {row}?"} for row in range(rows)]
    for round_ in range(ROUNDS):
        turns = list(seconds.items())
        for engine, taken in turns[:: 1 if round_ % 2 else -1]:  # who goes second is not always the same
            engine.flush_cache()
            engine.reset_stats()
            start = time.perf_counter()
            results = program.run_batch(questions, backend=engine, temperature=0)
            taken.append(time.perf_counter() - start)
            if failed := [error for result in results if (error := result.error()) is not None]:
                raise failed[0]
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
