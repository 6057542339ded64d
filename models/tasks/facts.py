"""Facts: countries, elements, units, the calendar, and general knowledge; asked in chats, in series and as choices."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from models.document import Answer, Document, Piece, chat, joined, plain
from models.draw import Draw
from models.examples import constant
from models.wordings import table
from models.world.countries import CONTINENTS, COUNTRIES, Country
from models.world.elements import ELEMENTS
from models.world.general import FACTS, Fact
from models.world.measures import DAYS, MONTHS, UNITS
from models.world.words import words

SYSTEMS: tuple[str, ...] = table("facts", "systems")
FULL = ("Answer in a full sentence.", "You are a teacher. Answer in whole sentences.", "Reply with one sentence.")


@dataclass(frozen=True)
class Attribute:
    """One kind of question. {0} is what is asked about, as it stands in a sentence."""

    name: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    sentence: str
    statements: tuple[str, ...]
    answer: Callable[[Country], str | None]


CAPITAL: tuple[str, ...] = table("facts", "capital")
CONTINENT: tuple[str, ...] = table("facts", "continent")
LANGUAGE: tuple[str, ...] = table("facts", "language")
CURRENCY: tuple[str, ...] = table("facts", "currency")

ATTRIBUTES = (
    Attribute(
        "capital",
        CAPITAL,
        (
            "Could you say which city is the capital of {0}?",
            "Which capital does {0} have?",
            "Please name the capital city of {0}.",
            "What is the name of the capital of {0}?",
            "In {0}, which city is the capital?",
        ),
        "The capital of {0} is {1}.",
        ("The capital of {0} is", "{0}'s capital is", "The capital city of {0} is"),
        lambda country: country.capital,
    ),
    Attribute(
        "continent",
        CONTINENT,
        (
            "Could you say on which continent {0} is?",
            "What is the continent of {0}?",
            "Please name the continent that {0} is in.",
        ),
        "{0} is in {1}.",
        ("{0} is a country in", "The continent of {0} is"),
        lambda country: country.continent,
    ),
    Attribute(
        "language",
        LANGUAGE,
        (
            "Could you say which language is spoken in {0}?",
            "Which language does one hear in {0}?",
            "Please name a language of {0}.",
        ),
        "People in {0} speak {1}.",
        ("The language of {0} is", "People in {0} speak"),
        lambda country: country.language,
    ),
    Attribute(
        "currency",
        CURRENCY,
        (
            "Could you say which currency is used in {0}?",
            "What currency do shops in {0} take?",
            "Please name the currency of {0}.",
        ),
        "The currency of {0} is the {1}.",
        ("The currency of {0} is the", "People in {0} pay with the"),
        lambda country: country.currency,
    ),
)
BY_NAME = {attribute.name: attribute for attribute in ATTRIBUTES}
HEADS = {"capital": "Capital", "continent": "Continent", "language": "Language", "currency": "Currency"}

FOLLOW_UPS: dict[str, tuple[str, ...]] = table("facts", "follow_ups")
AND_OF = (
    *("And of {0}?", "And for {0}?", "The same for {0}?", "{0}?", "And {0}?"),
    *("What about {0}?", "And what about {0}?", "How about {0}?", "Now {0}.", "Now the same for {0}, please."),
)


def _country(draw: Draw, attribute: Attribute) -> tuple[Country, str]:
    while True:
        country = draw.of(COUNTRIES)
        if answer := attribute.answer(country):
            return country, answer


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _asked(draw: Draw, attribute: Attribute, country: Country) -> str:
    wording = draw.wording(train=attribute.train, held_out=attribute.held_out)
    asked = wording.format(country.in_text)
    return _capitalised(asked) if wording.startswith("{0}") else asked  # what is written in lower case stays so


def about(name: str) -> Callable[[Draw], Document]:
    """Questions about one attribute: a chat of one turn in the evaluation, of up to five in training."""
    attribute = BY_NAME[name]

    def document(draw: Draw) -> Document:
        full = draw.below(0.15) and not draw.held_out
        system = draw.of(FULL if full else SYSTEMS)
        turns: list[tuple[str, str]] = []
        for _ in range(1 if draw.held_out else draw.int(1, 5)):
            country, answer = _country(draw, attribute)
            short = draw.of(AND_OF).format(country.in_text) if turns and draw.below(0.4) else ""
            sentence = _capitalised(attribute.sentence.format(country.in_text, answer))
            turns.append((_capitalised(short) or _asked(draw, attribute, country), sentence if full else answer))
        return chat(f"facts.{name}", system, *turns)

    return document


def portrait(draw: Draw) -> Document:
    """All about one country: what "its" and "there" mean comes from the turn before."""
    country = draw.of(COUNTRIES)
    turns: list[tuple[str, str]] = []
    for attribute in draw.some(ATTRIBUTES, len(ATTRIBUTES)):
        if answer := attribute.answer(country):
            later = draw.of(FOLLOW_UPS[attribute.name])
            turns.append((later if turns else _asked(draw, attribute, country), answer))
    return chat("facts.portrait", draw.of(SYSTEMS), *turns)


def series(draw: Draw) -> Document:
    """Few-shot lines of one form; the answer is what the form asks for."""
    attribute = draw.of(ATTRIBUTES)
    shown = draw.wording(train=("Country: ", "Land: ", "Q: ", "", "* "), held_out=("Name of the country: ",))
    head = f"{HEADS[attribute.name]}: " if shown not in ("Q: ", "") else draw.of(("A: ", "-> "))
    question = draw.of(attribute.train) if shown == "Q: " else "{0}"
    gap = draw.of(("\n", "\n\n"))
    intro = draw.of(("", "", f"The {attribute.name} of each country.\n\n", "Answer like the examples.\n\n"))
    pieces: list[Piece] = [intro]
    count = draw.int(3, 8)
    for number in range(count):
        country, answer = _country(draw, attribute)
        asked = question.format(country.in_text if shown == "Q: " else country.name)
        pieces += [f"{shown}{_capitalised(asked)}\n{head}", Answer(answer), "\n" if number == count - 1 else gap]
    return plain("facts.series", *joined(pieces))


def statements(draw: Draw) -> Document:
    """Sentences that go on with the fact: "The capital of France is Paris."."""
    attribute = draw.of(ATTRIBUTES)
    wording = draw.of(attribute.statements)
    pieces: list[Piece] = []
    for _ in range(draw.int(2, 8)):
        country, answer = _country(draw, attribute)
        pieces += [_capitalised(wording.format(country.in_text)), Answer(f" {answer}."), "\n"]
    return plain("facts.statements", *joined(pieces))


CAPITAL_OF: tuple[str, ...] = table("facts", "capital_of")


def reverse(draw: Draw) -> Document:
    """From the capital to its country."""
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        country = draw.of(COUNTRIES)
        wording = draw.wording(train=CAPITAL_OF, held_out=("What country is {0} the capital of?",))
        turns.append((wording.format(country.capital), country.name))
    return chat("facts.reverse", draw.of(SYSTEMS), *turns)


def capital_choice(draw: Draw) -> Document:
    """A country's attribute by a select, after examples or in a chat."""
    attribute = draw.of(ATTRIBUTES)
    everything = CONTINENTS if attribute.name == "continent" else _values(attribute)
    pieces: list[Piece] = []
    for _ in range(draw.int(1, 4)):
        country, answer = _country(draw, attribute)
        choices = [answer, *draw.some([value for value in everything if value != answer], 3)]
        draw.random.shuffle(choices)
        question = _asked(draw, attribute, country)
        listed = f"Choose from: {', '.join(choices)}.\n" if draw.below(0.7) else ""
        pieces += [f"Question: {question}\n{listed}Answer: ", Answer(answer, tuple(choices)), "\n\n"]
    return plain("facts.choice", *joined(pieces))


