"""Texts, and the automata that take or draw them."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import numpy as np

from sglc.ir.errors import ConstraintError
from sglc.passes.json_schema import regex_of_schema
from sglc.passes.regular.utf8 import ByteDfa
from tests.regexes import compile_bytes


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def accepts(dfa: ByteDfa, text: str) -> bool:
    state = 0
    for byte in text.encode():
        if state >= 0:
            state = int(dfa.table[state, byte])
    return state >= 0 and bool(dfa.accept[state])


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


def tried(schema: Any) -> str | ConstraintError:
    try:
        return regex_of_schema(schema if isinstance(schema, str) else json.dumps(schema))
    except ConstraintError as error:
        return error


def matches(schema: Any, *texts: str) -> list[bool]:
    pattern = regex_of_schema(json.dumps(schema))
    dfa = compile_bytes(pattern)
    found = [accepts(dfa, text) for text in texts]
    assert found == [re.fullmatch(pattern, text) is not None for text in texts]
    return found
