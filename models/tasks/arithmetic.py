"""Sums and differences of two digits, products of small numbers, comparisons, counting."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from models.document import Answer, Document, Piece, chat, joined, plain
from models.draw import Draw
from models.wordings import table
from models.world.names import ANIMALS, COLOURS, FOODS
from models.world.words import words

SYSTEMS: tuple[str, ...] = table("arithmetic", "systems")

SUMS: tuple[str, ...] = table("arithmetic", "sums")
SUMS_HELD_OUT = ("How much is {0} plus {1}?", "Please add {1} to {0}.", "Could you work out {0} + {1}?")
DIFFERENCES: tuple[str, ...] = table("arithmetic", "differences")
DIFFERENCES_HELD_OUT = ("How much is {0} minus {1}?", "Please subtract {1} from {0}.", "Could you work out {0} - {1}?")
PRODUCTS: tuple[str, ...] = table("arithmetic", "products")
PRODUCTS_HELD_OUT = ("Could you work out {0} times {1}?",)
LARGER: tuple[str, ...] = table("arithmetic", "larger")
LARGER_HELD_OUT = ("Tell me the larger number: {0} or {1}.", "Of {0} and {1}, which is the larger?")
OPPOSITES = {"larger": "smaller", "bigger": "smaller", "greater": "smaller", "higher": "lower", "more": "less"}
SMALLER, SMALLER_HELD_OUT = (
    tuple(re.sub("|".join(OPPOSITES), lambda found: OPPOSITES[found[0]], wording) for wording in wordings)
    for wordings in (LARGER, LARGER_HELD_OUT)
)
COUNTS: tuple[str, ...] = table("arithmetic", "counts")
COUNTS_HELD_OUT = ("What is the number of words in this list? {0}",)

PROBLEMS_ADD: tuple[str, ...] = table("arithmetic", "problems_add")
PROBLEMS_SUB: tuple[str, ...] = table("arithmetic", "problems_sub")
THINGS = words(
    "apples stamps books pens marbles cards eggs coins shells tickets stickers pencils oranges cups photos toys"
)
RELATIVES = words("brother sister mother father uncle aunt cousin friend grandmother neighbour")
PROBLEMS = {"+": PROBLEMS_ADD, "-": PROBLEMS_SUB}
PROBLEMS_SHARE = 0.35
"""So many of the turns of sums and differences are problems in words, in training only."""

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


def _digits_apart(draw: Draw) -> Sum:
    """As borrowing has them: of a number below twenty, a digit."""
    one, other = draw.int(0, 18), draw.int(0, 9)
    return max(one, other), min(one, other), "-", str(abs(one - other))


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


def _problem(draw: Draw, one: int, other: int, sign: str) -> str:
    name, friend = draw.first(), draw.first()
    while friend == name:
        friend = draw.first()
    slots = {"name": name, "friend": friend, "things": draw.of(THINGS), "relative": draw.of(RELATIVES)}
    return draw.of(PROBLEMS[sign]).format(one, other, **slots)


def _asked(name: str, make: Callable[[Draw], Sum], problems: float = 0) -> Callable[[Draw], Document]:
    """problems: the share of the turns that are problems in words."""

    def document(draw: Draw) -> Document:
        turns: list[tuple[str, str]] = []
        for _ in range(1 if draw.held_out else draw.int(1, 6)):
            one, other, sign, value = make(draw)
            ask = _problem if problems and not draw.held_out and draw.below(problems) else _question
            turns.append((ask(draw, one, other, sign), value))
        return chat(f"arithmetic.{name}", draw.of(SYSTEMS), *turns)

    return document


addition = _asked("addition", _sum, PROBLEMS_SHARE)
subtraction = _asked("subtraction", _difference, PROBLEMS_SHARE)
small = _asked("small", _small)


def series(draw: Draw) -> Document:
    """Lines such as "47 + 38 = 85", one kind or several."""
    makes = draw.of(((_sum,), (_sum,), (_difference,), (_sum, _difference), (_sum, _difference, _small)))
    intro = draw.of(("", "", "Sums and their values.\n", "Calculate.\n"))
    form = draw.of(("{0} {2} {1} = ", "{0} {2} {1} =", "Q: {0} {2} {1}\nA: ", "{0}{2}{1}="))
    return plain("arithmetic.series", *joined([intro, *_answered(draw, makes, form, draw.int(6, 20))]))


LADDER: tuple[tuple[Callable[[Draw], Sum], ...], ...] = (
    *((_digits,), (_digits, _sum), (_digits, _sum), (_sum,), (_sum,), (_sum,)),
    *((_digits_apart,), (_digits_apart, _difference)),
)


def ladder(draw: Draw) -> Document:
    """The same from small ones up: what two digits make is learnt far sooner where one digit and one are practised beside it."""
    makes = (_sum,) if draw.held_out else draw.of(LADDER)
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
        kind = draw.of((ANIMALS, FOODS, COLOURS))
        listed = ", ".join(draw.some(kind, count))
        turns.append((draw.wording(train=COUNTS, held_out=COUNTS_HELD_OUT).format(listed), str(count)))
    return chat("arithmetic.counting", draw.of(SYSTEMS), *turns)
