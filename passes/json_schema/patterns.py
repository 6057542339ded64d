"""Regexes in JavaScript's syntax, to trees of what a string with a match in it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NoReturn

from sglc.ir.values import MAX_CONSTRAINT
from sglc.passes.json_schema.javascript import TOKEN, UNIT, UNKNOWN, characters
from sglc.passes.json_schema.places import refuse
from sglc.passes.json_schema.writing import is_one
from sglc.passes.regex.python import refusal
from sglc.passes.regex.syntax import MAX_DEPTH
from sglc.passes.regular import tree as rx
from sglc.passes.regular.charset import EVERY, CharSet, char_set, complement, union

ANYTHING = rx.Repeat(rx.Chars(EVERY), 0, None, "")


@dataclass(slots=True)
class _Group:
    """looks: what comes next must match it (True), or must not; None is a group of its own text."""

    branches: list[list[_Item]]
    looks: bool | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    """atom: characters, an anchor, or a group. counts: least and most, where a quantifier stands after it."""

    atom: CharSet | str | _Group
    span: tuple[int, int]
    counts: tuple[int, int | None] | None = None

    @property
    def looks(self) -> bool | None:
        return self.atom.looks if isinstance(self.atom, _Group) else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the pattern a part stands. before, after: at that end, where other text may be. start: where the text is
    known to start. tail: nothing of the pattern comes behind it."""

    before: bool = False
    after: bool = False
    start: bool = False
    tail: bool = False


