"""The training data: the same for a seed, apart from the evaluation's, and true."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import islice

import pytest

from models import wordings as wordings_module
from models.document import Answer, Document, joined, message_text, rendered
from models.draw import Draw, is_held_out, pair_key
from models.examples import constant
from models.mixture import MIXTURE, documents
from models.tasks import arithmetic, classify, extraction, facts, forms, react, reading, records
from models.world.countries import CONTINENTS, COUNTRIES, WITH_ARTICLE
from models.world.elements import ELEMENTS
from models.world.general import FACTS
from models.world.measures import DAYS, MONTHS, UNITS
from models.world.names import FIRST, LAST

COUNT = 3000


def shown(document: Document) -> str:
    return "".join(text for text, _ in rendered(document))


def train() -> list[Document]:
    return list(islice(documents(3), COUNT))


def held_out() -> list[Document]:
    return list(islice(documents(3, held_out=True), COUNT))


def test_a_seed_gives_the_same_documents() -> None:
    assert list(islice(documents(5), 300)) == list(islice(documents(5), 300))
    assert list(islice(documents(5), 300)) != list(islice(documents(6), 300))


def test_every_task_makes_documents_of_its_own_name() -> None:
    made = {task(Draw(0, held_out=False)).task for _, task in MIXTURE}
    assert len(made) == len(MIXTURE)


@pytest.mark.parametrize("side", [False, True])
def test_documents_are_well_formed(side: bool) -> None:
    for _, task in MIXTURE:
        draw = Draw(1, held_out=side)
        for _ in range(20):
            document = task(draw)
            assert document.answers
            for answer in document.answers:
                assert answer.text
                assert not answer.choices or answer.text in answer.choices
                assert len(set(answer.choices)) == len(answer.choices)
            if document.pattern:
                assert re.fullmatch(document.pattern, document.answers[-1].text), document


def test_prompts_of_the_evaluation_are_not_in_the_training() -> None:
    seen = {document.prompt for document in train()}
    assert not [document for document in held_out() if document.prompt in seen and not_of_one_side(document)]


def not_of_one_side(document: Document) -> bool:
    """Whether the task is measured: the forms of the other examples have few texts, and are not."""
    return not document.task.startswith(("talk.", "long."))


SUMS = ("arithmetic.addition", "arithmetic.subtraction", "arithmetic.series", "arithmetic.ladder")


@pytest.mark.parametrize(("operator", "value"), [("+", int.__add__), ("-", int.__sub__)])
def test_sums_of_two_digits_are_of_one_side(operator: str, value: Callable[[int, int], int]) -> None:
    """Every sum that stands in an arithmetic document, and every one that a training document of any task has solved."""
    patterns = {"+": r"(\d+) ?\+ ?(\d+)(?!\))", "-": r"(\d+) ?- ?(\d+)"}
    for side, made in ((False, train()), (True, held_out())):
        found = [
            (int(one), int(other))
            for document in made
            if document.task in SUMS
            for one, other in re.findall(patterns[operator], shown(document))
            if min(int(one), int(other)) >= 10
        ]
        assert len(found) > 100
        assert {is_held_out(pair_key(operator, *pair)) for pair in found} == {side}


def test_right_values_are_taught() -> None:
    for document in train():
        if document.task in ("arithmetic.series", "arithmetic.ladder"):
            for one, sign, other, said in re.findall(r"(\d+) ?([-+*]) ?(\d+)(?: ?= ?|\nA: )(\d+)", shown(document)):
                value = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[sign](int(one), int(other))
                assert int(said) == value


def names_in(document: Document) -> set[str]:
    return set(re.findall(r"\b[A-Z][a-z']+\b", shown(document)))


def test_names_are_of_one_side() -> None:
    known = set(FIRST) | set(LAST)
    for side, made in ((False, train()), (True, held_out())):
        found = {
            name
            for document in made
            if document.task in ("extraction.order", "extraction.record", "reading.passage")
            for name in names_in(document) & known
            if name not in {"White", "Young", "Stone", "Wood", "Park", "Hill", "May"}  # words, too
        }
        assert len(found) > 10
        assert {is_held_out(f"name {name}") for name in found} == {side}


@pytest.mark.parametrize(
    ("train_side", "held_out_side"),
    [(a.train, a.held_out) for a in facts.ATTRIBUTES]
    + [(f.train, f.held_out) for fields in records.RECORDS.values() for f in fields]
    + [(told.train, told.held_out) for _, lines in reading.SUBJECTS.values() for told in lines]
    + [
        (extraction.WISHES, extraction.WISHES_HELD_OUT),
        (extraction.SIGNATURES, extraction.SIGNATURES_HELD_OUT),
        (records.ASKED, records.ASKED_HELD_OUT),
        (records.SINGLE, records.SINGLE_HELD_OUT),
        (extraction.GIFTS, extraction.GIFTS_HELD_OUT),
        (extraction.OPENINGS, extraction.OPENINGS_HELD_OUT),
        *((extraction.DELIVERIES[how], extraction.DELIVERIES_HELD_OUT[how]) for how in ("express", "collect")),
        (arithmetic.SUMS, arithmetic.SUMS_HELD_OUT),
        (arithmetic.DIFFERENCES, arithmetic.DIFFERENCES_HELD_OUT),
        (arithmetic.LARGER, arithmetic.LARGER_HELD_OUT),
        (arithmetic.SMALLER, arithmetic.SMALLER_HELD_OUT),
        (forms.NAME, forms.NAME_HELD_OUT),
        (forms.HOW, forms.HOW_HELD_OUT),
        (forms.SCORES, forms.SCORES_HELD_OUT),
        (classify.SENTIMENT, classify.SENTIMENT_HELD_OUT),
        (classify.FRAMES, classify.FRAMES_HELD_OUT),
        (classify.SERIES, classify.SERIES_HELD_OUT),
        (react.DIFFERENCES, react.DIFFERENCES_HELD_OUT),
        ((*react.DIFFERENCES, *react.RISE), (react.RISE_HELD_OUT,)),
        ((*react.TOTALS, *react.TOTALS_LONG, *react.TOTALS_HIGH), react.TOTALS_HELD_OUT),
        (react.MEANS, react.MEANS_HELD_OUT),
        (react.RATIOS, react.RATIOS_HELD_OUT),
        ((*react.FITS, *react.FITS_ONE), react.FITS_HELD_OUT),
        (react.YEARS, react.YEARS_HELD_OUT),
        *((react.ONE[what], react.ONE_HELD_OUT[what]) for what in react.ONE),
    ],
)
def test_wordings_are_of_one_side(train_side: tuple[str, ...], held_out_side: tuple[str, ...]) -> None:
    """Apart from case and marks, too."""
    assert held_out_side
    assert not set(map(bare, train_side)) & set(map(bare, held_out_side))


def bare(wording: str) -> str:
    return " ".join(re.findall(r"\w+", wording.casefold()))


@pytest.mark.parametrize(
    "wordings",
    [react.DIFFERENCES, react.RISE, react.TOTALS, react.MEANS, react.RATIOS, react.FITS, react.FITS_ONE, react.YEARS],
)
def test_questions_name_both_things_once(wordings: tuple[str, ...]) -> None:
    assert [wording for wording in wordings if sorted(re.findall(r"\{(\d)\}", wording)) != ["0", "1"]] == []


@pytest.mark.parametrize(("value", "message"), [(3, "and not 3"), ([["a"], [1.5]], "and not 1.5")])
def test_a_table_of_something_else_is_refused(value: object, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordings_module, "_file", lambda task: {"odd": value})
    with pytest.raises(TypeError, match=message):
        wordings_module.table("react", "odd")


def test_fresh_numbers_are_of_one_side() -> None:
    both = [{Draw(seed, held_out=side).fresh_int(1, 999) for seed in range(500)} for side in (False, True)]
    assert not both[0] & both[1]


def test_orders_say_what_their_json_says() -> None:
    draw = Draw(0, held_out=False)
    for _ in range(300):
        document = extraction.order(draw)
        message = message_text(document.messages[1])
        data = json.loads(document.answers[0].text)
        assert list(data) == ["customer", "items", "delivery", "gift"]
        assert data["customer"] in message
        for item in data["items"]:
            assert item["article"].lower() in message.lower()
            assert item["count"] == 1 or item["count"] <= 12 or str(item["count"]) in message


def test_problems_end_with_the_value_of_their_calculation() -> None:
    draw = Draw(0, held_out=False)
    calculate = constant("react", "calculate")
    look_up_failed = "The book has nothing about "
    for _ in range(500):
        problem = react.problem(draw)
        for step in problem.steps:
            if step.action.startswith("Calculate["):
                assert step.observation == calculate(step.action.removeprefix("Calculate[").removesuffix("]"))
                assert problem.answer.split(" ")[0] == step.observation
            elif step.action.startswith("Look up["):
                name = step.action.removeprefix("Look up[").removesuffix("]")
                assert step.observation == problem.book.get(name.lower(), f"{look_up_failed}{name!r}.")
        assert problem.steps[-1].action == f"Finish[{problem.answer}]"


def test_no_row_of_an_example_is_taught() -> None:
    asked = [
        "How many metres higher is Mont Blanc than Ben Nevis?",
        "Hello, this is Anna Berg.",
        "lighthouse of Grey Point",
    ]
    text = "\n".join(map(shown, train()))
    assert not [words for words in asked if words in text]


def test_countries() -> None:
    assert len(COUNTRIES) >= 150
    for attribute in ("name", "capital"):
        counted = Counter(getattr(country, attribute) for country in COUNTRIES)
        assert max(counted.values()) == 1, counted.most_common(1)
    assert {country.continent for country in COUNTRIES} == {*CONTINENTS, None}
    assert {country.name for country in COUNTRIES} >= WITH_ARTICLE
    for country in COUNTRIES:
        assert country.language is None or country.language[0].isupper()
        assert country.currency is None or country.currency.islower()
    by_name = {country.name: country for country in COUNTRIES}
    assert by_name["Portugal"].capital == "Lisbon"
    assert by_name["Australia"].capital == "Canberra"
    assert sum(country.currency == "euro" for country in COUNTRIES) >= 20


def test_elements_units_and_calendar() -> None:
    assert [element.number for element in ELEMENTS[:36]] == list(range(1, 37))
    assert (
        len({element.symbol for element in ELEMENTS}) == len({element.number for element in ELEMENTS}) == len(ELEMENTS)
    )
    assert sum(days for _, days in MONTHS) == 365
    assert len(DAYS) == 7
    assert len({(one, parts) for one, parts, _ in UNITS}) == len(UNITS)


def test_general_facts() -> None:
    wordings = [wording for fact in FACTS for wording in fact.wordings]
    assert len(set(wordings)) == len(wordings)
    for fact in FACTS:
        assert len(fact.wordings) >= 3
        assert fact.answer not in fact.wrong
        assert len(set(fact.wrong)) == 3


def test_joined_pieces_end_with_a_line() -> None:
    answer = Answer("b")
    assert joined(["", "a", "c", answer, "\n\n"]) == ["ac", answer, "\n"]
