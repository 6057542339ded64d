"""Long documents, so that what stands far behind the beginning works too: up to some 3,500 tokens."""

from __future__ import annotations

from dataclasses import replace

from models.document import Document, Piece, joined, plain
from models.draw import Draw
from models.tasks import arithmetic, facts, reading
from models.tasks.react import INSTRUCTIONS, pieces_of, problem
from models.tasks.talk import RUBRIC, judge, verdict


def lines(draw: Draw) -> Document:
    """Many series of facts and sums behind each other."""
    pieces: list[Piece] = []
    for _ in range(draw.int(8, 18)):
        task = draw.of((facts.series, facts.statements, arithmetic.series))
        pieces += [*task(draw).messages[0].pieces, "\n"]
    return plain("long.lines", *joined(pieces))


def steps(draw: Draw) -> Document:
    """Many problems with tools."""
    pieces: list[Piece] = [INSTRUCTIONS]
    for _ in range(draw.int(6, 12)):
        pieces += [*pieces_of(problem(draw)), "\n"]
    return plain("long.steps", *joined(pieces))


def essay(draw: Draw) -> Document:
    """A judge of a long essay, with the example's rubric."""
    document = draw.of((judge, verdict))(draw)
    system, user, said = document.messages
    text = str(user.pieces[0])
    begin, _, end = text.partition("\n\n")
    more = "\n\n".join(reading.told(draw) for _ in range(draw.int(5, 30)))
    return replace(
        document,
        task="long.essay",
        messages=(replace(system, pieces=(RUBRIC,)), replace(user, pieces=(f"{begin}\n\n{more}\n\n{end}",)), said),
    )


def passage(draw: Draw) -> Document:
    """A text about many people, and questions about some of them."""
    return reading.passage(draw, subjects=draw.int(8, 30), task="long.passage")
