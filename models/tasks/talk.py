"""The forms of the other examples: advice, essays and judges, a town, reports, stories, word problems.

A model of this size has no opinions and few ideas: what it learns here is to say something that fits the form.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.document import Answer, Document, Message, Piece, chat, joined, plain
from models.draw import Draw
from models.examples import constant
from models.world.names import FOODS, JOBS
from models.world.words import lines

ADVICE = (
    ("Start small", "Begin with one small thing, and do more when it has become easy."),
    ("Make a simple plan", "Write down what you want to do this week, and leave room for what goes wrong."),
    ("Set a fixed time", "Choose a time of the day and keep to it, so that you need not decide each time."),
    ("Ask someone who knows", "Talk with a person who has done it before, and listen to what was hard."),
    ("Do a little every day", "Ten minutes every day bring you further than two hours once a week."),
    ("Look at what you have", "Before you buy anything, look at what is there already."),
    ("Keep it simple", "Use few things that are easy to get, and do without the rest."),
    ("Watch what happens", "Look at it again after a week, and change what did not work."),
    ("Take breaks", "Stop before you are tired, and go on with joy the next day."),
    ("Share the work", "Say clearly who does what, and thank each other for it."),
    ("Be patient", "It takes some weeks before you see a change."),
    ("Write it down", "Keep short notes, because you forget more than you think."),
    ("Check the basics", "Look first at what everything else depends on."),
    ("Think of the weather", "Be ready for rain and for heat."),
)  # fmt: skip
ADVICE_SYSTEM = "You give practical advice. First you outline your answer, then you work out each point of it."
WISHES: Sequence[str] = """\
learn to swim, learn a language, save money, find a flat, keep a diary, grow tomatoes, plan a journey, run ten kilometres,
learn to draw, tidy up my room, make new friends, write a letter, choose a gift, look after a dog, sleep better, eat less
sugar, get up early, learn the piano, prepare an exam, talk to my neighbours, mend my clothes, paint my kitchen, cook for
guests, read a newspaper, keep plants alive, buy a used car, pack for a trip, work from home, start a club""".replace(
    "\n", " "
).split(", ")
ASKS = (
    "How do I {0}?",
    "How can I {0}?",
    "What helps me to {0}?",
    "What should I know before I {0}?",
    "I want to {0}. How?",
)


def advice_on(wish: str, count: int) -> list[tuple[str, str]]:
    """For one wish always the same."""
    first = WISHES.index(wish)
    return [ADVICE[(first + 5 * number) % len(ADVICE)] for number in range(count)]


def skeleton(draw: Draw) -> Document:
    wish = draw.of(WISHES)
    question = draw.of(ASKS).format(wish)
    points = advice_on(wish, 4)
    outline: list[Piece] = []
    for number, (point, _) in enumerate(points, 1):
        outline += [f"{number}. ", Answer(point), "\n"]
    number = draw.int(1, 4)
    point, text = points[number - 1]
    return Document(
        "talk.skeleton",
        (
            Message("system", (ADVICE_SYSTEM,)),
            Message("user", (f"{question}\nOutline an answer of 4 points of at most six words each.",)),
            Message("assistant", tuple(outline)),
            Message("user", (f"Work out point {number}, {point}, in one or two sentences.",)),
            Message("assistant", (Answer(text),)),
        ),
    )


def advice(draw: Draw) -> Document:
    wish = draw.of(WISHES)
    question = draw.of(ASKS).format(wish)
    texts = [text for _, text in advice_on(wish, 2)]
    system = draw.of(("You give advice. Answer at length.", "Answer at length, with reasons and examples.", ""))
    return chat("talk.advice", system, (question, " ".join(texts)))


RUBRIC = str(constant("judge", "RUBRIC"))
SHORT_RUBRIC = "You are one of the judges of an essay competition. Answer with one line of comment and a score. The score is a whole number from 1 to 10."
QUESTIONS: dict[str, str] = constant("judge", "DIMENSIONS")
COMMENTS = {
    "clarity": ("Your sentences are short and plain.", "Many sentences have to be read twice."),
    "structure": ("Each paragraph does one job.", "The paragraphs have no order."),
    "evidence": ("Numbers and examples support your claims.", "Your claims stand without examples."),
    "reasoning": ("Your conclusion follows from what you say.", "Your conclusion does not follow."),
    "originality": ("You see what others pass by.", "Much of this has been said before."),
    "style": ("Your voice suits the subject.", "The essay has no voice of its own."),
}
GOOD_PARTS = (
    *(
        "In {0} the {1} counted {2} visitors in one week.",
        "My neighbour, a {1}, told me why.",
        "Of {2} people, half agreed.",
    ),
    *(
        "For example, the {1} in {0} shares tools with {2} families.",
        "The reason is simple: it costs {2} euros a year.",
    ),
    *("The usual objection is the price, but it is {2} euros only.", "I tried it myself for {2} days."),
)
WEAK_PARTS = (
    *("Everybody knows that this is important.", "Things are nice, and that is good.", "It is what it is, in a way."),
    *("There are many aspects to this topic.", "Some say this and some say that.", "In the end all is one."),
    *("We should all do more about it.", "Since the dawn of time people have thought about this."),
)


def _rubric(draw: Draw) -> str:
    return RUBRIC if draw.below(0.4) else SHORT_RUBRIC


def essay(draw: Draw, good: bool) -> str:
    paragraphs: list[str] = [f"On {draw.of(FOODS)} and {draw.of(FOODS)}"]
    for _ in range(draw.int(2, 4)):
        parts = [
            draw.of(GOOD_PARTS if draw.below(0.8 if good else 0.1) else WEAK_PARTS).format(
                draw.place(), draw.of(JOBS), draw.int(2, 900)
            )
            for _ in range(draw.int(2, 5))
        ]
        paragraphs.append(" ".join(parts))
    return "\n\n".join(paragraphs)


def judge(draw: Draw) -> Document:
    """One dimension of an essay."""
    good = draw.below(0.6)
    name = draw.of(list(QUESTIONS))
    score = 8 if good else 4
    question = f"This is the essay.\n\n{essay(draw, good)}\n\nJudge its {name}. {QUESTIONS[name]}"
    said = ("Comment: ", Answer(COMMENTS[name][not good]), "\nScore: ", Answer(str(score)))
    messages = (Message("system", (_rubric(draw),)), Message("user", (question,)), Message("assistant", said))
    return Document("talk.judge", messages)


def verdict(draw: Draw) -> Document:
    level = draw.of((3, 5, 8))
    lines: list[str] = []
    scores: list[int] = []
    for name in QUESTIONS:
        scores.append(max(1, min(10, level + draw.int(-2, 2))))
        lines.append(f"- {name}: {scores[-1]} of 10. {COMMENTS[name][scores[-1] < 6]}")
    mean = sum(scores) / len(scores)
    decided = "accept" if mean >= 6.5 else "revise" if mean >= 4 else "reject"
    text = f"This is the essay.\n\n{essay(draw, mean >= 6)}\n\nThis is what the judges said.\n" + "\n".join(lines)
    said = ("Verdict: ", Answer(decided, ("accept", "revise", "reject")))
    messages = (
        Message("system", (_rubric(draw),)),
        Message("user", (f"{text}\n\nWeigh it and give the verdict.",)),
        Message("assistant", said),
    )
    return Document("talk.verdict", messages)


TOWN = str(constant("generative_agents", "TOWN"))
EVENTS = (
    ("the bridge is closed because of a crack", 7, "goes to look at the bridge", "walk round by the ford"),
    ("a cat sits on the roof of the school", 2, "calls the fire brigade", "bring a ladder"),
    ("the bakery burns down in the night", 9, "runs to help with buckets", "collect money for a new oven"),
    ("the well in the square runs dry", 8, "tells all the neighbours", "carry water from the river"),
    ("someone has painted the mill blue", 4, "asks who did it", "find the painter"),
    ("a travelling circus puts up its tent", 5, "buys two tickets", "see the show tonight"),
    ("the mayor says that she will leave", 7, "talks with the mayor", "look for a new mayor"),
    ("a storm breaks the windows of the school", 8, "brings boards and nails", "mend the windows"),
    ("it rains for an hour", 1, "opens an umbrella", "stay at home"),
    ("a child is lost in the woods", 9, "joins the search", "search until night"),
    ("a parcel comes for a man who left long ago", 3, "asks at the post office", "find the man"),
    ("the bus has a new driver", 2, "says hello to the driver", "take the bus"),
)


def town(draw: Draw) -> Document:
    name = draw.first()
    event, weight, reaction, plan = draw.of(EVENTS)
    person = f"{name} is {draw.of(('the', 'a retired', 'a young', 'an old'))} {draw.of(JOBS)}"
    choice = "react" if weight > 4 else "carry on"
    pieces: list[Piece] = [
        f"{TOWN}{person}. Today {name} plans to {draw.of(WISHES).replace('my ', 'the ')}. Then this happens: {event}\n"
        f"How much does it matter to {name}, from 1, an everyday thing, to 9, a turn in life? ",
        Answer(str(weight)),
        f"\nWhat does {name} do? ",
        Answer(choice, ("carry on", "react")),
    ]
    if choice == "react":
        pieces += [".\nAt once", Answer(f" {name} {reaction}."), "\nFrom now on the plan is to", Answer(f" {plan}.")]
    return plain("talk.town", *joined([*pieces, "\n"]))


def chronicle(draw: Draw) -> Document:
    event, _, _, plan = draw.of(EVENTS)
    names = [draw.first() for _ in range(3)]
    lines = "".join(f"{name} then had in mind to {draw.of((plan, draw.of(WISHES)))}.\n" for name in names)
    told = Answer(f" One day {event}.")
    start = f"{TOWN}One day this happened: {event}\n{lines}The chronicle of the town has one sentence about it:"
    return plain("talk.chronicle", start, told, "\n")


SECTIONS = (
    (
        "Visits",
        ("{1} people came, {0} more than the year before.", "Most of them came on {2}.", "Mornings were quiet."),
    ),
    (
        "Money",
        ("The costs were {1} euros, and {0} euros came in.", "Fuel was dearer than planned.", "The rest was saved."),
    ),
    (
        "Building",
        ("The roof was mended for {1} euros.", "The heating uses {0} percent less gas.", "Windows come next."),
    ),
    ("People", ("{0} people work here, and {1} helped.", "One post is free.", "They ask for more time.")),
    ("Method", ("{0} gardens were visited on {1} days.", "Families took part.", "A biologist read the notes.")),
    ("Advice", ("Leave {0} metres free, and ask {1} neighbours.", "Do it in spring.", "Talk with each other.")),
    ("Results", ("{0} of {1} tests were good.", "The others will be done again.", "Nobody was hurt.")),
)
NOTE_SYSTEM = "You read one section of a report and note what its readers must know, in one plain sentence."
SUMMARY_SYSTEM = "You write short summaries of reports from notes on their sections, and add nothing of your own."
DAYS = ("Sunday", "Monday", "Friday")


def _section(draw: Draw) -> tuple[str, str]:
    """A section and its first sentence."""
    head, sentences = draw.of(SECTIONS)
    filled = [sentence.format(draw.int(2, 99), draw.int(100, 9000), draw.of(DAYS)) for sentence in sentences]
    if draw.below(0.5):
        filled.insert(0, f"{draw.person()} wrote about {draw.place()} in {draw.int(1950, 2020)}.")
    return f"{head}. {' '.join(filled)}", filled[0]


def note(draw: Draw) -> Document:
    section, first = _section(draw)
    return chat("talk.note", NOTE_SYSTEM, (section, first))


def summary(draw: Draw) -> Document:
    notes = [_section(draw)[1] for _ in range(draw.int(3, 4))]
    title = f"{draw.of(('A year of', 'The story of', 'News from', 'Ten days in', 'Work at'))} {draw.place()}"
    listed = "\n- ".join(notes)
    messages = (
        Message("system", (SUMMARY_SYSTEM,)),
        Message("user", (f"These are the notes on the report '{title}'.\n- {listed}",)),
        Message("assistant", ("Summary: ", Answer(f"{notes[0]} {notes[1]}"))),
        Message("user", ("Give it a headline of at most eight words.",)),
        Message("assistant", ("Headline: ", Answer(title))),
    )
    return Document("talk.summary", messages)


STORIES = (
    ("A woman puts a kettle on the stove. When the water boils, she", "pours it over the tea leaves and waits."),
    ("A man finds a hole in his sock. He takes needle and thread and", "sews it up with small stitches."),
    ("A boy throws a stick into the lake. His dog", "jumps into the water and swims after it."),
    ("A girl plants a seed in a pot. Every morning she", "gives it water and looks for the first leaf."),
    ("A postman rings at the door with a heavy parcel. The woman", "signs her name and carries it inside."),
    ("A fisherman pulls at his net. It is heavy, and he", "lifts a dozen silver fish into the boat."),
    ("A baker takes the dough out of the bowl. On the table he", "kneads it and forms two round loaves."),
    ("A climber reaches for the next hold. Below her the rope", "runs through the hands of her friend."),
    ("A painter opens a pot of white paint. With a wide brush he", "covers the wall from top to bottom."),
    ("A teacher writes a sum on the board. The children", "copy it into their books and begin to count."),
    ("A driver sees the red light. She", "steps on the brake and waits for green."),
    ("A cat hears a noise behind the cupboard. It", "sits still and watches the gap for a mouse."),
    ("A goalkeeper sees the ball come high. He", "jumps and catches it with both hands."),
    ("A gardener looks at the dry roses. She", "fills the can and waters the bed."),
    ("A pianist sits down and opens the lid. After a moment she", "begins to play a slow piece."),
    ("A man comes home with wet shoes. In front of the door he", "takes them off and puts them out to dry."),
    ("A waiter brings the bill. The guests", "pay, get up and put on their coats."),
    ("A child blows up a balloon. It grows and grows, until it", "bursts with a loud bang."),
    ("A farmer opens the gate in the morning. The cows", "walk out to the grass one after another."),
    ("A woman drops her keys into the snow. On her knees she", "searches for them with her bare hands."),
)  # fmt: skip


SHOWN = str(constant("hellaswag", "EXAMPLES"))


def story(draw: Draw) -> Document:
    pieces: list[Piece] = [draw.of((SHOWN, "Each story goes on in the way that makes the most sense.\n\n", ""))]
    for begin, end in draw.some(STORIES, draw.int(1, 3)):
        others = [text for _, text in draw.some(STORIES, 4) if text != end][:3]
        pieces += [f"Story: {begin}\nGoes on: ", Answer(end, (end, *others)), "\n\n"]
    return plain("talk.story", *joined(pieces))


WORKED = str(constant("self_consistency", "EXAMPLE"))
STEPWISE = str(constant("tree_of_thought", "INSTRUCTIONS"))
SHORT_STEPWISE = "Solve the problem in 3 short steps.\n\n"


def word_problem(draw: Draw) -> Document:
    """In the form of `examples/self_consistency.py`, or step by step as in `examples/tree_of_thought.py`."""
    problem, thoughts, value = _problem(draw)
    if draw.below(0.6):
        intros = ("Think in one line, then give the answer as a number.\n\n", "", "Solve the problem.\n\n", WORKED)
        intro = draw.of(intros)
        said = f" {' '.join(thoughts)}"
        start = f"{intro}Problem: {problem}\nThought:"
        return plain("talk.word_problem", start, Answer(said), "\nAnswer: ", Answer(str(value)), "\n")
    steps = [*thoughts, "That is all.", "Nothing is left to do."][:3]
    pieces: list[Piece] = [f"{draw.of((STEPWISE, SHORT_STEPWISE))}Problem: {problem}\n"]
    for number, step in enumerate(steps, 1):
        pieces += [f"Step {number}:", Answer(f" {step}"), "\n"]
        if number < 3 and draw.below(0.5):  # a branch asks how useful its own step is
            pieces[-1] = "\nIs this step useful, from 1 to 10? "
            pieces += [Answer("8"), "\n"]
            return plain("talk.word_problem", *joined(pieces))
    return plain("talk.word_problem", *joined([*pieces, "The answer is ", Answer(str(value)), "\n"]))


PROBLEMS = (
    lines("""\
