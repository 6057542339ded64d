"""Closing in time: an answer that has to finish matches in full, whatever the model says and wherever the limit is."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

import sglc
import sglc as sgl
from sglc.ir.errors import ConstraintError, ProgramError
from sglc.ir.in_time import InTime, in_time
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.request import Finished, Request
from tests.engine.support import END, VOCABULARY, Bytes, drive
from tests.regexes import compile_regex, random_regex

SMALL = Vocabulary(tokens=VOCABULARY, end_ids=frozenset({END}), size=len(VOCABULARY), fingerprint="small")
ENDS = frozenset({END})
ATOMS = ("a", "b", "c", "[ab]", "[abc]", "(ca)", "(ab|b)", "(abc|ca)", " x", "€", "[€a]", "a*", "[ab]*", "(abc)+", "b{3}", "c{2,5}", "(ca)?", "(aaaa|b)")  # fmt: skip
BY_LETTER = {text: token for token, text in enumerate(VOCABULARY) if text and len(text.decode("utf-8", "ignore")) == 1}


def small_regexes(count: int, seed: int) -> Iterator[tuple[str, TokenAutomaton]]:
    """Regexes over the texts of sixteen ids, and their automata."""
    draw = random.Random(seed)
    while count:
        regex = "".join(draw.choices(ATOMS, k=draw.randint(1, 5)))
        try:
            yield regex, compile_regex(regex, SMALL)
        except ConstraintError:  # no tokens write it
            continue
        count -= 1


def letter_by_letter(text: str) -> list[int]:
    """An encoding that takes more ids than it must: what is forced this way may not fit."""
    return [BY_LETTER.get(letter.encode(), 9) for letter in text.replace(" x", "\0")]


def finished(request: Request, jumps: Jumps | None) -> tuple[Finished, Finished | None]:
    """The answer of the engine, and that of the request alone."""
    device = FakeDevice(80)
    events, _ = drive(EngineCore(device, Bytes(), jumps=jumps), device, [request])
    (event,) = events.values()
    assert isinstance(event, Finished), event
    return event, device.reference(request, Bytes())


@pytest.mark.parametrize("jumping", [False, True])
def test_always_a_full_match_on_the_fake_device(jumping: bool) -> None:
    draw = random.Random(5)
    jumps = Jumps(SMALL, letter_by_letter) if jumping else None
    forced = narrowed = 0
    for regex, automaton in small_regexes(150, seed=1):
        fewest = int(automaton.distance[0])
        for max_tokens in range(fewest, fewest + 5):
            request = Request(
                ids=[draw.randint(2, 9) for _ in range(3)],
                max_tokens=max_tokens,
                min_tokens=draw.choice((0, 0, 2, max_tokens)),
                end_ids=ENDS,
                temperature=float(draw.random() < 0.5),
                seed=draw.randint(0, 99),
                stream=draw.random() < 0.3,
                score_answer=draw.random() < 0.3,
                constraint=in_time(automaton, max_tokens),
            )
            event, alone = finished(request, jumps)
            assert re.fullmatch(regex, event.text), (regex, max_tokens, event)
            assert len(event.ids) <= max_tokens
            assert event.reason in ("match", "stop")
            if not jumping:
                assert alone is not None
                assert (event.ids, event.reason) == (alone.ids, alone.reason)
            forced += event.decoded_tokens < len(event.ids)
            narrowed += len(event.ids) == max_tokens
    assert forced > 100
    assert narrowed > 100


@pytest.mark.parametrize("kept", [1, 1024])
def test_what_is_allowed_is_what_leaves_a_way_to_the_end(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against all texts of a few tokens, one by one; however many masks are kept."""
    monkeypatch.setattr("sglc.ir.in_time._MOST_ROWS", kept)
    ids = range(2, len(VOCABULARY))

    def ends_within(automaton: TokenAutomaton, state: int, left: int) -> bool:
        if automaton.accepts(state):
            return True
        after = [automaton.step(state, token) for token in ids] if left else []
        return any(ends_within(automaton, each, left - 1) for each in after if each is not None)

    for _, automaton in small_regexes(40, seed=2):
        fewest = int(automaton.distance[0])
        if fewest > 3:
            continue
        constraint = in_time(automaton, 3)
        seen = [constraint.start]
        for state in seen:
            row = int(constraint.row(state)[0])
            allowed = [token for token in range(len(VOCABULARY)) if row >> token & 1]
            wanted = [END] if automaton.accepts(state[0]) else []
            for token in ids:
                after = automaton.step(state[0], token)
                fits = after is not None and state[1] > 0 and ends_within(automaton, after, state[1] - 1)
                wanted += [token] if fits else []
                assert constraint.step(state, token) == ((after, state[1] - 1) if fits else None)
            assert allowed == wanted
            assert constraint.only_id(state) == (wanted[0] if len(wanted) == 1 else -1)
            assert constraint.is_final(state) == (automaton.is_final(state[0]) or wanted == [END])
            found = (constraint.step(state, token) for token in wanted if token != END)
            seen += [each for each in found if each is not None and each not in seen]
        assert len(constraint._known.rows) <= kept


