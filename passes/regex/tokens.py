"""A byte automaton and a vocabulary to masks: which tokens each state allows.

Tokens are walked all at once, byte by byte. What a token does to an automaton is a partial function from states to
states; tokens with the same function so far are walked once. There are few functions (hundreds for a vocabulary of
128,000), so the work hardly depends on the number of states, and two states have the same mask exactly where the same
functions are defined.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regex.utf8 import ByteDfa

MAX_MASK_BYTES = 256 << 20
MAX_FUNCTION_PAIRS = 30_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _Bytes:
    """The bytes of a vocabulary's usable tokens, one after another. ids, starts and lengths: one entry a token."""

    data: NDArray[np.uint8]
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Function:
    """A partial function from states to states: ascending states where it is defined, and their images."""

    states: NDArray[np.int32]
    images: NDArray[np.int32]


@lru_cache(maxsize=4)
def _bytes(vocabulary: Vocabulary) -> _Bytes:
    usable = [(index, token) for index, token in enumerate(vocabulary.tokens) if token]
    lengths = np.array([len(token) for _, token in usable], dtype=np.int64)
    return _Bytes(
        data=np.frombuffer(b"".join(token for _, token in usable), dtype=np.uint8),
        ids=np.array([index for index, _ in usable], dtype=np.int64),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
    )


def token_automaton(dfa: ByteDfa, vocabulary: Vocabulary, pattern: str) -> TokenAutomaton:
    """The masks of an automaton; `pattern` is for messages.

    Raises `ConstraintError` where the vocabulary cannot write a text that the regex asks for, and where the masks would
    take too much memory.
    """
    tokens = _bytes(vocabulary)
    functions, function_of = _walk(dfa, tokens, pattern)
    _check_no_dead_end(dfa, functions, pattern)
    masks, row_of = _masks(dfa, functions)
    ends = np.array(sorted(end for end in vocabulary.end_ids if 0 <= end < vocabulary.size), dtype=np.int64)
    rows, forced = _rows(masks, function_of, tokens.ids, ends, vocabulary.size, pattern)
    return TokenAutomaton(
        table=dfa.table,
        accept=dfa.accept,
        row_of=row_of,
        rows=rows,
        forced=forced[row_of],
        final=np.all(dfa.table < 0, axis=1),  # such a state accepts, for every state can reach one that does
    )


def _walk(dfa: ByteDfa, tokens: _Bytes, pattern: str) -> tuple[list[_Function], NDArray[np.int64]]:
    """The functions of the tokens, and the number of each token's, -1 for a token that no state allows."""
    columns, letter_of = _columns(dfa.table)
    every = np.arange(len(dfa.accept), dtype=np.int32)
    functions: list[_Function] = [_Function(every, every)]
    numbers: dict[tuple[bytes, bytes], int] = {}
    pairs = 0
    # (function, letter) -> function; -2 not known yet, -1 nowhere defined
    after = np.full((1, len(columns)), -2, dtype=np.int64)
    function_of = np.zeros(len(tokens.ids), dtype=np.int64)
    alive = np.arange(len(tokens.ids))
    depth = 0
    while len(alive):
        letters = letter_of[tokens.data[tokens.starts[alive] + depth]]
        before = function_of[alive]
        unknown = after[before, letters] == -2
        for step in np.unique(before[unknown] * len(columns) + letters[unknown]).tolist():
            number, letter = divmod(int(step), len(columns))
            function = functions[number]
            images = columns[letter][function.images]
            defined = images >= 0
            if not defined.any():
                after[number, letter] = -1
                continue
            new = _Function(function.states[defined], images[defined])
            key = (new.states.tobytes(), new.images.tobytes())
            if key not in numbers:
                numbers[key] = len(functions)
                functions.append(new)
                pairs += len(new.states)
                if pairs > MAX_FUNCTION_PAIRS:
                    raise _too_large(pattern)
            after[number, letter] = numbers[key]
        if len(functions) > len(after):
            after = np.vstack([after, np.full((len(functions) - len(after), len(columns)), -2, dtype=np.int64)])
        function_of[alive] = after[before, letters]
        depth += 1
        alive = alive[(function_of[alive] >= 0) & (tokens.lengths[alive] > depth)]
    used, renumbered = np.unique(function_of, return_inverse=True)
    kept: list[_Function] = [functions[number] for number in used.tolist() if number >= 0]
    return kept, renumbered.reshape(-1) - (1 if len(used) and used[0] < 0 else 0)


