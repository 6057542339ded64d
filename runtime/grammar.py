"""Following a grammar with llguidance, behind the interface that automata have (`TokenConstraint`).

The library's matcher is one thing that changes: it reads ids and takes them back. A state here is a value. So a matcher
belongs to the newest state that was stepped to, and the state that needs it next and is not that one

- takes it back over the ids in between, where that state is no more (a jump looked ahead), or
- makes a copy of it, and takes that one back (a fork).

A state holds its path of ids, from which any matcher can be made again, and no other state: what nobody can go back to is
freed at once, masks and matchers too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, ClassVar, cast
from weakref import ReferenceType, WeakValueDictionary, ref

import numpy as np
from numpy.typing import NDArray

from sglc.ir.errors import ConstraintError, RunError
from sglc.ir.grammar import Grammar
from sglc.ir.tokens import TokenConstraint, Vocabulary

_MOST_FORCED = 256  # bytes that are answered at once

_Path = tuple[Any, int] | None
"""The ids up to a state: those before the last, and the last."""


class Grammars:
    """The grammars that are followed over one vocabulary; from any thread. The library and its tokenizer are loaded when
    the first one is asked for: half a second for 128,000 tokens."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._tokenizer: Any = None
        self._made: WeakValueDictionary[Grammar, GrammarConstraint] = WeakValueDictionary()
        self._lock = threading.Lock()

    def follow(self, grammar: Grammar) -> TokenConstraint:
        """Raises `ConstraintError` where the library is not installed, or refuses the grammar."""
        with self._lock:
            made = self._made.get(grammar)
            if made is None:
                if self._tokenizer is None:
                    self._tokenizer = _tokenizer_of(self._vocabulary)
                made = self._made[grammar] = GrammarConstraint(grammar, self._vocabulary, self._tokenizer)
            return made


class _Cursor:
    """A matcher, the ids that it has read, the state that it stands at, and the root that it is a copy of."""

    __slots__ = ("at", "ids", "matcher", "root")

    def __init__(self, matcher: Any, ids: list[int], root: Any) -> None:
        self.matcher = matcher
        self.ids = ids
        self.root = root
        self.at: ReferenceType[GrammarState] | None = None

    def holder(self) -> GrammarState | None:
        return None if self.at is None else self.at()


class GrammarState:
    """A place in an answer. What is computed of it is kept: `row` with the number of texts' ids in it, and the rest."""

    __slots__ = ("__weakref__", "accepts", "count", "cursor", "forced", "path", "row")

    def __init__(self, path: _Path, cursor: _Cursor | None) -> None:
        self.path = path
        self.cursor = cursor
        self.forced: bytes | None = None
        self.row: NDArray[np.int32] | None = None
        self.accepts = False  # this and `count` are known with `row`
        self.count = 0

    def ids(self) -> list[int]:
        """From the first to the last."""
        ids: list[int] = []
        path = self.path
        while path is not None:
            path, last = path
            ids.append(last)
        ids.reverse()
        return ids


