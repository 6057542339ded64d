"""A wrong pass is found on the spot, left out, and reported: bugs that optimisers really have, planted one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sglc.ir.errors import IRError, Location
from sglc.ir.graph import Case, End, Fork, Graph, Order, Region, Switch, rewritten, with_regions
from sglc.ir.ops import (
    Append,
    Call,
    Format,
    Gen,
    Method,
    Op,
    Param,
    Part,
    Read,
    Render,
    Role,
    Root,
    Sampling,
    Select,
    Test,
    Trusted,
    Unordered,
)
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from sglc.ir.terms import check_same_meaning
from sglc.ir.verify import verify
from sglc.passes.drop_dead import drop_dead
from sglc.passes.pipeline import optimise
from sglc.passes.reorder_parts import in_orders
from tests.graphs import changed

PROGRAM = """
program p {
  %x = param "x" {default="d"}
  %y = param "y"
  %0 = root
  %16 = unordered [[%x], ["Be brief. "], [%y, "Be kind. "]] @ "p.py":1
  %1 = append %0, [<user>, %16, "Judge ", %x, " and ", trusted %y, </user>]
  %2 = gen %1 {name="a", max_tokens=4, number=0}
  %3 = gen %1 {name="b", max_tokens=4, number=1}
  %4 = gen %1 {max_tokens=4, stop=["\\n"], temperature=0.5, regex="a|b", number=2}
  %5 = read %2
  %6 = read %3
  %7 = read %4
  %8 = append %1, [%5, " then ", %6]
  %9 = append %8, ["!"]
  %10 = select %9 from [["yes"], ["no"]] {name="s", number=3}
  %11 = select %9 from [["yes"], ["no "]] {number=4}
  %12 = read %10
  %13 = read %11
  %14 = format [%12, ", ", %13]
  static "n" = 3
  final %10
  variable "a" = %5
  variable "all" = [%5, %6, %7]
  variable "t" = %14
  return {"k": %13, "n": 1}
}
"""
BRANCHING = """
program p {
  %x = param "x"
  %0 = root
  %1 = append %0, [%x]
  %2 = gen %1 {number=0}
  %3 = read %2
  %4 = test "eq" [%3, "a"]
  %5 = call "note" [%x] {number=1}
  final %2
  switch %4 {number=0}
  case true {
    %6 = method "strip" [%3]
    %7 = call "find" [%6, (%5, 1)] {number=2}
    %8 = append %2, [%7]
    %9 = gen %8 {number=3}
    %10 = read %9
    final %9
    variable "v" = %10
  }
  case false {
    %11 = meta %2 {number=2}
    %12 = render %2 since %1 {number=3}
    final %2
    switch %11, %12 {number=1}
    case 1, "a" {
      final %2
      return %12
    }
    else exit
  }
}
"""
INVALID = (
    "raises",
    "moves_a_param_to_the_prefixes",
    "forks_what_is_gone",
    "forks_from_the_wrong_state",
    "forgets_a_prefix",
    "hoists_an_answer",
    "emits_a_state_twice",
    "opens_a_role_twice",
    "reads_across_cases",
    "uses_a_value_before_it_is_made",
    "moves_an_op_into_a_case",
    "shares_a_region",
    "names_a_part_twice",
    "answers_the_question",
    "forgets_the_exit",
)
"""These do not get as far as a valid graph."""

BUGS: dict[str, Callable[[Graph], Graph]] = {}
BUGS_OF_REGIONS: dict[str, Callable[[Graph], Graph]] = {}


def bug(planted: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    BUGS[planted.__name__] = planted
    return planted


def bug_of_regions(planted: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    BUGS_OF_REGIONS[planted.__name__] = planted
    return planted


def program_of(name: str) -> Graph:
    return parse_graph(PROGRAM if name in BUGS else BRANCHING)


def with_forks(graph: Graph, forks: tuple[Fork, ...]) -> Graph:
    return replace(graph, region=replace(graph.region, forks=forks))


def parts_changed(graph: Graph, change: Callable[[tuple[Part, ...]], tuple[Part, ...]]) -> Graph:
    return rewritten(graph, lambda op: replace(op, parts=change(op.parts)) if isinstance(op, Append) else None)


@bug
def merges_two_samples(graph: Graph) -> Graph:
    first: dict[tuple[Op, Sampling], Op] = {}
    return rewritten(graph, lambda op: first.setdefault((op.state, op.sampling), op) if isinstance(op, Gen) else None)


@bug
def drops_a_setting(graph: Graph) -> Graph:
    return rewritten(
        graph, lambda op: replace(op, sampling=replace(op.sampling, stop=None)) if isinstance(op, Gen) else None
    )


@bug
def drops_a_regex(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: replace(op, constraint=None) if isinstance(op, Gen) else None)


@bug
def numbers_samples_anew(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: replace(op, number=op.number + 1) if isinstance(op, Gen) else None)


@bug
def makes_a_gen_greedy(graph: Graph) -> Graph:
    return rewritten(
        graph, lambda op: replace(op, sampling=replace(op.sampling, temperature=0)) if isinstance(op, Gen) else None
    )


@bug
def folds_appends_in_the_wrong_order(graph: Graph) -> Graph:
    def fold(op: Op) -> Op | None:
        if isinstance(op, Append) and isinstance(op.state, Append):
            return Append(state=op.state.state, parts=(*op.parts, *op.state.parts))
        return None

    return rewritten(graph, fold)


@bug
def forgets_the_last_literal(graph: Graph) -> Graph:
    return parts_changed(graph, lambda parts: parts[:-1] if isinstance(parts[-1], str) else parts)


@bug
def strips_literals(graph: Graph) -> Graph:
    return parts_changed(graph, lambda parts: tuple(p.strip() if isinstance(p, str) else p for p in parts))


@bug
def appends_twice(graph: Graph) -> Graph:
    return parts_changed(graph, lambda parts: parts * 2)


@bug
def hoists_a_param(graph: Graph) -> Graph:
    return parts_changed(graph, lambda parts: tuple((p.default or "") if isinstance(p, Param) else p for p in parts))


@bug
def moves_a_param_to_the_prefixes(graph: Graph) -> Graph:
    append = next(op for op in graph.body if isinstance(op, Append))
    end = graph.body.index(append) + 1
    return changed(graph, prefixes=graph.body[:end], body=graph.body[end:])


@bug
def forgets_that_text_is_trusted(graph: Graph) -> Graph:
    return parts_changed(graph, lambda parts: tuple(p.text if isinstance(p, Trusted) else p for p in parts))


@bug
def trusts_all_text(graph: Graph) -> Graph:
    return parts_changed(graph, lambda parts: tuple(Trusted(p) if isinstance(p, Op) else p for p in parts))


@bug
def changes_a_role(graph: Graph) -> Graph:
    return parts_changed(
        graph, lambda parts: tuple(Role("system", p.edge) if isinstance(p, Role) else p for p in parts)
    )


@bug
def drops_a_gen_that_is_read(graph: Graph) -> Graph:
    def drop(op: Op) -> Op | None:
        if isinstance(op, Read) and isinstance(op.state, Gen):
            return Format(parts=("",))
        return None

    return drop_dead(rewritten(graph, drop))


@bug
def reads_the_wrong_branch(graph: Graph) -> Graph:
    first: list[Op] = []

    def read(op: Op) -> Op | None:
        if isinstance(op, Read):
            first.append(op)
            return first[0]
        return None

    return rewritten(graph, read)


def reordered(graph: Graph, change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Graph:
    """As reorder_parts does it, with something wrong about the parts."""
    wrong = rewritten(graph, lambda op: replace(op, groups=change(op.groups)) if isinstance(op, Unordered) else None)
    return in_orders(wrong, {Location("p.py", 1): Order((1, 0, 2))})


@bug
def reorders_and_drops_a_part(graph: Graph) -> Graph:
    return reordered(graph, lambda groups: (*groups[:2], ()))


@bug
def reorders_and_doubles_a_part(graph: Graph) -> Graph:
    return reordered(graph, lambda groups: (*groups[:2], groups[2] * 2))


@bug
def reorders_inside_a_part(graph: Graph) -> Graph:
    return reordered(graph, lambda groups: tuple(group[::-1] for group in groups))


@bug
def does_not_say_the_order_that_it_chose(graph: Graph) -> Graph:
    return replace(reordered(graph, lambda groups: groups), orders={})


@bug
def says_an_order_that_it_did_not_choose(graph: Graph) -> Graph:
    return replace(reordered(graph, lambda groups: groups), orders={Location("p.py", 1): Order((2, 1, 0))})


@bug
def names_a_part_twice(graph: Graph) -> Graph:
    return in_orders(graph, {Location("p.py", 1): Order((0, 0, 2))})


@bug
def sorts_choices(graph: Graph) -> Graph:
    return rewritten(
        graph, lambda op: replace(op, choices=tuple(sorted(op.choices, key=str))) if isinstance(op, Select) else None
    )


@bug
def merges_selects_by_their_prompt(graph: Graph) -> Graph:
    first: dict[Op, Op] = {}
    return rewritten(graph, lambda op: first.setdefault(op.state, op) if isinstance(op, Select) else None)


@bug
def ends_too_early(graph: Graph) -> Graph:
    assert isinstance(graph.final, Select)
    return changed(graph, final=graph.final.state)


@bug
def forgets_a_variable(graph: Graph) -> Graph:
    return changed(graph, variables=dict(list(graph.variables.items())[:-1]))


@bug
def reorders_variables(graph: Graph) -> Graph:
    return changed(graph, variables=dict(reversed(graph.variables.items())))


@bug
def joins_forks_in_the_wrong_order(graph: Graph) -> Graph:
    values = {name: tree[::-1] if isinstance(tree, list) else tree for name, tree in graph.variables.items()}
    return changed(graph, variables=values)


@bug
def forgets_the_return_value(graph: Graph) -> Graph:
    return changed(graph, value=None)


@bug
def forgets_a_static(graph: Graph) -> Graph:
    return replace(graph, statics={})


@bug
def forgets_a_default(graph: Graph) -> Graph:
    return parse_graph(print_graph(graph).replace(' {default="d"}', ""))


@bug
def writes_into_the_wrong_variable(graph: Graph) -> Graph:
    first, second, *_ = graph.variables
    return changed(graph, variables={**graph.variables, first: graph.variables[second], second: graph.variables[first]})


@bug
def shortens_an_answer(graph: Graph) -> Graph:
    return rewritten(
        graph,
        lambda op: replace(op, sampling=replace(op.sampling, max_tokens=2)) if isinstance(op, Gen) else None,
    )


@bug
def scores_choices_in_another_way(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: replace(op, method="greedy_token_selection") if isinstance(op, Select) else None)


@bug
def trims_choices(graph: Graph) -> Graph:
    return rewritten(
        graph,
        lambda op: (
            replace(op, choices=tuple((str(choice[0]).strip(),) for choice in op.choices))
            if isinstance(op, Select)
            else None
        ),
    )


@bug
def shares_a_beginning_in_the_wrong_place(graph: Graph) -> Graph:
    """What follows a shared beginning goes on from the prompt before it."""
    first = next(op for op in graph.body if isinstance(op, Append))
    return rewritten(
        graph,
        lambda op: replace(op, state=first.state) if isinstance(op, Append) and op.state is first else None,
    )


@bug
def forks_what_is_gone(graph: Graph) -> Graph:
    """An answer was merged with another, and the fork still names it."""
    one = next(op for op in graph.body if isinstance(op, Gen))
    return with_forks(graph, (Fork(one.state, (one, Gen(state=one.state, number=9))),))


@bug
def forks_from_the_wrong_state(graph: Graph) -> Graph:
    """A fork's members are said to share a prompt that they do not begin with."""
    one, two, *_ = [op for op in graph.body if isinstance(op, Gen)]
    later = [op for op in graph.body if isinstance(op, Append)][-1]
    return with_forks(graph, (Fork(later, (one, two)),))


