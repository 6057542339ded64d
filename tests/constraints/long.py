"""More random answers and masks than the tests have time for.

    python -m tests.constraints.long [--count 10000] [--steps 100000] [--seed 0]

count: answers, over tokenizers of three kinds, with jumps and without. steps: masks, over small vocabularies and the one
of 32,000 tokens of `benchmarks.vocabularies`, which is trained where it is not there. Says how far it is, shows what fails
with its seed and goes on; the exit status is 1 where something failed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import torch
from tokenizers import Tokenizer

import sglc as sgl
from benchmarks import vocabularies
from sglc.ir.tokens import Vocabulary
from sglc.runtime.vocabulary import vocabulary_of
from tests.constraints.answers import model_of, play
from tests.constraints.masks import compare_random
from tests.constraints.test_masks_long import small
from tests.regex.oracle import byte_level, sentence_piece

KINDS = ("llama3", "gpt2", "llama2")
ENDS = ("ended, nothing may follow", "ended by an end id", "cut by length", "cut by a stop")
SECONDS = 20  # between two lines


class Tally:
    """What was seen, and what failed; a line now and then."""

    def __init__(self, what: str, wanted: int) -> None:
        self.what, self.wanted = what, wanted
        self.seen, self.failed = Counter[str](), 0
        self._start = self._said = time.monotonic()

    def fail(self, error: AssertionError) -> None:
        self.failed += 1
        if self.failed <= 20:
            print(f"FAILED {error}", flush=True)

    def say(self, done: int, last: bool = False) -> None:
        now = time.monotonic()
        if last or now - self._said > SECONDS:
            self._said = now
            seen = ", ".join(f"{count:,} {name}" for name, count in self.seen.most_common())
            end = f"{self.failed} failed, {now - self._start:.0f} s"
            print(f"{done:,} of {self.wanted:,} {self.what}: {seen}; {end}", flush=True)


def answers(count: int, seed: int) -> int:
    """How many failed."""
    tally = Tally("answers", count)
    with ExitStack() as stack:
        engines: list[sgl.Engine] = []
        for kind in KINDS:
            folder = model_of(kind, Path(stack.enter_context(tempfile.TemporaryDirectory())))
            for jumps in (True, False):
                made = sgl.Engine(folder, device="cpu", max_kv_tokens=8192, jump_forward=jumps)
                engines.append(stack.enter_context(made))
        while (done := sum(tally.seen[name] for name in ENDS)) < count:
            try:
                tally.seen += play(engines[seed % len(engines)], seed)
            except AssertionError as error:
                tally.fail(error)
            seed += 1
            tally.say(done)
    tally.say(sum(tally.seen[name] for name in ENDS), last=True)
    return tally.failed


def masks(steps: int, seed: int) -> int:
    """How many failed."""
    tally = Tally("masks", steps)
    path, end = vocabularies.tokenizer_file(32_000), vocabularies.end_id(32_000)
    large = vocabulary_of(Tokenizer.from_file(str(path)), end_ids=[end], columns=32_064, chat_template="")
    fixed = [large, byte_level(), large, small("llama3"), small("gpt2"), small("llama2")]
    while tally.seen["steps"] < steps:
        choices: list[Vocabulary] = [*fixed, sentence_piece(random.Random(seed))]
        try:
            compare_random(choices[seed % len(choices)], seed, 60, tally.seen)
        except AssertionError as error:
            tally.fail(error)
        seed += 1
        tally.say(tally.seen["steps"])
    tally.say(tally.seen["steps"], last=True)
    return tally.failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.constraints.long")
    parser.add_argument("--count", type=int, default=10_000, help="answers")
    parser.add_argument("--steps", type=int, default=100_000, help="masks")
    parser.add_argument("--seed", type=int, default=0, help="of the first program and the first constraint")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    sys.exit(bool(answers(asked.count, asked.seed) + masks(asked.steps, asked.seed)))
