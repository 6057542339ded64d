"""Questions with a look-up and a calculator, in steps of thought, action and observation: `examples/react.py`'s form.

Most names are invented, some are of real rivers, mountains and sights; those of the example's book are not among them. What
is said of them is invented, too: it stands in the observation, and is to be read there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from models.document import Answer, Document, Piece, joined, plain
from models.draw import Draw
from models.examples import constant
from models.wordings import table
from models.world.countries import COUNTRIES
from models.world.landmarks import MOUNTAINS, RIVERS, SIGHTS
from models.world.words import words

INSTRUCTIONS = str(constant("react", "INSTRUCTIONS"))

SHORT: tuple[str, ...] = table("react", "short")

BUILDINGS = words("""\
Tower Hall Bridge Castle Church Palace Gate Dome Temple Spire Arch Minster Cathedral Abbey Fort Lighthouse Clock Stadium
Needle Monument House Building Museum Station Theatre Library Mosque Pagoda Chapel Court Mill Column Obelisk Centre Plaza
Fortress Keep Mast""")


DIFFERENCES: tuple[str, ...] = table("react", "differences")
DIFFERENCES_HELD_OUT = ("Compared with {1}, how many {u} {w} is {0}?",)
RISE: tuple[str, ...] = table("react", "rise")
RISE_HELD_OUT = "How many {u} does {0} rise above {1}?"
TOTALS: tuple[str, ...] = table("react", "totals")
TOTALS_LONG: tuple[str, ...] = table("react", "totals_long")
TOTALS_HIGH: tuple[str, ...] = table("react", "totals_high")
"""What suits rivers only, and what suits the others."""
TOTALS_HELD_OUT = ("How many {u} do {0} and {1} make together?",)
MEANS: tuple[str, ...] = table("react", "means")
MEANS_HELD_OUT = ("Which mean {m} do {0} and {1} have?",)
RATIOS: tuple[str, ...] = table("react", "ratios")
RATIOS_HELD_OUT = ("Compared with {1}, how many times as {w} is {0}?",)
FITS: tuple[str, ...] = table("react", "fits")
FITS_ONE: tuple[str, ...] = table("react", "fits_one")
"""Of one building, with its article. The mountain is not always the higher one, so none says that it is."""
FITS_HELD_OUT = ("How many {0} would it take to be as high as {1}?",)
YEARS: tuple[str, ...] = table("react", "years")
YEARS_HELD_OUT = ("How many years lie between {0} and {1}?",)
ONE: dict[str, tuple[str, ...]] = table("react", "one")
ONE_HELD_OUT: dict[str, tuple[str, ...]] = table("react", "one_held_out")
ASIDE: tuple[str, ...] = table("react", "aside")
"""What a question may stand behind in training, so that its own words are known in the middle of a line, too."""


@dataclass(frozen=True)
class Thing:
    """An entry of the book. name: without its article. year: 0 where it is not told."""

    kind: str
    name: str
    article: bool
    size: int
    unit: str
    place: str
    year: int = 0

    @property
    def in_text(self) -> str:
        return f"the {self.name}" if self.article else self.name

    @property
    def entry(self) -> str:
        subject = f"The {self.name}" if self.article else self.name
        finished = f", finished in {self.year}" if self.year else ""
        return f"{subject} is a {self.kind} of {self.size} {self.unit} in {self.place}{finished}."

    @property
    def measure(self) -> str:
        return "length" if self.unit == "km" else "height"


@dataclass(frozen=True)
class Step:
    """thought, action: what the model writes. observation: what comes of it; empty at the end."""

    thought: str
    action: str
    observation: str = ""


@dataclass(frozen=True)
class Problem:
    """book: the entries by their names in lower case. answer: what `Finish` says."""

    question: str
    book: dict[str, str]
    steps: tuple[Step, ...]
    answer: str


def calculated(expression: str) -> str:
    """As the example's calculator writes the value of `a + b`, `a - b`, `a / b` or `(a + b) / 2`."""
    inner, mean, _ = expression.partition(") / ")
    one, sign, other = inner.removeprefix("(").split(" ")
    a, b = float(one), float(other)
    value = {"+": a + b, "-": a - b, "/": a / b if b else 0.0}[sign]
    return f"{value / 2 if mean else value:.10g}"


def _place(draw: Draw) -> str:
    country = draw.of(COUNTRIES).in_text
    if draw.below(0.3):
        place = draw.place()
        return draw.of((f"{place} in {country}", f"{place} in {country}", f"{place} {draw.place()}"))
    return draw.of((country, country, country, draw.place(), f"the north of {country}", f"the south of {country}"))


def _river(draw: Draw) -> Thing:
    def made() -> str:
        if draw.below(0.8):
            return draw.thing()
        name = draw.place()
        return draw.of((f"{name} River", f"Little {name}", f"Great {name}", f"Upper {name}", f"White {name}"))

    return Thing("river", draw.known_or(RIVERS, made), True, draw.fresh_int(100, 6999), "km", _place(draw))


