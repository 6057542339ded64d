"""Texts, and the automata that take or draw them."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np

from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.passes.front_ends import read_constraint
from sglc.passes.json_schema import tree_of_schema
from sglc.passes.regular import tree as rx
from sglc.passes.regular.compile import compile_bytes
from sglc.passes.regular.utf8 import ByteDfa


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def accepts(dfa: ByteDfa, text: str) -> bool:
    state = 0
    for byte in text.encode():
        if state >= 0:
            state = int(dfa.table[state, byte])
    return state >= 0 and bool(dfa.accept[state])


def equal(one: ByteDfa, other: ByteDfa) -> bool:
    """Whether two automata take the same texts, state by state."""
    seen, queue = {(0, 0)}, [(0, 0)]
    for left, right in queue:  # grows
        if one.accept[left] != other.accept[right] or ((one.table[left] < 0) != (other.table[right] < 0)).any():
            return False
        pairs = zip(one.table[left].tolist(), other.table[right].tolist(), strict=True)
        new = {pair for pair in pairs if pair[0] >= 0} - seen
        seen |= new
        queue += new
    return True


class Sampler:
    """Random texts that an automaton accepts."""

    def __init__(self, dfa: ByteDfa) -> None:
        self.dfa = dfa
        self.moves = [np.flatnonzero(row >= 0).tolist() for row in dfa.table]
        self.to_go = np.where(dfa.accept, 0, len(dfa.accept) + 1)  # bytes to the next end
        while True:
            behind = np.where(dfa.table >= 0, self.to_go[dfa.table] + 1, len(dfa.accept) + 1).min(axis=1)
            if (behind >= self.to_go).all():
                break
            self.to_go = np.minimum(self.to_go, behind)

    def text(self, draw: random.Random, about: int = 40) -> str:
        state, data = 0, bytearray()
        while not (self.dfa.accept[state] and (not self.moves[state] or len(data) > about or draw.random() < 0.2)):
            choices = self.moves[state]
            if len(data) > about or draw.random() < 0.2:
                choices = [b for b in choices if self.to_go[self.dfa.table[state, b]] < self.to_go[state]] or choices
            elif draw.random() < 0.4:
                choices = [b for b in choices if b in b'"\\{}[],u0'] or choices
            data.append(draw.choice(choices))
            state = int(self.dfa.table[state, data[-1]])
        return data.decode()


def text_of(schema: Any) -> str:
    return schema if isinstance(schema, str) else json.dumps(schema)


def compiled(schema: Any, whitespace: int | None = None) -> ByteDfa:
    """The automaton of a schema, or of its text."""
    return compile_bytes(*read_constraint(Constraint("json_schema", text_of(schema), whitespace)))


def tried(schema: Any) -> ByteDfa | ConstraintError:
    try:
        return compiled(schema)
    except ConstraintError as error:
        return error


def ends(tree: rx.Regular, text: str, starts: set[int]) -> set[int]:
    """Where a match may end that begins at one of some places: by the meaning of each operation, without an automaton."""
    match tree:
        case rx.Chars(chars):
            return {
                at + 1 for at in starts if any(low <= ord(text[at : at + 1] or "\ud800") <= high for low, high in chars)
            }
        case rx.Sequence(parts):
            for part in parts:
                starts = ends(part, text, starts)
            return starts
        case rx.Choice(parts):
            return set().union(*(ends(part, text, starts) for part in parts))
        case rx.Repeat(body, least, most):
            for _ in range(least):
                starts = ends(body, text, starts)
            found, new, turns = set(starts), starts, 0
            while new and (most is None or turns < most - least):
                new = ends(body, text, new) - found
                found |= new
                turns += 1
            return found
        case rx.Part(body):
            return ends(body, text, starts)
        case rx.Both(parts):
            return {end for at in starts for end in set.intersection(*(ends(part, text, {at}) for part in parts))}
        case rx.Not(body):
            return {end for at in starts for end in {*range(at, len(text) + 1)} - ends(body, text, {at})}
        case _:
            raise AssertionError(tree)


class Matcher:
    """The tree of a schema, matched without an automaton."""

    def __init__(self, schema: Any, whitespace: int | None = None) -> None:
        self.tree = tree_of_schema(text_of(schema), whitespace)

    def matches(self, text: str) -> bool:
        return len(text) in ends(self.tree, text, {0})


def matches(schema: Any, *texts: str) -> list[bool]:
    dfa, matcher = compiled(schema), Matcher(schema)
    found = [accepts(dfa, text) for text in texts]
    assert found == [matcher.matches(text) for text in texts]
    return found
