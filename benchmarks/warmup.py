"""What saved KV is worth: the time to the first token in a new process, with a constant prompt of 4,000 tokens.

Cold, the process prefills the prompt; loaded, it reads the KV that `sglc warmup --save` wrote, with all its checks. The
time begins when the model is loaded and the run is asked for, and ends with the first token; *_process_s begin with the
start of the process, and so hold Python, torch and the model too. The model is a Llama of 110 million random parameters
in bfloat16 on the CPU. Cold and loaded take turns.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._llama import model_folder
from benchmarks._report import Report, main
from sglc import Engine
from sglc.command.warm import load_warm, save_warm
from sglc.ir.ops import DEFAULT_SAMPLING, Sampling
from sglc.ir.tokens import Text
from sglc.runtime.jobs import DecodeJob

ROOT = Path(__file__).resolve().parent.parent
TOKENS = 4_000
PAIRS = 3
SEED = 11
QUESTION = "\n\nIn one word, what was all of this about?"


def constant() -> str:
    """A text of at least 4,000 tokens in any tokenizer: so many short words."""
    rng = random.Random(SEED)
    return " ".join(rng.choice(("the", "rain", "of", "a", "long", "year", "and", "no", "wind")) for _ in range(TOKENS))


def prefix_of(engine: Engine) -> list[int]:
    return engine.tokenizer.encode((Text(constant(), trusted=True),))[:TOKENS]


def first_token(engine: Engine, folder: Path | None) -> float:
    """Seconds until a question behind the constant prompt has its first token."""
    start = time.perf_counter()
    if folder is not None:
        load_warm(engine, [prefix_of(engine)], folder)
    sampling = Sampling(max_tokens=1, temperature=0.0).filled_from(DEFAULT_SAMPLING)
    engine.ask(DecodeJob((Text(constant() + QUESTION, trusted=True),), sampling, (0,)))
    took = time.perf_counter() - start
    reused = engine.stats().cached_tokens
    if (reused >= TOKENS) is not (folder is not None):
        raise AssertionError(f"{reused} tokens of the constant prompt were in the cache")
    return took


def measure() -> Report:
    folder = str(model_folder())
    seconds: dict[str, list[float]] = {"cold": [], "loaded": []}
    process: dict[str, list[float]] = {"cold": [], "loaded": []}
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        kv = Path(name)
        with Engine(folder, device="cpu", max_kv_tokens=2 * TOKENS) as engine:
            prefixes = [prefix_of(engine)]
            engine.warm(prefixes)
            saved = save_warm(engine, prefixes, kv / "warmup.sglc", kv)
        megabytes = saved.stat().st_size / 1e6
        for _ in range(PAIRS):
            for way, times in seconds.items():
                start = time.perf_counter()
                command = [sys.executable, "-m", "benchmarks.warmup", way, folder, name]
                done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
                process[way].append(time.perf_counter() - start)
                times.append(json.loads(done.stdout.splitlines()[-1]))
    middle = {way: statistics.median(times) for way, times in seconds.items()}
    return Report(
        {
            "ttft_ratio": middle["cold"] / middle["loaded"],
            "ttft_cold_s": middle["cold"],
            "ttft_loaded_s": middle["loaded"],
            "ttft_cold_process_s": statistics.median(process["cold"]),
            "ttft_loaded_process_s": statistics.median(process["loaded"]),
            "saved_kv_mb": megabytes,
        },
        {"ttft_ratio": 5.0},
    )


def in_new_process(way: str, model: str, kv: str) -> None:
    with Engine(model, device="cpu", max_kv_tokens=2 * TOKENS) as engine:
        print(first_token(engine, Path(kv) if way == "loaded" else None))


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] in ("cold", "loaded"):
        in_new_process(*sys.argv[1:])
    else:
        main("warmup", measure)
