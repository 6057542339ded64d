"""What keeps the calls of a batch from sharing more of their prompts, and what to change in the program.

It looks at prompts up to their first answer, in the graph as it was traced: there each append has the line that wrote it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from sglc.command.explain_prompts import Walk, Walker
from sglc.ir.builder import flattened
from sglc.ir.errors import Location
from sglc.ir.graph import Graph, Orders
from sglc.ir.ops import Append, Gen, Image, Op, Param, Part, Role, Select, Trusted, operands, prompts
from sglc.ir.tokens import Text

LEAST = 16
"""Tokens below which nothing is said."""

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


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of a prompt before its first answer. name: of the argument that it is made of. varies: from row to row."""

    append: Append
    part: Part
    loc: Location | None
    name: str
    varies: bool
    start: int
    end: int


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
            f"{_lines((place,))}: the parts of sgl.unordered keep their order, because {order.why}",
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
    for stem in dict.fromkeys(stems):
        segments = _segments(walker, walks, stem)
        first = next((i for i, segment in enumerate(segments) if segment.varies), None)
        if first is None:
            continue
        reach = _common(stems, stem, segments[first].append)
        segments = [segment for segment in segments if segment.append in reach]
        runs = list(_long_runs(segments[first:]))
        if not runs:
            continue
        last = runs[-1][-1]
        moved = [segment for segment in segments[first : segments.index(last)] if segment.varies]
        tokens = sum(segment.end - segment.start for run in runs for segment in run)
        free = _can_be_unordered(segments[first : segments.index(last) + 1], walks[0].graph.orders)
        yield _order(moved, last, tokens, len(walks), free=free)


def _can_be_unordered(segments: Sequence[_Segment], orders: Orders) -> bool:
    """Whether these could be parts of one `unordered` whose order is then chosen: plain texts, of lines that are not kept as
    they are."""
    kept = {place for place, order in orders.items() if order.places is None}
    return all(
        isinstance(segment.part, str | Op) and not isinstance(segment.part, Image) and segment.loc not in kept
        for segment in segments
    )


def _long_runs(segments: Sequence[_Segment]) -> Iterator[list[_Segment]]:
    """Literals one after the other, of enough tokens to be worth a move; a role's edges between them do not count."""
    content = (segment for segment in segments if not isinstance(segment.part, Role))
    for varies, run in itertools.groupby(content, key=lambda segment: segment.varies):
        together = list(run)
        if not varies and sum(segment.end - segment.start for segment in together) >= LEAST:
            yield together


def _order(moved: Sequence[_Segment], last: _Segment, tokens: int, rows: int, *, free: bool) -> Blocker:
    lines = tuple(dict.fromkeys(segment.loc for segment in moved if segment.loc is not None))
    names = ", ".join(dict.fromkeys(segment.name.partition("[")[0] for segment in moved))
    gain = f"would share {tokens:,} tokens in each of {rows:,} rows"
    if last.loc is None or last.loc in lines or not lines:
        text = f"{_lines(lines) or 'the prompt'}: putting {names} behind the text that follows it {gain}"
    else:
        text = f"moving {_lines(lines)} ({names}) after line {last.loc.line} {gain}"
    if free:
        text += "; if their order does not matter, sgl.unordered(...) around them does the same"
    return Blocker("order", (*lines, *([last.loc] if last.loc else [])), tokens, rows, text)


def _common(stems: Sequence[tuple[Append, ...]], stem: tuple[Append, ...], varying: Append) -> tuple[Append, ...]:
    """The beginning of a stem that all prompts have which have this append: what is moved inside it makes no two of them
    part earlier."""
    shared = stem
    for other in stems:
        if varying in other:
            length = sum(1 for _ in itertools.takewhile(lambda two: two[0] is two[1], zip(shared, other, strict=False)))
            shared = shared[:length]
    return shared


def _segments(walker: Walker, walks: Sequence[Walk], stem: Sequence[Append]) -> list[_Segment]:
    """The parts of a stem, with their places in the prompt of the first row."""
    segments: list[_Segment] = []
    pieces = ()
    start = 0
    for append in stem:
        for part in flattened(append.parts):
            pieces += walker.pieces(walks[0], [part])
            end = max(start, walker.tokens(pieces))
            value = _value(part)
            varies = value is not None and len({walk.values[value] for walk in walks}) > 1
            segments.append(_Segment(append, part, append.loc, _name(value), varies, start, end))
            start = end
    return segments


def _same_values(walker: Walker, walks: Sequence[Walk], stems: Sequence[tuple[Append, ...]]) -> Iterator[Blocker]:
    """Arguments that all rows give the same value."""
    if len(walks) < 2:
        return
    for stem in dict.fromkeys(stems):
        for segment in _segments(walker, walks, stem):
            value = _value(segment.part)
            if isinstance(value, Param) and not segment.varies:
                tokens = segment.end - segment.start
                text = (
                    f"{segment.name} has one value in all {len(walks):,} rows ({tokens:,} tokens at "
                    f"{_lines((segment.loc,) if segment.loc else ()) or 'its place'}): written in the program, or given as "
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
                f"the prompts of {_lines(lines)} differ after {parted:,} tokens and then have {length:,} in common: with "
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


def _value(part: Part) -> Op | None:
    """The value that a part of a prompt is; None for a literal and a role."""
    value = part.text if isinstance(part, Trusted) else part
    return value if isinstance(value, Op) else None


def _name(value: Op | None) -> str:
    """The argument that a value is made of."""
    stack = [value] if value is not None else []
    while stack:
        op = stack.pop()
        if isinstance(op, Param):
            return op.name
        stack += operands(op)
    return "what varies"


def _places(locs: Sequence[Location | None]) -> tuple[Location, ...]:
    return tuple(dict.fromkeys(loc for loc in locs if loc is not None))


def _lines(lines: Sequence[Location]) -> str:
    if not lines:
        return ""
    numbers = [str(loc.line) for loc in lines]
    return f"line {numbers[0]}" if len(numbers) == 1 else f"lines {', '.join(numbers[:-1])} and {numbers[-1]}"


def _in_rows(times: int) -> str:
    return "once for all rows" if times == 1 else f"in each of {times:,} rows"
