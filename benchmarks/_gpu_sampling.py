"""The sampling kernel, where this tree has one: draws from the logits of a decode step, with filters and without.

`draw` is the one place that knows the kernel's door. Logits were just written by the head's product, so they are warm; cold
ones are a row of their own. torch's best are its multinomial, a Gumbel argmax by its compiler, and for filters a sort.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from benchmarks._gpu_stage import Stage
from benchmarks._gpu_timing import copies, race

MODULE = "sglc.kernels.sampling"
UNFILTERED, FILTERED = "sampling, 64 x 131k", "sampling, 64 x 131k, top-k and top-p"

ROWS, VOCABULARY = 64, 131_072
DRY_ROWS, DRY_VOCABULARY = 3, 500


@dataclass(frozen=True, slots=True)
class Settings:
    """Of each row, [rows]. top_k -1 and top_p 1 are off; a draw depends on its seed and position alone."""

    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor
    seed: Tensor
    position: Tensor


def draw(module: Any, logits: Tensor, settings: Settings) -> Tensor:
    """The ids [rows] that the kernel draws from logits [rows, ids]."""
    drawn = module.sample(
        logits,
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        min_p=settings.min_p,
        seed=settings.seed,
        position=settings.position,
    )
    return drawn if isinstance(drawn, Tensor) else drawn[0]


def measure(stage: Stage) -> None:
    if find_spec(MODULE) is None:
        for name in (UNFILTERED, FILTERED):
            stage.row(name, note=f"not measured: there is no {MODULE}")
        return
    for name, filtered, warm in (
        (UNFILTERED, False, True),
        (FILTERED, True, True),
        (f"{UNFILTERED}, cold", False, False),
        (f"{FILTERED}, cold", True, False),
    ):
        if not stage.late(name):
            with stage.trying(name):
                _case(stage, name, filtered=filtered, warm=warm)


def settings_of(rows: int, device: torch.device, *, filtered: bool, temperature: float = 0.8) -> Settings:
    def same(value: float, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.full((rows,), value, dtype=dtype, device=device)

    return Settings(
        temperature=same(temperature),
        top_k=same(50 if filtered else -1, torch.int32),
        top_p=same(0.9 if filtered else 1.0),
        min_p=same(0.0),
        seed=torch.arange(rows, device=device),
        position=same(7, torch.int64),
    )


def _case(stage: Stage, name: str, *, filtered: bool, warm: bool) -> None:
    module = import_module(MODULE)
    rows, size = stage.pick((ROWS, VOCABULARY), (DRY_ROWS, DRY_VOCABULARY))
    moved = rows * size * 4
    count = 1 if warm else copies(moved, stage.l2)
    sets = [3 * torch.randn((rows, size), device=stage.device) for _ in range(count)]
    settings = settings_of(rows, stage.device, filtered=filtered)
    check(lambda logits, how: draw(module, logits, how), sets[0], filtered=filtered)
    ways: dict[str, Callable[[Tensor], object]] = {"sglc": lambda logits: draw(module, logits, settings)}
    if filtered:
        ways["torch sort"] = sort_and_draw
        ways["torch sort, compiled"] = sort_and_draw if stage.dry else torch.compile(sort_and_draw, dynamic=False)
    else:
        ways["torch multinomial"] = lambda logits: (logits / 0.8).softmax(-1).multinomial(1)
        ways["torch Gumbel, compiled"] = gumbel if stage.dry else torch.compile(gumbel, dynamic=False)
    calls = {way: [lambda f=f, logits=logits: f(logits) for logits in sets] for way, f in ways.items()}
    times = race(stage.device, calls)
    stage.raced(name, times, figure=(moved, "GB/s", 1e9), share=stage.of_copy(moved, times["sglc"].seconds))


def check(sample: Callable[[Tensor, Settings], Tensor], logits: Tensor, *, filtered: bool) -> None:
    """Raises AssertionError where an id is drawn that the filters leave out, or that is not the likeliest at the lowest
    temperature, or where the same seeds draw something else."""
    rows = len(logits)
    settings = settings_of(rows, logits.device, filtered=filtered)
    drawn = sample(logits, settings)
    kept = allowed(logits, filtered=filtered).gather(1, drawn.long()[:, None])
    if not kept.all():
        raise AssertionError(f"{int((~kept).sum())} of {rows} ids are outside of what the filters leave")
    if not torch.equal(drawn, sample(logits, settings)):
        raise AssertionError("the same seeds and positions draw other ids")
    coldest = settings_of(rows, logits.device, filtered=filtered, temperature=1e-4)
    if not torch.equal(sample(logits, coldest).long(), logits.argmax(dim=-1)):
        raise AssertionError("at the lowest temperature an id is not the likeliest one")


def allowed(logits: Tensor, *, filtered: bool) -> Tensor:
    """[rows, ids] whether an id may be drawn: in float64, with a hair's breadth at the edge of top-p."""
    if not filtered:
        return torch.ones_like(logits, dtype=torch.bool)
    order = (logits.double() / 0.8).sort(dim=-1, descending=True)
    weights = order.values[:, :50].softmax(dim=-1)
    before = weights.cumsum(dim=-1) - weights
    kept = torch.zeros_like(logits, dtype=torch.bool)
    return kept.scatter_(1, order.indices[:, :50], before < 0.9 + 1e-5)


def gumbel(logits: Tensor) -> Tensor:
    return (logits / 0.8 - torch.log(-torch.log(torch.rand_like(logits)))).argmax(dim=-1)


def sort_and_draw(logits: Tensor) -> Tensor:
    """Top-k of 50, then top-p of 0.9 among those."""
    order = (logits / 0.8).sort(dim=-1, descending=True)
    weights = order.values[:, :50].softmax(dim=-1)
    weights = torch.where(weights.cumsum(dim=-1) - weights < 0.9, weights, 0.0)
    return order.indices.gather(1, weights.multinomial(1))
