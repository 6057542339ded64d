"""What the compiler and the runtime agree on about tokens: prompts as pieces, vocabularies, automata.

A prompt is a sequence of pieces. Neighbouring texts are tokenised as one unit; a role's edge is resolved by the chat
template; sampled ids stay as they were sampled. Only trusted text may become control tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sglc.ir.distances import distances
from sglc.ir.ops import Role
from sglc.ir.trie import Trie, trie_of


@dataclass(slots=True, unsafe_hash=True)  # not frozen: making one would take three times as long
class Text:
    """Text of a prompt. trusted: a literal of the program, which may spell control tokens."""

    text: str
    trusted: bool


@dataclass(slots=True, unsafe_hash=True)
class Sampled:
    """Ids that a model sampled, kept as they are, and the text they stand for (control tokens left out)."""

    ids: tuple[int, ...]
    text: str


Piece: TypeAlias = Text | Role | Sampled

_MOST_FORCED = 256  # bytes that are looked at at once


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer's vocabulary as the automata need it.

    tokens: the bytes of each id; None for ids that no constrained text may use (control tokens, unused columns).
    end_ids: the ids that end an answer, from tokenizer, config and generation config.
    size: number of logit columns of the model; at least len(tokens).
    fingerprint: hex digest of all of it and of the tokenizer's rules and chat template.
    """

    tokens: tuple[bytes | None, ...]
    end_ids: frozenset[int]
    size: int
    fingerprint: str
    _trie: Trie | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def trie(self) -> Trie:
        """The trie of its tokens, made on first use: a quarter of a second for 128,000 tokens."""
        if self._trie is None:
            object.__setattr__(self, "_trie", trie_of(self.tokens, self.end_ids, self.size))
        assert self._trie is not None
        return self._trie


class Tokenizer(Protocol):
    """Text to ids and back, exactly as the model's own tokenizer does it."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        """The ids of a prompt. Raises `ModelError` for a role where the model has no chat template."""
        ...

    def render(self, prompt: Sequence[Piece]) -> str:
        """The text of a prompt, with the chat template's own text at the edges of roles."""
        ...

    def spells_control(self, text: str) -> bool:
        """Whether control tokens are spelled in a text."""
        ...

    def stable_prefix(self, prompt: Sequence[Piece]) -> list[int]:
        """The longest beginning of `encode(prompt)` that is a beginning of `encode(prompt + more)` for every more."""
        ...


