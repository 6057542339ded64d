"""A tree of regular operations to the smallest byte automaton.

Characters first, bytes last: an NFA over characters (Thompson), a DFA over classes of characters that the pattern does
not tell apart (subset construction), the smallest one (Hopcroft), and only then UTF-8: each state gets a tree of byte
ranges, shared wherever two trees lead to the same states. Nothing here depends on the size of Unicode.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sglc.ir.errors import ConstraintError
from sglc.passes.regex.charset import CharSet
from sglc.passes.regex.syntax import Chars, Choice, Regular, Repeat, Sequence, refusal

MAX_STATES = 50_000  # of the byte automaton
MAX_POSITIONS = 50_000  # characters in the pattern with its repeats written out
MAX_WORK = 2_000_000  # steps of the constructions: less than a second

ACCEPT = -1
"""The NFA's final state."""


@dataclass(frozen=True, slots=True, eq=False)
class ByteDfa:
    """table: int32 [states, 256], -1 where a byte is not allowed; accept: bool [states]. State 0 is the start, and
    every state can reach an accepting one."""

    table: NDArray[np.int32]
    accept: NDArray[np.bool_]


@dataclass(slots=True)
class _Dfa:
    """A DFA over letters, which are numbers of classes of characters. Missing moves are refusals."""

    moves: list[dict[int, int]]
    accept: list[bool]


@dataclass(slots=True)
class _Budget:
    """Work that is left, and what to blame when none is."""

    pattern: str
    blame: tuple[int, int]
    work: int = MAX_WORK

    def spend(self, work: int) -> None:
        self.work -= work
        if self.work < 0:
            raise self.exceeded()

    def exceeded(self) -> ConstraintError:
        what = f"the regex needs too large an automaton (more than {MAX_STATES:,} states, or too long to build)"
        return refusal(self.pattern, self.blame, what, "make this repeat smaller, or what it repeats simpler")


def byte_dfa(tree: Regular, pattern: str) -> ByteDfa:
    """The smallest DFA over UTF-8 for the full match of a regex; `pattern` is for messages.

    Raises `ConstraintError` where it has too many states or where no text matches.
    """
    budget = _Budget(pattern, _largest_repeat(tree, pattern))
    nfa = _Nfa(tree)
    letters, ranges = _letters(nfa.char_sets)
    dfa = _trimmed(_determinised(nfa, letters, budget))
    if not dfa.moves:
        raise refusal(pattern, (0, len(pattern)), "no text matches the regex", "check its character classes")
    return _bytes(_minimised(dfa, budget), ranges, budget)


def _positions(tree: Regular) -> int:
    """The characters of a tree with its repeats written out."""
    match tree:
        case Chars():
            return 1
        case Sequence(parts) | Choice(parts):
            return sum(map(_positions, parts))
        case Repeat(body, least, most):
            return _positions(body) * max(1, least if most is None else most)


def _repeats(tree: Regular) -> Iterator[Repeat]:
    """The repeats of a tree, inner before outer."""
    match tree:
        case Chars():
            return
        case Sequence(parts) | Choice(parts):
            for part in parts:
                yield from _repeats(part)
        case Repeat(body):
            yield from _repeats(body)
            yield tree


def _largest_repeat(tree: Regular, pattern: str) -> tuple[int, int]:
    """The span of the repeat that makes the automaton large; refuses one that is too large by itself."""
    span, largest = (0, len(pattern)), 0
    for repeat in _repeats(tree):
        size = _positions(repeat)
        if size > MAX_POSITIONS:
            what = f"this repeat stands for {size:,} characters or classes, at most {MAX_POSITIONS:,}"
            raise refusal(pattern, repeat.span, what, "make the repeat smaller")
        counted = max(repeat.least, repeat.most or 0)
        if counted > 1 and size > largest:
            span, largest = repeat.span, size
    if (size := _positions(tree)) > MAX_POSITIONS:
        what = f"the regex stands for {size:,} characters or classes, at most {MAX_POSITIONS:,}"
        raise refusal(pattern, span, what, "make this repeat smaller")
    return span


