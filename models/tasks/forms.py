"""Following a form: lists, numbered steps, scores with a reason, yes or no.

One question has one answer, the first items of a table: the form is to be learnt, and chance cannot be.
"""

from __future__ import annotations

import re

from models.document import Answer, Document, chat
from models.draw import Draw
from models.tasks.classify import opinion
from models.world.countries import CONTINENTS, COUNTRIES
from models.world.measures import DAYS, MONTHS
from models.world.names import ANIMALS, COLOURS, FOODS, JOBS

SYSTEMS = (
    "",
    "",
    "You follow instructions exactly.",
    "You are a helpful assistant.",
    "Answer in the form that is asked for.",
)
COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}
KINDS = {"animals": ANIMALS, "colours": COLOURS, "foods": FOODS, "jobs": JOBS, "days": DAYS,
         "months": tuple(name for name, _ in MONTHS)}  # fmt: skip

FORMS = {
    "dashes": (
        (
            "as a list with dashes",
            "as a bulleted list",
            "one a line with a dash",
            "as bullet points",
            "in lines that begin with a dash",
        ),
        ("in a list whose lines begin with a dash",),
    ),
    "numbers": (
        (
            "as a numbered list",
            "in a numbered list",
            "numbered, one a line",
            "with numbers, one a line",
            "as a list with numbers",
        ),
        ("in a list with numbers",),
    ),
    "commas": (
        (
            "separated by commas",
            "in one line with commas",
            "with commas",
            "with commas between them",
            "on one line, with commas",
        ),
        ("in one line, with commas between them",),
    ),
    "lines": (
        ("one a line", "each on its own line", "on separate lines", "one on each line", "on lines of their own"),
        ("each on a line of its own",),
    ),
}
NAME = ("Name {0} {1} {2}.", "Give me {0} {1} {2}.", "List {0} {1} {2}.", "I want {0} {1} {2}.", "Write {0} {1} {2}.",
        "Please name {0} {1} {2}.", "Please give me {0} {1} {2}.", "Write down {0} {1} {2}.", "Put down {0} {1} {2}.")  # fmt: skip
NAME_HELD_OUT = ("Please write down {0} {1} {2}.",)


def _laid_out(form: str, items: list[str]) -> tuple[str, str]:
    """The items in a form, and the regex of that form."""
    word = r"[A-Za-z' -]+"
    count = len(items) - 1
    match form:
        case "dashes":
            return "\n".join(f"- {item}" for item in items), rf"- {word}(\n- {word}){{{count}}}"
        case "numbers":
            lines = [f"{number}. {item}" for number, item in enumerate(items, 1)]
            return "\n".join(lines), r"\n".join(rf"{number}\. {word}" for number in range(1, len(items) + 1))
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
    train, held_out = FORMS[form]
    how = draw.wording(train=train, held_out=held_out)
    number = draw.of((str(count), COUNTS[count]))
    asked = draw.wording(train=NAME, held_out=NAME_HELD_OUT).format(number, what, how)
    answer, pattern = _laid_out(form, items[:count])
    return chat("forms.list", draw.of(SYSTEMS), (asked, answer), pattern=pattern)


STEPS = {
    "make tea": ("Boil the water.", "Put the tea into a cup.", "Pour the water over it.", "Wait four minutes.", "Take out the tea."),
    "boil an egg": ("Boil the water.", "Put the egg in.", "Wait six minutes.", "Take the egg out.", "Cool it in cold water."),
    "plant a tree": ("Dig a hole.", "Put the tree in.", "Fill the hole with soil.", "Water it well.", "Tie it to a post."),
    "wash a shirt": ("Sort out the colours.", "Fill in the soap.", "Wash it at 40 degrees.", "Hang it up.", "Iron it."),
    "bake bread": ("Mix flour and water.", "Knead the dough.", "Let it rise.", "Form a loaf.", "Bake it for an hour."),
    "mend a tyre": ("Take off the wheel.", "Find the hole.", "Glue a patch on it.", "Put the wheel back.", "Pump it up."),
    "write a letter": ("Write the date.", "Greet the reader.", "Say what you want.", "Sign your name.", "Put on a stamp."),
    "clean a window": ("Fill a bucket.", "Wet the glass.", "Wipe off the dirt.", "Dry it with a cloth.", "Look for spots."),
    "paint a wall": ("Clear the room.", "Cover the floor.", "Stir the paint.", "Paint from top to bottom.", "Let it dry."),
    "pack a suitcase": ("Make a list.", "Lay out the clothes.", "Put heavy things below.", "Fill the gaps.", "Close the lid."),
}  # fmt: skip
HOW = ("How do I {0}? Give {1} numbered steps.", "Explain in {1} numbered steps how to {0}.", "{1} numbered steps to {0}, please.",
       "Write {1} steps, numbered, to {0}.", "Tell me how to {0} in {1} numbered steps.", "In {1} numbered steps, how can I {0}?",
       "List {1} numbered steps to {0}.")  # fmt: skip
HOW_HELD_OUT = ("Tell me in {1} numbered steps how I can {0}.",)


def steps(draw: Draw) -> Document:
    task = draw.of(list(STEPS))
    count = draw.int(3, 5)
    number = draw.of((str(count), COUNTS[count]))
    asked = draw.wording(train=HOW, held_out=HOW_HELD_OUT).format(task, number)
    lines = [f"{place}. {step}" for place, step in enumerate(STEPS[task][:count], 1)]
    pattern = r"\n".join(rf"{place}\. [^\n]+" for place in range(1, count + 1))
    return chat("forms.steps", draw.of(SYSTEMS), (asked[:1].upper() + asked[1:], "\n".join(lines)), pattern=pattern)


SCORES = (
    *("Give this review a score from 1 to 10 and a reason.\n{0}", "{0}\nScore from 1 to 10, and why?"),
    *(
        "How pleased is the writer, from 1 to 10? Give a score and a reason.\n{0}",
        "Score this from 1 to 10 with a reason: {0}",
    ),
    *(
        "Read the review, score it from 1 to 10 and say why.\n{0}",
        "Give a score from 1 to 10, with a reason, for this: {0}",
    ),
    *("Please read this. What is your score from 1 to 10, and your reason?\n{0}", "From 1 to 10, with a reason: {0}"),
)
SCORES_HELD_OUT = ("Read this and give a score from 1 to 10, with a reason.\n{0}",)


def score(draw: Draw) -> Document:
    text, label = opinion(draw)
    asked = draw.wording(train=SCORES, held_out=SCORES_HELD_OUT).format(text)
    reason = re.split(r"(?<=[.!])", text)[0].strip()
    number = 8 if label == "positive" else 3
    answer = f"Score: {number}\nReason: {reason}"
    return chat("forms.score", draw.of(SYSTEMS), (asked, answer), pattern=r"Score: ([1-9]|10)\nReason: [^\n]+")


YES = ("Answer yes or no: {0}", "{0} Answer yes or no.", "Yes or no? {0}", "{0} Say yes or no.",
       "{0} Reply yes or no.", "Please answer with yes or no: {0}", "{0} Only yes or no.")  # fmt: skip
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
