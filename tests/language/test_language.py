"""The words of the language: what each argument becomes, and what is refused, where and how. No model runs here but in
the two tests of an engine's own words."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import sglc
import sglc as sgl
from sglc import backends
from sglc.ir.errors import Location
from sglc.ir.graph import Switch
from sglc.ir.ops import ChoicesMethod, Constraint, Sampling, Select
from sglc.language.expressions import (
    ExpressionList,
    GenExpression,
    ImageExpression,
    ReasoningExpression,
    RoleEdge,
    SelectExpression,
    VideoExpression,
)
from sglc.language.settings import RUN_SETTINGS, checked_settings
from sglc.language.symbolic import shown_path

# As the release 0.5.23 has them, by name and order: what a program may pass by place.
GEN = [
    "name", "max_tokens", "min_tokens", "n", "stop", "stop_token_ids", "stop_regex", "temperature", "top_p", "top_k",
    "min_p", "frequency_penalty", "presence_penalty", "ignore_eos", "return_logprob", "logprob_start_len",
    "top_logprobs_num", "return_text_in_logprobs", "dtype", "choices", "choices_method", "regex", "json_schema",
]  # fmt: skip
NOT_TYPED = {"min_tokens", "dtype", "choices", "choices_method", "regex", "json_schema"}
SIGNATURES: dict[str, list[str]] = {
    "gen": GEN,
    "gen_int": [name for name in GEN if name not in NOT_TYPED],
    "gen_string": [name for name in GEN if name not in NOT_TYPED],
    "select": ["name", "choices", "temperature", "choices_method"],
    "video": ["path", "num_frames"],
    "separate_reasoning": ["expr", "model_type"],
    "function": ["func", "num_api_spec_tokens", "max_paths", "max_depth"],
    "system": ["expr"],
    "user": ["expr"],
    "assistant": ["expr"],
    "image": ["expr"],
    "set_default_backend": ["backend"],
    "flush_cache": ["backend"],
    "get_server_info": ["backend"],
    **{f"{role}_{edge}": [] for role in ("system", "user", "assistant") for edge in ("begin", "end")},
}


KEYWORDS = ["ebnf", "json_whitespace", "seed", "finish_in_time"]
"""What gen takes and SGLang's does not, by name alone."""


@pytest.mark.parametrize("word", SIGNATURES)
def test_arguments_have_sglangs_names_and_order(word: str) -> None:
    parameters = inspect.signature(getattr(sgl, word)).parameters.values()
    by_place = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in by_place] == SIGNATURES[word]
    if word.startswith("gen"):
        assert all(p.default is None for p in parameters)
        assert [p.name for p in parameters if p.kind is p.KEYWORD_ONLY] == (KEYWORDS if word == "gen" else KEYWORDS[2:])


def test_every_word_says_what_it_is() -> None:
    words = [getattr(sgl, name) for name in sgl.__all__]
    assert [word for word in words if inspect.isfunction(word) and not (word.__doc__ or "").strip()] == []


# argument, what is given, what the gen's sampling then holds
SETTINGS: list[tuple[str, Any, Any]] = [
    ("max_tokens", 7, 7),
    ("min_tokens", 0, 0),
    ("stop", "a", ("a",)),
    ("stop", ["a", "\n"], ("a", "\n")),
    ("stop", ("a",), ("a",)),
    ("stop", [], ()),
    ("stop_token_ids", [3, 5], (3, 5)),
    ("stop_regex", "[.!?]", ("[.!?]",)),
    ("stop_regex", ["a+", "b"], ("a+", "b")),
    ("temperature", 0, 0),
    ("temperature", 0.5, 0.5),
    ("top_p", 0.9, 0.9),
    ("top_k", -1, -1),
    ("top_k", 40, 40),
    ("min_p", 0.1, 0.1),
    ("frequency_penalty", -2, -2),
    ("presence_penalty", 2.0, 2.0),
    ("ignore_eos", True, True),
    ("return_logprob", True, True),
    ("logprob_start_len", 0, 0),
    ("top_logprobs_num", 20, 20),
    ("return_text_in_logprobs", False, False),
    ("seed", -1, -1),
]