class _Nfa:
    """States with moves without a character (`free`) and at most one move with one (`step`: set number, next state)."""

    def __init__(self, tree: Regular) -> None:
        self.char_sets: dict[CharSet, int] = {}
        self.free: list[list[int]] = []
        self.step: list[tuple[int, int] | None] = []
        self.start = self._build(tree, ACCEPT)

    def _state(self, free: list[int], step: tuple[int, int] | None = None) -> int:
        self.free.append(free)
        self.step.append(step)
        return len(self.free) - 1

    def _build(self, tree: Regular, after: int) -> int:
        """The state from which `tree` and then `after` is matched."""
        match tree:
            case Chars(chars):
                return self._state([], (self.char_sets.setdefault(chars, len(self.char_sets)), after))
            case Sequence(parts):
                for part in reversed(parts):
                    after = self._build(part, after)
                return after
            case Choice(parts):
                return self._state([self._build(part, after) for part in parts])
            case Repeat(body, least, most):
                if most is None:
                    loop = self._state([])
                    self.free[loop] += [self._build(body, loop), after]
                    entry = loop
                else:
                    entry = after
                    for _ in range(most - least):
                        entry = self._state([self._build(body, entry), after])
                for _ in range(least):
                    entry = self._build(body, entry)
                return entry

    def closure(self, state: int) -> list[int]:
        """The states with a character, and ACCEPT, that are reached without a character."""
        found: list[int] = []
        seen, stack = {state}, [state]
        while stack:
            at = stack.pop()
            if at == ACCEPT or self.step[at] is not None:
                found.append(at)
                continue
            for to in self.free[at]:
                if to not in seen:
                    seen.add(to)
                    stack.append(to)
        return found


def _letters(char_sets: dict[CharSet, int]) -> tuple[list[list[int]], list[tuple[int, int, int]]]:
    """Classes of characters that the sets do not tell apart.

    Returns the letters of each set, and (first, last, letter) for all characters of any set, ascending.
    """
    edges: dict[int, int] = defaultdict(int)  # code point -> bit set of the sets that begin or end there
    for chars, number in char_sets.items():
        for first, last in chars:
            edges[first] ^= 1 << number
            edges[last + 1] ^= 1 << number
    numbers: dict[int, int] = {}
    ranges: list[tuple[int, int, int]] = []
    members, start = 0, 0
    for point in sorted(edges):
        if members:
            ranges.append((start, point - 1, numbers.setdefault(members, len(numbers))))
        members ^= edges[point]
        start = point
    letters: list[list[int]] = [[] for _ in char_sets]
    for members, letter in numbers.items():
        for number in _bits(members):
            letters[number].append(letter)
    return letters, ranges


