"""The planted bugs still fit the source; `make mutants` runs them."""

import pytest

from tests.mutants.__main__ import ROOT, mutate
from tests.mutants.bugs import BUGS, Bug


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_the_text_to_replace_is_there(bug: Bug) -> None:
    source = (ROOT / "runtime" / "engine" / bug.file).read_text()
    mutated = mutate(bug, source)
    assert mutated != source
    compile(mutated, bug.file, "exec")


def test_a_text_that_is_gone_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"stale: pool\.py has 0 times 'nothing like it'"):
        mutate(Bug("stale", "pool.py", "nothing like it", ""), "x = 1\n")


def test_there_are_enough() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 20
