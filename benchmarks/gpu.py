"""Everything that only a GPU can tell, in one table: kernels, engine, peers, exactness, and which targets are met.

    python -m benchmarks.gpu --json FILE

One H200-class GPU, less than 8 minutes, nothing downloaded. Ceilings are measured in the same run. Each part has a time of its
own and fails alone: what it raised is its row, and the exit status is 1. The file holds, after each row, all rows so far; so
it does when the command is stopped. Without a CUDA device: one line, and exit status 2.

    --only kernels,engine   some parts. What a part compares with another's figures needs that one too.
    --prompts N             of the part that counts flips
    --dry                   tiny shapes on the CPU, through the same code; claims nothing of any time
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks import (
    _gpu_cascade,
    _gpu_ceilings,
    _gpu_engine,
    _gpu_exactness,
    _gpu_examples,
    _gpu_kernels,
    _gpu_peers,
)
from benchmarks._gpu_stage import Stage, Stopped, Task, run_all
from benchmarks._gpu_table import Row, Table
from benchmarks._gpu_targets import LIMIT, TARGETS

TASKS = (
    Task("ceilings", 10, _gpu_ceilings.measure),
    Task("kernels", 110, _gpu_kernels.measure),
    Task("cascade", 30, _gpu_cascade.measure),
    Task("engine", 75, _gpu_engine.measure),
    Task("exactness", 60, _gpu_exactness.measure),
    Task("examples", 70, _gpu_examples.measure),
    # Last: they note what the peers are compared with, and no peer's fault can take a part of ours along.
    Task("peers", 95, _gpu_peers.measure),
)
"""The ceilings are measured whatever is chosen: shares are of them."""

TOTAL = LIMIT - 15
"""Seconds from the start of the process until the last part is to end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, whatever targets are missed; 1 where something failed; 2 without a GPU; 130 where it was stopped."""
    given = _parser().parse_args(arguments)
    if not given.dry and not torch.cuda.is_available():
        print(
            "benchmarks.gpu needs a CUDA device, and there is none; --dry tries the parts on the CPU", file=sys.stderr
        )
        return 2
    device = torch.device("cpu" if given.dry else "cuda")
    table = Table(TARGETS, given.json, _machine(device), dry=given.dry)
    status = 0
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(device, table, given.dry, given.prompts, _l2(device), folder=Path(folder))
            run_all(stage, [task for task in TASKS if task.name in given.only], given.seconds - _age())
    except (Stopped, KeyboardInterrupt):
        status = 130
    finally:
        signal.signal(signal.SIGTERM, before)
        took = None if given.dry else _age()
        whole = len(given.only) == len(TASKS) and status == 0
        table.machine = {**table.machine, **_clocks("clocks at the end", device)}
        table.add(Row("whole", "all parts" if whole else "some parts", seconds=took))
        print(table.text())
    return status or int(table.failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    names = [task.name for task in TASKS]
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file, after each row")
    parser.add_argument(
        "--only", type=_some_of(names), default=names, metavar="PARTS", help=f"some of: {','.join(names)}"
    )
    parser.add_argument("--prompts", type=int, default=1000, metavar="N", help="prompts whose flips are counted")
    parser.add_argument("--seconds", type=float, default=TOTAL, help="until the last part is to end")
    parser.add_argument("--dry", action="store_true", help="tiny shapes on the CPU; claims nothing of any time")
    return parser


def _some_of(names: Sequence[str]) -> Any:
    def parts(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := [name for name in chosen if name not in names]:
            raise argparse.ArgumentTypeError(f"there is no part {', '.join(unknown)}; there are {', '.join(names)}")
        return [name for name in names if name in chosen or name == names[0]]

    return parts


def _age() -> float:
    """Seconds since this process was started, its imports included."""
    started = int(Path("/proc/self/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[19])  # in ticks
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def _machine(device: torch.device) -> dict[str, str]:
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}"
    if device.type != "cuda":
        return {"device": platform.processor() or platform.machine(), "versions": versions}
    import triton

    properties = torch.cuda.get_device_properties(device)
    return {
        "device": f"{properties.name}, {properties.multi_processor_count} SMs, {properties.total_memory >> 30} GiB, "
        f"L2 {_l2(device) >> 20} MiB",
        "versions": f"{versions}, triton {triton.__version__}",
        **_clocks("clocks at the start", device),
    }


def _clocks(when: str, device: torch.device) -> dict[str, str]:
    """What the driver says of the device's clocks; nothing is set."""
    if device.type != "cuda":
        return {}
    command = ["nvidia-smi", "--query-gpu=clocks.sm,clocks.mem,temperature.gpu,power.draw", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        told = f"unknown: {type(error).__name__}"
    return {when: told}


def _l2(device: torch.device) -> int:
    """Bytes. On a CPU none, so that no case needs several sets of inputs."""
    return torch.cuda.get_device_properties(device).L2_cache_size if device.type == "cuda" else 0


def _stop(*_: object) -> None:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
