"""Checks the programs of a range of seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.fuzz.check import check
from tests.fuzz.choices import Choices
from tests.fuzz.coverage import Coverage
from tests.fuzz.programs import generate
from tests.fuzz.report import Found, minimal
from tests.fuzz.runs import Runs

SHOWN = 2
"""Failures of one kind that are made small and told; the others are counted."""


@dataclass
class Searched:
    """coverage: of the programs. kinds: how often each kind of failure came."""

    coverage: Coverage = field(default_factory=Coverage)
    kinds: Counter[str] = field(default_factory=Counter[str])

    def update(self, other: Searched) -> None:
        self.coverage.update(other.coverage)
        self.kinds.update(other.kinds)


def search(
    seeds: Iterable[int], runs: Runs, told: list[Found], tell: Callable[[Found], None] | None = None
) -> Searched:
    """Checks these seeds. told: failures that were made small, also those of earlier searches; it grows. tell: gets each
    new one when it comes."""
    searched = Searched()
    for seed in seeds:
        program = generate(Choices.of_seed(seed))
        checked = check(program, runs)
        searched.coverage.add(program, checked)
        failure = checked.failure
        if failure is None:
            continue
        searched.kinds[failure.kind] += 1
        if sum(found.failure.kind == failure.kind for found in told) < SHOWN:
            found = minimal(seed, program, failure, runs)
            told.append(found)
            if tell is not None:
                tell(found)
    return searched
