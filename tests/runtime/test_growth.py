"""How much a run is expected to take, beside what it takes on an engine of bytes, where a character is a token."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from sglc import ProgramState, SglFunction, assistant, function, gen, user
from sglc.ir.ops import Sampling
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from sglc.runtime.engine.family import Family
from sglc.runtime.growth import EDGE, SAMPLE, Appended, Growth
from sglc.runtime.jobs import Outcome
from sglc.runtime.program import Program
from tests.runtime.toy import ByteTokenizer, Machine

SETTINGS = Sampling(max_tokens=6)


@function
def plain(s: ProgramState, question: str) -> None:
    s += "Q: " + question + gen("answer", max_tokens=5)


@function
def turns(s: ProgramState, first: str, second: str) -> None:
    s += first + gen("one", max_tokens=5)
    s += " And " + second + "? " + second + gen("two")


@function
def forked(s: ProgramState, text: str) -> None:
    s += text
    branches = s.fork(3)
    branches += lambda number: f"{number}. Look: " + gen("seen", max_tokens=4)
    s["seen"] = [branch["seen"] for branch in branches]


@function
def two_books(s: ProgramState, book: str, question: str) -> None:
    again = s.fork(1)[0]
    s += "Read " + book + question + gen("answer", max_tokens=4)
    again += "Check " + book + s["answer"] + gen("check", max_tokens=4)
    s["check"] = again["check"]


@function
def said_again(s: ProgramState, text: str) -> None:
    s += text + gen("one", max_tokens=5)
    s += "Again: " + s["one"] + "." + gen("two", max_tokens=1)


@function
def scored(s: ProgramState, text: str) -> None:
    s += text + gen("score", regex="[1-9]|10")
    s += "Again: " + s["score"] + gen("two", max_tokens=1)


@function
def branched(s: ProgramState, text: str) -> None:
    s += text + gen("one", choices=["a", "b"])
    if s["one"] == "a":
        s += "short" + gen("two", max_tokens=2)
    else:
        s += "much longer than that" + gen("two", max_tokens=3)


@function
def chat(s: ProgramState, text: str) -> None:
    s += user("Hi") + assistant(gen("one", max_tokens=2))
    s += user(text) + assistant(gen("two", max_tokens=2))


PROGRAMS: tuple[tuple[SglFunction, dict[str, str], int], ...] = (
    (plain, {"question": "why"}, 5),
    (turns, {"first": "what", "second": "where"}, 5 + 5 + 5 + 2 + 5 + 6),
    (forked, {"text": "A house."}, 3 * 4 + 2 * 9),
    (two_books, {"book": "Long ago.", "question": "When?"}, 4 + 9 + 4 + 4),
    (said_again, {"text": "Say it. "}, 5 + 7 + 5 + 1 + 1),
    (scored, {"text": "Score: "}, 2 + 7 + 2 + 1),
    (branched, {"text": "a or b? "}, 21 + 3),
    (chat, {"text": "Why?"}, 2 + 4 * EDGE + 4 + 2),
)


def made(function: SglFunction) -> Program:
    graph = optimise(function.trace())
    automata: Any = defaultdict(lambda: None)
    return Program(graph, lower(graph), automata)


@pytest.mark.parametrize(("function", "texts", "tokens"), PROGRAMS)
def test_what_a_run_may_take(function: SglFunction, texts: dict[str, str], tokens: int) -> None:
    assert made(function).growth(SETTINGS).tokens(texts, {}, 1.0) == tokens


@pytest.mark.parametrize("function", [turns, said_again], ids=lambda function: function.__name__)
def test_a_run_whose_gens_say_all_they_may_takes_what_was_expected(
    function: SglFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    families: list[Family] = []
    tell = Family.tell
    monkeypatch.setattr(Family, "tell", lambda family: (families.append(family), tell(family)))
    graph = optimise(function.trace())
    texts = next(texts for one, texts, _ in PROGRAMS if one is function)
    ended: dict[int, Outcome] = {}
    machine = Machine()
    machine.start(graph, lower(graph), texts, 0, ended)
    machine.drain()
    (family,) = families
    answers: dict[str, Any] = ended[0].meta
    shorter = sum(most - answers[name]["completion_tokens"] for name, most in limits(function).items())
    assert family.taken_since() <= family.bound
    # The last token has no KV; the sample of the texts begins with one that is no character.
    assert family.taken_since() >= family.bound - 2 * shorter - 3


def limits(function: SglFunction) -> dict[str, int]:
    return {"one": 5, "two": 6 if function is turns else 1}


@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ({"book": "Long ago.", "question": "Where?"}, 4 + 4 + 4),  # "Check " + book is there
        ({"book": "Of late.", "question": "When?"}, 4 + 8 + 4 + 4),
    ],
)
def test_what_another_run_has_computed_is_not_taken_again(texts: dict[str, str], tokens: int) -> None:
    before = {"book": "Long ago.", "question": "When?"}
    assert made(two_books).growth(SETTINGS).tokens(texts, before, 1.0) == tokens


@pytest.mark.parametrize(
    ("sample", "texts", "rate"),
    [
        ("", {"x": "\u00e9" * 10}, 2.1),  # and one at the beginning
        ("", {"x": "a" * 10 * SAMPLE}, 1.0005),
        ("ab", {"x": ""}, 1.5),
        ("", {"x": ""}, 0.0),
    ],
)
def test_tokens_of_a_character_are_those_of_the_texts_at_hand(sample: str, texts: dict[str, str], rate: float) -> None:
    growth = Growth(0, (Appended(len(sample), 0, ("x",), None),), sample)
    assert growth.per_character(texts, ByteTokenizer()) == pytest.approx(rate)
