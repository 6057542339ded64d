"""The inner loops in C and those in Python give the same, number by number, and count the same work."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import fields
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sglc.ir import automaton, native
from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular import limits, minimise, subsets, tokens, walk
from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.limits import Budget
from tests.regex.oracle import byte_level
from tests.regexes import compile_regex, random_regex

VOCABULARY = byte_level()


def in_python(patch: pytest.MonkeyPatch) -> None:
    for module in (subsets, minimise, walk, automaton):
        patch.setattr(module, "native", None)


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ConstraintError as error:
        return str(error)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_module_is_built() -> None:
    assert native.native is not None, "`pip install --verbose --editable .` says why it was not built"


def test_the_source_and_python_have_one_version() -> None:
    source = files("sglc.ir").joinpath("_native.c").read_text(encoding="utf-8")
    assert re.findall(r"#define VERSION (\d+)", source) == [str(native.VERSION)]


@pytest.mark.parametrize(("module", "version"), [(SimpleNamespace(), "None"), (SimpleNamespace(VERSION=999), "999")])
def test_an_outdated_module_says_what_to_do(module: Any, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in (subsets, minimise, walk, automaton):
        monkeypatch.setattr(user, "native", native.of_this_version(module))
    with pytest.raises(ConstraintError, match=f"has version {version}, and its source {native.VERSION}") as caught:
        compile_regex("[ab]{2}", VOCABULARY)
    assert "make setup" in caught.value.hint


def arrays(pattern: str) -> dict[str, list[Any]]:
    made = compile_regex(pattern, VOCABULARY)
    found = {each.name: getattr(made, each.name) for each in fields(made) if not each.name.startswith("_")}
    return {name: [array.dtype.name, *array.tolist()] for name, array in found.items()}


@pytest.mark.parametrize("seed", range(4))
def test_automata_are_the_same(seed: int) -> None:
    draw = random.Random(seed)
    patterns = [random_regex(draw) for _ in range(60)]
    fast = [outcome(lambda p=pattern: arrays(p)) for pattern in patterns]
    with pytest.MonkeyPatch.context() as patch:
        in_python(patch)
        assert [outcome(lambda p=pattern: arrays(p)) for pattern in patterns] == fast


@pytest.mark.parametrize("seed", range(40))
def test_masks_are_the_same(seed: int) -> None:
    """Of any automaton: with few classes and many, classes of one id, and none, one or two ids that end."""
    draw = np.random.default_rng(seed)
    states, classes, end_count = draw.integers(1, 40), draw.integers(1, 80), seed % 3
    more = draw.integers(0, classes, draw.integers(0, 400)) * (draw.random() < 0.7)
    class_of = draw.permutation(np.concatenate([np.arange(1, classes), more, [0, 0]])).astype(np.int32)
    by_class = draw.integers(-1, states, (classes, states), dtype=np.int32)
    by_class[:, draw.random(states) < 0.3] = -1
    by_class[draw.random(classes) < 0.6] = -1
    by_class[0] = -1
    ends = np.arange(end_count, dtype=np.int32)
    of_ends = (draw.random(states) < 0.5) & (end_count > 0)
    given = class_of, by_class, of_ends, ends
    for fast, slow in zip(automaton.masks_in_c(*given), automaton.masks_in_python(*given), strict=True):
        assert fast.dtype == slow.dtype
        assert fast.tolist() == slow.tolist()


LARGE_ONES = [r"(?:a{0,60}b?){0,8}", r".*x.{9}", r"(?:[a-f]+|[d-k]+|x){1,9}", r"\w{1,30}\d\W"]


@pytest.mark.parametrize("pattern", LARGE_ONES)
def test_work_is_counted_alike(pattern: str) -> None:
    def left() -> int:
        budget = Budget.of(tree, source)
        smallest_dfa(tree, budget)
        return budget.work

    tree, source = read_constraint(Constraint("regex", pattern))
    fast = left()
    assert 0 < fast < limits.MAX_WORK
    with pytest.MonkeyPatch.context() as patch:
        in_python(patch)
        assert left() == fast


PATTERN = r"(?:[a-f]{1,9}|[d-k]+|xé){1,5}"


def within_work(bound: int) -> bool:
    tree, source = read_constraint(Constraint("regex", PATTERN))
    budget = Budget.of(tree, source)
    budget.work = bound
    return not isinstance(outcome(lambda: smallest_dfa(tree, budget)), str)


def within_states(bound: int) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subsets, "MAX_STATES", bound)
        return not isinstance(outcome(lambda: arrays(PATTERN)), str)


def within_pairs(bound: int) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "MAX_WORK", bound)
        return not isinstance(outcome(lambda: arrays(PATTERN)), str)


def within_cells(bound: int) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "MAX_CELLS", bound)
        return not isinstance(outcome(lambda: arrays(PATTERN)), str)


@pytest.mark.parametrize("within", [within_work, within_states, within_pairs, within_cells], ids=lambda f: f.__name__)
def test_what_is_too_much_is_too_much_in_both(within: Callable[[int], bool]) -> None:
    """The least bound that is enough, found by halving, is the same one."""

    def least() -> int:
        low, high = 0, 1 << 20
        assert within(high)
        while low + 1 < high:
            bound = (low + high) // 2
            low, high = (low, bound) if within(bound) else (bound, high)
        return high

    fast = least()
    assert fast > 1
    with pytest.MonkeyPatch.context() as patch:
        in_python(patch)
        assert least() == fast
