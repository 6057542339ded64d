"""What the compiler and the runtime agree on about tokens: prompts as pieces, vocabularies, automata.

A prompt is a sequence of pieces. Neighbouring texts are tokenised as one unit; a role's edge is resolved by the chat
template; sampled ids stay as they were sampled. Only trusted text may become control tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sglc.ir.ops import Role


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


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TokenAutomaton:
    """A regular constraint over a vocabulary: a byte DFA and one mask row per set of allowed tokens.

    table:   int32 [states, 256]; the next state, -1 where the byte is not allowed. State 0 is the start. Every state
             can reach an accepting one.
    accept:  bool [states].
    row_of:  int32 [states]; the row of `rows` with the tokens allowed in a state.
    rows:    int32 [distinct masks, ceil(size / 32)]; token t is allowed where bit t % 32 of word t // 32 is set. End
             ids are allowed exactly in accepting states; columns beyond the vocabulary never.
    forced:  int32 [states]; the id of the only token allowed in a state, -1 where several are (end ids count).
    final:   bool [states]; accepting, and no byte may follow: the answer ends without an end id.
    """

    table: NDArray[np.int32]
    accept: NDArray[np.bool_]
    row_of: NDArray[np.int32]
    rows: NDArray[np.int32]
    forced: NDArray[np.int32]
    final: NDArray[np.bool_]

    def step(self, state: int, token: bytes) -> int:
        """The state after a token's bytes, -1 where they are not allowed."""
        table = self.table
        for byte in token:
            if state < 0:
                return -1
            state = int(table[state, byte])
        return state
