"""Prompt tokens found in the cache, as a share of what the best cache could find, where the pool is smaller than the batch.

For each example, a batch of its rows; pools of 25%, 50% and 100% of the batch's footprint, which is the number of
distinct tokens in the prefix tree of all prompts with their answers. All run through the real executor, scheduler and
tree, on a device that computes hashes (`runtime/engine/fake_device.py`), so the answers are the same however it is
scheduled: `ours`; `lru`, the same engine told of no future, which evicts what was used least recently; `lpm`, which
besides takes of the waiting requests the one with the longest cached prefix first, as SGLang does by default.

The optimum is that of `_hit_rate_optimum.py`: Belady, for the requests one at a time, row after row, each row's as it
asks for them on an engine that runs one request at a time, and with the same pool. A share over 100 is possible: the
engine may take the requests in a better order. share_of_optimum_25, _50 and _100 are the lowest of all examples, and
lru_..., lpm_... the same of the others.

recomputed_share: of the tokens computed for 2,000 rows of `examples/multi_turn_chat.py` in a pool of 10% of their
footprint, the percentage that had been computed before and was gone when it was needed again, because it was evicted or a
request was preempted. The last token of a prompt that is all in the cache, which must be computed for its logits, does
not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks._hit_rate_engine import POLICIES, Measured, Simulated
from benchmarks._hit_rate_optimum import footprint, optimum
from benchmarks._report import Report, main
from sglc import SglFunction
from sglc.command.program_file import load_program

ROOT = Path(__file__).resolve().parent.parent
SIZES = (25, 50, 100)
ROWS = 48
MANY = 2_000
MAX_NEW_TOKENS = 24


def measure() -> Report:
    figures: dict[str, float] = {}
    shares: dict[tuple[str, int], list[float]] = {}
    print(f"{'':22}{'':>9}{'':>10}" + "".join(f"{f'{size}%':>34}" for size in SIZES))
    columns = "".join(f"{name:>7}" for name in POLICIES)
    print(f"{'example':22}{'requests':>9}{'footprint':>10}" + f"{'found':>13}{columns}" * len(SIZES))
    with Simulated() as backend:
        for path in sorted((ROOT / "examples").glob("*.py")):
            line = _example(backend, load_program(str(path)), many(rows_of(path), ROWS), shares)
            print(f"{path.stem:22}{line}", flush=True)
        for size in SIZES:
            for policy in POLICIES:
                name = f"share_of_optimum_{size}" if policy == "ours" else f"{policy}_share_of_optimum_{size}"
                figures[name] = min(shares[policy, size])
        figures["recomputed_share"], figures["lru_recomputed_share"] = recomputed_shares(backend)
    targets: dict[str, float] = {f"share_of_optimum_{size}": 98 for size in SIZES}
    return Report(figures, {**targets, "recomputed_share": 2})


def _example(
    backend: Simulated, program: SglFunction, rows: Sequence[dict[str, Any]], shares: dict[tuple[str, int], list[float]]
) -> str:
    """Measures one example: adds to `shares`, and answers its line of the table."""
    run = batch(backend, program, rows)
    backend.measure(run)  # traced and compiled here, and where the runs leave the compiled paths
    texts = backend.measure(run).texts
    asked = one_at_a_time(backend, program, rows).asked
    whole = footprint(asked)
    line = f"{len(asked):>9}{whole:>10,}"
    for size in SIZES:
        pages = whole * size // 100
        best = optimum(asked, pages)
        line += f"{best:>13,}"
        for policy in POLICIES:
            measured = backend.measure(run, policy, pages)
            if measured.texts != texts:
                raise AssertionError(f"the texts of {program.__name__} depend on the pool")
            shares.setdefault((policy, size), []).append(100 * measured.hits / best)
            line += f"{shares[policy, size][-1]:>7.1f}"
    return line


def one_at_a_time(backend: Simulated, program: SglFunction, rows: Sequence[dict[str, Any]]) -> Measured:
    """The requests of a batch in the order of the program, row after row."""
    return backend.measure(batch(backend, program, rows), max_running=1)


def recomputed_shares(backend: Simulated, count: int = MANY) -> tuple[float, float]:
    """Of a batch of so many rows in a tenth of its footprint: ours, and LRU."""
    path = ROOT / "examples" / "multi_turn_chat.py"
    program, rows = load_program(str(path)), many(rows_of(path), count)
    whole = footprint(one_at_a_time(backend, program, rows).asked)

    def share(policy: str) -> float:
        measured = backend.measure(batch(backend, program, rows), policy, whole // 10)
        print(
            f"{count:,} rows of {path.stem}, {policy}: {measured.computed:,} tokens computed, {measured.recomputed:,} of "
            f"them again, {measured.passes:,} forward passes, at most {measured.most_running} requests at once"
        )
        return 100 * measured.recomputed / measured.computed

    return share("ours"), share("lru")


def batch(backend: Simulated, program: SglFunction, rows: Sequence[dict[str, Any]]) -> Callable[[], list[Any]]:
    return lambda: program.run_batch(rows, backend=backend, seed=0, max_new_tokens=MAX_NEW_TOKENS)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]


def many(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """So many rows: the given ones again and again, with texts that differ from their first words on."""
    return [_marked(rows[number % len(rows)], number // len(rows)) for number in range(count)]


def _marked(value: Any, mark: int) -> Any:
    if isinstance(value, str):
        return f"{mark}. {value}" if mark else value
    if isinstance(value, list):
        return [_marked(item, mark) for item in value]
    if isinstance(value, dict):
        return {key: _marked(item, mark) for key, item in value.items()}
    return value


if __name__ == "__main__":
    main("hit_rate", measure)
