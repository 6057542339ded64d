"""Runs a program compiled and by plain Python, and says where they differ.

Each row runs in a batch and alone, each twice, so that the compiled paths are used cold, extended and warm. Equal must
be texts, messages, variables, returned values, meta info, errors, host calls and the questions to the model. Questions
may be fewer where the program is compiled: equal ones (of the same seed, or greedy) are one, those without draws also where
another row of the batch asked them, and those that nothing reads are dropped. That nothing reads them is tested, too: plain Python must come to the same end when they are answered in
another way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sglc as sgl
from sglc.function import SglFunction
from tests.fuzz.model import Key, draws_nothing
from tests.fuzz.observe import Seen, missing
from tests.fuzz.programs import Program, Row, Static, defined
from tests.fuzz.relations import BATCH, changed
from tests.fuzz.runs import Hang, Ran, Runs, limited, limits
from tests.fuzz.ways import WAYS

HANGS = 20.0
"""Seconds that a program may take."""

Difference = tuple[str, str]
"""The kind of a difference, and what it is in words."""


@dataclass(frozen=True)
class Failure:
    """kind: what differs, by which failures are told apart. what: for a person. source: what was run."""

    kind: str
    what: str
    source: str


@dataclass(frozen=True)
class Checked:
    """failure: the first difference. function: what was compiled. errors: rows that failed in plain Python. warned:
    whether a run fell back to plain Python, or a pass failed. changing: the passes that changed its graph."""

    function: SglFunction
    failure: Failure | None = None
    errors: int = 0
    warned: bool = False
    changing: frozenset[str] = frozenset()


def check(program: Program, runs: Runs) -> Checked:
    """The first difference that is found. Host calls must differ twice: a failed program's may come late, in the next."""
    checked = _checked(program, runs)
    if checked.failure is not None and checked.failure.kind == "host calls":
        return _checked(program, runs)
    return checked


def _checked(program: Program, runs: Runs) -> Checked:
    function = program.function()
    rows = [{name: _given(value) for name, value in row.items()} for row in program.rows]
    errors = 0
    warned: list[str] = []
    runs.changing.clear()
    try:
        with limited(HANGS), limits(program):
            for name, batch in _batches(program.order, rows):
                runs.warned.clear()
                compiled = runs.run(program, function, batch, "compiled")
                warned += (new := list(runs.warned))
                expected = runs.run(program, function, batch, "interpret")
                errors += sum(bool(one.error) for one in expected.seen)
                found = _compared(program, function, batch, expected, compiled, runs, asks=not new)
                wrong = [
                    each for each in new if "such runs are plain Python's" not in each
                ]  # a program may ask for that
                if found is None and wrong and (not program.odd or any(map(_is_of_a_pass, wrong))):
                    found = f"warning: {wrong[0].partition(': ')[2][:60]}", "\n".join(wrong)
                if found is not None:
                    what = f"{found[1]}\n(in {name})"
                    return Checked(function, Failure(found[0], what, program.source), errors, bool(warned))
            failure = _relation(program, function, rows, runs) if program.relation else None
    except Hang:
        runs.renew()
        failure = Failure("hang", f"no end within {HANGS:g} s", program.source)
    return Checked(function, failure, errors, bool(warned), frozenset(runs.changing))


def _is_of_a_pass(warning: str) -> bool:
    """Whether a pass failed: its graph was not valid, or meant something else."""
    return warning.startswith("the pass ")


def _given(value: Any) -> Any:
    return sgl.static(value.text) if isinstance(value, Static) else value


