"""The embedded model answers rightly, and nothing that sglc does to be fast changes what it answers: compiling, caching,
constraints, jump-forward. Names, numbers and wordings are such as its training has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

import sglc
from models import evaluate as ev
from models.world.countries import COUNTRIES
from sglc.command.program_file import load_program
from tests.examples.test_programs import EXAMPLES, assert_equal

Mode = Literal["compiled", "interpret"]
MODES = pytest.mark.parametrize("mode", ["compiled", "interpret"])

ITEMS = 40
"""Of a figure; of the card's there are 200."""

LEAST: dict[str, float] = {
    "capitals": 0.95,
    "continents, languages, currencies": 0.95,
    "capitals, after examples": 0.95,
    "JSON orders, example (fields)": 0.94,
    "JSON orders, example, its rows (fields)": 0.85,
    "JSON records, unconstrained (fields)": 0.94,
    "sentiment by select": 0.9,
    "two-digit addition": 0.95,
    "ReAct, example, new names": 0.82,
    "ReAct, example, its rows": 0.75,
    "valid format, unconstrained": 0.95,
}
"""Shares that `models/README.md` claims, less what so few items may be off."""

ORDERS = 200
"""Of so many orders jump-forward may change one (issue 7)."""


@sglc.function
def ask(s: sglc.ProgramState, question: str) -> None:
    s += sglc.user(question) + sglc.assistant(sglc.gen("answer", max_tokens=24, temperature=0))


@sglc.function
def capital(s: sglc.ProgramState, country: str) -> None:
    """Few-shot: three examples, and a line to go on."""
    s += "The capital of France is Paris.\nThe capital of Japan is Tokyo.\nThe capital of Kenya is Nairobi.\n"
    s += f"The capital of {country} is " + sglc.gen("capital", max_tokens=12, stop=".", temperature=0)


ANSWERS = {
    "Please name the capital city of Peru.": "Lima",
    "Could you say on which continent Kenya is?": "Africa",
    "What currency do shops in Japan take?": "yen",
}


@pytest.fixture(scope="module")
def plain() -> Iterator[sglc.Engine]:
    """An engine that draws each token."""
    with sglc.Engine(device="cpu", max_kv_tokens=16384, jump_forward=False) as engine:
        yield engine


@MODES
def test_questions(engine: sglc.Engine, mode: Mode) -> None:
    results = ask.run_batch([{"question": question} for question in ANSWERS], backend=engine, mode=mode)
    assert [result["answer"] for result in results] == list(ANSWERS.values())


@MODES
def test_capitals_after_examples(engine: sglc.Engine, mode: Mode) -> None:
    asked = COUNTRIES[::6]
    results = capital.run_batch([{"country": country.in_text} for country in asked], backend=engine, mode=mode)
    right = [result["capital"].strip() == country.capital for result, country in zip(results, asked, strict=True)]
    assert sum(right) >= 0.95 * len(asked)


def test_what_its_card_says(engine: sglc.Engine) -> None:
    figures = {figure.name: figure for figure in ev.evaluate(engine, ITEMS)}
    assert {name: figures[name] for name, least in LEAST.items() if figures[name].share < least} == {}


@pytest.mark.parametrize("name", ["react", "json_extraction", "mmlu", "multi_turn_chat"])
def test_examples_answer_the_same_compiled_interpreted_cold_and_warm(engine: sglc.Engine, name: str) -> None:
    program, rows = load_program(str(EXAMPLES / f"{name}.py")), ev.rows_of(name)
    engine.flush_cache()
    cold, warm = (program.run_batch(rows, backend=engine, seed=0) for _ in range(2))
    interpreted = program.run_batch(rows, backend=engine, seed=0, mode="interpret")
    for one, other, plain in zip(cold, warm, interpreted, strict=True):
        assert_equal(one, plain)
        assert_equal(other, plain)


def test_jump_forward_changes_no_more_than_one_order_in_two_hundred(engine: sglc.Engine, plain: sglc.Engine) -> None:
    with_jumps, without, same = ev.jump_figures(engine, plain, ORDERS)
    assert abs(with_jumps.right - without.right) <= with_jumps.count / ORDERS
    assert same.right >= same.count - 1
