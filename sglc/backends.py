"""The engine that programs run on when they are given none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sglc.ir.errors import ArgumentsError

if TYPE_CHECKING:
    from sglc.runtime.runner import Runner

_default: Runner | None = None


def set_default_backend(backend: Runner | None) -> None:
    """The engine for runs that name none; None goes back to the embedded model."""
    _check(backend)
    global _default  # noqa: PLW0603 - a process has one default, as in SGLang
    _default = backend


def current_default() -> Runner | None:
    """The default engine, None where there is none yet."""
    return _default


def default_backend() -> Runner:
    """The default engine; the embedded model where none was set."""
    if _default is None:
        from sglc.runtime.backend import Engine  # here: loads torch

        set_default_backend(Engine())
    assert _default is not None
    return _default


def chosen_backend(backend: Runner | None) -> Runner:
    """A backend, or the default one for None. Raises `ArgumentsError` for what is none."""
    _check(backend)
    return default_backend() if backend is None else backend


def _check(backend: object) -> None:
    if backend is not None and (isinstance(backend, type) or not hasattr(backend, "begin")):
        kind = f"the class {backend.__name__}" if isinstance(backend, type) else f"of type {type(backend).__name__}"
        raise ArgumentsError(
            f"backend is {kind}", hint="give an engine: sgl.Engine(model_path), or a sgl.Scripted(...)"
        )


def flush_cache(backend: Runner | None = None) -> bool:
    """Forgets all cached KV that no running request uses, of the default engine where none is given.

    Whether there was an engine: no default one is loaded for it.
    """
    engine = backend or _default
    if engine is None:
        return False
    engine.flush_cache()
    return True


def get_server_info(backend: Runner | None = None) -> dict[str, Any] | None:
    """What a backend is and has done (`Runner.info`), of the default one where none is given; None where there is none."""
    backend = backend or _default
    return None if backend is None else backend.info()
