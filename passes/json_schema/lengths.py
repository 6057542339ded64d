"""How long the texts of a pattern are, and the pattern for those of some lengths."""

from __future__ import annotations

from sglc.passes.regular import tree as rx
from sglc.passes.regular.charset import EVERY

NOTHING = rx.Choice(())


def _lengths(tree: rx.Regular) -> tuple[int, int | None]:
    """How few and how many characters a tree matches; None is without end."""
    match tree:
        case rx.Chars():
            return 1, 1
        case rx.Repeat(body, least, most):
            low, high = _lengths(body)
            return low * least, None if most is None or high is None else high * most
        case rx.Sequence(parts):
            lows, highs = _of_all(parts)
            return sum(lows), None if highs is None else sum(highs)
        case rx.Choice(parts):
            lows, highs = _of_all(parts)
            return min(lows), None if highs is None else max(highs)
        case _:
            raise AssertionError("no pattern of a schema has these")


def _of_all(parts: tuple[rx.Regular, ...]) -> tuple[list[int], list[int] | None]:
    """The shortest length of each part, and the longest of each; None where one is without end."""
    found = [_lengths(part) for part in parts]
    highs = [high for _, high in found if high is not None]
    return [low for low, _ in found], highs if len(highs) == len(found) else None


def _is_fixed(tree: rx.Regular) -> bool:
    least, most = _lengths(tree)
    return least == most


def of_length(tree: rx.Regular, least: int, most: int | None) -> rx.Regular | None:
    """The tree for texts of some lengths only: of these, None where it takes more than changing one count to say so."""
    if any(isinstance(node, rx.Both) for node in rx.nodes(tree)):  # which is built as an automaton anyway
        any_of_length = rx.repeat(rx.Chars(EVERY), least, most, "")
        return tree if (least, most) == (0, None) else rx.Both((tree, any_of_length))
    low, high = _lengths(tree)
    if (most is not None and low > most) or (high is not None and high < least):
        return NOTHING
    if low >= least and (most is None or (high is not None and high <= most)):
        return tree
    match tree:
        case rx.Choice(parts):
            narrowed = [of_length(part, least, most) for part in parts]
            known = [part for part in narrowed if part is not None]
            return rx.choice(known) if len(known) == len(parts) else None
        case rx.Sequence(parts):
            at, *others = [index for index, part in enumerate(parts) if not _is_fixed(part)]
            if others:
                return None
            around = low - _lengths(parts[at])[0]
            part = of_length(parts[at], max(0, least - around), None if most is None else most - around)
            if part is None or part == NOTHING:
                return part
            return rx.sequence([*parts[:at], part, *parts[at + 1 :]])
        case rx.Repeat(body, fewest, most_often, span) if _is_fixed(body):
            size = _lengths(body)[0]
            fewest = max(fewest, -(-least // size))
            limits = [limit for limit in (most_often, None if most is None else most // size) if limit is not None]
            if limits and fewest > min(limits):
                return NOTHING
            return rx.repeat(body, fewest, min(limits, default=None), span)
        case _:
            return None
