"""Sums and differences of two digits, products of small numbers, comparisons, counting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.document import Answer, Document, Piece, chat, joined, plain
from models.draw import Draw
from models.world.names import ANIMALS, COLOURS, FOODS
from models.world.words import lines

SYSTEMS = (
    "",
    "",
    "",
    "You are good at arithmetic.",
    "Answer with a number.",
    "You are a calculator.",
    "Answer briefly.",
)

SUMS = lines("""\
What is {0} + {1}?
{0} + {1} = ?
Calculate {0} + {1}.
{0} + {1}
How much is {0} + {1}?
Add {0} and {1}.
What is {0} plus {1}?
What is the sum of {0} and {1}?
Work out {0} + {1}.
{0} plus {1}?
What do {0} and {1} make?
How much are {0} and {1} together?
Solve {0} + {1}.
{0}+{1}
Tell me {0} + {1}.
Add {1} to {0}.
Please add {0} and {1}.
Could you add {0} and {1}?
Can you work out {0} + {1}?
What does {0} + {1} give?
Please calculate {0} plus {1}.
If I add {1} to {0}, what do I get?
Add {1} to {0}, please.
Now add {1} to {0}.
Can you add {1} to {0}?
What is {1} added to {0}?
How much do {0} and {1} make?""")
SUMS_HELD_OUT = ("How much is {0} plus {1}?", "Please add {1} to {0}.", "Could you work out {0} + {1}?")
DIFFERENCES = lines("""\
What is {0} - {1}?
{0} - {1} = ?
Calculate {0} - {1}.
{0} - {1}
How much is {0} - {1}?
What is {0} minus {1}?
Subtract {1} from {0}.
Work out {0} - {1}.
{0} minus {1}?
Take {1} away from {0}.
What is the difference of {0} and {1}?
Solve {0} - {1}.
{0}-{1}
Tell me {0} - {1}.
Please take {1} from {0}.
Could you subtract {1} from {0}?
Can you work out {0} - {1}?
Please calculate {0} minus {1}.
What does {0} - {1} give?
How much is left of {0} without {1}?""")
DIFFERENCES_HELD_OUT = ("How much is {0} minus {1}?", "Please subtract {1} from {0}.", "Could you work out {0} - {1}?")
PRODUCTS = lines("""\
What is {0} * {1}?
{0} times {1}?
What is {0} times {1}?
{0} x {1}
How much is {0} times {1}?
Can you work out {0} * {1}?
Calculate {0} times {1}.
Please multiply {0} by {1}.""")
PRODUCTS_HELD_OUT = ("Could you work out {0} times {1}?",)
LARGER = lines("""\
Which is larger, {0} or {1}?
Which number is larger: {0} or {1}?
The larger of {0} and {1}?
Which is more, {0} or {1}?
What is the larger one of {0} and {1}?
Tell me which is larger, {0} or {1}.
Of {0} and {1}, which is more?
Which of {0} and {1} is the larger?
Name the larger number of {0} and {1}.
The larger number, please: {0} or {1}?""")
LARGER_HELD_OUT = ("Tell me the larger number: {0} or {1}.", "Of {0} and {1}, which is the larger?")
SMALLER, SMALLER_HELD_OUT = (
    tuple(wording.replace("larger", "smaller").replace("more", "less") for wording in wordings)
    for wordings in (LARGER, LARGER_HELD_OUT)
)
COUNTS = lines("""\
How many words are in this list? {0}
How many things are listed: {0}?
Count the words: {0}
{0}: how many are these?
What is the number of words here? {0}
How many words do you see? {0}
Say how many words are in the list: {0}""")
COUNTS_HELD_OUT = ("What is the number of words in this list? {0}",)

Sum = tuple[int, int, str, str]
"""Two numbers, the sign, the value."""


def _sum(draw: Draw) -> Sum:
    one, other = draw.pair("+", 10, 99)
    return one, other, "+", str(one + other)


def _digits(draw: Draw) -> Sum:
    one, other = draw.int(0, 9), draw.int(0, 9)
    return one, other, "+", str(one + other)


def _difference(draw: Draw) -> Sum:
    one, other = sorted(draw.pair("-", 10, 99), reverse=True)
    return one, other, "-", str(one - other)


def _small(draw: Draw) -> Sum:
    """With a number below ten: the steps of the others, and multiplication."""
    kind = draw.of("+-*")
    if kind == "*":
        one, other = draw.int(2, 12), draw.int(2, 10)
        return one, other, "*", str(one * other)
    one, other = draw.int(1, 99), draw.int(0, 9)
    return (
        (one, other, "+", str(one + other))
        if kind == "+"
        else (max(one, other), min(one, other), "-", str(abs(one - other)))
    )


def _question(draw: Draw, one: int, other: int, sign: str) -> str:
    train = {"+": SUMS, "-": DIFFERENCES, "*": PRODUCTS}[sign]
    held_out = {"+": SUMS_HELD_OUT, "-": DIFFERENCES_HELD_OUT, "*": PRODUCTS_HELD_OUT}[sign]
    return draw.wording(train=train, held_out=held_out).format(one, other)


def _asked(name: str, make: Callable[[Draw], Sum]) -> Callable[[Draw], Document]:
    def document(draw: Draw) -> Document:
        turns: list[tuple[str, str]] = []
        for _ in range(1 if draw.held_out else draw.int(1, 6)):
            one, other, sign, value = make(draw)
            turns.append((_question(draw, one, other, sign), value))
        return chat(f"arithmetic.{name}", draw.of(SYSTEMS), *turns)

    return document


addition = _asked("addition", _sum)
subtraction = _asked("subtraction", _difference)
small = _asked("small", _small)


def series(draw: Draw) -> Document:
    """Lines such as "47 + 38 = 85", one kind or several."""
    makes = draw.of(((_sum,), (_sum,), (_difference,), (_sum, _difference), (_sum, _difference, _small)))
    intro = draw.of(("", "", "Sums and their values.\n", "Calculate.\n"))
    form = draw.of(("{0} {2} {1} = ", "{0} {2} {1} =", "Q: {0} {2} {1}\nA: ", "{0}{2}{1}="))
    return plain("arithmetic.series", *joined([intro, *_answered(draw, makes, form, draw.int(6, 20))]))


def ladder(draw: Draw) -> Document:
    """The same from small sums up: what two digits make is learnt far sooner where one digit and one are practised beside it."""
    makes = (_sum,) if draw.held_out else draw.of(((_digits,), (_digits, _sum), (_sum,), (_sum,)))
    form = draw.of(("{0} {2} {1} = ", "Q: {0} {2} {1}\nA: ", "{0}{2}{1}=", "{0}{2}{1}="))
    return plain("arithmetic.ladder", *joined(_answered(draw, makes, form, draw.int(10, 25))))


def _answered(draw: Draw, makes: Sequence[Callable[[Draw], Sum]], form: str, count: int) -> list[Piece]:
    """Lines of one form, each with its value."""
    pieces: list[Piece] = []
    for _ in range(count):
        one, other, sign, value = draw.of(makes)(draw)
        space = " " if form.endswith(" =") else ""
        pieces += [form.format(one, other, sign), Answer(space + value), "\n"]
    return pieces


def comparison(draw: Draw) -> Document:
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 5)):
        low, high = sorted(draw.pair("<", 1, draw.of((99, 99, 999))))
        high += low == high
        one, other = draw.of(((low, high), (high, low)))
        if draw.below(0.5):
            turns.append((draw.wording(train=LARGER, held_out=LARGER_HELD_OUT).format(one, other), str(high)))
        else:
            turns.append((draw.wording(train=SMALLER, held_out=SMALLER_HELD_OUT).format(one, other), str(low)))
    return chat("arithmetic.comparison", draw.of(SYSTEMS), *turns)


def counting(draw: Draw) -> Document:
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 3)):
        count = draw.int(1, 9)
        words = draw.of((ANIMALS, FOODS, COLOURS))
        listed = ", ".join(draw.some(words, count))
        turns.append((draw.wording(train=COUNTS, held_out=COUNTS_HELD_OUT).format(listed), str(count)))
    return chat("arithmetic.counting", draw.of(SYSTEMS), *turns)
