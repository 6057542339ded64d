"""Terms: equal for every way to write one meaning, different for another meaning."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.ir.builder import Builder
from sglc.ir.errors import IRError
from sglc.ir.graph import Fork, Graph, Region, with_regions
from sglc.ir.ops import Append, Format, Op, Part, Root, Sampling, Type, with_operands
from sglc.ir.parser import parse_graph
from sglc.ir.terms import BLOCK, check_same_meaning
from sglc.ir.verify import verify
from tests.graphs import graphs, random_graph


def program(body: str) -> Graph:
    graph = parse_graph(f'program p {{\n%a = param "a"\n%b = param "b"\n%0 = root\n{body}\n}}')
    verify(graph)
    return graph


# Programs that mean the same; each text stands for the lines after %a, %b and %0.
SAME = {
    "split literal": ('%1 = append %0, ["ab"]\nfinal %1', '%1 = append %0, ["a", "b"]\nfinal %1'),
    "split append": ('%1 = append %0, ["ab"]\nfinal %1', '%1 = append %0, ["a"]\n%2 = append %1, ["b"]\nfinal %2'),
    "empty literal": ("%1 = append %0, [%a]\nfinal %1", '%1 = append %0, ["", %a, ""]\nfinal %1'),
    "empty append": ("%1 = append %0, []\nfinal %1", "final %0"),
    "two roots": ("final %0", "%1 = root\nfinal %1"),
    "shared prefix": (
        '%1 = append %0, ["x", %a]\n%2 = append %0, ["x", %b]\n%3 = gen %1\n%4 = gen %2 {number=1}\n%5 = read %4\n'
        'final %3\nvariable "v" = %5',
        '%1 = append %0, ["x"]\n%2 = append %1, [%a]\n%3 = append %1, [%b]\n%4 = gen %2\n%5 = gen %3 {number=1}\n'
        '%6 = read %5\nfinal %4\nvariable "v" = %6',
    ),
    "dissolved format": (
        '%1 = append %0, ["xy", %a, trusted %b, "z"]\nfinal %1',
        '%1 = format ["y", %a, trusted %b]\n%2 = append %0, ["x", %1, "z"]\nfinal %2',
    ),
    "trusted format": (
        '%1 = append %0, ["x", trusted %a]\nfinal %1',
        '%1 = format ["x", %a]\n%2 = append %0, [trusted %1]\nfinal %2',
    ),
    "format of formats": (
        '%1 = format ["a", %a, "b", %b, "c"]\nfinal %0\nvariable "v" = %1',
        '%1 = format ["a", %a]\n%2 = format [%1, "b"]\n%3 = format [%b]\n%4 = format [%2, %3, "c"]\n'
        'final %0\nvariable "v" = %4',
    ),
    "format of one value": ('final %0\nvariable "v" = %a', '%1 = format ["", %a]\nfinal %0\nvariable "v" = %1'),
    "format in a choice": (
        '%1 = select %0 from [["x", %a], ["y"]]\nfinal %1',
        '%1 = format [%a]\n%2 = format ["y"]\n%3 = select %0 from [["", "x", %1], [%2]]\nfinal %3',
    ),
    "format as a path": ("%1 = image %a\n%2 = append %0, [%1]\nfinal %2", "%1 = format [%a]\n%2 = image %1\n%3 = append %0, [%2]\nfinal %3"),
    "greedy twins": (
        '%1 = gen %0 {temperature=0.0}\n%2 = gen %0 {temperature=0.0, number=1}\n%3 = read %1\n%4 = read %2\n'
        "final %0\nreturn [%3, %4]",
        "%1 = gen %0 {temperature=0.0, number=1}\n%2 = read %1\nfinal %0\nreturn [%2, %2]",
    ),
    "equal selects": (
        '%1 = select %0 from [["a"]]\n%2 = select %0 from [["a"]] {name="x"}\n%3 = read %2\nfinal %1\nvariable "v" = %3',
        '%1 = select %0 from [["a"]]\n%2 = read %1\nfinal %1\nvariable "v" = %2',
    ),
    "names and places": ('%1 = gen %0 {name="x"} @ "a.py":1\nfinal %1', '%9 = gen %0 {name="y"} @ "b.py":2\nfinal %9'),
    "dead ops": ("final %0", '%1 = append %0, ["x"]\n%2 = gen %1\n%3 = read %2\nfinal %0'),
    "forks": ("%1 = gen %0\n%2 = gen %0 {number=1}\nfinal %2", "%1 = gen %0\n%2 = gen %0 {number=1}\nfork %0: %1, %2\nfinal %2"),
    "order of ops": (
        '%1 = append %0, ["x"]\n%2 = append %0, ["y"]\n%3 = gen %2\nfinal %3',
        '%2 = append %0, ["y"]\n%3 = gen %2\n%1 = append %0, ["x"]\nfinal %3',
    ),
    "regions": (
        '%1 = test "eq" [%a, "x"]\nfinal %0\nswitch %1\ncase true {\n%2 = append %0, ["ab", %b]\nfinal %2\nvariable "v" = %b\n}\n'
        'case false {\nfinal %0\n}',
        '%1 = append %0, ["a"]\n%2 = format [%a]\n%3 = test "eq" [%2, "x"]\nfinal %0\nswitch %3\ncase true {\n'
        '%4 = append %1, ["b", %b]\nfinal %4\n%5 = format [%b]\nvariable "v" = %5\n}\ncase false {\n%6 = root\nfinal %6\n}',
    ),
    "words and places of a switch": (
        'final %0\nswitch %a {why="one"} @ "a.py":1\ncase "x" {\nfinal %0\n}\nelse exit',
        'final %0\nswitch %a {why="two"} @ "b.py":2\ncase "x" {\nfinal %0\n}\nelse exit',
    ),
    "place of a gen": (
        '%1 = gen %0\nfinal %0\nswitch %a\ncase "x" {\nfinal %1\n}\ncase "y" {\nfinal %0\n}\nelse exit',
        'final %0\nswitch %a\ncase "x" {\n%1 = gen %0\nfinal %1\n}\ncase "y" {\nfinal %0\n}\nelse exit',
    ),
    "order of calls": (
        '%1 = call "f" [%a]\n%2 = call "g" [%a] {number=1}\nfinal %0',
        '%2 = call "g" [%a] {number=1}\n%1 = call "f" [%a]\nfinal %0',
    ),
    "format as an argument": (
        '%1 = call "f" [(%a, "x")] {keywords={"k": %b}}\n%2 = method "lower" [%1]\nfinal %0\nreturn %2',
        '%1 = format [%a]\n%2 = format ["", %b]\n%3 = call "f" [(%1, "x")] {keywords={"k": %2}}\n%4 = format [%3]\n'
        '%5 = method "lower" [%4]\nfinal %0\nreturn %5',
    ),
    "meta of greedy twins": (
        "%1 = gen %0 {temperature=0.0}\n%2 = gen %0 {temperature=0.0, number=1}\n%3 = meta %2 {number=2}\nfinal %0\nexit %3",
        "%1 = gen %0 {temperature=0.0}\n%3 = meta %1 {number=2}\nfinal %0\nexit %3",
    ),
    "render": (
        '%1 = append %0, ["a"]\n%2 = append %1, ["b", %a]\n%3 = render %2 since %1\nfinal %0\nreturn %3',
        '%1 = append %0, ["a"]\n%2 = append %1, []\n%3 = append %2, ["b"]\n%4 = append %3, [%a]\n%5 = render %4 since %2 {number=7}\n'
        "final %0\nreturn %5",
    ),
    "parts as they were written": (
        '%1 = unordered [[%a], ["x"]]\n%2 = method "lower" [%1]\nfinal %0\nreturn %2',
        '%1 = format [%a, "x"]\n%2 = method "lower" [%1]\nfinal %0\nreturn %2',
    ),
    "blocks": (
        f'%1 = append %0, ["{"x" * BLOCK}{"y" * BLOCK}", %a]\nfinal %1',
        f'%1 = append %0, ["{"x" * (BLOCK - 1)}"]\n%2 = append %1, ["x", "{"y" * BLOCK}"]\n%3 = append %2, [%a]\nfinal %3',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_refactorings_mean_the_same(case: str) -> None:
    one, two = map(program, SAME[case])
    check_same_meaning(one, two)
    check_same_meaning(two, one)


def test_free_parts_mean_the_same_in_the_order_that_the_later_graph_says() -> None:
    free = '%1 = unordered [[%a], ["x"], ["y", %b]] @ "p.py":1\n%2 = append %0, ["say ", %1]\nfinal %2'
    chosen = '%1 = append %0, ["say x", "y", %b, %a]\nfinal %1\norder "p.py":1 = [1, 2, 0]'
    check_same_meaning(program(free), program(chosen))
    kept = f'{free}\norder "p.py":1 = null {{why="it is read"}}'
    for before, after in ((chosen, free), (kept, chosen), (free, chosen.replace("[1, 2, 0]", "[2, 1, 0]"))):
        with pytest.raises(IRError, match="changed its meaning"):
            check_same_meaning(program(before), program(after))


TEXT, VALUE = "the program's text", "the return value"
BASE = (
    '%1 = append %0, [<user>, "say ", %a, </user>]\n'
    '%2 = gen %1 {max_tokens=5, stop=["x"], regex="[ab]+", number=0}\n'
    "%3 = gen %1 {number=1}\n"
    "%4 = read %2\n"
    "%5 = read %3\n"
    '%6 = append %2, ["then ", %5]\n'
    '%7 = select %6 from [["yes"], ["no"]] {number=2}\n'
    "%8 = read %7\n"
    "%9 = image %b\n"
    '%10 = append %7, [%9, " end"]\n'
    'static "n" = 1\n'
    "final %10\n"
    'variable "v" = %4\n'
    'variable "w" = [%5, %8]\n'
    'return {"x": [1, %4], "y": (2,)}'
)
DIFFERENT = {
    "literal": ('"say "', '"say"', TEXT),
    "literal's case": ('"yes"', '"Yes"', TEXT),
    "trust": ("%a, </user>", "trusted %a, </user>", TEXT),
    "value": ("%a, </user>", "%b, </user>", TEXT),
    "order of parts": ('"say ", %a', '%a, "say "', TEXT),
    "role": ("[<user>", '[<system>, "", </system>, <user>', TEXT),
    "role's name": ('<user>, "say ", %a, </user>', '<system>, "say ", %a, </system>', TEXT),
    "edge of a role": ("%a, </user>]", "%a]", TEXT),
    "max_tokens": ("max_tokens=5", "max_tokens=6", TEXT),
    "no max_tokens": ("max_tokens=5, ", "", TEXT),
    "stop": ('stop=["x"]', 'stop=["x", "y"]', TEXT),
    "regex": ("[ab]+", "[ab]*", TEXT),
    "no regex": ('regex="[ab]+", ', "", TEXT),
    "greedy": ("max_tokens=5", "max_tokens=5, temperature=0.0", TEXT),
    "number": ("regex=\"[ab]+\", number=0", 'regex="[ab]+", number=7', TEXT),
    "merged samples": ("%5 = read %3", "%5 = read %2", TEXT),
    "prompt": ("%3 = gen %1", "%3 = gen %0", TEXT),
    "order of choices": ('["yes"], ["no"]', '["no"], ["yes"]', TEXT),
    "choice": ('["yes"], ["no"]', '["yes"]', TEXT),
    "select's prompt": ("%7 = select %6", "%7 = select %2", TEXT),
    "image": ("%9 = image %b", "%9 = image %a", TEXT),
    "image as text": ("%9 = image %b", "%9 = format [%b]", TEXT),
    "final": ("final %10", "final %7", TEXT),
    "variable": ('variable "v" = %4', 'variable "v" = %5', 'the variable "v"'),
    "variable's shape": ("[%5, %8]", "[%8, %5]", 'the variable "w"'),
    "variable's name": ('variable "v"', 'variable "u"', "the names of the variables"),
    "order of variables": ('variable "v" = %4\nvariable "w" = [%5, %8]', 'variable "w" = [%5, %8]\nvariable "v" = %4', "the names of the variables"),
    "variable missing": ('variable "v" = %4\n', "", "the names of the variables"),
    "answer": ('variable "w" = [%5, %8]\n', 'variable "w" = [%5, %8]\nanswers "v" = %3\n', 'the answer in "v"'),
    "answers": ('variable "w" = [%5, %8]\n', 'variable "w" = [%5, %8]\nanswers "v" = null\n', "the variables that are answers"),
    "constant": ("[1, %4]", "[2, %4]", VALUE),
    "constant's type": ("[1, %4]", "[1.0, %4]", VALUE),
    "bool for int": ("[1, %4]", "[true, %4]", VALUE),
    "text for int": ("[1, %4]", '["1", %4]', VALUE),
    "tuple for list": ("(2,)", "[2]", VALUE),
    "key": ('"y": (2,)', '"z": (2,)', VALUE),
    "returned text": ("[1, %4]", "[1, %8]", VALUE),
    "no value": ('return {"x": [1, %4], "y": (2,)}', "", VALUE),
    "static": ('static "n" = 1', 'static "n" = 2', "the statics"),
    "static's type": ('static "n" = 1', 'static "n" = true', "the statics"),
    "param": ('%b = param "b"', '%b = param "c"', "the parameters"),
    "default": ('%b = param "b"', '%b = param "b" {default=""}', "the parameters"),
    "order of params": ('%a = param "a"\n%b = param "b"', '%b = param "b"\n%a = param "a"', "the parameters"),
}  # fmt: skip


ASKED, CALLS = "what the program branches on", "the calls of host functions"
BRANCHING = (
    '%1 = append %0, ["say "]\n'
    "%2 = gen %1 {number=0}\n"
    "%3 = read %2\n"
    '%4 = test "eq" [%3, "yes"]\n'
    '%5 = method "slice" [%a, 1, null, null]\n'
    "final %2\n"
    "switch %4, %5 {number=0}\n"
    'case true, "x" {\n'
    '%6 = call "find" [%5, (1, %a)] {keywords={"n": 1}, timeout=2.5, number=7}\n'
    '%7 = append %2, [" found"]\n'
    "final %7\n"
    "exit %6 {number=1}\n"
    "}\n"
    'case false, "x" {\n'
    "%8 = meta %2 {number=1}\n"
    "%9 = render %2 since %1 {number=2}\n"
    '%10 = call "note" [%3] {number=3}\n'
    "%11 = image %b {frames=2}\n"
    "%12 = append %2, [%11]\n"
    "final %12\n"
    "switch %8, %10, %9 {number=2}\n"
    'case 1, 0, "r" {\n'
    "final %12\n"
    "return %9\n"
    "}\n"
    "else exit\n"
    "}\n"
    'case true, "w" {\n'
    "final %2\n"
    "switch %4 {number=4}\n"
    "case true {\nfinal %2\n}\n"
    "case false {\nfinal %2\n}\n"
    "}\n"
    'case true, "z" {\n'
    "final %2\n"
    "switch %4 {number=5}\n"
    "case false {\nfinal %2\n}\n"
    "case true {\nfinal %2\n}\n"
    "else exit\n"
    "}\n"
    "else exit"
)
DIFFERENT_REGIONS = {
    "test": ('test "eq"', 'test "lt"', ASKED),
    "test's text": ('[%3, "yes"]', '[%3, "Yes"]', ASKED),
    "test's type": ('test "eq" [%3, "yes"]', 'test "eq" [%3, 1]', ASKED),
    "method": ('"slice" [%a, 1, null, null]', '"slice" [%a, null, 1, null]', ASKED),
    "method's text": ("[%a, 1, null", "[%b, 1, null", ASKED),
    "subjects": ("switch %4, %5", "switch %4, %3", ASKED),
    "switch's number": ("switch %4, %5 {number=0}", "switch %4, %5 {number=7}", ASKED),
    "exit's number": ("exit %6 {number=1}", "exit %6 {number=7}", ASKED),
    "exit's subject": ("exit %6", "exit %a", ASKED),
    "closed": ("case true {\nfinal %2\n}\nelse exit\n", "case true {\nfinal %2\n}\n", ASKED),
    "opened": ("case false {\nfinal %2\n}\n}\n", "case false {\nfinal %2\n}\nelse exit\n}\n", ASKED),
    "value": ('case true, "x"', 'case true, "y"', ASKED),
    "value's type": ('case 1, 0, "r"', 'case true, 0, "r"', ASKED),
    "value's other type": ('case 1, 0, "r"', 'case 1, 0.0, "r"', ASKED),
    "a case less": ('case 1, 0, "r" {\nfinal %12\nreturn %9\n}\nelse exit\n', 'case 2, 0, "r" {\nfinal %12\n}\nelse exit\n', ASKED),
    "end for exit": ("exit %6 {number=1}\n", "", ASKED),
    "exit for end": ("return %9\n", "exit {number=3}\n", ASKED),
    "text before the switch": ("final %2\nswitch %4, %5", "final %1\nswitch %4, %5", TEXT),
    "text in a case": ('" found"', '" nothing"', TEXT),
    "final in a case": ("final %7", "final %2", TEXT),
    "frames": ("{frames=2}", "{frames=3}", TEXT),
    "value in a case": ("return %9", "return %3", VALUE),
    "no value in a case": ("return %9\n", "", VALUE),
    "variable in a case": ("return %9", 'return %9\nvariable "v" = 1', "the names of the variables"),
    "render": ("render %2 since %1", "render %2 since %0", ASKED),
    "call": ('call "find"', 'call "seek"', CALLS),
    "call's argument": ("(1, %a)", "(1, %b)", CALLS),
    "call's constant": ("(1, %a)", "(true, %a)", CALLS),
    "call's structure": ("[%5, (1, %a)]", "[%5, 1, %a]", CALLS),
    "call's keyword": ('{"n": 1}', '{"m": 1}', CALLS),
    "call's timeout": ("timeout=2.5", "timeout=2.0", CALLS),
    "call's number": ("timeout=2.5, number=7", "timeout=2.5, number=8", CALLS),
    "call before the switch": (
        'final %2\nswitch %4, %5 {number=0}\ncase true, "x" {\n%6 = call "find" [%5, (1, %a)] {keywords={"n": 1}, timeout=2.5, number=7}',
        '%6 = call "find" [%5, (1, %a)] {keywords={"n": 1}, timeout=2.5, number=7}\nfinal %2\nswitch %4, %5 {number=0}\ncase true, "x" {',
        CALLS,
    ),
    "one call more": ("return %9", '%20 = call "find" [] {number=4}\nreturn %9', CALLS),
}  # fmt: skip


@pytest.mark.parametrize(
    ("base", "case"),
    [
        *(pytest.param(BASE, case, id=name) for name, case in DIFFERENT.items()),
        *(pytest.param(BRANCHING, case, id=f"branching: {name}") for name, case in DIFFERENT_REGIONS.items()),
    ],
)
def test_changed_meanings_are_named(base: str, case: tuple[str, str, str]) -> None:
    old, new, what = case
    text = f'program p {{\n%a = param "a"\n%b = param "b"\n%0 = root\n{base}\n}}'
    assert text.count(old) == 1
    before, after = parse_graph(text), parse_graph(text.replace(old, new))
    verify(after)
    with pytest.raises(IRError) as caught:
        check_same_meaning(before, after)
    assert caught.value.what == f"{what} changed its meaning"


def refactored(graph: Graph, rng: Random) -> Graph:
    """The graph with literals split, values put into formats, and appends cut in two, at random."""
    new: dict[Op, Op] = {param: param for param in graph.params}

    def changed(part: Part, body: list[Op]) -> list[Part]:
        if isinstance(part, str) and rng.random() < 0.5:
            cut = rng.randint(0, len(part))
            return [part[:cut], "", part[cut:]]
        if isinstance(part, Op) and part.result is Type.TEXT and rng.random() < 0.5:
            body.append(Format(parts=("", part)))
            return [body[-1]]
        return [part]

    def change(region: Region) -> tuple[tuple[Op, ...], tuple[Fork, ...]]:
        body: list[Op] = []
        for op in region.body:
            moved = with_operands(op, new.__getitem__)
            if isinstance(moved, Append):
                parts = [small for part in moved.parts for small in changed(part, body)]
                cut = rng.randint(0, len(parts))
                first = Append(state=moved.state, parts=tuple(parts[:cut]))
                body.append(first)
                moved = Append(state=first, parts=tuple(parts[cut:]))
            elif isinstance(moved, Root):
                moved = Root()
            new[op] = moved
            body.append(moved)
        return tuple(body), ()

    return replace(graph, region=with_regions(graph.region, change, new.__getitem__))


@settings(max_examples=60, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_random_refactorings_mean_the_same(graph: Graph, rng: Random) -> None:
    after = refactored(graph, rng)
    verify(after)
    check_same_meaning(graph, after)


def test_two_random_programs_differ() -> None:
    """A check that says yes to everything would pass every other test of sameness."""
    rng = Random(3)
    programs = [random_graph(rng, 20) for _ in range(60)]
    differing = 0
    for one, two in itertools.pairwise(programs):
        try:
            check_same_meaning(one, two)
        except IRError:
            differing += 1
    assert differing >= 55


def test_long_chains_are_linear_and_do_not_recurse() -> None:
    builder = Builder("long")
    text: Op = builder.format(["x"])
    state = builder.root()
    for _ in range(5_000):
        text = builder.format([text, "y"])
        state = builder.gen(builder.append(state, ["literal ", "text"]), sampling=Sampling(temperature=0.0))
    for _ in range(5_000):
        state = builder.append(state, ["a long literal, one of many"])
        builder.gen(state)
    graph = builder.finish(state, {"text": text})
    check_same_meaning(graph, graph)
