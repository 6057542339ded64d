"""A vocabulary of sixteen ids, its detokenizer, small automata over it, and a loop that checks every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from sglc.ir.automaton import complete
from sglc.ir.tokens import TokenAutomaton
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.engine.request import Event, Progress, Request
from tests.engine.invariants import check

END = 0
VOCABULARY: tuple[bytes | None, ...] = (
    None,  # the end id
    None,  # another control token
    b"a",
    b"b",
    b"c",
    b"ab",
    b"ba",
    b"abc",
    b"ca",
    b" x",
    b"",
    "€".encode(),
    b"\xe2",  # the three bytes of the same character, in pieces
    b"\x82",
    b"\xac",
    b"\xe2\x82",
)


class Bytes:
    """The detokenizer of a vocabulary given as bytes."""

    def __init__(self, vocabulary: Iterable[bytes | None] = VOCABULARY) -> None:
        self._vocabulary = tuple(vocabulary)

    def bytes_of(self, token: int) -> bytes | None:
        return self._vocabulary[token]


def automaton(
    edges: dict[int, dict[str, int]], accept: set[int], vocabulary: tuple[bytes | None, ...] = VOCABULARY
) -> TokenAutomaton:
    """A token automaton from the edges of a byte DFA: {state: {byte: next state}}. State 0 is the start."""
    moves = np.full((len(edges), 256), -1, np.int32)
    for state, steps in edges.items():
        for byte, following in steps.items():
            moves[state, ord(byte)] = following
    # A class for each token, the first for none: nothing here finds out which do the same.
    next_state = np.full((len(edges), len(vocabulary) + 1), -1, np.int32)
    for token, text in enumerate(vocabulary):
        if text and token != END:
            for state in edges:
                after = state
                for byte in text:
                    after = moves[after, byte] if after >= 0 else -1
                next_state[state, token + 1] = after
    return complete(
        class_of=np.arange(1, len(vocabulary) + 1, dtype=np.int32),
        next_state=next_state,
        accept=np.array([state in accept for state in edges]),
        ends=np.array([END], np.int32),
        byte_class=np.arange(256, dtype=np.uint8),
        moves=moves,
    )


def words(*texts: str) -> TokenAutomaton:
    """The automaton of a finite set of texts."""
    edges: dict[int, dict[str, int]] = {0: {}}
    accept: set[int] = set()
    for text in texts:
        state = 0
        for byte in text:
            if byte not in edges[state]:
                edges[state][byte] = len(edges)
                edges[len(edges)] = {}
            state = edges[state][byte]
        accept.add(state)
    return automaton(edges, accept)


AUTOMATA = (
    words("aaaa"),  # forced from end to end
    words("aaab", "aaac", "ca"),  # forced after a choice
    words(" x x x", " xab", "b"),
    automaton({0: {"b": 1}, 1: {"b": 1, "c": 0}}, {1}),  # a loop
    automaton({0: {"b": 1, "c": 1, "a": 1}, 1: {"z": 1}}, {1}),  # after one byte the end id is all that has a token
)


def drive(
    core: EngineCore,
    device: FakeDevice,
    requests: Iterable[Request],
    before_step: Callable[[int], None] = lambda n: None,
) -> tuple[dict[int, Event], int]:
    """Submits requests and steps until the engine is idle, with the invariants checked after every step. Answers the
    last events by request, and the number of steps."""
    for request in requests:
        core.submit(request)
    events: dict[int, Event] = {}
    steps = 0
    while not core.idle:
        before_step(steps)
        for event in core.step():
            assert event.request not in events, "an event of a request that has ended"
            if not isinstance(event, Progress):
                events[event.request] = event
        check(core, device)
        steps += 1
        assert steps < 10_000, "no end in sight"
    return events, steps
