"""In which order the parts of an `unordered` stand: what the compiler chose, for runs of the body on real strings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from sglc.ir.errors import Location
from sglc.ir.graph import AS_WRITTEN, Order
from sglc.language.symbolic import noted_folder, shown_path

P = TypeVar("P")


class FreeOrders:
    """The orders of a program, by the places in its graph. It is made where the program is compiled: the places are named
    from the working folder of then."""

    def __init__(self, orders: Mapping[Location, Order]) -> None:
        self._orders = orders
        self._folder = noted_folder()

    def put(self, groups: Sequence[Iterable[P]], place: Location | None) -> tuple[P, ...]:
        """The pieces of all groups, in the order of their place, which is named as Python names it; as written where it
        has none."""
        order = AS_WRITTEN
        if place is not None and self._orders:
            order = self._orders.get(Location(shown_path(place.file, self._folder), place.line), AS_WRITTEN)
        return tuple(piece for group in order.put(groups) for piece in group)


NO_ORDERS = FreeOrders({})