def _values(attribute: Attribute) -> list[str]:
    return sorted({answer for country in COUNTRIES if (answer := attribute.answer(country))})


def letters(draw: Draw) -> Document:
    """Multiple choice with letters, after examples: the form of `examples/mmlu.py`."""
    intro = draw.of(("", "The following are multiple-choice questions, each with its answer.\n\n"))
    if draw.below(0.3):
        intro = str(constant("mmlu", "EXAMPLES"))
    pieces: list[Piece] = [intro]
    for _ in range(draw.int(1, 6)):
        question, answer, wrong = _multiple_choice(draw)
        options = [answer, *wrong]
        draw.random.shuffle(options)
        lines = "".join(f"{letter}. {option}\n" for letter, option in zip("ABCD", options, strict=True))
        letter = "ABCD"[options.index(answer)]
        pieces += [f"Question: {question}\n{lines}Answer: ", Answer(letter, tuple("ABCD")), "\n\n"]
    return plain("facts.letters", *joined(pieces))


def _multiple_choice(draw: Draw) -> tuple[str, str, list[str]]:
    if draw.below(0.5):
        fact = draw.of(FACTS)
        question = fact.wordings[-1] if draw.held_out else draw.of(fact.wordings[:-1])
        return question, fact.answer, list(fact.wrong)
    attribute = draw.of(ATTRIBUTES)
    country, answer = _country(draw, attribute)
    values = CONTINENTS if attribute.name == "continent" else _values(attribute)
    return _asked(draw, attribute, country), answer, draw.some([value for value in values if value != answer], 3)


