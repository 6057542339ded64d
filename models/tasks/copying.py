"""Copying and looking up in their purest forms: what reading, extraction and tools are made of.

Half of these documents is answers that only what stands before can tell, so the heads that find an earlier place and go
on from there (Olsson et al. 2022) form early; in the other tasks such tokens are few, and the loss stays long on a plateau.
"""

from __future__ import annotations

from models.document import Answer, Document, Piece, chat, joined, plain
from models.draw import Draw
from models.tasks.extraction import article
from models.world.names import ANIMALS, COLOURS, FOODS, JOBS

REPEAT = (
    *("Repeat this: {0}", "Write this again: {0}", "Say after me: {0}", "Copy the line.\n{0}", "{0}\nRepeat it."),
    *("Echo: {0}", "{0}\nThe same again, please."),
)
REPEAT_HELD_OUT = ("Please write once more: {0}",)
LOOK_UP = ("What belongs to {0}?", "{0}?", "Which value has {0}?", "Tell me the value of {0}.")
LOOK_UP_HELD_OUT = ("Name the value of {0}.",)
CHOOSE = ("Which of these is {0}?", "Where is {0}?", "Choose {0}.", "{0}?", "Which letter has {0}?", "Find {0}.")
CHOOSE_HELD_OUT = ("Look for {0}.",)


def _item(draw: Draw) -> str:
    kind = draw.int(0, 6)
    if kind == 0:
        return str(draw.fresh_int(2, 9999))
    if kind == 6:  # digits that come more than once, as those of a quotient do
        return f"{draw.int(1, 99999) / draw.int(2, 999):.10g}" if draw.below(0.6) else str(draw.int(10**4, 10**9))
    if kind == 1:
        return draw.person()
    if kind == 2:
        return article(draw)
    return draw.of((*ANIMALS, *COLOURS, *FOODS, *JOBS)) if kind == 3 else draw.place()


def repeat(draw: Draw) -> Document:
    """One line after another, said again."""
    turns: list[tuple[str, str]] = []
    for _ in range(1 if draw.held_out else draw.int(1, 3)):
        line = draw.of((", ", " ", "; ")).join(_item(draw) for _ in range(draw.int(1, 8)))
        turns.append((draw.wording(train=REPEAT, held_out=REPEAT_HELD_OUT).format(line), line))
    return chat("copying.repeat", draw.of(("", "", "You repeat what you are told.")), *turns)


def _pairs(draw: Draw) -> dict[str, str]:
    return {_item(draw): _item(draw) for _ in range(draw.int(2, 8))}


def look_up(draw: Draw) -> Document:
    """A list of pairs, and in any order the value of each."""
    pairs = _pairs(draw)
    sign = draw.of((": ", " = ", " -> "))
    pieces: list[Piece] = ["".join(f"{key}{sign}{value}\n" for key, value in pairs.items()), draw.of(("", "\n"))]
    for key in draw.some(list(pairs), len(pairs)):
        pieces += [f"{key}{sign}", Answer(pairs[key]), "\n"]
    return plain("copying.look_up", *joined(pieces))


def ask(draw: Draw) -> Document:
    """The same in a chat."""
    pairs = _pairs(draw)
    listed = draw.of(("\n", ", ", "; ")).join(f"{key} is {value}" for key, value in pairs.items())
    turns: list[tuple[str, str]] = []
    for key in draw.some(list(pairs), 1 if draw.held_out else min(4, len(pairs))):
        asked = draw.wording(train=LOOK_UP, held_out=LOOK_UP_HELD_OUT).format(key)
        turns.append((asked if turns else f"{listed}\n{asked}", pairs[key]))
    return chat("copying.ask", draw.of(("", "", "Answer from the text only.")), *turns)


def letters(draw: Draw) -> Document:
    """The letter of one of four options, which the question names: the form of `examples/mmlu.py`, with nothing to know."""
    pieces: list[Piece] = []
    for _ in range(draw.int(2, 6)):
        options = list(dict.fromkeys(_item(draw) for _ in range(12)))[:4]
        asked = draw.of(options)
        lines = "".join(f"{letter}. {option}\n" for letter, option in zip("ABCD", options, strict=True))
        question = draw.wording(train=CHOOSE, held_out=CHOOSE_HELD_OUT).format(asked)
        answer = Answer("ABCD"[options.index(asked)], tuple("ABCD"))
        pieces += [f"Question: {question}\n{lines}Answer: ", answer, "\n\n"]
    return plain("copying.letters", *joined(pieces))
