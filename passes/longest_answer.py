"""How many tokens an answer can have under a constraint."""

from __future__ import annotations

from functools import lru_cache

from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular.tree import Atomic, Both, Chars, Choice, Look, Not, Part, Regular, Repeat, Sequence, Token

MAX_TEXT = 10_000
"""Characters of a constraint that is looked at: to read a longer one takes too long for what it would save."""

MAX_TOKENS = 1 << 31
"""More than any model answers with."""


@lru_cache(maxsize=1_024)
def longest_answer(constraint: Constraint) -> int | None:
    """A bound on the tokens of an answer: `regex="[1-9]|10"` allows two, `regex="a*"` any number.

    A token has at least one byte of text, so it is the bytes of the longest text, as far as the shape of the constraint
    tells. The token that ends an answer adds none: what is as long as it can be has ended by itself.

    None: there is no bound, the constraint is too large to be read for it, or it is not regular or is wrong, which
    whoever compiles it gets to know.
    """
    if len(constraint.text) > MAX_TEXT:
        return None
    try:
        tree, _ = read_constraint(constraint)
        found = _Longest().of(tree)
    except (ConstraintError, RecursionError):
        return None
    return None if found is None or found > MAX_TOKENS else found


class _Longest:
    """Of trees; each part that stands at several places is looked at once."""

    def __init__(self) -> None:
        self._parts: dict[Part, int | None] = {}

    def of(self, tree: Regular) -> int | None:
        match tree:
            case Chars(chars):
                return len(chr(chars[-1][1]).encode(errors="surrogatepass")) if chars else 0
            case Token():
                return 1
            case Sequence(parts):
                lengths = self.known(parts)
                return sum(lengths) if len(lengths) == len(parts) else None
            case Choice(parts):
                lengths = self.known(parts)
                return max(lengths, default=0) if len(lengths) == len(parts) else None
            case Both(parts):
                return min(self.known(parts), default=None)
            case Repeat(body, _, most):
                inner = self.of(body)
                if inner == 0:
                    return 0
                return None if inner is None or most is None else inner * most
            case Look():
                return 0
            case Not():
                return None
            case Atomic(body):
                return self.of(body)
            case Part(body):
                if tree not in self._parts:
                    self._parts[tree] = self.of(body)
                return self._parts[tree]

    def known(self, parts: tuple[Regular, ...]) -> list[int]:
        """Of the parts that have a bound."""
        return [length for part in parts if (length := self.of(part)) is not None]
