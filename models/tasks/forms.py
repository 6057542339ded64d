"""Following a form: lists, numbered steps, scores with a reason, yes or no.

One question has one answer, the first items of a table: the form is to be learnt, and chance cannot be.
"""

from __future__ import annotations

import re

from models.document import Answer, Document, chat
from models.draw import Draw
from models.tasks.classify import opinion
from models.wordings import table
from models.world import names
from models.world.countries import CONTINENTS, COUNTRIES
from models.world.measures import DAYS, MONTHS
from models.world.names import ANIMALS, COLOURS, FOODS, JOBS

SYSTEMS: tuple[str, ...] = table("forms", "systems")
COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}
KINDS = {"animals": ANIMALS, "colours": COLOURS, "foods": FOODS, "jobs": JOBS, "days": DAYS,
         "months": tuple(name for name, _ in MONTHS), "days of the week": DAYS, "months of the year": tuple(name for name, _ in MONTHS),
         "colors": COLOURS, "fruits": names.FRUITS, "vegetables": names.VEGETABLES, "sports": names.SPORTS, "drinks": names.DRINKS,
         "cities": names.CITIES, "countries": names.LANDS, "musical instruments": names.INSTRUMENTS, "instruments": names.INSTRUMENTS,
         "languages": names.TONGUES, "trees": names.TREES, "flowers": names.FLOWERS, "clothes": names.CLOTHES, "tools": names.TOOLS,
         "vehicles": names.VEHICLES, "birds": names.BIRDS, "body parts": names.BODY, "parts of the body": names.BODY,
         "school subjects": names.SUBJECTS, "fish": names.FISH, "insects": names.INSECTS, "metals": names.METALS,
         "planets": names.PLANETS, "pieces of furniture": names.FURNITURE, "rooms": names.ROOMS, "shapes": names.SHAPES,
         "hobbies": names.HOBBIES, "desserts": names.DESSERTS, "spices": names.SPICES, "feelings": names.FEELINGS,
         "professions": JOBS, "kinds of food": FOODS}  # fmt: skip

FORMS: dict[str, dict[str, tuple[str, ...]]] = table("forms", "forms")
NAME: tuple[str, ...] = table("forms", "name")
NAME_HELD_OUT = ("Please write down {0} {1} {2}.",)

SENTENCES: dict[str, tuple[str, ...]] = table("forms", "sentences")
"""What may follow a request, as a sentence of its own."""
FIRST: dict[str, tuple[str, ...]] = table("forms", "first")
"""What may stand before a request."""
BEFORE: dict[str, tuple[str, ...]] = table("forms", "before")
LIST_OF: tuple[str, ...] = table("forms", "list_of")


def _asked(draw: Draw, form: str, number: str, what: str) -> str:
    """A request for a list in a form."""
    how = draw.wording(**FORMS[form])
    wording = draw.wording(train=NAME, held_out=NAME_HELD_OUT)
    place = 0 if draw.held_out else draw.of((0, 0, 0, 1, 1, 2, 3))
    if place == 0:
        if not draw.held_out and draw.below(0.35):
            wording = wording.replace(" {2}", ", {2}")
        return wording.format(number, what, how)
    if place == 3:
        asked = draw.of(LIST_OF).format(draw.of(BEFORE[form]).format(number, what))
        return asked[:1].upper() + asked[1:]
    bare = wording.replace(" {2}", "").format(number, what)
    if place == 1:
        return bare + draw.of((" ", " ", "\n")) + draw.of(SENTENCES[form])
    first = draw.of(FIRST[form])
    return f"{first}, {bare if bare.startswith('I') else bare[:1].lower() + bare[1:]}"


def _laid_out(form: str, items: list[str]) -> tuple[str, str]:
    """The items in a form, and the regex of that form."""
    word = r"[A-Za-z' -]+"
    count = len(items) - 1
    match form:
        case "dashes":
            return "\n".join(f"- {item}" for item in items), rf"- {word}(\n- {word}){{{count}}}"
        case "numbers":
            numbered = [f"{number}. {item}" for number, item in enumerate(items, 1)]
            return "\n".join(numbered), r"\n".join(rf"{number}\. {word}" for number in range(1, len(items) + 1))
        case "commas":
            return ", ".join(items), rf"{word}(, {word}){{{count}}}"
        case _:
            return "\n".join(items), rf"{word}(\n{word}){{{count}}}"


def lists(draw: Draw) -> Document:
    form = draw.of(list(FORMS))
    count = draw.int(2, 5)
    if draw.below(0.2):
        continent = draw.of(CONTINENTS)
        what, items = f"countries in {continent}", [one.name for one in COUNTRIES if one.continent == continent]
    else:
        what = draw.of(list(KINDS))
        items = list(KINDS[what])
    asked = _asked(draw, form, draw.of((str(count), COUNTS[count])), what)
    answer, pattern = _laid_out(form, items[:count])
    return chat("forms.list", draw.of(SYSTEMS), (asked, answer), pattern=pattern)


STEPS: tuple[tuple[str, str, tuple[str, ...]], ...] = table("forms", "steps")
HOW: tuple[str, ...] = table("forms", "how")
HOW_HELD_OUT = ("Tell me in {1} numbered steps how I can {0}.",)


def steps(draw: Draw) -> Document:
    task, doing, what = draw.of(STEPS)
    count = draw.int(3, 5)
    number = draw.of((str(count), COUNTS[count]))
    asked = draw.wording(train=HOW, held_out=HOW_HELD_OUT).format(task, number, doing)
    made = [f"{place}. {step}" for place, step in enumerate(what[:count], 1)]
    pattern = r"\n".join(rf"{place}\. [^\n]+" for place in range(1, count + 1))
    return chat("forms.steps", draw.of(SYSTEMS), (asked[:1].upper() + asked[1:], "\n".join(made)), pattern=pattern)


SCORES: tuple[str, ...] = table("forms", "scores")
SCORES_HELD_OUT = ("Read this and give a score from 1 to 10, with a reason.\n{0}",)


def score(draw: Draw) -> Document:
    text, label = opinion(draw)
    asked = draw.wording(train=SCORES, held_out=SCORES_HELD_OUT).format(text)
    reason = re.split(r"(?<=[.!])", text)[0].strip()
    number = 8 if label == "positive" else 3
    answer = f"Score: {number}\nReason: {reason}"
    return chat("forms.score", draw.of(SYSTEMS), (asked, answer), pattern=r"Score: ([1-9]|10)\nReason: [^\n]+")


YES: tuple[str, ...] = table("forms", "yes")
YES_HELD_OUT = ("{0} Reply with yes or no only.",)


def yes_or_no(draw: Draw) -> Document:
    """About sizes of numbers and places of countries."""
    turns: list[tuple[str, Answer]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 3)):
        if draw.below(0.5):
            one, other = draw.pair("<", 1, 99)
            question, true = f"Is {one} larger than {other}?", one > other
        else:
            country = draw.of([one for one in COUNTRIES if one.continent])
            continent = country.continent if draw.below(0.5) else draw.of(CONTINENTS)
            question, true = f"Is {country.in_text} in {continent}?", continent == country.continent
        asked = draw.wording(train=YES, held_out=YES_HELD_OUT).format(question)
        turns.append((asked, Answer("yes" if true else "no", ("yes", "no"))))
    return chat("forms.yes_or_no", draw.of(SYSTEMS), *turns, pattern="yes|no")
