"""What every benchmark shares: the file of figures, and the table."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch


@dataclass(frozen=True)
class Report:
    """figures: name -> number. targets: the same names -> what is aimed at. plot: a picture (SVG), or ""."""

    figures: Mapping[str, float]
    targets: Mapping[str, float] = field(default_factory=dict[str, float])
    plot: str = ""


def main(name: str, measure: Callable[[], Report]) -> None:
    """Measures, prints a table and, with --json FILE, writes the figures; with --plot FILE also the plot."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="write the plot to a file, where there is one")
    arguments = parser.parse_args()
    report = measure()
    for figure, value in report.figures.items():
        target = f"   target {report.targets[figure]:g}" if figure in report.targets else ""
        print(f"{figure:36} {value:>14,.6g}{target}")
    if arguments.json is not None:
        machine = {"cpu": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
        if torch.cuda.is_available():
            machine["gpu"] = torch.cuda.get_device_name()
        written = {"figures": dict(report.figures), "targets": dict(report.targets), "machine": machine}
        arguments.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if arguments.plot is not None:
        if not report.plot:
            parser.error(f"{name} has no plot")
        arguments.plot.write_text(report.plot, encoding="utf-8")
