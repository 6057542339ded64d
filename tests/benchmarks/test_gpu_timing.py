"""How times are taken: how many sets of inputs are cold, that each has its turn in a graph, and that ways alternate."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import torch

from benchmarks._gpu_timing import Timing, best, copies, race, timing, whole_turns

CUDA = torch.device("cuda")
MILLISECONDS = 8.0


def test_median_and_spread() -> None:
    assert timing([4.0, 1.0, 2.0]) == Timing(2.0, 1.5)


@pytest.mark.parametrize(
    ("size", "l2", "count"), [(4 << 20, 50 << 20, 63), (250 << 20, 50 << 20, 1), (1 << 30, 60 << 20, 1), (7, 0, 1)]
)
def test_sets_of_inputs_make_up_five_caches(size: int, l2: int, count: int) -> None:
    assert copies(size, l2) == count
    assert count * size >= 5 * l2


@pytest.mark.parametrize(("sets", "calls"), [(1, 20), (3, 21), (20, 20), (75, 75)])
def test_each_set_has_its_turn_equally_often(sets: int, calls: int) -> None:
    turns = whole_turns([lambda number=number: number for number in range(sets)])
    assert len(turns) == calls
    numbers = [turn() for turn in turns]
    assert numbers[: 2 * sets] == [*range(sets), *range(sets)][:calls]
    assert {numbers.count(number) for number in range(sets)} == {calls // sets}


def test_best_is_the_fastest_of_the_others() -> None:
    times = {"sglc": Timing(1.0, 0.0), "a": Timing(3.0, 0.0), "b": Timing(2.0, 0.0)}
    assert best(times) == "b"
    assert best({"sglc": Timing(1.0, 0.0)}) is None


def test_without_a_gpu_each_call_is_made_once_and_nothing_is_claimed() -> None:
    made: list[int] = []
    times = race(torch.device("cpu"), {"sglc": [lambda: made.append(0), lambda: made.append(1)]})
    assert made == [0, 1]
    assert times == {"sglc": Timing(None, None)}


def test_other_ways_that_fail_are_left_out_and_ours_may_not(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise RuntimeError("no such kernel\nand more")

    assert list(race(torch.device("cpu"), {"sglc": [lambda: 1], "other": [fails]})) == ["sglc"]
    assert "other is left out: RuntimeError: no such kernel\n" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="no such kernel"):
        race(torch.device("cpu"), {"sglc": [fails], "other": [lambda: 1]})


class Graph:
    """A CUDA graph as far as `race` sees one. log: what was replayed, in order."""

    log: list[Graph] = []  # noqa: RUF012 - of all of them together, cleared by the fixture

    def __init__(self) -> None:
        self.calls = 0

    def replay(self) -> None:
        Graph.log.append(self)


class Event:
    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        return

    def synchronize(self) -> None:
        return

    def elapsed_time(self, end: Event) -> float:
        return MILLISECONDS


@dataclass
class Calls:
    """Notes the calls that are made while a graph is captured."""

    captured: list[str] = field(default_factory=list[str])
    capturing: bool = False

    def __call__(self, name: str) -> None:
        if self.capturing:
            self.captured.append(name)

    @contextmanager
    def capture(self, graph: Graph) -> Iterator[None]:
        assert not gc.isenabled()
        self.capturing = True
        yield
        self.capturing = False


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    Graph.log.clear()
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", made.capture)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    return made


def test_graph_holds_all_sets_and_ways_swap_turns(calls: Calls) -> None:
    ways = {
        "sglc": [lambda number=number: calls(f"ours {number}") for number in range(3)],
        "other": [lambda: calls("other")],
    }
    times = race(CUDA, ways, rounds=4)
    assert calls.captured == [f"ours {number}" for number in range(3)] * 7 + ["other"] * 20
    assert gc.isenabled()
    assert times["sglc"].seconds == pytest.approx(MILLISECONDS / 1e3 / 21)
    assert times["other"].seconds == pytest.approx(MILLISECONDS / 1e3 / 20)
    ours, other = Graph.log[:2]  # each is replayed once before it is timed
    assert Graph.log[2:] == [ours, other, other, ours] * 2
