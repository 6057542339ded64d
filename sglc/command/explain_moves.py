"""Constants that stand behind what differs from row to row: which move of them shares how much.

Nothing is promised that was not tried: each move is made on the prompts of the rows, and their tokens are counted again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sglc.command.explain_counts import Cache
from sglc.command.explain_prompts import Walk, Walker
from sglc.ir.builder import flattened
from sglc.ir.errors import Location
from sglc.ir.graph import Graph
from sglc.ir.ops import Append, Image, Op, Param, Part, Primitive, Role, Trusted, operands

LEAST = 16
"""Tokens below which nothing is said."""

MOST_ROWS, MOST_TARGETS = 100, 12
"""Rows whose prompts are counted, and places where a line may go that are tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A part of a prompt before its first answer. name: of the argument that it is made of. varies: from row to row. start,
    end: its tokens in the prompt of the first row."""

    append: Append
    part: Part
    loc: Location | None
    name: str
    varies: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Move:
    """tokens: what each row shares with the others after it, and did not before, in the mean. text: what to do."""

    lines: tuple[Location, ...]
    tokens: int
    text: str


def best_move(
    walker: Walker, walks: Sequence[Walk], segments: Sequence[Segment], kept: frozenset[Location]
) -> Move | None:
    """The move that shares most, of those that are worth a word. segments: of a beginning that all prompts have which have
    the first segment that varies. kept: lines whose parts keep their order."""
    first = next((i for i, segment in enumerate(segments) if segment.varies), None)
    if first is None or not (runs := list(_long_runs(segments[first:]))):
        return None
    tried = _Tried(walker, walks[:MOST_ROWS], segments)
    last = segments.index(runs[-1][-1])
    moves = [*_of_lines(tried, walks[0].graph), *_of_parts(tried, first, last)]
    best = max(moves, key=lambda move: move.tokens, default=None)  # of equal ones the first
    if best is None or best.tokens < LEAST:
        return None
    free = tried.unordered(first, last, walks[0].graph, kept)
    text = f"{best.text} would share {best.tokens:,} tokens in each of {len(walks):,} rows"
    if free >= LEAST:
        does = "does the same" if free >= best.tokens else f"shares {free:,}"
        text += f"; if their order does not matter, sgl.unordered(...) around them {does}"
    return Move(best.lines, best.tokens, text)


def segments_of(walker: Walker, walks: Sequence[Walk], stem: Sequence[Append]) -> list[Segment]:
    """The parts of the beginning of a prompt."""
    segments: list[Segment] = []
    pieces = ()
    start = 0
    for append in stem:
        for part in flattened(append.parts):
            pieces += walker.pieces(walks[0], [part])
            end = max(start, walker.tokens(pieces))
            value = value_of(part)
            varies = value is not None and len({walk.values[value] for walk in walks}) > 1
            segments.append(Segment(append, part, append.loc, _name(value), varies, start, end))
            start = end
    return segments


def value_of(part: Part) -> Op | None:
    """The value that a part of a prompt is; None for a literal and a role."""
    value = part.text if isinstance(part, Trusted) else part
    return value if isinstance(value, Op) else None


def line_list(lines: Sequence[Location]) -> str:
    if not lines:
        return ""
    numbers = [str(loc.line) for loc in lines]
    return f"line {numbers[0]}" if len(numbers) == 1 else f"lines {', '.join(numbers[:-1])} and {numbers[-1]}"


class _Tried:
    """Counts what another order of the segments shares."""

    def __init__(self, walker: Walker, walks: Sequence[Walk], segments: Sequence[Segment]) -> None:
        self._walker = walker
        self._walks = walks
        self.segments = segments
        self._before = self._count(segments)

    def gain(self, order: Sequence[Segment]) -> int:
        return (self._before - self._count(order)) // max(1, len(self._walks) - 1)

    def _count(self, order: Sequence[Segment]) -> int:
        """Tokens of all rows, what they begin with alike once."""
        cache, parts = Cache(), [segment.part for segment in order]
        prompts = (self._walker.encode(self._walker.pieces(walk, parts)) for walk in self._walks)
        return sum(cache.prefill(ids, len(ids)) for ids in prompts)

    def unordered(self, first: int, last: int, graph: Graph, kept: frozenset[Location]) -> int:
        """The gain where the lines from segment `first` to `last` are an `unordered`, a part each (of one line its own
        parts); 0 where they cannot be."""
        blocks = _blocks(self.segments)
        inside = [block for block in blocks if any(segment in block for segment in self.segments[first : last + 1])]
        before = list(itertools.takewhile(lambda block: block is not inside[0], blocks))
        parts = [[segment] for segment in inside[0]] if len(inside) == 1 else inside
        together = [segment for part in parts for segment in part]
        if any(
            isinstance(segment.part, Role | Trusted | Image) or segment.loc is None or segment.loc in kept
            for segment in together
        ):
            return 0
        if len(inside) > 1 and any(_asks(graph, block[0].loc) for block in inside):
            return 0
        after = blocks[len(before) + len(inside) :]
        return self.gain(list(itertools.chain(*before, *sorted(parts, key=_rank), *after)))


def _of_lines(tried: _Tried, graph: Graph) -> Iterator[Move]:
    """Lines that hold what varies, moved whole behind a later line."""
    blocks = _blocks(tried.segments)
    numbers = [block[0].loc for block in blocks]
    here = {segment.append for segment in tried.segments}
    whole = [
        loc is not None and numbers.count(loc) == 1 and not _asks(graph, loc) and _balanced(block)
        and all(op in here for op in graph.ops if isinstance(op, Append) and op.loc == loc)
        for loc, block in zip(numbers, blocks, strict=True)
    ]  # fmt: skip
    varying = [any(segment.varies for segment in block) for block in blocks]
    if True not in varying:
        return
    start = varying.index(True)
    ends = [i for i in range(start + 1, len(blocks)) if not varying[i]]
    for end in ends[-MOST_TARGETS:]:
        if not all(whole[start : end + 1]):
            continue
        moved = [i for i in range(start, end) if varying[i]]
        stays = [i for i in range(end + 1) if i not in moved]
        order = [segment for i in (*stays, *moved, *range(end + 1, len(blocks))) for segment in blocks[i]]
        lines = tuple(loc for i in moved if (loc := numbers[i]) is not None)
        target = numbers[end]
        assert target is not None  # it is a whole line
        names = _names([segment for i in moved for segment in blocks[i]])
        text = f"moving {line_list(lines)} ({names}) after line {target.line}"
        yield Move((*lines, target), tried.gain(order), text)


def _of_parts(tried: _Tried, first: int, last: int) -> Iterator[Move]:
    """What varies alone, moved behind the last of the constants."""
    span = tried.segments[first : last + 1]
    if any(isinstance(segment.part, Role) for segment in span):
        return
    moved = [segment for segment in span if segment.varies]
    stays = [segment for segment in span if not segment.varies]
    order = [*tried.segments[:first], *stays, *moved, *tried.segments[last + 1 :]]
    lines = tuple(dict.fromkeys(segment.loc for segment in moved if segment.loc is not None))
    end = tried.segments[last].loc
    behind = "the text that follows it" if end is None or end in lines else f"the text up to line {end.line}"
    text = f"{line_list(lines) or 'the prompt'}: putting {_names(moved)} behind {behind}"
    yield Move((*lines, *([end] if end and end not in lines else [])), tried.gain(order), text)


def _asks(graph: Graph, loc: Location | None) -> bool:
    """Whether a line holds more than text: it cannot be moved, nor can another go behind it."""
    return any(isinstance(op, Primitive) and op.loc == loc for op in graph.ops)


def _balanced(block: Sequence[Segment]) -> bool:
    """Whether all messages that a line opens are closed in it, and none else."""
    edges = [segment.part.edge for segment in block if isinstance(segment.part, Role)]
    return edges == ["begin", "end"] * (len(edges) // 2)


def _blocks(segments: Sequence[Segment]) -> list[list[Segment]]:
    """The segments of each line, where it is run once."""
    return [list(block) for _, block in itertools.groupby(segments, key=lambda segment: segment.loc)]


def _long_runs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Literals one after the other, of enough tokens to be worth a move; a role's edges between them do not count."""
    content = (segment for segment in segments if not isinstance(segment.part, Role))
    for varies, run in itertools.groupby(content, key=lambda segment: segment.varies):
        together = list(run)
        if not varies and sum(segment.end - segment.start for segment in together) >= LEAST:
            yield together


def _rank(part: Sequence[Segment]) -> tuple[int, int]:
    """As `reorder_parts` ranks the parts of an `unordered`."""
    arguments: set[Op] = set()
    stack = [value for segment in part if (value := value_of(segment.part)) is not None]
    while stack:
        op = stack.pop()
        if isinstance(op, Param):
            arguments.add(op)
        elif isinstance(op, Primitive):
            return 2, 0
        stack += operands(op)
    return (1, len(arguments)) if arguments else (0, 0)


def _names(segments: Sequence[Segment]) -> str:
    return ", ".join(dict.fromkeys(segment.name.partition("[")[0] for segment in segments if segment.varies))


def _name(value: Op | None) -> str:
    """The argument that a value is made of."""
    stack = [value] if value is not None else []
    while stack:
        op = stack.pop()
        if isinstance(op, Param):
            return op.name
        stack += operands(op)
    return "what varies"
