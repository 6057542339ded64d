"""What rows of a batch have in common: found by their equal arguments, and kept in the cache as long as the batch."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence

import pytest

import sglc.batch
from benchmarks._hit_rate_engine import Measured, Simulated
from sglc import ProgramState, Scripted, SglFunction, function, gen
from sglc.ir.errors import ModelError
from sglc.ir.ops import Sampling
from sglc.ir.tokens import Piece
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from sglc.runtime.futures import Foresight
from sglc.runtime.growth import Growth
from sglc.runtime.program import Program, Run
from tests.runtime.toy import ByteTokenizer, Machine


@function
def two_looks(s: ProgramState, book: str, question: str) -> None:
    """The second prompt begins with the book too, and is asked when the first has been answered."""
    again = s.fork(1)[0]
    s += "Read " + book + " Question: " + question + gen("answer", max_tokens=4)
    again += "Check " + book + s["answer"] + question + gen("check", max_tokens=4)
    s["check"] = again["check"]


@function
def forked(s: ProgramState, book: str, question: str) -> None:
    s += "Read " + book + "."
    branches = s.fork(2)
    for number, word in enumerate(("twice", "slowly")):
        branches[number] += f" {word}, and answer: {question}" + gen("answer", max_tokens=4)
    s["answers"] = [branch["answer"] for branch in branches]


@function
def upper(s: ProgramState, book: str, question: str) -> None:
    s += book.upper() + " " + question + gen("answer", max_tokens=4)


def program(source: SglFunction) -> Program:
    graph = optimise(source.trace())
    return Program(graph, lower(graph), {})


def rows(*texts: str) -> list[dict[str, str]]:
    """Rows of the arguments book and question, written as `book/question`."""
    return [dict(zip(("book", "question"), text.split("/"), strict=True)) for text in texts]


@pytest.mark.parametrize(
    ("source", "of", "common"),
    [
        (two_looks, rows("B/x", "B/y"), ["Read B Question: ", "Check B"]),
        (two_looks, rows("B/x", "B/x"), ["Read B Question: ", "Check B"]),
        (two_looks, rows("B/x", "C/x"), []),
        (forked, rows("B/x", "B/y"), ["Read B. slowly, and answer: ", "Read B. twice, and answer: "]),
        (upper, rows("b/x", "b/y"), ["B "]),
    ],
)
def test_what_rows_have_in_common(source: SglFunction, of: list[dict[str, str]], common: list[str]) -> None:
    render = ByteTokenizer().render
    assert sorted(map(render, program(source).in_common(of))) == sorted(common)


@pytest.fixture(scope="module")
def backend() -> Iterator[Simulated]:
    with Simulated() as backend:
        yield backend


BOOK = "Of the ships that sailed that year, and of what they brought home. " * 8
ROWS = [{"book": BOOK, "question": f"{number}: " + f"what was it, {number}? " * 12} for number in range(10)]


def batch(backend: Simulated, pages: int, data: Sequence[dict[str, str]] = ROWS) -> Measured:
    return backend.measure(lambda: two_looks.run_batch(data, backend=backend, seed=0), pages=pages)


def test_a_small_pool_keeps_what_the_rows_have_in_common(backend: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    roomy = batch(backend, 1 << 20)
    monkeypatch.setattr(Program, "growth", lambda program, sampling: Growth())  # more rows begin than fit
    held = batch(backend, 600)
    monkeypatch.setattr(sglc.batch, "in_common", lambda rows: [])
    alone = batch(backend, 600)
    assert held.texts == alone.texts == roomy.texts
    assert held.computed < alone.computed


def test_a_batch_without_end_gives_up_what_it_held(backend: Simulated) -> None:
    def first() -> list[object]:
        results = two_looks.run_batch(ROWS, backend=backend, seed=0, generator_style=True)
        return [next(results)]

    backend.measure(first)  # which looks whether a claim is left


def test_asyncio(backend: Simulated) -> None:
    async def gathered() -> list[object]:
        return [result async for result in two_looks.arun_batch(ROWS, backend=backend, seed=0)]

    assert backend.measure(lambda: asyncio.run(gathered()), pages=900).texts == batch(backend, 900).texts


def test_a_prompt_that_has_no_tokens_is_not_held() -> None:
    class Refusing(ByteTokenizer):
        def encode(self, prompt: Sequence[Piece]) -> list[int]:
            raise ModelError("this model has no chat template")

    assert Foresight(Machine().core, Refusing()).hold([()]) == []


def test_constant_prompts_are_tokenised_once_a_program() -> None:
    read: list[str] = []

    class Noting(ByteTokenizer):
        def encode(self, prompt: Sequence[Piece]) -> list[int]:
            read.append(self.render(prompt))
            return super().encode(prompt)

    foresight = Foresight(Machine().core, Noting())
    made = program(two_looks)
    for row in range(3):
        run = Run(made, {"book": "b", "question": "q"}, Sampling(), 0, row, lambda outcome: None)
        foresight.end(run, foresight.begin(run))
    assert sorted(read) == ["Check ", "Read ", "qb"]  # the last says how many tokens a character has


@function
def held_by_nobody(s: ProgramState, question: str) -> None:
    s += question + gen("answer", max_tokens=4)


def test_a_backend_that_waits_for_work_holds_nothing_of_the_last_batch() -> None:
    with Scripted(lambda question: "yes") as backend:
        results = held_by_nobody.run_batch([{"question": str(number)} for number in range(3)], backend=backend)
        deadline = time.monotonic() + 10
        while held := [
            one for one in gc.get_objects() if isinstance(one, Run) and one.program.name == "held_by_nobody"
        ]:
            assert time.monotonic() < deadline, f"{len(held)} runs are held"
            del held
            time.sleep(0.01)
    assert [result["answer"] for result in results] == ["yes"] * 3