@bug
def forgets_a_prefix(graph: Graph) -> Graph:
    """The root is hoisted out of the body, and not put among the prefixes."""
    return changed(graph, body=tuple(op for op in graph.body if not isinstance(op, Root)))


@bug
def hoists_an_answer(graph: Graph) -> Graph:
    end = next(index for index, op in enumerate(graph.body) if isinstance(op, Gen)) + 1
    return changed(graph, prefixes=graph.body[:end], body=graph.body[end:])


@bug
def emits_a_state_twice(graph: Graph) -> Graph:
    return changed(graph, body=(*graph.body, graph.body[1]))


@bug
def opens_a_role_twice(graph: Graph) -> Graph:
    """A message is cut in two, and both parts open it."""
    return parts_changed(graph, lambda parts: parts[:1] + parts if isinstance(parts[0], Role) else parts)


@bug
def uses_a_value_before_it_is_made(graph: Graph) -> Graph:
    return changed(graph, body=graph.body[::-1])


@bug
def raises(graph: Graph) -> Graph:
    raise KeyError(graph.name)


def with_bodies(graph: Graph, change: Callable[[Region], tuple[Op, ...]]) -> Graph:
    return replace(graph, region=with_regions(graph.region, lambda region: (change(region), region.forks)))


def with_switches(graph: Graph, change: Callable[[Switch], End | Switch]) -> Graph:
    """The graph with its outermost switch changed."""
    assert isinstance(graph.region.end, Switch)
    return replace(graph, region=replace(graph.region, end=change(graph.region.end)))


