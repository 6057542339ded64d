"""What the parts of `benchmarks.gpu` share, and how they are run: each within its time, failing alone."""

from __future__ import annotations

import gc
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from benchmarks._gpu_table import Part, Row, Table
from benchmarks._gpu_timing import Timing, best, first_line, timing

T = TypeVar("T")

GRACE = 15.0
"""Seconds beyond its budget after which a part that does not look at the time is ended."""


class OutOfTime(BaseException):
    """A part has used up its time. Not an `Exception`, so that nothing on the way takes it for a failure."""


class Stopped(BaseException):
    """The command is to end."""


@dataclass(slots=True)
class Stage:
    """Where the parts run.

    dry:      tiny shapes on the CPU, and no claim of any time.
    prompts:  of the part that counts flips.
    l2:       bytes of the cache that cold inputs must not fit.
    copy:     bytes read and written a second, flops: of a large product; measured by the first part, None in a dry run.
    kept:     what a part leaves for a later one. folder: for files that nobody wants afterwards.
    """

    device: torch.device
    table: Table
    dry: bool = False
    prompts: int = 1000
    l2: int = 0
    copy: float | None = None
    flops: float | None = None
    kept: dict[Any, Any] = field(default_factory=dict[Any, Any])
    folder: Path = Path()
    part: str = ""
    deadline: float = float("inf")

    @property
    def dtype(self) -> torch.dtype:
        """On a CPU float32: Triton's interpreter computes bfloat16 wrongly, and the engine's exactness is of float32."""
        return torch.float32 if self.dry else torch.bfloat16

    def pick(self, real: T, dry: T) -> T:
        return dry if self.dry else real

    def row(self, name: str, **columns: Any) -> None:
        self.table.add(Row(self.part, name, **columns))

    @property
    def left(self) -> float:
        """Seconds of the part's budget."""
        return self.deadline - time.perf_counter()

    def raced(
        self,
        name: str,
        times: Mapping[str, Timing],
        *,
        figure: tuple[float, str, float],
        share: float | None,
        note: str = "",
    ) -> None:
        """A row from the times of all ways, ours first. figure: an amount a call, the unit of that a second, its scale."""
        amount, unit, scale = figure
        ours, other = next(iter(times.values())), best(times)
        told = [f"{way} {1e6 * t.seconds:.4g} us" for way, t in list(times.items())[1:] if t.seconds is not None]
        self.row(
            name,
            figure=rate(amount, ours.seconds, scale),
            unit=unit,
            seconds=ours.seconds,
            spread=ours.spread,
            share=share,
            ratio=None if other is None else ratio(times[other], ours),
            against=other or "",
            note="; ".join(filter(None, [note, ", ".join(told)])),
        )

    def late(self, name: str) -> bool:
        """Whether the budget is used up; then the row says so."""
        if self.left > 0:
            return False
        self.row(name, note="not measured: the part is out of time")
        return True

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """What fails in here is the end of this row alone."""
        self.say(name)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a measurement raises is told in its row
            traceback.print_exc()
            self.row(name, failed=True, note=f"{type(error).__name__}: {first_line(error)}")
        finally:
            self.tidy()

    def wall(self, call: Callable[[], object]) -> float | None:
        """Seconds that a call takes, with all that it started on the device; None in a dry run."""
        self._wait()
        start = time.perf_counter()
        call()
        self._wait()
        took = time.perf_counter() - start
        return None if self.dry else took

    def timed(self, call: Callable[[], object], rounds: int = 3) -> Timing:
        """The time of a call, of several rounds; in a dry run it is made once."""
        samples = [took for _ in range(1 if self.dry else rounds) if (took := self.wall(call)) is not None]
        return timing(samples) if samples else Timing()

    def of_copy(self, size: int, seconds: float | None) -> float | None:
        """The share of the copy's bandwidth that moving `size` bytes in this time is."""
        return None if seconds is None or self.copy is None else size / seconds / self.copy

    def of_flops(self, flops: int, seconds: float | None) -> float | None:
        return None if seconds is None or self.flops is None else flops / seconds / self.flops

    def say(self, what: str) -> None:
        print(f"[{time.perf_counter() - _STARTED:6.1f} s] {self.part}: {what}", file=sys.stderr, flush=True)

    def tidy(self) -> None:
        """Gives the device's memory back."""
        if self.device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def rate(amount: float, seconds: float | None, scale: float = 1.0) -> float | None:
    """amount a second, in units of `scale`."""
    return None if seconds is None else amount / seconds / scale


def ratio(theirs: Timing | float | None, ours: Timing | float | None) -> float | None:
    """How many times as fast ours is."""
    a, b = (x.seconds if isinstance(x, Timing) else x for x in (theirs, ours))
    return None if a is None or b is None else a / b


@dataclass(frozen=True, slots=True)
class Task:
    """A part of the benchmark. budget: seconds."""

    name: str
    budget: float
    run: Callable[[Stage], None]


def run_all(stage: Stage, tasks: Sequence[Task], total: float, clock: Callable[[], float] = time.perf_counter) -> None:
    """Runs the tasks one after the other within `total` seconds. What one raises is a row of its own, and no other's
    concern. Raises `Stopped` and KeyboardInterrupt, when the part's end is noted."""
    end = clock() + total
    for task in tasks:
        start = clock()
        budget = min(task.budget, end - start)
        stage.part, stage.deadline = task.name, start + budget
        if budget <= 0:
            stage.row(task.name, note="not measured: the whole is out of time")
            stage.table.end(Part(task.name, 0.0, task.budget, "skipped"))
            continue
        stage.say(f"at most {budget:.0f} s")
        outcome = "done"
        try:
            with alarm(min(budget + GRACE, max(end - start, 1.0))):
                task.run(stage)
        except OutOfTime:
            outcome = "out of time"
            stage.row(task.name, note="ended: out of time")
        except (Stopped, KeyboardInterrupt):
            outcome = "stopped"
            raise
        except Exception as error:  # noqa: BLE001 - the other parts go on
            outcome = "failed"
            traceback.print_exc()
            stage.row(task.name, failed=True, note=f"{type(error).__name__}: {first_line(error)}")
        finally:
            stage.table.end(Part(task.name, clock() - start, task.budget, outcome))
            stage.tidy()


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises `OutOfTime` here after so many seconds. An alarm that was set before rings later."""

    def ring(*_: object) -> None:
        raise OutOfTime

    start = time.perf_counter()
    before = signal.signal(signal.SIGALRM, ring)
    waiting, again = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if waiting:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, waiting - (time.perf_counter() - start)), again)


_STARTED = time.perf_counter()
