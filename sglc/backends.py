"""The engine that programs run on when they are given none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sglc.runtime.backend import Engine

_default: Engine | None = None


def set_default_backend(backend: Engine | None) -> None:
    """The engine for runs that name none; None goes back to the embedded model."""
    global _default  # noqa: PLW0603 - a process has one default, as in SGLang
    _default = backend


def current_default() -> Engine | None:
    """The default engine, None where there is none yet."""
    return _default


def default_backend() -> Engine:
    """The default engine; the embedded model where none was set."""
    if _default is None:
        from sglc.runtime.backend import Engine  # here: loads torch

        set_default_backend(Engine())
    assert _default is not None
    return _default


def flush_cache(backend: Engine | None = None) -> bool:
    """Forgets all cached KV that no running request uses, of the default engine where none is given.

    Whether there was an engine: no default one is loaded for it.
    """
    engine = backend or _default
    if engine is None:
        return False
    engine.flush_cache()
    return True


def get_server_info(backend: Engine | None = None) -> dict[str, Any] | None:
    """What an engine is and has done, of the default engine where none is given; None where there is none.

    model_path: the model's folder. vocab_size: columns of its logits. tokenizer: the fingerprint of its tokenizer and
    chat template. stats: the engine's counters by name (`Stats`), tokens of the KV cache among them.
    """
    engine = backend or _default
    if engine is None:
        return None
    vocabulary = engine.tokenizer.vocabulary
    return {
        "model_path": engine.model_path,
        "vocab_size": vocabulary.size,
        "tokenizer": vocabulary.fingerprint,
        "stats": dict(engine.stats()),
    }