def _bits(number: int) -> Iterator[int]:
    """The positions of the bits that are set, ascending."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _determinised(nfa: _Nfa, letters: list[list[int]], budget: _Budget) -> _Dfa:
    """The subset construction."""
    closures: dict[int, list[int]] = {}

    def closure(state: int) -> list[int]:
        if state not in closures:
            closures[state] = nfa.closure(state)
            budget.spend(len(closures[state]))
        return closures[state]

    start = frozenset(closure(nfa.start))
    states = {start: 0}
    queue = [start]
    dfa = _Dfa([], [])
    for subset in queue:  # grows
        by_set: dict[int, set[int]] = {}
        for state in subset:
            if state != ACCEPT and (step := nfa.step[state]):
                number, after = step
                reached = closure(after)
                by_set.setdefault(number, set()).update(reached)
                budget.spend(1 + len(reached))
        by_letter: dict[int, list[set[int]]] = {}
        for number, reached in by_set.items():
            budget.spend(len(letters[number]))
            for letter in letters[number]:
                by_letter.setdefault(letter, []).append(reached)
        moves: dict[int, int] = {}
        for letter, targets in by_letter.items():
            target = frozenset(targets[0]) if len(targets) == 1 else frozenset[int]().union(*targets)
            budget.spend(len(target))
            if target not in states:
                states[target] = len(queue)
                queue.append(target)
                if len(queue) > MAX_STATES:
                    raise budget.exceeded()
            moves[letter] = states[target]
        dfa.moves.append(moves)
        dfa.accept.append(ACCEPT in subset)
    return dfa


def _trimmed(dfa: _Dfa) -> _Dfa:
    """The DFA without states that reach no accepting one; without any state where the start is such."""
    into: list[list[int]] = [[] for _ in dfa.moves]
    for state, moves in enumerate(dfa.moves):
        for target in moves.values():
            into[target].append(state)
    useful = {state for state, accepts in enumerate(dfa.accept) if accepts}
    stack = list(useful)
    while stack:
        for state in into[stack.pop()]:
            if state not in useful:
                useful.add(state)
                stack.append(state)
    if 0 not in useful:
        return _Dfa([], [])
    order = {state: number for number, state in enumerate(sorted(useful))}
    return _Dfa(
        [{letter: order[to] for letter, to in dfa.moves[state].items() if to in useful} for state in order],
        [dfa.accept[state] for state in order],
    )


def _minimised(dfa: _Dfa, budget: _Budget) -> _Dfa:
    """Hopcroft's partition refinement, for a DFA with missing moves: every class is a splitter at first, so that no
    class of refused texts is needed."""
    into: list[dict[int, list[int]]] = [{} for _ in dfa.moves]
    for state, moves in enumerate(dfa.moves):
        for letter, target in moves.items():
            into[target].setdefault(letter, []).append(state)
    accepting = {state for state, accepts in enumerate(dfa.accept) if accepts}
    classes = [c for c in (accepting, set(range(len(dfa.moves))) - accepting) if c]
    class_of = {state: number for number, members in enumerate(classes) for state in members}
    waiting = set(range(len(classes)))
    while waiting:
        splitter = list(classes[waiting.pop()])
        sources: dict[int, list[int]] = {}
        for target in splitter:
            for letter, states in into[target].items():
                sources.setdefault(letter, []).extend(states)
                budget.spend(1 + len(states))
        for states in sources.values():
            touched: dict[int, list[int]] = {}
            for state in states:
                touched.setdefault(class_of[state], []).append(state)
            for number, moved in touched.items():
                members = classes[number]
                if len(moved) == len(members):
                    continue
                smaller = set(moved) if 2 * len(moved) <= len(members) else members.difference(moved)
                budget.spend(len(moved) + len(smaller))
                members -= smaller
                classes.append(smaller)
                for state in smaller:
                    class_of[state] = len(classes) - 1
                waiting.add(
                    len(classes) - 1
                )  # where the whole class still waits, so must both parts; else one is enough
    order = {class_of[0]: 0}
    for state in range(len(dfa.moves)):
        order.setdefault(class_of[state], len(order))
    first = {order[class_of[state]]: state for state in reversed(range(len(dfa.moves)))}
    chosen = [first[number] for number in range(len(order))]
    return _Dfa(
        [{letter: order[class_of[to]] for letter, to in dfa.moves[state].items()} for state in chosen],
        [dfa.accept[state] for state in chosen],
    )


@dataclass(frozen=True, slots=True)
class _Tree:
    """(first byte, last byte, what follows) ascending; what follows is another tree, or a letter at the last byte.
    letters: all below, as a bit set."""

    edges: tuple[tuple[int, int, int | _Tree], ...]
    letters: int = field(compare=False)


def _utf8_tree(ranges: list[tuple[int, int, int]]) -> _Tree:
    """The bytes of all characters of the ranges and the letter that each is."""
    sequences = [(spans, letter) for first, last, letter in ranges for spans in _utf8_spans(first, last)]
    trees: dict[_Tree, _Tree] = {}

    def build(low: int, high: int, depth: int) -> _Tree:
        edges: list[tuple[int, int, int | _Tree]] = []
        letters = 0
        at = low
        while at < high:
            spans, letter = sequences[at]
            until = at + 1
            if depth == len(spans) - 1:
                after: int | _Tree = letter
                letters |= 1 << letter
            else:
                while until < high and sequences[until][0][depth] == spans[depth]:
                    until += 1
                after = build(at, until, depth + 1)
                letters |= after.letters
            first, last = spans[depth]
            if edges and edges[-1][1] == first - 1 and edges[-1][2] == after:
                edges[-1] = (edges[-1][0], last, after)
            else:
                edges.append((first, last, after))
            at = until
        tree = _Tree(tuple(edges), letters)
        return trees.setdefault(tree, tree)

    return build(0, len(sequences), 0)


_UTF8_LAST = (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)  # the last character of one, two, three and four bytes


def _utf8_spans(first: int, last: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The byte ranges, one tuple of ranges after another, of the characters first .. last (no surrogates)."""
    for limit in _UTF8_LAST:
        if first <= limit and last > limit:
            yield from _utf8_spans(first, limit)
            yield from _utf8_spans(limit + 1, last)
            return
    for bits in (6, 12, 18):  # split until both ends agree in front and all continuation bytes behind are free
        if first >> bits != last >> bits:
            mask = (1 << bits) - 1
            if first & mask:
                yield from _utf8_spans(first, first | mask)
                yield from _utf8_spans((first | mask) + 1, last)
                return
            if last & mask != mask:
                yield from _utf8_spans(first, (last & ~mask) - 1)
                yield from _utf8_spans(last & ~mask, last)
                return
    yield tuple(zip(chr(first).encode(), chr(last).encode(), strict=True))


