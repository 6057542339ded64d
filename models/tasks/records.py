"""Records: some fields of a short message as JSON, or one by one.

The messages are such as people write: in whole sentences and in fragments, with two fields in one sentence, and with
sentences that tell no field. What the evaluation reads has one held-out sentence for each field and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.document import Document, chat
from models.draw import Draw, is_held_out
from models.tasks.extraction import article, capitalised, listed
from models.wordings import table
from models.world.measures import DAYS, MONTHS
from models.world.names import COLOURS, JOBS, LAST
from models.world.words import lines, words

MORE_JOBS = (
    *JOBS,
    *words("""\
butcher hairdresser electrician scientist translator photographer florist accountant musician actor banker soldier vet
secretary salesman builder cleaner fisherman sailor manager chemist postman judge student professor designer"""),
    *lines("""\
taxi driver
bus driver
software developer
police officer
shop assistant
music teacher
flight attendant
graphic designer
social worker
tour guide
truck driver
hotel manager"""),
)
PRODUCTS: tuple[str, ...] = table("records", "products")
OCCASIONS = words("""\
Summer Spring Autumn Christmas Easter Jazz Film Music Book Cooking Dance Art Garden Charity Family Poetry Chess Street
Food Village Children's Science Harvest Theatre Photo Pottery""")
GATHERINGS = words("""\
Party Night Class Evening Fair Festival Concert Market Workshop Day Show Exhibition Meeting Contest Lunch Dinner Ball
Picnic Weekend Club Course Breakfast Parade Sale Quiz""")
SEASONS = OCCASIONS[:3]
BUILDINGS = words("Park Hall School Square Church Library Museum Centre Theatre Gardens")
OLD_AND_NEW = words("Town City Village Central Old National Public")
"""With a building they are a place that needs `the`: the Town Hall."""


@dataclass(frozen=True)
class Field:
    """One field of a record: the sentences that tell it, with {0} for the value."""

    key: str
    value: Callable[[Draw], Any]
    held_out: tuple[str, ...]
    train: tuple[str, ...]


def _date(draw: Draw) -> str:
    return f"{draw.fresh_int(1, 28, 'day')} {draw.of(MONTHS)[0]}"


def _name(draw: Draw) -> str:
    """Of a person, who often gives no more than the first name."""
    return draw.first() if draw.below(0.35) else draw.person()


def _title(draw: Draw) -> str:
    if draw.below(0.35):
        return draw.thing()
    occasion, gathering = draw.of(OCCASIONS), draw.of(GATHERINGS)
    if draw.below(0.15) and occasion in SEASONS:
        occasion += f" {draw.of(OCCASIONS[5:])}"
    return f"{occasion} {gathering}"


def _venue(draw: Draw) -> str:
    """A town or a building. Hall and Park are surnames as well, and so of one side."""
    kind = draw.random.random()
    if kind < 0.4:
        return draw.place()
    buildings = [one for one in BUILDINGS if one not in LAST or is_held_out(f"name {one}") == draw.held_out]
    return f"{draw.of(OLD_AND_NEW) if kind < 0.6 else draw.place()} {draw.of(buildings)}"


def _product(draw: Draw) -> str:
    return draw.of(PRODUCTS) if draw.below(0.6) else article(draw)


VALUES: dict[str, dict[str, Callable[[Draw], Any]]] = {
    "person": {
        "name": _name,
        "age": lambda draw: draw.fresh_int(12, 99),
        "city": Draw.place,
        "job": lambda draw: draw.of(MORE_JOBS),
        "colour": lambda draw: draw.of(COLOURS),
    },
    "event": {
        "title": _title,
        "place": _venue,
        "date": _date,
        "price": lambda draw: draw.fresh_int(2, 200),
        "contact": _name,
    },
    "product": {
        "product": _product,
        "price": lambda draw: draw.fresh_int(2, 900),
        "year": lambda draw: draw.fresh_int(1950, 2025),
        "seller": _name,
        "city": Draw.place,
    },
    "trip": {
        "from": Draw.place,
        "to": Draw.place,
        "day": lambda draw: draw.of(DAYS),
        "seats": lambda draw: draw.fresh_int(2, 60),
        "name": _name,
    },
}
RECORDS = {
    kind: tuple(Field(key, VALUES[kind][key], **sentences) for key, sentences in fields.items())
    for kind, fields in table("records", "records").items()
}

FILLERS: tuple[str, ...] = table("records", "fillers")
"""Neutral: they tell nothing that could be taken for a field of any kind."""

ASKED: tuple[str, ...] = table("records", "asked")
ASKED_HELD_OUT = ("Put {0} into a JSON object.", "Answer with a JSON object of {0}.")
RECORD_SYSTEMS = ("", "", "You turn messages into JSON.", "Answer with JSON only.", "You extract data.")
SINGLE: tuple[str, ...] = table("records", "single")
SINGLE_HELD_OUT = ("Please name the {0}.", "Find the {0} in the text.")

PAIRS: dict[str, dict[str, tuple[str, ...]]] = table("records", "pairs")
"""Sentences of the training that tell two fields or three at once, as people do."""

