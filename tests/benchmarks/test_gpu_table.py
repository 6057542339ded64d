"""The table of `benchmarks.gpu`: verdicts, what is printed, and the file that is whole after each row."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks._gpu_table import Part, Row, Table, Target, Verdict, aligned, shown

LEAST = Target("fast enough", "kernels", "decode", "share", 0.85)
MOST = Target("short enough", "kernels", "sampling", "seconds", 25e-6, least=False)


@pytest.mark.parametrize(
    ("target", "row", "verdict"),
    [
        (LEAST, Row("kernels", "decode", share=0.85), "met"),
        (LEAST, Row("kernels", "decode", share=0.8499), "missed"),
        (MOST, Row("kernels", "sampling", seconds=25e-6), "met"),
        (MOST, Row("kernels", "sampling", seconds=26e-6), "missed"),
        (LEAST, Row("kernels", "decode"), "not measured"),
        (LEAST, Row("kernels", "decode", share=math.nan), "not measured"),
        (LEAST, Row("kernels", "decode", failed=True), "not measured"),
        (LEAST, Row("cascade", "decode", share=1.0), "not measured"),
        (LEAST, Row("kernels", "extend", share=1.0), "not measured"),
    ],
)
def test_verdicts(target: Target, row: Row, verdict: Verdict) -> None:
    assert target.verdict([row]) == verdict


@pytest.mark.parametrize(
    ("value", "column", "unit", "text"),
    [
        (None, "figure", "GB/s", "-"),
        (math.inf, "figure", "GB/s", "-"),
        (3651.4, "figure", "GB/s", "3,651 GB/s"),
        (0.0, "figure", "flips", "0 flips"),
        (411.26, "figure", "TFLOP/s", "411.3 TFLOP/s"),
        (0.8512, "share", "", "85.1%"),
        (1.2, "ratio", "", "1.20x"),
        (2.5, "seconds", "", "2.5 s"),
        (0.00351, "seconds", "", "3.51 ms"),
        (0.0000234, "seconds", "", "23.4 us"),
        (0.0000000234, "seconds", "", "0.0234 us"),
    ],
)
def test_numbers_as_a_person_reads_them(value: float | None, column: str, unit: str, text: str) -> None:
    assert shown(value, column, unit) == text  # pyright: ignore[reportArgumentType]: one of the columns


def test_columns_are_aligned_and_headings_take_no_part() -> None:
    lines = aligned([("a heading that is long",), ("one", "2"), ("three", "4")])
    assert lines == ["a heading that is long", "one    2", "three  4"]


def test_text_has_every_row_target_and_part() -> None:
    table = Table([LEAST, MOST], machine={"device": "a GPU"})
    table.add(Row("kernels", "decode", figure=3650.0, unit="GB/s", seconds=147e-6, share=0.849, spread=0.02))
    table.add(Row("kernels", "extend", failed=True, note="RuntimeError: no memory"))
    table.end(Part("kernels", 12.0, 110.0, "done"))
    text = table.text()
    assert "device: a GPU" in text
    assert any(
        line.split() == ["decode", "3,650", "GB/s", "147", "us", "84.9%", "-", "+-1.0%"] for line in text.splitlines()
    )
    assert "FAILED" in text
    assert "RuntimeError: no memory" in text
    assert any(line.startswith("fast enough") and line.endswith("missed") for line in text.splitlines())
    assert any(line.startswith("short enough") and line.endswith("not measured") for line in text.splitlines())
    assert "0 met, 1 missed, 1 not measured" in text
    assert any(line.split() == ["kernels", "12.0", "s", "of", "110", "s", "done"] for line in text.splitlines())
    assert table.failed


def test_file_is_whole_after_each_row(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    table = Table([LEAST], file)
    table.add(Row("kernels", "decode", share=0.9, seconds=1e-4))
    told = json.loads(file.read_text())
    assert told["figures"] == {"kernels: decode, seconds": 1e-4, "kernels: decode, share": 0.9}
    assert told["targets"] == {"kernels: decode, share": 0.85}
    assert told["verdicts"][0]["verdict"] == "met"
    table.add(Row("kernels", "extend", figure=math.nan))
    told = json.loads(file.read_text())
    assert [row["name"] for row in told["rows"]] == ["decode", "extend"]
    assert told["rows"][1]["figure"] is None
    assert list(tmp_path.iterdir()) == [file]


def test_dry_run_meets_no_target() -> None:
    table = Table([LEAST], dry=True)
    table.add(Row("kernels", "decode", share=0.9))
    assert table.as_json()["verdicts"][0]["verdict"] == "not measured"
    assert "0 met, 0 missed, 1 not measured" in table.text()
