"""The radix tree: token ids -> the pages that hold their KV. It owns every page in it.

Edges are compressed: a node holds a run of ids and their pages. Nodes on the path of a handle are locked and are never
evicted; `match` answers with a locked handle, so that nothing can happen between look-up and use. Only KV that has been
computed may be put in (`extend`).

Eviction takes the leaf that was used least recently, page by page from its end. The order is a heap with stale entries,
told by their stamp: a node is pushed when it becomes an unlocked leaf, so eviction costs O(log n) a leaf.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from sglc.runtime.engine.pool import PagePool


class Node:
    """A run of ids below `parent`, which holds it under the first of them. `locks` counts the handles at or below."""

    __slots__ = ("children", "ids", "locks", "pages", "parent", "used")

    def __init__(self, ids: array[int], pages: array[int], parent: Node | None, locks: int, used: int) -> None:
        self.ids = ids
        self.pages = pages
        self.parent = parent
        self.locks = locks
        self.used = used  # the clock when a handle at or below was last released
        self.children: dict[int, Node] = {}


@dataclass(slots=True, eq=False)
class Handle:
    """A locked path from the root: `length` ids, the last of them at the end of `node`."""

    node: Node
    length: int


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
    """size: tokens in the tree. unlocked: those of them that eviction can free."""

    def __init__(self, pool: PagePool) -> None:
        self.size = 0
        self.unlocked = 0
        self.root = Node(array("i"), array("i"), None, 0, 0)
        self._pool = pool
        self._clock = 0
        self._pushes = 0  # breaks ties in the heap
        self._nodes = 0
        self._leaves: list[tuple[int, int, Node]] = []

    def match(self, ids: array[int], limit: int) -> tuple[Handle, array[int]]:
        """Locks the longest known beginning of `ids[:limit]`. Answers the handle and the pages of its ids."""
        node, length, pages = self.root, 0, array("i")
        wanted = ids[:limit]
        while length < len(wanted) and (child := node.children.get(wanted[length])) is not None:
            node = self._cut(child, common_prefix(child.ids, wanted, length))
            self._lock(node)
            pages += node.pages
            length += len(node.ids)
        return Handle(node, length), pages

    def extend(self, handle: Handle, ids: array[int], pages: array[int]) -> array[int]:
        """Puts ids after the end of the handle, whose KV has been written to `pages`, and moves the handle to their end.

        The tree owns the pages from now on. Where it knew a beginning of the ids already, those pages go back to the
        pool. Answers the tree's own pages of the ids, to be used instead.
        """
        node, length, kept = handle.node, 0, array("i")
        while length < len(ids):
            child = node.children.get(ids[length])
            if child is None:
                child = Node(ids[length:], pages[length:], node, 1, self._clock)
                node.children[ids[length]] = child
                self._nodes += 1
                self.size += len(child.ids)
            else:
                child = self._cut(child, common_prefix(child.ids, ids, length))
                self._lock(child)
                self._pool.release(pages[length : length + len(child.ids)])
            kept += child.pages
            length += len(child.ids)
            node = child
        handle.node = node
        handle.length += length
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
            node = node.parent
        self._push(leaf)

    def evict(self, count: int) -> int:
        """Frees up to `count` pages, least recently used leaves first. Answers how many."""
        freed = 0
        while freed < count and self._leaves:
            stamp, _, node = self._leaves[0]
            if stamp != node.used or not self._evictable(node):
                heapq.heappop(self._leaves)
                continue
            taken = min(count - freed, len(node.ids))
            self._pool.release(node.pages[-taken:])
            freed += taken
            if taken < len(node.ids):
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
        upper = Node(node.ids[:length], node.pages[:length], node.parent, node.locks, node.used)
        node.parent.children[node.ids[0]] = upper
        node.ids, node.pages, node.parent = node.ids[length:], node.pages[length:], upper
        upper.children[node.ids[0]] = node
        self._nodes += 1
        return upper

    def _lock(self, node: Node) -> None:
        """One more handle at or below this node; the caller walks the path."""
        if node.locks == 0:
            self.unlocked -= len(node.ids)
        node.locks += 1

    def _evictable(self, node: Node) -> bool:
        return node.locks == 0 and not node.children and node.parent is not None

    def _push(self, node: Node) -> None:
        if not self._evictable(node):
            return
        if len(self._leaves) > 2 * self._nodes + 64:
            self._leaves = [entry for entry in self._leaves if entry[0] == entry[2].used and self._evictable(entry[2])]
            heapq.heapify(self._leaves)
        self._pushes += 1
        heapq.heappush(self._leaves, (node.used, self._pushes, node))

    def _remove(self, node: Node) -> None:
        parent = node.parent
        assert parent is not None
        del parent.children[node.ids[0]]
        node.parent = None
        self._nodes -= 1
        self._push(parent)
