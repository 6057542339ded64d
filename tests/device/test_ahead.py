"""Batches behind the one on its way: their rows take the ids that it draws, and no answer changes. On a CPU, where a batch
says that it is not ready yet; on a GPU that is so by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from sglc.runtime.engine.device import Batch, Chunk
from sglc.runtime.engine.graphs import kept
from sglc.runtime.engine.request import Finished, Request
from sglc.runtime.engine.torch_device import Started, TorchDevice
from tests import models
from tests.device.test_sampler import GREEDY, automaton
from tests.parity.support import engine, random_prompts, tiny

PROMPTS = random_prompts([9, 40, 17])
GRAPHS = pytest.mark.parametrize("graphs", [False, True])


class Ahead(TorchDevice):
    """Its batches are not ready at the first look."""

    @property
    def runs_ahead(self) -> bool:
        return True

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.second = 0

    def submit(self, batch: Batch) -> Started:
        self.second += any(chunk.follows is not None for chunk in batch.chunks)
        started = super().submit(batch)
        looks = iter((False, True))
        started.ready = lambda: next(looks)  # type: ignore[method-assign]  # a device that takes its time
        return started


def device(kind: type[TorchDevice] = TorchDevice, *, graphs: bool) -> TorchDevice:
    return kind(tiny("llama"), 600, batch_rows=8, capture=kept if graphs else None)


def start(device: TorchDevice, chunks: Sequence[Chunk], draws: Sequence[Any]) -> Started:
    started = device.submit(Batch(chunks))
    started.draw(draws)
    return started


@GRAPHS
def test_rows_take_the_ids_that_are_drawn(graphs: bool) -> None:
    pages = [range(100 * n, 100 * n + len(ids)) for n, ids in enumerate(PROMPTS)]
    prompts = [Chunk(ids, 0, pages[n], draws=n != 1) for n, ids in enumerate(PROMPTS)]
    draws = [replace(GREEDY, temperature=2.0, seed=n) if n != 1 else None for n in range(3)]
    later = [replace(GREEDY, temperature=1.0, seed=7), GREEDY]

    def behind(n: int, **more: Any) -> Chunk:
        return Chunk(
            more.pop("ids", (0,)), len(PROMPTS[n]), range(100 * n, 100 * n + len(PROMPTS[n]) + 1), True, **more
        )

    ahead = device(graphs=graphs)
    first = start(ahead, prompts, draws)
    second = start(ahead, [behind(2, follows=2), behind(0, follows=0)], later)
    drawn = first.result().drawn
    plain = device(graphs=graphs)
    assert start(plain, prompts, draws).result().drawn == drawn
    chunks = [behind(2, ids=[drawn[2]]), behind(0, ids=[drawn[0]])]
    assert start(plain, chunks, later).result() == second.result()
    assert drawn[0] != drawn[2]


def test_nothing_follows_what_is_not_drawn() -> None:
    made = device(graphs=False)
    chunk = Chunk(PROMPTS[0], 0, range(9), draws=True)
    behind = Chunk((0,), 9, range(10), draws=True, follows=0)
    start(made, [chunk], [None])
    with pytest.raises(RuntimeError, match="no id is being drawn for chunk 0"):
        made.submit(Batch([behind]))
    with pytest.raises(RuntimeError, match="follows one that was not started"):
        made.submit(Batch([behind]))


@GRAPHS
def test_no_answer_changes(graphs: bool) -> None:
    random = Random(0)
    table = automaton([[7, 250], [3, 4, 5]], models.VOCABULARY)
    requests = [
        Request(
            ids=random_prompts([random.randint(1, 60)], seed=seed)[0],
            max_tokens=random.randint(1, 12) if seed else 2,
            temperature=random.choice((0.0, 1.5)),
            frequency_penalty=random.choice((0.0, 0.0, 1.0)),
            end_ids=frozenset(random.sample(range(models.VOCABULARY), 5)),
            min_tokens=random.choice((0, 3)),
            constraint=random.choice((None, None, table)),
            score_answer=seed == 0,
            seed=seed,
        )
        for seed in range(24)
    ]
    plain = answers(engine(device(graphs=graphs)), requests)
    ahead = device(Ahead, graphs=graphs)
    assert answers(engine(ahead), requests) == plain
    assert isinstance(ahead, Ahead)
    assert ahead.second > 10


def answers(core: Any, requests: Sequence[Request]) -> list[tuple[Any, ...]]:
    numbers = [core.submit(request) for request in requests]
    found: dict[int, tuple[Any, ...]] = {}
    while not core.idle:
        for event in core.step():
            assert isinstance(event, Finished), event
            found[event.request] = (event.ids, event.reason, event.stop, event.answer_scores)
    return [found[number] for number in numbers]
