"""What has been compiled for a function, by the shape of its arguments.

A program that is made inside of another function, one for each request, is a new function each time, of the same code.
Where nothing else differs that its code can see (defaults, closure cells, globals), what was compiled for one is the other's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from sglc.guards.places import content_of
from sglc.guards.values import constant
from sglc.ir.errors import SglcError
from sglc.language.settings import Bounds

if TYPE_CHECKING:
    from sglc.guards import Guard
    from sglc.live import LiveProgram

MAX_PROGRAMS = 1_024
"""Of one function that are kept; the oldest go first."""

_MAX_CODES = 64
"""Of which functions are kept for others; the least used go first. (Each holds its module.)"""

_MAX_TWINS = 8
"""Functions of one code that are told apart; the oldest go first."""


@dataclass(eq=False)
class Kept:
    """programs: with their guards; without one where changes make no difference. refused: why there is none. warned: that there
    are many. identity: what the function reaches, where it may ask whether an argument is that very object."""

    function: Callable[..., Any]
    bounds: Bounds
    programs: dict[Hashable, tuple[Guard | None, LiveProgram]] = field(default_factory=dict[Hashable, Any])
    refused: dict[Hashable, tuple[Guard, SglcError]] = field(default_factory=dict[Hashable, Any])
    warned: bool = False
    identity: Guard | None = None

    def serves(self, function: Callable[..., Any]) -> bool:
        """Whether what is kept is a function's own, or right for it too, as it is now."""
        return function is self.function or _are_twins(function, self.function)

    def keep(self, key: Hashable, guard: Guard | None, program: LiveProgram) -> None:
        self.programs[key] = guard, program
        if len(self.programs) > MAX_PROGRAMS:
            self.programs.pop(next(iter(self.programs)), None)

    def refuse(self, key: Hashable, guard: Guard, error: SglcError) -> None:
        self.refused[key] = guard, error
        if len(self.refused) > MAX_PROGRAMS:
            self.refused.pop(next(iter(self.refused)), None)


def kept_for(function: Callable[..., Any], bounds: Bounds) -> Kept:
    """What is kept for a new program: that of another function of the same code, where it serves. The same function made
    into a program twice is compiled twice."""
    if not isinstance(function, FunctionType):
        return Kept(function, bounds)
    twins = _twins.setdefault(function.__code__, [])
    _twins.move_to_end(function.__code__)
    if len(_twins) > _MAX_CODES:
        _twins.popitem(last=False)
    for kept in twins:
        if kept.bounds == bounds and _are_twins(function, kept.function):
            return kept
    kept = Kept(function, bounds)
    if not _contents(function) or all(map(_is_constant, _contents(function))):  # nothing large is kept alive by it
        twins.append(kept)
        del twins[:-_MAX_TWINS]
    return kept


_twins: OrderedDict[CodeType, list[Kept]] = OrderedDict()


def _are_twins(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    if one is other or not (isinstance(one, FunctionType) and isinstance(other, FunctionType)):
        return False
    if one.__code__ is not other.__code__ or one.__globals__ is not other.__globals__ or one.__dict__ or other.__dict__:
        return False
    mine, yours = _contents(one), _contents(other)
    return len(mine) == len(yours) and all(
        a is b or (_is_constant(a) and constant(a) == constant(b)) for a, b in zip(mine, yours, strict=True)
    )


def _contents(function: FunctionType) -> list[Any]:
    """The values that its code finds in the function itself."""
    by_name = function.__kwdefaults__ or {}
    cells = map(content_of, function.__closure__ or ())
    return [*(function.__defaults__ or ()), *(by_name[name] for name in sorted(by_name)), *cells]


def _is_constant(value: object) -> bool:
    return constant(value) is not None
