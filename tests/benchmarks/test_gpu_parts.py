"""The command `benchmarks.gpu`: parts have a time of their own and fail alone, and what there is is never lost."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import _gpu_stage as stages
from benchmarks import gpu
from benchmarks._gpu_stage import OutOfTime, Stage, Task, alarm, run_all
from benchmarks._gpu_table import Table

NO_GPU = not torch.cuda.is_available()


def measured(stage: Stage) -> None:
    stage.row("something", figure=1.0)


def fails(stage: Stage) -> None:
    stage.row("before", figure=1.0)
    raise RuntimeError("out of memory\nand a long trace")


def terminated(stage: Stage) -> None:
    stage.row("before", figure=1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    stage.row("never", figure=1.0)


def interrupted(stage: Stage) -> None:
    raise KeyboardInterrupt


def stuck(stage: Stage) -> None:
    try:
        threading.Event().wait()
    except Exception:  # noqa: BLE001 - as a peer that leaves out what fails
        stage.row("never", figure=1.0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs the command, dry, with these tasks: its exit status and its file."""

    def command(*tasks: Task, arguments: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(gpu, "TASKS", tasks)
        file = tmp_path / "gpu.json"
        status = gpu.main(["--dry", "--seconds", "100000", "--json", str(file), *arguments])
        return status, json.loads(file.read_text())

    return command


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {part["name"]: part["outcome"] for part in told["parts"]}


def names(told: dict[str, Any]) -> list[str]:
    return [row["name"] for row in told["rows"]]


@pytest.mark.skipif(not NO_GPU, reason="there is a CUDA device")
def test_without_a_gpu_it_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "benchmarks.gpu needs a CUDA device, and there is none; --dry tries the parts on the CPU\n"


def test_a_part_that_fails_is_a_row_and_the_exit_status(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = run(Task("kernels", 60, fails), Task("engine", 60, measured))
    assert status == 1
    assert names(told) == ["before", "kernels", "something", "all parts"]
    assert [row["note"] for row in told["rows"] if row["failed"]] == ["RuntimeError: out of memory"]
    assert outcomes(told) == {"kernels": "failed", "engine": "done"}
    printed = capsys.readouterr()
    assert "FAILED" in printed.out
    assert "Traceback" in printed.err


def test_all_parts_that_run_are_exit_status_0_whatever_is_missed(run: Any) -> None:
    status, told = run(Task("kernels", 60, measured))
    assert status == 0
    assert {verdict["verdict"] for verdict in told["verdicts"]} == {"not measured"}


@pytest.mark.parametrize("way", [terminated, interrupted])
def test_stopped_it_keeps_and_prints_what_there_is(
    run: Any, capsys: pytest.CaptureFixture[str], way: Callable[[Stage], None]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    status, told = run(Task("ceilings", 60, measured), Task("kernels", 60, way), Task("engine", 60, measured))
    assert status == 130
    assert names(told)[0] == "something"
    assert names(told)[-1] == "some parts"
    assert "never" not in names(told)
    assert outcomes(told) == {"ceilings": "done", "kernels": "stopped"}
    assert "something" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_part_that_is_stuck_is_ended_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.setattr(stages, "GRACE", 0.01)
    status, told = run(Task("kernels", 0.01, stuck), Task("engine", 60, measured))
    assert status == 0
    assert names(told) == ["kernels", "something", "all parts"]
    assert told["rows"][0]["note"] == "ended: out of time"
    assert outcomes(told) == {"kernels": "out of time", "engine": "done"}


def test_some_parts_and_the_ceilings(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [Task(name, 60, measured) for name in ("ceilings", "kernels", "engine", "peers")]
    _, told = run(*tasks, arguments=("--only", "peers,kernels"))
    assert list(outcomes(told)) == ["ceilings", "kernels", "peers"]
    assert names(told)[-1] == "some parts"  # whose time is no target's
    with pytest.raises(SystemExit):
        run(*tasks, arguments=("--only", "kernel"))
    assert "there is no part kernel; there are ceilings, kernels, engine, peers" in capsys.readouterr().err


def test_time_is_given_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0

    def takes(seconds: float) -> Callable[[Stage], None]:
        def part(stage: Stage) -> None:
            nonlocal now
            now += seconds

        return part

    table = Table([])
    tasks = [Task("a", 50, takes(70)), Task("b", 50, takes(20)), Task("c", 50, takes(10)), Task("d", 50, takes(1))]
    run_all(Stage(torch.device("cpu"), table), tasks, 100, clock=lambda: now)
    assert [(part.name, part.seconds, part.outcome) for part in table.parts] == [
        ("a", 70.0, "done"),
        ("b", 20.0, "done"),
        ("c", 10.0, "done"),
        ("d", 0.0, "skipped"),
    ]
    told = capsys.readouterr().err
    assert "b: at most 30 s" in told
    assert "c: at most 10 s" in told
    assert table.rows[-1].note == "not measured: the whole is out of time"


def test_a_case_fails_alone_and_late_ones_say_so() -> None:
    table = Table([])
    stage = Stage(torch.device("cpu"), table, part="kernels", deadline=0.0)
    with stage.trying("one"):
        raise ValueError("no such shape")
    assert stage.late("two")
    assert [(row.name, row.failed, row.note) for row in table.rows] == [
        ("one", True, "ValueError: no such shape"),
        ("two", False, "not measured: the part is out of time"),
    ]
    with pytest.raises(OutOfTime), stage.trying("three"):
        raise OutOfTime
    assert len(table.rows) == 2


def test_an_alarm_leaves_another_as_it_was() -> None:
    rung = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: rung.set())
    outer, _ = signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(OutOfTime), alarm(0.01):
            threading.Event().wait()
        assert rung.wait(10)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, outer)


def test_age_is_the_processes() -> None:
    assert 0 < gpu._age() < 86_400


@pytest.mark.gpu
@pytest.mark.skipif(NO_GPU, reason="no CUDA device: not run")
def test_ceilings_and_cascade_on_a_gpu(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    assert gpu.main(["--only", "cascade", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())["rows"]
    assert all(row["seconds"] > 0 and row["figure"] > 0 for row in rows if row["part"] in ("ceilings", "cascade"))
