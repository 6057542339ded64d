"""What it is worth to score the choices of a select as branches of one request: against a request for each choice.

The model is the Llama of 100 million parameters of `_constraint_speedup.py`; one select at a time. With a fresh prompt
nothing is cached; with a cached one all of its tokens are, as in a program that has asked before. Counted are the
forward passes and the tokens computed in them; times are the medians of rounds in which both take turns. The scores are
compared too: in bfloat16 on a CPU the last bits of a row may depend on the batch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks._constraint_speedup import NOTE, model_folder
from benchmarks._report import Report, main
from sglc import Engine
from sglc.ir.tokens import Text, Tokenizer
from sglc.runtime.choices import choose
from sglc.runtime.engine.request import Finished, Request
from sglc.runtime.jobs import Answer, Decode, PrefillJob, Prompt, ScoreJob

ROUNDS = 5
PROMPT = NOTE * 3 + "Question: what does the customer want?\nAnswer:"
WORDS = """
    refund return repair replace exchange complain cancel order invoice receipt delivery address change delay damage broken
    missing wrong late early size colour price discount voucher account password login email phone call visit store open
    hours stock product lamp table chair sofa carpet shelf mirror light bulb cable plug switch wire
"""
PHRASES = [
    f"{who} {what}"
    for who in ("The customer would like", "The customer asks us", "We should", "It is not")
    for what in (
        "to send another lamp before the first of May",
        "to give the money back",
        "to send someone who repairs the broken lamp",
        "to say when the next parcel comes",
        "clear from the message what is wanted here",
    )
]
CASES: dict[str, Sequence[str]] = {
    "yes_no": ["yes", "no"],
    "letters": [chr(65 + n) for n in range(26)],
    "words": WORDS.split()[:50],
    "phrases": PHRASES,
}


@dataclass(frozen=True)
class Single:
    """A select as a request for each choice: its prompt and the choice, whose tokens are scored."""

    select: ScoreJob

    def requests(self, tokenizer: Tokenizer) -> list[Request]:
        (together,) = self.select.requests(tokenizer)
        start = len(together.ids)
        return [Request(ids=[*together.ids, *branch], score_from=start) for branch in together.branches]

    def answer(self, finished: Sequence[Finished], decode: Decode) -> Answer:
        best, meta = choose(self.select.method, [done.prompt_scores for done in finished], ())
        return Answer((*self.select.prompt, *self.select.choices[best]), "", meta)


def measure() -> Report:
    figures: dict[str, float] = {}
    differences: list[float] = []
    prompt: Prompt = (Text(PROMPT, trusted=True),)
    with Engine(str(model_folder()), device="cpu") as engine:
        ids = tuple(engine.tokenizer.encode(prompt))
        figures["prompt_tokens"] = len(ids)
        for name, choices in CASES.items():
            together = ScoreJob(prompt, tuple((Text(f" {choice}", trusted=True),) for choice in choices))
            lengths = [len(branch) for branch in together.requests(engine.tokenizer)[0].branches]
            figures[f"{name}_choices"], figures[f"{name}_tokens_of_choices"] = len(choices), sum(lengths)
            for state, warm in (("fresh", ()), ("cached", ids)):
                found, difference = _compare(engine, together, warm)
                figures |= {f"{name}_{state}_{key}": value for key, value in found.items()}
                differences.append(difference)
    figures["largest_difference_of_scores"] = max(differences)
    return Report(figures)


def _compare(engine: Engine, together: ScoreJob, warm: tuple[int, ...]) -> tuple[dict[str, float], float]:
    """The figures of one select, and by how much a score differs at most."""
    jobs = {"": together, "_single": Single(together)}
    times: dict[str, list[float]] = {key: [] for key in jobs}
    figures: dict[str, float] = {}
    scores: list[list[float]] = []
    for round_ in range(ROUNDS + 1):
        for key, job in jobs.items():
            engine.flush_cache()
            if warm:
                engine.ask(PrefillJob(warm))
            engine.reset_stats()
            start = time.perf_counter()
            meta = engine.ask(job).meta
            took = time.perf_counter() - start
            stats = engine.stats()
            figures |= {f"passes{key}": stats.forward_passes, f"computed{key}": stats.prefilled_tokens}
            if round_:  # the first forward passes are slower
                times[key].append(took)
            else:
                scores.append([score for row in meta["input_token_logprobs"] for score, _, _ in row])
    figures |= {f"ms{key}": statistics.median(taken) * 1e3 for key, taken in times.items()}
    figures["speed"] = statistics.median(slow / fast for fast, slow in zip(*times.values(), strict=True))
    return figures, max(abs(a - b) for a, b in zip(*scores, strict=True))


if __name__ == "__main__":
    main("select", measure)
