"""The end of runs on invented texts that take too long: wherever it strikes, nothing of it is left."""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest

from sglc.language.arguments import Arguments
from sglc.language.machine import current_machine
from sglc.trace.replay import replay
from sglc.trace.watchdog import TooLong, Watchdog


def body(s: Any, times: int) -> int:
    for _ in range(times):
        s += "a"
    return times


def arguments(times: int) -> Arguments:
    return Arguments({"times": times}, {}, {})


def test_a_run_in_time_gives_what_it_gives() -> None:
    with Watchdog(seconds=30) as watchdog:
        assert watchdog.run(lambda: 7) == 7
        with pytest.raises(KeyError):
            watchdog.run(lambda: {}["x"])


def test_a_run_without_end_is_ended() -> None:
    def forever() -> None:
        while True:
            pass

    with Watchdog(seconds=0.01) as watchdog, pytest.raises(TooLong):
        watchdog.run(forever)


def test_a_run_that_waits_for_ever_is_ended_and_one_that_hardly_runs_is_not() -> None:
    def waits(times: float) -> None:
        while times > 0:
            time.sleep(0.01)
            times -= 1

    with Watchdog(seconds=0.2) as watchdog:
        watchdog.run(lambda: waits(40))
    with Watchdog(seconds=0.01) as watchdog, pytest.raises(TooLong):
        watchdog.run(lambda: waits(float("inf")))


def test_wherever_it_strikes_nothing_is_left_behind() -> None:
    """Thousands of runs that end about when their time is over."""
    ended = {True: 0, False: 0}
    with Watchdog(seconds=0.0005) as watchdog:
        until = time.monotonic() + 3
        times = 20
        while time.monotonic() < until:
            try:
                watchdog.run(functools.partial(replay, body, arguments(times), {}, lambda number, call: "", None))
                late = False
            except TooLong:
                late = True
            ended[late] += 1
            times = max(1, times - 3 if late else times + 2)
            assert current_machine() is None
            for _ in range(50):  # a strike that comes after the run would come here
                time.monotonic()
    assert min(ended.values()) > 20
