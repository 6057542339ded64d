"""The trace of what ran: it keeps to the format, its spans nest, and its sums are those of the statistics."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sglc import Engine, call, function, gen, select
from sglc.ir.errors import RunError
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.engine.request import Request, Stats
from sglc.runtime.profile import ENGINE, PROGRAMS, REQUESTS, Profile
from tests.engine.support import Bytes, drive

KEYS = {
    "X": {"ph", "pid", "tid", "name", "ts", "dur", "args"},
    "i": {"ph", "pid", "tid", "name", "ts", "s", "args"},
    "C": {"ph", "pid", "tid", "name", "ts", "args"},
    "M": {"ph", "pid", "tid", "name", "ts", "args"},
}
"""What the Trace Event Format asks of complete, instant, counter and metadata events."""

Spans = dict[tuple[int, int], list[dict[str, Any]]]


def checked(path: Path) -> tuple[list[dict[str, Any]], Spans]:
    """The events of a trace, and its spans by track. Each event is well-formed and each track's spans nest."""
    trace = json.loads(path.read_text())
    assert list(trace) == ["traceEvents", "displayTimeUnit"]
    spans: Spans = defaultdict(list)
    for event in trace["traceEvents"]:
        assert set(event) == KEYS[event["ph"]]
        assert event["ts"] >= 0
        if event["ph"] == "C":
            assert all(type(value) is int and value >= 0 for value in event["args"].values())
        if event["ph"] == "X":
            assert event["dur"] >= 0
            spans[event["pid"], event["tid"]].append(event)
    named = {(e["pid"], e["tid"]) for e in trace["traceEvents"] if e["name"] == "thread_name"}
    assert spans.keys() <= named
    for track in spans.values():
        open_until: list[float] = []
        for span in sorted(track, key=lambda span: (span["ts"], -span["dur"])):
            while open_until and open_until[-1] <= span["ts"] + 1e-3:
                open_until.pop()
            end = span["ts"] + span["dur"]
            assert not open_until or end <= open_until[-1] + 1e-3, span
            open_until.append(end)
    return trace["traceEvents"], spans


def sums(spans: Spans) -> tuple[int, int, int, int]:
    batches, requests = spans[ENGINE, 1], [s for (group, _), track in spans.items() if group == REQUESTS for s in track]
    whole = [span for span in requests if span["name"].startswith("request ")]
    return (
        len(batches),
        sum(span["args"]["prefilled_tokens"] for span in batches),
        sum(span["args"]["decoded_tokens"] for span in batches),
        sum(span["args"]["cached_tokens"] for span in whole),
    )


def of_stats(stats: Stats) -> tuple[int, int, int, int]:
    return stats.forward_passes, stats.prefilled_tokens, stats.decoded_tokens, stats.cached_tokens


def test_a_small_pool_shows_evictions_and_preemptions(tmp_path: Path) -> None:
    device = FakeDevice(40)
    core = EngineCore(device, Bytes(), chunk_tokens=16, headroom_tokens=0)
    ticks = count(step=1_000)
    profile = Profile(lambda: next(ticks))
    core.observer = profile
    requests = [Request(ids=[2 + n % 7, 3, 4 + n % 5, *[5] * 9], max_tokens=14, seed=n) for n in range(12)]
    drive(core, device, requests)
    profile.save(tmp_path / "trace.json")
    events, spans = checked(tmp_path / "trace.json")
    assert sums(spans) == of_stats(core.stats)
    evicted = sum(e["args"]["tokens"] for e in events if e["name"].startswith("evicted"))
    assert 0 < evicted <= core.stats.evicted_tokens
    preempted = [e for e in events if e["name"] == "preempted"]
    assert preempted
    for event in preempted:
        names = [span["name"] for span in spans[REQUESTS, event["tid"]]]
        assert names.count("waiting") > 1
    assert sum(len(track) for (group, _), track in spans.items() if group == REQUESTS) > 3 * len(requests)


@function
def two(s, topic):
    s += "All about " + topic + ":"
    branches = s.fork(2)
    branches += lambda i: f" the {('good', 'bad')[i]} side" + gen("side", max_tokens=6, temperature=0)
    s += branches[0]["side"] + call(shout, branches[1]["side"]) + select("end", ["yes", "no"])


def shout(text: str) -> str:
    return text.upper()


def test_a_batch_shows_rows_steps_and_lines(tmp_path: Path) -> None:
    rows = [{"topic": topic} for topic in ("rain", "snow", "wind")]
    with Engine(device="cpu", max_kv_tokens=2048) as engine:
        profile = engine.profile()
        results = two.run_batch(rows, backend=engine, seed=0)
        stats = engine.stats()
        profile.save(tmp_path / "trace.json")
    assert [result.error() for result in results] == [None] * 3
    _, spans = checked(tmp_path / "trace.json")
    assert sums(spans) == of_stats(stats)
    steps = [span for (group, _), track in spans.items() if group == PROGRAMS for span in track]
    names = [span["name"] for span in steps]
    assert {name: names.count(name) for name in names if name.startswith(("gen", "select"))} == {
        "gen side": 6, "select end": 3
    }  # fmt: skip
    assert sum(name.startswith("call ") and name.endswith("shout") for name in names) == 3
    assert sorted(name for name in names if name.startswith("row")) == ["row 0: two", "row 1: two", "row 2: two"]
    assert all("test_profile.py:" in span["args"]["where"] for span in steps if not span["name"].startswith("row"))
    requests = [s for (group, _), track in spans.items() if group == REQUESTS for s in track if "how" in s["args"]]
    assert {span["args"]["row"] for span in requests} == {0, 1, 2}
    assert {span["args"]["step"] for span in requests} == {"gen side", "select end"}


def test_what_has_not_ended_is_left_out(tmp_path: Path) -> None:
    device = FakeDevice(200)
    core = EngineCore(device, Bytes(), chunk_tokens=16)
    profile = Profile()
    core.observer = profile
    core.submit(Request(ids=[2, 3], max_tokens=1))
    long = core.submit(Request(ids=[2, 4], max_tokens=100))
    for _ in range(8):
        core.step()
    profile.save(tmp_path / "trace.json")
    _, spans = checked(tmp_path / "trace.json")
    whole = [s["name"] for track in spans.values() for s in track if s["name"].startswith("request ")]
    assert f"request {long}" not in whole
    core.cancel(long)
    while not core.idle:
        core.step()
    profile.save(tmp_path / "trace.json")
    _, spans = checked(tmp_path / "trace.json")
    assert [s["args"]["how"] for s in spans[REQUESTS, long] if "how" in s["args"]] == ["cancelled"]


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trace.json"
    path.write_text("before")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(RunError, match="the trace cannot be written: No space left on device"):
        Profile().save(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("trace.json", "before")]