class Pattern:
    """Reads one regex in JavaScript's syntax, for a search."""

    def __init__(self, pattern: str, at: str) -> None:
        self._pattern = pattern
        self._at = at

    def tree(self) -> rx.Regular:
        """What the whole string matches when the pattern is found in it."""
        if len(self._pattern) > (most := MAX_CONSTRAINT["regex"]):
            what = f"the pattern is too long: {len(self._pattern):,} characters, at most {most:,}"
            refuse(self._at, what, "say less, or split the answer into several gens")
        return self._choice(self._read(), _Place(before=True, after=True, start=False, tail=True))

    def _read(self) -> _Group:
        stack = [_Group([[]])]
        for token in self._tokens():
            text, span = token[0], token.span()
            items = stack[-1].branches[-1]
            match token.lastgroup:
                case "open":
                    if len(stack) > MAX_DEPTH:
                        self._refuse(span, f"more than {MAX_DEPTH} groups in one another", "make it simpler")
                    stack.append(_Group([[]], {"(?=": True, "(?!": False}.get(text)))
                    items.append(_Item(stack[-1], span))
                case "close":
                    stack.pop()
                    if not stack:
                        self._refuse(span, "no group begins before this", "write \\) for the character itself")
                case "bar":
                    stack[-1].branches.append([])
                case "count":
                    if not items or items[-1].counts or isinstance(items[-1].atom, str) or items[-1].looks is not None:
                        self._refuse(span, "nothing to repeat", "escape it, or leave it out")
                    items[-1] = replace(items[-1], counts=self._counts(text, span))
                case "anchor":
                    items.append(_Item(text, span))
                case "class":
                    items.append(_Item(self._class(text, span), span))
                case _:
                    items.append(_Item(self._some(characters(text), span), span))
        if len(stack) > 1:
            span = stack[-2].branches[-1][-1].span
            self._refuse(span, "this group has no end", "add the ), or write \\( for the character itself")
        return stack[0]

    def _tokens(self) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(self._pattern):
            token = TOKEN.match(self._pattern, at)
            if token is None:
                what, hint = UNKNOWN[self._pattern[at]]
                self._refuse((at, min(at + 2, len(self._pattern))), what, hint)
            yield token
            at = token.end()

    def _counts(self, text: str, span: tuple[int, int]) -> tuple[int, int | None]:
        if not text.startswith("{"):
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text[0]]
        least, comma, most = text[1 : text.index("}")].partition(",")
        counts = (int(least), (int(most) if most else None) if comma else int(least))
        if counts[1] is not None and counts[1] < counts[0]:
            self._refuse(span, "it repeats at least more often than at most", "write the smaller number first")
        return counts

    def _class(self, text: str, span: tuple[int, int]) -> CharSet:
        body = text[1:-1].removeprefix("^")
        units: list[str] = UNIT.findall(body)
        if "".join(units) != body:
            self._refuse(span, *UNKNOWN["\\"])
        sets: list[CharSet] = []
        while units:
            first = characters(units.pop(0), in_class=True)
            if len(units) > 1 and units[0] == "-":
                last = characters(units[1], in_class=True)
                if not is_one(first) or not is_one(last) or last < first:
                    self._refuse(span, "a range goes from one character to a later one", "write \\- for a minus")
                first = char_set([(first[0][0], last[0][0])])
                del units[:2]
            sets.append(first)
        chars = union(sets)
        return self._some(complement(chars) if text.startswith("[^") else chars, span)

    def _some(self, chars: CharSet, span: tuple[int, int]) -> CharSet:
        if not chars:
            self._refuse(span, "no character matches this", "leave it out; a character beyond U+FFFF is \\u{HEX}")
        return chars

    def _choice(self, group: _Group, place: _Place) -> rx.Regular:
        return rx.choice([self._branch(items, place) for items in group.branches])

    def _branch(self, items: list[_Item], place: _Place) -> rx.Regular:
        begins = bool((place.before or place.start) and items and items[0].atom == "^")
        items = items[begins:]
        ends = bool(place.after and items and items[-1].atom == "$")
        items = items[: len(items) - ends]
        before, after = place.before and not begins, place.after and not ends
        return self._items(items, _Place(before, after, begins or place.start, place.tail))

    def _items(self, items: list[_Item], place: _Place) -> rx.Regular:
        if not items:
            return ANYTHING if place.before or place.after else rx.EMPTY
        looking = next((index for index, item in enumerate(items) if item.looks is not None), None)
        if looking is not None:
            return self._looking(items, looking, place)
        last = len(items) - 1
        return rx.sequence(
            self._item(
                item,
                _Place(
                    place.before and index == 0,
                    place.after and index == last,
                    place.start and index == 0,
                    place.tail and index == last,
                ),
            )
            for index, item in enumerate(items)
        )

    def _looking(self, items: list[_Item], index: int, place: _Place) -> rx.Regular:
        """Of items with a look ahead: what comes behind it and what it looks for hold of the same text, up to its end."""
        look = items[index]
        assert isinstance(look.atom, _Group)
        if not place.tail:
            what = "a look ahead is supported only where all that comes behind it is in its alternative"
            self._refuse(look.span, what, "say it without, or write the groups around it out")
        start = place.start and index == 0
        rest = self._items(items[index + 1 :], _Place(after=place.after, start=start, tail=True))
        sought = self._choice(look.atom, _Place(after=True, start=start, tail=True))
        parts = rest.parts if isinstance(rest, rx.Both) else (rest,)
        behind = rx.Both((*parts, sought if look.looks else rx.Not(sought)))
        if index:
            return rx.sequence([self._items(items[:index], _Place(before=place.before, start=place.start)), behind])
        return rx.sequence([*[ANYTHING] * place.before, behind])

    def _item(self, item: _Item, place: _Place) -> rx.Regular:
        if isinstance(item.atom, str):
            edge = "start" if item.atom == "^" else "end"
            self._refuse(item.span, f"{item.atom} is supported only at the {edge} of the pattern", "leave it out")
        if isinstance(item.atom, _Group) and not item.counts:
            return self._choice(item.atom, place)
        atom = item.atom
        body = self._choice(atom, _Place()) if isinstance(atom, _Group) else rx.Chars(atom)
        tree = rx.repeat(body, *(item.counts or (1, 1)), item.span)
        return rx.sequence([*[ANYTHING] * place.before, tree, *[ANYTHING] * place.after])

    def _refuse(self, span: tuple[int, int], what: str, hint: str) -> NoReturn:
        raise refusal(self._pattern, span, f"json_schema at {self._at}: {what}", hint)
