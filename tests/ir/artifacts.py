"""Small artifacts to save, damage and forge."""

from __future__ import annotations

import numpy as np

from sglc.ir.artifact import Artifact, ModelPart
from sglc.ir.automaton import complete
from sglc.ir.grammar import Grammar
from sglc.ir.ops import Constraint
from sglc.ir.parser import parse_graph
from sglc.ir.schedule import ForkPlan, Lifetime, Prefix, Schedule, Step
from sglc.ir.tokens import TokenAutomaton
from sglc.passes.lower import lower

TEXT = """\
program judge {
  %essay = param "essay"
  prefix {
    %0 = root
    %1 = append %0, [<user>, "é: "]
  }
  %2 = append %1, [%essay]
  %3 = gen %2 {name="score", max_tokens=2, temperature=0.0, regex="[ab]", number=0} @ "judge.py":3
  %4 = read %3
  %5 = append %2, ["Score ", %4]
  %6 = select %5 from [["yes"], ["no"]] {name="verdict", number=1}
  fork %2: %3
  final %6
  variable "score" = %4
}
"""

SCHEDULE = Schedule(
    prefixes=(Prefix(2, 2), Prefix(3, 2, "call")),
    steps=(Step(4, "decode", (), 3, 0, 0, longest=1), Step(7, "score", (0,), 1, 1, -1)),
    lifetimes=(Lifetime(2, 2, (1,), 2), Lifetime(6, 1, (1,), 1), Lifetime(7, 0, ())),
    forks=(ForkPlan(3, (0,), -1),),
)


def automaton() -> TokenAutomaton:
    """[ab] over the bytes as tokens, of which 0 is the end id: 256 tokens, of which one state allows two."""
    class_of = np.zeros(256, np.int32)
    class_of[[97, 98]] = 1
    byte_class = class_of.astype(np.uint8)
    moves = np.array([[-1, 1], [-1, -1]], np.int32)
    return complete(class_of, moves, np.array([False, True]), np.zeros(1, np.int32), byte_class, moves)


def sample() -> Artifact:
    models = {
        "b2": ModelPart("b2", ((5, 6, 7),), {Constraint("regex", "[ab]"): automaton()}),
        "a1": ModelPart("a1", ((),), {Constraint("regex", "[ab]"): automaton()}),
    }
    return Artifact(parse_graph(TEXT), SCHEDULE, models)


def with_grammar() -> Artifact:
    """A constraint that is an automaton for one model and a grammar for another."""
    constraint = Constraint("regex", "[ab]")
    grammar = Grammar("start: T\nT: /[ab]/", "the automaton for “this” vocabulary is too large")
    models = {
        "a1": ModelPart("a1", ((),), {constraint: grammar}),
        "b2": ModelPart("b2", ((5, 6, 7),), {constraint: automaton()}),
    }
    return Artifact(parse_graph(TEXT), SCHEDULE, models)


def without_models() -> Artifact:
    return Artifact(parse_graph(TEXT), SCHEDULE, {})


BRANCHING = """\
program route {
  %question = param "question" {default="é?"}
  prefix {
    %0 = root
    %1 = append %0, ["Search? "]
  }
  %2 = append %1, [%question]
  %3 = select %2 from [["yes"], ["no"]] {name="search", method="greedy_token_selection", number=0} @ "route.py":3
  %4 = read %3
  %5 = test "eq" [%4, "yes"]
  %6 = method "strip" [%question]
  final %3
  switch %5 {number=0, why="if s[\\"search\\"]"} @ "route.py":4
  case true {
    %7 = call "wiki" [%6, (1, null)] {keywords={"lang": "en"}, timeout=2.5, number=1}
    %8 = append %3, [%7]
    %9 = gen %8 {max_tokens=4, number=2}
    %10 = meta %9 {number=3}
    final %9
    exit %7, %10 {number=1}
  }
  case false {
    %11 = gen %3 {regex="[ab]", number=1}
    %12 = render %11 since %2 {number=2}
    %15 = call "note" [] {number=3}
    %13 = image %question {frames=8}
    %14 = append %11, [%13]
    final %14
    switch %15, %12 {number=2}
    case 0.5, "a" {
      final %14
      return %12
    }
    else exit
  }
}
"""


def branching() -> Artifact:
    """A program with all kinds of ops, and a region in a region."""
    graph = parse_graph(BRANCHING)
    return Artifact(graph, lower(graph), {"a1": ModelPart("a1", ((7, 8),), {Constraint("regex", "[ab]"): automaton()})})


def smallest() -> Artifact:
    return Artifact(parse_graph("program p {\n%0 = root\nfinal %0\n}"), Schedule((), (), ()), {})
