"""The text form: goldens, round trips, names, and errors with their places."""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.ir import printer
from sglc.ir.builder import Builder
from sglc.ir.errors import IRError, Location
from sglc.ir.graph import MAX_REGIONS, End, Graph, Region
from sglc.ir.ops import Append, Param, Root, Sampling
from sglc.ir.parser import parse_graph
from sglc.ir.printer import MAX_NESTING, pointer, print_graph, print_schedule, quoted, value_names
from sglc.ir.schedule import ForkPlan, Lifetime, Prefix, Schedule, Step
from sglc.ir.syntax import MAX_LINE
from sglc.ir.verify import verify
from tests.graphs import compiled_graphs, random_compiled_graph, same

GOLDENS = sorted((Path(__file__).parents[1] / "golden" / "ir").glob("*.sglcir"))


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_goldens_are_valid_and_print_as_they_are(path: Path) -> None:
    text = path.read_text()
    graph = parse_graph(text, path.name)
    verify(graph)
    if os.environ.get("SGLC_UPDATE_GOLDEN"):
        path.write_text(print_graph(graph))
    else:
        assert print_graph(graph) == text


def test_goldens_exist() -> None:
    assert len(GOLDENS) >= 8


@settings(max_examples=100, deadline=None)
@given(compiled_graphs())
def test_parse_gives_back_what_was_printed(graph: Graph) -> None:
    text = print_graph(graph)
    again = parse_graph(text)
    assert same(graph, again)
    assert print_graph(again) == text


@settings(deadline=None)
@given(st.text(st.characters(), max_size=20))
def test_any_text_prints_on_one_line_in_printable_characters(text: str) -> None:
    graph = parse_graph(f"program p {{\n  %0 = root\n  %1 = append %0, [{quoted(text)}]\n  final %1\n}}")
    (append,) = (op for op in graph.body if isinstance(op, Append))
    assert append.parts == (text,)
    assert quoted(text).isprintable()


def test_the_examples_of_the_docs_are_right() -> None:
    lines = [line[4:] for line in (printer.__doc__ or "").splitlines() if line.startswith("    ")]
    judge, route = (f"program {text}\n" for text in "\n".join(lines).split("program ")[1:])
    for text in (judge, route):
        graph = parse_graph(text)
        verify(graph)
        notes = {graph.prefixes[1]: "312 tokens"} if graph.prefixes else {}
        assert print_graph(graph, notes) == text.rstrip("\n") + "\n"


DIFFERENCES = {
    "judge": (
        ('"Essay: "', '"Essay:"'),
        ("[%essay,", "[trusted %essay,"),
        ('<system>, "You', '"You'),
        ("number=3", "number=4"),
        ('regex="[1-9]|10", number=1', "number=1"),
        ('"judge.py":15', '"judge.py":16'),
        ("fork %2: %4, %8", "fork %2: %8, %4"),
        ("[%11, %12]", "[%12, %11]"),
        ("[%11, %12]", "(%11, %12)"),
        ("final %16", "final %14"),
        ('["reject"]', '["reject"], []'),
        ("  final", '  static "n" = 1\n  final'),
        ("}\n", '  return "x"\n}\n'),
        ("program judge", "program Judge"),
        ('param "essay"', 'param "essay" {default=""}'),
    ),
    "unordered": (
        (", []]", "]"),
        ("[1, 2, 0]", "[2, 1, 0]"),
        ("= [1, 2, 0]", "= null"),
        ('few.py":3 = ', 'few.py":4 = '),
        ("few.py:12", "few.py:13"),
        ('@ "few.py":5', '@ "few.py":4'),
    ),
    "branching": (
        ('number=0, why="if', 'number=9, why="if'),
        ('why="too deep"', 'why="too far"'),
        ('"agent.py":16', '"agent.py":17'),
        ("case null,", "case false,"),
        ("case 1,", "case true,"),
        ("case 0.5,", "case 0.25,"),
        ('"é\\u2028"', '"é"'),
        ("    else exit\n", ""),
        ("  else exit\n}", "}"),
        ("case true, false {", "case false, false {"),
        ("switch %15, %6", "switch %6, %15"),
        ("exit %10 ", "exit %9 "),
        ("    final %8\n", "    final %3\n"),
        ("fork %3: %12, %13", "fork %2: %12, %13"),
        ("      final %16\n", "      final %3\n"),
        ('    return {"text": %14}\n', ""),
        ('test "eq"', 'test "contains"'),
        ('("Who", "What")', '"Who"'),
        ('method "strip"', 'method "lower"'),
        ("since %2", "since %3"),
        ("null, -1, null]", "null, 1, null]"),
        ("timeout=2.5, ", ""),
        ('"lang": "en", ', ""),
        ("true, -0.5", "1, -0.5"),
        ("(%6, null", "(%4, null"),
        ('call "wikipedia"', 'call "search"'),
        ("{frames=8}", ""),
        ('method="greedy_token_selection", ', ""),
        ("meta %8 {number=2}", "meta %8 {number=3}"),
        ("since %2 {number=3}", "since %2 {number=4}"),
        ("timeout=2.5, number=1", "timeout=2.5, number=2"),
    ),
}


