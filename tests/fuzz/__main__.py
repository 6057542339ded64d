"""Looks for programs whose compiled run differs from plain Python's.

python -m tests.fuzz [--count N] [--start SEED] [--processes P]
python -m tests.fuzz --seed SEED            one program again, made small
python -m tests.fuzz --seed SEED --whole    the same, as it was generated

Exits with 1 if there is one. An interrupted search says the seed to go on from.
"""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.check import check
from tests.fuzz.choices import Choices
from tests.fuzz.processes import hunt
from tests.fuzz.programs import generate
from tests.fuzz.report import Found, minimal
from tests.fuzz.runs import Runs


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1_000_000, help="programs")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, help="one program again")
    parser.add_argument("--whole", action="store_true", help="do not make it small")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return again(given.seed, whole=given.whole)
    return hunt(given.start, given.count, given.processes)


def again(seed: int, *, whole: bool) -> int:
    """One program, told on standard output."""
    program = generate(Choices.of_seed(seed))
    with Runs() as runs:
        failure = check(program, runs).failure
        if failure is None:
            print(f"{program.source}# rows: {[dict(row) for row in program.rows]}\nseed {seed}: no difference")
            return 0
        print(Found(seed, failure, program) if whole else minimal(seed, program, failure, runs))
    return 1


if __name__ == "__main__":
    sys.exit(main())
