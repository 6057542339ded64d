"""Greedy tokens in every way the engine can come to them: each must give what the cold run gives, to the last prompt.

Prompts come in groups that begin alike, for longer than a chunk of keys, so that branches are read together. A flip is a
prompt whose tokens differ. Weights are random, so the likeliest two tokens are closer than a trained model's: a
rounding shows sooner.

cold:      each prompt computed whole: one of each group at a time, from an empty cache.
warm:      all of it in the cache but the last token.
grouped:   all prompts at once from an empty cache: the beginnings are shared, and branches decode side by side.
batched:   in another order and in other batches, from an empty cache.
alone:     one at a time; as many as the time allows.
captured:  as grouped, with CUDA graphs off, which the others have on.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from benchmarks import _gpu_models as models
from benchmarks._gpu_engine import Many, made, prompts
from benchmarks._gpu_stage import Stage
from sglc import Engine
from sglc.runtime.engine.request import Request

GROUP = 8
SHARED, DRY_SHARED = 300, 70
OWN, DRY_OWN = (1, 40), (1, 6)
"""Tokens that a group has in common, and at least and at most of each prompt's own."""
TOKENS, DRY_TOKENS = 16, 4
SLICE = 37
"""Prompts at a time of the batched run: no multiple of a group, nor of a tile."""
ALONE, DRY_ALONE = 64, 3

WAYS = ("warm", "grouped", "batched", "alone", "captured")

Ids = list[int]
Answers = dict[int, tuple[int, ...]]
"""By the number of the prompt."""


def measure(stage: Stage) -> None:
    asked = texts(stage)
    with made(stage, "1B", exact=True) as engine:
        cold = _cold(stage, engine, asked)
        stage.row("cold", figure=float(len(cold)), unit="prompts", note="what the others are compared with; exact=True")
        everyone = list(range(len(asked)))
        shuffled = Random(0).sample(everyone, len(everyone))
        slices = [shuffled[first : first + SLICE] for first in range(0, len(shuffled), SLICE)]
        few = shuffled[: stage.pick(ALONE, DRY_ALONE)]
        orders = {
            "grouped": ([everyone], True),
            "warm": ([everyone], False),
            "batched": (slices, True),
            "alone": ([[number] for number in few], True),
        }
        for name, (order, empty) in orders.items():
            if not stage.late(name):
                with stage.trying(name):
                    found = run(engine, asked, order, tokens=stage.pick(TOKENS, DRY_TOKENS), empty=empty, stage=stage)
                    _told(stage, name, cold, found)
    if not stage.late("captured"):
        with stage.trying("captured"), made(stage, "1B", exact=True, cuda_graphs=False) as engine:
            _told(stage, "captured", cold, run(engine, asked, [everyone], tokens=stage.pick(TOKENS, DRY_TOKENS)))


def texts(stage: Stage) -> list[Ids]:
    """The prompts, group by group."""
    size = stage.pick(models.SHAPES, models.DRY)["1B"].vocab_size
    low, high = stage.pick(OWN, DRY_OWN)
    beginnings = prompts(-(-stage.prompts // GROUP), stage.pick(SHARED, DRY_SHARED), size, seed=1)
    own = prompts(stage.prompts, high, size, seed=2)
    lengths = [Random(number).randint(low, high) for number in range(stage.prompts)]
    return [beginnings[n // GROUP] + own[n][:length] for n, length in enumerate(lengths)]


def run(
    engine: Engine,
    asked: Sequence[Ids],
    order: Sequence[Sequence[int]],
    *,
    tokens: int,
    empty: bool = True,
    stage: Stage | None = None,
) -> Answers:
    """The greedy answers. order: numbers of prompts, those of a batch together; empty: the cache is, before each batch.
    With a stage, batches after the first are left out when its time is over."""
    found: Answers = {}
    for batch in order:
        if found and stage is not None and stage.left <= 0:
            break
        if empty:
            engine.flush_cache()
        job = Many([Request(ids=asked[number], max_tokens=tokens) for number in batch])
        found.update(zip(batch, engine.ask(job).meta["ids"], strict=True))
    return found


def flips(expected: Answers, found: Answers) -> int:
    """Prompts whose answers differ."""
    return sum(expected[number] != answer for number, answer in found.items())


def _cold(stage: Stage, engine: Engine, asked: Sequence[Ids]) -> Answers:
    stage.say("cold")
    order = [list(range(first, len(asked), GROUP)) for first in range(min(GROUP, len(asked)))]
    return run(engine, asked, order, tokens=stage.pick(TOKENS, DRY_TOKENS))


def _told(stage: Stage, name: str, cold: Answers, found: Answers) -> None:
    count = flips(cold, found)
    stage.row(
        name,
        figure=float(count),
        unit="flips",
        note=f"of {len(found)} prompts, {stage.pick(TOKENS, DRY_TOKENS)} tokens each",
    )