def _batches(order: int, rows: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """How the rows run: all at once with each of them twice, and one by one, in one order or the other."""
    together = [("a batch", rows + rows)]
    alone = [("a run alone", [row]) for row in rows]
    yield from (together + alone, alone + together, [*alone[:1], *together, *alone])[order]


def _compared(
    program: Program,
    function: SglFunction,
    rows: Sequence[Row],
    expected: Ran,
    compiled: Ran,
    runs: Runs,
    *,
    asks: bool,
) -> Difference | None:
    """asks: compare the questions to the model too. A row that was run again by plain Python has asked twice; host functions
    are not called twice even then."""
    for number, (right, found) in enumerate(zip(expected.seen, compiled.seen, strict=True)):
        where = f"row {number}, {dict(rows[number])}"
        if right.error or found.error:
            if (difference := _errors_differ(right, found)) is not None:
                return difference[0], f"{where}: {difference[1]}"
            continue
        if differs := right.difference(found):
            values = f"plain Python:\n  {getattr(right, differs)!r}\ncompiled:\n  {getattr(found, differs)!r}"
            return differs, f"{where}: {differs}\n{values}"
        if asks:
            difference = _questions_differ(program, function, rows, number, expected, compiled, runs)
            if difference is not None:
                return difference[0], f"{where}: {difference[1]}"
    all_ended = not any(one.error for one in (*expected.seen, *compiled.seen))
    if all_ended and Counter(map(repr, expected.calls)) != Counter(map(repr, compiled.calls)):
        return "host calls", f"plain Python: {expected.calls}\ncompiled: {compiled.calls}"
    return None


def _questions_differ(
    program: Program,
    function: SglFunction,
    rows: Sequence[Row],
    number: int,
    expected: Ran,
    compiled: Ran,
    runs: Runs,
) -> Difference | None:
    asked = compiled.asked[number]
    less = missing(expected.asked[number], asked + compiled.unsigned)
    if more := missing(asked, expected.asked[number]):
        return "more questions", f"compiled alone asks\n  {next(iter(more))!r}"
    others = {key for row in compiled.asked if row is not asked for key in row if draws_nothing(key)}
    unread: set[Key] = {key for key in less if key not in asked and key not in others}
    if not unread:
        return None
    again = runs.run(program, function, rows, "interpret", other=unread)
    if expected.seen[number].difference(again.seen[number]):
        return "fewer questions", f"compiled does not ask\n  {next(iter(unread))!r}"
    return None


def _errors_differ(right: Seen, found: Seen) -> Difference | None:
    if right.error == found.error:
        return None
    if right.error and (_is_failure(right) or _is_failure(found)):
        # Independent steps run at once: another of the failing ones may be first, or none where nothing reads them.
        return None
    if "holds itself" in "".join(found.error[1:2]) and "[...]" in right.variables + right.value:
        return None  # refused: no plain data
    kind = "error" if right.error and found.error else "error where none is" if found.error else "no error"
    return kind, f"error\nplain Python:\n  {_told(right)}\ncompiled:\n  {_told(found)}"


def _is_failure(one: Seen) -> bool:
    """Of the model, or of a host function."""
    message = "".join(one.error[1:2])
    return one.cause.startswith("ModelFailure") or "the host function " in message


def _told(one: Seen) -> str:
    return "\n  ".join(one.error) if one.error else f"none: {one}"


def _relation(program: Program, function: SglFunction, rows: list[dict[str, Any]], runs: Runs) -> Failure | None:
    """Compares the compiled program with what must be the same: a change of it, or another way to run it."""
    if program.failing or "failing host" in program.features:
        return None
    alone = [runs.run(program, function, [row], "compiled", seeded=False).seen[0] for row in rows]
    try:
        related, source = _related(program, function, rows, runs)
    except Exception as error:  # noqa: BLE001 - a failure like any other
        return Failure(f"{program.relation}: {type(error).__name__}", str(error), program.source)
    for number, found in enumerate(related):
        right = alone[number * len(rows) // len(related)]
        differs = found and right.apart_from_places().difference(found.apart_from_places())
        if differs:
            what = f"row {number}: {differs}\nas it is:\n  {right}\n{program.relation}:\n  {found}\n{source}"
            return Failure(f"{program.relation}: {differs}", what, program.source)
    return None


def _related(
    program: Program, function: SglFunction, rows: list[dict[str, Any]], runs: Runs
) -> tuple[Sequence[Seen | None], str]:
    """What came of the rows, and the changed program where it was changed."""
    if program.relation in WAYS:
        if program.odd:
            return [], ""  # what only the check of a run sees is not seen in every way
        runs.model.prepare(program.words, seeded=False)
        return WAYS[program.relation](function, rows, runs.settings(program)), ""
    if program.relation == BATCH:
        many = [row for row in rows for _ in range(64 // len(rows))]
        return runs.run(program, function, many, "compiled", seeded=False).seen, ""
    source = changed(program.source, program.relation)
    if source is None:
        return [], ""
    return runs.run(program, defined(source), rows, "compiled", seeded=False).seen, source
