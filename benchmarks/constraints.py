"""What constraints cost: sixteen regexes and JSON schemas, over vocabularies of 32,000 and 128,256 tokens.

A row of the tables is a case, compiled cold (nothing is kept but the vocabulary, prepared once) until its first mask is
there, in CPU time; masks and accepted tokens are timed along texts that fit it, `batch` is the masks of 64 requests,
and `first use` all that a fresh process does until the first mask, from the interpreter's start. The peers do the same
in the same run, each as its documentation says, in the Python that CONSTRAINT_PEERS names:

    python -m venv V && V/bin/pip install xgrammar==0.2.8 llguidance==1.9.1 outlines-core==0.2.14
    CONSTRAINT_PEERS=V/bin/python python -m benchmarks.constraints

The figures are of 128,256 tokens. compile_p95_ms is of the patterns of up to 200 states; a geomean is of the factors by
which ours is faster, over the JSON and the unbounded texts that both compile; a case is won where ours is compiled, and
no later than by xgrammar and outlines-core, which also compile ahead (llguidance does its work at each token, see its
masks), and a mask where ours is the fastest of all. A peer that needs over 60 s counts as 60 s; one that refuses a
case, breaks on it or forbids a text that fits it says so below the tables, as does ours.

forward_share: draws for each hundred ids of compact JSON, replayed with the canonical ids (`_constraint_replay.py`);
noncanonical are the answers that got other ids than the tokenizer's, rolled_back the ids that were taken back, of all
replays. json_speedup: records a second from a model, with jump-forward over without (`_constraint_speedup.py`).
"""

from __future__ import annotations

import json
import math
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import _constraint_replay, _constraint_speedup, vocabularies
from benchmarks._constraint_cases import CASES, Case
from benchmarks._constraint_ours import Ours
from benchmarks._constraint_peers import LIMIT, PEERS
from benchmarks._constraint_timing import Refused, compiled, stepped
from benchmarks._report import Report, main
from sglc.ir.tokens import TokenAutomaton

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {
    "compile_p95_ms": 15,
    "compile_schema_p50_ms": 30,
    "compile_schema_p95_ms": 300,
    "compile_geomean_vs_xgrammar": 10,
    "compile_geomean_vs_outlines": 10,
    "cases_won": 14,
    "mask_us": 1,
    "mask_batch_us": 40,
    "accept_us": 1,
    "load_ms": 5,
    "artifact_p50_bytes": 200_000,
    "forward_share_128k": 80,
    "forward_share_32k": 72,
    "noncanonical": 0,
    "rolled_back": 0,
    "json_speedup": 1.6,
}
INSTANCES = {32_000: 1_000, 128_256: 5_000}
"""That are replayed, for each vocabulary."""

Row = dict[str, Any]
"""The figures of an engine for a case; refused, wrong and over say why some are missing."""


def _our_row(ours: Ours, case: Case, size: int) -> Row:
    try:
        times, made = compiled(ours, case)
        row: Row = {"compile": statistics.median(times), "compiles": times, **stepped(ours, made, case)}
    except Refused as why:
        return {"refused": str(why)}
    command = [sys.executable, "-m", "benchmarks._constraint_ours", str(size), case.name]
    first = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    row |= {"first use": float(first.stdout)}
    if isinstance(made, TokenAutomaton):
        row |= {"states": len(made.accept), "rows": len(made.row_ends)}
    else:
        row["grammar"] = made.why
    return row | ours.artifact(case, made)


class _Watch:
    """Ends a process that is busy with a case for more than LIMIT seconds of its CPU time."""

    def __init__(self, pid: int) -> None:
        self.pid, self.ended_it = pid, False
        self.busy = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._deadline = _cpu_seconds(pid) + LIMIT

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            if self.busy and _cpu_seconds(self.pid) > self._deadline:
                self.ended_it = True
                os.kill(self.pid, signal.SIGKILL)
                return


