"""Regular expressions with intersection and complement, read one character at a time by their derivatives.

An oracle: it shares nothing with the compiler, which makes automata of bytes. A derivative of a term by a character is the
term of what may follow (Brzozowski, 1964; the simplifications that keep their number finite are those of Owens, Reppy and
Turon, 2009). Terms are numbers, equal terms the same one. Characters are read by the sets of the term that have them: those
that no set tells apart are one kind.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Code points, first and last of each range, ascending and disjoint."""

SURROGATES = (0xD800, 0xDFFF)
MAX_TERMS = 60_000
"""Of one table; a language that needs more is no case for this oracle."""


class TooLargeError(Exception):
    """The oracle gives up: it would have to write down too many terms."""


class Terms:
    """A table of terms. All sets of characters are made before the first derivative is asked for."""

    def __init__(self) -> None:
        self.nodes: list[tuple[object, ...]] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        self._sets: list[Ranges] = []
        self._bounds: list[int] = []  # where a kind of characters begins, ascending
        self._kinds: list[int] = []  # the kind that begins there, -1 for surrogates
        self._of_set: list[frozenset[int]] = []
        self._derived: dict[tuple[int, int], int] = {}
        self._live: dict[int, bool] = {}
        self._nullable: dict[int, bool] = {}
        self.nothing = self._term("nothing")
        self.empty = self._term("empty")
        self.all = self.negated(self.nothing)

    def _term(self, *node: object) -> int:
        if node not in self._numbers:
            if len(self.nodes) >= MAX_TERMS:
                raise TooLargeError
            self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self._numbers[node]

    def one_of(self, ranges: Iterable[tuple[int, int]]) -> int:
        """One character of a set."""
        chars = tuple(ranges)
        if not chars:
            return self.nothing
        if chars not in self._sets:
            assert not self._bounds, "all sets come before the first derivative"
            self._sets.append(chars)
        return self._term("chars", self._sets.index(chars))

    def text(self, text: str) -> int:
        return self.sequence([self.one_of([(ord(c), ord(c))]) for c in text])

    def sequence(self, parts: Sequence[int]) -> int:
        result = self.empty
        for part in reversed(parts):
            result = self._then(part, result)
        return result

    def _then(self, first: int, second: int) -> int:
        if self.nothing in (first, second):
            return self.nothing
        if first == self.empty:
            return second
        if second == self.empty:
            return first
        node = self.nodes[first]
        if node[0] == "then":  # to the right, so that one sequence is one term
            return self._then(int(str(node[1])), self._then(int(str(node[2])), second))
        return self._term("then", first, second)

    def either(self, parts: Iterable[int]) -> int:
        return self._joined("either", parts, neutral=self.nothing, strong=self.all)

    def both(self, parts: Iterable[int]) -> int:
        return self._joined("both", parts, neutral=self.all, strong=self.nothing)

    def _joined(self, kind: str, parts: Iterable[int], neutral: int, strong: int) -> int:
        found: set[int] = set()
        for part in parts:
            node = self.nodes[part]
            found |= node[1] if node[0] == kind and isinstance(node[1], frozenset) else {part}
        found.discard(neutral)
        if strong in found:
            return strong
        return neutral if not found else found.pop() if len(found) == 1 else self._term(kind, frozenset(found))

    def negated(self, part: int) -> int:
        node = self.nodes[part]
        return int(str(node[1])) if node[0] == "not" else self._term("not", part)

    def repeat(self, body: int, least: int, most: int | None) -> int:
        if body == self.empty or most == 0:
            return self.empty
        if body == self.nothing:
            return self.empty if least == 0 else self.nothing
        if (least, most) == (1, 1):
            return body
        return self._term("repeat", body, 0 if self.nullable(body) else least, most)

    def nullable(self, term: int) -> bool:
        """The empty text matches."""
        if term not in self._nullable:
            self._nullable[term] = self._is_nullable(self.nodes[term])
        return self._nullable[term]

    def _is_nullable(self, node: tuple[object, ...]) -> bool:
        match node:
            case ("empty",):
                return True
            case ("then", int(first), int(second)):
                return self.nullable(first) and self.nullable(second)
            case ("either", frozenset() as parts):
                return any(map(self.nullable, parts))
            case ("both", frozenset() as parts):
                return all(map(self.nullable, parts))
            case ("not", int(part)):
                return not self.nullable(part)
            case ("repeat", _, int(least), _):
                return least == 0
            case _:
                return False

    def kind_of(self, point: int) -> int:
        """The kind of a character."""
        self._tell_apart()
        return self._kinds[bisect.bisect_right(self._bounds, point) - 1]

    def kinds_between(self, first: int, last: int) -> frozenset[int]:
        """The kinds of the characters from first to last, surrogates left out."""
        self._tell_apart()
        start, end = bisect.bisect_right(self._bounds, first) - 1, bisect.bisect_right(self._bounds, last)
        return frozenset(self._kinds[start:end]) - {-1}

    def _tell_apart(self) -> None:
        if self._bounds:
            return
        edges = {0, SURROGATES[0], SURROGATES[1] + 1}
        edges.update(edge for ranges in self._sets for first, last in ranges for edge in (first, last + 1))
        self._bounds = sorted(edge for edge in edges if edge <= 0x10FFFF)
        signatures: list[list[int]] = [[] for _ in self._bounds]
        for number, ranges in enumerate(self._sets):
            for first, last in ranges:
                start, end = bisect.bisect_left(self._bounds, first), bisect.bisect_left(self._bounds, last + 1)
                for at in range(start, end):
                    signatures[at].append(number)
        numbers: dict[tuple[int, ...], int] = {}
        for bound, signature in zip(self._bounds, signatures, strict=True):
            inside = SURROGATES[0] <= bound <= SURROGATES[1]
            self._kinds.append(-1 if inside else numbers.setdefault(tuple(signature), len(numbers)))
        self._of_set = [frozenset(kind for key, kind in numbers.items() if n in key) for n in range(len(self._sets))]

    def derivative(self, term: int, kind: int) -> int:
        """What may follow a character of a kind."""
        key = (term, kind)
        if key not in self._derived:
            self._derived[key] = self._derive(self.nodes[term], kind)
        return self._derived[key]

    def _derive(self, node: tuple[object, ...], kind: int) -> int:
        match node:
            case ("chars", int(number)):
                return self.empty if kind in self._of_set[number] else self.nothing
            case ("then", int(first), int(second)):
                without = [self.derivative(second, kind)] if self.nullable(first) else []
                return self.either([self._then(self.derivative(first, kind), second), *without])
            case ("either", frozenset() as parts):
                return self.either([self.derivative(part, kind) for part in parts])
            case ("both", frozenset() as parts):
                return self.both([self.derivative(part, kind) for part in parts])
            case ("not", int(part)):
                return self.negated(self.derivative(part, kind))
            case ("repeat", int(body), int(least), most):
                fewer = None if most is None else int(str(most)) - 1
                return self._then(self.derivative(body, kind), self.repeat(body, max(0, least - 1), fewer))
            case _:
                return self.nothing

    def live(self, term: int) -> bool:
        """Some text matches."""
        if term in self._live:
            return self._live[term]
        self._tell_apart()
        came_from: dict[int, int | None] = {term: None}
        waiting = [term]
        kinds = set(self._kinds) - {-1}
        while waiting:
            here = waiting.pop()
            if self.nullable(here) or self._live.get(here):
                back: int | None = here
                while back is not None:
                    self._live[back] = True
                    back = came_from[back]
                return True
            for kind in kinds:
                after = self.derivative(here, kind)
                if after not in came_from and self._live.get(after, True):
                    came_from[after] = here
                    waiting.append(after)
        self._live |= dict.fromkeys(came_from, False)
        return False