FRAMES: tuple[str, ...] = table("facts", "frames")


def _general_question(draw: Draw, fact: Fact) -> str:
    """One of the fact's own wordings, in training at times in a frame or in lower case."""
    if draw.held_out:
        return fact.wordings[-1]
    asked = draw.of(fact.wordings[:-1])
    if draw.below(0.35):
        return draw.of(FRAMES).format(asked)
    if draw.below(0.15):
        asked = asked[:1].lower() + asked[1:]
        return asked.removesuffix("?") if draw.below(0.5) else asked
    return asked


def general(draw: Draw) -> Document:
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        fact = draw.of(FACTS)
        turns.append((_general_question(draw, fact), fact.answer))
    return chat("facts.general", draw.of(SYSTEMS), *turns)


SYMBOLS: tuple[str, ...] = table("facts", "symbols")
PROTONS: tuple[str, ...] = table("facts", "protons")
SYMBOL_OF: tuple[str, ...] = table("facts", "symbol_of")


def element(draw: Draw) -> Document:
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 5)):
        one = draw.of(ELEMENTS)
        train, held_out, about, answer = draw.of(
            (
                (SYMBOLS, "Name the symbol of {0}.", one.name, one.symbol),
                (PROTONS, "Name the atomic number of {0}.", one.name, str(one.number)),
                (SYMBOL_OF, "Name the element with the symbol {0}.", one.symbol, one.name),
            )
        )
        turns.append((draw.wording(train=train, held_out=(held_out,)).format(about), answer))
    return chat("facts.element", draw.of(SYSTEMS), *turns)


AFTER: tuple[str, ...] = table("facts", "after")
TOMORROW: tuple[str, ...] = table("facts", "tomorrow")
BEFORE: tuple[str, ...] = table("facts", "before")
YESTERDAY: tuple[str, ...] = table("facts", "yesterday")
DAYS_OF: tuple[str, ...] = table("facts", "days_of")
NUMBER_OF: tuple[str, ...] = table("facts", "number_of")
PLACE: tuple[str, ...] = table("facts", "place")
PLACES = words("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")


def calendar(draw: Draw) -> Document:
    return chat(
        "facts.calendar",
        draw.of(SYSTEMS),
        *(_date(draw) for _ in range(1 if draw.held_out else draw.int(1, 5))),
    )


def _date(draw: Draw) -> tuple[str, str]:
    names = [name for name, _ in MONTHS]
    if not draw.held_out and draw.below(0.12):
        month = draw.int(0, 11)
        place = "last" if month == 11 and draw.below(0.7) else PLACES[month]
        return draw.of(PLACE).format(place), names[month]
    order, what = (DAYS, "day") if draw.below(0.5) else (names, "month")
    place = draw.int(0, len(order) - 1)
    after, before = order[(place + 1) % len(order)], order[place - 1]
    kind = draw.of(("after", "before", "days", "number"))
    if kind == "after":
        train = AFTER + TOMORROW if what == "day" else AFTER
        wording = draw.wording(train=train, held_out=("Name the {1} that follows {0}.",))
        return wording.format(order[place], what), after
    if kind == "before":
        train = BEFORE + YESTERDAY if what == "day" else BEFORE
        wording = draw.wording(train=train, held_out=("Name the {1} that precedes {0}.",))
        return wording.format(order[place], what), before
    month = draw.int(0, 11)
    if kind == "days":
        wording = draw.wording(train=DAYS_OF, held_out=("What is the number of days of {0}?",))
        return wording.format(names[month]), str(MONTHS[month][1])
    return draw.wording(train=NUMBER_OF, held_out=("What number is {0}?",)).format(names[month]), str(month + 1)


PARTS: tuple[str, ...] = table("facts", "parts")


def unit(draw: Draw) -> Document:
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        whole, parts, count = draw.of(UNITS)
        wording = draw.wording(train=PARTS, held_out=("What is the number of {1} in a {0}?",))
        turns.append((re.sub(r"\b([aA]) hour\b", r"\1n hour", wording.format(whole, parts)), str(count)))
    return chat("facts.unit", draw.of(SYSTEMS), *turns)
