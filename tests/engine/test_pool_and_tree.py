"""The pool and the radix tree alone: small cases, and a Hypothesis machine with a dict as its model."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sglc.runtime.engine.pool import PagePool
from sglc.runtime.engine.radix import Claim, Handle, Node, RadixTree, common_prefix

ids_of = st.lists(st.integers(0, 2), max_size=10)


def ints(values: object) -> array[int]:
    return array("i", values)  # type: ignore[arg-type]  # any iterable of ints


def test_pages_come_and_go() -> None:
    pool = PagePool(5)
    pages = pool.alloc(3)
    assert (list(pages), pool.free, pool.in_use, pool.peak) == ([0, 1, 2], 2, 3, 3)
    pool.release(pages[1:])
    assert (list(pool.alloc(0)), pool.free, pool.peak) == ([], 4, 3)
    assert sorted(pool.alloc(4)) == [1, 2, 3, 4]
    pool.release(pages[:1])
    pool.reset_peak()
    assert pool.peak == 4


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([0, 0], "page 0 is freed twice"),
        ([4], "page 4 is freed twice"),
        ([5], "page 5 is not of this pool of 5"),
        ([-1], "page -1 is not of this pool of 5"),
    ],
)
def test_freeing_what_is_not_taken_raises(pages: list[int], message: str) -> None:
    pool = PagePool(5)
    pool.alloc(2)
    with pytest.raises(ValueError, match=message):
        pool.release(ints(pages))


def test_taking_more_than_there_is_raises() -> None:
    with pytest.raises(RuntimeError, match="6 pages wanted, 5 of 5 are free"):
        PagePool(5).alloc(6)


@given(ids_of, ids_of, st.integers(0, 10))
def test_common_prefix_is_the_plain_one(a: list[int], b: list[int], start: int) -> None:
    length, start = 0, min(start, len(b))
    while length < len(a) and start + length < len(b) and a[length] == b[start + length]:
        length += 1
    assert common_prefix(ints(a), ints(b), start) == length


def test_a_handle_released_twice_raises() -> None:
    pool = PagePool(4)
    tree = RadixTree(pool)
    handle, _ = tree.match(ints([1, 2]), 2)
    tree.extend(handle, ints([1, 2]), pool.alloc(2))
    tree.release(handle)
    with pytest.raises(RuntimeError, match="released twice"):
        tree.release(handle)


def test_eviction_takes_the_end_of_the_oldest_leaf() -> None:
    pool = PagePool(9)
    tree = RadixTree(pool)
    for ids in ([1, 2, 3], [1, 2, 4, 4], [7, 7]):
        handle, pages = tree.match(ints(ids), len(ids))
        rest = ids[len(pages) :]
        tree.extend(handle, ints(rest), pool.alloc(len(rest)))
        tree.release(handle)
    assert tree.size == tree.unlocked == 7
    left = []
    for _ in range(8):
        tree.evict(1)
        left.append(sorted("".join(map(str, node.ids)) for node in tree.nodes()))
    # 3 is the oldest leaf, then 44; when both are gone 12 is a leaf, used as late as 44 was, and 77 is the youngest.
    assert left == [
        ["12", "44", "77"],
        ["12", "4", "77"],
        ["12", "77"],
        ["1", "77"],
        ["77"],
        ["7"],
        [],
        [],
    ]
    assert pool.free == 9


def filled(*paths: tuple[list[int], object]) -> tuple[PagePool, RadixTree]:
    """A tree that was given these ids by these readers, one after another."""
    pool = PagePool(100)
    tree = RadixTree(pool)
    for ids, reader in paths:
        handle, pages = tree.match(ints(ids), len(ids), reader)
        rest = ids[len(pages) :]
        tree.extend(handle, ints(rest), pool.alloc(len(rest)), reader)
        tree.release(handle)
    return pool, tree


def left(tree: RadixTree) -> list[list[int]]:
    """The paths of the leaves."""
    paths: list[list[int]] = []
    for node in tree.nodes():
        if not node.children:
            path: list[int] = []
            above = node
            while above.parent is not None:
                path[:0] = above.ids
                above = above.parent
            paths.append(path)
    return sorted(paths)


def order_of_eviction(tree: RadixTree) -> list[list[int]]:
    """The leaves, of two ids each, in the order in which they are gone."""
    order: list[list[int]] = []
    while before := left(tree):
        tree.evict(2)
        order += [path for path in before if path not in left(tree)]
    return order


def test_the_dead_go_first_then_what_nobody_claims_then_what_is_read_last() -> None:
    soon, late, dead, old, new = [1, 1], [2, 2], [3, 3], [4, 4], [5, 5]
    _, tree = filled((late, "run"), (soon, "run"), (old, None), (new, None), (dead, "run"))
    tree.claim(ints(soon), 2, (1,))
    tree.claim(ints(late), 2, (2,))
    assert order_of_eviction(tree) == [dead, old, new, late, soon]


def test_what_two_runs_have_read_does_not_die_with_one() -> None:
    alone, both, nobody = [1, 1], [2, 2], [3, 3]
    _, tree = filled((both, "one"), (nobody, None), (both, "other"), (alone, "one"))
    assert order_of_eviction(tree) == [alone, nobody, both]


def test_the_earliest_of_several_claims_counts_and_its_end_does_too() -> None:
    first, second = [1, 1], [2, 2]
    _, tree = filled((first, None), (second, None))
    tree.claim(ints(first), 2, (3,))
    sooner = tree.claim(ints(first), 2, (1,))
    tree.claim(ints(second), 2, (2,))
    tree.evict(1)
    assert left(tree) == [[1, 1], [2]]
    tree.give_up(sooner)
    tree.give_up(sooner)  # a second time is nothing
    handle, _ = tree.match(ints(first), 2)
    tree.release(handle)
    tree.evict(1)
    assert left(tree) == [[1], [2]]


def test_a_claim_goes_down_with_the_tree_and_up_with_what_is_evicted() -> None:
    pool, tree = filled(([1, 2], None))
    claim = tree.claim(ints([1, 2, 3, 4, 5, 6]), 5, (1,))
    tree.confirm(claim)
    assert (claim.depth, tree.loose) == (2, 0)
    handle, _ = tree.match(ints([1, 2]), 2)
    tree.extend(handle, ints([3, 4, 7]), pool.alloc(3))  # agrees with two ids more
    tree.release(handle)
    assert (claim.depth, tree.size, tree.unlocked, tree.loose) == (4, 5, 5, 1)
    tree.evict(1)
    assert (claim.depth, tree.loose) == (4, 0)
    tree.evict(1)
    assert (claim.depth, left(tree)) == (3, [[1, 2, 3]])
    handle, _ = tree.match(ints([1, 2, 3]), 3)
    tree.extend(handle, ints([4, 5, 6]), pool.alloc(3))
    tree.release(handle)
    assert (claim.depth, tree.loose) == (5, 1)  # it has all of its ids; what comes after is nobody's
    tree.evict(6)
    assert (claim.depth, tree.size, tree.loose) == (0, 0, 0)
    tree.give_up(claim)
    assert not tree.root.claims


class TreeMachine(RuleBasedStateMachine):
    """match, extend, release, evict in any order. The model: what is in the tree, as {prefix: page}."""

    @initialize(pages=st.integers(1, 24))
    def begin(self, pages: int) -> None:
        self.pool = PagePool(pages)
        self.tree = RadixTree(self.pool)
        self.model: dict[tuple[int, ...], int] = {}
        self.held: list[tuple[Handle, list[int]]] = []
        self.claims: list[Claim] = []

    @rule(ids=ids_of, length=st.integers(0, 10), when=st.integers(0, 3), firm=st.booleans())
    def claim(self, ids: list[int], length: int, when: int, firm: bool) -> None:
        claim = self.tree.claim(ints(ids), min(length, len(ids)), (when,))
        if firm:
            self.tree.confirm(claim)
        self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 9))
    def give_up(self, which: int) -> None:
        self.tree.give_up(self.claims.pop(which % len(self.claims)))

    @rule(ids=ids_of, limit=st.integers(0, 10))
    def match(self, ids: list[int], limit: int) -> None:
        limit = min(limit, len(ids))
        handle, pages = self.tree.match(ints(ids), limit)
        length = handle.length
        assert list(pages) == [self.model[tuple(ids[: n + 1])] for n in range(length)]
        assert length == limit or tuple(ids[: length + 1]) not in self.model
        self.held.append((handle, ids[:length]))

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 9), more=ids_of)
    def extend(self, which: int, more: list[int]) -> None:
        handle, ids = self.held[which % len(self.held)]
        self.tree.evict(len(more) - self.pool.free)
        self.forget()
        more = more[: self.pool.free]
        pages = self.pool.alloc(len(more))
        kept = self.tree.extend(handle, ints(more), pages)
        for page, used in zip(pages, kept, strict=True):
            ids.append(more.pop(0))
            assert used == self.model.setdefault(tuple(ids), page)
        assert handle.length == len(ids)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 9))
    def release(self, which: int) -> None:
        handle, _ = self.held.pop(which % len(self.held))
        self.tree.release(handle)

    @rule(count=st.integers(0, 12))
    def evict(self, count: int) -> None:
        unlocked, free = self.tree.unlocked, self.pool.free
        freed = self.tree.evict(count)
        assert freed == min(count, unlocked) == self.pool.free - free
        self.forget()

    def forget(self) -> None:
        """Takes out of the model what has left the tree: never a locked prefix, never the middle of a path."""
        present: set[tuple[int, ...]] = set()
        stack: list[tuple[tuple[int, ...], Node]] = [((), node) for node in self.tree.root.children.values()]
        while stack:
            before, node = stack.pop()
            path = (*before, *node.ids)
            present.update(path[:n] for n in range(len(before) + 1, len(path) + 1))
            stack.extend((path, child) for child in node.children.values())
        assert present <= self.model.keys()
        for _, ids in self.held:
            assert all(tuple(ids[:n]) in present for n in range(1, len(ids) + 1)), "a locked prefix was evicted"
        self.model = {prefix: page for prefix, page in self.model.items() if prefix in present}

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "tree"):
            return
        pages = [page for node in self.tree.nodes() for page in node.pages]
        assert sorted(pages) == sorted(self.model.values())
        assert sorted([*pages, *self.pool.free_pages()]) == list(range(self.pool.num_pages))
        locked = {tuple(ids[:n]) for _, ids in self.held for n in range(1, len(ids) + 1)}
        assert (self.tree.size, self.tree.size - self.tree.unlocked) == (len(self.model), len(locked))
        covered = locked.copy()
        for claim in self.claims:
            wanted = [tuple(claim.ids[:n]) for n in range(1, claim.length + 1)]
            there = [prefix for prefix in wanted if prefix in self.model]
            assert claim.depth == len(there), "a claim rests where the tree leaves its ids"
            covered.update(there if claim.firm else ())
        assert self.tree.loose == len(self.model) - len(covered)
        assert {claim for node in self.nodes() for claims in node.claims.values() for claim in claims} == {*self.claims}
        for node in self.nodes():
            if self.tree._evictable(node):
                assert any(entry[2] is node and entry[0] is node.rank for entry in self.tree._leaves), "never evicted"

    def nodes(self) -> list[Node]:
        return [self.tree.root, *self.tree.nodes()]


TestTreeMachine = TreeMachine.TestCase
TestTreeMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
