"""Constraints in both lanes over one small vocabulary, and random walks through them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sglc.ir.grammar import Grammar
from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenAutomaton, TokenConstraint, Vocabulary
from sglc.passes.compile_constraints import compile_constraint
from sglc.passes.grammar import grammar_of
from sglc.passes.regular.source import NotRegular
from sglc.runtime.grammar import Grammars

END, SECOND_END = 256, 265
TOKENS: tuple[bytes | None, ...] = (
    *(bytes([byte]) for byte in range(256)),
    None,  # an end id
    *(b"ab", b"abc", b'"}', b'": ', b"ab", b", ", b'{"', b""),  # one twice, one without text
    b"end",  # an end id whose text may be in no answer
    *("é".encode(), b'\xc3\xa9"', b'":', b"[]", b"true", b"12", b" "),
    None,  # a control token
)
VOCABULARY = Vocabulary(TOKENS, frozenset({END, SECOND_END}), len(TOKENS) + 30, "lanes")  # and unused columns
GRAMMARS = Grammars(VOCABULARY)

NODE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
    },
    "required": ["name", "children"],
    "additionalProperties": False,
}
TREE = {"$defs": {"node": NODE}, "$ref": "#/$defs/node"}


def grammar(kind: Any, text: str | dict[str, Any], whitespace: int | None = None) -> Grammar:
    """The grammar of a constraint, also where there is an automaton."""
    written = text if isinstance(text, str) else json.dumps(text)
    return grammar_of(Constraint(kind, written, whitespace), NotRegular("told to", hint="none"))


def followed(kind: Any, text: str | dict[str, Any], whitespace: int | None = None) -> TokenConstraint:
    return GRAMMARS.follow(grammar(kind, text, whitespace))


def automaton(kind: Any, text: str | dict[str, Any]) -> TokenAutomaton:
    compiled = compile_constraint(Constraint(kind, text if isinstance(text, str) else json.dumps(text)), VOCABULARY)
    assert isinstance(compiled, TokenAutomaton)
    return compiled


def allowed(row: NDArray[np.int32]) -> list[int]:
    return np.flatnonzero(np.unpackbits(row.astype("<i4").view(np.uint8), bitorder="little")).tolist()


def walk(constraint: TokenConstraint, draw: random.Random, most: int) -> Iterator[tuple[Any, list[int]]]:
    """(state, the ids up to it) along a random answer of at most so many ids."""
    state, ids = constraint.start, list[int]()
    while True:
        yield state, list(ids)
        tokens = [token for token in allowed(constraint.row(state)) if token not in VOCABULARY.end_ids]
        if not tokens or len(ids) == most:
            return
        ids.append(draw.choice(tokens))
        state = constraint.step(state, ids[-1])
        assert state is not None


@lru_cache
def lengths() -> NDArray[np.int64]:
    """int64 [size]; the bytes of each id, as `Jumps` has them."""
    found = np.zeros(VOCABULARY.size, dtype=np.int64)
    found[: len(TOKENS)] = [len(token or b"") for token in TOKENS]
    return found


def text_of(ids: list[int]) -> bytes:
    return b"".join(TOKENS[token] or b"" for token in ids)