@bug_of_regions
def drops_a_call_that_nothing_reads(graph: Graph) -> Graph:
    note = next(op for op in graph.body if isinstance(op, Call))
    unread = rewritten(
        graph, lambda op: replace(op, arguments=("x", 1)) if isinstance(op, Call) and op is not note else None
    )
    return with_bodies(unread, lambda region: tuple(op for op in region.body if op is not note))


@bug_of_regions
def calls_ahead_of_the_question(graph: Graph) -> Graph:
    """A call, and what it reads, out of its case."""
    ops = {op for region in graph.regions[1:2] for op in region.body if isinstance(op, Call | Method)}
    moved = tuple(op for op in graph.body if op in ops)
    return with_bodies(
        graph, lambda r: (*r.body, *moved) if r is graph.region else tuple(op for op in r.body if op not in ops)
    )


@bug_of_regions
def calls_twice(graph: Graph) -> Graph:
    more = Call(function="note", arguments=(), number=9)
    return with_bodies(graph, lambda region: (*region.body, more) if region is graph.region else region.body)


@bug_of_regions
def swaps_the_cases(graph: Graph) -> Graph:
    def swapped(switch: Switch) -> Switch:
        yes, no = switch.cases
        return replace(switch, cases=(Case(yes.values, no.region), Case(no.values, yes.region)))

    return with_switches(graph, swapped)


