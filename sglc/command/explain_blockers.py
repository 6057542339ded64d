"""What keeps the calls of a batch from sharing more of their prompts, and what to change in the program.

It looks at prompts up to their first answer, in the graph as it was traced: there each append has the line that wrote it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from sglc.command.explain_moves import LEAST, best_move, line_list, segments_of, value_of
from sglc.command.explain_prompts import Walk, Walker
from sglc.ir.errors import Location
from sglc.ir.graph import Graph
from sglc.ir.ops import Append, Gen, Op, Param, Select, prompts
from sglc.ir.tokens import Text

MOST_PAIRS, MOST_TOKENS = 60, 3_000
"""Pairs of prompts that are compared, and tokens of each."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """tokens: what could be shared, in each of so many `times`; 0 where nobody counted."""

    kind: Literal["order", "kept order", "difference", "same value"]
    lines: tuple[Location, ...]
    tokens: int
    times: int
    text: str


def blockers(walker: Walker, walks: Sequence[Walk]) -> list[Blocker]:
    """What blocks sharing between these walks of one graph, all of them along the same way; most tokens first."""
    stems = [stem for _, stem in _stems(walks[0])]
    found = [*_orders(walker, walks, stems), *_same_values(walker, walks, stems), *_differences(walker, walks)]
    unique = {blocker.text: blocker for blocker in found if blocker.tokens >= LEAST}
    return sorted(unique.values(), key=lambda blocker: -blocker.tokens * blocker.times)


def kept_orders(graph: Graph, rows: int) -> list[Blocker]:
    """Parts of an `unordered` that stand as they were written, although another order would share more."""
    return [
        Blocker(
            "kept order",
            (place,),
            0,
            rows,
            f"{line_list((place,))}: the parts of sgl.unordered keep their order, because {order.why}",
        )
        for place, order in graph.orders.items()
        if order.places is None
    ]


def _stems(walk: Walk) -> Iterator[tuple[Op, tuple[Append, ...]]]:
    """Each gen and select with the appends of its prompt before the first answer."""
    for asked in walk.asked:
        if isinstance(asked.op, Gen | Select):
            chain = reversed(list(prompts(asked.op.state)))
            before = itertools.takewhile(lambda state: not isinstance(state, Gen | Select), chain)
            yield asked.op, tuple(state for state in before if isinstance(state, Append))


def _orders(walker: Walker, walks: Sequence[Walk], stems: Sequence[tuple[Append, ...]]) -> Iterator[Blocker]:
    """Constants that stand behind what differs from row to row."""
    if len(walks) < 2:
        return
    kept = frozenset(place for place, order in walks[0].graph.orders.items() if order.places is None)
    for stem in dict.fromkeys(stems):
        segments = segments_of(walker, walks, stem)
        varying = next((segment.append for segment in segments if segment.varies), None)
        if varying is not None:
            reach = _common(stems, stem, varying)
            move = best_move(walker, walks, [each for each in segments if each.append in reach], kept)
            if move is not None:
                yield Blocker("order", move.lines, move.tokens, len(walks), move.text)


def _common(stems: Sequence[tuple[Append, ...]], stem: tuple[Append, ...], varying: Append) -> tuple[Append, ...]:
    """The beginning of a stem that all prompts have which have this append: what is moved inside it makes no two of them
    part earlier."""
    shared = stem
    for other in stems:
        if varying in other:
            length = sum(1 for _ in itertools.takewhile(lambda two: two[0] is two[1], zip(shared, other, strict=False)))
            shared = shared[:length]
    return shared


def _same_values(walker: Walker, walks: Sequence[Walk], stems: Sequence[tuple[Append, ...]]) -> Iterator[Blocker]:
    """Arguments that all rows give the same value."""
    if len(walks) < 2:
        return
    for stem in dict.fromkeys(stems):
        for segment in segments_of(walker, walks, stem):
            value = value_of(segment.part)
            if isinstance(value, Param) and not segment.varies:
                tokens = segment.end - segment.start
                text = (
                    f"{segment.name} has one value in all {len(walks):,} rows ({tokens:,} tokens at "
                    f"{line_list((segment.loc,) if segment.loc else ()) or 'its place'}): written in the program, or given as "
                    f"sglc.static, it could be prefilled ahead of time"
                )
                yield Blocker("same value", (segment.loc,) if segment.loc else (), tokens, 1, text)


def _differences(walker: Walker, walks: Sequence[Walk]) -> Iterator[Blocker]:
    """Prompts of one row, and values of one argument, that part early although most of their text is equal."""
    row, another = walks[0], walks[1] if len(walks) > 1 else None
    asked = {stem: op for op, stem in _stems(row) if stem}
    for (stem, op), (other_stem, other) in itertools.islice(itertools.combinations(asked.items(), 2), MOST_PAIRS):
        ids, others = (_ids(walker, row, each) for each in (stem, other_stem))
        parted, length = _later_block(ids, others)
        if length:
            lines = _places((op.loc, other.loc))
            same = another is not None and _ids(walker, another, stem) == ids
            times = 1 if same else len(walks)
            yield Blocker(
                "difference", lines, length, times,
                f"the prompts of {line_list(lines)} differ after {parted:,} tokens and then have {length:,} in common: with "
                f"what differs behind these, they would be shared {_in_rows(times)}",
            )  # fmt: skip
    if another is None:
        return
    for param in row.graph.params:
        values = [walker.encode([Text(walk.values[param][0], trusted=False)]) for walk in (row, another)]
        parted, length = _later_block(*values)
        if length:
            yield Blocker(
                "difference", (), length, len(walks),
                f"{param.name} differs between the first two rows after {parted:,} tokens and then has {length:,} in common: "
                f"with what differs in an argument of its own, behind the rest, the rows could share them",
            )  # fmt: skip


def _later_block(a: Sequence[int], b: Sequence[int]) -> tuple[int, int]:
    """Where two prompts part, and the length of what they have in common after that; 0 where it is not most of what the
    shorter one still has."""
    a, b = a[:MOST_TOKENS], b[:MOST_TOKENS]
    parted = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest, other = a[parted:], b[parted:]
    least = max(LEAST, min(len(rest), len(other)) // 2)
    if len(set(rest) & set(other)) * 2 < min(len(set(rest)), len(set(other))):
        return parted, 0
    block = SequenceMatcher(None, rest, other, autojunk=False).find_longest_match()
    return parted, block.size if block.size >= least else 0


def _ids(walker: Walker, walk: Walk, stem: Sequence[Append]) -> list[int]:
    return walker.encode(walk.values[stem[-1]])


def _places(locs: Sequence[Location | None]) -> tuple[Location, ...]:
    return tuple(dict.fromkeys(loc for loc in locs if loc is not None))


def _in_rows(times: int) -> str:
    return "once for all rows" if times == 1 else f"in each of {times:,} rows"
