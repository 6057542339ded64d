"""The tokens of a vocabulary as a tree of bytes, in flat arrays: beginnings that tokens share are one node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """Node 0 is the root; nodes are numbered level by level, in each level by their bytes from the root.

    byte:    uint8 [nodes]; the byte that leads to a node.
    parent:  int32 [nodes]; the node before, 0 for the root.
    first:   int32 [nodes + 1]; the children of node n are first[n] .. first[n + 1] - 1.
    ids:     int32; the ids that constrained text may use, by the nodes of their bytes, ascending at each: those of node n are
    first_id: int32 [nodes + 1]; ids[first_id[n]] .. ids[first_id[n + 1] - 1].
    node:    int32, as long as ids; the node of each.
    single:  bool [256]; the bytes that are a token by themselves.
    size:    of the vocabulary; all ids are below.
    """

    byte: NDArray[np.uint8]
    parent: NDArray[np.int32]
    first: NDArray[np.int32]
    ids: NDArray[np.int32]
    first_id: NDArray[np.int32]
    node: NDArray[np.int32]
    single: NDArray[np.bool_]
    size: int


def trie_of(tokens: Iterable[bytes | None], ends: frozenset[int], size: int) -> Trie:
    """The trie of the ids below `size` that have bytes and are no end ids. It takes a moment for a large vocabulary."""
    texts = {index: text for index, text in enumerate(tokens) if text and index < size and index not in ends}
    words = sorted(set(texts.values()))
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    data = np.frombuffer(b"".join(words), dtype=np.uint8)
    node = np.zeros(len(words), dtype=np.int64)  # where each word is; sorted words of one node are neighbours
    letters_of, parents_of = [np.zeros(1, dtype=np.uint8)], [np.zeros(1, dtype=np.int64)]
    alive = np.arange(len(words))
    nodes, depth = 1, 0
    while len(alive):
        letters, parents = data[starts[alive] + depth], node[alive]
        new = np.ones(len(alive), dtype=np.bool_)
        new[1:] = (letters[1:] != letters[:-1]) | (parents[1:] != parents[:-1])
        node[alive] = nodes - 1 + np.cumsum(new)
        letters_of.append(letters[new])
        parents_of.append(parents[new])
        nodes += int(new.sum())
        depth += 1
        alive = alive[lengths[alive] > depth]
    parent = np.concatenate(parents_of)
    children = np.bincount(parent[1:], minlength=nodes)
    node_at = dict(zip(words, node.tolist(), strict=True))
    node_of = np.array([node_at[text] for text in texts.values()], dtype=np.int64)
    order = np.argsort(node_of, kind="stable")
    ids = np.array(list(texts), dtype=np.int32)[order]
    first_id = np.concatenate([[0], np.cumsum(np.bincount(node_of, minlength=nodes))]).astype(np.int32)
    single = np.zeros(256, dtype=np.bool_)
    single[[word[0] for word in words if len(word) == 1]] = True
    first = np.cumsum(np.concatenate([[1], children])).astype(np.int32)
    of_ids = node_of[order].astype(np.int32)
    return Trie(np.concatenate(letters_of), parent.astype(np.int32), first, ids, first_id, of_ids, single, size)
