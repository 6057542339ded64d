"""Three of the examples on the 1B shape: compiled against interpreted, and what they ask of the model, for the peers.

Interpreted runs go row by row, each primitive at once, on the same engine and cache: their time is that of the rows, so few
rows tell it, and times are given a row. The weights are random and the answers noise, but each gen takes the tokens that it
may. What the compiled run asks is noted: prompts, lengths of answers, and which answer a prompt had to wait for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._gpu_engine import made
from benchmarks._gpu_peers import Call
from benchmarks._gpu_stage import Stage, ratio
from benchmarks._gpu_timing import Timing
from sglc import Engine, Result
from sglc.command.program_file import load_program
from sglc.runtime.engine import sequence as sequences
from sglc.runtime.engine.observer import Gauges
from sglc.runtime.engine.request import Event, Finished

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SEED = 0


@dataclass(frozen=True, slots=True)
class Example:
    """rows: of the compiled run. interpreted: of them, so many are interpreted. settings: of the run; an answer that
    nothing else ends is 32 tokens. forked: it is one of those that the target is about."""

    name: str
    rows: int
    interpreted: int
    forked: bool = True
    settings: tuple[tuple[str, Any], ...] = (("max_new_tokens", 32),)


CASES = (
    Example("judge", 24, 3),
    Example("tree_of_thought", 6, 2),
    Example("json_extraction", 8, 4, forked=False),
)
DRY = (
    Example("judge", 1, 1),
    Example("tree_of_thought", 2, 1, settings=(("max_new_tokens", 4),)),
    Example("json_extraction", 2, 1, forked=False),
)


def measure(stage: Stage) -> None:
    with made(stage, "1B") as engine:
        for example in stage.pick(CASES, DRY):
            if not stage.late(example.name):
                with stage.trying(example.name):
                    _example(stage, engine, example)


def _example(stage: Stage, engine: Engine, example: Example) -> None:
    program = load_program(str(EXAMPLES / f"{example.name}.py"))
    lines = (EXAMPLES / f"{example.name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines[: example.rows]]
    few = rows[: example.interpreted]
    settings = dict(example.settings)
    texts: dict[str, list[str]] = {}

    def cold(mode: str, some: Sequence[dict[str, Any]]) -> None:
        engine.flush_cache()
        texts[mode] = _texts(program.run_batch(some, backend=engine, seed=SEED, mode=mode, **settings))  # pyright: ignore[reportArgumentType]: one of the two modes

    cold("interpret", rows[:1])  # the first run traces, compiles constraints, and captures
    calls = recorded(engine, lambda: cold("compiled", rows))
    compiled = stage.timed(lambda: cold("compiled", rows))
    interpreted = stage.timed(lambda: cold("interpret", few), rounds=1)
    equal = sum(a == b for a, b in zip(texts["compiled"], texts["interpret"], strict=False))
    ours, theirs = _a_row(compiled, len(rows)), _a_row(interpreted, len(few))
    stage.row(
        example.name,
        figure=None if ours.seconds is None else 1 / ours.seconds,
        unit="rows/s",
        seconds=ours.seconds,
        spread=ours.spread,
        ratio=ratio(theirs, ours),
        against="interpreted",
        note=f"{len(rows)} rows, interpreted {len(few)}, of which {equal} have the same text; {len(calls)} calls of the model",
    )
    if example.forked:
        stage.kept["calls", example.name] = (calls, compiled.seconds)


def _a_row(time: Timing, rows: int) -> Timing:
    return Timing(None if time.seconds is None else time.seconds / rows, time.spread)


def _texts(results: Sequence[Result]) -> list[str]:
    for result in results:
        if (error := result.error()) is not None:
            raise error
    return [result.text() for result in results]


def recorded(engine: Engine, run: Any) -> list[Call]:
    """What a run asks of the model, in the order of the asking. A gen is its prompt and the tokens of its answer, those
    that were forced too; a select is its prompt and one token, since nothing else can score choices.

    A call waits for the one whose prompt and answer it goes on from, or, where it goes on from none, for all of its run
    that had ended when it was asked.
    """
    watcher = _Watcher()
    before = engine._core.observer

    def watch(observer: Any) -> None:
        engine._core.observer = observer

    engine.on_loop(lambda: watch(watcher))
    try:
        run()
    finally:
        engine.on_loop(lambda: watch(before))
    return watcher.calls()


@dataclass(slots=True)
class _Noted:
    ids: tuple[int, ...]
    after: frozenset[int]
    answer: tuple[int, ...] | None = None
    tokens: int = 0

    @property
    def whole(self) -> tuple[int, ...]:
        return self.ids + (self.answer or ())


@dataclass(slots=True)
class _Watcher:
    """Implements `Observer`."""

    noted: list[_Noted] = field(default_factory=list[_Noted])
    numbers: dict[int, int] = field(default_factory=dict[int, int])  # of a request
    ended_of: dict[int, list[int]] = field(default_factory=dict[int, list[int]])  # numbers, by the identity of a family
    families: list[Any] = field(default_factory=list[Any])  # kept alive, so that identities stay

    def submitted(self, sequence: sequences.Sequence) -> None:
        ids, family = tuple(sequence.request.ids), id(sequence.family)
        if sequence.request.ahead:
            return
        self.families.append(sequence.family)
        ended = self.ended_of.get(family, []) if sequence.family is not None else []
        parents = [n for n in ended if self.noted[n].answer and ids[: len(self.noted[n].whole)] == self.noted[n].whole]
        after = [max(parents, key=lambda n: len(self.noted[n].whole))] if parents else ended
        self.numbers[sequence.id] = len(self.noted)
        self.noted.append(_Noted(ids, frozenset(after)))

    def planned(self, work: Any, running: Any, gauges: Gauges) -> None:
        return

    def committed(self, gauges: Gauges, *, started: bool = True) -> None:
        return

    def ended(self, sequence: sequences.Sequence, event: Event | None) -> None:
        number = self.numbers.get(sequence.id)
        if number is None or not isinstance(event, Finished):
            return
        noted = self.noted[number]
        noted.answer, noted.tokens = event.ids, max(1, len(event.ids), event.decoded_tokens)
        self.ended_of.setdefault(id(sequence.family), []).append(number)

    def calls(self) -> list[Call]:
        if any(noted.answer is None for noted in self.noted):
            raise RuntimeError("a call of the model has not ended")
        return [Call(noted.ids, noted.tokens, noted.after) for noted in self.noted]
