"""What sglc itself costs: programs of three gens on a backend that answers at once, and on one that takes 50 ms.

us_per_program is all of `run_batch` but the model: binding the rows, the executor, the results. concurrent_1536_s is 1,536
programs at a time whose gens take 50 ms each; ideal is 0.15 s. SGLang's frontend runs the same program on a backend of
the same kind, in the same run and turn by turn, where its package is installed: in the Python that SGLANG_PYTHON names.

    python -m venv V && V/bin/pip install --no-deps sglang==0.5.23
    V/bin/pip install requests tqdm numpy pydantic ipython pybase64 orjson
    SGLANG_PYTHON=V/bin/python python -m benchmarks.overhead
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks._report import Report, main
from sglc import Scripted, function, gen

ROUNDS = 9
PROGRAMS = 1_536
LATENCY = 0.05
SGLANG = Path(__file__).with_name("_sglang_overhead.py")


@function
def three_gens(s, question):
    s += "Answer in one word.\nQ: " + question + "\nA: "
    s += gen("answer", max_tokens=16)
    s += "\nQ: Why?\nA: "
    s += gen("reason", max_tokens=16)
    s += "\nQ: Are you sure?\nA: "
    s += gen("sure", max_tokens=16)


def measure() -> Report:
    rows = [{"question": f"question {number}"} for number in range(PROGRAMS)]
    microseconds: list[float] = []
    seconds: list[float] = []
    peers: list[dict[str, float]] = []
    python = os.environ.get("SGLANG_PYTHON")
    with Scripted(lambda question: "answer") as instant, Scripted(lambda question: "answer", LATENCY) as slow:
        for backend in (instant, slow):
            three_gens.run_batch(rows[:8], backend=backend)  # traced and compiled here
        for _ in range(ROUNDS):
            start = time.perf_counter()
            results = three_gens.run_batch(rows, backend=instant)
            microseconds.append((time.perf_counter() - start) / PROGRAMS * 1e6)
            start = time.perf_counter()
            results += three_gens.run_batch(rows, backend=slow)
            seconds.append(time.perf_counter() - start)
            if any(result["sure"] != "answer" for result in results):
                raise AssertionError("a program did not end")
            if python is not None and len(peers) < 3:
                command = [python, str(SGLANG), str(PROGRAMS), str(LATENCY)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                peers.append(json.loads(done.stdout.splitlines()[-1]))
    figures = {
        "us_per_program": statistics.median(microseconds),
        "us_per_program_best": min(microseconds),
        "concurrent_1536_s": statistics.median(seconds),
        "concurrent_1536_s_best": min(seconds),
    }
    for name in peers[0] if peers else ():
        figures[f"sglang_{name}"] = statistics.median(peer[name] for peer in peers)
    return Report(figures, {"us_per_program": 30, "concurrent_1536_s": 0.20})


if __name__ == "__main__":
    main("overhead", measure)
