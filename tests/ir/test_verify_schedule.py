"""Every rule for schedules, by a schedule that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sglc.ir.errors import IRError
from sglc.ir.parser import parse_graph
from sglc.ir.schedule import ForkPlan, Lifetime, Prefix, Schedule, Step
from sglc.ir.verify_schedule import verify_schedule

# indices: 0 %a | 1 root, 2 append, 3 format | 4 append, 5 gen, 6 read, 7 append, 8 gen, 9 append, 10 select
GRAPH = parse_graph("""
program p {
  %a = param "a"
  prefix {
    %0 = root
    %1 = append %0, ["x"]
    %2 = format ["y"]
  }
  %3 = append %1, [%a]
  %4 = gen %3 {number=0}
  %5 = read %4
  %6 = append %1, ["z", %5]
  %7 = gen %6 {number=1}
  %8 = append %7, ["w"]
  %9 = select %8 from [["a"], [%5]]
  fork %1: %4, %7
  final %9
}
""")
FIRST = Step(5, "decode", (), 257, 0, 0)
SECOND = Step(8, "decode", (0,), 129, 1, 0)
THIRD = Step(10, "score", (1,), 1, 2, -1)
GOOD = Schedule(
    (Prefix(2, 3), Prefix(4, 1, "batch", (0,)), Prefix(7, 2, "call")),
    (FIRST, SECOND, THIRD),
    (Lifetime(2, 3, (2,)), Lifetime(10, 0, ())),
    (ForkPlan(2, (0, 1), -1),),
)


def test_a_right_schedule_is_right() -> None:
    verify_schedule(GRAPH, GOOD)
    verify_schedule(GRAPH, replace(GOOD, steps=(FIRST, SECOND, replace(THIRD, after=(0, 1)))))


def steps(*new: Step) -> Schedule:
    return replace(GOOD, steps=new)


BAD = {
    "prefix twice": (replace(GOOD, prefixes=(Prefix(2, 3), Prefix(2, 1))), "a prefix is named twice"),
    "prefix in the body": (replace(GOOD, prefixes=(Prefix(4, 1),)), "a prefix is no constant state"),
    "prefix of text": (replace(GOOD, prefixes=(Prefix(3, 1),)), "a prefix is no constant state"),
    "param as a prefix": (replace(GOOD, prefixes=(Prefix(0, 1),)), "a prefix is no constant state"),
    "prefix beyond": (replace(GOOD, prefixes=(Prefix(11, 1),)), "a prefix is no constant state"),
    "prefix before": (replace(GOOD, prefixes=(Prefix(-9, 1),)), "a prefix is no constant state"),
    "negative uses": (replace(GOOD, prefixes=(Prefix(2, -1),)), "a count of uses is negative"),
    "a constant of a batch": (
        replace(GOOD, prefixes=(Prefix(2, 1, "batch", (0,)),)),
        "a prefix is no state of the body",
    ),
    "a text of a call": (replace(GOOD, prefixes=(Prefix(6, 1, "call"),)), "a prefix is no state of the body"),
    "a call's beyond": (replace(GOOD, prefixes=(Prefix(11, 1, "call"),)), "a prefix is no state of the body"),
    "no param": (replace(GOOD, prefixes=(Prefix(4, 1, "batch"),)), "a prefix of a batch is not made of its params"),
    "a param too many": (
        replace(GOOD, prefixes=(Prefix(4, 1, "batch", (0, 1)),)),
        "a prefix of a batch names a param that is none",
    ),
    "a param twice": (
        replace(GOOD, prefixes=(Prefix(4, 1, "batch", (0, 0)),)),
        "a prefix of a batch names a param that is none",
    ),
    "an answer in a batch's": (
        replace(GOOD, prefixes=(Prefix(7, 1, "batch", (0,)),)),
        "a prefix of a batch is not made of its params",
    ),
    "a param of a call's": (
        replace(GOOD, prefixes=(Prefix(7, 1, "call", (0,)),)),
        "a prefix that is of no batch names",
    ),
    "a param of the program's": (
        replace(GOOD, prefixes=(Prefix(2, 1, params=(0,)),)),
        "a prefix that is of no batch names",
    ),
    "a longest select": (steps(FIRST, SECOND, replace(THIRD, longest=3)), "step 2 has a longest answer that is none"),
    "a negative length": (steps(FIRST, replace(SECOND, longest=-2), THIRD), "step 1 has a longest answer that is none"),
    "a negative bound": (replace(GOOD, lifetimes=(Lifetime(2, 3, (), -1),)), "a count of tokens is negative"),
    "no plan": (replace(GOOD, forks=()), "the plans of forks are not those of the graph's forks"),
    "another state's plan": (replace(GOOD, forks=(ForkPlan(4, (0, 1), -1),)), "fork 0 is not that of the graph"),
    "a member too few": (replace(GOOD, forks=(ForkPlan(2, (0,), -1),)), "fork 0 is not that of the graph"),
    "within itself": (replace(GOOD, forks=(ForkPlan(2, (0, 1), 0),)), "fork 0 is not in the one around it"),
    "within none": (replace(GOOD, forks=(ForkPlan(2, (0, 1), 1),)), "fork 0 is not in the one around it"),
    "missing step": (steps(FIRST, SECOND), "the steps are not the gens, selects and calls of the graph"),
    "step of an append": (
        steps(FIRST, SECOND, THIRD, Step(7, "decode", (), 1, 3, -1)),
        "the steps are not the gens, selects and calls",
    ),
    "step beyond": (
        steps(FIRST, SECOND, replace(THIRD, op=11)),
        "the steps are not the gens, selects and calls of the graph",
    ),
    "two steps": (steps(FIRST, SECOND, THIRD, replace(THIRD, order=3)), "an op has two steps"),
    "order twice": (steps(FIRST, SECOND, replace(THIRD, order=1)), "the steps' order has gaps"),
    "order beyond": (steps(FIRST, SECOND, replace(THIRD, order=3)), "the steps' order has gaps"),
    "gen scored": (steps(replace(FIRST, kind="score"), SECOND, THIRD), "step 0 is of the wrong kind"),
    "select decoded": (steps(FIRST, SECOND, replace(THIRD, kind="decode")), "step 2 is of the wrong kind"),
    "waits for itself": (
        steps(FIRST, SECOND, replace(THIRD, after=(2,))),
        "step 2 waits for a step that is not before it",
    ),
    "waits for nothing": (steps(FIRST, SECOND, replace(THIRD, after=(-1, 1))), "step 2 waits for a step that is not"),
    "waits twice": (
        steps(FIRST, SECOND, replace(THIRD, after=(1, 1))),
        "step 2 waits for a step that is not before it",
    ),
    "unsorted": (steps(FIRST, SECOND, replace(THIRD, after=(1, 0))), "step 2 waits for a step that is not before it"),
    "priority": (steps(replace(FIRST, priority=-1), SECOND, THIRD), "step 0 has a negative priority"),
    "no such fork": (steps(replace(FIRST, fork=1), SECOND, THIRD), "step 0 is not in its fork"),
    "negative fork": (steps(replace(FIRST, fork=-2), SECOND, THIRD), "step 0 is not in its fork"),
    "foreign fork": (steps(FIRST, SECOND, replace(THIRD, fork=0)), "step 2 is not in its fork"),
    "prompt's answer": (
        steps(FIRST, replace(SECOND, after=()), THIRD),
        "step 1 does not wait for an answer that it reads",
    ),
    "state's answer": (
        steps(FIRST, SECOND, replace(THIRD, after=(0,))),
        "step 2 does not wait for an answer that it reads",
    ),
    "choice's answer": (
        steps(FIRST, SECOND, replace(THIRD, after=())),
        "step 2 does not wait for an answer that it reads",
    ),
    "two lifetimes": (replace(GOOD, lifetimes=(Lifetime(2, 3, ()), Lifetime(2, 3, ()))), "a state has two lifetimes"),
    "lifetime of text": (replace(GOOD, lifetimes=(Lifetime(6, 3, ()),)), "a lifetime is not of a state"),
    "lifetime beyond": (replace(GOOD, lifetimes=(Lifetime(11, 3, ()),)), "a lifetime is not of a state"),
    "lifetime before": (replace(GOOD, lifetimes=(Lifetime(-1, 3, ()),)), "a lifetime is not of a state"),
    "lifetime's uses": (replace(GOOD, lifetimes=(Lifetime(2, -3, ()),)), "a count of uses is negative"),
    "no such end": (replace(GOOD, lifetimes=(Lifetime(2, 3, (3,)),)), "a lifetime ends with a step that is none"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_schedules(case: str) -> None:
    schedule, message = BAD[case]
    with pytest.raises(IRError) as caught:
        verify_schedule(GRAPH, schedule)
    assert caught.value.what.startswith(message)


# indices: 0 %a | 1 root, 2 select, 3 read, 4 call | 5 gen, 6 call | 7 gen
BRANCHING = parse_graph("""
program p {
  %a = param "a"
  %0 = root
  %1 = select %0 from [["x"], ["y"]] {number=0}
  %2 = read %1
  %3 = call "f" [%a] {number=1}
  final %1
  switch %2, %3 {number=0}
  case "x", 1 {
    %4 = gen %1 {number=2}
    %5 = call "g" [%2] {number=3}
    final %4
  }
  case "y", 1 {
    final %1
  }
  case "y", 2 {
    %6 = gen %1 {number=2}
    final %6
  }
  else exit
}
""")
IN_REGIONS = (
    Step(2, "score", (), 129, 0, -1, 0),
    Step(4, "call", (), 129, 3, -1, 0),
    Step(5, "decode", (0,), 128, 1, -1, 1),
    Step(6, "call", (0,), 1, 4, -1, 1),
    Step(7, "decode", (0,), 128, 2, -1, 3),
)
BAD_IN_REGIONS = {
    "in the region around": (2, {"region": 0}, "step 2 is not in its region"),
    "in an empty region": (4, {"region": 2}, "step 4 is not in its region"),
    "in no region": (4, {"region": 4}, "step 4 is not in its region"),
    "before all regions": (0, {"region": -4}, "step 0 is not in its region"),
    "call decoded": (3, {"kind": "decode"}, "step 3 is of the wrong kind"),
    "gen called": (2, {"kind": "call"}, "step 2 is of the wrong kind"),
    "answer of the region around": (4, {"after": ()}, "step 4 does not wait for an answer that it reads"),
    "call's answer": (3, {"after": (1,)}, "step 3 does not wait for an answer that it reads"),
    "call left out": (3, None, "the steps are not the gens, selects and calls of the graph"),
}


def test_a_right_schedule_of_regions_is_right() -> None:
    verify_schedule(BRANCHING, Schedule((), IN_REGIONS, ()))


@pytest.mark.parametrize("case", BAD_IN_REGIONS)
def test_wrong_schedules_of_regions(case: str) -> None:
    index, change, message = BAD_IN_REGIONS[case]
    new = () if change is None else (replace(IN_REGIONS[index], **change),)
    with pytest.raises(IRError) as caught:
        verify_schedule(BRANCHING, Schedule((), (*IN_REGIONS[:index], *new, *IN_REGIONS[index + 1 :]), ()))
    assert caught.value.what == message