def _mountain(draw: Draw) -> Thing:
    def made() -> str:
        if draw.below(0.4):
            return draw.thing()
        name = draw.place()
        if draw.below(0.5):
            return f"{draw.of(('Mount', 'Mount', 'Mont', 'Ben', 'Monte', 'Pico', 'Piz', 'Little', 'Great'))} {name}"
        return f"{name} {draw.of(('Peak', 'Hill', 'Mountain', 'Horn', 'Fell', 'Pike', 'Rock'))}"

    article = not draw.held_out and draw.below(0.1)  # as the Matterhorn has one
    return Thing("mountain", draw.known_or(MOUNTAINS, made), article, draw.fresh_int(300, 8848), "m", _place(draw))


def _building(draw: Draw) -> Thing:
    def made() -> str:
        return f"{draw.place()} {draw.of(BUILDINGS)}" if draw.below(0.7) else draw.thing()

    name = draw.known_or(SIGHTS, made)
    kind = draw.of(("building", "building", "tower", "clock tower", "church"))
    article = draw.held_out or draw.below(0.85)  # and Big Ben has none
    return Thing(kind, name, article, draw.fresh_int(100, 900), "m", _place(draw), draw.fresh_int(1200, 2024))


def _looked_up(thing: Thing, what: str, *, first: bool) -> Step:
    need = "I need" if first else "Now I need"
    return Step(f"{need} the {what} of {thing.in_text}.", f"Look up[{thing.name}]", thing.entry)


def _finish(answer: str) -> Step:
    return Step("I know the answer.", f"Finish[{answer}]")


def _two(draw: Draw, make: Callable[[Draw], Thing]) -> tuple[Thing, Thing]:
    """The larger and the smaller of two things."""
    while True:
        one, other = make(draw), make(draw)
        if one.size != other.size:
            return (one, other) if one.size > other.size else (other, one)


def _problem(question: str, steps: list[Step], things: list[Thing], answer: str) -> Problem:
    book = {thing.name.lower(): thing.entry for thing in things}
    return Problem(question[:1].upper() + question[1:], book, (*steps, _finish(answer)), answer)


def _with_value(
    question: str, order: tuple[Thing, Thing], what: str, thought: str, expression: str, unit: str
) -> Problem:
    value = calculated(expression)
    steps = [
        _looked_up(order[0], what, first=True),
        _looked_up(order[1], what, first=False),
        Step(thought, f"Calculate[{expression}]", value),
    ]
    return _problem(question, steps, list(order), f"{value} {unit}".strip())


def _ordered(wording: str, zeroth: Thing, first: Thing) -> tuple[Thing, Thing]:
    """The two as the wording names them, which is how they are looked up."""
    return (zeroth, first) if wording.index("{0}") < wording.index("{1}") else (first, zeroth)


def _adjective(draw: Draw, thing: Thing) -> str:
    return "long" if thing.unit == "km" else draw.of(("high", "tall"))


def difference(draw: Draw) -> Problem:
    large, little = _two(draw, draw.of((_mountain, _building, _river)))
    long = large.unit == "km"
    word = "longer" if long else draw.of(("higher", "taller"))
    unit = "kilometres" if long else "metres"
    held_out = DIFFERENCES_HELD_OUT if long else (*DIFFERENCES_HELD_OUT, RISE_HELD_OUT)
    wording = draw.wording(train=DIFFERENCES if long else (*DIFFERENCES, *RISE), held_out=held_out)
    question = wording.format(large.in_text, little.in_text, u=unit, w=word, m=large.measure)
    order = _ordered(wording, large, little)
    expression = f"{large.size} - {little.size}"
    return _with_value(question, order, large.measure, f"I subtract the {large.measure}s.", expression, large.unit)


def total(draw: Draw) -> Problem:
    one, other = _two(draw, draw.of((_mountain, _building, _river, _river)))
    one, other = (one, other) if draw.below(0.5) else (other, one)
    unit, more = ("kilometres", TOTALS_LONG) if one.unit == "km" else ("metres", TOTALS_HIGH)
    wording = draw.wording(train=(*TOTALS, *more), held_out=TOTALS_HELD_OUT)
    question = wording.format(one.in_text, other.in_text, u=unit, w=_adjective(draw, one), m=one.measure)
    expression = f"{one.size} + {other.size}"
    return _with_value(question, (one, other), one.measure, f"I add the two {one.measure}s.", expression, one.unit)


def mean(draw: Draw) -> Problem:
    one, other = _two(draw, draw.of((_mountain, _building, _river)))
    one, other = (one, other) if draw.below(0.5) else (other, one)
    unit = "kilometres" if one.unit == "km" else "metres"
    wording = draw.wording(train=MEANS, held_out=MEANS_HELD_OUT)
    question = wording.format(one.in_text, other.in_text, u=unit, w=_adjective(draw, one), m=one.measure)
    expression = f"({one.size} + {other.size}) / 2"
    return _with_value(question, (one, other), one.measure, "I take the mean.", expression, one.unit)


def ratio(draw: Draw) -> Problem:
    large, little = _two(draw, draw.of((_mountain, _river, _building)))
    word = _adjective(draw, large)
    wording = draw.wording(train=RATIOS, held_out=RATIOS_HELD_OUT)
    question = wording.format(large.in_text, little.in_text, w=word, m=large.measure)
    order = _ordered(wording, large, little)
    expression = f"{large.size} / {little.size}"
    return _with_value(question, order, large.measure, f"I divide the {large.measure}s.", expression, "")


