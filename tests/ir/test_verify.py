"""Every rule of the verifier, by a graph that breaks it and the message that says so."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from sglc.ir.builder import Builder
from sglc.ir.errors import IRError
from sglc.ir.graph import Fork, Graph
from sglc.ir.ops import Append, Format, Gen, Op, Param, Read, Role, Root, Sampling
from sglc.ir.parser import parse_graph
from sglc.ir.verify import verify
from tests.graphs import compiled_graphs, graphs


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_traced_graphs_are_valid(graph: Graph) -> None:
    verify(graph)


@settings(max_examples=100, deadline=None)
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
    "append of a state": ("%1 = append %0, [%0]", "p:4:15: append takes text or image here, not state"),
    "trusted state": ("%1 = append %0, [trusted %0]", "p:4:15: append takes text here, not state"),
    "trusted image": ("%1 = image %a\n%2 = append %0, [trusted %1]", "p:5:28: append takes text here, not image"),
    "gen of text": ("%1 = gen %a", "p:4:12: gen takes state here, not text"),
    "select of text": ('%1 = select %a from [["x"]]', "p:4:15: select takes state here, not text"),
    "image of a state": ("%1 = image %0", "p:4:14: image takes text here, not state"),
    "format of a state": ("%1 = format [%0]", "p:4:16: format takes text here, not state"),
    "format of an image": ("%1 = image %a\n%2 = format [%1]", "p:5:16: format takes text here, not image"),
    "format of a role": ("%1 = format [<user>]", "p:4:16: a format cannot hold a role"),
    "no choice": ("%1 = select %0 from []", "p:4:3: a select has no choice"),
    "choice of a role": ('%1 = select %0 from [["x"], [</user>]]', "p:4:32: a choice cannot hold a role"),
    "choice of an image": ("%1 = image %a\n%2 = select %0 from [[%1]]", "p:5:25: select takes text here, not image"),
    "choice of a state": ("%1 = select %0 from [[%0]]", "p:4:15: select takes text here, not state"),
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
    "seed": (f"%1 = gen %0 {{seed={2**63}}}", f"p:4:16: seed is {2**63}, not an integer of 64 bits"),
    "sample": ("%1 = gen %0 {sample=-1}", "p:4:16: sample is -1, not an integer of at least 0"),
    "value in a setting": ("%1 = gen %0 {stop=[%a]}", "p:4:16: stop is (<param>,)"),
    "one sample, two gens": (
        "%1 = gen %0 {sample=3}\n%2 = gen %0 {max_tokens=1, sample=3}",
        "p:5:30: two gens that differ have the sample number 3",
    ),
    "one sample, two prompts": (
        "%1 = gen %0 {sample=3}\n%2 = gen %1 {sample=3}",
        "p:5:16: two gens that differ have the sample number 3",
    ),
    "fork of text": ("%1 = gen %0\nfork %a: %1", "p:5:8: a fork is of a state of the graph"),
    "fork of an append": ('%1 = append %0, ["x"]\nfork %0: %1', "p:5:12: a fork's members are gens and selects"),
    "fork of others": (
        "%1 = gen %0\n%2 = root\n%3 = gen %2 {sample=1}\nfork %0: %1, %3",
        "p:7:16: a fork's member does not extend its state",
    ),
    "fork, twice": ("%1 = gen %0\nfork %0: %1, %1", "p:5:12: a fork names a member twice"),
    "fork of itself": ("%1 = gen %0\nfork %1: %1", "p:5:8: a fork's member does not extend its state"),
    "variable of a state": ('variable "x" = %0', "p:5:18: a result is not a text of the graph"),
    "variable of an image": ('%1 = image %a\nvariable "x" = [1, %1]', "p:6:22: a result is not a text of the graph"),
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


ROOT, OTHER, PARAM = Root(), Root(), Param(name="a")
APPEND = Append(state=ROOT, parts=(PARAM,))
GEN = Gen(state=ROOT)
READ = Read(state=GEN)
BYTES: Any = b"x"
LIST: Any = []
GOOD = Graph("p", (PARAM,), (), (ROOT, APPEND, GEN, READ), ROOT, {})


class Number(enum.IntEnum):
    ONE = 1


class Jump(Op):
    pass


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
        replace(GOOD, body=(APPEND, ROOT)),
        "p:3:15: a value is used before its definition\n      %0 = append %1, [%a]\n                  ^^",
    ),
    "of no graph": (
        replace(GOOD, body=(ROOT, Gen(state=OTHER))),
        "p:4:12: a value is used that the graph does not hold",
    ),
    "param of no graph": (replace(GOOD, params=()), "p:3:20: a value is used that the graph does not hold"),
    "op twice": (replace(GOOD, body=(ROOT, ROOT)), "p:3:3: the op stands in the graph twice"),
    "op in both": (replace(GOOD, prefixes=(ROOT,)), "p:4:5: the op stands in the graph twice"),
    "param in the body": (replace(GOOD, body=(ROOT, PARAM)), "p:2:3: a param stands among the ops"),
    "param in the prefix": (replace(GOOD, prefixes=(PARAM,)), "p:2:3: a prefix cannot hold a param"),
    "gen in the prefix": (replace(GOOD, prefixes=(ROOT, GEN), body=()), "p:5:5: a prefix cannot hold a gen"),
    "prefix of a param": (
        replace(GOOD, prefixes=(ROOT, APPEND), body=()),
        "p:5:22: a prefix reads a param\n        %1 = append %0, [%a]\n                         ^^\n"
        "  hint: a prefix depends on no argument and no answer",
    ),
    "prefix of the body": (
        replace(GOOD, prefixes=(Append(state=ROOT, parts=("x",)),), body=(ROOT,)),
        "p:4:17: a value is used before its definition",
    ),
    "params' names": (replace(GOOD, params=(PARAM, Param(name="a"))), "p:3:14: two params have the name 'a'"),
    "half in a param": (replace(GOOD, params=(PARAM, Param(name="\ud800"))), "p:3:14: a text holds half a character"),
    "half in a default": (
        replace(GOOD, params=(PARAM, Param(name="b", default="\ud800"))),
        "p:3:27: a text holds half a character",
    ),
    "half in the program's name": (replace(GOOD, name="\udfff"), "\udfff:1:1: a text holds half a character"),
    "final": (replace(GOOD, final=READ), "p:7:9: the program's text is of a state of the graph"),
    "final of no graph": (replace(GOOD, final=OTHER), "p:7:9: the program's text is of a state of the graph"),
    "nan": (replace(GOOD, value=[float("nan")]), "p:8:3: nan is not a finite number"),
    "inf in a static": (replace(GOOD, statics={"x": float("inf")}), "p:7:3: inf is not a finite number"),
    "temperature nan": (
        replace(GOOD, body=(ROOT, Gen(state=ROOT, sampling=Sampling(temperature=float("nan"))))),
        "p:4:16: temperature is nan, not a number of at least 0",
    ),
    "temperature inf": (
        replace(GOOD, body=(ROOT, Gen(state=ROOT, sampling=Sampling(temperature=float("inf"))))),
        "p:4:16: temperature is inf, not a number of at least 0",
    ),
    "list as a static": (replace(GOOD, statics={"x": []}), "p:7:3: a static is a list, not a constant"),
    "op as a static": (replace(GOOD, statics={"x": READ}), "p:7:3: a static is a Read, not a constant"),
    "set": (replace(GOOD, value={1, 2}), "p:8:3: a set is no result"),
    "enum": (replace(GOOD, value=[Number.ONE]), "p:8:3: a Number is no result"),
    "bytes": (replace(GOOD, variables={"x": b""}), "p:8:3: a bytes is no result"),
    "key": (replace(GOOD, value={1: 2}), "p:8:3: a key is not a str"),
    "result of no graph": (replace(GOOD, value=Param(name="a")), "p:8:10: a result is not a text of the graph"),
    "deep": (replace(GOOD, value=nested(65)), "p:8:3: lists and dicts nest deeper than 64"),
    "round": (replace(GOOD, value=unbounded()), "p:8:3: lists and dicts nest deeper than 64"),
    "part of bytes": (
        replace(GOOD, body=(ROOT, Append(state=ROOT, parts=(BYTES,)))),
        "p:4:3: bytes b'x' stands where a value belongs",
    ),
    "part of a format": (
        replace(GOOD, body=(ROOT, Format(parts=(LIST,)))),
        "p:4:3: list [] stands where a value belongs",
    ),
    "role's edge": (
        replace(GOOD, body=(ROOT, Append(state=ROOT, parts=(Role("x", "end"),)))),
        "p:4:20: there is no role 'x'",
    ),
    "foreign op": (replace(GOOD, body=(ROOT, Jump())), "p:4:3: Jump is no op of the IR"),
    "fork of no graph": (replace(GOOD, forks=(Fork(OTHER, (GEN,)),)), "p:7:8: a fork is of a state of the graph"),
    "member of no graph": (replace(GOOD, forks=(Fork(ROOT, (Gen(state=ROOT),)),)), "p:7:12: a fork's members are gens"),
}


@pytest.mark.parametrize("case", BAD_GRAPHS)
def test_bad_graphs(case: str) -> None:
    graph, message = BAD_GRAPHS[case]
    with pytest.raises(IRError) as caught:
        verify(graph)
    assert str(caught.value).startswith(message)


def test_results_at_the_limits_are_valid() -> None:
    verify(replace(GOOD, value=nested(64)))
    verify(replace(GOOD, value=[2**1024 - 1, 1e308, -0.0, None, True, (), {"": READ}]))


def test_equal_gens_may_share_a_sample() -> None:
    one, two = Append(state=ROOT, parts=("a", "b")), Append(state=ROOT, parts=("ab",))
    verify(replace(GOOD, body=(ROOT, one, two, Gen(state=one, sample=1), Gen(state=two, sample=1))))


def test_a_role_may_stay_open_and_gens_may_stand_in_it() -> None:
    builder = Builder("p")
    state = builder.append(builder.root(), [Role("user", "begin")])
    verify(builder.finish(builder.append(builder.gen(state), [Role("user", "end"), Role("assistant", "begin")])))
