"""Sampling in Triton: one pass over the logits, and for rows with filters a few more over what is near the top.

`sample_blocks` reduces each block of ids to its largest logits and sums of weights, `sample_rows` puts a row's blocks
together and draws, `sample_filtered` draws where there are filters. What a draw means is in `sampling.py`. Weights are whole
numbers, so every sum is exact: the same ids come out whatever the batch, the launch, or the order of adding.

That the ids before a rejected one are drawn from next, so that top_p needs no sorting, is the rejection sampling of
FlashInfer (Ye et al., arXiv 2501.01005). The k-th largest logit is looked for among the groups of 32 ids whose largest logits are among
the k largest of all groups: no others can hold one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc.kernels.choices import Choice, Edits, bits, draw_of
from sglc.kernels.launch import launch, uploaded

ID_BITS = tl.constexpr(20)
_IDS = tl.constexpr(1 << 20)
_ONE, _UNIT = tl.constexpr(2.0**40), tl.constexpr(2.0**-40)
_WHOLE = tl.constexpr(2.0**62)
_LOG2_E = tl.constexpr(1.4426950408889634)
_IMPOSSIBLE, _INFINITE = tl.constexpr(-2139095041), tl.constexpr(0x7F800000)  # keys of -inf and inf
_NONE = tl.constexpr(2**31 - 1)
_LOWEST = tl.constexpr(-(2**63))
_GOLDEN = tl.constexpr(0x9E3779B97F4A7C15)
_MIX_1 = tl.constexpr(0xBF58476D1CE4E5B9)
_MIX_2 = tl.constexpr(0x94D049BB133111EB)
_OK, _NOT_A_NUMBER, _NOTHING_ALLOWED = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)

# The columns of the table of choices. Of floats the bits are kept. A scale below 0: nothing is drawn. A mask or bias below 0:
# none. Flags: 1: report the log probability, 2: there are filters.
_KEY, _SCALE, _TOP_K, _TOP_P = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2), tl.constexpr(3)
_MIN_P, _MASK, _BIAS, _FLAGS = tl.constexpr(4), tl.constexpr(5), tl.constexpr(6), tl.constexpr(7)

_LISTED = 128  # groups that are looked at at a time

WARPS = {"sample_blocks": 8, "sample_rows": 8, "sample_filtered": 16}
"""Of a program of each kernel."""


def sample(logits: Tensor, choices: Sequence[Choice], masks: Tensor | None, edits: Edits | None, block: int) -> Tensor:
    """See `sglc.kernels.sampling.sample`."""
    rows, filtered = table_of(choices)
    biases = None
    if edits is not None:
        biases = torch.zeros((edits.count, logits.shape[1]), dtype=torch.float32, device=logits.device)
        biases.index_put_((edits.rows, edits.ids), edits.values)
    return sample_by(logits, uploaded(rows, logits.device), filtered, masks, biases, block)


def table_of(choices: Sequence[Choice]) -> tuple[Tensor, bool]:
    """int64 [rows, 8] on the CPU, its columns named above; and whether some row has filters."""
    rows: list[tuple[int, ...]] = []
    for choice in choices:
        how = draw_of(choice)
        drawn = (0, bits(-1.0), 0, -1, bits(-math.inf))
        if how is not None:
            key = how.key - (how.key >> 63 << 64)  # as int64
            drawn = (key, bits(how.scale), how.top_k, how.top_p, bits(how.least))
        rows.append((*drawn, choice.mask, choice.bias, choice.score | (how is not None and how.filtered) << 1))
    return torch.tensor(rows, dtype=torch.int64).reshape(len(rows), 8), any(row[-1] & 2 for row in rows)


def sample_by(
    logits: Tensor, table: Tensor, filtered: bool, masks: Tensor | None, biases: Tensor | None, block: int
) -> Tensor:
    """`sample` by what is on the device already. table, filtered: of `table_of`. biases: float32 [any, ids], the row of each
    choice is its `bias`."""
    rows, vocab = logits.shape
    if vocab >> ID_BITS.value:
        raise ValueError(f"{vocab} ids: give less than {1 << ID_BITS.value}")
    blocks = triton.cdiv(vocab, block)
    groups = blocks * block // 32

    def empty(*shape: int, dtype: torch.dtype = torch.int32) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=logits.device)

    out = empty(3, rows)
    maxima, sums = empty(rows, blocks, 2, dtype=torch.float32), empty(rows, blocks, 2, dtype=torch.int64)
    best = empty(rows, blocks)
    # Of rows with top_k: the largest logit of each group; the groups that may hold one of the k largest, as a list.
    group_tops = empty(rows if filtered else 1, groups if filtered else 1, dtype=torch.float32)
    listed = empty(rows if filtered else 1, groups + 2 if filtered else 1)
    masks = listed if masks is None else masks
    biases = maxima[0] if biases is None else biases

    read = (logits, masks, biases, table)
    strides = (logits.stride(0), masks.stride(0), biases.stride(0), vocab, masks.shape[1], blocks, groups)
    constants, parts = sizes(vocab, block), (maxima, sums, best, group_tops)
    launch(sample_blocks, (blocks, rows), *read, *parts, *strides, BLOCK=block, num_warps=WARPS["sample_blocks"])
    launch(sample_rows, (rows,), *read, *parts, listed, out, *strides, **constants, num_warps=WARPS["sample_rows"])
    if filtered:
        launch(
            sample_filtered,
            (rows,),
            *read,
            *parts,
            listed,
            out,
            *strides,
            **constants,
            num_warps=WARPS["sample_filtered"],
        )
    return out


def sizes(vocab: int, block: int) -> dict[str, int]:
    """The constants of the kernels, by the model alone."""
    blocks = triton.cdiv(vocab, block)
    return {
        "BLOCK": block,
        "BLOCKS": triton.next_power_of_2(blocks),
        "GROUPS": triton.next_power_of_2(blocks * block // 32),
        "STEP": min(_LISTED, block // 32),
    }


@triton.jit
def sample_blocks(
    logits, masks, biases, table, maxima, sums, best, group_tops,
    logits_row, masks_row, biases_row, vocab, words, blocks, groups, BLOCK: tl.constexpr,
):  # fmt: skip
    """One block of one row: of the plain logits and of the allowed ones the largest and the sum of weights, and the id of
    the largest allowed one, -1 where some logit is no number."""
    block, row = tl.program_id(0), tl.program_id(1)
    logits, masks, biases, mask, bias = _of_row(logits, masks, biases, table, row, logits_row, masks_row, biases_row)
    group = block * (BLOCK // 32) + tl.arange(0, BLOCK // 32)
    whole = (block + 1) * BLOCK <= vocab
    plain, x, id_ = _tile(logits, masks, biases, mask, bias, group, whole, vocab, words)
    broken = (plain.to(tl.int32, bitcast=True) & 0x7FFFFFFF) > 0x7F800000  # is no number
    plain = tl.where(broken, float("-inf"), plain)
    x = tl.where(broken, float("-inf"), x)
    group_top = tl.max(x, 1)
    top = tl.max(group_top, 0)
    at = tl.min(tl.where(x == top, id_, _NONE))
    part = row * blocks + block
    tl.store(maxima + 2 * part + 1, top)
    tl.store(best + part, tl.where(tl.sum(broken.to(tl.int32)) != 0, -1, at))
    scale = _number(table, row, _SCALE)
    if scale >= 0:
        tl.store(sums + 2 * part + 1, tl.sum(_weights(x, top, scale)))
    if (_field(table, row, _FLAGS) & 1) != 0:
        plain_top = tl.max(plain)
        tl.store(maxima + 2 * part, plain_top)
        tl.store(sums + 2 * part, tl.sum(_weights(plain, plain_top, _LOG2_E)))
    if _field(table, row, _TOP_K) > 0:
        tl.store(group_tops + row.to(tl.int64) * groups + group, group_top)


@triton.jit
def sample_rows(
    logits, masks, biases, table, maxima, sums, best, group_tops, listed, out,
    logits_row, masks_row, biases_row, vocab, words, blocks, groups,
    BLOCK: tl.constexpr, BLOCKS: tl.constexpr, GROUPS: tl.constexpr, STEP: tl.constexpr,
):  # fmt: skip
    """One row. Where it has filters, its id is the likeliest one as yet."""
    row, rows = tl.program_id(0), tl.num_programs(0)
    logits, masks, biases, mask, bias = _of_row(logits, masks, biases, table, row, logits_row, masks_row, biases_row)
    maxima, sums, best = maxima + 2 * row * blocks, sums + 2 * row * blocks, best + row * blocks
    scale = _number(table, row, _SCALE)
    tops, top, masses = _parts(maxima, sums, tl.abs(scale), blocks, BLOCKS)
    lane = tl.arange(0, BLOCKS)
    ids = tl.load(best + lane, mask=lane < blocks, other=_NONE)
    id_ = tl.min(tl.where(tops == top, ids, _NONE), 0)
    status = tl.where(
        tl.sum((ids < 0).to(tl.int32), 0) != 0, _NOT_A_NUMBER, tl.where(top == float("-inf"), _NOTHING_ALLOWED, _OK)
    )
    draws = (status == _OK) & (top != float("inf")) & (scale >= 0)
    flags = _field(table, row, _FLAGS)
    if draws & ((flags & 2) == 0):
        key = _field(table, row, _KEY)
        id_, _ = _pick(logits, masks, biases, mask, bias, maxima, masses, scale, _LOWEST, key, 0, vocab, words, BLOCK)
    count = _field(table, row, _TOP_K)
    if draws & (count > 0):
        _list_groups(
            group_tops + row.to(tl.int64) * groups, listed + row.to(tl.int64) * (groups + 2), count, groups, GROUPS
        )
    _write(out + row, rows, logits, maxima, sums, id_, status, flags, blocks, BLOCKS)


@triton.jit
def sample_filtered(
    logits, masks, biases, table, maxima, sums, best, group_tops, listed, out,
    logits_row, masks_row, biases_row, vocab, words, blocks, groups,
    BLOCK: tl.constexpr, BLOCKS: tl.constexpr, GROUPS: tl.constexpr, STEP: tl.constexpr,
):  # fmt: skip
    """One row with filters. Its candidates are the ids whose place in the order is above `bound`."""
    row, rows = tl.program_id(0), tl.num_programs(0)
    flags = _field(table, row, _FLAGS)
    if (flags & 2) == 0:
        return
    if tl.load(out + 2 * rows + row) != _OK:
        return
    logits, masks, biases, mask, bias = _of_row(logits, masks, biases, table, row, logits_row, masks_row, biases_row)
    maxima, sums = maxima + 2 * row * blocks, sums + 2 * row * blocks
    scale = _number(table, row, _SCALE)
    _, top, masses = _parts(maxima, sums, scale, blocks, BLOCKS)
    if top == float("inf"):
        return
    bound = tl.full([], _LOWEST, tl.int64)
    count = _field(table, row, _TOP_K)
    if (count > 0) & (count < vocab):
        listed = listed + row.to(tl.int64) * (groups + 2)
        bound = _last_place(logits, masks, biases, mask, bias, listed, top, count, vocab, words, STEP)
        masses = _masses(logits, masks, biases, mask, bias, maxima, scale, bound, vocab, words, blocks, BLOCK, BLOCKS)
    top_p = _field(table, row, _TOP_P)
    most = tl.maximum(_high(tl.maximum(top_p, 0) << 1, tl.sum(masses, 0)), 1)
    below = _number(table, row, _MIN_P)
    if below > float("-inf"):
        least = _place(top + below, _IDS - 1) - 1  # what is above has a logit of top + below at least
        if least > bound:
            bound = least
            masses = _masses(
                logits, masks, biases, mask, bias, maxima, scale, bound, vocab, words, blocks, BLOCK, BLOCKS
            )
    key = _field(table, row, _KEY)
    id_ = 0
    attempt = 0
    going = 1
    while going != 0:
        id_, place = _pick(
            logits, masks, biases, mask, bias, maxima, masses, scale, bound, key, attempt, vocab, words, BLOCK
        )
        going = 0
        if top_p >= 0:
            bound = place
            masses = _masses(
                logits, masks, biases, mask, bias, maxima, scale, bound, vocab, words, blocks, BLOCK, BLOCKS
            )
            going = (tl.sum(masses, 0) >= most).to(tl.int32)
            attempt += 2
    _write(out + row, rows, logits, maxima, sums, id_, _OK, flags, blocks, BLOCKS)


@triton.jit
def _of_row(logits, masks, biases, table, row, logits_row, masks_row, biases_row):
    """Where a row's logits, mask and bias begin, and their numbers, negative for none."""
    mask, bias = _field(table, row, _MASK), _field(table, row, _BIAS)
    return logits + row.to(tl.int64) * logits_row, masks + mask * masks_row, biases + bias * biases_row, mask, bias


