"""Graphs for other tools: JSON that says all, and dot that Graphviz reads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sglc.ir.export import to_dot, to_json, to_text
from sglc.ir.graph import End, Graph, Switch
from sglc.ir.notes import notes, summary
from sglc.ir.ops import Call, Gen, Image, Meta, Select, Test, operands
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph, print_schedule
from sglc.passes.lower import lower
from tests.graphs import random_compiled_graph, same
from tests.ir.artifacts import BRANCHING

GRAPH = parse_graph(BRANCHING)
SELECT, TEST, CALL, GEN, META, IMAGE = (
    next(i for i, op in enumerate(GRAPH.ops) if isinstance(op, kind)) for kind in (Select, Test, Call, Gen, Meta, Image)
)


def exported(graph: Graph) -> dict[str, Any]:
    return json.loads(to_json(graph, lower(graph), notes(graph)))


def test_json_says_what_each_op_is() -> None:
    ops = exported(GRAPH)["ops"]
    assert ops[CALL] == {
        "op": CALL,
        "kind": "call",
        "type": "text",
        "function": "wiki",
        "arguments": [{"op": CALL - 1}, [1, None]],
        "keywords": [["lang", "en"]],
        "timeout": 2.5,
        "dropped": False,
        "number": 1,
        "loc": None,
    }
    assert ops[META] == {"op": META, "kind": "meta", "type": "data", "state": {"op": GEN}, "number": 3, "loc": None}
    assert ops[SELECT]["loc"] == {"file": "route.py", "line": 3}
    assert ops[SELECT]["note"] == "shared by 2, 2 choices are scored"
    assert ops[IMAGE]["frames"] == 8


def test_json_says_which_order_parts_have() -> None:
    text = (Path(__file__).parents[1] / "golden" / "ir" / "unordered.sglcir").read_text()
    tree = exported(parse_graph(text))
    assert tree["ops"][2]["groups"] == [[{"op": 0}, "\n"], ["Be brief."], []]
    assert tree["orders"] == [
        {"file": "few.py", "line": 3, "places": [1, 2, 0], "why": ""},
        {"file": "a b/é.py", "line": 9, "places": None, "why": "the text that holds it is read at few.py:12"},
    ]


def test_json_says_how_regions_follow_each_other() -> None:
    regions = exported(GRAPH)["regions"]
    assert regions[0]["switch"] == {
        "subjects": [{"op": TEST}],
        "cases": [{"values": [True], "region": 1}, {"values": [False], "region": 2}],
        "open": False,
        "number": 0,
        "why": 'if s["search"]',
        "loc": {"file": "route.py", "line": 4},
    }
    assert (regions[1]["switch"]["cases"], regions[1]["switch"]["open"]) == ([], True)
    assert regions[2]["switch"]["cases"] == [{"values": [0.5, "a"], "region": 3}]
    assert regions[3]["body"] == []
    assert regions[3]["variables"] == {}
    assert regions[3]["value"] == {"op": regions[2]["switch"]["subjects"][1]["op"]}


def test_json_of_random_graphs_is_complete() -> None:
    rng = Random(2)
    for _ in range(30):
        graph = random_compiled_graph(rng, 30)
        found = exported(graph)
        assert [op["op"] for op in found["ops"]] == list(range(len(graph.ops)))
        body = [index for region in found["regions"] for index in region["body"]]
        assert body == list(range(len(graph.params) + len(graph.prefixes), len(graph.ops)))
        for region, shown in zip(graph.regions, found["regions"], strict=True):
            assert isinstance(region.end, End) == ("variables" in shown) != ("switch" in shown)
        inside = [case["region"] for r in found["regions"] for case in r.get("switch", {"cases": []})["cases"]]
        assert sorted(inside) == list(range(1, len(graph.regions)))
        assert len(found["schedule"]["steps"]) == len(lower(graph).steps)


def test_dot_of_a_program_that_branches() -> None:
    lines = to_dot(GRAPH, None, {}).splitlines()
    assert lines[0] == 'digraph "route" {'
    assert lines[-1] == "}"
    for line in (
        f'  n{TEST} [shape=hexagon, label="test eq"];',
        f'  n{CALL} [shape=ellipse, label="call wiki", style="bold"];',
        '  s0 [shape=diamond, label="if s[\\"search\\"]"];',
        f"  n{TEST} -> s0;",
        '  s0 -> begin1 [label="true", style=bold, lhead=cluster_1];',
        "  subgraph cluster_3 {",
        "    begin3 [shape=point];",
        '  s1 [shape=diamond, label="exit"];',
        "  s1 -> exit1 [style=dotted];",
        '  s2 -> begin3 [label="0.5, a", style=bold, lhead=cluster_3];',
        "  s2 -> exit2 [style=dotted];",
    ):
        assert line in lines, line


def test_dot_of_random_graphs_draws_every_op_arrow_and_case() -> None:
    rng = Random(3)
    for _ in range(30):
        graph = random_compiled_graph(rng, 30)
        index = {op: i for i, op in enumerate(graph.ops)}
        text = to_dot(graph, None, notes(graph))
        nodes = set(re.findall(r"^ +(\w+) \[", text, re.MULTILINE)) - {"node", "edge"}
        arrows = set(re.findall(r"^  (\w+) -> (\w+)", text, re.MULTILINE))
        assert {x for arrow in arrows for x in arrow} <= nodes  # nothing is drawn that is not described
        assert {f"n{i}" for i in index.values()} <= nodes
        assert {(f"n{index[x]}", f"n{index[op]}") for op in graph.ops for x in operands(op)} <= arrows
        switches = [r.end for r in graph.regions if isinstance(r.end, Switch)]
        assert sum(a.startswith("s") and b.startswith("begin") for a, b in arrows) == len(graph.regions) - 1
        assert sum(a.startswith("s") and b.startswith("exit") for a, b in arrows) == sum(s.open for s in switches)
        assert [line for line in text.split("\n") if re.search(r"[^;{}]$", line)] == []


def test_text_is_that_of_the_printer() -> None:
    text = f"# {summary(GRAPH)}\n{print_graph(GRAPH)}"
    assert to_text(GRAPH, None, {}) == text
    assert same(parse_graph(text), GRAPH)
    schedule = lower(GRAPH)
    assert to_text(GRAPH, schedule, {}) == f"{text}\n{print_schedule(GRAPH, schedule)}"


EXIT = 'case {} {{\nfinal %0\nexit {{number={}, why="{}"}} {}\n}}\n'
SUMMARIES = {
    "a program that does not branch": ("final %0", "1 path compiled, no exit"),
    "cases": (
        'final %0\nswitch %a\ncase "x" {\nfinal %0\n}\ncase "y" {\nfinal %0\n}',
        "2 paths compiled, no exit",
    ),
    "an exit": ('final %0\nexit %a {why="int() of a"} @ "p.py":3', "0 paths compiled, 1 exit: p.py:3 int() of a"),
    "else": (
        'final %0\nswitch %a {why="a\\n b"} @ "p.py":3\ncase "x" {\nfinal %0\nexit {number=1}\n}\n'
        'case "y" {\nfinal %0\n}\nelse exit',
        "1 path compiled, 2 exits: p.py:3 a b; ?",
    ),
    "one place on several paths": (
        "final %0\nswitch %a\n" + "".join(EXIT.format(f'"{i}"', i, "len()", '@ "p.py":4') for i in range(1, 4)),
        "0 paths compiled, 3 exits: p.py:4 len() (on 3 paths)",
    ),
    "many places": (
        "final %0\nswitch %a\n" + "".join(EXIT.format(f'"{i}"', i, f"w{i}", "") for i in range(1, 9)),
        "0 paths compiled, 8 exits: w1; w2; w3; w4; w5; and 3 more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SUMMARIES)
def test_a_summary_says_what_is_compiled_and_what_is_not(case: str) -> None:
    body, said = SUMMARIES[case]
    assert summary(parse_graph(f'program p {{\n%a = param "a"\n%0 = root\n{body}\n}}')) == said


def test_notes_are_about_prompts_that_go_on_in_several_ways() -> None:
    said = {GRAPH.ops.index(op): note for op, note in notes(GRAPH, lower(GRAPH), ((1, 2, 3),)).items()}
    assert said == {2: "3 tokens can be prefilled", SELECT: "shared by 2, 2 choices are scored"}
