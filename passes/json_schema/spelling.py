"""Characters as JSON spells them in a string, and constants as JSON."""

from __future__ import annotations

import json
from functools import lru_cache

from sglc.ir.values import what_is_wrong_with_text
from sglc.passes.json_schema.places import Json, refuse
from sglc.passes.json_schema.writing import Layout, either, literal, one_of, times, written
from sglc.passes.regular import tree as rx
from sglc.passes.regular.charset import EVERY, CharSet, char_set, complement, intersection

_SHORT = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 92: "\\"}
"""The characters that JSON has a short escape for."""
_PLAIN = complement(char_set([(0, 31), (34, 34), (92, 92)]))


def spelled(value: Json, at: str) -> str:
    """A constant as JSON. Raises `ConstraintError` for one that has no text."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        refuse(at, "a number is too large", "use one that fits a double")
    if what_is_wrong_with_text(text):
        refuse(at, "a text holds half a character (a lone surrogate)", "write the whole character")
    return text


def constant(value: Json, layout: Layout, at: str) -> rx.Regular:
    """A constant in one spelling, with the layout's white space. Raises as `spelled`."""
    match value:
        case list():
            return _enclosed("[]", [constant(item, layout, at) for item in value], layout)
        case dict():
            members = [
                written(spelled(name, at), layout.colon, constant(item, layout, at)) for name, item in value.items()
            ]
            return _enclosed("{}", members, layout)
        case _:
            return literal(spelled(value, at))


def _enclosed(brackets: str, trees: list[rx.Regular], layout: Layout) -> rx.Regular:
    spaced = [part for tree in trees for part in (layout.comma, tree, layout.space)][1:]
    return layout.enclosed(brackets, written(*spaced), empty=False)


def in_string(tree: rx.Regular, at: str) -> rx.Regular:
    """The spelling, in a string of JSON, of what a tree of characters matches. at: the place of its repeats."""
    match tree:
        case rx.Chars(chars):
            return units(chars)
        case rx.Sequence(parts):
            return rx.sequence(in_string(part, at) for part in parts)
        case rx.Choice(parts):
            return rx.choice(in_string(part, at) for part in parts)
        case rx.Repeat(body, least, most):
            return times(in_string(body, at), least, most, at)
        case rx.Both(parts):  # of spellings too: each string has one
            return rx.Both(tuple(in_string(part, at) for part in parts))
        case rx.Not(body):  # stands in a Both, beside what is spelled
            return rx.Not(in_string(body, at))
        case _:
            raise AssertionError("no pattern of a schema has these")


@lru_cache(256)
def units(chars: CharSet) -> rx.Regular:
    """One of the characters, each spelled in its one way."""
    plain = intersection(chars, _PLAIN)
    special = [point for first, last in intersection(chars, complement(_PLAIN)) for point in range(first, last + 1)]
    digits = [f"{point:02x}" for point in special if point not in _SHORT]
    numbered = [
        written(high, rx.Chars(char_set((ord(low), ord(low)) for start, low in digits if start == high)))
        for high in dict.fromkeys(start for start, _ in digits)
    ]
    escapes = [literal(_SHORT[point]) for point in special if point in _SHORT]
    escapes += [written("u00", either(*numbered))] * bool(numbered)
    return either(*[rx.Chars(plain)] * bool(plain), *[written("\\", either(*escapes))] * bool(escapes))


@lru_cache(1)
def any_spelling() -> rx.Regular:
    """One character in a string, with every escape; half a surrogate pair is none."""
    digit, d = one_of("09afAF"), one_of("ddDD")
    unit = either(written(one_of("09aceeffACEEFF"), digit, digit, digit), written(d, one_of("07"), digit, digit))
    pair = written(d, one_of("89abAB"), digit, digit, "\\u", d, one_of("cfCF"), digit, digit)
    escape = either(one_of('""\\\\//bbffnnrrtt'), written("u", either(unit, pair)))
    return either(rx.Chars(_PLAIN), written("\\", escape))


def every_character() -> rx.Regular:
    """One character in a string, in its one spelling."""
    return units(EVERY)
