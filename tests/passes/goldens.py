"""The text pairs in tests/golden/<pass>.sglcir.

A case is a line `// ===== title`, a graph, a line `// -----`, and what the pass makes of it. With SGLC_UPDATE_GOLDEN=1
the tests write the files anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden"
TITLE, ARROW = "// ===== ", "// -----\n"


@dataclass(frozen=True)
class Case:
    title: str
    before: str
    after: str


def read(name: str) -> list[Case]:
    cases: list[Case] = []
    for chunk in (FOLDER / f"{name}.sglcir").read_text(encoding="utf-8").split(TITLE)[1:]:
        title, _, graphs = chunk.partition("\n")
        before, _, after = graphs.partition(ARROW)
        cases.append(Case(title, before, after.removesuffix("\n") if after.endswith("\n\n") else after))
    return cases


def write(name: str, cases: Iterable[Case]) -> None:
    text = "\n".join(f"{TITLE}{case.title}\n{case.before}{ARROW}{case.after}" for case in cases)
    (FOLDER / f"{name}.sglcir").write_text(text, encoding="utf-8")
