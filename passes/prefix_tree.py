"""The radix tree of all prompts that go on from one state: equal prompts are one node, wherever their parts were cut."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass, field

from sglc.ir.errors import Location
from sglc.ir.ops import Append, Op, Part, Trusted


@dataclass(slots=True, eq=False)
class Node:
    """A prompt: its parent's with `part` at the end.

    Literals branch at any character, so every node with several children is where prompts part. `part` is None for the
    state that the tree is about.

    loc: the line of the first append that `part` comes from. needed: something needs this prompt as a state of its own.
    append: the first append that ends here. state: the op that is this prompt in the new graph, once it is emitted.
    """

    parent: Node | None = None
    part: Part | None = None
    loc: Location | None = None
    children: dict[Hashable, Node] = field(default_factory=dict["Hashable", "Node"])
    needed: bool = False
    append: Append | None = None
    state: Op | None = None

    def extended(self, part: Part, loc: Location | None) -> Node:
        """The node of this prompt with `part` at its end, made where it is new."""
        if not isinstance(part, str):
            return self.children.get(_key(part)) or self._grow(part, loc)
        node = self
        while part:
            child = node.children.get(part[0])
            if child is None:
                return node._grow(part, loc)
            assert isinstance(child.part, str)  # one character is the key of literals alone
            shared = _common(child.part, part)
            node = child if shared == len(child.part) else child.cut(shared)
            part = part[shared:]
        return node

    def cut(self, length: int) -> Node:
        """A new node in the middle of this literal, `length` characters after the parent."""
        assert isinstance(self.part, str)
        assert self.parent is not None
        middle = self.parent._grow(self.part[:length], self.loc)
        self.parent, self.part = middle, self.part[length:]
        middle.children[self.part[0]] = self
        return middle

    def _grow(self, part: Part, loc: Location | None) -> Node:
        node = self.children[_key(part)] = Node(self, part, loc)
        return node


def parting(node: Node) -> Node | None:
    """The state that prompts which part at `node` should share: the longest beginning of theirs that ends at a place
    where at least two of them can be cut. None where that is a needed state already, or the beginning of the tree."""
    branches = list(node.children.values())
    wanted = 2
    while not node.needed and node.part is not None:
        if sum(_can_leave(node, branch) for branch in branches) >= wanted:
            return node
        if isinstance(node.part, str):
            for length in range(len(node.part) - 1, 0, -1):
                if can_part(node.part[length - 1], node.part[length]):
                    return node.cut(length)
        assert node.parent is not None
        node, branches, wanted = node.parent, [node], 1  # further up they are still together
    return None


def _can_leave(node: Node, branch: Node) -> bool:
    if isinstance(node.part, str) and isinstance(branch.part, str):
        return can_part(node.part[-1], branch.part[0])
    return True


def can_part(before: str, after: str) -> bool:
    """Whether prompts may be cut between two characters: not within a word or a number, and not within what a reader
    sees as one character (marks, joined emoji, surrogate pairs, a line's end of two characters)."""
    if before + after == "\r\n" or before == "\u200d" or after == "\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return False
    if unicodedata.category(after)[0] == "M" or "\udc00" <= after <= "\udfff":
        return False
    return not (_in_word(before) and _in_word(after))


def _in_word(character: str) -> bool:
    # Letters without case (Lo) are those of Chinese, Japanese, Thai ...: no spaces part the words there.
    return (character.isalnum() or character == "_") and unicodedata.category(character) != "Lo"


def _common(a: str, b: str) -> int:
    """The number of characters that both begin with."""
    return bisect_left(range(min(len(a), len(b))), True, key=lambda i: a[: i + 1] != b[: i + 1])


def _key(part: Part) -> Hashable:
    """What tells a node's children apart: no two literals among them begin with the same character."""
    if isinstance(part, str):
        return part[0]
    return (part.text,) if isinstance(part, Trusted) else part
