"""The branches of a request as a tree of tokens, in which a beginning that several share stands once.

A token's log probability comes from the row before it. So a *row* of the tree is a token that another one follows; the
last token of a branch needs none. Rows are numbered as they come, a parent before its children: wherever they are cut
into batches, what a row reads has been computed before or in the same batch. Row -1 is the last of the prompt.

    branches  a b c     rows  0 a      asked  after -1: a, e      runs  0 1
              a b d e         1 a b           after  0: b               2 behind 0 1
              e               2 a b d         after  1: c, d
                                              after  2: e
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Run(NamedTuple):
    """Rows first .. end - 1, each the child of the one before. path: the rows above them, from the top."""

    path: tuple[int, ...]
    first: int
    end: int


class Branches:
    """ids: the token of each row. longest: tokens of the longest branch."""

    def __init__(self, branches: Sequence[Sequence[int]]) -> None:
        tokens, parents, ends = _tree(branches)
        inner = sorted(set(parents) - {-1})
        row_of = {-1: -1} | {node: row for row, node in enumerate(inner)}
        self.ids = array("i", [tokens[node] for node in inner])
        self.longest = max(map(len, branches), default=0)
        self._runs = list(_runs([row_of[parents[node]] for node in inner]))
        order = sorted(range(len(tokens)), key=lambda node: row_of[parents[node]])
        self._asked = [(row_of[parents[node]], tokens[node]) for node in order]
        place_of = {node: place for place, node in enumerate(order)}
        self._places = [[place_of[node] for node in _path(parents, end)] for end in ends]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.ids)

    def runs(self, start: int, end: int) -> Iterator[Run]:
        """The rows start .. end - 1 in as few runs as they make."""
        for path, first, last in self._runs:
            low, high = max(first, start), min(last, end)
            if low < high:
                yield Run((*path, *range(first, low)), low, high)

    def asked(self, start: int, end: int) -> list[tuple[int, int]]:
        """(row, id) pairs to score after the rows start .. end - 1, in the order of the rows."""
        return self._asked[self.asked_before(start) : self.asked_before(end)]

    def asked_before(self, row: int) -> int:
        """How many ids are scored after the rows before this one."""
        return bisect_left(self._asked, (row,))

    def of_branches(self, values: Sequence[T]) -> tuple[tuple[T, ...], ...]:
        """One value for each id asked, in that order -> one for each token of each branch."""
        return tuple(tuple(values[place] for place in places) for places in self._places)


def _tree(branches: Sequence[Sequence[int]]) -> tuple[list[int], list[int], list[int]]:
    """Token and parent of each node, and the node at which each branch ends; -1 is the root."""
    tokens: list[int] = []
    parents: list[int] = []
    known: dict[tuple[int, int], int] = {}
    ends: list[int] = []
    for branch in branches:
        node = -1
        for token in branch:
            child = known.setdefault((node, token), len(tokens))
            if child == len(tokens):
                tokens.append(token)
                parents.append(node)
            node = child
        ends.append(node)
    return tokens, parents, ends


def _runs(parents: Sequence[int]) -> Iterator[Run]:
    """The rows of a tree, cut where one is not the child of the one before."""
    first = 0
    for end in range(1, len(parents) + 1):
        if end == len(parents) or parents[end] != end - 1:
            yield Run(tuple(_path(parents, parents[first])), first, end)
            first = end


def _path(parents: Sequence[int], node: int) -> list[int]:
    """The nodes on the way from the top to a node."""
    path: list[int] = []
    while node >= 0:
        path.append(node)
        node = parents[node]
    return path[::-1]


NONE = Branches(())
"""Of a request without branches."""