class TokenConstraint(Protocol):
    """What the text of an answer must match, followed id by id.

    A state is a value that is never changed: to fork is to share it, to roll back is to take an earlier one. Each method
    may raise `RunError` where a constraint cannot be followed further; `row` does not where `only_id` of the same state
    has answered.
    """

    finite: ClassVar[bool]
    """States are few and compare by what they mean: what is known of one may be kept under it."""

    @property
    def size(self) -> int:
        """The number of ids, all that a mask has a bit for."""
        ...

    @property
    def start(self) -> Any: ...

    def step(self, state: Any, token: int) -> Any | None:
        """The state after a token that is no end id; None where it is not allowed."""
        ...

    def row(self, state: Any) -> NDArray[np.int32]:
        """The mask of a state, int32 [ceil(size / 32)]: token t is allowed where bit t % 32 of word t // 32 is set."""
        ...

    def accepts(self, state: Any) -> bool:
        """The text so far matches; end ids are allowed."""
        ...

    def is_final(self, state: Any) -> bool:
        """The text so far matches, and nothing may follow: the answer ends without an end id."""
        ...

    def only_id(self, state: Any) -> int:
        """The only id that is allowed in a state, -1 where several are (end ids count)."""
        ...

    def forced_bytes(self, state: Any) -> bytes:
        """The bytes that must come next, whatever the model says; none where several may come, or where the text may end.
        Not all of them, where they are many."""
        ...

    def reach(self, state: Any, lengths: NDArray[np.int64]) -> int:
        """The bytes of the longest token that is allowed in a state. lengths: int64 [size]; the bytes of each id."""
        ...


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TokenAutomaton:
    """A regular constraint over a vocabulary: an automaton over classes of tokens. `automaton.complete` makes one.

    Tokens that do the same in every state are one class. State 0 is the start. A state is an int: to fork is to copy
    it, to roll back is to keep the states before.

    What a constraint is:
    class_of:    int32 [size]; the class of each token, 0 for one that no state allows.
    next:        int32 [states, classes]; the state after a token of a class, -1 where it is not allowed.
    accept:      bool [states]; the text so far matches.
    ends:        int32 [end ids], ascending; allowed exactly in accepting states.
    byte_class:  uint8 [256] and
    moves:       int32 [states, byte classes]; the state after a byte, -1 where it is not allowed.
    own_ids:     int32, ascending; the ids that some state allows as themselves, whatever their bytes are. `moves` do not
                 know of them.

    What follows from it:
    final:       bool [states]; accepting, and nothing but end ids may follow: the answer ends without an end id.
    forced:      int32 [states]; the id of the only token allowed in a state, -1 where several are (end ids count).
    row_of:      int32 [states]; which of the distinct masks a state has. Mask r allows the classes
    row_classes: int32; row_classes[row_starts[r] : row_starts[r + 1]], and the end ids where
    row_ends:    bool [masks].
    row_starts:  int32 [masks + 1].
    few_ids:     int64, ascending; the ids that some state allows, where they are few: masks are made of them. Empty where
                 they are many.
    """

    finite: ClassVar[bool] = True

    class_of: NDArray[np.int32]
    next: NDArray[np.int32]
    accept: NDArray[np.bool_]
    ends: NDArray[np.int32]
    byte_class: NDArray[np.uint8]
    moves: NDArray[np.int32]
    own_ids: NDArray[np.int32]
    final: NDArray[np.bool_]
    forced: NDArray[np.int32]
    row_of: NDArray[np.int32]
    row_starts: NDArray[np.int32]
    row_classes: NDArray[np.int32]
    row_ends: NDArray[np.bool_]
    few_ids: NDArray[np.int64]
    _rows: dict[int, NDArray[np.int32]] = field(default_factory=dict[int, NDArray[np.int32]], init=False, repr=False)
    _masks: dict[int, NDArray[np.int32]] = field(default_factory=dict[int, NDArray[np.int32]], init=False, repr=False)
    _views: list[memoryview] = field(default_factory=list[memoryview], init=False, repr=False)
    _distances: list[NDArray[np.int32]] = field(default_factory=list[NDArray[np.int32]], init=False, repr=False)
    _reaches: list[NDArray[np.int64]] = field(default_factory=list[NDArray[np.int64]], init=False, repr=False)

    @property
    def size(self) -> int:
        """The number of ids, all that a mask has a bit for."""
        return len(self.class_of)

    @property
    def start(self) -> int:
        return 0

    @property
    def distance(self) -> NDArray[np.int32]:
        """int32 [states]: the fewest tokens to an accepting state, -1 where there is no way (no token leads there from
        the start). Computed when it is first asked for: in a large automaton it takes as long as all the rest."""
        if not self._distances:
            self._distances.append(distances(self.next, self.accept))
        return self._distances[0]

    def step(self, state: int, token: int) -> int | None:
        """The state after a token, None where it is not allowed. State and token must be in range."""
        if not self._views:  # an item of a view takes a third of the time that one of an array does
            self._views.extend((memoryview(self.next), memoryview(self.class_of)))
        following, class_of = self._views
        after = following[state, class_of[token]]
        return after if after >= 0 else None

    def accepts(self, state: int) -> bool:
        return bool(self.accept[state])

    def is_final(self, state: int) -> bool:
        return bool(self.final[state])

    def only_id(self, state: int) -> int:
        return int(self.forced[state])

    def forced_bytes(self, state: int) -> bytes:
        """At most 256 of them."""
        forced = bytearray()
        while len(forced) < _MOST_FORCED and not self.accept[state]:
            (classes,) = np.nonzero(self.moves[state] >= 0)
            if len(classes) != 1:
                break
            (allowed,) = np.nonzero(self.byte_class == classes[0])
            if len(allowed) != 1 or self._allows_own(state):
                break
            forced.append(int(allowed[0]))
            state = int(self.moves[state, classes[0]])
        return bytes(forced)

    def _allows_own(self, state: int) -> bool:
        """Whether an id may come that stands for itself (or has text that may)."""
        return len(self.own_ids) > 0 and bool((self.next[state, self.class_of[self.own_ids]] >= 0).any())

    def reach(self, state: int, lengths: NDArray[np.int64]) -> int:
        """`lengths` are the same at each call: those of the vocabulary."""
        if not self._reaches:
            longest = np.zeros(self.next.shape[1], dtype=np.int64)
            np.maximum.at(longest, self.class_of, lengths)
            self._reaches.append(longest)
        return int(self._reaches[0][self.next[state] >= 0].max(initial=0))

    def walk(self, state: int, text: bytes) -> int:
        """The state after bytes, -1 where they are not allowed."""
        for byte in text:
            if state < 0:
                return -1
            state = int(self.moves[state, self.byte_class[byte]])
        return state

    def row(self, state: int) -> NDArray[np.int32]:
        """The mask of a state, int32 [ceil(size / 32)]: token t is allowed where bit t % 32 of word t // 32 is set.
        Read-only: it is made on first use and kept."""
        row = self._rows.get(state)
        if row is None:
            number = int(self.row_of[state])
            if number not in self._masks:
                self._masks[number] = self._expanded(number)
            row = self._rows[state] = self._masks[number]
        return row

    def rows(self, states: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int32]:
        """The masks of states, int32 [len(states), ceil(size / 32)]."""
        if not len(states):
            return np.empty((0, -(-self.size // 32)), dtype=np.int32)
        return np.stack([self.row(int(state)) for state in states])

    def _expanded(self, number: int) -> NDArray[np.int32]:
        allowed = np.zeros(self.next.shape[1], dtype=np.bool_)
        allowed[self.row_classes[self.row_starts[number] : self.row_starts[number + 1]]] = True
        return self.mask(allowed, ends=bool(self.row_ends[number]))

    def mask(self, allowed: NDArray[np.bool_], *, ends: bool) -> NDArray[np.int32]:
        """The mask of the tokens of some classes, and of the end ids: int32 [ceil(size / 32)], read-only.

        allowed: bool [classes]."""
        bits = np.zeros(-(-self.size // 32) * 32, dtype=np.bool_)
        if len(self.few_ids):
            bits[self.few_ids] = allowed[self.class_of[self.few_ids]]
        else:
            np.take(allowed, self.class_of, out=bits[: self.size], mode="clip")  # "raise" would buffer `out`
        if ends:
            bits[self.ends] = True
        row = np.packbits(bits, bitorder="little").view("<i4").astype(np.int32, copy=False)
        row.flags.writeable = False
        return row
