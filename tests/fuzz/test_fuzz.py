"""Random programs: compiled runs agree with plain Python's. `make fuzz` looks at many more."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sglc as sgl
from sglc.runtime.scripted import Question
from tests.fuzz.check import check
from tests.fuzz.choices import Choices
from tests.fuzz.coverage import EXERCISED
from tests.fuzz.planted import FAULTS, Fault
from tests.fuzz.processes import summary
from tests.fuzz.programs import Program, generate
from tests.fuzz.relations import CHANGES, changed
from tests.fuzz.report import Found, minimal
from tests.fuzz.runs import Runs
from tests.fuzz.search import search
from tests.fuzz.shrink import shrink
from tests.fuzz.ways import WAYS

PROGRAMS = 5_000
PARTS = 10
"""So that several workers share them."""

FOUND_WITHIN = 1_500
"""Programs in which a planted fault must show."""


RARE = frozenset(("fork 3", "warning", "messages", "reasoning", "recursion", "raise", "template"))
"""What a part may come across or not; all of it together does."""


@pytest.mark.parametrize("part", range(PARTS))
def test_compiled_is_plain_python(part: int) -> None:
    size = PROGRAMS // PARTS
    told: list[Found] = []
    with Runs() as runs:  # inside of the test: outside, pytest catches the warnings
        searched = search(range(part * size, (part + 1) * size), runs, told)
    assert not searched.kinds, "\n\n".join([*map(str, told), summary(searched)])
    unseen = [name for name in EXERCISED if not searched.coverage.counts[name] and name not in RARE]
    assert not unseen, f"no program had {unseen}"
    idle = searched.coverage.idle()
    assert not idle, f"{idle} had next to nothing to do:\n{searched.coverage}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found(fault: Fault) -> None:
    with Runs() as runs, fault.plant():
        for seed in range(FOUND_WITHIN):
            if check(generate(Choices.of_seed(seed)), runs).failure is not None:
                return
    pytest.fail(f"no program of {FOUND_WITHIN} shows it")


INTERRUPTED = """
import sys
from tests.fuzz import processes

def interrupted(*rest):
    raise KeyboardInterrupt

processes._reports = interrupted
sys.exit(processes.hunt(7_000_000, 1_000_000, 1))
"""


def test_an_interrupted_search_says_where_to_go_on_and_ends() -> None:
    """Also where more is left to do than fits between the processes."""
    search = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False
    )
    assert "stopped; go on with --start 7000000" in search.stderr
    assert "0 programs, no failures" in search.stdout
    assert search.returncode == 1


def test_a_failure_becomes_small_and_says_how_to_run_it_again() -> None:
    fault = next(fault for fault in FAULTS if fault.name == "a gen draws with another's number")
    with Runs() as runs, fault.plant():
        seed, program, failure = next(
            (seed, program, failure)
            for seed, program in ((seed, _program(seed)) for seed in range(FOUND_WITHIN))
            if (failure := check(program, runs).failure) is not None
        )
        found = minimal(seed, program, failure, runs, seconds=10.0)
    assert found.failure.kind == failure.kind
    assert len(found.failure.source.splitlines()) <= 10
    assert f"python -m tests.fuzz --seed {found.seed}" in str(found)
    assert "plain Python:" in str(found)


def test_a_program_is_its_decisions() -> None:
    for seed in range(50):
        program = generate(Choices.of_seed(seed))
        again = generate(Choices(program.made))
        assert again == program
        assert again.made == program.made


def test_decisions_shrink_to_the_smallest_that_fail() -> None:
    def attempt(made: tuple[int, ...]) -> tuple[int, ...] | None:
        return made if sum(number > 6 for number in made) >= 2 else None

    assert shrink((3, 9, 0, 12, 5, 8, 1, 1, 40), attempt) == (7, 7)


def test_the_way_without_passes_uses_none() -> None:
    asked: list[str] = []

    def answer(question: Question) -> str:
        asked.append(question.prompt)
        return "yes"

    @sgl.function
    def twice(s, a):
        forks = s.fork(2)
        forks += a + sgl.gen("x", temperature=0)
        s += forks[0]["x"] + forks[1]["x"]

    with sgl.Scripted(answer) as backend:
        (seen,) = WAYS["unoptimised"](twice, [{"a": "Why?"}], {"backend": backend})
        assert seen is not None
        assert (seen.text, asked) == ("yesyes", ["Why?", "Why?"])
        assert twice.run("Why?", backend=backend).text() == "yesyes"
        assert asked == ["Why?"] * 3  # equal greedy answers are one


@pytest.mark.parametrize("relation", CHANGES)
def test_relations_change_programs(relation: str) -> None:
    """Each applies to some programs, and what it gives is a program."""
    sources = [changed(program.source, relation) for program in map(_program, range(100))]
    applied = [source for source in sources if source is not None]
    assert len(applied) >= 3
    for source in applied:
        compile(source, relation, "exec")


def _program(seed: int) -> Program:
    return generate(Choices.of_seed(seed))