def _bytes(dfa: _Dfa, ranges: list[tuple[int, int, int]], budget: _Budget) -> ByteDfa:
    """The DFA over bytes: the states of `dfa` first, then those inside characters."""
    tree = _utf8_tree(ranges) if ranges else _Tree((), 0)
    inside: dict[tuple[tuple[int, int, int], ...], int] = {}
    rows = [_edges(tree, moves, inside, len(dfa.moves), budget) for moves in dfa.moves]
    rows += inside
    if len(rows) > MAX_STATES:
        raise budget.exceeded()
    table = np.full((len(rows), 256), -1, dtype=np.int32)
    for state, edges in enumerate(rows):
        for first, last, target in edges:
            table[state, first : last + 1] = target
    return ByteDfa(table, np.array(dfa.accept + [False] * len(inside), dtype=np.bool_))


def _edges(
    tree: _Tree,
    moves: dict[int, int],
    inside: dict[tuple[tuple[int, int, int], ...], int],
    offset: int,
    budget: _Budget,
) -> tuple[tuple[int, int, int], ...]:
    """(first byte, last byte, next state) of a state with the given moves; states inside characters are `inside`."""
    live = sum(1 << letter for letter in moves)
    known: dict[int, int] = {}

    def edges(tree: _Tree) -> tuple[tuple[int, int, int], ...]:
        budget.spend(len(tree.edges))
        found: list[tuple[int, int, int]] = []
        for first, last, after in tree.edges:
            if isinstance(after, int):
                target = moves.get(after, -1)
            elif not after.letters & live:
                target = -1
            else:
                if id(after) not in known:
                    known[id(after)] = inside.setdefault(edges(after), offset + len(inside))
                target = known[id(after)]
            if target < 0:
                continue
            if found and found[-1][1] == first - 1 and found[-1][2] == target:
                found[-1] = (found[-1][0], last, target)
            else:
                found.append((first, last, target))
        return tuple(found)

    result = edges(tree)
    if offset + len(inside) > MAX_STATES:
        raise budget.exceeded()
    return result
