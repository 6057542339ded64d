"""What each use takes something of, and does not show it to a guard: iterators of Python's own, numpy's random numbers."""

from __future__ import annotations

import operator
import warnings
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, cast

from sglc.guards.classes import module_of, type_of

_ITERATING = frozenset({"builtins", "itertools", "_csv"})
"""Modules of iterators."""

_NUMPY = frozenset({("numpy.random._generator", "Generator"), ("numpy.random.mtrand", "RandomState")})


def is_used_up(kind: type[Any]) -> bool:
    """Whether things of this type are such."""
    return _is_iterator(kind) or any((module_of(cls), cls.__qualname__) in _NUMPY for cls in kind.__mro__)


def _is_iterator(kind: type[Any]) -> bool:
    return any(module_of(cls) in _ITERATING and "__next__" in vars(cls) for cls in kind.__mro__)


class Used:
    """How far a thing has been used: to be asked whether it has been since, and put back where that can be.

    Of a generator only a profiler sees that it goes on (`frame`).
    """

    def __init__(self, words: str, thing: Any) -> None:
        self.words = words
        self.thing = thing
        self._state = _numpys_state(thing)
        self._before: Any = _how_far(thing)

    @property
    def frame(self) -> Any:
        """That of a generator which has not ended."""
        return self.thing.gi_frame if type_of(self.thing) is GeneratorType else None

    def has_been_used(self) -> bool:
        return _how_far(self.thing) != self._before

    def put_back(self) -> None:
        """The numbers of numpy's, and what goes along a list. The rest has no way back."""
        if hasattr(self.thing, "bit_generator"):
            self.thing.bit_generator.state = self._state
        elif self._state is not None:
            self.thing.set_state(self._state)
        elif hasattr(self.thing, "__setstate__") and type(place := self._before[-1]) is int:
            self.thing.__setstate__(place)


def _how_far(thing: Any) -> Any:
    match thing:
        case GeneratorType() | CoroutineType() | AsyncGeneratorType():
            return None
        case _ if (state := _numpys_state(thing)) is not None:
            return _plain(state)
        case _ if hasattr(thing, "__length_hint__"):
            return (operator.length_hint(thing), *_numbers(thing))
        case _:
            return (repr(thing), *_numbers(thing))  # of `count` its text says it


def _numpys_state(thing: Any) -> Any:
    """Of numpy's random numbers; None for what is none."""
    if hasattr(thing, "bit_generator"):
        return thing.bit_generator.state
    return thing.get_state() if hasattr(thing, "get_state") else None


def _plain(state: Any) -> Any:
    """A state in a form that can be compared: an array as its bytes."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in cast("dict[str, Any]", state).items()}
    if isinstance(state, tuple):
        return tuple(map(_plain, cast("tuple[Any, ...]", state)))
    return state.tobytes() if hasattr(state, "tobytes") else state


def _numbers(thing: Any) -> list[Any]:
    """The numbers among what a thing would be copied from, and how far the iterators inside of it are."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of `itertools` are not to be copied in later versions
            _, inside, *state = thing.__reduce__()
    except Exception:  # noqa: BLE001 - whatever it says
        return []
    parts = [*inside, *state]
    return [_how_far(part) if _is_iterator(type_of(part)) else part for part in parts if _counts(part)]


def _counts(part: object) -> bool:
    return type(part) is int or _is_iterator(type_of(part))
