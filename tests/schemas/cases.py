"""The cases in tests/schemas/cases/*.jsonl: one JSON object a line, by topic.

A case that is compiled has

- name, schema;
- written: valid values that the compiler promises to write, as `json.dumps(value, ensure_ascii=False)` does;
- unwritten (where there are such): valid values that it need not write;
- invalid: three or more values, near misses.

One that is refused has `refused`: the place in the schema (`at`), and how the message begins (`says`). It may have valid
and invalid values too, for the day when it is compiled. `known` names a defect: the case fails today.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Refusal:
    at: str
    says: str


@dataclass(frozen=True)
class Case:
    name: str
    schema: Any
    written: list[Any] = field(default_factory=list[Any])
    unwritten: list[Any] = field(default_factory=list[Any])
    valid: list[Any] = field(default_factory=list[Any])
    invalid: list[Any] = field(default_factory=list[Any])
    refused: Refusal | None = None
    known: str | None = None

    @property
    def right(self) -> list[Any]:
        return [*self.written, *self.unwritten, *self.valid]


def read() -> dict[str, Case]:
    """All cases by the name of their file and their own. Raises for one that is no case, or has no name of its own."""
    cases: dict[str, Case] = {}
    for path in sorted(FOLDER.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n"):  # not splitlines: U+2028 may be in a text
            if not line:
                continue
            fields = json.loads(line)
            refusal = fields.pop("refused", None)
            case = Case(**fields, refused=Refusal(**refusal) if refusal else None)
            name = f"{path.stem}: {case.name}"
            assert name not in cases, f"{name} is there twice"
            cases[name] = case
    return cases


CASES = read()


def parameters(*, refused: bool) -> list[Any]:
    """The cases that are refused, or those that are not, as parameters of a test."""
    return [
        pytest.param(case, id=name, marks=[pytest.mark.xfail(strict=True, reason=case.known or "")] * bool(case.known))
        for name, case in CASES.items()
        if (case.refused is not None) == refused
    ]