def test_far_from_the_limit_the_masks_are_those_of_the_automaton() -> None:
    automaton = compile_regex("[ab]{40}c", SMALL)
    constraint = in_time(automaton, 100)
    assert constraint.masked_by(constraint.start) == (automaton, automaton.start)
    assert constraint.row(constraint.start) is automaton.row(automaton.start)
    assert not constraint._known.rows


def test_a_forced_text_that_does_not_fit_is_drawn_from_what_does() -> None:
    automaton = compile_regex("abcaab", SMALL)  # "abc", "a", "ab"; letter by letter it takes six
    jumps = Jumps(SMALL, letter_by_letter)
    for max_tokens, longest in ((3, 3), (4, 4), (5, 5), (6, 6)):
        request = Request(ids=[2], max_tokens=max_tokens, end_ids=ENDS, constraint=in_time(automaton, max_tokens))
        event, _ = finished(request, jumps)
        assert event.text == "abcaab"
        assert len(event.ids) <= longest
    assert jumps.ids(automaton, 0, None) == (2, 3, 4, 2, 2, 3)
    assert jumps.ids(in_time(automaton, 4), (0, 4), None) == (2, 3)  # "c" would leave "aab" to one id


REFUSED: list[tuple[Any, int, str]] = [
    ("(abc){4}", 3, "max_tokens is 3, and with finish_in_time the answer needs at least 4 tokens to match"),
    (None, 3, "finish_in_time without a constraint: nothing says"),
    ("followed", 3, "finish_in_time with a constraint that has no automaton: nothing says"),
]


@pytest.mark.parametrize(("regex", "max_tokens", "message"), REFUSED, ids=["too few", "none", "no automaton"])
def test_what_cannot_finish_is_refused(regex: str | None, max_tokens: int, message: str) -> None:
    constraint: Any = None if regex is None else compile_regex("a" if regex == "followed" else regex, SMALL)
    if regex == "followed":  # any other constraint: it follows texts, and knows no distances
        constraint = InTime(constraint, 3, in_time(constraint, 3)._known)
    with pytest.raises(ConstraintError) as caught:
        in_time(constraint, max_tokens)
    assert caught.value.what.startswith(message)
    assert "finish_in_time out" in caught.value.hint


# --- programs on the embedded model


def program_of(regex: str, **settings: Any) -> sgl.SglFunction:
    def asked(s):
        s += "The sun is" + sgl.gen("a", regex=regex, **settings)

    return sgl.function(asked)


def test_always_a_full_match_on_the_engine(engine: sglc.Engine) -> None:
    draw = random.Random(11)
    vocabulary = engine.tokenizer.vocabulary
    for number in range(40):
        regex = random_regex(draw, 2)
        try:
            fewest = int(compile_regex(regex, vocabulary).distance[0])
        except ConstraintError:
            continue
        for more in (0, 1, 3):
            settings: dict[str, Any] = {"max_tokens": fewest + more, "temperature": draw.choice((0.0, 1.0, 3.0))}
            settings |= {"n": 2, "seed": 7} if number % 3 == 0 else {"return_logprob": True} if number % 3 == 1 else {}
            result = program_of(regex, finish_in_time=True, **settings).run(backend=engine, seed=number)
            answers = result["a"] if number % 3 == 0 else [result["a"]]
            for text in answers:
                assert re.fullmatch(regex, text), (regex, settings, text)


