"""What is called plain Python accepts, without flags; whether it is asked makes no difference."""

from __future__ import annotations

import itertools
import random
import re
import warnings
from collections.abc import Iterator

import pytest

from benchmarks._constraint_cases import CASES
from sglc.passes.regex import python, syntax
from sglc.passes.regex.plain import is_plain
from tests.regexes import random_regex

PIECES = [
    *"ab09zAZ-^[](){}|*+?.,\\$:1é",
    *("(?:", "a-z", "0-9", "\\d", "{2}", "{1,3}", "{3,1}", "{,2}", "[^", "\\-", "\\]", "|(", "++", "[a-", "9-0]"),
]


def some_patterns(seed: int) -> Iterator[str]:
    draw = random.Random(seed)
    for _ in range(8_000):
        yield "".join(draw.choices(PIECES, k=draw.randint(0, 9)))
    for _ in range(500):
        pattern = random_regex(draw)
        yield pattern
        at = draw.randrange(len(pattern) + 1)
        yield pattern[:at] + pattern[at + 1 :]
        yield pattern[:at] + draw.choice(PIECES) + pattern[at:]


def accepted_without_flags(pattern: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            return re.compile(pattern).flags == re.UNICODE
    except re.error:
        return False


@pytest.mark.parametrize("seed", range(4))
def test_python_accepts_what_is_plain(seed: int) -> None:
    plain = [pattern for pattern in some_patterns(seed) if is_plain(pattern)]
    assert len(plain) > 500
    assert [pattern for pattern in plain if not accepted_without_flags(pattern)] == []


@pytest.mark.parametrize("letters", ["a-[]^9(|", "a*+?{1,}", "(?:)|a*", "[]^-\\d]"])
def test_all_short_ones(letters: str) -> None:
    for length in range(7):
        for chosen in itertools.product(sorted(set(letters)), repeat=min(length, 5)):
            pattern = "".join(chosen)
            assert not is_plain(pattern) or accepted_without_flags(pattern), pattern


def test_the_trees_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = [case.pattern for case in CASES if case.pattern is not None]
    assert all(map(is_plain, patterns)), "those that are measured are plain"
    plain = [syntax.parse(pattern) for pattern in patterns]
    monkeypatch.setattr(python, "is_plain", lambda _: False)
    assert [syntax.parse(pattern) for pattern in patterns] == plain
