"""What a constraint was written as, and errors that show a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sglc.ir.errors import ConstraintError

Place: TypeAlias = tuple[int, int] | str
"""A part of a constraint: where in its text it begins and ends, or in words ("at #/properties/name")."""


class NotRegular(ConstraintError):
    """A constraint that makes sense, but is not regular, not known here, or too large for an automaton: a grammar may
    do."""


@dataclass(frozen=True, slots=True)
class Source:
    """name: what errors call it, such as "regex". text: what the user wrote."""

    name: str
    text: str

    @property
    def whole(self) -> Place:
        return (0, len(self.text))

    def refusal(
        self, place: Place, what: str, hint: str, error: type[ConstraintError] = ConstraintError
    ) -> ConstraintError:
        """An error that names a part, or shows it with a caret under it."""
        if isinstance(place, str):
            return error(f"{self.name} {place}: {what}", hint=hint)
        start, end = place
        left = max(0, start - 40)
        line = "".join(c if c.isprintable() else "·" for c in self.text[left : max(end, start + 1) + 40][:120])
        dots = "..." if left else ""
        carets = "^" * max(1, min(end, left + 120) - start)
        return error(f"{what}\n    {dots}{line}\n    {' ' * (len(dots) + start - left)}{carets}", hint=hint)