@pytest.mark.parametrize(("name", "given", "kept"), SETTINGS)
def test_a_gen_carries_its_settings_and_leaves_the_rest_to_the_run(name: str, given: Any, kept: Any) -> None:
    expression = sgl.gen("x", **{name: given})
    assert expression_of(expression) == {"name": "x", "sampling": Sampling(**{name: kept})}
    if name not in NOT_TYPED:
        for word in (sgl.gen_int, sgl.gen_string):
            typed = word("x", **{name: given})
            assert isinstance(typed, GenExpression)
            held = getattr(typed.sampling, name)
            assert held == ((*kept, " ", "\n") if name == "stop" and word is sgl.gen_int else kept)


@pytest.mark.parametrize(
    ("name", "field"), [(name, RUN_SETTINGS.get(name, "")) for name in ["max_new_tokens", *GEN[2:18]]]
)
def test_a_run_takes_the_same_settings(name: str, field: str) -> None:
    if name == "n":
        assert checked_settings(n=3, temperature=0) == (Sampling(temperature=0), 3)
        return
    given, kept = next((given, kept) for row, given, kept in SETTINGS if row == field)
    assert checked_settings(**{field: given}) == (Sampling(**{field: kept}), None)


def test_a_run_takes_nothing_else() -> None:
    assert list(RUN_SETTINGS) == ["max_new_tokens", *GEN[2:18]]
    assert {*RUN_SETTINGS.values(), *KEYWORDS[2:]} == {*(f.name for f in dataclasses.fields(Sampling)), "n"}


def test_settings_by_place() -> None:
    values: tuple[Any, ...] = ("x", 9, 1, 2, "s", [4], "r", 0.5, 0.6, 7, 0.1, 0.2, 0.3, True, True, 5, 6, True)
    by_place = sgl.gen(*values)
    by_name: dict[str, Any] = dict(zip(GEN, values, strict=False))
    assert expression_of(by_place) == expression_of(sgl.gen(**by_name))
    assert isinstance(by_place, GenExpression)
    assert by_place.sampling == Sampling(
        max_tokens=9, min_tokens=1, stop=("s",), stop_token_ids=(4,), stop_regex=("r",), temperature=0.5, top_p=0.6,
        top_k=7, min_p=0.1, frequency_penalty=0.2, presence_penalty=0.3, ignore_eos=True, return_logprob=True,
        logprob_start_len=5, top_logprobs_num=6, return_text_in_logprobs=True,
    )  # fmt: skip
    assert by_place.n == 2


# SGLang's own patterns, which must judge the texts alike.
INT, FLOAT, BOOL, STR = r"[-+]?[0-9]+[ \n]*", r"[-+]?[0-9]*\.?[0-9]+[ \n]*", "(True|False)", r"\"[\w\d\s]*\""
DTYPES: list[tuple[Any, str, list[str], list[str]]] = [
    (int, INT, ["0", "-12", "+7 \n"], ["", "1.5", "x"]),
    (float, FLOAT, ["0", "-1.5", ".5\n"], ["", "1.", "1e5"]),
    (bool, BOOL, ["True", "False"], ["true", "1"]),
    (str, STR, ['""', '"a 1\n"'], ["a", '"a', '"."']),
]


@pytest.mark.parametrize(("dtype", "regex", "matching", "other"), DTYPES, ids=lambda v: getattr(v, "__name__", ""))
def test_a_dtype_is_a_regex(dtype: type, regex: str, matching: list[str], other: list[str]) -> None:
    numbers = dtype in (int, float)
    for given in (dtype, dtype.__name__):
        expression = sgl.gen("x", dtype=given, stop="!")
        assert isinstance(expression, GenExpression)
        assert expression.sampling.stop == (("!", " ", "\n") if numbers else ("!",))
        for pattern in (expression.constraint.text if expression.constraint else "", regex):
            assert all(re.fullmatch(pattern, text) for text in matching)
            assert not any(re.fullmatch(pattern, text) for text in other)
    bare = sgl.gen(dtype=dtype)
    assert isinstance(bare, GenExpression)
    assert bare.sampling.stop == ((" ", "\n") if numbers else None)


