"""How many answers a network gets right, greedily, when all that is before each answer is right: fast, for training.

An answer counts where each of its tokens, and the one that ends it, is the likeliest. That is what greedy decoding
gives after the same text. `evaluate.py` measures what counts in the end: through sglc.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer

from models.batches import Example, batches, example
from models.draw import Draw
from models.mixture import MIXTURE
from models.network import Network


def held_out_examples(tokenizer: Tokenizer, seed: int, each: int, tasks: Sequence[str] = ()) -> list[Example]:
    """`each` held-out documents of every task, or of those whose name begins with one of `tasks`; one of a long task."""
    draw = Draw(seed, held_out=True)
    found: list[Example] = []
    for _, task in MIXTURE:
        first = task(draw)
        if not tasks or first.task.startswith(tuple(tasks)):
            more = 0 if first.task.startswith("long.") else each - 1
            found += [example(tokenizer, one) for one in (first, *(task(draw) for _ in range(more)))]
    return found


@torch.no_grad()
def accuracy(
    network: Network, examples: Sequence[Example], *, tokens: int = 4096, device: str = "cpu"
) -> dict[str, float]:
    """The share of right answers by task."""
    right: defaultdict[str, int] = defaultdict(int)
    count: defaultdict[str, int] = defaultdict(int)
    for cpu_batch in batches(examples, tokens):
        batch = cpu_batch.to(device)
        hits = network(batch.ids, batch.positions).argmax(dim=-1) == batch.targets
        good = torch.ones(len(batch.tasks), dtype=torch.bool, device=device)
        good[batch.answers[~hits]] = False
        for task, ok in zip(batch.tasks, good.tolist(), strict=True):
            right[task] += ok
            count[task] += 1
    return {task: right[task] / count[task] for task in sorted(count)}
