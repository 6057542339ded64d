"""Facts: countries, elements, units, the calendar, and general knowledge; asked in chats, in series and as choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.document import Answer, Document, Piece, chat, joined, plain
from models.draw import Draw
from models.examples import constant
from models.world.countries import CONTINENTS, COUNTRIES, Country
from models.world.elements import ELEMENTS
from models.world.general import FACTS
from models.world.measures import DAYS, MONTHS, UNITS
from models.world.words import lines

SYSTEMS = (
    *("", "", "", "Answer in a few words.", "You are a helpful assistant.", "Answer briefly.", "You know the world."),
    "You are a patient teacher of geography. Answer in a few words.",
    "Answer with one word where you can.",
)
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


ATTRIBUTES = (
    Attribute(
        "capital",
        (
            "What is the capital of {0}?",
            "Which city is the capital of {0}?",
            "Name the capital of {0}.",
            "What is the capital city of {0}?",
            "Tell me the capital of {0}.",
            "Which town is the seat of government of {0}?",
            "The capital of {0}?",
            "capital of {0}",
            "What is {0}'s capital?",
            "Do you know the capital of {0}?",
            "Give me the capital of {0}, please.",
            "I need the capital of {0}.",
            "Can you name the capital of {0}?",
            "What do you call the capital of {0}?",
            "{0}: what is the capital?",
            "I am writing about {0}. What is its capital?",
            "Where does the government of {0} sit?",
            "Which is the capital of {0}?",
        ),
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
        (
            "On which continent is {0}?",
            "Which continent is {0} in?",
            "Where in the world is {0}?",
            "In which part of the world is {0}?",
            "What continent does {0} belong to?",
            "Name the continent of {0}.",
            "{0} is on which continent?",
            "continent of {0}",
            "Tell me the continent of {0}.",
            "To which continent does {0} belong?",
            "The continent of {0}?",
        ),
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
        (
            "Which language is spoken in {0}?",
            "What language do people speak in {0}?",
            "What is the language of {0}?",
            "What is an official language of {0}?",
            "Name the language of {0}.",
            "language of {0}",
            "What do people in {0} speak?",
            "Which language do they speak in {0}?",
            "Tell me the language of {0}.",
            "The language of {0}?",
            "In {0}, people speak which language?",
        ),
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
        (
            "What is the currency of {0}?",
            "Which currency is used in {0}?",
            "What money do people use in {0}?",
            "How does one pay in {0}?",
            "Name the currency of {0}.",
            "currency of {0}",
            "What is the money of {0} called?",
            "Which currency does {0} have?",
            "Tell me the currency of {0}.",
            "The currency of {0}?",
            "In {0}, prices are in which currency?",
        ),
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

FOLLOW_UPS = {
    "capital": ("And its capital?", "What is the capital there?", "And the capital?"),
    "continent": ("And its continent?", "Which continent is that?", "Where is it?"),
    "language": ("And its language?", "What do people speak there?", "Which language is spoken there?"),
    "currency": ("And its currency?", "How does one pay there?", "Which money is used there?"),
}
AND_OF = ("And of {0}?", "And for {0}?", "The same for {0}?", "{0}?", "And {0}?")


def _country(draw: Draw, attribute: Attribute) -> tuple[Country, str]:
    while True:
        country = draw.of(COUNTRIES)
        if answer := attribute.answer(country):
            return country, answer


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _asked(draw: Draw, attribute: Attribute, country: Country) -> str:
    wording = draw.wording(train=attribute.train, held_out=attribute.held_out)
    return _capitalised(wording.format(country.in_text)) if wording[0] != "c" else wording.format(country.in_text)


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


def reverse(draw: Draw) -> Document:
    """From the capital to its country."""
    wordings = (
        "{0} is the capital of which country?",
        "Of which country is {0} the capital?",
        "Which country has {0} as its capital?",
        "In which country is {0}?",
        "To which country does {0} belong?",
    )
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        country = draw.of(COUNTRIES)
        wording = draw.wording(train=wordings, held_out=("What country is {0} the capital of?",))
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


def general(draw: Draw) -> Document:
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        fact = draw.of(FACTS)
        turns.append((fact.wordings[-1] if draw.held_out else draw.of(fact.wordings[:-1]), fact.answer))
    return chat("facts.general", draw.of(SYSTEMS), *turns)


SYMBOLS = lines("""\
What is the symbol of {0}?
Which symbol does {0} have?
Chemical symbol of {0}?
Name the chemical symbol of {0}.
Tell me the symbol of {0}.
{0} has which symbol?""")
PROTONS = lines("""\
What is the atomic number of {0}?
How many protons does {0} have?
Atomic number of {0}?
Name the number of protons of {0}.
Tell me the atomic number of {0}.
{0} has which atomic number?""")
SYMBOL_OF = lines("""\
Which element has the symbol {0}?
What is {0} in chemistry?
The symbol {0} stands for what?
Name the element that is written {0}.
Tell me which element has the symbol {0}.
{0} is the symbol of which element?""")


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


def calendar(draw: Draw) -> Document:
    return chat(
        "facts.calendar",
        draw.of(SYSTEMS),
        *(_date(draw) for _ in range(1 if draw.held_out else draw.int(1, 5))),
    )


def _date(draw: Draw) -> tuple[str, str]:
    names = [name for name, _ in MONTHS]
    order, what = (DAYS, "day") if draw.below(0.5) else (names, "month")
    place = draw.int(0, len(order) - 1)
    after, before = order[(place + 1) % len(order)], order[place - 1]
    kind = draw.of(("after", "before", "days", "number"))
    if kind == "after":
        train = ("Which {1} comes after {0}?", "What is the {1} after {0}?", "{0} is followed by which {1}?",
                 "Name the {1} after {0}.", "Which {1} follows {0}?", "Tell me the {1} that comes after {0}.")  # fmt: skip
        wording = draw.wording(train=train, held_out=("Name the {1} that follows {0}.",))
        return wording.format(order[place], what), after
    if kind == "before":
        train = ("Which {1} comes before {0}?", "What is the {1} before {0}?", "{0} follows which {1}?",
                 "Name the {1} before {0}.", "Which {1} precedes {0}?", "Tell me the {1} that comes before {0}.")  # fmt: skip
        wording = draw.wording(train=train, held_out=("Name the {1} that precedes {0}.",))
        return wording.format(order[place], what), before
    month = draw.int(0, 11)
    if kind == "days":
        train = ("How many days does {0} have?", "How long is {0}?", "{0} has how many days?",
                 "What is the number of days in {0}?", "Tell me how many days {0} has.")  # fmt: skip
        wording = draw.wording(train=train, held_out=("What is the number of days of {0}?",))
        return wording.format(names[month]), str(MONTHS[month][1])
    train = ("Which number does the month of {0} have?", "{0} is which month of the year?", "{0} as a number?",
             "What is the number of {0}?", "What number has {0}?")  # fmt: skip
    return draw.wording(train=train, held_out=("What number is {0}?",)).format(names[month]), str(month + 1)


def unit(draw: Draw) -> Document:
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 4)):
        whole, parts, count = draw.of(UNITS)
        train = ("How many {1} are in a {0}?", "How many {1} does a {0} have?", "A {0} is how many {1}?",
                 "How many {1} make a {0}?", "What number of {1} is in a {0}?", "Tell me the number of {1} in a {0}.")  # fmt: skip
        wording = draw.wording(train=train, held_out=("What is the number of {1} in a {0}?",))
        turns.append(
            (wording.format(whole, parts).replace("a hour", "an hour").replace("a ounce", "an ounce"), str(count))
        )
    return chat("facts.unit", draw.of(SYSTEMS), *turns)