@pytest.mark.parametrize(("word", "dtype"), [(sgl.gen_int, int), (sgl.gen_string, str)])
def test_typed_gens_are_gens_of_a_dtype(word: Callable[..., Any], dtype: type) -> None:
    assert expression_of(word("x", 5, 2, "!", seed=1)) == expression_of(
        sgl.gen("x", 5, n=2, stop="!", seed=1, dtype=dtype)
    )


def test_dtype_beats_regex_with_a_warning_at_the_line() -> None:
    with pytest.warns(UserWarning, match="dtype is used") as caught:
        expression = sgl.gen("x", regex="[a-z]", dtype=bool)
    assert isinstance(expression, GenExpression)
    assert expression.constraint == Constraint("regex", BOOL)
    assert caught[0].filename == __file__


def test_a_regex_is_checked_by_python() -> None:
    assert expression_of(sgl.gen(regex="[0-9]+")) == {"constraint": Constraint("regex", "[0-9]+")}
    for dtype in (None, int):
        with pytest.raises(re.error, match="unterminated character set"):
            sgl.gen("x", regex="[", dtype=dtype)


class Answer:
    """What a pydantic model class has."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"b": {}, "a": {}}}


class Broken:
    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        raise ValueError("no such type\nsee the manual")


SCHEMAS: list[tuple[Any, str]] = [
    ('{"type": "object",\n "title": "é"}', '{"type":"object","title":"é"}'),
    ('{"b": 1, "a": [1.5, null, true]}', '{"b":1,"a":[1.5,null,true]}'),
    ({"b": {"enum": ["x", "y"]}, "a": ()}, '{"b":{"enum":["x","y"]},"a":[]}'),
    ("{}", "{}"),
    (Answer, '{"type":"object","properties":{"b":{},"a":{}}}'),
]


@pytest.mark.parametrize(("given", "kept"), SCHEMAS)
def test_a_json_schema_is_kept_as_compact_json_in_its_order(given: Any, kept: str) -> None:
    assert expression_of(sgl.gen("x", json_schema=given)) == {
        "name": "x",
        "constraint": Constraint("json_schema", kept),
    }
    assert expression_of(sgl.gen("x", json_schema=kept)) == {"name": "x", "constraint": Constraint("json_schema", kept)}


def test_a_schema_of_what_is_not_known_yet_is_no_mistake_of_the_schema() -> None:
    def body(s, a):
        s += sgl.gen("x", json_schema={"enum": ["b", a]})

    end = sgl.function(body).trace().region.end
    assert isinstance(end, Switch)
    assert "known only when the program runs" in end.why


METHODS = ["token_length_normalized", "greedy_token_selection", "unconditional_likelihood_normalized"]


@pytest.mark.parametrize("name", METHODS)
def test_choices_methods_are_objects_or_names(name: str) -> None:
    method = getattr(sgl, name)
    assert method.name == name
    for given in (method, name):
        for selected in (
            sgl.select("x", ["a", "b"], 0.0, given),
            sgl.gen("x", choices=["a", "b"], choices_method=given, temperature=1.0, max_tokens=-3, regex="["),
        ):
            assert isinstance(selected, SelectExpression)
            assert (selected.name, selected.choices, selected.method) == ("x", ("a", "b"), name)


def test_the_ir_knows_the_same_methods() -> None:
    assert list(get_args(ChoicesMethod)) == METHODS
    default = sgl.select("x", choices=("a",))
    assert isinstance(default, SelectExpression)
    assert default.method == METHODS[0]


def test_choices_may_be_known_only_at_run_time() -> None:
    def body(s, a):
        s += sgl.select("x", choices=["no", a, f"{a}!", sgl.trusted(a)])

    (select,) = [op for op in sgl.function(body).trace().body if isinstance(op, Select)]
    assert len(select.choices) == 4
    assert select.choices[0] == ("no",)


# model type, what ends its reasoning
REASONING = [
    ("deepseek-r1", "</think>"),
    ("deepseek-v3", "</think>"),
    ("qwen3", "</think>"),
    ("qwen3-thinking", "</think>"),
    ("glm45", "</think>"),
    ("kimi_k2", "</think>"),
    ("kimi", "◁/think▷"),
    ("gpt-oss", "assistantfinal"),
    ("mistral", "[/THINK]"),
    ("DeepSeek-R1", "</think>"),
]


@pytest.mark.parametrize(("model_type", "end"), REASONING)
def test_reasoning_ends_as_the_model_type_says(model_type: str, end: str) -> None:
    inner = "Answer: " + sgl.gen("a") + sgl.select("b", choices=["x"])
    outer = "q" + sgl.separate_reasoning(inner, model_type=model_type)
    (_, separated) = outer.items()
    assert isinstance(separated, ReasoningExpression)
    assert (separated.expression, separated.end) == (inner, end)


def test_images_and_videos_are_named_by_their_paths() -> None:
    for path in ("a.png", Path("a.png")):
        assert expression_of(sgl.image(path)) == {"path": "a.png"}
        assert expression_of(sgl.video(path, 8)) == {"path": "a.png", "num_frames": 8}
    assert isinstance(sgl.image("a.png"), ImageExpression)
    assert isinstance(sgl.video("a.mp4", num_frames=1), VideoExpression)


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_roles_are_lists_between_two_edges(role: str) -> None:
    word, begin, end = (getattr(sgl, name) for name in (role, f"{role}_begin", f"{role}_end"))
    for given, inside in ((None, []), ("hi", ["hi"]), ("a" + (sgl.image("b") + "c"), ["a", ImageExpression, "c"])):
        message = word(given)
        assert isinstance(message, ExpressionList)
        shown = [(i.role.name, i.role.edge) if isinstance(i, RoleEdge) else i for i in message.items()]
        assert shown[0] == (role, "begin")
        assert shown[-1] == (role, "end")
        assert [type(i) if isinstance(i, ImageExpression) else i for i in shown[1:-1]] == inside
    assert (begin().role.edge, end().role.edge) == ("begin", "end")


# What is refused, and what is said. Each stands on one line: the line that the message names.
CYCLE: dict[str, Any] = {}
CYCLE["itself"] = CYCLE
DEEP = "[" * 100_000
REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: sgl.gen(64), "the name of a gen is of type int, not str"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.select(["a"]), "select needs a list of texts"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.select(5, ["a"]), "the name of a select is of type int"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(max_tokens=-1), "max_tokens is -1, not an integer of at least 0"),
    (lambda: sgl.gen(max_tokens=True), "max_tokens is True, not an integer"),
    (lambda: sgl.gen(max_tokens=3, min_tokens=4), "min_tokens is 4, over max_tokens, which is 3"),
    (lambda: sgl.gen(n=0), "n is 0, not an integer of at least 1"),
    (lambda: sgl.gen(n=True), "n is True, not an integer of at least 1"),
    (lambda: sgl.gen_int(n=1.5), "n is 1.5, not an integer"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(stop=""), "stop is '', not strings that are not empty"),
    (lambda: sgl.gen(stop=5, dtype=int), "stop is 5, not strings"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen_string(stop=[1]), "stop is [1], not strings"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(stop_token_ids=3), "stop_token_ids is 3, not"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(stop_regex="["), "stop_regex is '[', not"),
    (lambda: sgl.gen(stop_regex=[""]), "stop_regex is [''], not"),
    (lambda: sgl.gen(finish_in_time=True), "finish_in_time without a constraint: any text is whole"),
    (lambda: sgl.gen(finish_in_time=1, regex="a"), "finish_in_time is 1, not true"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(temperature=-1), "temperature is -1, not a number of at least 0"),
    (lambda: sgl.gen(top_p=0), "top_p is 0, not a number over 0"),
    (lambda: sgl.gen(top_k=0), "top_k is 0, not -1 or"),
    (lambda: sgl.gen(return_logprob=1), "return_logprob is 1, not true or false"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(logprob_start_len=-2), "logprob_start_len is -2, not"),
    (lambda: sgl.gen(top_logprobs_num=-1), "top_logprobs_num is -1, not"),
    (lambda: sgl.gen(dtype=list), "gen does not know dtype 'list'"),
    (lambda: sgl.gen(dtype="integer"), "gen does not know dtype 'integer'"),
    (lambda: sgl.gen(dtype=7), "gen does not know dtype of type int"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(regex=re.compile("a")), "regex is of type Pattern"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(regex="a", json_schema="{}"), "gen has json_schema and regex"),
    (lambda: sgl.gen(dtype=int, json_schema="{}"), "gen has json_schema and dtype"),
    (lambda: sgl.gen(json_schema="{"), "json_schema is no JSON: Expecting property name"),
    (lambda: sgl.gen(json_schema=DEEP), "json_schema is no JSON: maximum recursion depth"),
    (lambda: sgl.gen(json_schema="[]"), "json_schema is of type list, not an object"),
    (lambda: sgl.gen(json_schema="true"), "json_schema is of type bool, not an object"),
    (lambda: sgl.gen(json_schema=5), "json_schema is of type int"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(json_schema=int), "json_schema is the class int, which has no schema"),
    (lambda: sgl.gen(json_schema=Broken), "json_schema is the class Broken, which has no schema: no such type"),
    (lambda: sgl.gen(json_schema='{"a": NaN}'), "json_schema is no JSON: Out of range float"),
    (lambda: sgl.gen(json_schema={"a": {1}}), "json_schema is no JSON: it holds a value of type set"),
    (lambda: sgl.gen(json_schema={(): 1}), "json_schema is no JSON: keys must be"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.gen(json_schema=CYCLE), "json_schema is no JSON: Circular reference"),
    (lambda: sgl.gen(json_schema=r'{"a": "\ud800"}'), "json_schema is no text: a text holds half a character"),
    (lambda: sgl.gen(regex="\ud800"), "regex is no text: a text holds half a character"),
    (lambda: sgl.gen(regex="[é\udfff]", dtype=int), "regex is no text: a text holds half a character"),
    (lambda: sgl.gen(ebnf='root ::= "\ud800"'), "ebnf is no text: a text holds half a character"),
    (lambda: sgl.gen(json_schema={"const": "\ud800"}), "json_schema is no text: a text holds half a character"),
    (lambda: sgl.gen(stop="\ud800"), "stop is no text: a text holds half a character"),
    (lambda: sgl.gen_int(stop=["a", "\ud800"]), "stop is no text: a text holds half a character"),
    (lambda: sgl.gen(stop_regex="a\ud800"), "stop_regex is no text: a text holds half a character"),
    (lambda: sgl.gen(stop_regex="a" * 10_000_000), "stop_regex is 'aaaa"),
    (lambda: sgl.gen("\ud800"), "the name of a gen is no text: a text holds half a character"),
    (lambda: sgl.select("x", ["a", "\ud800"]), "choice 1 of a select is no text: a text holds half a character"),
    (lambda: sgl.select("x", [sgl.trusted("\ud800")]), "choice 0 of a select is no text: a text holds half"),
    (lambda: sgl.template("a" * 10_000_000, sgl.gen("x", regex="a")), "the template is too long"),
    (lambda: sgl.template(sgl.gen("x", choices=["a" * 10_000_000])), "the template is too long"),
    (lambda: sgl.template(sgl.gen("x", regex=r"[\p{L}]+")), "the gen 'x' has a regex with a property"),
    (lambda: sgl.gen(choices=[]), "select needs at least one choice"),
    (lambda: sgl.select("x"), "select needs a list of texts"),
    (lambda: sgl.select("x", choices="ab"), "select needs a list of texts, not a str"),
    (lambda: sgl.select("x", choices={"a"}), "not a set"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.select("x", choices=["a", 1]), "choice 1 of a select is of type int, not str"),
    (lambda: sgl.select("x", choices=[sgl.gen("y")]), "choice 0 of a select is of type GenExpression, not str"),
    (lambda: sgl.select("x", ["a"], temperature=0.5), "temperature must be 0"),
    (lambda: sgl.select("x", ["a"], temperature="0"), "temperature is '0', not"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.select("x", ["a"], choices_method="best"), "select does not know choices_method 'best'"),
    (lambda: sgl.gen(choices=["a"], choices_method=max), "does not know choices_method"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.video("a", 0), "num_frames is 0, not an integer of at least 1"),
    (lambda: sgl.video("a", True), "num_frames is True, not an integer"),
    (lambda: sgl.video(b"a", 1), "video takes the path of a file, not a value of type bytes"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.image(None), "image takes the path of a file"),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.separate_reasoning(sgl.gen("x")), "separate_reasoning needs a model_type"),
    (lambda: sgl.separate_reasoning(sgl.gen("x"), "llama"), "does not know model_type 'llama'"),
    (lambda: sgl.separate_reasoning(sgl.gen(), "qwen3"), "separate_reasoning has an answer without a name"),
    (lambda: sgl.separate_reasoning("x", "qwen3"), "separate_reasoning has nothing that the model says"),
    (lambda: sgl.separate_reasoning(model_type="qwen3"), "separate_reasoning has nothing that the model says"),
    (lambda: sgl.trusted(5), "trusted takes a text, not a int"),  # pyright: ignore[reportArgumentType]
]


# What no reader should begin with, or would fail at in its own words.
LONG = 10_000_000
HOSTILE: list[tuple[Callable[[], Any], str]] = [
    (lambda: sgl.gen(regex="a" * LONG), "regex is too long: 10,000,000 characters, at most 20,000"),
    (lambda: sgl.gen(regex="(a|b)" * 2_000_000), "regex is too long: 10,000,000 characters, at most 20,000"),
    (lambda: sgl.gen(regex="a" * LONG, dtype=int), "regex is too long"),
    (lambda: sgl.gen(regex="(?i)" + "[\x00-\uffff]" * 3_000), "the regex has more than 32 large ranges under (?i)"),
    (lambda: sgl.gen(regex="a|" * 15_000), "regex is too long: 30,000 characters"),
    (lambda: sgl.gen(regex=".*" * 8_000), "the regex is too complex: 16,000 operators, at most 10,000"),
    (lambda: sgl.gen(regex="a{99999999999}"), "the regex repeats a part more often than can be counted"),
    (lambda: sgl.gen(regex="(" * 1000 + "a" + ")" * 1000), "the regex is nested too deeply"),
    (lambda: sgl.gen(ebnf="root ::= " + "a" * LONG), "ebnf is too long: 10,000,009 characters, at most 100,000"),
    (lambda: sgl.gen(json_schema={"const": "x" * LONG}), "json_schema is too long: 10,000,012 characters, at most"),
    (lambda: sgl.gen(json_schema='{"const": "' + "x" * LONG + '"}'), "json_schema is too long: 10,000,013 characters"),
    (lambda: sgl.gen(json_schema={"enum": [f"x{i}" for i in range(900_000)]}), "json_schema is too long"),
    (lambda: sgl.gen(json_schema={"pattern": "x" * LONG}), "json_schema is too long"),
]


@pytest.mark.parametrize(("mistake", "message"), HOSTILE, ids=[message for _, message in HOSTILE])
def test_what_is_too_large_is_refused_at_its_line_before_it_is_read(mistake: Callable[[], Any], message: str) -> None:
    before = time.process_time()
    with pytest.raises(sglc.ConstraintError, match=re.escape(message)) as caught:
        mistake()
    assert time.process_time() - before < 2  # seconds of CPU, where it takes a fifth of one
    assert caught.value.where == Location(shown_path(__file__), mistake.__code__.co_firstlineno)
    assert caught.value.hint
    assert len(str(caught.value)) < 2_000


def test_a_regex_may_name_general_categories() -> None:
    assert expression_of(sgl.gen(regex=r"\p{L}+")) == {"constraint": Constraint("regex", r"\p{L}+")}


@pytest.mark.parametrize(("mistake", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_mistakes_are_refused_at_their_line(mistake: Callable[[], Any], message: str) -> None:
    with pytest.raises(sglc.ProgramError, match=re.escape(message)) as caught:
        mistake()
    assert caught.value.where == Location(shown_path(__file__), mistake.__code__.co_firstlineno)


def test_a_run_refuses_what_a_gen_refuses() -> None:
    for given in ({"n": 0}, {"max_tokens": -1}, {"stop_regex": "["}):
        with pytest.raises(sglc.ProgramError, match=f"{next(iter(given))} is "):
            checked_settings(**given)


ELSEWHERE = ["RuntimeEndpoint", "OpenAI", "Anthropic", "LiteLLM", "VertexAI", "Crusoe"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_backends_elsewhere_say_what_to_do(name: str) -> None:
    with pytest.raises(sglc.ModelError, match=f"sglc has no backend {name}: it runs the model itself") as caught:
        getattr(sgl, name)("gpt-4", base_url="http://localhost:30000")
    assert "sgl.set_default_backend(sgl.Engine(" in caught.value.hint
    assert isinstance(caught.value.where, Location)
    assert caught.value.where.file == shown_path(__file__)


@pytest.fixture
def no_default() -> Iterator[None]:
    """No default engine, and afterwards the one that was there."""
    kept = backends.current_default()
    sgl.set_default_backend(None)
    yield
    sgl.set_default_backend(kept)


CONFIG = {
    "verbosity": 0,
    "default_backend": None,
    "skip_special_tokens_in_output": True,
    "spaces_between_special_tokens_in_out": True,
    "enable_precache_with_tracing": True,
    "enable_parallel_encoding": True,
}


def test_the_global_config_has_sglangs_fields(no_default: None) -> None:
    for name, value in CONFIG.items():
        assert getattr(sgl.global_config, name) == value
        setattr(sgl.global_config, name, value)
    with pytest.raises(AttributeError, match="verbose"):
        sgl.global_config.verbose = 1  # pyright: ignore[reportAttributeAccessIssue]: the mistake


def test_the_default_backend_has_two_names(no_default: None, engine: sglc.Engine) -> None:
    sgl.set_default_backend(engine)
    assert sgl.global_config.default_backend is engine
    sgl.global_config.default_backend = None
    assert backends.current_default() is None
    sgl.global_config.default_backend = engine
    assert backends.default_backend() is engine


@sgl.function
def counting(s):
    s += "one two three four five six seven" + sgl.gen("x", max_tokens=2)


def test_the_cache_is_flushed_and_the_engine_described(no_default: None, engine: sglc.Engine) -> None:
    assert sgl.flush_cache() is False
    assert sgl.get_server_info() is None
    counting.run(backend=engine)
    counting.run(backend=engine)
    sgl.set_default_backend(engine)
    for backend in (engine, None):
        counting.run(backend=backend)
        assert counting.run(backend=backend).get_meta_info("x")["cached_tokens"] > 0
        assert sgl.flush_cache(backend) is True
        info = sgl.get_server_info(backend)
        assert info is not None
        assert info["stats"]["kv_tokens_in_use"] == 0
        assert counting.run(backend=backend).get_meta_info("x")["cached_tokens"] == 0
        assert Path(info["model_path"]).is_dir()
        assert info["vocab_size"] >= len(engine.tokenizer.vocabulary.tokens)
        assert json.loads(json.dumps(info)) == info


def test_an_import_loads_nothing_slow() -> None:
    heavy = {"torch", "numpy", "lark", "networkx", "transformers", "tokenizers", "msgpack", "rich", "typer"}
    code = "import sys, sglc; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    assert "sglc.language.expressions" in loaded.split()
    assert heavy & set(loaded.split()) == set()


def test_nothing_warns_without_a_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sgl.gen("x", dtype=int)
        sgl.gen("x", regex="[a-z]")


def expression_of(expression: Any) -> dict[str, Any]:
    """The fields of an expression that are not their defaults."""
    missing = {
        "name": None,
        "sampling": Sampling(),
        "constraint": None,
        "n": None,
        "method": METHODS[0],
    }
    fields = {f.name: getattr(expression, f.name) for f in dataclasses.fields(expression)}
    return {name: value for name, value in fields.items() if name not in missing or missing[name] != value}


@sgl.host
def tool(given: Any) -> str:
    return str(given)


def gen_in_an_f_string(s):
    s += f"A: {sgl.gen('a')}\n"


def select_in_a_text(s):
    s += sgl.user("Pick " + str(sgl.select("b", ["x", "y"])))


def parts_in_a_format(s):
    s += "%s" % ("a" + sgl.gen("b"))


def parts_in_an_f_string(s):
    s += f"Read: {sgl.unordered('a', 'b')}"


def parts_as_a_text(s):
    s += sgl.unordered("a", "b").strip()


def method_of_a_gen(s):
    s += sgl.gen("a").upper()


def method_of_a_sum(s):
    s += ("a" + sgl.gen("b")).join(["c", "d"])


def message_ended_by_forks(s):
    s += sgl.user_begin()
    forks = s.fork(2)
    forks += "x" + sgl.user_end()
    forks.join("concate_and_append")


def tool_of_a_state(s):
    s += tool(s)


def variable_with_a_number(s):
    s[1] = "one"


MISTAKES_IN_A_BODY = {
    gen_in_an_f_string: "a gen stands inside a text",
    select_in_a_text: "a select stands inside a text",
    parts_in_a_format: "an expression stands inside a text",
    parts_in_an_f_string: "an unordered stands inside a text: Python makes the text before the order of the parts",
    parts_as_a_text: ".strip of an unordered, which is no text yet",
    method_of_a_gen: ".upper of a gen, which is no text yet",
    method_of_a_sum: ".join of an expression, which is no text yet",
    message_ended_by_forks: "a user message ends, but no message is open",
    tool_of_a_state: "is of type ProgramState",
    variable_with_a_number: "the name of a variable is of type int",
}


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
@pytest.mark.parametrize("body", MISTAKES_IN_A_BODY, ids=lambda body: body.__name__)
def test_mistakes_in_a_body_are_refused_at_their_line_in_both_modes(body: Callable[..., Any], mode: Any) -> None:
    with sgl.Scripted(lambda question: "ok") as backend, pytest.raises(sglc.ProgramError) as caught:
        sgl.function(body).run(backend=backend, mode=mode).text()
    assert MISTAKES_IN_A_BODY[body] in str(caught.value)
    lines, first = inspect.getsourcelines(body)
    assert caught.value.where == Location(shown_path(__file__), first + len(lines) - 1)


def test_expressions_can_be_printed_outside_of_a_program() -> None:
    assert f"{sgl.gen('a')}" == repr(sgl.gen("a"))


def test_expressions_have_no_other_attributes_than_theirs() -> None:
    for expression in (sgl.gen("a"), sgl.unordered("a", "b"), sgl.user("a")):
        assert not hasattr(expression, "no_such_thing")
        assert not hasattr(expression, "__wrapped__")
