"""The sampling kernel: draws from the logits of a decode step, with filters and without.

Logits were just written by the head's product, so they are warm; cold ones are a row of their own. torch's best are its
multinomial, a Gumbel argmax by its compiler, and for filters a sort.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks._gpu_stage import Stage
from benchmarks._gpu_timing import copies, race
from sglc.kernels import sampling
from sglc.kernels.choices import BLOCK, Choice

UNFILTERED, FILTERED = "sampling, 64 x 131k", "sampling, 64 x 131k, top-k and top-p"

ROWS, VOCABULARY = 64, 131_072
DRY_ROWS, DRY_VOCABULARY = 3, 500


@dataclass(frozen=True, slots=True)
class Settings:
    """Of all rows; each has a seed of its own. top_k -1 and top_p 1 are off."""

    temperature: float
    top_k: int = -1
    top_p: float = 1.0


TEMPERATURE, TOP_K, TOP_P = 0.8, 50, 0.9
POSITION = 7

Draw = Callable[[Tensor], Tensor]
"""The ids [rows] of logits [rows, ids]."""


def draw(rows: int, device: torch.device, settings: Settings) -> Draw:
    """The kernel with these settings. What it is told of the rows is on the device when it is called."""
    choices = [
        Choice(
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            seed=row,
            position=POSITION,
        )
        for row in range(rows)
    ]
    if device.type == "cpu":
        return lambda logits: sampling.sample(logits, choices)[0]
    from sglc.kernels import sampling_triton

    table, filtered = sampling_triton.table_of(choices)
    table = table.to(device)
    return lambda logits: sampling_triton.sample_by(logits, table, filtered, None, None, BLOCK)[0]


def measure(stage: Stage) -> None:
    for name, filtered, warm in (
        (UNFILTERED, False, True),
        (FILTERED, True, True),
        (f"{UNFILTERED}, cold", False, False),
        (f"{FILTERED}, cold", True, False),
    ):
        if not stage.late(name):
            with stage.trying(name):
                _case(stage, name, filtered=filtered, warm=warm)


def _case(stage: Stage, name: str, *, filtered: bool, warm: bool) -> None:
    rows, size = stage.pick((ROWS, VOCABULARY), (DRY_ROWS, DRY_VOCABULARY))
    moved = rows * size * 4
    sets = [3 * torch.randn((rows, size), device=stage.device) for _ in range(1 if warm else copies(moved, stage.l2))]

    def kernel(settings: Settings) -> Draw:
        return draw(rows, stage.device, settings)

    check(kernel, sets[0], filtered=filtered)
    ways: dict[str, Draw] = {"sglc": kernel(settings_of(filtered))}
    if filtered:
        ways["torch sort"] = sort_and_draw
        ways["torch sort, compiled"] = sort_and_draw if stage.dry else torch.compile(sort_and_draw, dynamic=False)
    else:
        ways["torch multinomial"] = lambda logits: (logits / TEMPERATURE).softmax(-1).multinomial(1)
        ways["torch Gumbel, compiled"] = gumbel if stage.dry else torch.compile(gumbel, dynamic=False)
    calls = {way: [lambda f=f, logits=logits: f(logits) for logits in sets] for way, f in ways.items()}
    times = race(stage.device, calls)
    stage.raced(name, times, figure=(moved, "GB/s", 1e9), share=stage.of_copy(moved, times["sglc"].seconds))


def settings_of(filtered: bool, temperature: float = TEMPERATURE) -> Settings:
    return Settings(temperature, TOP_K, TOP_P) if filtered else Settings(temperature)


def check(kernel: Callable[[Settings], Draw], logits: Tensor, *, filtered: bool) -> None:
    """Raises AssertionError where an id is drawn that the filters leave out, or that is not the likeliest at a very low
    temperature, or where the same seeds draw something else."""
    sample = kernel(settings_of(filtered))
    drawn = sample(logits)
    kept = allowed(logits, filtered=filtered).gather(1, drawn.long()[:, None])
    if not kept.all():
        raise AssertionError(f"{int((~kept).sum())} of {len(logits)} ids are outside of what the filters leave")
    if not torch.equal(drawn, sample(logits)):
        raise AssertionError("the same seeds and positions draw other ids")
    coldest = kernel(settings_of(filtered, temperature=1e-5))(logits)
    if not torch.equal(coldest.long(), logits.argmax(dim=-1)):
        raise AssertionError("at the lowest temperature an id is not the likeliest one")


def allowed(logits: Tensor, *, filtered: bool) -> Tensor:
    """[rows, ids] whether an id may be drawn: in float64, with a hair's breadth at the edge of top-p."""
    if not filtered:
        return torch.ones_like(logits, dtype=torch.bool)
    order = (logits.double() / TEMPERATURE).sort(dim=-1, descending=True)
    weights = order.values[:, :TOP_K].softmax(dim=-1)
    before = weights.cumsum(dim=-1) - weights
    kept = torch.zeros_like(logits, dtype=torch.bool)
    return kept.scatter_(1, order.indices[:, :TOP_K], before < TOP_P + 1e-5)


def gumbel(logits: Tensor) -> Tensor:
    return (logits / TEMPERATURE - torch.log(-torch.log(torch.rand_like(logits)))).argmax(dim=-1)


def sort_and_draw(logits: Tensor) -> Tensor:
    """Top-k, then top-p among those."""
    order = (logits / TEMPERATURE).sort(dim=-1, descending=True)
    weights = order.values[:, :TOP_K].softmax(dim=-1)
    weights = torch.where(weights.cumsum(dim=-1) - weights < TOP_P, weights, 0.0)
    return order.indices.gather(1, weights.multinomial(1))
