r"""Regexes as llguidance reads them in a schema, made of trees: no character of the user's stands for itself, so no other
reading of the syntax is possible.

    the names that are neither "a" nor "ab"  =>  ^(?:(?:[\x{0}-\x{60}\x{62}-\x{10ffff}]...)?)$
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NoReturn

from sglc.passes.grammar.lark import class_of, regex_of
from sglc.passes.json_schema.patterns import ANYTHING
from sglc.passes.json_schema.places import beyond
from sglc.passes.json_schema.writing import literal
from sglc.passes.regular.automaton import smallest_dfa
from sglc.passes.regular.charset import CharSet, char_set, intersection, union
from sglc.passes.regular.limits import Budget
from sglc.passes.regular.minimise import Dfa
from sglc.passes.regular.nfa import Run
from sglc.passes.regular.source import Source
from sglc.passes.regular.tree import (
    Both,
    Chars,
    Choice,
    Not,
    Regular,
    Repeat,
    Sequence,
    children,
    choice,
    nodes,
    repeat,
    sequence,
)

MAX_WORK = 250_000  # steps of an automaton of names or of a pattern
MAX_STATES = 2_000  # of an automaton that is written out
MAX_REGEX = 100_000  # characters of its regex

_QUOTES: CharSet = ((34, 34), (92, 92))
_CONTROLS: CharSet = ((0, 31),)
_NOT_NUL: CharSet = ((1, 0x10FFFF),)

EVERY_NAME = choice([ANYTHING])


def whole(tree: Regular, at: str, pattern: str = "") -> str:
    """The regex of the strings that a tree matches, anchored. at: the place in the schema that errors name. pattern: what
    the tree was made of, where it was a pattern. Raises `NotRegular` as `written_out` where it looks ahead."""
    if any(isinstance(node, Both | Not) for node in nodes(tree)):
        return written_out(tree, at) or f"^{class_of(())}$"
    return f"^(?:{regex_of(_quotable(tree), Source(f'json_schema at {at}', pattern))})$"


def _quotable(tree: Regular) -> Regular:
    r"""A tree without NUL in such sets, where it would let the library write quotation marks and backslashes.

    Where a set has all control characters, the library takes every escape of one letter for one of its characters, `\"` and
    `\\` too. It may join the sets of alternatives before.
    """
    apart = [chars for chars in set(_sets(tree)) if intersection(chars, _QUOTES) != _QUOTES]
    if intersection(union(apart), _CONTROLS) != _CONTROLS:
        return tree
    return _without_nul(tree, set(apart))


def _sets(tree: Regular) -> Iterator[CharSet]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Chars):
            yield node.chars
        else:
            stack += children(node)


def _without_nul(tree: Regular, sets: set[CharSet]) -> Regular:
    match tree:
        case Chars(chars):
            return Chars(intersection(chars, _NOT_NUL)) if chars in sets else tree
        case Choice(parts):
            return choice(_without_nul(part, sets) for part in parts)
        case Sequence(parts):
            return sequence(_without_nul(part, sets) for part in parts)
        case Repeat(body, least, most, span):
            return repeat(_without_nul(body, sets), least, most, span)
        case _:
            raise AssertionError("no pattern of a schema has these")


def others(taken: Iterable[str], patterns: Iterable[Regular]) -> Regular:
    """The strings that are none of some texts and match none of some trees."""
    known = [*map(literal, taken), *patterns]
    return Not(choice(known)) if known else EVERY_NAME


def but(tree: Regular, taken: Iterable[str]) -> Regular:
    """The strings of a tree that are none of some texts."""
    return Both((tree, others(taken, ())))


def matches(tree: Regular, text: str, at: str) -> bool:
    """Whether a tree matches all of a text."""
    dfa, runs = _automaton(tree, at)
    state = 0 if len(dfa.moves) else -1
    for char in text:
        letter = next((run.letter for run in runs if run.first <= ord(char) <= run.last), -1)
        state = int(dfa.moves[state, letter]) if state >= 0 and letter >= 0 else -1
    return state >= 0 and bool(dfa.accept[state])


def overlap(one: Regular, other: Regular, at: str) -> bool:
    """Whether some string matches two trees."""
    dfa, _ = _automaton(Both((one, other)), at)
    return len(dfa.moves) > 0


@lru_cache(256)
def _automaton(tree: Regular, at: str) -> tuple[Dfa, list[Run]]:
    budget = Budget.of(tree, Source("json_schema", "", root=f"at {at}"))
    budget.work = MAX_WORK
    return smallest_dfa(tree, budget)


def written_out(tree: Regular, at: str) -> str | None:
    """As `whole`, for a tree with complements and intersections, None where it matches nothing: its automaton as a regex, a
    state at a time left out (Brzozowski and McCluskey, 1963). Raises `NotRegular` where that becomes too long."""
    dfa, runs = _automaton(tree, at)
    count = len(dfa.moves)
    if not count:
        return None
    if count > MAX_STATES:
        _too_many(at)
    start, end = count, count + 1
    out: list[dict[int, str]] = [{} for _ in range(count + 2)]  # state -> state -> regex
    into: list[set[int]] = [set() for _ in range(count + 2)]

    def join(one: int, other: int, regex: str) -> None:
        before = out[one].get(other)
        out[one][other] = regex if before is None else f"(?:{before}|{regex})"
        into[other].add(one)

    for state, row in enumerate(dfa.moves.tolist()):
        sets: dict[int, list[tuple[int, int]]] = {}
        for run in runs:
            if row[run.letter] >= 0:
                sets.setdefault(row[run.letter], []).append((run.first, run.last))
        for target, ranges in sets.items():
            chars = intersection(char_set(ranges), _NOT_NUL)  # see _quotable
            if chars:
                join(state, target, class_of(chars))
        if dfa.accept[state]:
            join(state, end, "(?:)")
    join(start, 0, "(?:)")
    left = set(range(count))
    while left:
        state = min(left, key=lambda each: len(out[each]) * len(into[each]))
        left.remove(state)
        again = out[state].pop(state, None)
        into[state].discard(state)
        middle = "" if again is None else f"(?:{again})*"
        for one in into[state]:
            before = out[one].pop(state)
            for other, after in out[state].items():
                join(one, other, f"{before}{middle}{after}".replace("(?:)", "") or "(?:)")
                if len(out[one][other]) > MAX_REGEX:
                    _too_many(at)
        for other in out[state]:
            into[other].discard(state)
    return f"^(?:{out[start][end]})$"


def _too_many(at: str) -> NoReturn:
    what = "what is left of a pattern, or of the names that others leave, is too much to write out"
    beyond(at, what, "name fewer properties, use one pattern for the others, or leave additionalProperties out")