@bug_of_regions
def answers_the_question(graph: Graph) -> Graph:
    return with_switches(graph, lambda switch: replace(switch, cases=switch.cases[:1]))


@bug_of_regions
def takes_the_only_way(graph: Graph) -> Graph:
    """The switch gives way to its first case."""
    assert isinstance(graph.region.end, Switch)
    inside = graph.region.end.cases[0].region
    return replace(graph, region=replace(inside, body=(*graph.region.body, *inside.body)))


@bug_of_regions
def forgets_the_exit(graph: Graph) -> Graph:
    return parse_graph(print_graph(graph).replace("    else exit\n", ""))


@bug_of_regions
def opens_a_switch(graph: Graph) -> Graph:
    return with_switches(graph, lambda switch: replace(switch, open=True))


@bug_of_regions
def numbers_the_switches_anew(graph: Graph) -> Graph:
    return with_switches(graph, lambda switch: replace(switch, number=7))


@bug_of_regions
def asks_about_something_else(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: replace(op, name="contains") if isinstance(op, Test) else None)


@bug_of_regions
def strips_nothing(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: op.arguments[0] if isinstance(op, Method) else None)  # type: ignore[return-value]


@bug_of_regions
def ends_a_case_too_early(graph: Graph) -> Graph:
    return parse_graph(print_graph(graph).replace("final %9\n", "final %2\n"))


