"""Figures of an evaluation, how fields of JSON are counted, and the table of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """wanted: the share that is aimed at; None where there is none."""

    name: str
    right: int
    count: int
    wanted: float | None = None

    @property
    def share(self) -> float:
        return self.right / self.count if self.count else 0.0


def fields(value: Any, place: str = "") -> dict[str, Any]:
    """The leaves of JSON data by their places: {"items/0/count": 3}."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in fields(item, f"{place}/{key}").items()}
    if isinstance(value, list):
        return {k: v for number, item in enumerate(value) for k, v in fields(item, f"{place}/{number}").items()}
    return {place: value}


def read(text: str) -> Any:
    """JSON, or None for what is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def fields_right(said: Any, wanted: Any) -> tuple[int, int]:
    """How many of the wanted fields are said as wanted, of how many; a field too many counts as one that is wrong."""
    found, asked = fields(said), fields(wanted)
    return sum(found.get(place, ...) == value for place, value in asked.items()), len(asked | found) if said else len(
        asked
    )


def is_value(said: str, wanted: str) -> bool:
    """Whether an answer is the wanted one; the unit behind a number may be left out."""
    return said in (wanted, wanted.split(" ", maxsplit=1)[0] if wanted[:1].isdigit() else wanted)


def field_figure(name: str, counted: Sequence[tuple[int, int]]) -> Figure:
    return Figure(name, sum(right for right, _ in counted), sum(count for _, count in counted), 0.95)


def table(figures: Sequence[Figure]) -> Table:
    shown = Table("figure", "right", "of", "share", "wanted")
    for figure in figures:
        wanted = (
            ""
            if figure.wanted is None
            else f"{figure.wanted:.1%}" + ("" if figure.share >= figure.wanted else "  missed")
        )
        shown.add_row(figure.name, str(figure.right), str(figure.count), f"{figure.share:.1%}", wanted)
    return shown