@triton.jit
def _tile(logits, masks, biases, mask, bias, group, whole, vocab, words):
    """Groups of 32 ids: their plain logits, those that are allowed with the bias added, and the ids; each [groups, 32].

    group: numbers of groups, negative for none. whole: all are there, so that loads need no mask, which would make them narrow."""
    bit = tl.arange(0, 32)
    id_ = group[:, None] * 32 + bit[None, :]
    there = (group >= 0)[:, None] & (id_ < vocab)
    if whole:
        plain = tl.load(logits + id_).to(tl.float32)
    else:
        plain = tl.load(logits + id_, mask=there, other=float("-inf")).to(tl.float32)
    x = plain
    if bias >= 0:
        more = tl.load(biases + id_, mask=there, other=0.0)
        x = tl.where(more == float("-inf"), more, x + more)
    if mask >= 0:
        word = tl.load(masks + group, mask=(group >= 0) & (group < words), other=0)
        x = tl.where(((word[:, None] >> bit[None, :]) & 1) != 0, x, float("-inf"))
    return plain, x, id_


@triton.jit
def _parts(maxima, sums, scale, blocks, BLOCKS: tl.constexpr):
    """Of a row's blocks the largest allowed logits, the largest of these, and the blocks' masses."""
    lane = tl.arange(0, BLOCKS)
    tops = tl.load(maxima + 2 * lane + 1, mask=lane < blocks, other=float("-inf"))
    top = tl.max(tops, 0)
    weights = tl.load(sums + 2 * lane + 1, mask=lane < blocks, other=0)
    return tops, top, _high(weights << 2, _shares(tops, top, scale))


