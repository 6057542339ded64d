"""The inner loops in C (`_native.c`), where they could be built; None where there was no compiler. Then Python and numpy do
the same, with the same results, in more time."""

from __future__ import annotations

try:
    from sglc.passes.regular import _native as native
except ImportError:
    native = None

__all__ = ["native"]
