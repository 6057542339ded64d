"""What the programs of a search exercised: how many had what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sglc.function import SglFunction
from sglc.ir.graph import Switch
from sglc.passes.pipeline import GRAPH_PASSES
from tests.fuzz.check import Checked
from tests.fuzz.programs import Program

EXERCISED = (
    "switch", "exit", "fork 1", "fork 2", "fork 3", "join", "join texts", "copy", "role", "var_scope", "select", "host",
    "failing host", "nested program", "closure", "helper", "loop", "while", "break", "match", "dispatch", "try",
    "number of a text", "re", "json", "format", "method", "state text", "messages", "meta", "several answers", "reasoning", "template", "unordered", "collected", "fork over a list", "recursion",
    "match of parts",
    "early return", "raise", "error", "failing model", "warning", "relation",
)  # fmt: skip
"""What a search of some thousand programs must have come across."""

CHANGED = 0.05
"""Of the programs: each pass must change as many, or nothing is shown of it."""


@dataclass
class Coverage:
    """programs: of the search. counts: of those with a feature. questions: to the model, by compiled programs."""

    programs: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])

    def add(self, program: Program, checked: Checked) -> None:
        self.programs += 1
        self.counts.update(program.features)
        self.counts.update(_graph_features(checked.function))
        self.counts.update(f"pass: {name}" for name in checked.changing)
        if checked.errors:
            self.counts["error"] += 1
        if checked.warned:
            self.counts["warning"] += 1
        if program.failing:
            self.counts["failing model"] += 1
        if program.relation:
            self.counts.update(("relation", f"relation: {program.relation}"))

    def idle(self) -> list[str]:
        """The passes that changed too few programs."""
        names = (graph_pass.__name__ for graph_pass in GRAPH_PASSES)
        return [name for name in names if self.counts[f"pass: {name}"] < CHANGED * self.programs]

    def update(self, other: Coverage) -> None:
        self.programs += other.programs
        self.counts.update(other.counts)

    def __str__(self) -> str:
        width = max(map(len, self.counts), default=0)
        lines = [
            f"{name:{width}} {count:9,} {count / max(1, self.programs):7.1%}"
            for name, count in sorted(self.counts.items())
        ]
        return "\n".join(lines)


def _graph_features(function: SglFunction) -> set[str]:
    """What the compiler made of it: switches, and exits to paths that were not compiled."""
    found: set[str] = set()
    for _, live in function.kept.programs.values():
        for region in live.compiled.graph.regions:
            if isinstance(region.end, Switch):
                found.add("switch" if region.end.cases else "exit")
                if region.end.cases and region.end.open:
                    found.add("exit beside cases")
    return found