A box holds {a} {things}. How many {things} do {b} boxes hold?
There are {a} {things} in each of {b} boxes. How many {things} are there?
{name} fills {b} bags with {a} {things} each. How many {things} is that?
{b} children have {a} {things} each. How many do they have together?"""),
    lines("""\
{name} has {one} {things} and gets {other} more. How many does {name} have?
{name} had {one} {things} and bought {other} more. How many {things} are there now?
There are {one} {things} in a bag and {other} in a box. How many are there in total?
I have {one} {things} and {name} has {other}. How many do we have together?"""),
    lines("""\
{name} has {high} {things} and gives away {low}. How many are left?
There were {high} {things} in the shop, and {name} bought {low}. How many remain?
{name} had {high} {things} and lost {low}. How many does {name} still have?
{name} needs {high} {things} and has {low}. How many are missing?"""),
    lines("""\
{name} reads {a} pages a day. How many pages is that in a week?
{name} runs {a} miles every day. How many miles does {name} run in a week?
I use {a} {things} a day. How many {things} do I need for a week?"""),
    lines("""\
{product} {things} are shared by {a} friends. How many does each get?
{name} gives {product} {things} to {a} children, the same number to each. How many does each child get?
{product} {things} are put into {a} boxes, as many in each. How many are in one box?"""),
    lines("""\
{name} buys {b} packs of {a} {things} and has {one} at home. How many {things} are that?
There are {b} boxes of {a} {things}, and {one} more on the table. How many {things} are there in all?
{name} has {one} {things} and gets {b} bags with {a} in each. How many {things} does {name} have then?"""),
)
"""One tuple for each kind of calculation."""


def _problem(draw: Draw) -> tuple[str, list[str], int]:
    name, thing = draw.first(), draw.of(("apples", "pens", "stamps", "eggs", "books", "marbles", "cards"))
    less = sorted(draw.pair("-", 10, 99), reverse=True)
    while True:
        a, b, more = draw.int(2, 12), draw.int(2, 9), draw.pair("+", 10, 60)
        if draw.may_add(a * b, more[0]):
            break
    kind = draw.int(0, 5)
    wording = PROBLEMS[kind][0] if draw.held_out else draw.of(PROBLEMS[kind])
    numbers = {"a": a, "b": b, "product": a * b, "one": more[0], "other": more[1], "high": less[0], "low": less[1]}
    question = wording.format(name=name, things=thing, **numbers)
    match kind:
        case 0:
            return question, [f"{a} times {b} is {a * b}."], a * b
        case 1:
            return question, [f"{more[0]} and {more[1]} is {sum(more)}."], sum(more)
        case 2:
            return question, [f"{less[0]} less {less[1]} is {less[0] - less[1]}."], less[0] - less[1]
        case 3:
            return question, ["A week has 7 days.", f"7 times {a} is {7 * a}."], 7 * a
        case 4:
            return question, [f"{a * b} by {a} is {b}."], b
        case _:
            said = [f"{b} times {a} is {a * b}.", f"{a * b} and {more[0]} is {a * b + more[0]}."]
            return question, said, a * b + more[0]