QUESTIONS: dict[str, dict[str, tuple[str, ...]]] = table("records", "questions")
"""What people ask who do not know the names of the fields, by kind of record; for the training."""


def _begins_with_vowel(value: str) -> bool:
    return value[0] in "aeiouAEIOU" or re.match(r"8|1[18]$", value) is not None


def _filled(wording: str, values: dict[str, Any]) -> str:
    """The wording with the values, and `an` for `a` where a value needs it."""

    def fill(match: re.Match[str]) -> str:
        value = str(values[match[2]])
        before = match[1] or ""
        return (f"{before[0]}n " if before and _begins_with_vowel(value) else before) + value

    return re.sub(r"(\b[Aa] )?\{(\w+)\}", fill, wording)


def _at(draw: Draw, wording: str, place: str) -> str:
    """The wording as it is said of this place: in a town, but at a hall, or at the Town Hall."""
    before, _, last = place.rpartition(" ")
    if last not in BUILDINGS:
        return wording
    at = draw.of(("at the", "in the")) if before in OLD_AND_NEW else draw.of(("at", "at", "in"))
    return re.sub(
        r"\b(in|In) (?=\{(0|place)\})", lambda found: (at if found[1] == "in" else at.capitalize()) + " ", wording
    )


def _sentences(draw: Draw, kind: str, chosen: list[Field], values: dict[str, Any]) -> list[str]:
    """What tells the fields. Only the training has sentences that tell more than one, and those that tell none."""
    left = list(chosen)
    told: list[str] = []
    if not draw.held_out:
        for told_at_once, wordings in draw.some(list(PAIRS[kind].items()), len(PAIRS[kind])):
            keys = told_at_once.split()
            if {field.key for field in left} >= set(keys) and draw.below(0.4):
                left = [field for field in left if field.key not in keys]
                wording = draw.of(wordings)
                told.append(_filled(_at(draw, wording, values["place"]) if "place" in keys else wording, values))
    for field in left:
        wording = draw.wording(train=field.train, held_out=field.held_out)
        if field.key == "place" and not draw.held_out:
            wording = _at(draw, wording, values["place"])
        told.append(_filled(wording, {"0": values[field.key]}))
    if not draw.held_out:
        draw.random.shuffle(told)
        if draw.below(0.35):
            for filler in draw.some(FILLERS, draw.int(1, 2)):
                told.insert(draw.int(0, len(told)), filler)
    return told


def _told(draw: Draw) -> tuple[str, str, dict[str, Any]]:
    """A kind, a message of some of its fields in any order, and the values in the order of their record."""
    kind = draw.of(list(RECORDS))
    fields = RECORDS[kind]
    chosen = draw.some(fields, draw.int(2, len(fields)))
    values = {field.key: field.value(draw) for field in fields if field in chosen}
    return kind, " ".join(map(capitalised, _sentences(draw, kind, chosen, values))), values


def _keys(draw: Draw, keys: list[str], wording: str) -> str:
    """The keys as they are asked for: with `and`, with commas only, or each with `the`."""
    how = draw.random.random()
    if draw.held_out or how < 0.4:
        return listed(keys)
    if how < 0.7 or {"from", "to"} & set(keys) or re.search("keys|fields|:", wording, re.IGNORECASE):
        return ", ".join(keys)
    return listed([f"the {key}" for key in keys])


def record(draw: Draw) -> Document:
    _, message, values = _told(draw)
    keys = list(values)
    if len(keys) > 2 and draw.below(0.3):
        keys = draw.some(keys, len(keys) - 1)
    if draw.below(0.3):
        draw.random.shuffle(keys)
    wording = draw.wording(train=ASKED, held_out=ASKED_HELD_OUT)
    asked = _filled(wording, {"0": _keys(draw, keys, wording)})
    asked = asked if draw.held_out else capitalised(asked)
    question = draw.of((f"{message}\n{asked}", f"{asked}\n{message}", f"{asked}\n\n{message}"))
    answer = json.dumps({key: values[key] for key in keys})
    return chat("extraction.record", draw.of(RECORD_SYSTEMS), (question, answer))


def _question(draw: Draw, kind: str, key: str) -> str:
    """For a field: by its key, or (in the training) as one asks who knows no keys."""
    if not draw.held_out and draw.below(0.5):
        return draw.of(QUESTIONS[kind][key])
    wording = draw.wording(train=SINGLE, held_out=SINGLE_HELD_OUT)
    number = key == "seats" and not draw.held_out and draw.below(0.7)
    return capitalised(wording.format("number of seats" if number else key))


def single(draw: Draw) -> Document:
    """One field after another, by questions."""
    kind, message, values = _told(draw)
    turns: list[tuple[str, str]] = []
    for key in draw.some(list(values), 1 if draw.held_out else draw.int(1, len(values))):
        asked = _question(draw, kind, key)
        turns.append((asked if turns else f"{message}\n{asked}", str(values[key])))
    return chat("extraction.single", draw.of(("", "You answer questions about a text.", "Answer briefly.")), *turns)
