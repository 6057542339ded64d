"""What the texts of a run are made of: arguments and answers, the leaves, of which some are known."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sglc.ir.builder import flattened
from sglc.ir.functions import METHODS
from sglc.ir.ops import Argument, Call, Format, Meta, Method, Numbered, Op, Param, Read, Render, Role, Trusted, operands
from sglc.trace.known import Leaf


def leaf_of(op: Op) -> Leaf:
    """Where the text of a leaf is from."""
    if isinstance(op, Param):
        return op.name
    number = op.state if isinstance(op, Read) else op
    assert isinstance(number, Numbered)
    return number.number


class Leaves:
    """values: of the leaves that are known. A known text that came from outside is a leaf, too."""

    def __init__(self, values: Mapping[Leaf, Any]) -> None:
        self._values = values
        self._below: dict[Op, tuple[Op, ...]] = {}

    def of(self, wanted: Sequence[Any]) -> list[Op]:
        """The texts of arguments and answers that values are made of."""
        found: dict[Op, None] = {}
        stack = [item for item in wanted if isinstance(item, Op)][::-1]
        for item in wanted:
            if isinstance(item, tuple):
                stack.extend(op for op in cast("tuple[Any, ...]", item) if isinstance(op, Op))
        while stack:
            found.update(dict.fromkeys(self._of(stack.pop())))
        return list(found)

    def _of(self, op: Op) -> tuple[Op, ...]:
        """Kept, since a text may be made of another, that of one before it, and so on, and each is asked about."""
        known = self._below.get(op)
        if known is None:
            if isinstance(op, Param | Read | Call | Render | Meta):
                known = (op,)
            else:
                below = (self._of(operand) for operand in reversed(operands(op)))
                known = tuple(dict.fromkeys(itertools.chain.from_iterable(below)))
            self._below[op] = known
        return known

    def unknown(self, wanted: Sequence[Any]) -> list[Op]:
        """Those of the leaves that the body was not given."""
        return [op for op in self.of(wanted) if leaf_of(op) not in self._values]

    def question(self, name: str, arguments: Sequence[Argument]) -> tuple[Any, ...]:
        """A key that is equal for what is the same question with the texts that are known by now, whichever were when it
        was asked."""
        return (name, *map(self._key, arguments))

    def _key(self, argument: Argument) -> Any:
        """An argument of a question in terms of plain texts and of leaves that are not known."""
        if isinstance(argument, tuple):
            return tuple(map(self._key, argument))
        if not isinstance(argument, Op):
            return (type(argument).__name__, argument)
        if not self.unknown((argument,)):
            return ("str", self.plain(argument))
        match argument:
            case Format(parts=parts):
                texts = [part.text if isinstance(part, Trusted) else part for part in flattened(parts)]
                keys = [self._key(cast("Argument", text)) for text in texts]  # no text has a role in it
                runs = itertools.groupby(keys, key=lambda key: key[0] == "str")
                joined = [[("str", "".join(text for _, text in run))] if plain else [*run] for plain, run in runs]
                return ("format", *itertools.chain(*joined))
            case Method(name=name, arguments=arguments):
                return ("method", name, *map(self._key, arguments))
            case _:
                return ("leaf", leaf_of(argument))

    def plain(self, argument: Argument) -> Any:
        """The value of what is made of known texts."""
        if isinstance(argument, tuple):
            return tuple(map(self.plain, argument))
        match argument:
            case Format(parts=parts):
                return "".join(
                    part if isinstance(part, str) else self.plain(part.text if isinstance(part, Trusted) else part)
                    for part in flattened(parts)
                    if not isinstance(part, Role)
                )
            case Method(name=name, arguments=arguments):
                return METHODS[name](*map(self.plain, arguments))
            case Op():
                return self._values[leaf_of(argument)]
            case _:
                return argument
