"""Which constraints become grammars, what is said of them, and what stays an error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from string import ascii_lowercase
from typing import Any

import pytest

from sglc.ir.builder import Builder
from sglc.ir.errors import ConstraintError, Location
from sglc.ir.grammar import Grammar
from sglc.ir.notes import notes
from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenAutomaton
from sglc.passes.compile_constraints import compile_constraint, compile_constraints
from sglc.passes.grammar.lark import lark_of_tree
from sglc.passes.grammar.library import OPTIONS
from sglc.passes.regex.syntax import parse
from sglc.passes.regular.source import NotRegular, Source
from sglc.passes.regular.tree import Both, Not, Repeat, Sequence
from tests.grammar.lanes import GRAMMARS as GRAMMARS_OVER
from tests.grammar.lanes import TREE, VOCABULARY, followed

LONG = "(.{1,1000}x){1,1000}"


def compiled(kind: Any, written: Any, whitespace: int | None = None) -> TokenAutomaton | Grammar:
    text = written if isinstance(written, str) else json.dumps(written)
    return compile_constraint(Constraint(kind, text, whitespace), VOCABULARY)


def chain(count: int, link: Callable[[Any], Any]) -> dict[str, Any]:
    """Schemas each of which leads to the next one, and the last to the first."""
    defs = {f"d{n}": link({"$ref": f"#/$defs/d{n + 1}"}) for n in range(count)}
    return {"$defs": {**defs, f"d{count}": {"type": "array", "items": {"$ref": "#"}}}, "$ref": "#/$defs/d0"}


GRAMMARS: list[tuple[Any, Any, str]] = [
    ("regex", LONG, "this repeat stands for 1,001,000 characters or classes, at most 50,000"),
    ("json_schema", TREE, "#/$defs/node contains itself, and no regex describes what nests without end"),
    ("json_schema", {}, "it names no type"),
    ("json_schema", {"type": "object"}, "it allows any object"),
    ("json_schema", {"type": "object", "properties": {"a": True}}, "any value is allowed"),
    ("json_schema", {"type": "object", "patternProperties": {"^a": {"type": "null"}}}, '"patternProperties" is not supported'),
    ("json_schema", {"type": "object", "additionalProperties": {"type": "integer"}}, "properties without a name"),
    ("json_schema", {"type": "number", "minimum": 0.5}, "minimum is supported for integers only"),
    ("json_schema", {"type": "integer", "multipleOf": 7}, '"multipleOf" is not supported'),
    ("json_schema", {"type": "string", "maxLength": 100_000}, "at #/maxLength: this repeat stands for"),
    ("json_schema", {"type": "array", "items": [{"type": "null"}]}, "it is a list of schemas"),
    ("json_schema", {"type": "object", "properties": {"a": {}, "b": {"type": "array", "items": {}, "uniqueItems": False, "nullable": False}}}, "it names no type"),
    ("json_schema", {"type": "object", "properties": {"a": {}, "b": {"type": "string", "format": "path"}}}, "it names no type"),
    ("json_schema", {"type": "object", "properties": {"a": {}, "b": {"type": "string", "pattern": "^(?!--)[a-z-]+$", "maxLength": 9}}}, "it names no type"),
    ("json_schema", {"allOf": [{"type": "integer"}, {"minimum": 3}]}, "allOf of other than one schema"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "why"), GRAMMARS)
def test_what_makes_sense_and_is_no_automaton_is_a_grammar(kind: Any, written: Any, why: str) -> None:
    found = compiled(kind, written)
    assert isinstance(found, Grammar)
    assert why in found.why
    assert "\n" not in found.why


ERRORS: list[tuple[Any, Any, str]] = [
    ("regex", "a(", "not a valid regex"),
    ("regex", r"(a)\1", "a back-reference is not regular"),
    ("regex", r"[^\s\S]", "no text matches the regex"),
    ("json_schema", {"type": "strin"}, '"strin" is no type'),
    ("json_schema", {"type": "array", "minItems": -1}, "-1 is no count"),
    ("json_schema", {"type": "integer", "minimum": 5, "maximum": 3}, "no integer is at least 5 and at most 3"),
    ("json_schema", {"type": "object", "properties": {"a": {}, "b": {"type": "string", "required": True}}}, "#/properties/b/required: it is not a list of names"),
    ("json_schema", {"const": 1, "enum": [2]}, "no value is allowed"),
    ("json_schema", {"$ref": "#/$defs/gone"}, "nothing is at #/$defs/gone"),
    ("json_schema", {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "it contains itself without end"),
    ("json_schema", {"$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}, "minItems": 1}}, "$ref": "#/$defs/a"}, "it contains itself without end"),
    ("json_schema", {"$defs": {"a": {"type": "object", "properties": {"b": {"anyOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/a"}]}}, "required": ["b"]}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "it contains itself without end"),
    ("json_schema", {"allOf": [{"type": "integer"}, {"type": "string"}]}, "#/allOf/0/type: no value has all of these types"),
    ("json_schema", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a", "b"], "additionalProperties": False}, 'at #/required: "b" is required, and additionalProperties forbids it'),
    ("json_schema", {"type": "object", "patternProperties": {"^a": {}}, "required": ["ab", "b"], "additionalProperties": False}, 'at #/required: "b" is required, and additionalProperties forbids it'),
    ("json_schema", {"type": "object", "properties": {"a": False, "b": {}}, "required": ["a"]}, "#/properties/a: no value is allowed"),
    ("json_schema", {"type": "object", "properties": {"a": {}}, "minProperties": 2}, "it needs 2 properties, and at most 1 are described"),
    ("json_schema", {"properties": {"a": {"$ref": "#/$defs/b"}}, "required": ["a"], "type": "object", "$defs": {"b": {"allOf": [{"$ref": "#/$defs/b"}]}}}, "it contains itself without end"),
    ("json_schema", {**TREE, "x-guidance": {"lenient": True}}, "a schema cannot change how grammars are read"),
    ("json_schema", {"type": "object", "patternProperties": {"a++": {"type": "null"}}}, "nothing to repeat"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "what"), ERRORS)
def test_what_is_wrong_stays_an_error(kind: Any, written: Any, what: str) -> None:
    with pytest.raises(ConstraintError) as caught:
        compiled(kind, written)
    assert what in caught.value.what
    assert caught.value.hint


BOTH: list[tuple[Any, Any, str, str]] = [
    ("regex", "(.{1,1000}(?=x)){1,1000}", "this repeat stands for", "no grammar has lookarounds or atomic groups"),
    ("regex", "a{200000}", "this repeat stands for", "a grammar repeats at most 100,000 times"),
    ("json_schema", {"oneOf": [{"type": "integer"}, {"type": "number"}]}, "may be valid for alternative 1 too", "llguidance: oneOf constraints are not supported"),
    ("json_schema", {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2}, '"minProperties" is not supported', "one that comes twice would count as two"),
    ("json_schema", {"type": "object", "patternProperties": {"^a": {}, "b$": {}}}, '"patternProperties" is not supported', 'names can match both "^a" and "b$"'),
    ("json_schema", {"type": "array", "items": {"type": "number", "maximum": 2**53 + 1}}, "maximum is supported for integers only", "an integer beyond 9,007,199,254,740,992"),
    ("json_schema", {"type": "array", "items": {"anyOf": [{"$ref": "#"}, {"const": [2**53 + 1]}]}}, "contains itself", "an integer beyond"),
    ("json_schema", chain(500, lambda to: {"type": "object", "properties": {"a": to}}), "more than 50 schemas in one another", "its schemas lead to one another through 1,003 levels, at most 800"),
    ("ebnf", f'root ::= "{"x" * 70_000}"', "the grammar stands for 70,000 characters", "llguidance: it has more than 65,000 symbols"),
    ("json_schema", {"type": "string", "format": "foo"}, 'the format "foo" is not supported', "llguidance: Unknown format: foo"),
    ("json_schema", {**TREE, "properties": {"a": {"typo": 1}}}, '"properties" beside "$ref"', '#/properties/a/typo: "typo" is not supported'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "first", "second"), BOTH)
def test_where_neither_can_be_both_reasons_are_given(kind: Any, written: Any, first: str, second: str) -> None:
    with pytest.raises(NotRegular) as caught:
        compiled(kind, written)
    before, after = caught.value.what.split("\n  and no grammar either: ")
    assert first in before
    assert second in after


@pytest.mark.parametrize("keyword", ["typo", "nullable", "not", "uniqueItems", "dependentRequired"])
def test_a_keyword_that_nobody_knows_is_refused_by_its_name(keyword: str) -> None:
    with pytest.raises(NotRegular, match=f'"{keyword}" is not supported') as caught:
        compiled("json_schema", {"type": "array", "items": {"type": "object", keyword: True}})
    assert "no grammar either" not in caught.value.what  # the same twice


WHITESPACE = [
    (None, ['{"name": "", "children": []}'], ['{"name":"","children":[]}', '{ "name": "", "children": []}']),
    (0, ['{"name":"","children":[]}'], ['{"name": "", "children": []}']),
    (2, ['{"name":"","children":[]}', '{  "name"\t: "" ,\n "children":[ ] }'], ['{   "name":"","children":[]}', ' {"name":"","children":[]}']),
]  # fmt: skip


@pytest.mark.parametrize(("whitespace", "good", "bad"), WHITESPACE)
def test_white_space(whitespace: int | None, good: list[str], bad: list[str]) -> None:
    constraint = followed("json_schema", TREE, whitespace)
    for text in (*good, *bad):
        state = constraint.start
        for byte in text.encode():
            state = None if state is None else constraint.step(state, byte)
        assert (state is not None and constraint.accepts(state)) == (text in good)


HOSTILE: dict[str, tuple[Any, Any]] = {
    "a counted repeat in others": ("regex", "((a{1,900}){1,900}){1,900}"),
    "a long regex": ("regex", "|".join(f"(a{n}.{{0,999}}){{0,999}}" for n in range(400))),
    "deep": ("json_schema", '{"type":"array","items":' * 400 + "{}" + "}" * 400),
    "wide": ("json_schema", {"type": "object", "properties": {f"p{n}": {"type": "array"} for n in range(1_000)}}),
    "long constants": ("json_schema", {"enum": [f"x{n}" * 3 for n in range(60_000)]}),
    "many required": (
        "json_schema",
        {
            "type": "object",
            "properties": {f"p{n}": {} for n in range(20_000)},
            "required": [f"p{n}" for n in range(20_000)],
        },
    ),
    "long patterns": (
        "json_schema",
        {"type": "object", "properties": {f"p{n}": {"type": "string", "pattern": "x" * 19_999} for n in range(50)}},
    ),
    "a long schema": ("json_schema", {"const": "x" * 10_000_000}),
    "a long grammar": ("ebnf", "root ::= " + '"a" ' * 2_500_000),
    "many looks ahead": ("json_schema", {"type": "string", "pattern": "".join(f"(?=.*{c})" for c in ascii_lowercase)}),
    "many optional": ("json_schema", {"type": "object", "properties": {f"p{n}": {} for n in range(9_000)}}),
    "many names": (
        "json_schema",
        {
            "type": "object",
            "properties": {f"{n * 7919 % 100_003:05}": {} for n in range(2_000)},
            "additionalProperties": {"type": "null"},
        },
    ),
    "names of many kinds": (
        "json_schema",
        {
            "type": "object",
            "properties": {"a": {}},
            "patternProperties": {"(a|b)*a(a|b){12}$": {}},
            "additionalProperties": {"type": "null"},
        },
    ),
    "a long way down": ("json_schema", chain(9_000, lambda to: {"type": "object", "properties": {"a": to}})),
    "a long way down by references": ("json_schema", chain(9_000, lambda to: to)),
    "a long way down in rules": (
        "ebnf",
        "".join(f'r{n} ::= "(" r{n + 1} ")" | "z"\n' for n in range(2_500)) + "r2500 ::= root\nroot ::= r0",
    ),
    "long names": ("json_schema", {"properties": {"a" * 2_000_000: {}}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_comes_in_time(name: str) -> None:
    before = time.process_time()
    said = ""
    try:
        found = compiled(*HOSTILE[name])
    except ConstraintError as error:
        found, said = None, str(error)
    assert isinstance(found, Grammar) or 0 < len(said) < 2_000
    assert time.process_time() - before < 4  # seconds, where it takes two


@pytest.mark.parametrize("written", [TREE, {}])
def test_without_the_library(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)  # an import of it fails
    with pytest.raises(NotRegular) as caught:
        compiled("json_schema", written)
    assert "grammar" not in caught.value.what
    assert caught.value.hint.startswith("pip install 'sglc[grammar]'")
    assert isinstance(compiled("regex", "[ab]"), TokenAutomaton)


def test_an_artifact_where_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from sglc.runtime.grammar import Grammars

    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(ConstraintError, match="is followed by llguidance, which is not installed") as caught:
        Grammars(VOCABULARY).follow(Grammar("start: T", "nests"))
    assert caught.value.hint == "pip install 'sglc[grammar]'"


def test_errors_are_at_the_users_line_and_comments_say_the_lane() -> None:
    b = Builder("p")
    state = b.gen(b.root(), constraint=Constraint("regex", "[ab]"), loc=Location("p.py", 1))
    state = b.gen(state, constraint=Constraint("regex", LONG), loc=Location("p.py", 2))
    graph = b.finish(state)
    made = compile_constraints(graph, VOCABULARY)
    one, other = notes(graph, automata=made).values()
    assert one == "2 states, 2 masks"
    assert other == "llguidance: this repeat stands for 1,001,000 characters or classes, at most 50,000"
    bad = b.finish(b.gen(state, constraint=Constraint("regex", "a{200000}"), loc=Location("p.py", 3)))
    with pytest.raises(NotRegular, match=r"at most 100,000 times") as caught:
        compile_constraints(bad, VOCABULARY)
    assert caught.value.where == Location("p.py", 3)


@pytest.mark.parametrize(
    ("text", "matches"),
    [("xabc", False), ("xaab", True), ("xbcc", False), ("xaaby", True), ("xaabcca", True), ("xaababc", False)],
)
def test_intersections_and_complements_are_terminals(text: str, matches: bool) -> None:
    both = Both((parse("[abc]{3}"), Not(parse("abc|b.*"))))
    tree = Sequence((parse("x"), Repeat(both, 1, 2, "here"), parse("y?")))
    constraint = GRAMMARS_OVER.follow(Grammar(OPTIONS + lark_of_tree(tree, Source("regex", "")), "told to"))
    state = constraint.start
    for byte in text.encode():
        state = None if state is None else constraint.step(state, byte)
    assert (state is not None and constraint.accepts(state)) == matches
