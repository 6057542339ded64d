"""How `benchmarks.gpu` takes times: calls of kernels within CUDA graphs, over inputs that rotate through more than the L2.

A graph has no gaps between its kernels, so a small kernel's time is its own and not Python's. What is repeated on the same
buffers is read from the L2, and looks too fast: a cold case has as many sets of inputs as make up five times the L2,
and each graph calls all of them. Ways to do the same work take turns, in an order that turns round.
"""

from __future__ import annotations

import gc
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

Call = Callable[[], object]

L2_TIMES = 5
LEAST_CALLS = 20
"""Of a graph: a replay is then long beside what starts it."""
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """seconds: the median of the rounds. spread: (slowest - fastest) / median. None where nothing is claimed."""

    seconds: float | None = None
    spread: float | None = None


def timing(samples: Sequence[float]) -> Timing:
    middle = statistics.median(samples)
    return Timing(middle, (max(samples) - min(samples)) / middle)


def copies(size: int, l2: int) -> int:
    """How many sets of inputs of `size` bytes are cold when each has had its turn. l2: bytes."""
    return max(1, -(-L2_TIMES * l2 // size))


def whole_turns(calls: Sequence[Call], least: int = LEAST_CALLS) -> list[Call]:
    """The calls, again and again until there are enough; each the same number of times."""
    return list(calls) * -(-least // len(calls))


def race(device: torch.device, ways: Mapping[str, Sequence[Call]], rounds: int = ROUNDS) -> dict[str, Timing]:
    """The time of one call for each way, which is a list of calls on rotating inputs. The first way is ours, and must
    run; one of the others that does not is left out, and said so. Without a GPU each call is made once and nothing is
    claimed."""
    ours = next(iter(ways))
    ready: dict[str, Replay] = {}
    for name, calls in ways.items():
        try:
            ready[name] = _ready(device, calls)
        except Exception as error:
            if name == ours:
                raise
            left_out(name, error)
    if device.type != "cuda":
        return dict.fromkeys(ready, Timing())
    samples: dict[str, list[float]] = {name: [] for name in ready}
    for round_ in range(rounds):
        turns = list(ready.items())
        for name, replay in turns[:: -1 if round_ % 2 else 1]:
            samples[name].append(replay())
    return {name: timing(times) for name, times in samples.items()}


def best(times: Mapping[str, Timing]) -> str | None:
    """The fastest way but the first one, which is ours; None where there is no other."""
    others = list(times)[1:]
    return min(others, key=lambda name: times[name].seconds or 0.0, default=None)


def left_out(way: str, error: Exception) -> None:
    """Says that a way does not take part, and why."""
    print(f"    {way} is left out: {type(error).__name__}: {first_line(error)}", file=sys.stderr, flush=True)


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:160]


Replay = Callable[[], float]
"""Seconds of one call, the mean of a replay."""


def _ready(device: torch.device, calls: Sequence[Call]) -> Replay:
    for call in calls:  # compiles, loads modules and makes work spaces, which a capture must not
        call()
    if device.type != "cuda":
        return lambda: 0.0
    torch.cuda.synchronize()
    turns = whole_turns(calls)
    graph = torch.cuda.CUDAGraph()
    with _without_collector(), torch.cuda.graph(graph):
        for call in turns:
            call()
    graph.replay()  # uploads the graph
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def replay() -> float:
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / len(turns)

    return replay


@contextmanager
def _without_collector() -> Iterator[None]:
    """A Triton module that is collected is unloaded, which a capture does not survive."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
