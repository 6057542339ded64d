"""Every rule of the verifier, by a graph that breaks it and the message that says so."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from sglc.ir.builder import Builder
from sglc.ir.errors import IRError
from sglc.ir.graph import MAX_REGIONS, Case, End, Fork, Graph, Region, Switch, rewritten
from sglc.ir.ops import Append, Call, Format, Gen, Op, Param, Read, Role, Root, Sampling
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from sglc.ir.terms import check_same_meaning
from sglc.ir.verify import verify
from tests.graphs import changed, compiled_graphs, graphs, same


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_traced_graphs_are_valid(graph: Graph) -> None:
    verify(graph)


@settings(max_examples=60, deadline=None)
@given(compiled_graphs())
def test_compiled_graphs_are_valid(graph: Graph) -> None:
    verify(graph)


# The lines after `program p {`, `%a = param "a"`, `%0 = root`; `final %0` ends each.
BAD_TEXTS = {
    "read of an append": (
        '%1 = append %0, ["x"]\n%2 = read %1',
        "p:5:13: read of a state made by append\n      %2 = read %1\n                ^^",
    ),
    "read of text": ("%1 = read %a", "p:4:13: read takes state here, not text"),
    "append to text": ('%1 = append %a, ["x"]', "p:4:15: append takes state here, not text"),
    "append of a state": ("%1 = append %0, [%0]", "p:4:20: append takes text or image here, not state"),
    "trusted state": ("%1 = append %0, [trusted %0]", "p:4:28: append takes text here, not state"),
    "trusted image": ("%1 = image %a\n%2 = append %0, [trusted %1]", "p:5:28: append takes text here, not image"),
    "gen of text": ("%1 = gen %a", "p:4:12: gen takes state here, not text"),
    "select of text": ('%1 = select %a from [["x"]]', "p:4:15: select takes state here, not text"),
    "image of a state": ("%1 = image %0", "p:4:14: image takes text here, not state"),
    "format of a state": ("%1 = format [%0]", "p:4:16: format takes text here, not state"),
    "format of an image": ("%1 = image %a\n%2 = format [%1]", "p:5:16: format takes text here, not image"),
    "format of a role": ("%1 = format [<user>]", "p:4:16: a format cannot hold a role"),
    "unordered role": ("%1 = unordered [[<user>]]", "p:4:20: an unordered cannot hold a role"),
    "unordered state": ('%1 = unordered [["x"], [%0]]', "p:4:27: unordered takes text here, not state"),
    "unordered image": ("%1 = image %a\n%2 = unordered [[%1]]", "p:5:20: unordered takes text here, not image"),
    "unordered trusted": ("%1 = unordered [[trusted %a]]", "p:4:28: text of an unordered cannot be trusted"),
    "unordered in itself": ("%1 = unordered []\n%2 = unordered [[%1]]", "p:5:20: an unordered holds another"),
    "order twice": (
        'order "p.py":1 = [0, 0]',
        'p:4:3: an order names a part twice, or not at all\n      order "p.py":1 = [0, 0]\n',
    ),
    "order without a part": ('order "p.py":1 = [0, 2]', "p:4:3: an order names a part twice, or not at all"),
    "order of parts that stand apart": (
        '%1 = unordered [["x"], []] @ "p.py":1\norder "p.py":1 = [1, 0]',
        "p:5:3: parts whose order is chosen still are an unordered",
    ),
    "no choice": ("%1 = select %0 from []", "p:4:3: a select has no choice"),
    "choice of a role": ('%1 = select %0 from [["x"], [</user>]]', "p:4:32: a choice cannot hold a role"),
    "choice of an image": ("%1 = image %a\n%2 = select %0 from [[%1]]", "p:5:25: select takes text here, not image"),
    "choice of a state": ("%1 = select %0 from [[%0]]", "p:4:25: select takes text here, not state"),
    "unknown role": ("%1 = append %0, [<tool>]", "p:4:20: there is no role 'tool'"),
    "role in a role": (
        "%1 = append %0, [<user>]\n%2 = gen %1\n%3 = append %2, [<system>]",
        "p:6:20: <system> opens inside <user>\n"
        "      %3 = append %2, [<system>]\n"
        "                       ^^^^^^^^\n"
        "  hint: roles do not nest; close it with </user>",
    ),
    "role in itself": ("%1 = append %0, [<user>, <user>]", "p:4:20: <user> opens inside <user>"),
    "role never opened": ("%1 = append %0, [</user>]", "p:4:20: </user> stands outside of any role"),
    "role closed twice": ("%1 = append %0, [<user>, </user>, </user>]", "p:4:28: </user> stands outside of any role"),
    "other role closed": (
        '%1 = append %0, [<user>]\n%2 = select %1 from [["x"]]\n%3 = append %2, ["x", </system>]',
        "p:6:25: </system> stands inside <user>",
    ),
    "max_tokens": ("%1 = gen %0 {max_tokens=-1}", "p:4:16: max_tokens is -1, not an integer of at least 0"),
    "max_tokens float": ("%1 = gen %0 {max_tokens=1.0}", "p:4:16: max_tokens is 1.0, not an integer of at least 0"),
    "max_tokens bool": ("%1 = gen %0 {max_tokens=true}", "p:4:16: max_tokens is True, not an integer of at least 0"),
    "min_tokens": ("%1 = gen %0 {min_tokens=-1}", "p:4:16: min_tokens is -1, not an integer of at least 0"),
    "min over max": (
        "%1 = gen %0 {max_tokens=1, min_tokens=2}",
        "p:4:30: min_tokens is 2, over max_tokens, which is 1",
    ),
    "stop string": ('%1 = gen %0 {stop="x"}', "p:4:16: stop is 'x', not strings that are not empty"),
    "empty stop": ('%1 = gen %0 {stop=["a", ""]}', "p:4:16: stop is ('a', ''), not strings that are not empty"),
    "stop ids": ("%1 = gen %0 {stop_token_ids=[-1]}", "p:4:16: stop_token_ids is (-1,), not integers of at least 0"),
    "temperature": ("%1 = gen %0 {temperature=-0.1}", "p:4:16: temperature is -0.1, not a number of at least 0"),
    "temperature text": ('%1 = gen %0 {temperature="0"}', "p:4:16: temperature is '0', not a number of at least 0"),
    "temperature bool": ("%1 = gen %0 {temperature=true}", "p:4:16: temperature is True, not a number of at least 0"),
    "top_p zero": ("%1 = gen %0 {top_p=0.0}", "p:4:16: top_p is 0.0, not a number over 0 and up to 1"),
    "top_p over": ("%1 = gen %0 {top_p=1.5}", "p:4:16: top_p is 1.5, not a number over 0 and up to 1"),
    "top_k zero": ('%1 = gen %0 {name="top_k", top_k=0}', "p:4:30: top_k is 0, not -1 or an integer of at least 1"),
    "top_k": ("%1 = gen %0 {top_k=-2}", "p:4:16: top_k is -2, not -1 or an integer of at least 1"),
    "min_p": ("%1 = gen %0 {min_p=1.1}", "p:4:16: min_p is 1.1, not a number from 0 to 1"),
    "frequency": ("%1 = gen %0 {frequency_penalty=3}", "p:4:16: frequency_penalty is 3, not a number from -2 to 2"),
    "presence": ("%1 = gen %0 {presence_penalty=-3}", "p:4:16: presence_penalty is -3, not a number from -2 to 2"),
    "ignore_eos": ("%1 = gen %0 {ignore_eos=1}", "p:4:16: ignore_eos is 1, not true or false"),
    "finish_in_time": (
        '%1 = gen %0 {regex="a", finish_in_time=1}',
        "p:4:16: finish_in_time is 1, not true or false",
    ),
    "finish_in_time alone": (
        "%1 = gen %0 {finish_in_time=true}",
        "p:4:16: finish_in_time without a constraint\n"
        "      %1 = gen %0 {finish_in_time=true, number=0}\n"
        "                   ^^^^^^^^^^^^^^^\n"
        "  hint: give what the answer must match",
    ),
    "seed": (f"%1 = gen %0 {{seed={2**63}}}", f"p:4:16: seed is {2**63}, not an integer of 64 bits"),
    "number": ("%1 = gen %0 {number=-1}", "p:4:16: number is -1, not an integer of at least 0"),
    "value in a setting": ("%1 = gen %0 {stop=[%a]}", "p:4:16: stop is (<param>,)"),
    "meta of an append": (
        '%1 = append %0, ["x"]\n%2 = meta %1',
        "p:5:13: meta of a state made by append\n      %2 = meta %1 {number=0}\n                ^^\n  hint: read a gen",
    ),
    "meta in a prompt": (
        "%1 = gen %0\n%2 = meta %1 {number=1}\n%3 = append %1, [%2]",
        "p:6:20: append takes text or image here, not data",
    ),
    "test in a prompt": (
        '%1 = test "bool" [%a]\n%2 = append %0, [%1]',
        "p:5:20: append takes text or image here, not bool",
    ),
    "result of a test": ('%1 = test "bool" [%a]\nreturn %1', "p:6:10: a result is not a text of the graph"),
    "render of text": ("%1 = render %a since %0", "p:4:15: render takes state here, not text"),
    "render since text": ("%1 = render %0 since %a", "p:4:24: render takes state here, not text"),
    "render backwards": (
        '%1 = append %0, ["x"]\n%2 = render %0 since %1',
        "p:5:24: a text since a state that the prompt was not made from",
    ),
    "render across": (
        '%1 = append %0, ["x"]\n%2 = append %0, ["y"]\n%3 = gen %2\n%4 = render %3 since %1 {number=1}',
        "p:7:24: a text since a state that the prompt was not made from",
    ),
    "call with a state": ('%1 = call "f" ["x", (1, (%0,))]', "p:4:28: call takes text here, not state"),
    "call with a bool": ('%1 = test "bool" [%a]\n%2 = call "f" [%1]', "p:5:18: call takes text here, not bool"),
    "keyword of a state": ('%1 = call "f" [] {keywords={"s": %0}}', "p:4:36: call takes text here, not state"),
    "timeout": ('%1 = call "f" [] {timeout=0}', "p:4:21: timeout is 0, not a number of seconds over 0"),
    "large argument": (f'%1 = call "f" [{2**1024}]', "p:4:3: an integer has more than 1024 bits"),
    "half in a function's name": (r'%1 = call "\ud800" []', "p:4:13: a text holds half a character"),
    "half in a keyword": (r'%1 = call "f" [] {keywords={"\ud800": 1}}', "p:4:31: a text holds half a character"),
    "half in an argument": (r'%1 = method "replace" [%a, "\ud800", ""]', "p:4:3: a text holds half a character"),
    "no such method": ('%1 = method "encode" [%a]', "p:4:15: there is no method 'encode'"),
    "no such test": ('%1 = test "lower" [%a]', "p:4:13: there is no test 'lower'"),
    "method of constants": ('%1 = method "lower" ["A"]', "p:4:3: a method of constants only\n"),
    "test of constants": ('%1 = test "eq" ["A", ("B",)]', "p:4:3: a test of constants only\n"),
    "method of a state": ('%1 = method "lower" [%0]', "p:4:24: method takes text here, not state"),
    "method's arguments": ('%1 = method "lower" [%a, 1]', "p:4:15: lower: str.lower() takes no arguments (1 given)"),
    "slice's step": ('%1 = method "slice" [%a, null, null, 0]', "p:4:15: slice: slice step cannot be zero"),
    "slice of a tuple": ('%1 = method "slice" [(%a, "b"), 1, null, null]', "p:4:15: slice gives a tuple, not a str"),
    "a bad format": ('%1 = method "format" [%a, "d"]', "p:4:15: format: Unknown format code 'd'"),
    "wide": ('%1 = method "center" [%a, 100001]', "p:4:15: a number in the arguments of center is over 100,000"),
    "wide to the left": ('%1 = method "zfill" [%a, -100001]', "p:4:15: a number in the arguments of zfill is over"),
    "wide format": ('%1 = method "format" [%a, ">100001"]', "p:4:15: a number in the arguments of format is over"),
    "very wide format": (f'%1 = method "format" [%a, ">{10**300}"]', "p:4:15: a number in the arguments of format is"),
    "test's types": ('%1 = test "lt" [%a, 1]', "p:4:13: lt: '<' not supported between instances of 'str' and 'int'"),
    "frames": ("%1 = image %a {frames=0}", "p:4:18: frames is 0, not an integer of at least 1"),
    "method of choices": (
        '%1 = select %0 from [["x"]] {method="best"}',
        "p:4:32: there is no choices method 'best'\n"
        '      %1 = select %0 from [["x"]] {method="best", number=0}\n'
        "                                   ^^^^^^^\n"
        "  hint: the methods are token_length_normalized, ",
    ),
    "one number, two kinds": (
        '%1 = gen %0\n%2 = select %0 from [["x"]]',
        "p:5:32: two ops that differ have the number 0\n"
        '      %2 = select %0 from [["x"]] {number=0}\n'
        "                                   ^^^^^^^\n"
        "  hint: each gen, select, call, meta and render of a path has its own",
    ),
    "one number, two calls": (
        '%1 = call "f" [%a]\n%2 = call "f" ["a"]',
        "p:5:24: two ops that differ have the number 0",
    ),
    "one sample, two gens": (
        "%1 = gen %0 {number=3}\n%2 = gen %0 {max_tokens=1, number=3}",
        "p:5:30: two ops that differ have the number 3",
    ),
    "one sample, two prompts": (
        "%1 = gen %0 {number=3}\n%2 = gen %1 {number=3}",
        "p:5:16: two ops that differ have the number 3",
    ),
    "fork of text": ("%1 = gen %0\nfork %a: %1", "p:5:8: a fork is of a state of the graph"),
    "fork of an append": ('%1 = append %0, ["x"]\nfork %0: %1', "p:5:12: a fork's members are gens and selects"),
    "fork of others": (
        "%1 = gen %0\n%2 = root\n%3 = gen %2 {number=1}\nfork %0: %1, %3",
        "p:7:16: a fork's member does not extend its state",
    ),
    "fork, twice": ("%1 = gen %0\nfork %0: %1, %1", "p:5:12: a fork names a member twice"),
    "fork of one that waits": (
        "%1 = gen %0\n%2 = gen %1 {number=1}\nfork %0: %1, %2",
        "p:6:16: a fork's member waits for another\n"
        "      fork %0: %1, %2\n"
        "                   ^^\n"
        "  hint: members run at once: leave it out of the fork",
    ),
    "fork of one that reads another": (
        "%1 = gen %0\n%2 = read %1\n%3 = append %0, [%2]\n%4 = gen %3 {number=1}\n%5 = gen %0 {number=2}\nfork %0: %5, %4, %1",
        "p:9:16: a fork's member waits for another",
    ),
    "fork of itself": ("%1 = gen %0\nfork %1: %1", "p:5:8: a fork's member does not extend its state"),
    "variable of a state": ('variable "x" = %0', "p:5:18: a result is not a text of the graph"),
    "variable of an image": ('%1 = image %a\nvariable "x" = [1, %1]', "p:6:22: a result is not a text of the graph"),
    "answers of nothing": (
        '%1 = gen %0\nanswers "x" = %1',
        'p:6:11: answers of "x", which is no variable',
    ),
    "answers of an append": (
        '%1 = append %0, ["x"]\nvariable "x" = "y"\nanswers "x" = [%1]',
        "p:7:18: an answer is not of a gen or select of the graph",
    ),
    "answers of a text": (
        'variable "x" = "y"\nanswers "x" = %a',
        "p:6:17: an answer is not of a gen or select of the graph",
    ),
    "answers of a string": (
        'variable "x" = "y"\nanswers "x" = [null, "a"]',
        "p:6:3: answers are gens and selects, null, and lists of these",
    ),
    "returned state": ('return {"a": [%0]}', "p:5:17: a result is not a text of the graph"),
    "large integer": (f"return {2**1024}", "p:5:3: an integer has more than 1024 bits"),
    "half a character": (r'%1 = append %0, ["\ud800"]', "p:4:20: a text holds half a character (a lone surrogate)"),
    "half in a format": (r'%1 = format ["\udfff"]', "p:4:16: a text holds half a character"),
    "half in a choice": (r'%1 = select %0 from [["\udfff"]]', "p:4:25: a text holds half a character"),
    "half in a regex": (r'%1 = gen %0 {regex="\udfff"}', "p:4:22: a text holds half a character"),
    "half in a stop": (r'%1 = gen %0 {stop=["\udfff"]}', "p:4:22: a text holds half a character"),
    "half in a name": (r'%1 = gen %0 {name="\udfff"}', "p:4:21: a text holds half a character"),
    "half in a select's name": (
        r'%1 = select %0 from [["a"]] {name="\udfff"}',
        "p:4:37: a text holds half a character",
    ),
    "half in a result": (r'return ["\udfff"]', "p:5:3: a text holds half a character"),
    "half in a key": (r'return {"\udfff": 1}', "p:5:3: a text holds half a character"),
    "half in a static": (r'static "x" = "\udfff"', "p:4:3: a text holds half a character"),
    "half in a variable": (r'variable "\udfff" = 1', "p:5:3: a text holds half a character"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
def test_bad_texts(case: str) -> None:
    body, message = BAD_TEXTS[case]
    graph = parse_graph(f'program p {{\n%a = param "a"\n%0 = root\n{body}\nfinal %0\n}}')
    with pytest.raises(IRError) as caught:
        verify(graph)
    assert str(caught.value).startswith(message)


# The lines after `program p {`, `%a = param "a"`, `%0 = root`.
BAD_SWITCHES = {
    "value of another case": (
        'final %0\nswitch %a\ncase "x" {\n%1 = format ["y"]\nfinal %0\n}\ncase "y" {\n%2 = append %0, [%1]\nfinal %2\n}\nelse exit',
        "p:11:22: a value of another case is used\n"
        "        %2 = append %0, [%1]\n"
        "                         ^^\n"
        "  hint: a value is known in its own case, and in those inside it",
    ),
    "final of another case": (
        'final %0\nswitch %a\ncase "x" {\n%1 = root\nfinal %1\n}\ncase "y" {\nfinal %1\n}\nelse exit',
        "p:11:11: the program's text is of a state of the graph\n        final %1\n              ^^",
    ),
    "result of another case": (
        'final %0\nswitch %a\ncase "x" {\n%1 = format ["y"]\nfinal %0\nreturn %1\n}\ncase "y" {\nfinal %0\nreturn %1\n}\nelse exit',
        "p:13:12: a result is not a text of the graph",
    ),
    "variable of a state": (
        'final %0\nswitch %a\ncase "x" {\nfinal %0\nvariable "v" = 1\n}\ncase "y" {\nfinal %0\nvariable "v" = %0\n}\nelse exit',
        'p:12:20: a result is not a text of the graph\n        variable "v" = %0',
    ),
    "subject of another case": (
        'final %0\nswitch %a\ncase "x" {\n%1 = format ["y"]\nfinal %0\n}\ncase "y" {\nfinal %0\nexit %1 {number=1}\n}\nelse exit',
        "p:12:10: a switch is on a value that is not known here\n        exit %1 {number=1}\n             ^^",
    ),
    "fork's member around it": (
        '%1 = gen %0\n%2 = gen %0 {number=1}\nfinal %0\nswitch %a\ncase "x" {\nfork %0: %1, %2\nfinal %0\n}\nelse exit',
        "p:9:14: a fork's members are gens and selects of its region",
    ),
    "fork's state inside": (
        'final %0\nswitch %a\ncase "x" {\n%1 = root\nfinal %0\n}\ncase "y" {\n%2 = gen %0\nfork %1: %2\nfinal %0\n}\nelse exit',
        "p:12:10: a fork is of a state of the graph",
    ),
    "number of a gen around it": (
        '%1 = gen %0 {number=4}\nfinal %1\nswitch %a\ncase "x" {\n%2 = gen %1 {number=4}\nfinal %2\n}\nelse exit',
        "p:8:18: two ops that differ have the number 4",
    ),
    "subject a state": (
        "final %0\nexit %0",
        "p:5:8: a switch is on a state\n      exit %0 {number=0}\n           ^^\n  hint: ask",
    ),
    "subject an image": ("%1 = image %a\nfinal %0\nexit %1", "p:6:8: a switch is on a image"),
    "switch's number": ("final %0\nexit {number=-1}", "p:5:9: number is -1, not an integer of at least 0"),
    "two switches": (
        'final %0\nswitch %a {number=3}\ncase "x" {\nfinal %0\nexit {number=3}\n}\nelse exit',
        "p:8:11: two switches have the number 3\n        exit {number=3}\n              ^^^^^^^\n  hint: each has its own",
    ),
    "half in a why": (r'final %0\nexit {why="\ud800"}'.replace(r"\n", "\n"), "p:5:19: a text holds half a character"),
    "half in a case": (
        'final %0\nswitch %a\ncase "x" {\nfinal %0\n}\ncase "\\ud800" {\nfinal %0\n}\nelse exit',
        'p:9:3: a text holds half a character (a lone surrogate)\n      case "\\ud800" {\n',
    ),
    "case of an integer": (
        "final %0\nswitch %a\ncase 1 {\nfinal %0\n}\nelse exit",
        "p:6:3: a case's value is a int, and its subject a text\n      case 1 {\n",
    ),
    "case of a text": (
        '%1 = test "bool" [%a]\nfinal %0\nswitch %1\ncase "true" {\nfinal %0\n}\nelse exit',
        "p:7:3: a case's value is a str, and its subject a bool",
    ),
    "case of a large integer": (
        f'%1 = call "f" []\nfinal %0\nswitch %1\ncase {2**1024} {{\nfinal %0\n}}\nelse exit',
        "p:7:3: an integer has more than 1024 bits",
    ),
    "case twice": (
        'final %0\nswitch %a\ncase "x" {\nfinal %0\n}\ncase "x" {\nfinal %0\n}\nelse exit',
        "p:9:3: two cases are the same",
    ),
    "equal cases": (
        '%1 = call "f" []\nfinal %0\nswitch %1\ncase true {\nfinal %0\n}\ncase 1 {\nfinal %0\n}\nelse exit',
        "p:10:3: two cases are the same",
    ),
    "a test without false": (
        '%1 = test "eq" [%a, "x"]\nfinal %0\nswitch %1\ncase true {\nfinal %0\n}',
        "p:6:10: a switch has no case for false\n"
        "      switch %1 {number=0}\n"
        "             ^^\n"
        "  hint: add the case, or end the switch with `else exit`",
    ),
    "two tests without a pair": (
        '%1 = test "eq" [%a, "x"]\n%2 = test "eq" [%a, "y"]\nfinal %0\nswitch %1, %2\ncase true, true {\nfinal %0\n}\n'
        "case false, false {\nfinal %0\n}\ncase false, true {\nfinal %0\n}",
        "p:7:10: a switch has no case for true, false",
    ),
    "a select without a choice": (
        '%1 = select %0 from [["x"], ["y", "z"], ["x"]]\n%2 = read %1\nfinal %1\nswitch %2\ncase "x" {\nfinal %1\n}\n'
        'case "w" {\nfinal %1\n}',
        'p:7:10: a switch has no case for "yz"',
    ),
    "any text": (
        'final %0\nswitch %a\ncase "x" {\nfinal %0\n}',
        "p:5:10: a switch on a text that can be anything has no `else exit`\n      switch %a {number=0}\n             ^^\n  hint: ",
    ),
    "any answer of a call": (
        '%1 = call "f" []\nfinal %0\nswitch %1\ncase null {\nfinal %0\n}',
        "p:6:10: a switch on a text that can be anything has no `else exit`",
    ),
    "any answer of a gen": (
        '%1 = gen %0 {max_tokens=1, regex="a|b"}\n%2 = read %1\nfinal %0\nswitch %2\ncase "a" {\nfinal %0\n}\ncase "b" {\nfinal %0\n}',
        "p:7:10: a switch on a text that can be anything has no `else exit`",
    ),
    "choices that nobody knows": (
        '%1 = select %0 from [["x"], [%a]]\n%2 = read %1\nfinal %1\nswitch %2\ncase "x" {\nfinal %1\n}',
        "p:7:10: a switch on a text that can be anything has no `else exit`",
    ),
}


@pytest.mark.parametrize("case", BAD_SWITCHES)
def test_bad_switches(case: str) -> None:
    body, message = BAD_SWITCHES[case]
    graph = parse_graph(f'program p {{\n%a = param "a"\n%0 = root\n{body}\n}}')
    with pytest.raises(IRError) as caught:
        verify(graph)
    assert str(caught.value).startswith(message)


GOOD_SWITCHES = {
    "siblings' numbers": 'final %0\nswitch %a\ncase "x" {\n%1 = gen %0\nfinal %1\n}\ncase "y" {\n%2 = call "f" []\nfinal %0\n}\nelse exit',
    "equal ops of one number": '%1 = gen %0\nfinal %1\nswitch %a\ncase "x" {\n%2 = gen %0\nfinal %2\n}\nelse exit',
    "fork of a state around it": 'final %0\nswitch %a\ncase "x" {\n%1 = gen %0\nfork %0: %1\nfinal %1\n}\nelse exit',
    "values of a call": '%1 = call "f" []\nfinal %0\nswitch %1\ncase null {\nfinal %0\n}\ncase 1.5 {\nfinal %0\n}\ncase "" {\nfinal %0\n}\nelse exit',
    "both answers": '%1 = test "eq" [%a, "x"]\nfinal %0\nswitch %1\ncase true {\nfinal %0\n}\ncase false {\nfinal %0\n}',
    "all pairs that can be": '%1 = test "eq" [%a, "x"]\nfinal %0\nswitch %1, %1\ncase true, true {\nfinal %0\n}\ncase true, false {\nfinal %0\n}\ncase false, false {\nfinal %0\n}',
    "all choices": '%1 = select %0 from [["x"], ["y", "z"], ["x"]]\n%2 = read %1\nfinal %1\nswitch %2\ncase "yz" {\nfinal %1\n}\ncase "x" {\nfinal %1\n}',
    "a literal in the place of the text that it is known to be": '%1 = append %0, [%a]\nfinal %1\nswitch %a\ncase "x" {\n%2 = append %0, ["x"]\nfinal %2\n}\nelse exit',
    "nothing to ask": "final %0\nexit",
    "meta": "%1 = gen %0\n%2 = meta %1 {number=1}\nfinal %1\nexit %2",
    "text since itself": '%1 = append %0, ["x"]\n%2 = render %1 since %1\nfinal %1\nreturn %2',
    "text of all": "%1 = gen %0\n%2 = gen %1 {number=1}\n%3 = render %2 since %0 {number=2}\nfinal %1\nreturn %3",
    "many copies": '%1 = method "replace" [%a, "a", "b", 1000000]\nfinal %0\nreturn %1',
    "far slice": f'%1 = method "slice" [%a, {10**30}, {-(10**30)}, -1]\nfinal %0\nreturn %1',
    "long constants": f"""%1 = method "replace" [%a, "{'a' * 9000}", "{'b' * 9000}"]\nfinal %0\nreturn %1""",
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD_SWITCHES)
def test_good_switches(case: str) -> None:
    verify(parse_graph(f'program p {{\n%a = param "a"\n%0 = root\n{GOOD_SWITCHES[case]}\n}}'))


ROOT, OTHER, PARAM = Root(), Root(), Param(name="a")
APPEND = Append(state=ROOT, parts=(PARAM,))
GEN = Gen(state=ROOT)
READ = Read(state=GEN)
BYTES: Any = b"x"
LIST: Any = []
GOOD = Graph("p", (PARAM,), (), Region((ROOT, APPEND, GEN, READ), End(ROOT, {})))


class Number(enum.IntEnum):
    ONE = 1


class Jump(Op):
    pass


LAST = Region((), End(ROOT, {}))
READ_AGAIN = Read(state=GEN)


def switching(switch: Switch) -> Graph:
    return replace(GOOD, region=replace(GOOD.region, end=switch))


def branching(*regions: Region, values: tuple[Any, ...] | None = None) -> Graph:
    cases = tuple(Case(values or ("x", str(i)), region) for i, region in enumerate(regions))
    return switching(Switch(ROOT, (READ, PARAM), cases))


def deep(depth: int) -> Graph:
    """A graph of so many regions inside each other."""
    region = LAST
    for number in range(1, depth):
        region = Region((), Switch(ROOT, (READ,), (Case(("x",), region),), number=number))
    return replace(GOOD, region=replace(GOOD.region, end=region.end))


def deep_tuple(depth: int) -> tuple[Any, ...]:
    items: tuple[Any, ...] = ()
    for _ in range(depth - 1):
        items = (items,)
    return items


def nested(depth: int) -> list[object]:
    tree: list[object] = []
    for _ in range(depth - 1):
        tree = [tree]
    return tree


def unbounded() -> list[object]:
    tree: list[object] = []
    tree.append(tree)
    return tree


BAD_GRAPHS = {
    "before its definition": (
        changed(GOOD, body=(APPEND, ROOT)),
        "p:3:15: a value is used before its definition\n      %0 = append %1, [%a]\n                  ^^",
    ),
    "of no graph": (
        changed(GOOD, body=(ROOT, Gen(state=OTHER))),
        "p:4:12: a value is used that the graph does not hold",
    ),
    "param of no graph": (changed(GOOD, params=()), "p:3:20: a value is used that the graph does not hold"),
    "op twice": (changed(GOOD, body=(ROOT, ROOT)), "p:3:3: the op stands in the graph twice"),
    "op in both": (changed(GOOD, prefixes=(ROOT,)), "p:4:5: the op stands in the graph twice"),
    "param in the body": (changed(GOOD, body=(ROOT, PARAM)), "p:2:3: a param stands among the ops"),
    "param in the prefix": (changed(GOOD, prefixes=(PARAM,)), "p:2:3: a prefix cannot hold a param"),
    "gen in the prefix": (changed(GOOD, prefixes=(ROOT, GEN), body=()), "p:5:5: a prefix cannot hold a gen"),
    "prefix of a param": (
        changed(GOOD, prefixes=(ROOT, APPEND), body=()),
        "p:5:22: a prefix reads a param\n        %1 = append %0, [%a]\n                         ^^\n"
        "  hint: a prefix depends on no argument and no answer",
    ),
    "prefix of the body": (
        changed(GOOD, prefixes=(Append(state=ROOT, parts=("x",)),), body=(ROOT,)),
        "p:4:17: a value is used before its definition",
    ),
    "params' names": (changed(GOOD, params=(PARAM, Param(name="a"))), "p:3:14: two params have the name 'a'"),
    "half in a param": (changed(GOOD, params=(PARAM, Param(name="\ud800"))), "p:3:14: a text holds half a character"),
    "half in a default": (
        changed(GOOD, params=(PARAM, Param(name="b", default="\ud800"))),
        "p:3:27: a text holds half a character",
    ),
    "half in the program's name": (changed(GOOD, name="\udfff"), "\udfff:1:1: a text holds half a character"),
    "final": (changed(GOOD, final=READ), "p:7:9: the program's text is of a state of the graph"),
    "final of no graph": (changed(GOOD, final=OTHER), "p:7:9: the program's text is of a state of the graph"),
    "nan": (changed(GOOD, value=[float("nan")]), "p:8:3: nan is not a finite number"),
    "inf in a static": (changed(GOOD, statics={"x": float("inf")}), "p:7:3: inf is not a finite number"),
    "temperature nan": (
        changed(GOOD, body=(ROOT, Gen(state=ROOT, sampling=Sampling(temperature=float("nan"))))),
        "p:4:16: temperature is nan, not a number of at least 0",
    ),
    "temperature inf": (
        changed(GOOD, body=(ROOT, Gen(state=ROOT, sampling=Sampling(temperature=float("inf"))))),
        "p:4:16: temperature is inf, not a number of at least 0",
    ),
    "list as a static": (changed(GOOD, statics={"x": []}), "p:7:3: a static is a list, not a constant"),
    "op as a static": (changed(GOOD, statics={"x": READ}), "p:7:3: a static is a Read, not a constant"),
    "set": (changed(GOOD, value={1, 2}), "p:8:3: a set is no result"),
    "enum": (changed(GOOD, value=[Number.ONE]), "p:8:3: a Number is no result"),
    "bytes": (changed(GOOD, variables={"x": b""}), "p:8:3: a bytes is no result"),
    "key": (changed(GOOD, value={1: 2}), "p:8:3: a key is not a str"),
    "result of no graph": (changed(GOOD, value=Param(name="a")), "p:8:10: a result is not a text of the graph"),
    "deep": (changed(GOOD, value=nested(65)), "p:8:3: lists and dicts nest deeper than 64"),
    "round": (changed(GOOD, value=unbounded()), "p:8:3: lists and dicts nest deeper than 64"),
    "part of bytes": (
        changed(GOOD, body=(ROOT, Append(state=ROOT, parts=(BYTES,)))),
        "p:4:3: bytes b'x' stands where a value belongs",
    ),
    "part of a format": (
        changed(GOOD, body=(ROOT, Format(parts=(LIST,)))),
        "p:4:3: list [] stands where a value belongs",
    ),
    "role's edge": (
        changed(GOOD, body=(ROOT, Append(state=ROOT, parts=(Role("x", "end"),)))),
        "p:4:20: there is no role 'x'",
    ),
    "foreign op": (changed(GOOD, body=(ROOT, Jump())), "p:4:3: Jump is no op of the IR"),
    "fork of no graph": (changed(GOOD, forks=(Fork(OTHER, (GEN,)),)), "p:7:8: a fork is of a state of the graph"),
    "region twice": (
        branching(LAST, LAST),
        "p:10:5: a region stands in the graph twice\n        final %0\n        ^^^^^^^^",
    ),
    "op in two cases": (
        branching(Region((READ_AGAIN,), End(ROOT, {})), Region((READ_AGAIN,), End(ROOT, {}))),
        "p:10:5: the op stands in the graph twice",
    ),
    "too few values": (
        branching(LAST, values=("x",)),
        "p:9:3: a case's values are 1, and the subjects 2\n"
        '      case "x" {\n      ^^^^^^^^^^\n  hint: give one value for each',
    ),
    "case of a list": (branching(LAST, values=("x", [])), "p:9:3: a case's value is a list, not a constant"),
    "case of an enum": (branching(LAST, values=(Number.ONE, "")), "p:9:3: a case's value is a Number, not a constant"),
    "case of inf": (branching(LAST, values=("x", float("inf"))), "p:9:3: inf is not a finite number"),
    "no way on": (switching(Switch(ROOT, (READ,), (), open=False)), "p:8:3: a switch has no case, and no exit"),
    "no subject": (
        switching(Switch(ROOT, (), (Case((), LAST),))),
        "p:8:3: a switch with cases has no subject\n      switch {number=0}\n      ^^^^^^^^^^^^^^^^^\n  hint: name what",
    ),
    "switch's number": (switching(Switch(ROOT, (), number=Number.ONE)), "p:8:9: number is <Number.ONE: 1>, not an int"),
    "deep regions": (deep(MAX_REGIONS + 1), "p:607:403: regions nest deeper than 200"),
    "very deep regions": (deep(3_000), "p:607:403: regions nest deeper than 200"),
    "bytes as an argument": (
        changed(GOOD, body=(ROOT, Call(function="f", arguments=([{"k": (BYTES,)}],)))),
        "p:4:3: a bytes stands among the arguments",
    ),
    "deep arguments": (
        changed(GOOD, body=(ROOT, Call(function="f", arguments=deep_tuple(65)))),
        "p:4:3: arguments nest deeper than 64",
    ),
    "keyword twice": (
        changed(GOOD, body=(ROOT, Call(function="f", arguments=(), keywords=(("a", 1), ("a", 2))))),
        "p:4:21: a keyword is given twice",
    ),
    "timeout nan": (
        changed(GOOD, body=(ROOT, Call(function="f", arguments=(), timeout=float("nan")))),
        "p:4:21: timeout is nan, not a number of seconds over 0",
    ),
    "call's number": (
        changed(GOOD, body=(ROOT, Call(function="f", arguments=(), number=2**63))),
        f"p:4:21: number is {2**63}, not an integer of at least 0",
    ),
    "member of no graph": (changed(GOOD, forks=(Fork(ROOT, (Gen(state=ROOT),)),)), "p:7:12: a fork's members are gens"),
}


@pytest.mark.parametrize("case", BAD_GRAPHS)
def test_bad_graphs(case: str) -> None:
    graph, message = BAD_GRAPHS[case]
    with pytest.raises(IRError) as caught:
        verify(graph)
    assert str(caught.value).startswith(message)


def test_results_at_the_limits_are_valid() -> None:
    verify(changed(GOOD, value=nested(64)))
    verify(changed(GOOD, value=[2**1024 - 1, 1e308, -0.0, None, True, (), {"": READ}]))


def test_regions_and_arguments_at_the_limits_are_valid_and_can_be_read_back() -> None:
    for graph in (deep(MAX_REGIONS), changed(GOOD, body=(ROOT, Call(function="f", arguments=deep_tuple(64))))):
        verify(graph)
        again = parse_graph(print_graph(graph))
        verify(again)
        assert same(again, graph)
    check_same_meaning(deep(MAX_REGIONS), rewritten(deep(MAX_REGIONS), lambda op: None))


def test_equal_gens_may_share_a_sample() -> None:
    one, two = Append(state=ROOT, parts=("a", "b")), Append(state=ROOT, parts=("ab",))
    verify(changed(GOOD, body=(ROOT, one, two, Gen(state=one, number=1), Gen(state=two, number=1))))


def test_a_role_may_stay_open_and_gens_may_stand_in_it() -> None:
    builder = Builder("p")
    state = builder.append(builder.root(), [Role("user", "begin")])
    verify(builder.finish(builder.append(builder.gen(state), [Role("user", "end"), Role("assistant", "begin")])))


def test_calls_take_plain_data_with_texts_in_it() -> None:
    text = (
        'program p {\n  %a = param "a"\n  %0 = root\n'
        '  %1 = call "f" [[%a, {"k": (%a, 1, null)}], {"x": []}] {keywords={"y": [%a]}, number=0}\n  final %0\n}\n'
    )
    graph = parse_graph(text)
    verify(graph)
    assert print_graph(graph) == text
    check_same_meaning(graph, parse_graph(text))
    with pytest.raises(IRError):
        check_same_meaning(graph, parse_graph(text.replace("(%a, 1, null)", "[%a, 1, null]")))
