"""What holds between any two steps of the engine."""

from __future__ import annotations

from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice, FakePending, cell, first_cell
from sglc.runtime.engine.radix import Node


def check(core: EngineCore, device: FakeDevice) -> None:
    """Raises AssertionError for a page, lock or cell that is not what it should be. Poisons free pages."""
    pool, running = core._pool, core._scheduler.running
    free = pool.free_pages()
    everything = free.copy()
    locks: dict[Node, int] = {}
    for sequence in running.values():
        handle = sequence.handle
        assert handle is not None
        everything += sequence.pages[handle.length :]
        assert handle.length <= sequence.computed <= len(sequence.pages) <= sequence.length
        known = min(sequence.computed, len(sequence.ids))
        assert not sequence.prefilling or handle.length == known, "computed, but not shared"
        node, length = handle.node, handle.length
        while node.parent is not None:
            locks[node] = locks.get(node, 0) + 1
            length -= len(node.ids)
            assert node.ids == sequence.ids[length : length + len(node.ids)], "locked another path"
            assert node.pages == sequence.pages[length : length + len(node.ids)], "pages in another order"
            node = node.parent
        assert length == 0, "the handle's length is not that of its path"
    check_tree(core, device, everything, locks)
    everything.sort()
    assert everything == list(range(pool.num_pages)), "free + tree + owned is not the pool"
    flight = core._flight
    if flight is not None:
        pending = flight.pending
        assert isinstance(pending, FakePending)
        in_use = set(everything).difference(free)
        assert all(in_use.issuperset(chunk.pages) for chunk in pending.batch.chunks), "freed while in flight"
        assert all(work.sequence.id in running for work in flight.work)
    for page in free:
        device.cells[page] = None


def check_tree(core: EngineCore, device: FakeDevice, everything: list[int], locks: dict[Node, int]) -> None:
    """Adds the tree's pages to `everything`."""
    tree, cells = core._tree, device.cells
    size = unlocked = 0
    stack = [(tree.root, child, first_cell) for child in tree.root.children.values()]
    while stack:
        parent, node, before = stack.pop()
        assert node.parent is parent
        assert node.locks == locks.get(node, 0), "locks are not those of the running requests"
        size += len(node.ids)
        if not node.locks:
            unlocked += len(node.ids)
        assert len(node.ids) == len(node.pages) > 0
        wanted = [before := cell(before, token) for token in node.ids]
        assert [cells[page] for page in node.pages] == wanted, "the tree holds KV that is not that of its ids"
        everything += node.pages
        for token, child in node.children.items():
            assert child.ids[0] == token
            stack.append((node, child, before))
    assert (size, unlocked) == (tree.size, tree.unlocked), "the tree's counters are wrong"
