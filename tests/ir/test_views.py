"""The tree of prompts and the rounds of steps: the same as the schedule says, and what it does not say."""

from __future__ import annotations

from dataclasses import astuple
from random import Random

import pytest

from sglc.ir.ops import Role
from sglc.ir.parser import parse_graph
from sglc.ir.views import prompts, rounds
from sglc.passes.lower import lower
from tests.graphs import random_compiled_graph

JUDGE = """\
program judge {
  %essay = param "essay"
  prefix {
    %0 = root
    %1 = append %0, [<system>, "Judge.", </system>]
  }
  %2 = append %1, [%essay, "ab"]
  %3 = gen %2 {name="a", max_tokens=30, number=0}
  %4 = read %3
  %5 = gen %2 {name="b", number=1}
  %6 = read %5
  %7 = call "best" [%4, %6] {number=2}
  %8 = append %2, ["So: ", %7, "."]
  %9 = select %8 from [["yes"], ["no"]] {number=3}
  %10 = test "eq" [%4, "x"]
  final %9
  switch %10 {number=0}
  case true {
    %11 = gen %9 {max_tokens=5, number=4}
    final %11
  }
  case false {
    final %9
  }
}
"""


def test_prompts_say_what_each_adds_and_who_begins_with_it() -> None:
    assert [astuple(prompt) for prompt in prompts(parse_graph(JUDGE))] == [
        (1, -1, 0, 0, 0, 4, True),
        (2, 1, 6, 6, 0, 4, True),
        (3, 2, 2, 8, 1, 4, False),
        (4, 3, 0, 8, 1, 0, False),
        (6, 3, 0, 8, 1, 0, False),
        (9, 3, 5, 13, 1, 2, False),
        (10, 9, 0, 13, 1, 1, False),
        (12, 10, 0, 13, 1, 0, False),
    ]


def test_a_measure_is_asked_once_for_each_literal_and_role() -> None:
    asked: list[str | Role] = []
    sized = prompts(parse_graph(JUDGE), lambda part: asked.append(part) or 10)
    assert asked == [Role("system", "begin"), "Judge.", Role("system", "end"), "ab", "So: ", "."]
    assert [prompt.begins for prompt in sized] == [0, 30, 40, 40, 40, 60, 60, 60]


def test_rounds_say_when_a_step_can_run_and_which_are_on_the_longest_chain() -> None:
    assert [astuple(bar) for bar in rounds(parse_graph(JUDGE))] == [
        # op, round, start, bound, gate, critical
        (4, 0, 0, 30, -1, False),
        (6, 0, 0, 128, -1, True),
        (8, 1, 128, 1, -1, True),
        (10, 2, 129, 1, -1, True),
        (12, 3, 130, 5, 0, True),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_views_agree_with_the_schedule(seed: int) -> None:
    graph = random_compiled_graph(Random(seed), 40)
    schedule = lower(graph)
    steps = {prompt.op: prompt.steps for prompt in prompts(graph)}
    assert {life.state: life.uses for life in schedule.lifetimes}.items() <= steps.items()
    bars = rounds(graph, schedule)
    assert [bar.op for bar in bars] == [step.op for step in schedule.steps]
    for step, bar in zip(schedule.steps, bars, strict=True):
        assert all(bars[earlier].round < bar.round for earlier in step.after)
        assert bar.gate >= 0 or step.region == 0
    longest = max((bar.start + bar.bound for bar in bars), default=0)
    assert longest == max((step.priority for step in schedule.steps), default=0)
    assert sum(bar.bound for bar in bars if bar.critical) == longest
