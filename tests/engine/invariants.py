"""What holds between any two steps of the engine."""

from __future__ import annotations

from collections import Counter

from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice, FakePending, cell, first_cell
from sglc.runtime.engine.radix import Node

HELD = -1
"""The last part of the time of a claim that a run holds; requests have their id there."""


def check(core: EngineCore, device: FakeDevice) -> None:
    """Raises AssertionError for a page, lock, claim or cell that is not what it should be. Poisons free pages."""
    pool, running = core._pool, core._scheduler.running
    free = pool.free_pages()
    everything = free.copy()
    locks: dict[Node, int] = {}
    flights = Counter(work.sequence.id for flight in core._flights for work in flight.work)
    for sequence in running.values():
        handle = sequence.handle
        assert handle is not None
        everything += sequence.pages[handle.length :]
        drawn = flights[sequence.id] > 1  # its next id has a place before it is known
        assert handle.length <= sequence.computed <= sequence.submitted <= len(sequence.pages)
        assert len(sequence.pages) <= sequence.length + drawn
        assert (sequence.computed < sequence.submitted) == (flights[sequence.id] > 0)
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
        assert sequence.claim is None, "what runs claims nothing"
    check_tree(core, device, everything, locks)
    everything.sort()
    assert everything == list(range(pool.num_pages)), "free + tree + owned is not the pool"
    assert len(core._flights) <= 1 + device.runs_ahead
    on_its_way: set[int] = set()  # to be read before who gets them may write there
    for flight in core._flights:
        assert isinstance(flight.pending, FakePending)
        on_its_way.update(page for chunk in flight.pending.batch.chunks for page in chunk.pages)
    for page in free:
        if page not in on_its_way:
            device.cells[page] = None


def check_tree(core: EngineCore, device: FakeDevice, everything: list[int], locks: dict[Node, int]) -> None:
    """Adds the tree's pages to `everything`."""
    tree, cells = core._tree, device.cells
    size = unlocked = loose = 0
    firm = firm_claims(core)
    stack = [(tree.root, child, first_cell) for child in tree.root.children.values()]
    while stack:
        parent, node, before = stack.pop()
        assert node.parent is parent
        assert node.locks == locks.get(node, 0), "locks are not those of the running requests"
        size += len(node.ids)
        assert node.firm == firm.get(node, 0), "firm claims are not counted right"
        if not node.locks:
            unlocked += len(node.ids)
            loose += 0 if node.firm else len(node.ids)
        assert len(node.ids) == len(node.pages) > 0
        wanted = [before := cell(before, token) for token in node.ids]
        assert [cells[page] for page in node.pages] == wanted, "the tree holds KV that is not that of its ids"
        everything += node.pages
        for token, child in node.children.items():
            assert child.ids[0] == token
            stack.append((node, child, before))
    assert (size, unlocked, loose) == (tree.size, tree.unlocked, tree.loose), "the tree's counters are wrong"


def firm_claims(core: EngineCore) -> dict[Node, int]:
    """How many firm claims there are at or below each node. Raises AssertionError for a claim that does not rest where
    the tree leaves its ids, for one of a request that does not wait, and for a request that waits without one."""
    tree, live = core._tree, core._live.values()
    waiting = {sequence.claim for sequence in live if sequence.id not in core._scheduler.running}
    assert None not in waiting, "what waits claims its prompt"
    for sequence in live:
        if sequence.claim is not None and (sequence.family is None or not sequence.family.begun):
            assert not sequence.claim.firm, "a claim of a run that has not begun keeps others out"
    firm: dict[Node, int] = {}
    for node in (tree.root, *tree.nodes()):
        for following, claims in node.claims.items():
            assert claims, "an empty list of claims is left"
            assert following not in node.children, "a claim has not gone down"
            for claim in claims:
                assert claim.node is node
                assert claim.next_id == following
                assert (claim.when[-1] == HELD) != (claim in waiting), "a claim of nobody"
                waiting.discard(claim)
                above, length = node, claim.depth
                while above.parent is not None:
                    firm[above] = firm.get(above, 0) + claim.firm
                    length -= len(above.ids)
                    assert above.ids == claim.ids[length : length + len(above.ids)], "a claim of another path"
                    above = above.parent
                assert length == 0, "the depth of a claim is not that of its path"
    assert not waiting, "a claim is not in the tree"
    return firm
