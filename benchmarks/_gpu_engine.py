"""The engine on Llamas of 1B and 8B: tokens a second of decoding and of prefill.

A decode step is timed with the prompts' keys and values in the cache: then each step computes one row a request, the first
one too. Its limit is the time that a copy takes for the bytes that it must read: the weights, and keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import _gpu_models as models
from benchmarks._gpu_stage import Stage, rate, ratio
from benchmarks._gpu_timing import Timing
from sglc import Engine
from sglc.ir.tokens import Tokenizer
from sglc.runtime.engine.request import Finished, Request
from sglc.runtime.jobs import Answer, Decode

BATCHES, DRY_BATCHES = (1, 32, 256), (1, 3)
PROMPT, DRY_PROMPT = 256, 20
TOKENS, DRY_TOKENS = 64, 4
PREFILL, DRY_PREFILL = (8, 2048), (2, 30)
"""Prompts, and the tokens of each."""

CHUNK_TOKENS = 8192
KV_TOKENS, DRY_KV_TOKENS = 160_000, 8_192


@dataclass(frozen=True, slots=True)
class Many:
    """Requests as one job: all are submitted at once, and it answers when the last one has ended. The ids of each are in
    `meta`."""

    made: Sequence[Request]

    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        return list(self.made)

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        return Answer((), "", {"ids": [done.ids for done in finished]})


def made(stage: Stage, name: str, **options: Any) -> Engine:
    """An engine on the shape of this name, as the benchmark uses it."""
    settings = {"chunk_tokens": CHUNK_TOKENS, "max_kv_tokens": stage.pick(KV_TOKENS, DRY_KV_TOKENS), **options}
    shape = stage.pick(models.SHAPES, models.DRY)[name]
    return models.engine(shape, stage.folder, stage.device, stage.dtype, **settings)


def prompts(count: int, length: int, vocabulary: int, seed: int = 0) -> list[list[int]]:
    """Random ids, which share nothing."""
    numbers = np.random.default_rng(seed).integers(256, vocabulary - len(models.CONTROLS), (count, length))
    return numbers.tolist()


def measure(stage: Stage) -> None:
    for name in ("1B", "8B"):
        if stage.late(f"engine, {name}"):
            continue
        with stage.trying(f"engine, {name}"), made(stage, name) as engine:
            _decode(stage, name, engine)
            _prefill(stage, name, engine)
    for title, setting in (("cost of exact products", "exact"), ("overlap of steps", "overlap")):
        if not stage.late(title):
            with stage.trying(title):
                _compare(stage, title, setting)


def _decode(stage: Stage, name: str, engine: Engine) -> None:
    shape = stage.pick(models.SHAPES, models.DRY)[name]
    length, tokens, itemsize = stage.pick(PROMPT, DRY_PROMPT), stage.pick(TOKENS, DRY_TOKENS), stage.dtype.itemsize
    weights = shape.streamed(itemsize)
    for batch in stage.pick(BATCHES, DRY_BATCHES):
        stage.say(f"decode, {name}, batch {batch}")
        step = decode(stage, engine, prompts(batch, length, shape.vocab_size, seed=batch), tokens)
        read = weights + batch * (length + tokens // 2) * shape.token(itemsize)
        stage.kept["decode", name, batch] = rate(batch, step.seconds)
        stage.row(
            f"decode, {name}, batch {batch}",
            figure=rate(batch, step.seconds),
            unit="tokens/s",
            seconds=step.seconds,
            spread=step.spread,
            share=stage.of_copy(read, step.seconds),
            note=f"after {length} tokens; the share is of reading weights, keys and values",
        )
        if batch == 1:
            stage.row(
                f"decode step, {name}, batch 1",
                figure=rate(weights, step.seconds, 1e9),
                unit="GB/s",
                seconds=step.seconds,
                spread=step.spread,
                share=stage.of_copy(weights, step.seconds),
                note=f"the share is of reading {weights / 1e9:.2f} GB of weights",
            )


def decode(stage: Stage, engine: Engine, ids: Sequence[Sequence[int]], tokens: int) -> Timing:
    """The time of one decode step of all these prompts together."""
    engine.flush_cache()
    engine.ask(Many([Request(ids=each) for each in ids]))
    engine.ask(Many([Request(ids=each, max_tokens=min(4, tokens)) for each in ids]))  # compiles, captures
    job = Many([Request(ids=each, max_tokens=tokens) for each in ids])
    total = stage.timed(lambda: engine.ask(job))
    return Timing(None if total.seconds is None else total.seconds / tokens, total.spread)


def _prefill(stage: Stage, name: str, engine: Engine) -> None:
    shape = stage.pick(models.SHAPES, models.DRY)[name]
    count, length = stage.pick(PREFILL, DRY_PREFILL)
    stage.say(f"prefill, {name}")
    job = Many([Request(ids=each) for each in prompts(count, length, shape.vocab_size)])

    def cold() -> None:
        engine.flush_cache()
        engine.ask(job)

    cold()
    time = stage.timed(cold)
    stage.row(
        f"prefill, {name}, {count} x {length}",
        figure=rate(count * length, time.seconds),
        unit="tokens/s",
        seconds=time.seconds,
        spread=time.spread,
        share=stage.of_flops(shape.prefill_flops(count, length), time.seconds),
    )


def _compare(stage: Stage, title: str, setting: str) -> None:
    """What a setting of the engine costs or saves: decoding with it over decoding without."""
    batch = stage.pick(32, 3)
    shape = stage.pick(models.SHAPES, models.DRY)["1B"]
    ids = prompts(batch, stage.pick(PROMPT, DRY_PROMPT), shape.vocab_size)
    steps: dict[bool, Timing] = {}
    for on in (True, False):
        with made(stage, "1B", **{setting: on}) as engine:
            steps[on] = decode(stage, engine, ids, stage.pick(TOKENS, DRY_TOKENS))
    stage.row(
        title,
        figure=rate(batch, steps[True].seconds),
        unit="tokens/s",
        seconds=steps[True].seconds,
        spread=steps[True].spread,
        ratio=ratio(steps[False], steps[True]),
        against=f"{setting}=False",
        note=f"decode, 1B, batch {batch}",
    )