class GrammarConstraint:
    """A grammar over a vocabulary. Its states are used from one thread at a time.

    Copies of a matcher share what their lexer has learnt, and its limits with it: one answer that comes to a limit, or
    many that come near, would end all others. So what fails is tried again with a new matcher, for this answer and all
    later ones; what fails there as well is the answer's own fault.

    Raises `ConstraintError` where the library refuses the grammar. Its methods raise `RunError` where the matcher comes
    to one of its limits, or where the vocabulary cannot write what must come.
    """

    finite: ClassVar[bool] = False

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary, tokenizer: Any) -> None:
        self._grammar = grammar
        self._tokenizer = tokenizer
        self._tokens = vocabulary.tokens
        self._size = vocabulary.size
        self._ends = frozenset(end for end in vocabulary.end_ids if 0 <= end < vocabulary.size)
        self._end_row = _row_of(self._ends, vocabulary.size)
        self._root = _matcher(grammar, tokenizer)

    @property
    def size(self) -> int:
        """The number of ids, all that a mask has a bit for."""
        return self._size

    @property
    def start(self) -> GrammarState:
        return GrammarState(None, None)

    def step(self, state: GrammarState, token: int) -> GrammarState | None:
        """The state after a token that is no end id; None where it is not allowed. The token must be in range."""
        if token >= len(self._tokens) or not self._tokens[token] or token in self._ends:
            return None
        cursor = self._cursor(state)
        if not cursor.matcher.try_consume_tokens([token]):
            if not int(self.row(state)[token // 32]) >> (token % 32) & 1:
                return None
            cursor = self._again(state)  # the matcher says no to what it allowed: it has come to a limit
            if not cursor.matcher.try_consume_tokens([token]):
                raise _failure(cursor)
        cursor.ids.append(token)
        after = GrammarState((state.path, token), cursor)
        cursor.at = ref(after)
        return after

    def row(self, state: GrammarState) -> NDArray[np.int32]:
        """The mask of a state, int32 [ceil(size / 32)]: token t is allowed where bit t % 32 of word t // 32 is set.
        Read-only: it is made on first use and kept with the state."""
        if state.row is None:
            cursor = self._cursor(state)
            if not self._look(state, cursor):
                cursor = self._again(state)
                if not self._look(state, cursor):
                    raise _failure(cursor)
        assert state.row is not None
        return state.row

    def accepts(self, state: GrammarState) -> bool:
        self.row(state)
        return state.accepts

    def is_final(self, state: GrammarState) -> bool:
        """The text so far matches, and no token of text may follow."""
        return self.accepts(state) and state.count == 0

    def only_id(self, state: GrammarState) -> int:
        """The only id that is allowed in a state, -1 where several are (end ids count)."""
        row = self.row(state)
        if state.count + (len(self._ends) if state.accepts else 0) != 1:
            return -1
        (word,) = np.flatnonzero(row)
        return 32 * int(word) + (int(row[word]) & 0xFFFFFFFF).bit_length() - 1

    def forced_bytes(self, state: GrammarState) -> bytes:
        """At most 256 of them."""
        if state.forced is None:
            self.row(state)  # a matcher that can go on
            state.forced = bytes(self._cursor(state).matcher.compute_ff_bytes()[:_MOST_FORCED])
        return state.forced

    def reach(self, state: GrammarState, lengths: NDArray[np.int64]) -> int:
        """The bytes of the longest token that is allowed in a state. lengths: int64 [size]; the bytes of each id."""
        texts = self.row(state) & ~self._end_row
        bits = np.unpackbits(texts.astype("<i4", copy=False).view(np.uint8), bitorder="little")
        return int(lengths[bits[: self._size].view(np.bool_)].max(initial=0))

    def _look(self, state: GrammarState, cursor: _Cursor) -> bool:
        """Finds out what is allowed; whether that could be done."""
        matcher = cursor.matcher
        accepts = bool(matcher.is_accepting())
        row = np.zeros_like(self._end_row)
        if not (accepts and matcher.is_stopped()):
            mask = np.frombuffer(matcher.compute_bitmask(), dtype="<i4")
            row[:] = mask[: len(row)]
            if self._size % 32:  # the bit of the library's own end id, and those behind it
                row[-1] &= np.int32((1 << (self._size % 32)) - 1)
        if matcher.is_error():
            return False
        state.accepts, state.count = accepts, int(np.bitwise_count(row.view(np.uint32)).sum())
        if accepts:
            row |= self._end_row
        row.flags.writeable = False
        state.row = row
        return True

    def _cursor(self, state: GrammarState) -> _Cursor:
        """A matcher that stands at a state; the state has it until it is stepped from, or another takes it."""
        cursor = state.cursor
        if cursor is not None and cursor.holder() is state:
            return cursor
        path = state.ids()
        if cursor is None or cursor.root is not self._root or cursor.matcher.is_error():
            cursor = _Cursor(self._root.deep_copy(), [], self._root)
        elif cursor.holder() is not None:
            cursor = _Cursor(cursor.matcher.deep_copy(), cursor.ids.copy(), cursor.root)
        _move(cursor, path)
        state.cursor = cursor
        cursor.at = ref(state)
        return cursor

    def _again(self, state: GrammarState) -> _Cursor:
        """A matcher at a state whose own has failed: of a new root, where that one was of the present."""
        if state.cursor is None or state.cursor.root is self._root:
            self._root = _matcher(self._grammar, self._tokenizer)
        state.cursor = None
        return self._cursor(state)


def _move(cursor: _Cursor, path: list[int]) -> None:
    """Brings a matcher to another path. One that cannot go there is in error then."""
    common = 0
    for one, other in zip(cursor.ids, path, strict=False):
        if one != other:
            break
        common += 1
    if common < len(cursor.ids):
        cursor.matcher.rollback(len(cursor.ids) - common)
    if common < len(path):
        cursor.matcher.consume_tokens(path[common:])
    cursor.ids[common:] = path[common:]


def _failure(cursor: _Cursor) -> RunError:
    said = _first_line(cursor.matcher.get_error())
    if said == "NoExtensionBias":
        return RunError(
            "no token goes on here: the model's vocabulary cannot write what the grammar asks for",
            hint="allow only characters that the vocabulary has",
        )
    return RunError(
        f"the grammar cannot be followed further: llguidance: {said}",
        hint="make its repeats smaller, or split the answer into several gens",
    )


def _first_line(error: str) -> str:
    return next((line.strip() for line in error.splitlines() if line.strip()), "it fails without a reason")[:300]


def _matcher(grammar: Grammar, tokenizer: Any) -> Any:
    from llguidance import LLMatcher, LLParserLimits

    matcher = LLMatcher(tokenizer, grammar.text, log_level=0, limits=LLParserLimits(verbose_errors=False))
    if matcher.is_error():
        raise ConstraintError(
            f"llguidance refuses a grammar: {_first_line(matcher.get_error())}",
            hint="compile the program again with the llguidance that is installed here, or make the constraint simpler",
        )
    return matcher


def _tokenizer_of(vocabulary: Vocabulary) -> Any:
    """The vocabulary as the library takes it. Ids that no text may use have no bytes. The library's end id is one more, so
    that those of the model, none or many, are ours to allow."""
    try:
        from llguidance import LLTokenizer
    except ImportError as error:
        raise ConstraintError(
            "a constraint of this program is followed by llguidance, which is not installed",
            hint="pip install 'sglc[grammar]'",
        ) from error
    return LLTokenizer(cast(Any, _Tokens(vocabulary)), eos_token=vocabulary.size)


class _Tokens:
    """What the library reads of a tokenizer."""

    is_tokenizer_wrapper = True
    bos_token_id = None

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.eos_token_id = vocabulary.size
        self.special_token_ids: list[int] = []
        ends = vocabulary.end_ids
        self.tokens = [b"" if token is None or id_ in ends else token for id_, token in enumerate(vocabulary.tokens)]
        self.tokens += [b""] * (vocabulary.size + 1 - len(self.tokens))

    def __call__(self, text: bytes | str) -> list[int]:
        raise RuntimeError("grammars are followed without forcing tokens")  # what would ask for it is turned off


def _row_of(ids: Iterable[int], size: int) -> NDArray[np.int32]:
    """The mask that allows these ids."""
    bits = np.zeros(-(-size // 32) * 32, dtype=np.bool_)
    bits[list(ids)] = True
    return np.packbits(bits, bitorder="little").view("<i4").astype(np.int32, copy=False)
