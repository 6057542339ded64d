"""Python's cyclic garbage collector while programs run.

What is loaded (torch, transformers, the model) stays, and a collection would walk through all of it again and again: 50
to 90 ms each were measured in the middle of a batch. So it is set aside as long as a backend lives, and young objects,
of which a batch makes many that live until it ends, are looked at less often. (docs/decisions/007)
"""

from __future__ import annotations

import gc
import threading

YOUNG = 100_000
"""Objects made between two collections of the young ones; Python's own is 700 or 2,000."""

_lock = threading.RLock()  # a collection inside of it may find a backend that nobody refers to, and end that
_before: list[tuple[int, int, int]] = []  # the thresholds to go back to, one for each living backend


def calm() -> None:
    """A backend begins."""
    with _lock:
        _before.append(gc.get_threshold())
        gc.freeze()
        gc.set_threshold(max(YOUNG, _before[-1][0]), *_before[-1][1:])


def wake() -> None:
    """A backend has ended."""
    with _lock:
        before = _before.pop()
        if not _before:
            gc.set_threshold(*before)
            gc.unfreeze()
