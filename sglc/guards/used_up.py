"""What each use takes something of, and does not show it to a guard: iterators of Python's own, numpy's random numbers."""

from __future__ import annotations

import pickle
import warnings
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from sglc.guards.classes import module_of, type_of

_ITERATING = frozenset({"builtins", "itertools", "_csv"})
"""Modules of iterators."""

_NUMPY = frozenset({("numpy.random._generator", "Generator"), ("numpy.random.mtrand", "RandomState")})


def is_used_up(kind: type[Any]) -> bool:
    """Whether things of this type are such."""
    return any(
        (module_of(cls) in _ITERATING and "__next__" in vars(cls)) or (module_of(cls), cls.__qualname__) in _NUMPY
        for cls in kind.__mro__
    )


def how_far(value: Any) -> object:
    """How far a thing has been used: equal as long as nobody has."""
    match value:
        case GeneratorType():
            return None if value.gi_frame is None else value.gi_frame.f_lasti
        case CoroutineType() | AsyncGeneratorType():
            return None
        case _ if hasattr(value, "bit_generator"):
            return pickle.dumps(value.bit_generator.state)
        case _ if hasattr(value, "get_state"):
            return pickle.dumps(value.get_state())
        case _:
            return _reduced(value)


def _reduced(value: Any) -> object:
    """By what it would be copied from, and by those of the iterators inside of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of `itertools` are not to be copied in later versions
            _, inside, *state = value.__reduce__()
    except Exception:  # noqa: BLE001 - whatever it says: there is its text, which counts for some
        return repr(value)
    parts = [how_far(part) if is_used_up(type_of(part)) else id(part) for part in inside]
    return parts, repr(value) if not state else repr(state)
