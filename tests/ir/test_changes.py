"""What a pass did, in words: ops are found again by what they are, whatever their numbers."""

from __future__ import annotations

import re
from random import Random

import pytest

from sglc.ir.changes import changes, learnt
from sglc.ir.notes import notes
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from sglc.passes.pipeline import GRAPH_PASSES
from tests.graphs import random_graph

TOP = 'program p {{\n  %a = param "a"\n{}\n}}'
BEFORE = TOP.format("""
  %0 = root
  %1 = append %0, ["Judge "]
  %2 = append %1, ["this: ", %a]
  %3 = gen %2 {name="x", number=0}
  %4 = read %3
  %5 = append %2, ["Or: ", %4]
  final %5""")
BRANCHES = TOP.format("""
  %0 = root
  %1 = test "eq" [%a, "x"]
  final %0
  switch %1 {number=0} @ "p.py":3
  case true {
    %2 = append %0, ["b"]
    final %2
  }
  case false {
    %3 = append %0, ["b"]
    final %3
  }""")
CHANGES = {
    "nothing": (BEFORE, BEFORE, "# after pass: nothing changed\n"),
    "other numbers only": (
        BEFORE,
        BEFORE.replace("%1", "%9").replace("%4", "%1").replace("%9", "%8"),
        "# after pass: nothing changed\n",
    ),
    "ops in another order": (
        TOP.format('%0 = root\n%1 = append %0, ["a"]\n%2 = append %0, ["b"]\nfinal %0'),
        TOP.format('%0 = root\n%1 = append %0, ["b"]\n%2 = append %0, ["a"]\nfinal %0'),
        "# after pass: only the order of the ops changed\n",
    ),
    "two become one, and all below stays": (
        BEFORE,
        BEFORE.replace('%2 = append %1, ["this: ", %a]', "").replace('["Judge "]', '["Judge this: ", %a]').replace("%2", "%1"),
        """\
# after pass: 2 ops gone, 1 op new; 5 as before
  the top:
      ... 1 op as before
    - %old1 = append %0, ["Judge "]
    - %old2 = append %old1, ["this: ", %a]
    + %1 = append %0, ["Judge this: ", %a]
      ... 3 ops as before
""",
    ),
    "to the prefix": (
        BEFORE,
        BEFORE.replace("%0 = root", "prefix {\n%0 = root").replace('["Judge "]', '["Judge "]\n}'),
        """\
# after pass: 2 ops elsewhere; 5 as before
  the prefix:
    > %0 = root  # from the top
    > %1 = append %0, ["Judge "]  # from the top
""",
    ),
    "one of two equal ops, in the case that it stood in": (
        BRANCHES,
        BRANCHES.replace('    %3 = append %0, ["b"]\n    final %3', "    final %0"),
        """\
# after pass: 1 op gone; 4 as before
  case false of switch 0 at p.py:3:
    - %old3 = append %0, ["b"]
""",
    ),
    "out of a case": (
        BRANCHES.replace('%3 = append %0, ["b"]', '%3 = append %0, ["c"]'),
        BRANCHES.replace('%3 = append %0, ["b"]\n', "").replace("%1 = test", '%3 = append %0, ["c"]\n%1 = test'),
        """\
# after pass: 1 op elsewhere; 4 as before
  the top:
      ... 1 op as before
    > %1 = append %0, ["c"]  # from case false of switch 0 at p.py:3
      ... 1 op as before
""",
    ),
    "at the end": (
        BEFORE.replace("final %5", '%6 = append %5, ["!"]\nfinal %5'),
        BEFORE,
        """\
# after pass: 1 op gone; 7 as before
  the top:
      ... 6 ops as before
    - %old6 = append %5, ["!"]
""",
    ),
    "forks": (
        BEFORE,
        BEFORE.replace("final", "fork %2: %3\nfinal"),
        "# after pass: 1 fork new; 7 as before\n    + fork %2: %3\n",
    ),
    "long literals": (
        TOP.format("%0 = root\nfinal %0"),
        TOP.format(f'%0 = root\n%1 = append %0, ["{"long " * 100}"]\nfinal %1'),
        """\
# after pass: 1 op new; 2 as before
  the top:
      ... 1 op as before
    + %1 = append %0, ["long long long long long long long long long lo ...(430 more)... ng long long long long "]
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_changes(case: str) -> None:
    before, after, said = CHANGES[case]
    assert changes("pass", parse_graph(before), parse_graph(after)) == said


@pytest.mark.parametrize("seed", range(60))
def test_the_counts_are_those_of_the_graphs(seed: int) -> None:
    graph = random_graph(Random(seed), 40)
    assert changes("none", graph, parse_graph(print_graph(graph))) == "# after none: nothing changed\n"
    for graph_pass in GRAPH_PASSES:
        after = graph_pass(graph)
        said = changes("it", graph, after)
        counts = {word: int(number) for number, word in re.findall(r"(\d+) ops? (gone|new)[,;]", said.split("\n")[0])}
        assert len(graph.ops) - counts.get("gone", 0) + counts.get("new", 0) == len(after.ops)
        assert len(re.findall(r"^    - %", said, re.MULTILINE)) == counts.get("gone", 0)
        assert len(re.findall(r"^    \+ %", said, re.MULTILINE)) == counts.get("new", 0)
        graph = after


def test_what_is_known_of_ops_that_stay() -> None:
    graph = parse_graph(BEFORE)
    plain = notes(graph)
    more = plain | {graph.ops[2]: "3 tokens can be prefilled"}
    assert learnt("prefill_constants", graph, plain, plain) == "# after prefill_constants: nothing changed\n"
    assert learnt("prefill_constants", graph, plain, more) == (
        '# after prefill_constants: more is known of 1 op\n  %1 = append %0, ["Judge "]  # 3 tokens can be prefilled\n'
    )
