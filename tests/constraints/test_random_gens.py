"""Every answer of a gen is what its constraint says: a match where it ended by itself, a beginning where it was cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

import sglc as sgl
from tests.constraints.answers import judged, model_of, play
from tests.constraints.random_constraints import of_regex, of_schema

PROGRAMS = 45
"""Of each engine, about two answers each; `python -m tests.constraints.long` has more."""


@pytest.fixture(
    scope="module",
    params=[("llama3", True), ("llama3", False), ("llama2", True), ("llama2", False)],
    ids=lambda given: f"{given[0]}-{'jumps' if given[1] else 'drawn'}",
)
def small_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sgl.Engine]:
    kind, jumps = request.param
    folder = model_of(kind, tmp_path_factory.mktemp(kind))
    with sgl.Engine(folder, device="cpu", max_kv_tokens=8192, jump_forward=jumps) as engine:
        yield engine


def test_answers_are_what_their_constraints_say(small_engine: sgl.Engine) -> None:
    seen = sum((play(small_engine, seed) for seed in range(PROGRAMS)), Counter[str]())
    assert seen["ended by an end id"] >= 5
    assert seen["ended, nothing may follow"] >= 20
    assert seen["cut by length"] >= 20
    assert seen["refused"] + seen["unknown to the oracle"] + seen["too large for the oracle"] <= 10, seen


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("20", {"type": "match", "matched": None}),
        ("2024-1", {"type": "stop", "matched": 1}),
        ("2024-13", {"type": "length", "matched": None}),
        ("2024-\ufffd\ufffd", {"type": "length", "matched": None}),
        ("x", {"type": "stop", "matched": "a"}),
        ("2024-12", {"type": "abort", "matched": None}),
    ],
)
def test_a_wrong_answer_is_found(text: str, reason: dict[str, object]) -> None:
    case = of_regex(r"[0-9]{4}-(0[1-9]|1[0-2])")
    with pytest.raises(AssertionError):
        judged(case, case.make_follower(), text, reason, "here")


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a":true}', '{"b": true}', '{"a": true', '{"a": true} ', "{}", "true"])
def test_wrong_json_is_found(text: str) -> None:
    properties = {"a": {"type": "boolean"}}
    schema = {"type": "object", "properties": properties, "required": ["a"], "additionalProperties": False}
    case = of_schema(schema)
    with pytest.raises(AssertionError):
        judged(case, case.make_follower(), text, {"type": "stop", "matched": 1}, "here")
