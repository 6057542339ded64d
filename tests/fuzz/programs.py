"""Random programs: source, rows of arguments, settings of the run, and what the model says."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sglc.function import SglFunction
from tests.fuzz.choices import Choices
from tests.fuzz.expressions import data
from tests.fuzz.prelude import Card, names
from tests.fuzz.relations import RELATIONS
from tests.fuzz.scope import Kinds, Scope, Shared
from tests.fuzz.statements import block, opening
from tests.fuzz.ways import WAYS
from tests.fuzz.words import WORDS

FILE = "<program>"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """source: defines `main`, and what it calls. made: the decisions that it is made of. words: what the model says.
    failing: one question in so many fails. odd: a trace may not see all that it does. order: which way it runs first. relation: what else it is compared with, "" for none.
    thorough: whether its traces are confirmed as for a user. ways: how many ways on from exits are kept.
    """

    source: str
    rows: tuple[Row, ...]
    settings: dict[str, Any]
    words: tuple[str, ...]
    failing: int
    odd: bool
    order: int
    features: frozenset[str]
    relation: str
    thorough: bool
    ways: int
    made: tuple[int, ...] = field(compare=False)

    def function(self) -> SglFunction:
        """A new function: nothing of it was traced yet."""
        return defined(self.source)


def defined(source: str) -> SglFunction:
    space = names()
    linecache.cache[FILE] = len(source), None, source.splitlines(keepends=True), FILE  # the tracer looks at lines
    exec(compile(source, FILE, "exec"), space)
    return space["main"]


def generate(choices: Choices) -> Program:
    """The program of these decisions."""
    palette = ("yes", "no", *(choices.pick(WORDS) for _ in range(4)))
    shared = Shared(choices, palette)
    arguments = _arguments(choices)
    shared.budget = 3 + choices.below(5) + (10 if choices.chance(6) else 0)
    main = Scope(shared, {name: kind for name, (kind, _) in arguments.items() if name != "card"} | _inside(arguments))
    for name in ("items", "d"):  # changes of what a caller gives are plain Python's, and stay from run to run
        if name in arguments:
            main.line(f"{name} = copy.deepcopy({name})")
    opening(main)
    block(main, 7, 1)
    if choices.chance(60):
        main.line(f"return {data(main) if choices.chance(95) else 's'}")
    bounds = choices.weighted(
        ((8, "(max_paths=6)"), (1, ""), (1, "(max_paths=1)"), (1, "(max_depth=1)"), (1, "(max_paths=20)"))
    )
    parameters = ", ".join(["s", *(name + default for name, (_, default) in arguments.items())])
    lines = [*shared.functions, f"@sgl.function{bounds}", f"def main({parameters}):", *(main.lines or ["    pass"])]
    settings: dict[str, Any] = choices.weighted(
        ((6, {}), (2, {"temperature": 0}), (1, {"max_new_tokens": 3}), (1, {"n": 2}), (1, {"stop": ["!"]}))
    )
    relation = choices.pick((*RELATIONS, *WAYS)) if choices.chance(18) else ""
    if "unordered" in shared.features:
        relation = ""  # a changed program, or one without passes, may choose another order
    return Program(
        source="\n".join(lines) + "\n",
        rows=_rows(choices, arguments, palette),
        settings=settings,
        words=(*palette, choices.pick(WORDS), choices.pick(WORDS)),
        failing=choices.weighted(((95, 0), (5, 12))),
        odd=shared.odd,
        order=choices.below(3),
        features=frozenset(shared.features),
        relation=relation,
        thorough=choices.weighted(((1, True), (9, False))),
        ways=choices.weighted(((9, 100), (1, 2), (1, 1))),
        made=tuple(choices.made),
    )


_KINDS: dict[str, tuple[str, str]] = {
    "b": ("text", '="yes"'),
    "m": ("number", "=2"),
    "flag": ("truth", "=False"),
    "items": ("texts", '=("no", "z")'),
    "d": ("data", '={"k": "yes", "list": ["no"]}'),
    "card": ("data", "=Card()"),
    "w": ("number", "=0.5"),
}
"""Arguments besides the first, with their defaults."""


def _arguments(choices: Choices) -> dict[str, tuple[str, str]]:
    return {"a": ("text", ""), **{name: kind for name, kind in _KINDS.items() if choices.chance(30)}}


def _inside(arguments: Mapping[str, Any]) -> Kinds:
    """What is inside of arguments, by how it is written."""
    inside = {"d": {'d["k"]': "text", 'd["list"]': "texts"}, "card": {"card.title": "text", "card.count": "number"}}
    return {source: kind for name in arguments for source, kind in inside.get(name, {}).items()}


def _rows(choices: Choices, arguments: Mapping[str, Any], palette: tuple[str, ...]) -> tuple[Row, ...]:
    """Most rows are of the first one's shape: each shape is compiled by itself."""
    first = _row(choices, arguments, palette)
    rows = [first]
    for _ in range(choices.weighted(((3, 0), (4, 1), (2, 2)))):
        if choices.chance(25):
            rows.append(_row(choices, arguments, palette))
        else:
            rows.append(
                {name: choices.pick(palette) if isinstance(value, str) else value for name, value in first.items()}
            )
    return tuple(rows)


def _row(choices: Choices, arguments: Mapping[str, Any], palette: tuple[str, ...]) -> Row:
    def word() -> str:
        return choices.pick(palette)

    row: dict[str, Any] = {"a": word()}
    if choices.chance(8):
        row["a"] = Static(row["a"])
    for name in arguments:
        if name != "a" and choices.chance(60):
            row[name] = {
                "b": word,
                "m": lambda: choices.below(4),
                "flag": lambda: choices.chance(50),
                "items": lambda: [word() for _ in range(choices.below(4))],
                "w": lambda: choices.pick((1.0, 0.0, -0.0, 1, True)),
                "card": lambda: Card(word(), choices.below(3)),
                "d": lambda: {"k": word(), "list": [word()]},
            }[name]()
    return row


@dataclass(frozen=True, slots=True)
class Static:
    """An argument to be given with `sgl.static`."""

    text: str
