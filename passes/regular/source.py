"""What a constraint was written as, and errors that show a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sglc.ir.errors import ConstraintError

Place: TypeAlias = tuple[int, int] | str
"""A part of a constraint: where in its text it begins and ends, or in words ("at #/properties/name")."""


_LONGEST = 400  # characters of a place, or of what is said of it


class NotRegular(ConstraintError):
    """A constraint that makes sense, but is not regular, not known here, or too large for an automaton: a grammar may
    do."""


def shortened(said: str) -> str:
    """What an error says, without the middle of a long one: it may quote what the user wrote."""
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST // 2]} ... {said[-_LONGEST // 4 :]}"


@dataclass(frozen=True, slots=True)
class Source:
    """name: what errors call it, such as "regex". text: what the user wrote. root: the place of all of it in words, where
    places in words are all that is known."""

    name: str
    text: str
    root: str | None = None

    @property
    def whole(self) -> Place:
        return (0, len(self.text)) if self.root is None else self.root

    def refusal(
        self, place: Place, what: str, hint: str, error: type[ConstraintError] = ConstraintError
    ) -> ConstraintError:
        """An error that names a part, or shows it with a caret under it."""
        if isinstance(place, str):
            return error(f"{self.name} {shortened(place)}: {shortened(what)}", hint=hint)
        start, end = place
        left = max(0, start - 40)
        line = "".join(c if c.isprintable() else "·" for c in self.text[left : max(end, start + 1) + 40][:120])
        dots = "..." if left else ""
        carets = "^" * max(1, min(end, left + 120) - start)
        return error(f"{what}\n    {dots}{line}\n    {' ' * (len(dots) + start - left)}{carets}", hint=hint)
