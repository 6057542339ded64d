"""The radix tree: token ids -> the pages that hold their KV. It owns every page in it.

Edges are compressed: a node holds a run of ids and their pages. Nodes on the path of a handle are locked and are never
evicted; `match` answers with a locked handle, so that nothing can happen between look-up and use. Only KV that has been
computed may be put in (`extend`).

A *claim* says that a path will be read again, and when. It holds no page: it rests at the deepest node that agrees with
its ids, goes down when the tree grows along them, and up when they are evicted. A *firm* claim is one of a run that has
begun: what it covers counts as taken when others are admitted.

Eviction takes leaves page by page from their end: first those that nobody claims and only one run has read, which are
dead; then, of those that nobody claims, the least recently used; then those claimed whose next reader comes last. The
order is a heap with stale entries, told by their rank: a node is pushed when it becomes an unlocked leaf and when its
rank changes, so eviction costs O(log n) a leaf.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from sglc.runtime.engine.pool import PagePool

END = -1
"""In the place of the id that a claim goes on with: it has all of its ids."""


class Node:
    """A run of ids below `parent`, which holds it under the first of them. `locks` counts the handles at or below, `firm`
    the firm claims. reader: who alone has read it; None: several, or it is not known. claims: those that rest here, by
    the id that they go on with. rank: that of its valid entry in the heap."""

    __slots__ = ("children", "claims", "firm", "ids", "locks", "pages", "parent", "rank", "reader", "used")

    def __init__(
        self, ids: array[int], pages: array[int], parent: Node | None, locks: int, used: int, reader: Hashable = None
    ) -> None:
        self.ids = ids
        self.pages = pages
        self.parent = parent
        self.locks = locks
        self.firm = 0
        self.used = used  # the clock when a handle at or below was last released
        self.reader = reader
        self.children: dict[int, Node] = {}
        self.claims: dict[int, dict[Claim, None]] = {}
        self.rank: Any = None

    @property
    def loose(self) -> bool:
        """It can be evicted, and no run that has begun will miss it."""
        return not self.locks and not self.firm


@dataclass(slots=True, eq=False)
class Handle:
    """A locked path from the root: `length` ids, the last of them at the end of `node`."""

    node: Node
    length: int


class Claim:
    """`ids[:length]` will be read again. when: smaller is sooner. node: where it rests, at the end of `ids[:depth]`;
    None once it is given up."""

    __slots__ = ("depth", "firm", "ids", "length", "node", "when")

    def __init__(self, ids: array[int], length: int, when: tuple[Any, ...], node: Node) -> None:
        self.ids = ids
        self.length = length
        self.when = when
        self.firm = False
        self.node: Node | None = node
        self.depth = 0

    @property
    def next_id(self) -> int:
        return self.ids[self.depth] if self.depth < self.length else END


class Later:
    """Orders times backwards."""

    __slots__ = ("when",)

    def __init__(self, when: tuple[Any, ...]) -> None:
        self.when = when

    def __lt__(self, other: Later) -> bool:
        return other.when < self.when


def common_prefix(a: array[int], b: array[int], start: int = 0) -> int:
    """Length of the common beginning of `a` and `b[start:]`: bisection over equality of slices."""
    size = min(len(a), len(b) - start)
    if a[:size] == b[start : start + size]:
        return size
    low, high = 0, size  # a[:low] is equal, a[:high] is not
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[start + low : start + middle]:
            low = middle
        else:
            high = middle
    return low


class RadixTree:
    """size: tokens in the tree. unlocked: those of them that eviction can free. loose: those of these that no firm claim
    covers."""

    def __init__(self, pool: PagePool) -> None:
        self.size = 0
        self.unlocked = 0
        self.loose = 0
        self.root = Node(array("i"), array("i"), None, 0, 0)
        self._pool = pool
        self._clock = 0
        self._pushes = 0  # breaks ties in the heap
        self._nodes = 0
        self._leaves: list[tuple[tuple[Any, ...], int, Node]] = []

    def match(self, ids: array[int], limit: int, reader: Hashable = None) -> tuple[Handle, array[int]]:
        """Locks the longest known beginning of `ids[:limit]`. Answers the handle and the pages of its ids.

        reader: the run that reads it, which says by claims what it will read again."""
        node, length, pages = self.root, 0, array("i")
        wanted = ids[:limit]
        while length < len(wanted) and (child := node.children.get(wanted[length])) is not None:
            node = self._cut(child, common_prefix(child.ids, wanted, length))
            self._lock(node)
            if node.reader is not reader:
                node.reader = None
            pages += node.pages
            length += len(node.ids)
        return Handle(node, length), pages

    def extend(self, handle: Handle, ids: array[int], pages: array[int], reader: Hashable = None) -> array[int]:
        """Puts ids after the end of the handle, whose KV has been written to `pages`, and moves the handle to their end.

        The tree owns the pages from now on. Where it knew a beginning of the ids already, those pages go back to the
        pool. Answers the tree's own pages of the ids, to be used instead.
        """
        node, length, kept = handle.node, 0, array("i")
        coming: dict[Claim, None] = {}
        while length < len(ids):
            child = node.children.get(ids[length])
            if child is None:
                child = Node(ids[length:], pages[length:], node, 1, self._clock, reader)
                node.children[ids[length]] = child
                self._nodes += 1
                self.size += len(child.ids)
                coming = node.claims.pop(ids[length], coming)
            else:
                child = self._cut(child, common_prefix(child.ids, ids, length))
                self._lock(child)
                if child.reader is not reader:
                    child.reader = None
                self._pool.release(pages[length : length + len(child.ids)])
            kept += child.pages
            length += len(child.ids)
            node = child
        handle.node = node
        handle.length += length
        for claim in coming:
            self._descend(claim)
        return kept

    def release(self, handle: Handle) -> None:
        """Unlocks the path of a handle, which is void from now on."""
        self._clock += 1
        leaf = node = handle.node
        while node.parent is not None:
            if node.locks <= 0:
                raise RuntimeError("a handle was released twice")
            node.locks -= 1
            node.used = self._clock
            if node.locks == 0:
                self.unlocked += len(node.ids)
                self.loose += 0 if node.firm else len(node.ids)
            node = node.parent
        self._push(leaf)

    def claim(self, ids: array[int], length: int, when: tuple[Any, ...]) -> Claim:
        """Says that `ids[:length]` will be read again, to be given up with `give_up`. The ids must not change."""
        claim = Claim(ids, length, when, self.root)
        self._descend(claim)
        return claim

    def confirm(self, claim: Claim) -> None:
        """Makes a claim firm."""
        if not claim.firm and claim.node is not None:
            claim.firm = True
            self._count_firm(claim.node, 1)

    def give_up(self, claim: Claim) -> None:
        """The end of a claim; one that has ended already is left alone."""
        node = claim.node
        if node is None:
            return
        claim.node = None
        del node.claims[claim.next_id][claim]
        if not node.claims[claim.next_id]:
            del node.claims[claim.next_id]
        if claim.firm:
            self._count_firm(node, -1)
        # Where others are left, the rank stays: it is too soon at worst, and looking for the next costs a look at all.
        if not node.claims:
            self._push(node)

    def evict(self, count: int) -> int:
        """Frees up to `count` pages. Answers how many."""
        freed = 0
        while freed < count and self._leaves:
            rank, _, node = self._leaves[0]
            if rank is not node.rank or not self._evictable(node):
                heapq.heappop(self._leaves)
                continue
            taken = min(count - freed, len(node.ids))
            self._pool.release(node.pages[-taken:])
            freed += taken
            self.loose -= 0 if node.firm else taken
            if taken < len(node.ids):
                self._raise(node, node, taken)
                del node.ids[-taken:], node.pages[-taken:]
            else:
                heapq.heappop(self._leaves)
                self._remove(node)
        self.size -= freed
        self.unlocked -= freed
        return freed

    def nodes(self) -> Iterator[Node]:
        """Every node but the root, for checks."""
        stack = list(self.root.children.values())
        while stack:
            node = stack.pop()
            stack.extend(node.children.values())
            yield node

    def _cut(self, node: Node, length: int) -> Node:
        """The node that ends after `length` ids of `node`: itself, or a new one above it."""
        if length == len(node.ids):
            return node
        # The new node is the upper one: handles to `node` stay at the end of their ids, and all of them pass the upper.
        assert node.parent is not None
        upper = Node(node.ids[:length], node.pages[:length], node.parent, node.locks, node.used, node.reader)
        upper.firm = node.firm
        node.parent.children[node.ids[0]] = upper
        node.ids, node.pages, node.parent = node.ids[length:], node.pages[length:], upper
        upper.children[node.ids[0]] = node
        self._nodes += 1
        return upper

    def _lock(self, node: Node) -> None:
        """One more handle at or below this node; the caller walks the path."""
        if node.locks == 0:
            self.unlocked -= len(node.ids)
            self.loose -= 0 if node.firm else len(node.ids)
        node.locks += 1

    def _descend(self, claim: Claim) -> None:
        """Moves a claim, which is at no node's list now, down to where the tree leaves its ids."""
        above = node = claim.node
        assert node is not None
        while claim.depth < claim.length and (child := node.children.get(claim.ids[claim.depth])) is not None:
            shared = common_prefix(child.ids, claim.ids, claim.depth)
            node = self._cut(child, min(shared, claim.length - claim.depth))
            claim.depth += len(node.ids)
        claim.node = node
        node.claims.setdefault(claim.next_id, {})[claim] = None
        if claim.firm:
            self._count_firm(node, 1, above)
        if not self._evictable(node):
            return
        first = node.rank[1].when if node.rank[0] == 2 else None
        if first is None or claim.when < first:
            self._push(node)

    def _raise(self, node: Node, above: Node, count: int) -> None:
        """Moves the claims of a node, of whose ids the last `count` are to be evicted, to the node where they end then."""
        if not node.claims:
            return
        raised = [claim for bucket in node.claims.values() for claim in bucket]
        node.claims = {}
        for claim in raised:
            claim.depth -= count
            claim.node = above
        above.claims.setdefault(raised[0].next_id, {}).update(dict.fromkeys(raised))

    def _count_firm(self, node: Node, change: int, above: Node | None = None) -> None:
        """One firm claim more or less at or below the nodes from this one up to `above`, that one left out."""
        while node is not above and node.parent is not None:
            was = node.loose
            node.firm += change
            if node.loose is not was:
                self.loose += -len(node.ids) if was else len(node.ids)
            node = node.parent

    def _evictable(self, node: Node) -> bool:
        return node.locks == 0 and not node.children and node.parent is not None

    def _rank(self, node: Node) -> tuple[Any, ...]:
        """Its place in the order of eviction."""
        if node.claims:
            return 2, Later(min(claim.when for bucket in node.claims.values() for claim in bucket))
        return 0 if node.reader is not None else 1, node.used

    def _push(self, node: Node) -> None:
        if not self._evictable(node):
            return
        if len(self._leaves) > 2 * self._nodes + 64:
            self._leaves = [entry for entry in self._leaves if entry[0] is entry[2].rank and self._evictable(entry[2])]
            heapq.heapify(self._leaves)
        self._pushes += 1
        node.rank = self._rank(node)
        heapq.heappush(self._leaves, (node.rank, self._pushes, node))

    def _remove(self, node: Node) -> None:
        parent = node.parent
        assert parent is not None
        self._raise(node, parent, len(node.ids))
        del parent.children[node.ids[0]]
        node.parent = None
        self._nodes -= 1
        self._push(parent)
