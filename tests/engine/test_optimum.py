"""The offline optimum of `benchmarks.hit_rate`: Belady against the best of all that a cache can do, on tiny traces."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from random import Random

import pytest

from benchmarks._hit_rate_engine import Simulated
from benchmarks._hit_rate_optimum import Asked, footprint, optimum
from sglc import ProgramState, function, gen

Prefix = tuple[int, ...]


def by_trying(requests: list[Asked], pages: int) -> int:
    """Tries every set of tokens that a cache may keep after each request."""

    @cache
    def best(number: int, kept: frozenset[Prefix]) -> int:
        if number == len(requests):
            return 0
        asked = requests[number]
        path = [asked.ids[: n + 1] for n in range(len(asked.ids))]
        found = sum(prefix in kept for prefix in path[: asked.limit])
        others = sorted(kept - {*path})
        room = pages - len(path)
        after: list[int] = []
        for count in range(min(room, len(others)) + 1):
            for chosen in combinations(others, count):
                held = frozenset([*path, *chosen])
                if all(prefix[:-1] in held for prefix in held if len(prefix) > 1):
                    after.append(best(number + 1, held))
        return found + max(after)

    return best(0, frozenset())


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_belady_is_the_best_of_all(first: int) -> None:
    smaller = 0
    for seed in range(first, first + 30):
        random = Random(seed)
        requests = [
            Asked(tuple(random.choices((1, 2), k=size)), random.randint(0, size))
            for size in random.choices(range(1, 5), k=6)
        ]
        longest = max(len(request.ids) for request in requests)
        for pages in range(longest, longest + 4):
            best = optimum(requests, pages)
            assert best == by_trying(requests, pages), f"seed {seed}, {pages} pages"
            smaller += best < optimum(requests, 100)
    assert smaller


def test_a_footprint_is_the_nodes_of_the_prefix_tree() -> None:
    assert footprint([Asked((1, 2, 3), 2), Asked((1, 2, 4, 4), 3), Asked((1, 2), 1)]) == 5


def test_a_request_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 tokens does not fit 2 pages"):
        optimum([Asked((1, 2, 3), 2)], 2)


@function
def talk(s: ProgramState, name: str) -> None:
    s += "You are asked three times.\n"
    for _ in range(3):
        s += f"{name} asks: " + gen("answer", max_tokens=12, temperature=0) + "\n"


def test_what_is_measured_is_what_the_engine_does() -> None:
    """Alone and with room for all, the engine finds what the optimum finds, and says the same in any pool."""
    rows = [{"name": f"number {number}"} for number in range(6)]
    with Simulated() as backend:

        def run() -> list[object]:
            return talk.run_batch(rows, backend=backend, seed=0)  # type: ignore[return-value]

        alone = backend.measure(run, max_running=1)
        whole = footprint(alone.asked)
        assert len(alone.asked) == 18
        assert alone.hits == optimum(alone.asked, whole)
        assert (alone.recomputed, alone.computed) == (0, whole)
        small = {policy: backend.measure(run, policy, whole // 4) for policy in ("ours", "lru", "lpm")}
        assert all(measured.texts == alone.texts for measured in small.values())
        assert small["lru"].recomputed > small["ours"].recomputed
