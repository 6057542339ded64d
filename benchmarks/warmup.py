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
from bisect import bisect_left
from pathlib import Path

from benchmarks._llama import model_folder
from benchmarks._report import Report, main
from sglc import Engine
from sglc.command.warm import load_warm, save_warm
from sglc.ir.ops import DEFAULT_SAMPLING, Sampling
from sglc.ir.tokens import Text, Tokenizer
from sglc.runtime.jobs import DecodeJob

ROOT = Path(__file__).resolve().parent.parent
TOKENS = 4_000
PAIRS = 3
SEED = 11
QUESTION = "\n\nIn one word, what was all of this about?"


def constant(tokenizer: Tokenizer) -> str:
    """A text of 4,000 tokens, of short words."""
    rng = random.Random(SEED)
    words = [rng.choice(("the", "rain", "of", "a", "long", "year", "and", "no", "wind")) for _ in range(TOKENS)]

    def length(count: int) -> int:
        return len(tokenizer.encode((Text(" ".join(words[:count]), trusted=True),)))

    return " ".join(words[: bisect_left(range(TOKENS), TOKENS, key=length)])


def prefix_of(engine: Engine) -> list[int]:
    return engine.tokenizer.stable_prefix((Text(constant(engine.tokenizer), trusted=True),))


def first_token(engine: Engine, folder: Path | None) -> float:
    """Seconds until a question behind the constant prompt has its first token."""
    prefix, text = prefix_of(engine), constant(engine.tokenizer) + QUESTION
    sampling = Sampling(max_tokens=1, temperature=0.0).filled_from(DEFAULT_SAMPLING)
    start = time.perf_counter()
    if folder is not None:
        load_warm(engine, [prefix], folder)
    engine.ask(DecodeJob((Text(text, trusted=True),), sampling, (0,)))
    took = time.perf_counter() - start
    expected = 0 if folder is None else len(prefix)
    if engine.stats().cached_tokens != expected:
        raise AssertionError(f"{engine.stats().cached_tokens} tokens were in the cache, not {expected}")
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
