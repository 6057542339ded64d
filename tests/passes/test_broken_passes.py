"""A wrong pass is found on the spot, left out, and reported: bugs that optimisers really have, planted one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sglc.ir.errors import IRError
from sglc.ir.graph import Graph, rewritten
from sglc.ir.ops import Append, Format, Gen, Op, Param, Part, Read, Role, Sampling, Select, Trusted
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from sglc.ir.terms import check_same_meaning
from sglc.passes.drop_dead import drop_dead
from sglc.passes.pipeline import optimise
from sglc.passes.rebuild import rebuilt

PROGRAM = """
program p {
  %x = param "x" {default="d"}
  %y = param "y"
  %0 = root
  %1 = append %0, [<user>, "Judge ", %x, " and ", trusted %y, </user>]
  %2 = gen %1 {name="a", max_tokens=4, sample=0}
  %3 = gen %1 {name="b", max_tokens=4, sample=1}
  %4 = gen %1 {max_tokens=4, stop=["\\n"], temperature=0.5, regex="a|b", sample=2}
  %5 = read %2
  %6 = read %3
  %7 = read %4
  %8 = append %1, [%5, " then ", %6]
  %9 = append %8, ["!"]
  %10 = select %9 from [["yes"], ["no"]] {name="s"}
  %11 = select %9 from [["yes"], ["no "]]
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
INVALID = ("raises", "moves_a_param_to_the_prefixes", "uses_a_value_before_it_is_made")
"""These do not get as far as a valid graph."""

BUGS: dict[str, Callable[[Graph], Graph]] = {}


def bug(planted: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    BUGS[planted.__name__] = planted
    return planted


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
    return rewritten(graph, lambda op: replace(op, regex=None) if isinstance(op, Gen) else None)


@bug
def numbers_samples_anew(graph: Graph) -> Graph:
    return rewritten(graph, lambda op: replace(op, sample=op.sample + 1) if isinstance(op, Gen) else None)


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
    return rebuilt(graph, graph.body[: graph.body.index(append) + 1], graph.body[graph.body.index(append) + 1 :])


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
    return replace(graph, final=graph.final.state)


@bug
def forgets_a_variable(graph: Graph) -> Graph:
    return replace(graph, variables=dict(list(graph.variables.items())[:-1]))


@bug
def reorders_variables(graph: Graph) -> Graph:
    return replace(graph, variables=dict(reversed(graph.variables.items())))


@bug
def joins_forks_in_the_wrong_order(graph: Graph) -> Graph:
    values = {name: tree[::-1] if isinstance(tree, list) else tree for name, tree in graph.variables.items()}
    return replace(graph, variables=values)


@bug
def forgets_the_return_value(graph: Graph) -> Graph:
    return replace(graph, value=None)


@bug
def forgets_a_static(graph: Graph) -> Graph:
    return replace(graph, statics={})


@bug
def forgets_a_default(graph: Graph) -> Graph:
    return parse_graph(print_graph(graph).replace(' {default="d"}', ""))


@bug
def uses_a_value_before_it_is_made(graph: Graph) -> Graph:
    return replace(graph, body=graph.body[::-1])


@bug
def raises(graph: Graph) -> Graph:
    raise KeyError(graph.name)


@pytest.mark.parametrize("name", BUGS)
def test_a_wrong_pass_is_left_out_and_reported(name: str) -> None:
    graph = parse_graph(PROGRAM)
    seen: list[tuple[str, Graph]] = []
    with pytest.warns(RuntimeWarning) as warnings:
        result = optimise(graph, lambda *after: seen.append(after), (BUGS[name],))
    assert result is graph
    assert seen == [(name, graph)]
    (message,) = [str(warning.message) for warning in warnings]
    assert f"the pass {name} is left out, because it failed on this program" in message
    assert message.endswith(print_graph(graph))  # what is needed to see it again


@pytest.mark.parametrize("name", [name for name in BUGS if name not in INVALID])
def test_it_is_the_meaning_that_is_compared(name: str) -> None:
    graph = parse_graph(PROGRAM)
    with pytest.raises(IRError, match="changed"):
        check_same_meaning(graph, BUGS[name](graph))


def test_the_other_passes_still_run() -> None:
    graph = parse_graph(PROGRAM)
    with pytest.warns(RuntimeWarning, match="sorts_choices"):
        result = optimise(graph, passes=(BUGS["sorts_choices"], drop_dead, BUGS["sorts_choices"]))
    check_same_meaning(graph, result)
