"""A byte automaton and a vocabulary to an automaton over classes of tokens.

Tokens of one class do the same to the automaton, as `walk` finds; there are few classes (hundreds for a vocabulary of
128,000). Two states have the same mask exactly where the same classes are allowed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sglc.ir.automaton import complete, stuck_state
from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.regular.minimise import Dfa
from sglc.passes.regular.nfa import Run
from sglc.passes.regular.source import NotRegular, Source
from sglc.passes.regular.utf8 import ByteDfa
from sglc.passes.regular.walk import TooMuchWork, walk

MAX_MASK_BYTES = 256 << 20
MAX_CELLS = 8 << 20  # of `TokenAutomaton.next`: 32 MB
MAX_WORK = 60_000_000  # pairs of a state and its image that the walk looks at
LARGE = 8_192  # states of an automaton over characters from which on a sample of them is looked at first
SAMPLE = 512  # states


def check_size(dfa: Dfa, runs: list[Run], vocabulary: Vocabulary, source: Source) -> None:
    """Raises `NotRegular` for an automaton over characters that is certain to be too large over tokens, long before
    `token_automaton` would find that.

    Tokens that differ from some states of a sample are of several classes, and over bytes there are no fewer states; so
    what is refused here has too many cells. Tokens of ASCII alone are looked at: they need no automaton over bytes.
    """
    states = len(dfa.moves)
    if states < LARGE:
        return
    runs = [run for run in runs if run.first < 128]
    letters = sorted({run.letter for run in runs})
    columns = np.full((len(letters) + 1, states), -1, dtype=np.int32)  # the last: what no state allows
    columns[:-1] = dfa.moves[:, letters].T
    letter_of = np.full(256, len(letters), dtype=np.uint8)
    for run in runs:
        letter_of[run.first : min(run.last + 1, 128)] = letters.index(run.letter)
    asked = np.arange(0, states, -(-states // SAMPLE), dtype=np.int32)
    try:
        _, after = walk(letter_of, columns, vocabulary.trie, MAX_WORK, states, asked)
    except TooMuchWork:
        return
    if len(after) * states > MAX_CELLS:
        raise _too_large(source)


def token_automaton(dfa: ByteDfa, vocabulary: Vocabulary, source: Source) -> TokenAutomaton:
    """The automaton over tokens; `source` is for messages.

    Raises `ConstraintError` where the vocabulary cannot write a text that the constraint asks for, and where the tables
    would take too much memory or time, and where a token would be both the text of its bytes and the token by its id,
    which go on differently.
    """
    byte_class, columns = _columns(dfa)
    try:
        class_of, by_class = walk(byte_class, columns, vocabulary.trie, MAX_WORK, 2 * MAX_CELLS // len(dfa.accept))
    except TooMuchWork:
        raise _too_large(source) from None
    if by_class.size + len(dfa.ids) * len(dfa.accept) > MAX_CELLS:
        raise _too_large(source)
    own_ids = np.array(sorted(dfa.ids), dtype=np.int32)
    if len(own_ids):
        own = _joined(by_class[class_of[own_ids]], dfa, own_ids, source)
        class_of, by_class = _with_own(class_of, by_class, own_ids, own)
    automaton = complete(
        class_of=class_of,
        next_state=by_class.T,
        accept=dfa.accept,
        ends=np.array(sorted(end for end in vocabulary.end_ids if 0 <= end < vocabulary.size), dtype=np.int32),
        byte_class=byte_class,
        moves=np.ascontiguousarray(columns.T),
        own_ids=own_ids[class_of[own_ids] > 0],
    )
    if len(automaton.row_ends) * -(-vocabulary.size // 32) * 4 > MAX_MASK_BYTES:
        raise _too_large(source)
    if not _has_each_byte(columns, byte_class, vocabulary) and (stuck := stuck_state(automaton)) is not None:
        wanted = bytes(np.flatnonzero(dfa.table[stuck] >= 0)[:8].tolist())
        raise ConstraintError(
            f"the model's vocabulary cannot write every text that the {source.name} allows: {_short(source)} leads to a place where"
            f" no token goes on (next byte one of {wanted!r} ...)",
            hint="allow only characters that the vocabulary has",
        )
    return automaton


def _has_each_byte(columns: NDArray[np.int32], byte_class: NDArray[np.uint8], vocabulary: Vocabulary) -> bool:
    """Whether each byte that some state allows is a token by itself: then tokens lead on wherever bytes do."""
    asked = np.any(columns >= 0, axis=1)[byte_class]
    return bool(vocabulary.trie.single[asked].all())


def _columns(dfa: ByteDfa) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The class of each byte, uint8 [256], and for each class the state after it, int32 [classes, states]: bytes that the
    automaton does not tell apart are one class."""
    columns = np.ascontiguousarray(dfa.by_range.T)
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    class_of: list[int] = []
    for place, column in enumerate(columns):
        class_of.append(numbers.setdefault(column.tobytes(), len(numbers)))
        if len(numbers) > len(first):
            first.append(place)
    return np.array(class_of, dtype=np.uint8)[dfa.range_of], columns[first]


def _joined(own: NDArray[np.int32], dfa: ByteDfa, own_ids: NDArray[np.int32], source: Source) -> NDArray[np.int32]:
    """What each id does as its bytes (own: int32 [ids, states]) or as itself."""
    by_id = np.stack([dfa.ids[number] for number in own_ids.tolist()])
    clash = np.flatnonzero(np.any((own >= 0) & (by_id >= 0) & (own != by_id), axis=1))
    if len(clash):
        raise ConstraintError(
            f"in the {source.name} {_short(source)}, token {int(own_ids[clash[0]])} may stand in one place for itself and"
            " for its text, and what follows differs",
            hint="write such a token as its text only",
        )
    return np.maximum(own, by_id)


def _with_own(
    class_of: NDArray[np.int32], by_class: NDArray[np.int32], own_ids: NDArray[np.int32], own: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What `walk` returns, where these ids do something else (own: int32 [ids, states]). What no state allows is class 0,
    and equal rows are one class."""
    class_of = class_of.copy()
    known = {row.tobytes(): number for number, row in enumerate(by_class)}
    rows = list(by_class)
    for number, row in zip(own_ids.tolist(), own, strict=True):
        class_of[number] = known.setdefault(row.tobytes(), len(rows))
        if class_of[number] == len(rows):
            rows.append(row)
    used = np.bincount(class_of, minlength=len(rows)) > 0
    used[0] = True
    return (np.cumsum(used, dtype=np.int32) - 1)[class_of], np.stack(rows)[used]


def _too_large(source: Source) -> ConstraintError:
    what = (
        f"the {source.name} {_short(source)} has too many different places for this vocabulary to keep a mask for each"
    )
    return NotRegular(what, hint="make its repeats smaller, or split the answer into several gens")


def _short(source: Source) -> str:
    return repr(source.text if len(source.text) <= 80 else source.text[:80] + "...")
