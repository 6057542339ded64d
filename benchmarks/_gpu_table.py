"""The one table of `benchmarks.gpu`: rows of figures, targets, and what became of them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from sglc.ir.files import write_whole

Column = Literal["figure", "seconds", "share", "ratio"]
Verdict = Literal["met", "missed", "not measured"]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured. None: it was not, or a dry run claims nothing.

    figure:  in `unit`. seconds: of one call, step or row of arguments.
    share:   of the ceiling that binds it, 1.0 being all of it.
    ratio:   how many times as fast as `against`.
    spread:  (slowest - fastest) / median of the rounds.
    failed:  it raised; `note` says what.
    """

    part: str
    name: str
    figure: float | None = None
    unit: str = ""
    seconds: float | None = None
    share: float | None = None
    ratio: float | None = None
    against: str = ""
    spread: float | None = None
    note: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What is aimed at: a column of one row, at least or at most `bound`. unit: of a figure."""

    text: str
    part: str
    row: str
    column: Column
    bound: float
    least: bool = True
    unit: str = ""

    def value(self, rows: Sequence[Row]) -> float | None:
        """The figure, None where it was not measured."""
        return next((getattr(row, self.column) for row in rows if (row.part, row.name) == (self.part, self.row)), None)

    def verdict(self, rows: Sequence[Row]) -> Verdict:
        value = self.value(rows)
        if value is None or not math.isfinite(value):
            return "not measured"
        return "met" if (value >= self.bound if self.least else value <= self.bound) else "missed"


@dataclass(frozen=True, slots=True)
class Part:
    """How a part of the benchmark went. budget, seconds: what it was given and what it took."""

    name: str
    seconds: float
    budget: float
    outcome: Literal["done", "failed", "out of time", "skipped", "stopped"]


@dataclass(slots=True)
class Table:
    """Collects rows; with a file, what there is so far is in it after each row, whole."""

    targets: Sequence[Target]
    file: Path | None = None
    machine: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dry: bool = False
    rows: list[Row] = field(default_factory=list[Row])
    parts: list[Part] = field(default_factory=list[Part])

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"  {_line(cells(row))}", file=sys.stderr, flush=True)
        self.write()

    def end(self, part: Part) -> None:
        self.parts.append(part)
        self.write()

    @property
    def failed(self) -> bool:
        return any(row.failed for row in self.rows) or any(part.outcome == "failed" for part in self.parts)

    def verdict(self, target: Target) -> Verdict:
        """Tiny shapes on a CPU meet no target, and miss none."""
        return "not measured" if self.dry else target.verdict(self.rows)

    def write(self) -> None:
        if self.file is not None:
            write_whole(self.file, (json.dumps(self.as_json(), indent=2, allow_nan=False) + "\n").encode())

    def as_json(self) -> dict[str, Any]:
        """figures, targets: by name, as every benchmark writes them; rows and verdicts say all."""
        return {
            "figures": {
                f"{row.part}: {row.name}, {column}": value
                for row in self.rows
                for column in ("figure", "seconds", "share", "ratio")
                if (value := _finite(getattr(row, column))) is not None
            },
            "targets": {f"{t.part}: {t.row}, {t.column}": t.bound for t in self.targets},
            "machine": dict(self.machine),
            "dry": self.dry,
            "rows": [{key: _finite(value) for key, value in asdict(row).items()} for row in self.rows],
            "verdicts": [
                {**asdict(t), "value": _finite(t.value(self.rows)), "verdict": self.verdict(t)} for t in self.targets
            ],
            "parts": [asdict(part) for part in self.parts],
        }

    def text(self) -> str:
        """The table as it is printed: a line for each row, then one for each target, then one for each part."""
        lines: list[tuple[str, ...]] = [("", "figure", "time", "of ceiling", "ratio", "against", "spread", "note")]
        part = ""
        for row in self.rows:
            if row.part != part:
                part = row.part
                lines.append((part.upper(),))
            lines.append(cells(row))
        goals: list[tuple[str, ...]] = [("TARGETS", "figure", "target", "")]
        for t in self.targets:
            sign = ">=" if t.least else "<="
            value = shown(t.value(self.rows), t.column, t.unit)
            goals.append((t.text, value, f"{sign} {shown(t.bound, t.column, t.unit)}", self.verdict(t)))
        counts = [
            sum(self.verdict(t) == verdict for t in self.targets) for verdict in ("met", "missed", "not measured")
        ]
        times = [(p.name, f"{p.seconds:.1f} s", f"of {p.budget:.0f} s", p.outcome) for p in self.parts]
        head = [f"{key}: {value}" for key, value in self.machine.items()]
        if self.dry:
            head.append("a dry run: tiny shapes, nothing is claimed of any time")
        total = f"{counts[0]} met, {counts[1]} missed, {counts[2]} not measured"
        return "\n".join([*head, "", *aligned(lines), "", *aligned(goals), total, "", *aligned(times)])


def cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        "FAILED" if row.failed else shown(row.figure, "figure", row.unit),
        shown(row.seconds, "seconds"),
        shown(row.share, "share"),
        shown(row.ratio, "ratio"),
        row.against if row.ratio is not None else "",
        "" if row.spread is None else f"+-{50 * row.spread:.1f}%",
        row.note,
    )


def shown(value: float | None, column: Column, unit: str = "") -> str:
    """A number as a person reads it; "-" where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    if column == "share":
        return f"{100 * value:.1f}%"
    if column == "ratio":
        return f"{value:.2f}x"
    if column == "seconds":
        scale, name = next((s, n) for s, n in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")) if value >= s or n == "us")
        return f"{value / scale:.4g} {name}"
    number = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
    return f"{number} {unit}".rstrip()


def aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with their cells in columns; a line of one cell is a heading and takes no part."""
    widths: dict[int, int] = {}
    for line in lines:
        for place, cell in enumerate(line if len(line) > 1 else ()):
            widths[place] = max(widths.get(place, 0), len(cell))
    return ["  ".join(cell.ljust(widths.get(place, 0)) for place, cell in enumerate(line)).rstrip() for line in lines]


def _line(line: Sequence[str]) -> str:
    return "  ".join(cell for cell in line if cell)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
