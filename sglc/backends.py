"""The engine that programs run on when they are given none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc.runtime.backend import Engine

_default: Engine | None = None


def set_default_backend(backend: Engine | None) -> None:
    """The engine for runs that name none; None goes back to the embedded model."""
    global _default  # noqa: PLW0603 - a process has one default, as in SGLang
    _default = backend


def default_backend() -> Engine:
    """The default engine; the embedded model where none was set."""
    if _default is None:
        from sglc.runtime.backend import Engine  # here: loads torch

        set_default_backend(Engine())
    assert _default is not None
    return _default