def _cpu_seconds(pid: int) -> float:
    """The CPU time of a process that has not been waited for, or the wall clock where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Peer:
    """A process with one engine and one vocabulary, which is told one case after another; a fresh one after each that ended it.

    slow: cases over the limit, with a smaller vocabulary already; more are added.
    """

    def __init__(self, python: str, name: str, size: int, slow: set[str]) -> None:
        tokenizer = str(vocabularies.tokenizer_file(size))
        self._command = [python, "-m", "benchmarks._constraint_peers", name, tokenizer, str(vocabularies.end_id(size))]
        self._process: subprocess.Popen[str] | None = None
        self._slow = slow
        self.vocabulary: Row = {}

    def row(self, case: Case) -> Row:
        found: Row = {"over": True}
        if case.name not in self._slow:
            process = self._process = self._process or self._started()
            assert process.stdin is not None
            process.stdin.write(case.name + "\n")
            process.stdin.flush()
            found = self._answered(process)
            if found.get("over"):
                self._slow.add(case.name)
        if found.get("over"):
            return found | {"compile": LIMIT * 1e3}
        return found | ({"first use": self.vocabulary["ready"] + found["compile"]} if "compile" in found else {})

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if process.stdout is None or not (first := process.stdout.readline()):
            raise SystemExit(f"this does not start: {' '.join(self._command)}")
        self.vocabulary = json.loads(first)
        return process

    def _answered(self, process: subprocess.Popen[str]) -> Row:
        """What it says of a case, or how that ended it."""
        assert process.stdout is not None
        found: Row = {}
        with _Watch(process.pid) as watch:
            for line in process.stdout:
                row = json.loads(line)
                if "done" in row:
                    return found
                found = row
                watch.busy = False  # only compiling is limited
        process.wait()
        self._process = None
        return found or ({"over": True} if watch.ended_it else {"refused": f"it crashed ({process.returncode})"})


def _all_rows(size: int, python: str | None, slow: dict[str, set[str]]) -> dict[str, dict[str, Row]]:
    """engine -> case or "vocabulary" -> figures. The engines take turns at each case, since a shared machine is not as fast
    for long; never two at once, since two cores may be two threads of one."""
    vocabularies.tokenizer_file(size)
    ours = Ours(size)
    peers = {name: _Peer(python, name, size, slow[name]) for name in PEERS if python is not None}
    rows: dict[str, dict[str, Row]] = {name: {} for name in ("ours", *peers)}
    try:
        for number, case in enumerate(CASES, 1):
            _say(f"{size:,} tokens, {case.name} ({number} of {len(CASES)}) ...")
            rows["ours"][case.name] = _our_row(ours, case, size)
            for name, peer in peers.items():
                rows[name][case.name] = peer.row(case)
    finally:
        for peer in peers.values():
            peer.close()
    for name, peer in peers.items():
        rows[name]["vocabulary"] = peer.vocabulary
    rows["ours"]["vocabulary"] = {"vocabulary": ours.vocabulary_ms}
    return rows


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_tables(size: int, rows: Mapping[str, Mapping[str, Row]]) -> None:
    pairs = (("compile", "first use"), ("mask", "mask_p95"), ("accept", "batch"))
    units = {"compile": "compile ms", "mask": "mask us", "mask_p95": "mask p95 us", "accept": "accept us"}
    units |= {"batch": "batch us", "first use": "first use ms"}
    prepared = ", ".join(f"{name} {found['vocabulary']['vocabulary']:.0f}" for name, found in rows.items())
    print(f"\n{size:,} tokens; the vocabulary's preparation, ms: {prepared}")
    for pair in pairs:
        heads = "".join(f" |{units[name]:^{10 * len(rows)}}" for name in pair)
        print(f"\n{'':14}{heads}\n{'':14}" + (" |" + "".join(f"{name:>10}" for name in rows)) * 2)
        for case in CASES:
            cells = "".join(" |" + "".join(_cell(found[case.name], name) for found in rows.values()) for name in pair)
            print(f"{case.name:14}{cells}")
    print(f"\n{'ours':14}{'states':>10}{'masks':>10}{'bytes':>14}{'load ms':>10}")
    for case in CASES:
        row = rows["ours"][case.name]
        print(f"{case.name:14}{_cell(row, 'states')}{_cell(row, 'rows')}{_cell(row, 'bytes', 14)}{_cell(row, 'load')}")
    for name, found in rows.items():
        for case in CASES:
            for how in ("refused", "wrong", "grammar"):
                if how in found[case.name]:
                    print(f"{name}, {case.name}: {how}: {found[case.name][how]}")


def _cell(row: Row, name: str, width: int = 10) -> str:
    if name not in row:
        return f"{'refused' if 'refused' in row else '-':>{width}}"
    value = row[name]
    text = f">{value:,.0f}" if row.get("over") else f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    return f"{text:>{width}}"


def _figures(rows: Mapping[str, Mapping[str, Row]]) -> dict[str, float]:
    ours = rows["ours"]
    done = [case for case in CASES if "compile" in ours[case.name]]
    few = [case.name for case in done if case.pattern is not None and ours[case.name].get("states", 201) <= 200]
    schemas = [ours[case.name]["compile"] for case in done if case.schema is not None]
    figures = {
        "vocabulary_ms": ours["vocabulary"]["vocabulary"],
        "compile_p95_ms": _p95([each for name in few for each in ours[name]["compiles"]]),
        "compile_schema_p50_ms": statistics.median(schemas),
        "compile_schema_p95_ms": _p95(schemas),
        "cases_refused": len(CASES) - len(done),
    }
    for figure, name in {"first_use_ms": "first use", "mask_us": "mask", "mask_p95_us": "mask_p95"}.items():
        figures[figure] = statistics.median(ours[case.name][name] for case in done)
    for figure, name in {"mask_batch_us": "batch", "accept_us": "accept", "load_ms": "load"}.items():
        figures[figure] = statistics.median(ours[case.name][name] for case in done)
    figures["artifact_p50_bytes"] = statistics.median(ours[case.name]["bytes"] for case in done)
    if len(rows) > 1:
        ahead = [rows["xgrammar"], rows["outlines"]]
        figures["cases_won"] = sum(_first(ours, ahead, case.name, "compile") for case in done)
        peers = [found for name, found in rows.items() if name != "ours"]
        figures["masks_won"] = sum(_first(ours, peers, case.name, "mask") for case in done)
    for name in ("xgrammar", "outlines") if len(rows) > 1 else ():
        both = [case.name for case in done if case.unbounded and "compile" in rows[name][case.name]]
        logs = [math.log(rows[name][case]["compile"] / ours[case]["compile"]) for case in both]
        figures[f"compile_geomean_vs_{name}"] = math.exp(statistics.fmean(logs))
        figures[f"compile_geomean_vs_{name}_cases"] = len(both)
    return figures


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def _first(ours: Mapping[str, Row], peers: Sequence[Mapping[str, Row]], case: str, name: str) -> bool:
    return all(ours[case][name] <= found[case].get(name, math.inf) for found in peers)


def _jumps() -> dict[str, float]:
    """What jump-forward saves: draws for each hundred ids, of each vocabulary, and the speed of a model."""
    found: dict[str, float] = {"replayed": 0, "noncanonical": 0, "rolled_back": 0, "replay_schemas_refused": 0}
    for size, instances in INSTANCES.items():
        _say(f"replays of {instances:,} texts, {size:,} tokens ...")
        replays = _constraint_replay.figures(size, instances)
        found[f"forward_share_{size // 1000}k"] = replays["forward_share"]
        found["replayed"] += instances
        found["noncanonical"] += replays["noncanonical"]
        found["rolled_back"] += replays["rolled_back"]
        found["replay_schemas_refused"] += replays["refused"]
    _say("records from a model, with and without jumps ...")
    return found | _constraint_speedup.figures()


def measure() -> Report:
    python = os.environ.get("CONSTRAINT_PEERS")
    slow: dict[str, set[str]] = {name: set() for name in PEERS}
    figures: dict[str, float] = {}
    for size in vocabularies.SIZES:  # ascending: what is too slow for the small one is not tried with the large one
        rows = _all_rows(size, python, slow)
        _print_tables(size, rows)
        figures = _figures(rows)
    figures |= _jumps()
    print()
    return Report(figures, {name: target for name, target in TARGETS.items() if name in figures})


if __name__ == "__main__":
    main("constraints", measure)
