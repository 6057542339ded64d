"""A failing program made small and told: what a person needs to see it, and to run it again."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fuzz.check import Failure, check
from tests.fuzz.choices import Choices
from tests.fuzz.programs import Program, generate
from tests.fuzz.runs import Runs
from tests.fuzz.shrink import Made, shrink


@dataclass(frozen=True)
class Found:
    """A failure: of which seed, and the smallest program that was found to fail alike."""

    seed: int
    failure: Failure
    program: Program

    def __str__(self) -> str:
        rows = "\n".join(f"#   {dict(row)}" for row in self.program.rows)
        model = f", one question in {self.program.failing} fails" if self.program.failing else ""
        return (
            f"seed {self.seed}: {self.failure.kind}\n"
            f"{self.failure.what}\n\n{self.failure.source}"
            f"# rows:\n{rows}\n# settings: {self.program.settings}; answers: {list(self.program.words)}{model}\n"
            f"# again: python -m tests.fuzz --seed {self.seed}"
        )


def minimal(seed: int, program: Program, failure: Failure, runs: Runs, seconds: float = 15.0) -> Found:
    """The failure with the smallest program of its kind."""
    best = program, failure

    def attempt(made: Made) -> Made | None:
        nonlocal best
        smaller = generate(Choices(made))
        again = check(smaller, runs).failure
        if again is None or again.kind != failure.kind:
            return None
        if len(smaller.made) <= len(best[0].made):
            best = smaller, again
        return smaller.made

    made = shrink(program.made, attempt, seconds)
    smallest = generate(Choices(made))
    last = check(smallest, runs).failure
    return Found(seed, last, smallest) if last is not None else Found(seed, best[1], best[0])