@pytest.mark.parametrize("golden", DIFFERENCES)
def test_same_sees_every_difference(golden: str) -> None:
    text = GOLDENS[[path.stem for path in GOLDENS].index(golden)].read_text()
    for old, new in DIFFERENCES[golden]:
        changed = text[::-1].replace(old[::-1], new[::-1], 1)[::-1]  # the last place
        assert changed != text, old
        assert not same(parse_graph(text), parse_graph(changed)), (old, new)
    assert same(parse_graph(text), parse_graph(text))


def test_notes_become_comments_and_are_not_read_back() -> None:
    graph = parse_graph(GOLDENS[0].read_text())
    text = print_graph(graph, dict.fromkeys(graph.ops, "12 tokens,\nshared"))
    assert text.count("  # 12 tokens, shared\n") == len(graph.ops)
    assert same(graph, parse_graph(text))


def test_blank_lines_comments_and_spacing_are_free() -> None:
    text = (
        '# first\n\nprogram  p{ # here\n\r\n%x=root@"a.py":1\n\t\n%y = append %x ,[ "#" ]# there\nfinal %y\n}\n# end\n'
    )
    assert print_graph(parse_graph(text)) == (
        'program p {\n  %0 = root @ "a.py":1\n  %1 = append %0, ["#"]\n  final %1\n}\n'
    )


def test_names_are_the_params_own_where_they_can_be() -> None:
    names = ("essay", "docs[0]", "docs_0", "0", "é", "_", "a.b", "a_b", "x_")
    params = tuple(Param(name=name) for name in names)
    root = Root()
    graph = Graph("p", params, (), Region((root,), End(root, {})))
    wanted = ["%essay", "%docs_0", "%0", "%1", "%2", "%_", "%a_b", "%3", "%x_", "%4"]
    assert list(value_names(graph).values()) == wanted


def test_long_programs_are_no_problem() -> None:
    builder = Builder("long")
    state = builder.root()
    for line in range(2_000):
        state = builder.append(state, ["text ", "more"], loc=Location("a.py", line + 1))
        state = builder.gen(state, name="x", sampling=Sampling(temperature=0.0))
    builder.append(state, ["x" * 3_000_000])
    graph = builder.finish(state, {"x": builder.read(state)})
    text = print_graph(graph)
    assert print_graph(parse_graph(text)) == text


def test_deep_and_wide_results_survive_up_to_the_limit() -> None:
    tree: list[object] = []
    for _ in range(MAX_NESTING - 1):
        tree = [tree, 1]
    text = f"program p {{\n  %0 = root\n  final %0\n  return {tree}\n}}\n"
    assert print_graph(parse_graph(text)) == text


