"""Fields of a message as JSON: orders in the form of `examples/json_extraction.py`. Records of many kinds: records.py.

A value is copied from the message, letter for letter. Many names are made of syllables, so that copying is learnt and
not a list of names.
"""

from __future__ import annotations

import json
from typing import Any

from models.document import Document, chat
from models.draw import Draw
from models.wordings import table
from models.world.measures import DAYS
from models.world.names import ADJECTIVES, ARTICLES
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

WISHES: tuple[str, ...] = table("extraction", "wishes")
WISHES_HELD_OUT = ("Would you please get me {0}?", "We should like to have {0}.", "Kindly supply {0}.")

DELIVERIES: dict[str, tuple[str, ...]] = table("extraction", "deliveries")
DELIVERIES_HELD_OUT: dict[str, tuple[str, ...]] = table("extraction", "deliveries_held_out")

GIFTS: tuple[str, ...] = table("extraction", "gifts")
GIFTS_HELD_OUT = ("I want to give it to my {0} as a present.", "Could you wrap it? It is a gift.")
SITES = words("School Office Library Hotel")
RELATIVES = words("mother father sister brother niece nephew aunt uncle son daughter friend teacher")

SIGNATURES: tuple[str, ...] = table("extraction", "signatures")
SIGNATURES_HELD_OUT = ("With many thanks, {0}", "The order is for {0}.")
OPENINGS: tuple[str, ...] = table("extraction", "openings")
OPENINGS_HELD_OUT = ("You are reading a message of {0}.", "{0} is writing to you.")
GREETINGS = ("", "", "Hello!", "Hello,", "Dear shop,", "Good morning!", "Hi,", "Good evening!", "To the shop:")


def plural(noun: str) -> str:
    head, of, rest = noun.partition(" of ")
    *before, last = head.split(" ")
    return " ".join([*before, PLURALS.get(last, last + "s")]) + of + rest


def article(draw: Draw) -> str:
    noun = draw.invented() if draw.below(0.3) else draw.of(ARTICLES)
    return f"{draw.of(ADJECTIVES)} {noun}" if draw.below(0.4) else noun


def _amount(draw: Draw) -> tuple[str, dict[str, Any]]:
    """As the customer writes it, and as data."""
    thing = article(draw)
    if draw.below(0.25):
        first = "an" if thing[0] in "aeiou" else "a"
        return f"{draw.of((first, first, 'one', 'the', 'another'))} {thing}", {"article": thing, "count": 1}
    many = plural(thing)
    if draw.below(0.2 if draw.held_out else 0.3):
        count = draw.int(2, 12)
        return f"{NUMBER_WORDS[count - 1]} {many}", {"article": many, "count": count}
    count = draw.fresh_int(2, draw.of((20, 40, 99, 300, 900)))
    return f"{count} {many}", {"article": many, "count": count}


def listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _customer(draw: Draw) -> str:
    kind = draw.int(0, 9)
    if kind < 6:
        return draw.person()
    if kind == 6:
        return f"{draw.first()[0]}. {draw.last()}"
    if kind == 7:
        return f"Dr {draw.last()}"
    return draw.first() if kind == 8 else f"The {draw.place()} {draw.of(SITES)}"


def _in_one_sentence(draw: Draw, wish: str, by: str) -> str:
    """Wish and delivery with a comma or `and` between them, as people write in training; sometimes with an address."""
    where = f" to {draw.of(('', 'the '))}{draw.place()} {draw.of(SITES)}" if draw.below(0.25) else ""
    wished = capitalised(wish).rstrip(".?!") + where
    if not by:
        return f"{wished}."
    told = by.partition(" ")[0] in ("I", "I'll", "We")
    link = draw.of((", and ", " and ", ", ") if told else (", ", ", ", " "))
    return wished + link + (by if by[0] == "I" and told else by[0].lower() + by[1:])


def order(draw: Draw) -> Document:
    """An order; the messages of examples/json_extraction.jsonl are not among these."""
    amounts = [_amount(draw) for _ in range(draw.of((1, 1, 2, 2, 3)))]
    delivery = draw.of(("standard", "express", "collect"))
    gift = draw.below(0.4)
    customer = _customer(draw)
    wish = draw.wording(train=WISHES, held_out=WISHES_HELD_OUT).format(listed([text for text, _ in amounts]))
    by = draw.wording(train=DELIVERIES[delivery], held_out=DELIVERIES_HELD_OUT[delivery]).format(draw.of(DAYS))
    body = [capitalised(wish), by] if draw.held_out or draw.below(0.6) else [_in_one_sentence(draw, wish, by)]
    if gift:
        given = draw.wording(train=GIFTS, held_out=GIFTS_HELD_OUT).format(draw.of(RELATIVES))
        body.insert(draw.int(1, len(body)), given)
    if draw.below(0.3):
        opening = draw.wording(train=OPENINGS, held_out=OPENINGS_HELD_OUT).format(customer)
        parts = [opening, *body]
    else:
        signature = draw.wording(train=SIGNATURES, held_out=SIGNATURES_HELD_OUT).format(customer)
        parts = [draw.of(GREETINGS), *body, signature]
    message = " ".join(filter(None, parts))
    data = {"customer": customer, "items": [item for _, item in amounts], "delivery": delivery, "gift": gift}
    return chat("extraction.order", draw.of(ORDER_SYSTEMS), (message, json.dumps(data)))