def how_many_fit(draw: Draw) -> Problem:
    """Buildings on top of each other: mostly the plural of a name."""
    building, mountain = replace(_building(draw), article=True), _mountain(draw)
    wording = draw.wording(train=(*FITS, *FITS_ONE), held_out=FITS_HELD_OUT)
    named = building.in_text if wording in FITS_ONE else _plural(building.name)
    question = wording.format(named, mountain.in_text)
    expression = f"{mountain.size} / {building.size}"
    order = _ordered(wording, building, mountain)
    return _with_value(question, order, "height", "I divide the heights.", expression, "")


def _plural(name: str) -> str:
    return name + ("es" if name.endswith(("ch", "s", "sh", "x", "z")) else "s")


def years(draw: Draw) -> Problem:
    while (one := _building(draw)).year == (other := _building(draw)).year:
        pass
    old, new = sorted((one, other), key=lambda thing: thing.year)
    wording = draw.wording(train=YEARS, held_out=YEARS_HELD_OUT)
    question = wording.format(old.in_text, new.in_text)
    order = _ordered(wording, old, new)
    return _with_value(question, order, "year", "I subtract the years.", f"{new.year} - {old.year}", "years")


def one_look(draw: Draw) -> Problem:
    """A question that one entry answers."""
    thing = draw.of((_river, _mountain, _building))(draw)
    what = draw.of(("place", "year" if thing.year else thing.measure, thing.measure))
    question = draw.wording(train=ONE[what], held_out=ONE_HELD_OUT[what]).format(thing.in_text)
    size = f"{thing.size} {thing.unit}"
    answer = {"place": thing.place, "year": str(thing.year)}.get(what, size)
    return _problem(question, [_looked_up(thing, what, first=True)], [thing], answer)


def unknown(draw: Draw) -> Problem:
    """The book has nothing about the first or the second thing."""
    base = draw.of((difference, total, mean))(draw)
    missing = draw.of((0, 1))
    step = base.steps[missing]
    name = step.action.removeprefix("Look up[").removesuffix("]")
    failed = Step(step.thought, step.action, f"The book has nothing about {name!r}.")
    answer = "I do not know"
    last = Step("The book does not tell.", f"Finish[{answer}]")
    book = {key: entry for key, entry in base.book.items() if key != name.lower()}
    return Problem(base.question, book, (*base.steps[:missing], failed, last), answer)


KINDS = (difference, difference, total, total, mean, ratio, how_many_fit, years, years, one_look, one_look, unknown)
PRACTISED = (*KINDS, ratio, how_many_fit, how_many_fit)
"""A name out of its plural is learnt slowly."""


def problem(draw: Draw) -> Problem:
    made = draw.of(KINDS if draw.held_out else PRACTISED)(draw)
    return made if draw.held_out or draw.below(0.85) else replace(made, question=draw.of(ASIDE).format(made.question))


def pieces_of(one: Problem) -> list[Piece]:
    pieces: list[Piece] = [f"Question: {one.question}\n"]
    for step in one.steps:
        pieces += ["Thought: ", Answer(step.thought), "\nAction: ", Answer(step.action), "\n"]
        if step.observation:
            pieces.append(f"Observation: {step.observation}\n")
    return pieces


def react(draw: Draw) -> Document:
    """Some problems behind one of the instructions: a third of them are the example's own."""
    pieces: list[Piece] = []
    if draw.below(0.33):
        pieces.append(INSTRUCTIONS)
    else:
        pieces.append(draw.of(SHORT))
    for number in range(draw.of((1, 2, 3))):
        pieces += ["\n"] * (number > 0) + pieces_of(problem(draw))
    return plain("react.problem", *joined(pieces))


CALCULATED = (difference, total, mean, ratio, how_many_fit, how_many_fit, years)


def plan(draw: Draw) -> Document:
    """Parts of many problems: the thoughts alone, which say what is looked up and calculated, or what comes after the look-ups.
    In a whole problem these are a few of many tokens, so they are learnt late."""
    thoughts = draw.below(0.5)
    pieces: list[Piece] = [
        draw.of(("", "", "What is to be looked up, and calculated?\n\n", "Add, subtract, divide or take the mean.\n\n"))
    ]
    for number in range(draw.int(3, 7) if thoughts else draw.int(2, 4)):
        made = draw.of(CALCULATED if thoughts or draw.below(0.8) else (one_look,))(draw)
        pieces.append("\n" * (number > 0) + f"Question: {made.question}\n")
        for step in made.steps[:-1] if thoughts else made.steps:
            if thoughts:
                pieces += ["Thought: ", Answer(step.thought), "\n"]
            else:
                if not step.action.startswith("Look up["):
                    pieces += ["Thought: ", Answer(step.thought), "\nAction: ", Answer(step.action), "\n"]
                if step.observation:
                    pieces.append(f"Observation: {step.observation}\n")
    return plain("react.plan", *joined(pieces))
