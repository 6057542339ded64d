"""A regex that looks around as one that does not, where what it looks at is all that comes before, or all that comes after.

At the top of a regex the text before a place is what stands before the look, and the text after it what stands behind. So
`A(?<=L)B` is what A and `.*L` both match, then B; and `A(?=L)B` is A, then what B and `L.*` both match. An intersection is a
product of small automata, which costs far less than to take each look along (`looking.py`).
"""

from __future__ import annotations

from itertools import product
from math import prod

from sglc.passes.regular.charset import EVERY
from sglc.passes.regular.tree import Atomic, Both, Chars, Choice, Look, Not, Regular, Repeat, Sequence, Token, nodes

MAX_WAYS = 64
"""Of a choice of looks (`\\b` is one of two) for each place; beyond, a regex stays as it is."""

_ANYTHING = Repeat(Chars(EVERY), 0, None, "")


def apart(tree: Regular) -> Regular:
    """The same texts without looks, or the tree itself where some look is none at the top, or they look across each other."""
    if not isinstance(tree, Sequence | Choice | Look):
        return tree
    kinds = {type(node) for node in nodes(tree)}
    if Look not in kinds or Token in kinds or Atomic in kinds:  # of atomic groups it counts what comes behind
        return tree
    found: list[Regular] = []
    for alternative in tree.parts if isinstance(tree, Choice) else (tree,):
        parts = alternative.parts if isinstance(alternative, Sequence) else (alternative,)
        ways = [_ways(part) for part in parts]
        if prod(map(len, ways)) > MAX_WAYS:
            return tree
        for way in product(*ways):
            alone = _without([part for several in way for part in several])
            if alone is None:
                return tree
            found.append(alone)
    return found[0] if len(found) == 1 else Choice(tuple(found))


def _ways(part: Regular) -> list[tuple[Regular, ...]]:
    """A part of a sequence; of a choice of looks each of them."""
    if isinstance(part, Choice) and part.parts and any(isinstance(node, Look) for node in nodes(part)):
        ways = [each.parts if isinstance(each, Sequence) else (each,) for each in part.parts]
        if all(isinstance(look, Look) for way in ways for look in way):
            return ways
    return [(part,)]


def _without(parts: list[Regular]) -> Regular | None:
    """A sequence, of which the first look is behind, or the last is ahead, again and again; None where that is not so."""
    while True:
        places = [place for place, part in enumerate(parts) if isinstance(part, Look)]
        if not places:
            break
        first, last = parts[places[0]], parts[places[-1]]
        assert isinstance(first, Look)
        assert isinstance(last, Look)
        if not first.ahead:
            before = Both((Sequence(tuple(parts[: places[0]])), _wanted(first)))
            parts = [before, *parts[places[0] + 1 :]]
        elif last.ahead:
            after = Both((Sequence(tuple(parts[places[-1] + 1 :])), _wanted(last)))
            parts = [*parts[: places[-1]], after]
        else:
            return None
    if any(isinstance(node, Look) for part in parts for node in nodes(part)):
        return None
    return Sequence(tuple(parts))


def _wanted(look: Look) -> Regular:
    texts = Sequence((look.body, _ANYTHING) if look.ahead else (_ANYTHING, look.body))
    return texts if look.wanted else Not(texts)
