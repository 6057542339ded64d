"""Questions with a look-up and a calculator, in steps of thought, action and observation: `examples/react.py`'s form.

The names are all invented; those of the example's book are not among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.document import Answer, Document, Piece, joined, plain
from models.draw import Draw
from models.examples import constant
from models.world.countries import COUNTRIES
from models.world.words import words

INSTRUCTIONS = str(constant("react", "INSTRUCTIONS"))

SHORT = (
    "Answer in steps: a thought and an action. The actions are Look up[name], Calculate[expression] and Finish[answer].\n\n",
    "Use Look up[name] and Calculate[expression], then Finish[answer].\n\n",
    "Think, act and observe. Actions: Look up[name], Calculate[expression], Finish[answer].\n\n",
    "",
)

BUILDINGS = words("Tower Hall Bridge Castle Church Palace Gate Dome Temple")


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
    return draw.of((country, country, country, draw.place(), f"the north of {country}", f"the south of {country}"))


def _river(draw: Draw) -> Thing:
    return Thing("river", draw.thing(), True, draw.fresh_int(100, 6999), "km", _place(draw))


def _mountain(draw: Draw) -> Thing:
    name = f"{draw.of(('Mount', 'Mont', 'Ben', 'Monte', 'Pico'))} {draw.place()}" if draw.below(0.5) else draw.thing()
    return Thing("mountain", name, False, draw.fresh_int(300, 8848), "m", _place(draw))


def _building(draw: Draw) -> Thing:
    name = f"{draw.place()} {draw.of(BUILDINGS)}"
    kind = draw.of(("building", "building", "tower", "clock tower", "church"))
    return Thing(kind, name, True, draw.fresh_int(100, 900), "m", _place(draw), draw.fresh_int(1200, 2024))


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


def difference(draw: Draw) -> Problem:
    large, little = _two(draw, draw.of((_mountain, _building, _river)))
    long, word = large.unit == "km", "longer" if large.unit == "km" else "higher"
    unit = "kilometres" if long else "metres"
    wording = draw.wording(
        train=(
            "How many {u} {w} is {0} than {1}?",
            "How many {u} is {0} {w} than {1}?",
            "By how many {u} is {0} {w} than {1}?",
            "How much {w} is {0} than {1}?",
            "{0} is how many {u} {w} than {1}?",
        ),
        held_out=("Compared with {1}, how many {u} {w} is {0}?", "How many {u} does {0} rise above {1}?")
        if not long
        else ("Compared with {1}, how many {u} {w} is {0}?",),
    )
    question = wording.format(large.in_text, little.in_text, u=unit, w=word)
    order = (little, large) if question.startswith("Compared") else (large, little)
    expression = f"{large.size} - {little.size}"
    return _with_value(question, order, large.measure, f"I subtract the {large.measure}s.", expression, large.unit)


def total(draw: Draw) -> Problem:
    one, other = _two(draw, draw.of((_mountain, _building, _river, _river)))
    one, other = (one, other) if draw.below(0.5) else (other, one)
    unit = "kilometres" if one.unit == "km" else "metres"
    wording = draw.wording(
        train=(
            "How many {u} are {0} and {1} together?",
            "What is the sum of the {m}s of {0} and {1}?",
            "How many {u} do {0} and {1} have together?",
            "Together, how many {u} are {0} and {1}?",
        ),
        held_out=("How many {u} do {0} and {1} make together?",),
    )
    question = wording.format(one.in_text, other.in_text, u=unit, m=one.measure)
    expression = f"{one.size} + {other.size}"
    return _with_value(question, (one, other), one.measure, f"I add the two {one.measure}s.", expression, one.unit)


def mean(draw: Draw) -> Problem:
    one, other = _two(draw, draw.of((_mountain, _building, _river)))
    one, other = (one, other) if draw.below(0.5) else (other, one)
    wording = draw.wording(
        train=(
            "What is the mean {m} of {0} and {1}?",
            "What is the average {m} of {0} and {1}?",
            "The mean {m} of {0} and {1}?",
        ),
        held_out=("Which mean {m} do {0} and {1} have?",),
    )
    question = wording.format(one.in_text, other.in_text, m=one.measure)
    expression = f"({one.size} + {other.size}) / 2"
    return _with_value(question, (one, other), one.measure, "I take the mean.", expression, one.unit)


def ratio(draw: Draw) -> Problem:
    large, little = _two(draw, draw.of((_mountain, _river, _building)))
    word = "long" if large.unit == "km" else "high"
    wordings = {
        "train": (
            "How many times as {w} as {1} is {0}?",
            "How many times {w}er than {1} is {0}?",
            "{0} is how many times as {w} as {1}?",
        ),
        "held_out": ("Compared with {1}, how many times as {w} is {0}?",),
    }
    question = draw.wording(**wordings).format(large.in_text, little.in_text, w=word)
    order = (large, little) if question.startswith(large.in_text[:1].upper() + large.in_text[1:]) else (little, large)
    expression = f"{large.size} / {little.size}"
    return _with_value(question, order, large.measure, f"I divide the {large.measure}s.", expression, "")


def how_many_fit(draw: Draw) -> Problem:
    """Buildings on top of each other: the plural of a name."""
    building = _building(draw)
    mountain = _mountain(draw)
    wording = draw.wording(
        train=(
            "How many {0}s would be as high as {1}?",
            "How many {0}s are as high as {1}?",
            "How many {0}s make one {1}?",
        ),
        held_out=("How many {0}s would it take to be as high as {1}?",),
    )
    question = wording.format(building.name.replace("Church", "Churche"), mountain.in_text)
    expression = f"{mountain.size} / {building.size}"
    return _with_value(question, (building, mountain), "height", "I divide the heights.", expression, "")


def years(draw: Draw) -> Problem:
    while (one := _building(draw)).year == (other := _building(draw)).year:
        pass
    old, new = sorted((one, other), key=lambda thing: thing.year)
    wording = draw.wording(
        train=(
            "How many years after {0} was {1} finished?",
            "How many years before {1} was {0} finished?",
            "How many years older is {0} than {1}?",
            "How many years newer is {1} than {0}?",
            "By how many years is {0} older than {1}?",
        ),
        held_out=("How many years lie between {0} and {1}?",),
    )
    question = wording.format(old.in_text, new.in_text)
    order = (old, new) if question.index(old.name) < question.index(new.name) else (new, old)
    return _with_value(question, order, "year", "I subtract the years.", f"{new.year} - {old.year}", "years")


def one_look(draw: Draw) -> Problem:
    """A question that one entry answers."""
    thing = draw.of((_river, _mountain, _building))(draw)
    kinds = {
        "place": (
            ("Where is {0}?", "In which country is {0}?", "In which place is {0}?"),
            ("In which part of the world is {0}?",),
        ),
        "height": (("How high is {0}?", "What is the height of {0}?"), ("How many metres high is {0}?",)),
        "length": (("How long is {0}?", "What is the length of {0}?"), ("How many kilometres long is {0}?",)),
        "year": (("When was {0} finished?", "In which year was {0} finished?"), ("What year is {0} from?",)),
    }
    what = draw.of(("place", "year" if thing.year else thing.measure, thing.measure))
    train, held_out = kinds[what]
    question = draw.wording(train=train, held_out=held_out).format(thing.in_text)
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


def problem(draw: Draw) -> Problem:
    return draw.of(KINDS)(draw)


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
