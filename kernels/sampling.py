"""The door to sampling: from logits to ids, with what runs behind it chosen by the device of the logits.

What a draw is (decision 17). Allowed ids are ordered by their logits, the largest first, and of equal ones by id. A row's
filters leave a beginning of that order: the first top_k; of those the fewest that reach top_p of their mass; of those all
within min_p of the first. An id's weight is a whole number, 2**40 * 2**((x - top) * scale), so that sums depend on no order
of adding. To draw is to draw a block of `BLOCK` ids by its weight and an id in it by its own, in ascending order of ids, with
two numbers of a generator that is counted, not advanced; and where top_p does not keep that id, to draw again among the ids
before it in the order, with the next two. So nothing is sorted, each id that is kept has its own probability, and all that
a draw depends on is its row, its seed and its position.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sglc.kernels import sampling_torch
from sglc.kernels.choices import BLOCK, Choice, Edits


def sample(
    logits: Tensor,
    choices: Sequence[Choice],
    masks: Tensor | None = None,
    edits: Edits | None = None,
    *,
    block: int = BLOCK,
) -> Tensor:
    """Chooses an id in each row, and never waits for the device.

    logits: [rows, ids] float32, float16 or bfloat16, the last stride 1; less than 2**20 ids. masks: int32 [any, words], id i
            is allowed where bit i % 32 of word i // 32 is set; ids beyond the words are not.
    block:  a power of two, at least 32; for tests.

    Returns int32 [3, rows] on the device of the logits: the ids, the bits of the log probabilities as float32, and what
    became of each row (`choices.OK` ...); where that is not OK, the others mean nothing.
    """
    if not logits.is_cuda:
        kernel = sampling_torch.sample
    else:
        from sglc.kernels import sampling_triton

        kernel = sampling_triton.sample
    return kernel(logits, choices, masks, edits, block)


def read(sampled: Tensor) -> list[tuple[int, float, int]]:
    """What `sample` gave, or a copy of it on the host: (id, log probability, what became of the row) of each. The log
    probability is not a number where none was asked for."""
    host = sampled.cpu()
    ids, logprobs, states = host[0].tolist(), host[1].view(torch.float32).tolist(), host[2].tolist()
    return list(zip(ids, logprobs, states, strict=True))