@bug_of_regions
def moves_an_op_into_a_case(graph: Graph) -> Graph:
    note = next(op for op in graph.body if isinstance(op, Call))
    return with_bodies(
        graph,
        lambda region: (
            tuple(op for op in region.body if op is not note) if region is graph.region else (*region.body, note)
        ),
    )


@bug_of_regions
def reads_across_cases(graph: Graph) -> Graph:
    """Equal values of two cases are made one, which only one of them runs."""
    yes, no = (case.region for case in graph.region.end.cases)  # type: ignore[union-attr]
    strip = next(op for op in yes.body if isinstance(op, Method))
    return with_bodies(graph, lambda r: (*r.body, Append(state=Root(), parts=(strip,))) if r is no else r.body)


@bug_of_regions
def drops_an_argument_of_a_call(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: replace(op, arguments=op.arguments[:1]) if isinstance(op, Call) else None)


@bug_of_regions
def lets_a_call_take_any_time(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: replace(op, timeout=60.0) if isinstance(op, Call) else None)


@bug_of_regions
def renders_from_the_beginning(graph: Graph) -> Graph:
    root = graph.body[0]
    return rewritten(graph, lambda op: replace(op, since=root) if isinstance(op, Render) else None)


@bug_of_regions
def mends_the_value_of_a_case(graph: Graph) -> Graph:
    """True and 1 are equal for Python, and two answers for a program."""
    return parse_graph(print_graph(graph).replace('case 1, "a"', 'case true, "a"'))


@bug_of_regions
def shares_a_region(graph: Graph) -> Graph:
    return with_switches(
        graph, lambda switch: replace(switch, cases=tuple(Case(c.values, switch.cases[1].region) for c in switch.cases))
    )


@pytest.mark.parametrize("name", [*BUGS, *BUGS_OF_REGIONS])
def test_a_wrong_pass_is_left_out_and_reported(name: str) -> None:
    graph = program_of(name)
    verify(graph)
    seen: list[tuple[str, Graph]] = []
    with pytest.warns(RuntimeWarning) as warnings:
        result = optimise(graph, lambda *after: seen.append(after), ({**BUGS, **BUGS_OF_REGIONS}[name],))
    assert result is graph
    assert seen == [(name, graph)]
    (message,) = [str(warning.message) for warning in warnings]
    assert f"the pass {name} is left out, because it failed on this program" in message
    assert message.endswith(print_graph(graph))  # what is needed to see it again


@pytest.mark.parametrize("name", [name for name in (*BUGS, *BUGS_OF_REGIONS) if name not in INVALID])
def test_it_is_the_meaning_that_is_compared(name: str) -> None:
    graph = program_of(name)
    with pytest.raises(IRError, match="changed"):
        check_same_meaning(graph, {**BUGS, **BUGS_OF_REGIONS}[name](graph))


def test_each_is_refused_by_the_verifier_or_by_the_comparison_of_meanings() -> None:
    refused = {"verify": 0, "check_same_meaning": 0}
    for name, planted in {**BUGS, **BUGS_OF_REGIONS}.items():
        if name != "raises":
            graph = program_of(name)
            wrong = planted(graph)
            with pytest.raises(IRError):
                verify(wrong) if name in INVALID else check_same_meaning(graph, wrong)
            refused["verify" if name in INVALID else "check_same_meaning"] += 1
    assert refused["check_same_meaning"] >= 30
    assert refused["verify"] >= 10


def test_the_other_passes_still_run() -> None:
    graph = parse_graph(PROGRAM)
    with pytest.warns(RuntimeWarning, match="sorts_choices"):
        result = optimise(graph, passes=(BUGS["sorts_choices"], drop_dead, BUGS["sorts_choices"]))
    check_same_meaning(graph, result)
