"""Lists of trees with commas between those that are there."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.passes.json_schema.writing import either, maybe, written
from sglc.passes.regular.tree import EMPTY, Regular


def joined_members(members: Sequence[Regular], required: Sequence[bool], comma: Regular) -> Regular:
    """One or more of the members, in order, with commas between those that are there. At least one member."""
    if True not in required:
        return _some(members, [maybe(written(comma, member)) for member in members])
    first = required.index(True)
    before = (maybe(written(member, comma)) for member in members[:first])
    after = (
        written(comma, member) if needed else maybe(written(comma, member))
        for member, needed in zip(members[first + 1 :], required[first + 1 :], strict=True)
    )
    return written(*before, members[first], *after)


def _some(members: Sequence[Regular], others: Sequence[Regular]) -> Regular:
    """One or more, in order. others: each with a comma before it, or nothing. The last of n stands there log2(n) + 1
    times, the first once."""
    if len(members) == 1:
        return members[0]
    half = len(members) // 2
    return either(written(_some(members[:half], others[:half]), *others[half:]), _some(members[half:], others[half:]))


def joined_items(firsts: Sequence[Regular], others: Regular, least: int, comma: Regular) -> Regular:
    """The first items, of which those behind `least` may be missing but for the first, and what follows the last."""
    tree = others
    for index in reversed(range(len(firsts))):
        tree = written(comma if index else EMPTY, firsts[index], tree)
        if index >= max(least, 1):
            tree = maybe(tree)
    return tree
