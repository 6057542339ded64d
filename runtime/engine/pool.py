"""The KV pool: pages of one token each, and which of them are free.

A page is owned by exactly one of: the free list, the radix tree, one running request. The pool knows only the first;
who gives a page back that is free already, or was never its own, has a bug, and the pool raises.
"""

from __future__ import annotations

from array import array


class PagePool:
    """Pages 0 .. num_pages - 1. `peak` is the largest number in use since the start or the last `reset_peak`."""

    def __init__(self, num_pages: int) -> None:
        self.num_pages = num_pages
        self.peak = 0
        self._free = array("i", range(num_pages - 1, -1, -1))  # a stack: pages just freed are used first
        self._taken = bytearray(num_pages)

    @property
    def free(self) -> int:
        """Number of free pages."""
        return len(self._free)

    @property
    def in_use(self) -> int:
        return self.num_pages - len(self._free)

    def alloc(self, count: int) -> array[int]:
        """Takes `count` pages. Raises RuntimeError where there are fewer: look at `free` first."""
        left = len(self._free) - count
        if left < 0:
            raise RuntimeError(f"{count} pages wanted, {len(self._free)} of {self.num_pages} are free")
        pages = self._free[left:]
        del self._free[left:]
        pages.reverse()
        for page in pages:
            self._taken[page] = 1
        self.peak = max(self.peak, self.in_use)
        return pages

    def release(self, pages: array[int]) -> None:
        """Gives pages back. Raises ValueError for a page that is free already or not of this pool."""
        taken = self._taken
        for page in pages:
            if not 0 <= page < self.num_pages:
                raise ValueError(f"page {page} is not of this pool of {self.num_pages}")
            if not taken[page]:
                raise ValueError(f"page {page} is freed twice")
            taken[page] = 0
        self._free.extend(pages)

    def free_pages(self) -> list[int]:
        """The free pages, for checks."""
        return list(self._free)

    def reset_peak(self) -> None:
        self.peak = self.in_use
