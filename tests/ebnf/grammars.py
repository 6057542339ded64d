"""Random grammars as data, as text, and all their words up to a length: slow and obvious."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from sglc.ir.errors import ConstraintError

Word: TypeAlias = tuple[str | int, ...]
"""Characters and token ids."""
Part: TypeAlias = tuple[Any, ...]
"""("text", "ab"), ("class", "[^a]", "bc"), ("token", 7), ("use", name), ("row", parts), ("either", parts),
("again", part, least, most)."""

ALPHABET = "abc"


def refusal(make: Callable[[], object]) -> ConstraintError | None:
    """What is said where something is refused."""
    try:
        make()
    except ConstraintError as error:
        return error
    return None


def words(symbols: Sequence[str | int], length: int) -> Iterator[Word]:
    """Every word of the symbols up to a length."""
    for count in range(length + 1):
        yield from itertools.product(symbols, repeat=count)


def language(rules: dict[str, Part], length: int) -> set[Word]:
    """The words of `root` up to a length: rules are words they have so far, until none gets more."""
    known: dict[str, set[Word]] = {name: set() for name in rules}
    while True:
        more = {name: _words_of(part, known, length) for name, part in rules.items()}
        if more == known:
            return known["root"]
        known = more


def _words_of(part: Part, known: dict[str, set[Word]], length: int) -> set[Word]:
    match part:
        case ("text", str(text)):
            return {tuple(text)} if len(text) <= length else set()
        case ("class", _, str(members)):
            return {(member,) for member in members if length}
        case ("token", int(number)):
            return {(number,)} if length else set()
        case ("use", str(name)):
            return known[name]
        case ("row", parts):
            found: set[Word] = {()}
            for inner in parts:
                after = _words_of(inner, known, length)
                found = {one + two for one in found for two in after if len(one) + len(two) <= length}
            return found
        case ("either", parts):
            return set[Word]().union(*(_words_of(inner, known, length) for inner in parts))
        case ("again", inner, least, most):
            once = _words_of(inner, known, length)
            exactly: set[Word] = {()}
            found = set()
            for count in range((length + least if most is None else most) + 1):
                if count >= least:
                    found |= exactly
                exactly = {one + two for one in exactly for two in once if len(one) + len(two) <= length}
            return found
        case _:
            raise AssertionError(part)


def written(rules: dict[str, Part], draw: random.Random) -> str:
    """A text of the grammar: with comments, newlines and brackets where they mean nothing."""
    return "".join(f"{name} ::= {_text(part, draw)}{draw.choice(GAPS)}\n" for name, part in rules.items())


GAPS = ["", " ", ' # a "comment" ( [', "\n", "\n  "]


def _text(part: Part, draw: random.Random, outer: str = "either") -> str:
    match part:
        case ("text", str(text)):
            return '"' + "".join(draw.choice([c, c, f"\\x{ord(c):02x}", f"\\u{ord(c):04X}"]) for c in text) + '"'
        case ("class", str(source), _):
            return source
        case ("token", number):
            return f"<[{number}]>"
        case ("use", name):
            return name
        case ("row", parts):
            text = draw.choice([" ", "  ", "\n  "]).join(_text(inner, draw, "row") for inner in parts) or '""'
            return text if outer == "either" and draw.random() < 0.8 else f"({text})"
        case ("either", parts):
            text = " | ".join(_text(inner, draw) for inner in parts)
            return text if outer == "either" else f"({text})"
        case ("again", inner, least, most):
            body = _text(inner, draw, "again")
            body = f"({body})" if inner[0] == "again" else body
            short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
            counts = f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
            return body + (short if short and draw.random() < 0.7 else counts)
        case _:
            raise AssertionError(part)


CLASSES = [("[ab]", "ab"), ("[^a]", "bc"), ("[a-c]", "abc"), ("[^b-c]", "a"), ("[c-]", "c"), (".", "abc")]


def some_part(draw: random.Random, names: Sequence[str], depth: int, tokens: Sequence[int] = ()) -> Part:
    kind = draw.random()
    if depth and kind < 0.6:
        inner = [some_part(draw, names, depth - 1, tokens) for _ in range(draw.randint(1, 3))]
        if kind < 0.3:
            return ("row", inner)
        if kind < 0.45:
            return ("either", inner)
        return ("again", inner[0], *draw.choice([(0, None), (1, None), (0, 1), (2, 2), (0, 2), (1, 3), (2, None)]))
    if names and kind < 0.8:
        return ("use", draw.choice(names))
    if tokens and kind < 0.9:
        return ("token", draw.choice(tokens))
    if draw.random() < 0.3:
        return ("class", *draw.choice(CLASSES))
    return ("text", "".join(draw.choices(ALPHABET, k=draw.choice([0, 1, 1, 1, 2, 3]))))


def acyclic(draw: random.Random, tokens: Sequence[int] = ()) -> dict[str, Part]:
    """Rules that use later ones only, with the root anywhere among them."""
    names = ["root", *(f"r-{number}_x" for number in range(draw.randint(0, 3)))]
    rules = {name: some_part(draw, names[index + 1 :], 3, tokens) for index, name in enumerate(names)}
    order = draw.sample(names, len(names))
    return {name: rules[name] for name in order}


def at_ends(draw: random.Random) -> dict[str, Part]:
    """One rule that uses itself at both of its ends, or several that do at one of them."""
    count = draw.choice([1, 1, 2, 3])
    names = ["root", "a", "b"][:count]
    right = draw.random() < 0.5

    def alternative() -> Part:
        own = [("use", draw.choice(names))] * draw.choice([0, 1, 1])
        middle = [some_part(draw, [], 1) for _ in range(draw.choice([0, 1, 1, 2]))]
        if count == 1 and draw.random() < 0.5:
            return ("row", [*own, *middle, ("use", "root")])
        return ("row", [*middle, *own] if right or (count == 1 and draw.random() < 0.5) else [*own, *middle])

    return {
        name: ("either", [*(alternative() for _ in range(draw.randint(1, 3))), some_part(draw, [], 1)])
        for name in names
    }


def nested(draw: random.Random) -> dict[str, Part]:
    """Rules that use one another anywhere."""
    names = ["root", "a", "b"][: draw.randint(1, 3)]
    rules: dict[str, Part] = {}
    for name in names:
        own = ("row", [some_part(draw, [], 1), ("use", draw.choice(names)), some_part(draw, names, 1)])
        rules[name] = ("either", [some_part(draw, [], 2), own, *([some_part(draw, names, 2)] * draw.randint(0, 1))])
    return rules
