"""What jump-forward is worth end to end: records extracted as JSON by a model of 100 million parameters, with and
without it, on the engine.

The model is a Llama of 12 layers with random weights, made by a seeded script; only its cost matters. Left to itself it
would write forced text in short pieces that no trained model chooses, and jumping over them would look twice as good.
So its answers are given: each must be the canonical ids of one valid record, drawn under a mask of one id; the texts
that jump-forward appends are found by the schema's own automaton, as always. Both engines give the same ids, then,
and differ by nothing but what they draw. Records are extracted one at a time, as an agent does it: a forward pass is as
expensive as reading the weights then.

A fresh process measures it, because two engines of one model want its memory for themselves:

    python -m benchmarks._constraint_speedup
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._constraint_cases import example
from benchmarks._constraint_schemas import BOOLEAN, INTEGER, TEXT, Schema, formatted, many, one_of, record
from benchmarks._llama import model_folder
from sglc import Engine
from sglc.ir.ops import DEFAULT_SAMPLING, Constraint
from sglc.ir.tokens import Text, TokenAutomaton
from sglc.passes.compile_constraints import compile_constraint
from sglc.runtime.jobs import DecodeJob

ROOT = Path(__file__).resolve().parent.parent
SEED = 5
RECORDS = 2
PAIRS = 3
NOTE = (
    "Extract the order from this message as JSON.\n\nHello, this is Anna Nowak. On Monday I ordered two lamps from you,"
    " and one of them arrived broken. Could you send me another before the first of May? It is rather urgent.\n\n"
)


def schema() -> Schema:
    """An order, as one extracts it from a mail: every part is bounded."""
    short = {**TEXT, "maxLength": 24}
    return record(
        {
            "order_id": {**INTEGER, "minimum": 1, "maximum": 99_999},
            "customer": record({"first_name": short, "last_name": short, "email": formatted("email")}),
            "ordered_on": formatted("date"),
            "status": one_of("open", "confirmed", "shipped", "delivered", "returned"),
            "priority": one_of("low", "normal", "high"),
            "requires_signature": BOOLEAN,
            "currency": one_of("EUR", "USD", "GBP"),
            "items": many(
                record({"product": short, "quantity": {**INTEGER, "minimum": 1, "maximum": 99}, "in_stock": BOOLEAN}),
                1,
                3,
            ),
        }
    )


class Told:
    """A constraint that allows one text only, id by id. automaton: of a schema that the text fits; what it forces is
    forced here, and nothing else. A state is the automaton's, and how many ids there are."""

    finite = True

    def __init__(self, automaton: TokenAutomaton, ids: Sequence[int]) -> None:
        self.automaton, self.ids = automaton, ids
        self.size, self.start = automaton.size, (automaton.start, 0)

    def step(self, state: Any, token: int) -> Any | None:
        after = self.automaton.step(state[0], token) if token == self.ids[state[1]] else None
        return None if after is None else (after, state[1] + 1)

    def row(self, state: Any) -> NDArray[np.int32]:
        token = self.ids[state[1]]
        row = np.zeros(-(-self.size // 32), dtype=np.uint32)
        row[token // 32] = 1 << token % 32
        return self.automaton.row(state[0]) & row.view(np.int32)

    def accepts(self, state: Any) -> bool:
        return self.automaton.accepts(state[0])

    def is_final(self, state: Any) -> bool:
        return self.automaton.is_final(state[0])

    def only_id(self, state: Any) -> int:
        return self.automaton.only_id(state[0])

    def forced_bytes(self, state: Any) -> bytes:
        return self.automaton.forced_bytes(state[0])

    def reach(self, state: Any, lengths: NDArray[np.int64]) -> int:
        return self.automaton.reach(state[0], lengths)


def figures() -> dict[str, float]:
    """json_speedup: records a second with jump-forward over those without, the median of pairs; the times, in ms a
    record; the share of the ids that was drawn, in percent."""
    command = [sys.executable, "-m", "benchmarks._constraint_speedup"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    folder = str(model_folder())
    made, rng = schema(), random.Random(SEED)
    with Engine(folder, device="cpu") as jumping, Engine(folder, device="cpu", jump_forward=False) as plain:
        tokenizer = jumping.tokenizer
        automaton = compile_constraint(Constraint("json_schema", json.dumps(made)), tokenizer.vocabulary)
        texts = [json.dumps(example(made, rng, made), ensure_ascii=False) for _ in range(RECORDS)]
        told = [Told(automaton, tokenizer.encode((Text(text, trusted=False),))) for text in texts]
        times: dict[Engine, list[float]] = {jumping: [], plain: []}
        for engine in times:  # the first forward passes are slower
            engine.ask(_job(told[0], most=12))
            engine.reset_stats()
        for _ in range(PAIRS):
            for engine, seconds in times.items():
                seconds.append(_run(engine, told, texts))
        stats = jumping.stats()
    ratios = [slow / fast for fast, slow in zip(times[jumping], times[plain], strict=True)]
    found = {
        "json_speedup": statistics.median(ratios),
        "json_record_ms": statistics.median(times[jumping]) / RECORDS * 1e3,
        "json_record_without_jumps_ms": statistics.median(times[plain]) / RECORDS * 1e3,
        "json_drawn_share": 100 * stats.decoded_tokens / (stats.decoded_tokens + stats.forced_tokens),
    }
    print(json.dumps(found))


def _job(told: Told, most: int = 1_000) -> DecodeJob:
    return DecodeJob(
        (Text(NOTE, trusted=True),), replace(DEFAULT_SAMPLING, temperature=0.0, max_tokens=most), (0,), told
    )


def _run(engine: Engine, told: Sequence[Told], texts: Sequence[str]) -> float:
    """All records, one after the other, in seconds. Raises AssertionError where a text is another than its record."""
    engine.flush_cache()
    start = time.perf_counter()
    answers = [engine.ask(_job(each)) for each in told]
    took = time.perf_counter() - start
    if [answer.text for answer in answers] != list(texts):
        raise AssertionError("an answer is not the record that was to be written")
    return took


if __name__ == "__main__":
    main()
