"""Driving an engine over a tiny model, and the logits of any rows of it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest
import torch
from torch import Tensor

from sglc.kernels.plan import Plan, Span
from sglc.runtime.engine.attention import Paged
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.device import Device
from sglc.runtime.engine.model import prepare
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.request import Finished, Request
from tests import models

ON_CUDA = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: not run")]
"""Marks of what needs a GPU."""


@functools.cache
def tiny(name: str, device: str = "cpu", *, exact: bool = False) -> Model:
    """A tiny model, made ready; one per process. exact: as in `prepare`."""
    return prepare(models.network(name).to(device), name, exact=exact)


class NoText:
    """A detokenizer for tests that look at ids alone."""

    def bytes_of(self, token: int, /) -> bytes | None:
        return None


def random_prompts(lengths: Sequence[int], seed: int = 0) -> list[list[int]]:
    random = Random(seed)
    return [[random.randrange(models.VOCABULARY) for _ in range(n)] for n in lengths]


def engine(device: Device, chunk_tokens: int = 512) -> EngineCore:
    return EngineCore(device, NoText(), chunk_tokens=chunk_tokens)


def generate(core: EngineCore, prompts: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    """The greedy continuations of prompts that are submitted together."""
    return answers(core, [Request(ids=p, max_tokens=count) for p in prompts])


def answers(core: EngineCore, requests: Sequence[Request]) -> list[list[int]]:
    """The generated ids of requests that are submitted together."""
    return [list(event.ids) for event in finished(core, requests)]


def finished(core: EngineCore, requests: Sequence[Request]) -> list[Finished]:
    """What becomes of requests that are submitted together."""
    numbers = [core.submit(r) for r in requests]
    ended: dict[int, Finished] = {}
    while not core.idle:
        for event in core.step():
            assert isinstance(event, Finished), event
            ended[event.request] = event
    return [ended[n] for n in numbers]


@dataclass
class Book:
    """Sequences with KV in a pool, page by page; says what the logits of newly computed rows are."""

    model: Model
    pages: int = 16384
    free: list[int] = field(init=False)

    def __post_init__(self) -> None:
        with torch.inference_mode():
            self.pool = self.model.make_pool(self.pages)
        self.free = list(range(self.pages))
        Random(self.pages).shuffle(self.free)

    def rows(self, parts: Sequence[tuple[Sequence[int], list[int]]]) -> list[Tensor]:
        """One batch of (ids, pages of the ids before); the new pages are appended. The logits of each part's rows."""
        spans: list[Span] = []
        for ids, pages in parts:
            start = len(pages)
            pages += [self.free.pop() for _ in ids]
            spans.append(Span(start, len(ids), np.array(pages)))
        with torch.inference_mode():
            plan = Plan(spans, self.model.device)
            ids = torch.tensor([i for part, _ in parts for i in part], device=self.model.device)
            logits = self.model.logits(self.model.hidden(ids, plan.positions, Paged(plan, self.pool)))
        return list(logits.split([len(part) for part, _ in parts]))
