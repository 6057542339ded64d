"""A byte automaton and a vocabulary to an automaton over classes of tokens.

Tokens of one class do the same to the automaton, as `walk` finds; there are few classes (hundreds for a vocabulary of
128,000). Two states have the same mask exactly where the same classes are allowed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sglc.ir.automaton import complete, ranges, stuck_state
from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regular.source import NotRegular, Source
from sglc.passes.regular.utf8 import ByteDfa
from sglc.passes.regular.walk import Functions, TooMuchWork, walk

MAX_MASK_BYTES = 256 << 20
MAX_CELLS = 32 << 20  # of `TokenAutomaton.next`
MAX_WORK = 60_000_000  # pairs of a state and its image that the walk looks at


def token_automaton(dfa: ByteDfa, vocabulary: Vocabulary, source: Source) -> TokenAutomaton:
    """The automaton over tokens; `source` is for messages.

    Raises `ConstraintError` where the vocabulary cannot write a text that the constraint asks for, and where the tables
    would take too much memory or time.
    """
    byte_class, columns = _columns(dfa.table)
    try:
        functions, function_of = walk(byte_class, columns, vocabulary.trie, MAX_WORK)
    except TooMuchWork:
        raise _too_large(source) from None
    used = np.zeros(len(functions), dtype=np.bool_)
    used[function_of] = True
    used[0] = False
    numbers = np.flatnonzero(used)
    if (len(numbers) + 1) * len(dfa.accept) > MAX_CELLS:
        raise _too_large(source)
    class_of = np.zeros(len(functions), dtype=np.int32)
    class_of[numbers] = np.arange(1, len(numbers) + 1)
    automaton = complete(
        class_of=class_of.take(function_of),
        next_state=_next(functions, numbers, len(dfa.accept)),
        accept=dfa.accept,
        ends=np.array(sorted(end for end in vocabulary.end_ids if 0 <= end < vocabulary.size), dtype=np.int32),
        byte_class=byte_class,
        moves=np.ascontiguousarray(columns.T),
    )
    if len(automaton.row_ends) * -(-vocabulary.size // 32) * 4 > MAX_MASK_BYTES:
        raise _too_large(source)
    if (stuck := stuck_state(automaton)) is not None:
        wanted = bytes(np.flatnonzero(dfa.table[stuck] >= 0)[:8].tolist())
        raise ConstraintError(
            f"the model's vocabulary cannot write every text that the {source.name} allows: {_short(source)} leads to a place where"
            f" no token goes on (next byte one of {wanted!r} ...)",
            hint="allow only characters that the vocabulary has",
        )
    return automaton


def _columns(table: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The class of each byte, uint8 [256], and the distinct columns of a table, int32 [classes, states]: bytes that an
    automaton does not tell apart are one class."""
    begins = np.flatnonzero(np.any(table[:, 1:] != table[:, :-1], axis=0)) + 1  # runs of equal columns
    begins = np.concatenate([[0], begins])
    runs = np.ascontiguousarray(table.T[begins])
    numbers: dict[bytes, int] = {}
    class_of = [numbers.setdefault(run.tobytes(), len(numbers)) for run in runs]
    _, first = np.unique(class_of, return_index=True)
    return np.repeat(np.array(class_of, dtype=np.uint8), np.diff(begins, append=256)), runs[first]


def _next(functions: Functions, numbers: NDArray[np.int64], states: int) -> NDArray[np.int32]:
    """`TokenAutomaton.next`: a column for each of the numbered functions, after one that allows nothing."""
    by_class = np.full((len(numbers) + 1, states), -1, dtype=np.int32)
    lengths = functions.lengths[numbers]
    at = ranges(functions.starts[numbers], lengths)
    cells = np.repeat(np.arange(1, len(numbers) + 1) * states, lengths)
    cells += functions.states[at]
    by_class.reshape(-1)[cells] = functions.images[at]
    return by_class.T


def _too_large(source: Source) -> ConstraintError:
    what = (
        f"the {source.name} {_short(source)} has too many different places for this vocabulary to keep a mask for each"
    )
    return NotRegular(what, hint="make its repeats smaller, or split the answer into several gens")


def _short(source: Source) -> str:
    return repr(source.text if len(source.text) <= 80 else source.text[:80] + "...")