@triton.jit
def _pick(
    logits, masks, biases, mask, bias, maxima, masses, scale, bound, key, attempt, vocab, words, BLOCK: tl.constexpr,
):  # fmt: skip
    """Draws a block by its mass, and a candidate in it by its weight: (id, place in the order)."""
    target = _high(_random(key, attempt), tl.sum(masses, 0))
    block = tl.sum((tl.cumsum(masses, 0) <= target).to(tl.int32), 0)
    group = tl.arange(0, BLOCK // 32)
    whole = (block + 1) * BLOCK <= vocab
    _, x, id_ = _tile(logits, masks, biases, mask, bias, block * (BLOCK // 32) + group, whole, vocab, words)
    place = _place(x, id_)
    weights = tl.where(place > bound, _weights(x, tl.load(maxima + block * 2 + 1), scale), 0)
    of_groups = tl.sum(weights, 1)
    target = _high(_random(key, attempt + 1), tl.sum(of_groups, 0))
    passed = tl.cumsum(of_groups, 0) <= target
    target -= tl.sum(tl.where(passed, of_groups, 0), 0)
    number = tl.sum(passed.to(tl.int32), 0)
    within = tl.sum(tl.where(group[:, None] == number, weights, 0), 0)
    found = block * BLOCK + number * 32 + tl.sum((tl.cumsum(within, 0) <= target).to(tl.int32), 0)
    return found, tl.max(tl.where(id_ == found, place, _LOWEST))


@triton.jit
def _masses(
    logits, masks, biases, mask, bias, maxima, scale, bound, vocab, words, blocks, BLOCK: tl.constexpr, BLOCKS: tl.constexpr,
):  # fmt: skip
    """The masses of the blocks' candidates."""
    lane = tl.arange(0, BLOCKS)
    group = tl.arange(0, BLOCK // 32)
    weights = tl.full([BLOCKS], 0, tl.int64)
    for block in range(0, blocks):
        block_top = tl.load(maxima + 2 * block + 1)
        if _place(block_top, 0) > bound:  # else none of its ids is a candidate
            whole = (block + 1) * BLOCK <= vocab
            _, x, id_ = _tile(logits, masks, biases, mask, bias, block * (BLOCK // 32) + group, whole, vocab, words)
            own = tl.sum(tl.where(_place(x, id_) > bound, _weights(x, block_top, scale), 0))
            weights = tl.where(lane == block, own, weights)
    tops = tl.load(maxima + 2 * lane + 1, mask=lane < blocks, other=float("-inf"))
    return _high(weights << 2, _shares(tops, tl.max(tops, 0), scale))


@triton.jit
def _list_groups(group_tops, listed, count, groups, GROUPS: tl.constexpr):
    """Lists groups that hold the `count` largest logits: those whose own largest is among the `count` largest, or somewhat
    more. Before the list stand its length and the key of the least of these."""
    lane = tl.arange(0, GROUPS)
    keys = _key(tl.load(group_tops + lane, mask=lane < groups, other=float("-inf")))
    low = tl.full([], _IMPOSSIBLE + 1, tl.int64)
    high = tl.full([], _INFINITE + 1, tl.int64)
    found = tl.sum((keys >= low).to(tl.int32))
    while (found > count) & (high - low > 1):
        middle = low + (high - low) // 2
        above = tl.sum((keys >= middle).to(tl.int32))
        enough = above >= count
        low, high = tl.where(enough, middle, low), tl.where(enough, high, middle)
        found = tl.where(enough, above, found)
    there = keys >= low
    tl.store(listed, found)
    tl.store(listed + 1, low.to(tl.int32))
    tl.store(listed + 1 + tl.cumsum(there.to(tl.int32), 0), lane, mask=there)


@triton.jit
def _last_place(logits, masks, biases, mask, bias, listed, top, count, vocab, words, STEP: tl.constexpr):
    """The place above which the first `count` ids are, or all that are possible."""
    length = tl.load(listed)
    low = (tl.load(listed + 1).to(tl.int64) << ID_BITS) - 1
    high = _place(top, 0)
    middle = low
    found = count + 1
    first = _listed_places(logits, masks, biases, mask, bias, listed, length, 0, vocab, words, STEP)  # mostly all
    while (found > count) & (high - low > 1):
        above = tl.sum((first > middle).to(tl.int32))
        for at in range(STEP, length, STEP):
            more = _listed_places(logits, masks, biases, mask, bias, listed, length, at, vocab, words, STEP)
            above += tl.sum((more > middle).to(tl.int32))
        enough = above >= count
        found = tl.where(enough, above, tl.where(middle == low, count, found))  # at first: are so many possible?
        high = tl.where(enough, high, middle)
        low = tl.where(enough, middle, low)
        middle = low + (high - low) // 2
    return low


@triton.jit
def _listed_places(logits, masks, biases, mask, bias, listed, length, at, vocab, words, STEP: tl.constexpr):
    """Of the ids of `STEP` groups of the list, the places in the order; that of impossible ids where the list ends."""
    lane = at + tl.arange(0, STEP)
    group = tl.load(listed + 2 + lane, mask=lane < length, other=-1)
    _, x, id_ = _tile(logits, masks, biases, mask, bias, group, False, vocab, words)
    return _place(x, id_)


@triton.jit
def _write(out, rows, logits, maxima, sums, id_, status, flags, blocks, BLOCKS: tl.constexpr):
    """A row's id, its log probability where that is asked for, and what became of the row."""
    logprob = tl.full([], float("nan"), tl.float32)
    if (status == _OK) & ((flags & 1) != 0):
        lane = tl.arange(0, BLOCKS)
        tops = tl.load(maxima + 2 * lane, mask=lane < blocks, other=float("-inf"))
        top = tl.max(tops, 0)
        weights = tl.load(sums + 2 * lane, mask=lane < blocks, other=0)
        total = tl.sum(_high(weights << 2, _shares(tops, top, _LOG2_E)), 0)
        logprob = tl.load(logits + id_).to(tl.float32) - top - tl.log(total.to(tl.float32) * _UNIT)
    tl.store(out, id_)
    tl.store(out + rows, logprob.to(tl.int32, bitcast=True))
    tl.store(out + 2 * rows, status)


@triton.jit
def _weights(x, top, scale):
    """Whole numbers: 2**40 for a logit of `top`, which is the largest."""
    return (_power(x, top, scale) * _ONE).to(tl.int64)


@triton.jit
def _shares(tops, top, scale):
    """What the weights of blocks are multiplied by, in units of 2**-62."""
    return (_power(tops, top, scale) * _WHOLE).to(tl.int64)


@triton.jit
def _power(x, top, scale):
    finite = tl.where((top == float("-inf")) | (top == float("inf")), 0.0, top)
    return tl.exp2(tl.minimum(x - finite, 0.0) * scale)


@triton.jit
def _place(x, id_):
    """A number for each id of a row, in the order of ids: the larger, the earlier. Equal logits have their lowest ids first."""
    return (_key(x).to(tl.int64) << ID_BITS) + (_IDS - 1 - id_)


@triton.jit
def _key(x):
    """An int32 that compares as the float32 does."""
    bits = tl.where(x == 0.0, 0.0, x).to(tl.int32, bitcast=True)  # there are two zeros
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


@triton.jit
def _random(key, index):
    """Number `index` of splitmix64 from the state `key`."""
    x = key.to(tl.uint64) + (tl.full([], 1, tl.uint64) + index) * _GOLDEN
    x = (x ^ (x >> 30)) * _MIX_1
    x = (x ^ (x >> 27)) * _MIX_2
    return x ^ (x >> 31)


@triton.jit
def _high(a, b):
    """The upper 64 bits of the product of two numbers that are not negative; the product has less than 127."""
    return tl.umulhi(a.to(tl.uint64), b.to(tl.uint64)).to(tl.int64)


@triton.jit
def _field(table, row, COLUMN: tl.constexpr):
    return tl.load(table + row * 8 + COLUMN)


@triton.jit
def _number(table, row, COLUMN: tl.constexpr):
    return _field(table, row, COLUMN).to(tl.int32).to(tl.float32, bitcast=True)
