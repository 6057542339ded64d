"""Whether a body changes what it was given as an argument, which its caller would see."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sglc.language.arguments import attributes, is_record


class Contents:
    """What arguments hold, to be compared with what they hold later. Items are compared by identity: no text is read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._before = {name: _Item.of(value) for name, value in values.items()}

    def changed(self) -> str | None:
        """The name of an argument of which a container has other items than it had; None where there is none."""
        return next((name for name, item in self._before.items() if item.has_changed()), None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Item:
    """inside: the items of a container, by how their path goes on from its own."""

    value: Any
    inside: dict[str, _Item]

    @staticmethod
    def of(value: Any) -> _Item:
        return _Item(value, {key: _Item.of(item) for key, item in _items(value).items()})

    def has_changed(self) -> bool:
        now = _items(self.value)
        if list(now) != list(self.inside) or any(now[key] is not item.value for key, item in self.inside.items()):
            return True
        return any(item.has_changed() for item in self.inside.values())


def _items(value: Any) -> dict[str, Any]:
    """None of what is no container."""
    if isinstance(value, list | tuple):
        return {f"[{index}]": item for index, item in enumerate(cast("Sequence[Any]", value))}
    if is_record(value):
        return {f"[{key!r}]": item for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f".{name}": item for name, item in attributes(value).items()}
    return {}
