"""Fields of a message as JSON: orders in the form of `examples/json_extraction.py`, and records of many kinds.

A value is copied from the message, letter for letter. Many names are made of syllables, so that copying is learnt and
not a list of names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.document import Document, chat
from models.draw import Draw
from models.world.measures import DAYS, MONTHS
from models.world.names import ADJECTIVES, ARTICLES, CODAS, COLOURS, JOBS, ONSETS, VOWELS
from models.world.words import words

ORDER_SYSTEM = "You take orders for a stationery shop. Write each order down as JSON, and nothing else."
ORDER_SYSTEMS = (
    *(ORDER_SYSTEM, ORDER_SYSTEM),
    "You take orders for a shop. Write each order down as JSON.",
    "Read the order and write it as JSON with customer, items, delivery and gift.",
    "Turn each order into JSON, and nothing else.",
)
NUMBER_WORDS = words("one two three four five six seven eight nine ten eleven twelve")
PLURALS = {
    **{"box": "boxes", "brush": "brushes", "loaf": "loaves", "scarf": "scarves", "battery": "batteries"},
    **{"glass": "glasses", "lens": "lenses", "scissors": "scissors"},
}

WISHES = (
    *("I need {0}.", "Please send {0}.", "I would like {0}.", "Could I have {0}?", "I want to order {0}.", "{0}."),
    *("We need {0}, please.", "{0}, please.", "I'd like to buy {0}.", "We are out of paper! {0}.", "May I have {0}?"),
    *("Can you put aside {0}?", "Order: {0}.", "Same as last week: {0}.", "Please put {0} on my bill."),
)
WISHES_HELD_OUT = ("Would you please get me {0}?", "We should like to have {0}.", "Kindly supply {0}.")

DELIVERIES = {
    "standard": (
        *(
            "",
            "",
            "No hurry.",
            "Take your time.",
            "Delivery whenever it suits you.",
            "Usual address.",
            "By post, please.",
        ),
        *("There is no rush.", "To the usual address, please.", "Any day will do."),
    ),
    "express": (
        *("As fast as you can.", "It is urgent.", "I need it by tomorrow.", "By express, please.", "Please hurry."),
        *("I need it today.", "As soon as possible!", "By tomorrow morning, please.", "By tomorrow!"),
    ),
    "collect": (
        *(
            "I will come by.",
            "I'll collect.",
            "I will pick it up.",
            "I'll fetch it on {0}.",
            "I come on {0} to collect it.",
        ),
        *("I will come by for it on {0}.", "We pick it up at the shop.", "Keep it at the shop, I will come for it."),
    ),
}
DELIVERIES_HELD_OUT = {
    "standard": ("Whenever you can.", ""),
    "express": ("We are in a great hurry.", "It has to be here by tomorrow."),
    "collect": ("I shall collect it on {0}.", "I will pick it up at your shop."),
}

GIFTS = (
    *(
        "It is a present.",
        "It is a gift.",
        "Please wrap it as a gift.",
        "It is for my {0}'s birthday.",
        "Gift wrap, please.",
    ),
    *("It is a present for my {0}.", "Wrapped nicely, please.", "My {0} has a birthday.", "A gift for my {0}."),
)
GIFTS_HELD_OUT = ("I want to give it to my {0} as a present.", "Could you wrap it? It is a gift.")
RELATIVES = words("mother father sister brother niece nephew aunt uncle son daughter friend teacher")

SIGNATURES = (
    *("Thank you, {0}", "Yours, {0}", "{0}", "Regards, {0}", "My name is {0}.", "Best wishes, {0}", "Thanks! {0}"),
    *("The name is {0}.", "Kind regards from {0}", "{0}"),
)
SIGNATURES_HELD_OUT = ("With many thanks, {0}", "The order is for {0}.")
OPENINGS = ("Hello, this is {0}.", "{0} here.", "This is {0}.", "I am {0}.", "My name is {0}.", "Hi, {0} here.")
OPENINGS_HELD_OUT = ("You are reading a message of {0}.", "{0} is writing to you.")
GREETINGS = ("", "", "Hello!", "Hello,", "Dear shop,", "Good morning!", "Hi,")


def plural(noun: str) -> str:
    head, of, rest = noun.partition(" of ")
    *before, last = head.split(" ")
    return " ".join([*before, PLURALS.get(last, last + "s")]) + of + rest


def invented(draw: Draw) -> str:
    """A noun that there is not."""
    return "".join(draw.of(ONSETS) + draw.of(VOWELS) + draw.of(CODAS) for _ in range(2))


def article(draw: Draw) -> str:
    noun = invented(draw) if draw.below(0.2) else draw.of(ARTICLES)
    return f"{draw.of(ADJECTIVES)} {noun}" if draw.below(0.4) else noun


def _amount(draw: Draw) -> tuple[str, dict[str, Any]]:
    """As the customer writes it, and as data."""
    thing = article(draw)
    if draw.below(0.25):
        first = "an" if thing[0] in "aeiou" else "a"
        return f"{draw.of((first, first, 'one', 'the', 'another'))} {thing}", {"article": thing, "count": 1}
    many = plural(thing)
    if draw.below(0.2):
        count = draw.int(2, 12)
        return f"{NUMBER_WORDS[count - 1]} {many}", {"article": many, "count": count}
    count = draw.fresh_int(2, draw.of((20, 40, 99, 300, 900)))
    return f"{count} {many}", {"article": many, "count": count}


def listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _customer(draw: Draw) -> str:
    kind = draw.int(0, 9)
    if kind < 6:
        return draw.person()
    if kind == 6:
        return f"{draw.first()[0]}. {draw.last()}"
    if kind == 7:
        return f"Dr {draw.last()}"
    return draw.first() if kind == 8 else f"The {draw.place()} {draw.of(('School', 'Office', 'Library', 'Hotel'))}"


def order(draw: Draw) -> Document:
    """An order; the messages of examples/json_extraction.jsonl are not among these."""
    amounts = [_amount(draw) for _ in range(draw.of((1, 1, 2, 2, 3)))]
    delivery = draw.of(("standard", "express", "collect"))
    gift = draw.below(0.4)
    customer = _customer(draw)
    wish = draw.wording(train=WISHES, held_out=WISHES_HELD_OUT).format(listed([text for text, _ in amounts]))
    by = draw.wording(train=DELIVERIES[delivery], held_out=DELIVERIES_HELD_OUT[delivery]).format(draw.of(DAYS))
    body = [_capitalised(wish), by]
    if gift:
        given = draw.wording(train=GIFTS, held_out=GIFTS_HELD_OUT).format(draw.of(RELATIVES))
        body.insert(draw.int(1, 2), given)
    if draw.below(0.3):
        opening = draw.wording(train=OPENINGS, held_out=OPENINGS_HELD_OUT).format(customer)
        parts = [opening, *body]
    else:
        signature = draw.wording(train=SIGNATURES, held_out=SIGNATURES_HELD_OUT).format(customer)
        parts = [draw.of(GREETINGS), *body, signature]
    message = " ".join(filter(None, parts))
    data = {"customer": customer, "items": [item for _, item in amounts], "delivery": delivery, "gift": gift}
    return chat("extraction.order", draw.of(ORDER_SYSTEMS), (message, json.dumps(data)))


@dataclass(frozen=True)
class Field:
    """One field of a record: the sentences that tell it, with {0} for the value."""

    key: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    value: Callable[[Draw], Any]


def _date(draw: Draw) -> str:
    return f"{draw.fresh_int(1, 28, 'day')} {draw.of(MONTHS)[0]}"


RECORDS: dict[str, tuple[Field, ...]] = {
    "person": (
        Field("name", ("My name is {0}.", "This is {0}.", "I am {0}.", "{0} here."), ("People call me {0}.",), Draw.person),
        Field("age", ("I am {0} years old.", "I turned {0} in May.", "My age is {0}."), ("I have just become {0}.",),
              lambda draw: draw.fresh_int(12, 99)),
        Field("city", ("I live in {0}.", "My home is {0}.", "I come from {0}."), ("You find me in {0}.",), Draw.place),
        Field("job", ("I work as a {0}.", "My job is that of a {0}.", "I am a {0}."), ("I earn my living as a {0}.",),
              lambda draw: draw.of(JOBS)),
        Field("colour", ("My favourite colour is {0}.", "I like {0} best."), ("The colour that I love is {0}.",),
              lambda draw: draw.of(COLOURS)),
    ),
    "event": (
        Field("title", ("Come to {0}!", "We invite you to {0}.", "The next event is {0}."), ("Do not miss {0}.",), Draw.thing),
        Field("place", ("It is in {0}.", "We meet in {0}.", "The place is {0}."), ("It takes place in {0}.",), Draw.place),
        Field("date", ("The date is {0}.", "It is on {0}.", "We begin on {0}."), ("Be there on {0}.",), _date),
        Field("price", ("A ticket costs {0} euros.", "You pay {0} euros.", "The price is {0} euros."),
              ("Tickets are {0} euros each.",), lambda draw: draw.fresh_int(2, 200)),
        Field("contact", ("Ask {0}.", "Write to {0}.", "Questions go to {0}."), ("Your contact is {0}.",), Draw.person),
    ),
    "product": (
        Field("product", ("For sale: a {0}.", "I sell a {0}.", "We offer a {0}."), ("You can buy my {0}.",), article),
        Field("price", ("It costs {0} euros.", "The price is {0} euros.", "I want {0} euros for it."),
              ("It is yours for {0} euros.",), lambda draw: draw.fresh_int(2, 900)),
        Field("year", ("It was made in {0}.", "It is from {0}.", "I bought it in {0}."), ("I got it in {0}.",),
              lambda draw: draw.fresh_int(1950, 2025)),
        Field("seller", ("Call {0}.", "Ask for {0}.", "The seller is {0}."), ("It belongs to {0}.",), Draw.person),
        Field("city", ("It is in {0}.", "You can see it in {0}.", "Fetch it in {0}."), ("It stands in {0}.",), Draw.place),
    ),
    "trip": (
        Field("from", ("I leave from {0}.", "The train starts in {0}.", "I start in {0}."), ("We depart from {0}.",), Draw.place),
        Field("to", ("I go to {0}.", "My goal is {0}.", "I want to get to {0}."), ("We are on our way to {0}.",), Draw.place),
        Field("day", ("I travel on {0}.", "It is on {0}.", "The day is {0}."), ("We set out on {0}.",), lambda draw: draw.of(DAYS)),
        Field("seats", ("I need {0} seats.", "Please keep {0} seats.", "We are {0} people."), ("Book {0} seats.",),
              lambda draw: draw.fresh_int(2, 60)),
        Field("name", ("My name is {0}.", "The booking is for {0}.", "I am {0}."), ("Book it for {0}.",), Draw.person),
    ),
}  # fmt: skip

ASKED = (
    *("Write {0} as JSON.", "Extract {0} as JSON.", "Give {0} as JSON, and nothing else.", "Return a JSON with {0}."),
    *("Make a JSON object with the keys {0}.", "JSON with {0}, please."),
)
ASKED_HELD_OUT = ("Put {0} into a JSON object.", "Answer with a JSON object of {0}.")
RECORD_SYSTEMS = ("", "", "You turn messages into JSON.", "Answer with JSON only.", "You extract data.")
SINGLE = ("What is the {0}?", "Tell me the {0}.", "Which {0} is given?", "Give the {0} only.", "{0}?")
SINGLE_HELD_OUT = ("Please name the {0}.", "Find the {0} in the text.")


def _told(draw: Draw) -> tuple[str, dict[str, Any]]:
    """A message of some fields in any order, and the values in the order of their record."""
    fields = draw.of(list(RECORDS.values()))
    chosen = draw.some(fields, draw.int(2, len(fields)))
    values = {field.key: field.value(draw) for field in fields if field in chosen}
    told = [draw.wording(train=field.train, held_out=field.held_out).format(values[field.key]) for field in chosen]
    return " ".join(map(_capitalised, told)), values


def record(draw: Draw) -> Document:
    message, values = _told(draw)
    keys = list(values)
    if len(keys) > 2 and draw.below(0.3):
        keys = draw.some(keys, len(keys) - 1)
    if draw.below(0.3):
        draw.random.shuffle(keys)
    asked = draw.wording(train=ASKED, held_out=ASKED_HELD_OUT).format(listed(keys))
    question = draw.of((f"{message}\n{asked}", f"{asked}\n{message}", f"{asked}\n\n{message}"))
    answer = json.dumps({key: values[key] for key in keys})
    return chat("extraction.record", draw.of(RECORD_SYSTEMS), (question, answer))


def single(draw: Draw) -> Document:
    """One field after another, by questions."""
    message, values = _told(draw)
    turns: list[tuple[str, str]] = []
    for key in draw.some(list(values), 1 if draw.held_out else draw.int(1, len(values))):
        asked = _capitalised(draw.wording(train=SINGLE, held_out=SINGLE_HELD_OUT).format(key))
        turns.append((asked if turns else f"{message}\n{asked}", str(values[key])))
    return chat("extraction.single", draw.of(("", "You answer questions about a text.", "Answer briefly.")), *turns)
