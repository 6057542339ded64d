"""What comes before a first answer: tracing a program, importing sglc, and starting its command.

trace_ms is the slowest of the examples: a trace of its first row with its confirmation, texts left open, in time of the
processor, the best of several. trace_ms_EXAMPLE is each of them. import_ms and help_ms are whole processes by the clock,
Python's own start included, the best of several: `python -c "import sglc"` and `sglc --help`.
"""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks._report import Report, main
from sglc import SglFunction
from sglc.command.program_file import load_program

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ROUNDS = 9


def measure() -> Report:
    traces = {f"trace_ms_{path.stem}": _traced(path) for path in sorted(EXAMPLES.glob("*.py"))}
    figures = {
        "trace_ms": max(traces.values()),
        "import_ms": _started([sys.executable, "-c", "import sglc"]),
        "help_ms": _started([sys.executable, "-m", "sglc", "--help"]),
        **traces,
    }
    return Report(figures, {"import_ms": 250, "help_ms": 400, **dict.fromkeys(("trace_ms", *traces), 100)})


def _traced(path: Path) -> float:
    """Milliseconds of a trace."""
    program: SglFunction = load_program(str(path))
    row: dict[str, Any] = json.loads(path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()[0])
    fixed = {name: value for name, value in row.items() if not isinstance(value, str)}
    gc.unfreeze()
    gc.collect()
    gc.freeze()  # what was there before, torch and all, is no part of the trace
    return _best(time.process_time, lambda: program.trace(**fixed))


def _started(command: Sequence[str]) -> float:
    """Milliseconds of a process."""
    return _best(time.perf_counter, lambda: subprocess.run(command, check=True, capture_output=True))


def _best(clock: Callable[[], float], work: Callable[[], object]) -> float:
    """Milliseconds of the quickest of several rounds."""
    best = math.inf
    for _ in range(ROUNDS):
        start = clock()
        work()
        best = min(best, clock() - start)
    return best * 1e3


if __name__ == "__main__":
    main("startup", measure)
