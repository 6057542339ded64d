"""The inner loops in C (`_native.c`), where they could be built; None where there was no compiler. Then Python and numpy do
the same, with the same results, in more time."""

from __future__ import annotations

from typing import Any, NoReturn

from sglc.ir.errors import ConstraintError

VERSION = 2
"""Of the functions in C, as `_native.c` has it."""


class _Outdated:
    """Stands in for a module that was built of another source. version: which, None for one from before versions."""

    def __init__(self, version: int | None) -> None:
        self._version = version

    def __getattr__(self, name: str) -> NoReturn:
        raise ConstraintError(
            f"the built module sglc.ir._native has version {self._version}, and its source {VERSION}",
            hint="run `make setup`, which builds it anew (or `pip install --editable .`)",
        )


def of_this_version(module: Any) -> Any:
    """The module, or what says at its first use that it is outdated."""
    version = getattr(module, "VERSION", None)
    return module if version == VERSION else _Outdated(version)


try:
    from sglc.ir import _native
except ImportError:
    native = None
else:
    native = of_this_version(_native)

__all__ = ["VERSION", "native", "of_this_version"]