CLOSING = (
    r'\{"name": "[a-z]{1,3}", "age": [0-9]{1,3}\}',
    "(yes|no), because .{3}",
    "([a-z]+ ){2,9}end",
    "[0-9]*",
    "x[^.]{3,}",
)


def test_an_answer_that_ends_in_time_by_itself_is_the_same(engine: sglc.Engine) -> None:
    """With greedy draws: each of its ids leads to a state from which the rest of it is a way to the end."""
    same = other = 0
    for regex in CLOSING:
        fewest = int(compile_regex(regex, engine.tokenizer.vocabulary).distance[0])
        for max_tokens in (fewest, fewest + 3, fewest + 12, 64):
            plain, steered = (
                program_of(regex, max_tokens=max_tokens, temperature=0, finish_in_time=finish).run(backend=engine)
                for finish in (False, True)
            )
            assert re.fullmatch(regex, steered["a"]), max_tokens
            if plain.get_meta_info("a")["finish_reason"]["type"] != "length":
                assert steered["a"] == plain["a"]
                same += 1
            else:
                other += steered["a"] != plain["a"]
    assert same > 2
    assert other > 2


def test_too_few_tokens_are_refused_at_the_line(engine: sglc.Engine) -> None:
    def asked(s):
        s += "The sun is" + sgl.gen("a", regex="[0-9]{40}x", max_tokens=2, finish_in_time=True)

    with pytest.raises(ConstraintError) as compiled:
        sgl.function(asked).run(backend=engine).text()
    interpreted = sgl.function(asked).run(backend=engine, mode="interpret").error()
    for error in (compiled.value, interpreted):
        assert isinstance(error, ConstraintError)
        assert "max_tokens is 2, and with finish_in_time the answer needs at least" in error.what
        assert "test_in_time.py" in str(error.where)


def test_too_few_tokens_are_refused_by_a_model_that_does_not_count_them_too() -> None:
    def asked(s):
        s += sgl.gen("a", regex="[0-9]{40}x", max_tokens=2, finish_in_time=True)

    def asked_behind_an_exit(s):
        s += sgl.gen("b")
        for _ in s["b"].split():
            asked(s)

    with sgl.Scripted(lambda question: "yes") as backend:
        with pytest.raises(ConstraintError) as compiled:
            sgl.function(asked).run(backend=backend).text()
        behind = sgl.function(asked_behind_an_exit).run(backend=backend).error()
        interpreted = sgl.function(asked).run(backend=backend, mode="interpret").error()
    for error in (compiled.value, behind, interpreted):
        assert isinstance(error, ConstraintError)
        assert "test_in_time.py" in str(error.where)


def test_too_few_tokens_of_a_run_fail_the_run_alone(engine: sglc.Engine) -> None:
    result = program_of("[0-9]{40}x", finish_in_time=True).run(backend=engine, max_new_tokens=2)
    error = result.error()
    assert isinstance(error, ConstraintError)
    assert "max_tokens is 2, and with finish_in_time" in error.what
    assert program_of("[0-9]{40}x", finish_in_time=True).run(backend=engine)["a"].endswith("x")


def test_a_stop_still_ends_the_answer(engine: sglc.Engine) -> None:
    settings: dict[str, Any] = {"max_tokens": 24, "finish_in_time": True, "temperature": 0}
    result = program_of("[0-9]{4}, [0-9]{4}", stop=",", **settings).run(backend=engine)
    assert re.fullmatch("[0-9]{4}", result["a"])
    streamed = program_of("[0-9]{4}, [0-9]{4}", **settings).run(backend=engine, stream=True)
    assert re.fullmatch("[0-9]{4}, [0-9]{4}", "".join(streamed.text_iter("a")))


def test_without_a_constraint_it_is_refused() -> None:
    with pytest.raises(ProgramError, match="finish_in_time without a constraint"):
        sgl.gen("a", finish_in_time=True)