def _columns(table: NDArray[np.int32]) -> tuple[list[NDArray[np.int32]], NDArray[np.int64]]:
    """The distinct columns of a table, and the number of each byte's: bytes that an automaton does not tell apart."""
    numbers: dict[bytes, int] = {}
    columns: list[NDArray[np.int32]] = []
    letter_of = np.empty(256, dtype=np.int64)
    for byte, column in enumerate(np.ascontiguousarray(table.T)):
        letter_of[byte] = numbers.setdefault(column.tobytes(), len(columns))
        if letter_of[byte] == len(columns):
            columns.append(column)
    return columns, letter_of


def _check_no_dead_end(dfa: ByteDfa, functions: list[_Function], pattern: str) -> None:
    """Every state that tokens reach must reach acceptance by tokens."""
    none = np.empty(0, dtype=np.int32)
    sources = np.concatenate([none, *(function.states for function in functions)])
    targets = np.concatenate([none, *(function.images for function in functions)])
    reached = _closure(np.arange(len(dfa.accept)) == 0, sources, targets)
    alive = _closure(dfa.accept, targets, sources)
    stuck = np.flatnonzero(reached & ~alive)
    if len(stuck):
        wanted = bytes(np.flatnonzero(dfa.table[stuck[0]] >= 0)[:8].tolist())
        raise ConstraintError(
            f"the model's vocabulary cannot write every text that the regex allows: {pattern!r} leads to a place where"
            f" no token goes on (next byte one of {wanted!r} ...)",
            hint="allow only characters that the vocabulary has",
        )


def _closure(marked: NDArray[np.bool_], sources: NDArray[np.int32], targets: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The marked states and all that moves lead to from them."""
    marked = marked.copy()
    order = np.argsort(sources, kind="stable")
    targets = targets[order]
    starts = np.searchsorted(sources[order], np.arange(len(marked) + 1))
    stack = np.flatnonzero(marked).tolist()
    while stack:
        state = stack.pop()
        for target in targets[starts[state] : starts[state + 1]].tolist():
            if not marked[target]:
                marked[target] = True
                stack.append(target)
    return marked


def _masks(dfa: ByteDfa, functions: list[_Function]) -> tuple[list[tuple[NDArray[np.int64], bool]], NDArray[np.int32]]:
    """The distinct masks, as the functions they allow and whether end ids are allowed, and each state's mask."""
    states = np.concatenate([np.empty(0, dtype=np.int32)] + [function.states for function in functions])
    numbers = np.repeat(np.arange(len(functions)), [len(function.states) for function in functions])
    order = np.argsort(states, kind="stable")  # keeps the numbers of one state ascending
    states, numbers = states[order], numbers[order]
    starts = np.searchsorted(states, np.arange(len(dfa.accept) + 1))
    masks: list[tuple[NDArray[np.int64], bool]] = []
    known: dict[tuple[bytes, bool], int] = {}
    row_of = np.empty(len(dfa.accept), dtype=np.int32)
    for state, accepts in enumerate(dfa.accept.tolist()):
        allowed = numbers[starts[state] : starts[state + 1]]
        key = (allowed.tobytes(), accepts)
        if key not in known:
            known[key] = len(masks)
            masks.append((allowed, accepts))
        row_of[state] = known[key]
    return masks, row_of


def _rows(
    masks: list[tuple[NDArray[np.int64], bool]],
    function_of: NDArray[np.int64],
    ids: NDArray[np.int64],
    ends: NDArray[np.int64],
    size: int,
    pattern: str,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The masks as bits, and for each the only id that it allows or -1."""
    words = -(-size // 32)
    if len(masks) * words * 4 > MAX_MASK_BYTES:
        raise _too_large(pattern)
    rows = np.empty((len(masks), words), dtype=np.int32)
    forced = np.full(len(masks), -1, dtype=np.int32)
    usable = function_of >= 0
    ids, function_of = ids[usable], function_of[usable]
    inside = ids < size
    ids, function_of = ids[inside], function_of[inside]
    live = np.zeros(int(function_of.max(initial=-1)) + 1, dtype=np.bool_)
    for number, (allowed, accepts) in enumerate(masks):
        live[:] = False
        live[allowed] = True
        bits = np.zeros(words * 32, dtype=np.bool_)
        bits[ids[live[function_of]]] = True
        bits[ends] = accepts
        rows[number] = np.packbits(bits, bitorder="little").view("<i4")
        allowed_ids = np.flatnonzero(bits)
        if len(allowed_ids) == 1:
            forced[number] = allowed_ids[0]
    return rows, forced


def _too_large(pattern: str) -> ConstraintError:
    what = f"the regex {pattern[:80]!r} has too many different places for this vocabulary to keep a mask for each"
    return ConstraintError(what, hint="make its repeats smaller, or split the answer into several gens")
