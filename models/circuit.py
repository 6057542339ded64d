"""A network that copies before it has learnt anything.

Copying takes two layers that are of no use without each other (Elhage et al. 2021; Olsson et al. 2022): heads that write
at each place what stood before it, and heads that look for a place with the same before it and say what stands there. From
random weights that is a long plateau: here nothing was copied after 5 million tokens, a third of a whole training. So these
heads begin as what they are to become, in random directions, and training goes on from there; that a network learns to
recall far sooner from such a beginning is known (Trockman and Kolter 2023, "mimetic initialisation").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from models.network import Attention, Network, Shape

EMBEDDING = 0.08
"""The standard deviation of the vocabulary's embedding, whose rows are long enough to be told apart from the first step on."""
SHARED = 0.5
"""How large, beside that, a part is that all rows have in common: what heads can see in every token."""
SHARPNESS = 3.0
"""How much more a head that looks back sees in the token before than in its own, in the exponent."""
MATCH = 6.0
"""The same, about, for a token that was before, per direction of a head that matches."""
SAID = 4.0
"""How loud a head says what it has found, beside the embedding."""


@torch.no_grad()
def begin_with_copying(network: Network) -> None:
    """Sets the embedding, and heads of the first two layers; the other weights stay. Takes heads that are not grouped."""
    shape = network.shape
    if shape.layers < 2 or shape.heads != shape.kv_heads:
        raise ValueError("copying takes two layers, and a KV head for each head")
    here = torch.linalg.qr(torch.randn(shape.hidden, shape.hidden)).Q.T  # rows: directions of a token, the first of all
    before = torch.linalg.qr(torch.randn(shape.hidden, shape.hidden)).Q.T  # and of the one before it
    rows = network.model.embed_tokens.weight.normal_(std=EMBEDDING)
    rows -= torch.outer(rows @ here[0], here[0])
    rows += SHARED * EMBEDDING * shape.hidden**0.5 * here[0]
    earlier = torch.linalg.qr(torch.randn(shape.hidden, shape.hidden)).Q.T  # and of the one before that
    first, second = (cast("Attention", layer.self_attn) for layer in list(network.model.layers)[:2])
    heads, size = shape.heads // 2, shape.head_dim
    for head in range(heads):
        _look_back(first, head, shape, here[0], here[_directions(head, size)], before[_directions(head, size)])
    one = _directions(0, size)
    _look_back(first, heads, shape, here[0], here[one], earlier[one], places=2)
    seen = slice(1, 1 + heads * size)
    for head in range(shape.heads - 2):
        _match(second, head, shape, [(here[seen], before[seen])])
    _match(second, shape.heads - 2, shape, [(here[one], before[one]), (before[one], earlier[one])])


def _directions(head: int, size: int) -> slice:
    """Those that a head of the first layer copies; the first of all is what tokens have in common."""
    return slice(1 + size * head, 1 + size * (head + 1))


def _part(weight: Tensor, head: int, size: int) -> Tensor:
    return weight[size * head : size * (head + 1)]


def _look_back(
    attention: Attention, head: int, shape: Shape, common: Tensor, read: Tensor, written: Tensor, places: int = 1
) -> None:
    """Sees the token so many places before: queries and keys are the same for all tokens, and as far apart in their rotations.
    common: the direction of all tokens. read, written: (head_dim, hidden), directions of the token and of the copy."""
    size, half = shape.head_dim, shape.head_dim // 2
    angles = shape.rope_theta ** (-torch.arange(0, half // 2) / half)[: max(1, 3 * half // 8)]  # the fast ones
    length = (SHARPNESS * size**0.5 / (1 - angles.cos()).sum()).sqrt()
    phases = 2 * math.pi * torch.rand(len(angles))
    seen = (SHARED / (1 + SHARED**2) ** 0.5) * shape.hidden**0.5  # what is in common, in a normed row
    turns = ((attention.q_proj.weight, phases - places * angles), (attention.k_proj.weight, phases))
    for weight, turned in turns:
        vector = torch.zeros(size)
        vector[: len(angles)], vector[half : half + len(angles)] = length * turned.cos(), length * turned.sin()
        _part(weight, head, size).copy_(torch.outer(vector, common) / seen)
    _part(attention.v_proj.weight, head, size).copy_(read)
    attention.o_proj.weight[:, size * head : size * (head + 1)] = EMBEDDING * written.T


def _match(attention: Attention, head: int, shape: Shape, pairs: list[tuple[Tensor, Tensor]]) -> None:
    """Compares a token with those before others, in the slow rotations, which distance changes little; says what it sees.
    pairs: directions (any, hidden) of queries and keys; several share the rotations, and all of them are to agree."""
    size, half = shape.head_dim, shape.head_dim // 2
    slow = [*range(half // 2, half), *range(half + half // 2, size)]
    for weight in (attention.q_proj.weight, attention.k_proj.weight):
        _part(weight, head, size).zero_()
    for number, (asked, found) in enumerate(pairs):
        rows = slow[number :: len(pairs)]
        chosen = (torch.arange(len(rows)) + len(slow) * head) % len(asked)
        _part(attention.q_proj.weight, head, size)[rows] = MATCH**0.5 * asked[chosen]
        _part(attention.k_proj.weight, head, size)[rows] = MATCH**0.5 * found[chosen]
    says = torch.linalg.qr(torch.randn(shape.hidden, size)).Q.T
    _part(attention.v_proj.weight, head, size).copy_(says)
    attention.o_proj.weight[:, size * head : size * (head + 1)] = SAID * EMBEDDING * says.T