BODY = "program p {\n  %0 = root\n"
SWITCH = BODY + "  final %0\n  switch %0\n"
ENDED = '  case "x" {\n    final %0\n  }\n'
ERRORS = {
    "many lines": ("\n" * 50_000, "<ir>:50001:1: the text has over 50,000 lines", "split the program"),
    "empty": ("", "<ir>:1:1: the text has no program", "a program begins with `program NAME {`"),
    "no program": (
        "%0 = root",
        "<ir>:1:1: the first line is not a program's",
        "a program begins with `program NAME {`",
    ),
    "two programs": ("program a {\nprogram b {", "<ir>:2:1: a second `program` line", "one text is one program"),
    "unclosed": (BODY, "<ir>:3:1: the text ends inside the program", "close it with `}`"),
    "no final": (BODY + "}", "<ir>:3:1: the program has no `final` line", "name the state whose text is the program's"),
    "two finals": (BODY + "final %0\nfinal %0\n}", "<ir>:4:7: a second `final` line", ""),
    "two returns": (BODY + "return 1\nreturn 2\n}", "<ir>:4:8: a second `return` line", ""),
    "after the end": (BODY + "final %0\n}\n}", "<ir>:5:1: a line after the program's end", "one text is one program"),
    "undefined": (
        BODY + "  %1 = gen %x {number=0}",
        "<ir>:3:12: %x is not defined\n      %1 = gen %x {number=0}\n               ^^\n",
        "a value is defined on a line before its use",
    ),
    "defined twice": (BODY + "  %0 = root", "<ir>:3:3: %0 is defined twice", "each value has one definition"),
    "late param": (BODY + '%a = param "a"', "<ir>:3:1: a param after other ops", "params come first"),
    "final after the switch": (
        SWITCH + "  final %0",
        "<ir>:5:3: `final` after the `switch`\n      final %0\n      ^\n",
        "a region ends with its switch and the cases of it",
    ),
    "op after the exit": (BODY + "final %0\nexit {}\n%1 = root", "<ir>:5:1: an op after the `exit`", "a region ends"),
    "return after the cases": (SWITCH + ENDED + "return 1", "<ir>:8:1: `return` after the `switch`", "a region ends"),
    "switch twice": (SWITCH + ENDED + "switch %a", "<ir>:8:1: `switch` after the `switch`", "a region ends"),
    "no case": (
        SWITCH + "}",
        "<ir>:5:1: a `switch` without a case",
        "`exit` is the one that has none",
    ),
    "no case, inside": (
        SWITCH + 'case "x" {\n  final %0\n  switch %0\n}',
        "<ir>:8:1: a `switch` without a case",
        "`exit` is the one",
    ),
    "no final before a switch": (
        'program p {\n%a = param "a"\nswitch %a\ncase 1 {\n%0 = root\nfinal %0\n}\n}',
        "<ir>:8:1: the program has no `final` line here",
        "name the state",
    ),
    "no final in a case": (
        SWITCH + 'case "x" {\n  }',
        "<ir>:6:3: the program has no `final` line here",
        "name the state",
    ),
    "case of nothing": (
        BODY + 'final %0\ncase "x" {',
        "<ir>:4:1: `case` without a switch before it",
        "a region ends with `switch`, and then its cases",
    ),
    "case of an exit": (
        BODY + 'final %0\nexit %0\n  case "x" {',
        "<ir>:5:3: `case` after `exit`",
        "`switch` is the one that has cases",
    ),
    "case after else exit": (
        SWITCH + ENDED + 'else exit\ncase "y" {',
        "<ir>:9:1: `case` after `else exit`",
        "`else exit` is the last line of a switch",
    ),
    "else exit of nothing": (
        BODY + "final %0\nelse exit",
        "<ir>:4:1: `else exit` without a switch before it",
        "a region ends with `switch`, and then its cases",
    ),
    "else exit of an exit": (
        BODY + "final %0\nexit\nelse exit",
        "<ir>:5:1: `else exit` after `exit`",
        "`switch` is the one that has cases",
    ),
    "else exit first": (
        SWITCH + "else exit",
        "<ir>:5:1: `else exit` before a case",
        "`exit` instead of `switch` is the one without cases",
    ),
    "else exit twice": (
        SWITCH + ENDED + "else exit\nelse exit",
        "<ir>:9:1: a second `else exit`",
        "it is the last line of a switch",
    ),
    "else what": (SWITCH + ENDED + "else", "<ir>:8:5: the line ends too early", "expected `exit`"),
    "too few values": (
        'program p {\n%a = param "a"\n%0 = root\nfinal %0\nswitch %a, %a\n  case 1 {',
        "<ir>:6:8: the case has 1 value, and the switch 2 subjects",
        "give one value for each",
    ),
    "too many values": (
        SWITCH + 'case "x", "y" {',
        "<ir>:5:6: the case has 2 values, and the switch 1 subject\n",
        "give one value for each",
    ),
    "case of a value": (SWITCH + "case %a {", "<ir>:5:6: unexpected '%a'", "expected `false`, `null`, `true`"),
    "case of a list": (SWITCH + 'case ["x"] {', "<ir>:5:6: unexpected '['", "expected `false`"),
    "variable of a switch": (
        BODY + 'variable "x" = 1\nfinal %0\n  switch %0',
        "<ir>:5:3: `switch` after `variable`",
        "results belong to the ends of paths, not where they part",
    ),
    "value of an exit": (BODY + "return 1\nexit", "<ir>:4:1: `exit` after `return`", "results belong to the ends"),
    "static in a case": (
        SWITCH + 'case "x" {\nstatic "n" = 1',
        "<ir>:6:1: `static` inside a case",
        "statics belong to the program",
    ),
    "param in a case": (
        SWITCH + 'case "x" {\n%b = param "b"',
        "<ir>:6:1: a param after other ops",
        "params come first",
    ),
    "prefix in a case": (SWITCH + 'case "x" {\nprefix {', "<ir>:6:1: `prefix` after other ops", "the one prefix block"),
    "switch in the prefix": (
        "program p {\nprefix {\nswitch",
        "<ir>:3:1: `switch` inside the prefix",
        "a prefix holds ops only; `}` ends it",
    ),
    "program in a case": (SWITCH + 'case "x" {\nprogram q {', "<ir>:6:1: a second `program` line", "one text is"),
    "unclosed case": (SWITCH + 'case "x" {\nfinal %0\n}', "<ir>:7:1: the text ends inside", "close it with `}`"),
    "two finals in a case": (SWITCH + 'case "x" {\nfinal %0\nfinal %0', "<ir>:7:7: a second `final` line", ""),
    "switch on what is undefined": (BODY + "final %0\nexit %x", "<ir>:4:6: %x is not defined", "a value is defined"),
    "switch's attribute": (BODY + "final %0\nexit {what=1}", "<ir>:4:7: `exit` has no attribute what", ""),
    "switch's number": (BODY + 'final %0\nexit {number="a"}', "<ir>:4:7: number is not an integer", ""),
    "switch's why": (BODY + "final %0\nexit {why=1}", "<ir>:4:7: why is not a string", ""),
    "deep cases": (
        "program p {\n%0 = root\n" + 'final %0\nswitch %0\ncase "x" {\n' * 300,
        f"<ir>:{2 + 3 * MAX_REGIONS}:1: cases nest deeper than 200",
        "let the program exit there",
    ),
    "keywords of a list": (BODY + '%1 = call "f" [] {keywords=[1]}', "<ir>:3:19: keywords is not a dict", ""),
    "timeout of a text": (BODY + '%1 = call "f" [] {timeout="1"}', "<ir>:3:19: timeout is not a number", ""),
    "keyword twice": (BODY + '%1 = call "f" [] {keywords={"a": 1, "a": 2}}', "<ir>:3:37: a is given twice", ""),
    "frames of a text": (BODY + '%1 = image %0 {frames="1"}', "<ir>:3:16: frames is not an integer", ""),
    "late prefix": (
        BODY + "prefix {",
        "<ir>:3:1: `prefix` after other ops",
        "the one prefix block stands before the body",
    ),
    "in prefix": (
        "program p {\nprefix {\nfinal %0",
        "<ir>:3:1: `final` inside the prefix",
        "a prefix holds ops only; `}` ends it",
    ),
    "unclosed string": (
        BODY + '%1 = append %0, ["abc]',
        '<ir>:3:18: a string has no end or a bad escape\n    %1 = append %0, ["abc]\n                     ^\n',
        "expected `]`, `trusted`, a role (<user>), a string, a value (%name)",
    ),
    "bad escape": (
        BODY + r'%1 = append %0, ["\x"]',
        "<ir>:3:18: a string has no end or a bad escape",
        "expected `]`, ",
    ),
    "stray character": (BODY + "%1 = root & 3", "<ir>:3:11: unexpected character '&'", "expected `@`, `{`"),
    "wrong word": (BODY + "%1 = root 3", "<ir>:3:11: unexpected '3'", "expected `@`, `{`"),
    "short line": (
        BODY + "  %1 = gen",
        "<ir>:3:11: the line ends too early\n      %1 = gen\n              ^\n",
        "expected a value",
    ),
    "unknown op": (
        BODY + "%1 = jump %0",
        "<ir>:3:6: unexpected 'jump'",
        "expected `append`, `call`, `format`, `gen`, `image`, `meta`",
    ),
    "unknown attribute": (BODY + "%1 = gen %0 {heat=1}", "<ir>:3:14: `gen` has no attribute heat", ""),
    "foreign attribute": (
        BODY + '%1 = select %0 from [] {regex="a"}',
        "<ir>:3:25: `select` has no attribute regex",
        "",
    ),
    "attribute twice": (BODY + "%1 = gen %0 {seed=1, seed=2}", "<ir>:3:22: seed is given twice", ""),
    "attribute's type": (BODY + "%1 = gen %0 {name=1}", "<ir>:3:14: name is not a string", ""),
    "attribute's integer": (BODY + "%1 = gen %0 {number=true}", "<ir>:3:14: number is not an integer", ""),
    "key twice": (BODY + 'return {"a": 1, "a": 2}', "<ir>:3:17: a is given twice", ""),
    "static twice": (BODY + 'static "a" = 1\nstatic "a" = 1', "<ir>:4:8: a is given twice", ""),
    "order twice": (BODY + 'order "a":1 = [0]\norder "a":1 = null', "<ir>:4:7: a second order of a:1", ""),
    "order of texts": (
        BODY + 'order "a":1 = ["x"]',
        "<ir>:3:16: an order is no list of integers",
        "[1, 0], or null for parts as they were written",
    ),
    "order in a case": (SWITCH + '  case "x" {\norder "a":1 = [0]', "<ir>:6:1: `order` inside a case", "orders belong"),
    "attribute of an order": (BODY + 'order "a":1 = [0] {number=1}', "<ir>:3:20: `order` has no attribute number", ""),
    "variable twice": (BODY + 'variable "a" = 1\nvariable "a" = 1', "<ir>:4:10: a is given twice", ""),
    "answers twice": (
        BODY + 'variable "a" = 1\nanswers "a" = null\nanswers "a" = null',
        "<ir>:5:9: a is given twice",
        "",
    ),
    "static of ops": (
        BODY + 'static "a" = %0',
        "<ir>:3:14: unexpected '%0'",
        "expected `false`, `null`, `true`",
    ),
    "large float": (BODY + "return 1e999", "<ir>:3:8: the number is too large", ""),
    "large integer": (BODY + "return " + "9" * 5000, "<ir>:3:8: an integer has over 400 digits", ""),
    "no number": (BODY + "return nan", "<ir>:3:8: unexpected 'nan'", "expected `(`"),
    "deep": (BODY + f"return {'[' * 100}1{']' * 100}", "<ir>:3:108: lists and dicts nest deeper than 64", ""),
    "very deep": (BODY + f"return {'[' * 40_000}{']' * 40_000}", "<ir>:3:1: lists and dicts nest deeper than 64", ""),
    "long": (
        BODY + f"return [{'1,' * MAX_LINE}1]",
        "<ir>:3:1: a line has over 100,000 characters outside of strings",
        "split it",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_does_not_parse_says_where_and_why(case: str) -> None:
    text, message, hint = ERRORS[case]
    with pytest.raises(IRError) as caught:
        parse_graph(text)
    assert str(caught.value).startswith(message)
    assert caught.value.hint.startswith(hint)
    assert bool(caught.value.hint) == bool(hint)


def test_the_file_is_named_in_errors() -> None:
    with pytest.raises(IRError, match=r"^bug\.sglcir:1:1: "):
        parse_graph("x", "bug.sglcir")


@pytest.mark.parametrize(
    ("line", "start", "end", "shown"),
    [
        ("%0 = gen", 5, 8, "    %0 = gen\n         ^^^"),
        ("short", 5, 5, "    short\n         ^"),
        ("a\tb", 2, 3, "    a b\n      ^"),
        ("x" * 500, 0, 500, f"    {'x' * 100} ...\n    {'^' * 100}"),
        ("x" * 500, 300, 301, f"    ... {'x' * 120} ...\n        {' ' * 60}^"),
        ("x" * 500, 499, 500, f"    ... {'x' * 61}\n        {' ' * 60}^"),
    ],
)
def test_pointer_shows_the_place(line: str, start: int, end: int, shown: str) -> None:
    assert pointer(line, start, end) == shown


SNIPPETS = (
    "%0", "%1", "%9", "[", "]", "{", "}", "(", ")", ",", "=", ":", "@", '"', "\\", "#", "\n", " ", "\x00", "\x85", "é", "😀",
    "root", "append %0, []", "gen %0", "prefix {", "trusted ", "<user>", "</user>", "null", "1e9", "-1", "9" * 30, "[" * 200,
    "final %0\nexit {number=7}\n", "final %0\nswitch %0\ncase 1 {\n", 'case "x" {\nfinal %0\n}\n', "else exit\n", "switch %3 {number=8}\n",
    'call "f" [%0]', 'test "eq" [%1, "a"]', "meta %1", "render %1 since %0",
    'static "a" = 1', "final %0", "return ", "program ", '"\\ud800"', "number=0",
)  # fmt: skip


def graph_or_place(text: str) -> Graph | None:
    """The graph of a text, or None where the parser or the verifier says what is wrong with which line."""
    graph = None
    try:
        graph = parse_graph(text)
        verify(graph)
    except IRError as error:
        place = str(error.where)
    else:
        place = "<ir>:1:1"
    assert re.search(r":\d+:\d+$", place), place
    return graph


def test_mutated_texts_parse_or_say_where() -> None:
    """Cut, copied, replaced, spliced: a graph that prints and parses again, or an `IRError` with its line."""
    rng = Random(7)
    texts = [path.read_text() for path in GOLDENS] + [print_graph(random_compiled_graph(rng)) for _ in range(10)]
    parsed = 0
    for _ in range(2_000):
        text = rng.choice(texts)
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(text) + 1)
            end = min(len(text), start + rng.choice((0, 1, 1, 5, 60)))
            source = rng.choice(texts)
            cut = rng.randrange(len(source))
            new = rng.choice(
                (rng.choice(SNIPPETS), source[cut : cut + rng.randint(1, 40)], chr(rng.randrange(0x300)), "")
            )
            text = text[:start] + new + text[end:]
        graph = graph_or_place(text)
        if graph is not None:
            parsed += 1
            assert print_graph(parse_graph(print_graph(graph))) == print_graph(graph)
    assert 50 < parsed < 1_900


def test_schedules_print_what_happens_when() -> None:
    graph = parse_graph(GOLDENS[[path.stem for path in GOLDENS].index("forks")].read_text())
    index = {name: i for i, name in enumerate(value_names(graph).values())}
    schedule = Schedule(
        prefixes=(
            Prefix(index["%5"], 1),
            Prefix(index["%6"], 2, "batch", (0,)),
            Prefix(index["%9"], 2, "call"),
        ),
        steps=(
            Step(index["%7"], "decode", (), 256, 0, 0, longest=3),
            Step(index["%11"], "score", (0,), 1, 1, 1),
        ),
        lifetimes=(Lifetime(index["%6"], 2, (0, 1), 130), Lifetime(index["%14"], 0, ())),
        forks=(ForkPlan(index["%6"], (0,), -1), ForkPlan(index["%9"], (0, 1), 0)),
    )
    assert print_schedule(graph, schedule) == (
        "schedule forks {\n"
        "  prefix %5  # begins 1 step\n"
        "  prefix %6 of the batch, where equal: a  # begins 2 steps\n"
        "  prefix %9 of the call  # begins 2 steps\n"
        "  step 0: decode %7  # priority 256, order 0, fork 0, at most 3 tokens\n"
        "  step 1: score %11 after 0  # priority 1, order 1, fork 1\n"
        "  fork 0 on %6: step 0\n"
        "  fork 1 on %9 within 0: steps 0, 1\n"
        "  kv %6: dies after 0, 1, with at most 130 tokens decoded behind it  # begins 2 steps\n"
        "  kv %14: never read  # begins 0 steps\n"
        "}\n"
    )
