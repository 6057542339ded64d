"""The regular operations as a tree, built in a simple form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from sglc.passes.regular.charset import CharSet, union
from sglc.passes.regular.source import Place


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    chars: CharSet


@dataclass(frozen=True, slots=True)
class Token:
    """The token with that id, which has no text here: no other token stands for it. span: where it was written."""

    id: int
    span: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Regular, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the parts; no text at all where there is none."""

    parts: tuple[Regular, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`body`, `least` to `most` times; None is without end. span: where it was written."""

    body: Regular
    least: int
    most: int | None
    span: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Both:
    """Texts that every part matches, each part by itself and as a whole."""

    parts: tuple[Regular, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Texts that `body`, by itself and as a whole, does not match."""

    body: Regular


@dataclass(frozen=True, slots=True)
class Look:
    """No text, at a place where `body` matches what comes next (`ahead`) or what came before; where it does not, with
    `wanted` false. span: where it was written."""

    body: Regular
    ahead: bool
    wanted: bool
    span: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Atomic:
    """`body`, of which Python tries no second match once it has one: refused where that makes a difference. greedy: no
    repeat in it is lazy. span: where it was written."""

    body: Regular
    greedy: bool
    span: Place = field(compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """`body`, which may stand at many places: its automaton is built once. Compared by identity, so that the trees it
    stands in are compared, hashed and walked without its body. span: where it was written, and what is in it without a
    place of its own ("")."""

    body: Regular
    span: Place


Regular: TypeAlias = Chars | Token | Sequence | Choice | Repeat | Both | Not | Look | Atomic | Part

SMALL = 8  # nodes
EMPTY = Sequence(())


def sequence(parts: Iterable[Regular]) -> Regular:
    flat = [x for part in parts for x in (part.parts if isinstance(part, Sequence) else (part,))]
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def choice(parts: Iterable[Regular]) -> Regular:
    """The alternatives, each once, those of single characters as one set."""
    flat = dict.fromkeys(x for part in parts for x in (part.parts if isinstance(part, Choice) else (part,)))
    chars = [part.chars for part in flat if isinstance(part, Chars)]
    others = [part for part in flat if not isinstance(part, Chars)]
    merged = [Chars(union(chars)), *others] if chars else others
    return merged[0] if len(merged) == 1 else Choice(tuple(merged))


def repeat(body: Regular, least: int, most: int | None, span: Place) -> Regular:
    """The repeat, simpler where the body is one too: (x?){m,n} is x{0,n}, and (x+){m,n} is x{m,}."""
    if most == 0 or body == EMPTY:
        return EMPTY
    if least == most == 1:
        return body
    if isinstance(body, Repeat) and (body.least, body.most) == (0, 1):
        return Repeat(body.body, 0, most, span)
    if isinstance(body, Repeat) and body.least <= 1 and body.most is None:
        return Repeat(body.body, least * body.least, None, span)
    return Repeat(body, least, most, span)


def children(tree: Regular) -> tuple[Regular, ...]:
    if isinstance(tree, (Sequence, Choice)):  # most are
        return tree.parts
    match tree:
        case Chars() | Token():
            return ()
        case Both(parts):
            return parts
        case Repeat(body) | Not(body) | Look(body) | Atomic(body) | Part(body):
            return (body,)


def nodes(tree: Regular) -> Iterator[Regular]:
    """All nodes of a tree but those for one character, outer before inner; a part that stands at many places once."""
    seen: set[Part] = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Part):
            if node in seen:
                continue
            seen.add(node)
        yield node
        stack += [child for child in reversed(children(node)) if not isinstance(child, Chars)]  # most are


def atomic(body: Regular, greedy: bool, span: Place) -> Regular:
    """The atomic group, or its body where that has one match by its very shape."""
    parts = body.parts if isinstance(body, Sequence) else (body,)
    return body if all(isinstance(part, Chars | Atomic) for part in parts) else Atomic(body, greedy, span)


def often(tree: Regular) -> set[Part]:
    """The parts that stand at several places and are not small."""
    seen, again = set[Part](), set[Part]()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Part):
            if node in seen:
                again.add(node)
                continue
            seen.add(node)
        stack += [child for child in children(node) if not isinstance(child, Chars)]  # most are
    return {part for part in again if not _is_small(part.body)}


def _is_small(tree: Regular) -> bool:
    """Whether it has at most `SMALL` nodes, where a part is one."""
    stack, count = [tree], 0
    while stack and count <= SMALL:
        node = stack.pop()
        count += 1
        if not isinstance(node, Part):
            stack += children(node)
    return count <= SMALL
