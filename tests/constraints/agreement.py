"""Masks beside those of other engines, along random walks of ours, where the meanings agree or differ in a known way.

    CONSTRAINT_PEERS=V/bin/python python -m tests.constraints.agreement [--walks 6] [--random 40]

llguidance runs in this process. xgrammar runs in the Python that CONSTRAINT_PEERS names (`benchmarks.constraints` says how
to make one) and is left out without it. The vocabulary is that of 32,000 tokens of `benchmarks.vocabularies`. A difference
has to be of one of the kinds of `agreement_kinds`, id by id; one that is of none is shown, and the exit status is 1. Another engine is no
oracle: what is right is compared in `tests.constraints.test_masks_long`.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks import vocabularies
from benchmarks._constraint_peers import PEERS
from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regular.source import NotRegular
from sglc.runtime.vocabulary import vocabulary_of
from tests.constraints._peer_masks import Walked, masks_of
from tests.constraints.agreement_cases import asked_cases
from tests.constraints.agreement_kinds import KINDS, Asked, Place
from tests.constraints.masks import bits
from tests.regexes import compile_automaton

SIZE = 32_000
STEPS = 25
"""Ids of a walk at most."""

Rows = NDArray[np.int32]


@dataclass
class Tally:
    """steps: masks compared; kinds: of them, those that differ so. refused: why an engine did not take it."""

    steps: int = 0
    equal: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])
    refused: list[str] = field(default_factory=list[str])
    unexplained: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Walk:
    """A walk of ours: ids, and the masks and forced bytes before each and behind the last."""

    ids: list[int]
    rows: list[Rows]
    forced: list[bytes]


def walk(automaton: TokenAutomaton, vocabulary: Vocabulary, draw: random.Random) -> Walk:
    state: int | None = automaton.start
    made = Walk([], [], [])
    while state is not None:
        made.rows.append(automaton.row(state))
        made.forced.append(automaton.forced_bytes(state))
        allowed = [token for token in bits(made.rows[-1]) if token not in vocabulary.end_ids]
        if not allowed or len(made.ids) == STEPS:
            break
        made.ids.append(draw.choice(allowed))
        state = automaton.step(state, made.ids[-1])
    return made


def compare(asked: Asked, ours: Walk, theirs: Walked, vocabulary: Vocabulary, engine: str, tally: Tally) -> None:
    """Counts the masks of a walk that are equal, and the kinds of those that are not."""
    text = b""
    masks, refused = theirs
    for number, mask in enumerate(masks):
        tally.steps += 1
        row, other = ours.rows[number], np.frombuffer(mask, np.int32)
        if np.array_equal(row, other):
            tally.equal += 1
        else:
            tally.kinds.update(_kinds(asked, text, row, other, ours.forced[number], vocabulary, engine, tally))
        if number < len(ours.ids):
            text += vocabulary.tokens[ours.ids[number]] or b""
    if refused is not None and not bits(ours.rows[refused] & ~np.frombuffer(masks[refused], np.int32)):
        tally.unexplained.append(f"{asked.text}: {text!r} is not taken, but its mask was the same")


def _kinds(
    asked: Asked,
    text: bytes,
    row: Rows,
    other: Rows,
    forced: bytes,
    vocabulary: Vocabulary,
    engine: str,
    tally: Tally,
) -> set[str]:
    """The kinds of the ids that differ in one mask."""
    allowed = bits(other)
    single = vocabulary.tokens[allowed[0]] if len(allowed) == 1 else None
    found: set[str] = set()
    for token in bits(row ^ other):
        piece = vocabulary.tokens[token] if token < len(vocabulary.tokens) else None
        if piece is not None and token not in vocabulary.end_ids:
            place = Place(asked, text, piece, token in allowed, single, forced)
            kind = next((name for name, holds in KINDS[engine].items() if holds(place)), None)
        else:
            kind = None
        if kind is None:
            side = "theirs" if token in allowed else "ours"
            tally.unexplained.append(f"{asked.text} after {text!r}: only {side} allows {token}, {piece!r}")
        found.add(kind or "unexplained")
    return found


Peer = Callable[[dict[str, Any]], tuple[str | None, list[Walked]]]


@contextmanager
def peers(path: str, end: int) -> Iterator[dict[str, Peer]]:
    """engine -> what answers with its masks."""
    own = PEERS["llguidance"](path, end)
    found: dict[str, Peer] = {"llguidance": lambda given: masks_of(own, "llguidance", given)}
    python = os.environ.get("CONSTRAINT_PEERS")
    if python is None:
        yield found
        return
    command = [python, "-m", "tests.constraints._peer_masks", "xgrammar", path, str(end)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def ask(given: dict[str, Any]) -> tuple[str | None, list[Walked]]:
            print(json.dumps(given), file=asked, flush=True)
            line = answered.readline()
            if not line:
                raise SystemExit(f"xgrammar ended in {python}, asked for {given}")
            refused, walks = json.loads(line)
            return refused, [([base64.b64decode(mask) for mask in masks], place) for masks, place in walks]

        yield found | {"xgrammar": ask}
        asked.close()


def run(walks: int, count: int) -> dict[tuple[str, str], Tally]:
    """(name, engine) -> what was counted."""
    path, end = str(vocabularies.tokenizer_file(SIZE)), vocabularies.end_id(SIZE)
    vocabulary = vocabulary_of(Tokenizer.from_file(path), end_ids=[end], columns=SIZE, chat_template="")
    tallies: dict[tuple[str, str], Tally] = {}
    left: list[str] = []
    with peers(path, end) as engines:
        for number, asked in enumerate(asked_cases(count)):
            draw = random.Random(number)
            kind = "regex" if asked.kind == "regex" else "json_schema"
            try:
                automaton = compile_automaton(Constraint(kind, asked.text), vocabulary)
            except NotRegular as refusal:
                left.append(refusal.what)  # a grammar, which llguidance follows itself
                continue
            ours = [walk(automaton, vocabulary, draw) for _ in range(walks)]
            key = "pattern" if kind == "regex" else "schema"
            for engine, ask in engines.items():
                tally = tallies.setdefault((asked.name, engine), Tally())
                refused, theirs = ask({key: asked.text, "walks": [each.ids for each in ours]})
                tally.refused += [refused] if refused is not None else []
                for mine, other in zip(ours, theirs, strict=False):
                    compare(asked, mine, other, vocabulary, engine, tally)
    print("".join(f"no automaton: {what}\n" for what in left), end="")
    return tallies


def show(tallies: dict[tuple[str, str], Tally]) -> int:
    """Prints the table; how many differences are of no kind."""
    print(f"{'pattern':24}{'engine':12}{'masks':>8}{'equal':>8}  differences")
    for (name, engine), tally in tallies.items():
        kinds = ", ".join(f"{count} {kind}" for kind, count in tally.kinds.most_common())
        refused = f"refused {len(tally.refused)} ({tally.refused[0][:60]})" if tally.refused else ""
        print(f"{name:24}{engine:12}{tally.steps:8,}{tally.equal:8,}  {'; '.join(filter(None, [kinds, refused]))}")
    for engine in dict.fromkeys(engine for _, engine in tallies):
        own = [tally for (_, other), tally in tallies.items() if other == engine]
        print(f"{'all':24}{engine:12}{sum(t.steps for t in own):8,}{sum(t.equal for t in own):8,}")
    unexplained = [line for tally in tallies.values() for line in tally.unexplained]
    for line in unexplained[:40]:
        print("UNEXPLAINED", line)
    print(f"{len(unexplained)} ids differ without a known reason")
    return len(unexplained)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.constraints.agreement")
    parser.add_argument("--walks", type=int, default=6, help="of each pattern")
    parser.add_argument("--random", type=int, default=40, help="random regexes, and so many random schemas")
    given = parser.parse_args()
    sys.exit(bool(show(run(given.walks, given.random))))
