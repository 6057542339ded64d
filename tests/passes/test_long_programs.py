"""Programs of 10,000 ops and more: no recursion, and nothing quadratic where the result is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from sglc.ir.builder import Builder
from sglc.ir.graph import MAX_REGIONS, Case, End, Graph, Region, Switch
from sglc.ir.ops import Append, Gen, Op, Read, Root, operands
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise

SIZE = 10_000


def turns() -> Graph:
    b = Builder("turns")
    state = b.root()
    for i in range(SIZE // 2):
        state = b.gen(b.append(state, [f"Turn {i}: "]))
    return b.finish(state)


def appends() -> Graph:
    b = Builder("appends")
    x = b.param("x")
    state = b.root()
    for i in range(SIZE):
        state = b.append(state, [f"{i} ", x])
    return b.finish(b.gen(state))


def wide_fork() -> Graph:
    b = Builder("wide_fork")
    x = b.param("x")
    state = b.append(b.root(), ["Judge ", x])
    reads: list[Op] = [b.read(b.gen(b.append(state, [f"in respect {i} of ", x]))) for i in range(SIZE // 3)]
    return b.finish(b.gen(b.append(state, reads)), {"all": [*reads]})


def memory() -> Graph:
    """Each answer is written into the prompt that it answered."""
    b = Builder("memory")
    state = b.append(b.root(), ["start"])
    for _ in range(SIZE // 3):
        state = b.append(state, [" then ", b.read(b.gen(state))])
    return b.finish(state)


def cases(depth: int, width: int) -> Graph:
    """Switches inside each other, each of so many cases, all but one of which end at once."""
    number = count()

    def region(state: Op, size: int) -> tuple[list[Op], Op, Read]:
        gens: list[Op] = []
        for _ in range(size):
            append = Append(state=state, parts=("more ", "and more"))
            state = Gen(state=append, number=next(number))
            gens += [append, state]
        read = Read(state=state)
        return [*gens, read], state, read

    size = SIZE // depth // (width + 3)
    root = Root()
    regions: list[tuple[list[Op], Op, Read]] = [region(root, size)]
    for _ in range(depth - 1):
        regions.append(region(regions[-1][1], size))
    inner: Region | None = None
    for level, (ops, state, read) in reversed(list(enumerate(regions))):
        if inner is None:
            inner = Region(tuple(ops), End(state, {"all": [read for _, _, read in regions]}))
            continue
        last = [Case((str(i),), Region((), End(state, {"v": read}))) for i in range(width - 1)]
        inner = Region(tuple(ops), Switch(state, (read,), (Case(("x",), inner), *last), number=level))
    assert inner is not None
    return Graph("cases", (), (), replace(inner, body=(root, *inner.body)))


def deep_cases() -> Graph:
    return cases(MAX_REGIONS, 2)


def wide_cases() -> Graph:
    return cases(5, SIZE // 10)


@pytest.mark.parametrize(
    "program", [turns, appends, wide_fork, memory, deep_cases, wide_cases], ids=lambda p: p.__name__
)
def test_long_programs(program: Callable[[], Graph]) -> None:
    graph = program()
    optimised = optimise(graph)
    schedule = lower(optimised)
    assert len(schedule.steps) == sum(isinstance(op, Gen) for op in graph.body)
    # The sizes of the results are linear too.
    assert sum(len(list(operands(op))) for op in optimised.ops) <= 4 * SIZE
    assert sum(len(step.after) for step in schedule.steps) <= SIZE
    deep = MAX_REGIONS if program is deep_cases else 1  # each region on a path may be the last that runs
    assert sum(len(life.last) for life in schedule.lifetimes) <= SIZE * deep


def test_a_chain_of_appends_becomes_one() -> None:
    (only,) = [op for op in optimise(appends()).body if isinstance(op, Append)]
    assert len(only.parts) == 2 * SIZE - 1  # the first literal is in the prefix
