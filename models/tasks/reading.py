"""Answers from given passages: questions about a text, and the form of `examples/retrieval.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.document import Answer, Document, Message, chat
from models.draw import Draw
from models.tasks.extraction import article
from models.world.names import ANIMALS, COLOURS, FOODS, JOBS


@dataclass(frozen=True)
class Told:
    """One sentence of a text, with {0} for whom it is about and {1} for what it tells, and how that is asked for.

    words: what one would search for."""

    sentences: tuple[str, ...]
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    words: str
    value: Callable[[Draw], str]


def _number(low: int, high: int, unit: str = "") -> Callable[[Draw], str]:
    return lambda draw: f"{draw.fresh_int(low, high)}{unit}"


SUBJECTS: dict[str, tuple[Callable[[Draw], str], tuple[Told, ...]]] = {
    "building": (
        lambda draw: f"the {draw.of(('lighthouse', 'tower', 'hall', 'mill', 'castle', 'bridge'))} of {draw.place()}",
        (
            Told(("{0} was built in {1}.", "{0} dates from {1}.", "In {1} {0} was finished."),
                 ("When was {0} built?", "In which year was {0} finished?", "How old is {0}: which year?", "From what year is {0}?"), ("What year is {0} from?",), "built year",
                 _number(1500, 1990)),
            Told(("It is {1} high.", "It rises {1} above the ground.", "Its height is {1}."),
                 ("How high is {0}?", "What is the height of {0}?", "How many metres tall is it?", "How tall is the building?"), ("How tall is {0}?",), "high metres",
                 _number(8, 300, " metres")),
            Told(("It has {1} steps.", "A stair of {1} steps leads up.", "{1} steps lead to the top."),
                 ("How many steps does {0} have?", "How many steps are there?", "What number of steps is told?", "Say the number of steps."), ("What is the number of steps?",), "steps",
                 _number(20, 900)),
            Told(("Its last keeper was {1}.", "The last keeper, {1}, left long ago.", "{1} was the last keeper."),
                 ("Who was the last keeper?", "Who was the last keeper of {0}?", "What is the last keeper called?", "Name the last keeper."), ("What was the last keeper called?",),
                 "last keeper", Draw.person),
            Told(("It was planned by {1}.", "The plan is by {1}.", "{1} drew the plan."),
                 ("Who planned {0}?", "Whose plan was it?", "Who made the plan?", "By whom is the plan of {0}?"), ("Who made the plan of {0}?",), "plan", Draw.person),
            Told(("A visit costs {1}.", "Visitors pay {1}.", "A ticket is {1}."),
                 ("What does a visit cost?", "How much do visitors pay?", "What is the price of a visit?", "How much is a ticket?"), ("What is the price of a ticket?",),
                 "visit costs ticket", _number(2, 40, " euros")),
            Told(("Today it is a {1}.", "It is used as a {1} now.", "Since then it has been a {1}."),
                 ("What is {0} today?", "What is it used as now?", "What use does it have today?", "What is the use of it?"), ("What is the use of {0} now?",), "used today",
                 lambda draw: draw.of(("hostel", "museum", "school", "library", "restaurant", "theatre"))),
        ),
    ),
    "person": (
        Draw.first,
        (
            Told(("{0} lives in {1}.", "{0} has a house in {1}.", "The home of {0} is {1}."),
                 ("Where does {0} live?", "In which town does {0} live?", "What is the home of {0}?", "Which town is {0}'s home?"), ("What is the home town of {0}?",), "lives town",
                 Draw.place),
            Told(("{0} works as a {1}.", "{0} is a {1}.", "By trade {0} is a {1}."),
                 ("What is the job of {0}?", "What does {0} work as?", "Which work does {0} do?", "What job has {0}?"), ("Which job does {0} have?",), "works job",
                 lambda draw: draw.of(JOBS)),
            Told(("{0} has a {1}.", "{0} keeps a {1}.", "The pet of {0} is a {1}."),
                 ("Which animal does {0} have?", "What pet does {0} keep?", "Which animal lives at {0}'s?", "What animal is with {0}?"), ("What animal lives with {0}?",), "animal pet",
                 lambda draw: draw.of(ANIMALS)),
            Told(("{0} likes {1} best.", "{0} loves {1}.", "{0} eats {1} every day."),
                 ("What does {0} like to eat?", "Which food does {0} love?", "What is {0}'s favourite?", "Name the food that {0} likes."), ("What is the favourite food of {0}?",),
                 "food likes", lambda draw: draw.of(FOODS)),
            Told(("{0} drives a {1} car.", "The car of {0} is {1}.", "{0} bought a {1} car."),
                 ("Which colour is the car of {0}?", "What colour is {0}'s car?", "Of which colour is {0}'s car?", "In what colour does {0} drive?"), ("In which colour is the car of {0}?",),
                 "colour car", lambda draw: draw.of(COLOURS)),
            Told(("{0} is {1} years old.", "The age of {0} is {1}.", "{0} turned {1} this year."),
                 ("How old is {0}?", "What is the age of {0}?", "How many years has {0}?", "Which age does {0} have?"), ("How many years old is {0}?",), "old age",
                 _number(10, 99)),
            Told(("The best friend of {0} is {1}.", "{0} plays chess with {1}.", "{0} often meets {1}."),
                 ("Who is the friend of {0}?", "Whom does {0} meet?", "Who is a friend of {0}?", "Which person does {0} know well?"), ("Which person is a friend of {0}?",), "friend",
                 Draw.first),
            Told(("{0} lost a {1}.", "{0} found a {1} in the street.", "{0} bought a {1} on the market."),
                 ("Which thing is told of {0}?", "What thing did {0} lose, find or buy?", "What did {0} lose, find or buy?",
                  "Which thing is {0} said to have?"),
                 ("What thing is {0} said to have lost, found or bought?",), "thing", article),
        ),
    ),
}  # fmt: skip

NOT_TOLD = "The text does not say."
SYSTEMS = ("", "", "Answer from the text only.", "You answer questions about a text.", "Answer in a few words.")
FRAMES = ("{0}\n{1}", "{0}\n\n{1}", "{1}\n\n{0}", "Text: {0}\nQuestion: {1}", "Read this. {0}\n{1}",
          "This is the text.\n{0}\n\n{1}", "Here is a text.\n{0}\nAnswer this question: {1}", "{0}\nA question about it: {1}")  # fmt: skip
FRAMES_HELD_OUT = ("This is a text.\n{0}\n\nThis is a question about it.\n{1}",)

RETRIEVAL = "You answer questions from the passages that you are given, and from nothing else."
RETRIEVAL_NOT_TOLD = "The passages do not tell this."


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Line:
    told: Told
    who: str
    text: str
    value: str

    def question(self, draw: Draw) -> str:
        return draw.wording(train=self.told.train, held_out=self.told.held_out).format(self.who)


def _lines(draw: Draw) -> list[Line]:
    """Some sentences about one subject, or about two people in turn."""
    make, everything = SUBJECTS[draw.of(("building", "person", "person"))]
    whos = [make(draw) for _ in range(1 if make is not Draw.first else draw.int(1, 3))]
    lines: list[Line] = []
    for told in draw.some(everything, draw.int(3, min(6, len(everything)))):
        who, value = draw.of(whos), told.value(draw)
        lines.append(Line(told, who, _capitalised(draw.of(told.sentences).format(who, value)), value))
    return lines


def told(draw: Draw) -> str:
    """A text of some sentences."""
    return " ".join(line.text for line in _lines(draw))


def passage(draw: Draw, subjects: int = 1, task: str = "reading.passage") -> Document:
    """A text, short for one subject, and questions; sometimes the text does not say."""
    lines = [line for _ in range(subjects) for line in _lines(draw)]
    hidden = draw.of(lines) if len(lines) > 3 and draw.below(0.3) else None
    text = " ".join(line.text for line in lines if line is not hidden)
    turns: list[tuple[str, str]] = []
    asked = (
        [hidden] if draw.held_out and hidden else draw.some(lines, 1 if draw.held_out else draw.int(1, 2 + subjects))
    )
    for line in asked:
        frame = draw.wording(train=FRAMES, held_out=FRAMES_HELD_OUT)
        question = _capitalised(line.question(draw))
        turns.append((question if turns else frame.format(text, question), NOT_TOLD if line is hidden else line.value))
    return chat(task, draw.of(SYSTEMS), *turns)


def retrieval(draw: Draw) -> Document:
    """The form of `examples/retrieval.py`, on passages of our own."""
    lines = _lines(draw)
    wanted = draw.of(lines)
    found = draw.some([line for line in lines if line is not wanted], 1)
    told = draw.below(0.75)
    found = [wanted, *found] if told else draw.some([line for line in lines if line is not wanted], 2)
    passages = "\n".join(f"- {line.text}" for line in sorted(found, key=lines.index))
    say = Answer(wanted.text if told else RETRIEVAL_NOT_TOLD)
    messages = (
        Message("system", (RETRIEVAL,)),
        Message("user", (f"{_capitalised(wanted.question(draw))}\nWhich words would you search for?",)),
        Message("assistant", ("Search: ", Answer(wanted.told.words))),
        Message("user", (f"These passages were found.\n{passages}\nAnswer the question in one sentence.",)),
        Message("assistant", (say,)),
        Message("user", ("Do the passages tell this?",)),
        Message("assistant", (Answer("yes" if told else "no", ("yes", "no")),)),
    )
    return Document("reading.retrieval", messages)
