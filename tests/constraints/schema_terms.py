"""Schemas as terms, from what is said of how answers are written: a second reading of it, and no regex between.

It knows the schemas that `constraints` draws: no references, formats and bounds that are far apart. Each answer is listed
as it is said: the optional properties by all their subsets, integers between bounds one by one.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.constraints.pattern_terms import term_of
from tests.constraints.terms import Terms

_SPACE = "\t\n\r "
_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?"
_INTEGER = r"0|-?[1-9][0-9]*"
_SHORT = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}


def term_of_schema(terms: Terms, schema: Any, space: int | None = None) -> int:
    """The texts that may answer a schema. space: so much white space at most where JSON allows some, but for before and
    after the whole; None: one space after each colon and comma."""
    return _Writer(terms, space).value(schema)


class _Writer:
    def __init__(self, terms: Terms, space: int | None) -> None:
        self.terms = terms
        one = terms.one_of(sorted((ord(c), ord(c)) for c in _SPACE))
        self.free = terms.empty if space is None else terms.repeat(one, 0, space)
        if space is None:
            self.comma, self.colon = terms.text(", "), terms.text(": ")
        else:
            self.comma = terms.sequence([self.free, terms.text(","), self.free])
            self.colon = terms.sequence([self.free, terms.text(":"), self.free])

    def value(self, schema: Any) -> int:
        terms = self.terms
        if "enum" in schema or "const" in schema:
            return terms.either([self.constant(value) for value in schema.get("enum", [schema.get("const")])])
        if "anyOf" in schema:
            return terms.either([self.value(each) for each in schema["anyOf"]])
        match schema["type"]:
            case "object":
                return self.object(schema)
            case "array":
                return self.array(schema)
            case "string":
                return self.string(schema)
            case "integer" if "minimum" in schema:
                return terms.either([terms.text(str(n)) for n in range(schema["minimum"], schema["maximum"] + 1)])
            case "integer":
                return term_of(terms, _INTEGER)
            case "number":
                return term_of(terms, _NUMBER)
            case "boolean":
                return terms.either([terms.text("true"), terms.text("false")])
            case _:
                return terms.text("null")

    def constant(self, value: Any) -> int:
        match value:
            case list():
                return self.listed("[", [self.constant(item) for item in value], "]")
            case dict():
                return self.listed("{", [self.pair(name, self.constant(value[name])) for name in value], "}")
            case _:
                return self.terms.text(json.dumps(value, ensure_ascii=False))

    def listed(self, opening: str, parts: list[int], closing: str) -> int:
        """Parts with commas between; where there are none, white space may stand in their place."""
        terms = self.terms
        apart = [each for part in parts for each in (self.comma, part)][1:]
        inner = [self.free, *apart, self.free] if parts else [self.free]
        return terms.sequence([terms.text(opening), *inner, terms.text(closing)])

    def pair(self, name: str, value: int) -> int:
        return self.terms.sequence([self.terms.text(json.dumps(name, ensure_ascii=False)), self.colon, value])

    def object(self, schema: Any) -> int:
        pairs = {name: self.pair(name, self.value(each)) for name, each in schema["properties"].items()}
        optional = [name for name in pairs if name not in schema["required"]]
        without = itertools.chain.from_iterable(
            itertools.combinations(optional, count) for count in range(len(optional) + 1)
        )
        return self.terms.either(
            [self.listed("{", [pairs[name] for name in pairs if name not in left_out], "}") for left_out in without]
        )

    def array(self, schema: Any) -> int:
        terms, item, least = self.terms, self.value(schema["items"]), schema.get("minItems", 0)
        most = schema.get("maxItems")
        more = terms.repeat(terms.sequence([self.comma, item]), max(0, least - 1), None if most is None else most - 1)
        some = terms.sequence([terms.text("["), self.free, item, more, self.free, terms.text("]")])
        none = [self.listed("[", [], "]")] * (least == 0)
        return terms.either([*none, *[some] * (most != 0)])

    def string(self, schema: Any) -> int:
        """One of a bounded length spells each character in the way of `json.dumps`, another in any."""
        terms = self.terms
        quote = terms.text('"')
        if "pattern" in schema:  # of letters that need no escape
            return terms.sequence([quote, term_of(terms, schema["pattern"]), quote])
        if "maxLength" in schema or schema.get("minLength", 0) > 1:
            plain = terms.one_of([(0x20, 0x21), (0x23, 0x5B), (0x5D, 0xD7FF), (0xE000, 0x10FFFF)])
            escapes = [terms.text("\\" + _SHORT.get(chr(n), f"u{n:04x}")) for n in [*range(0x20), 0x22, 0x5C]]
            one = terms.either([plain, *escapes])
            counted = terms.repeat(one, schema.get("minLength", 0), schema.get("maxLength"))
            return terms.sequence([quote, counted, quote])
        return self.any_string(schema.get("minLength", 0))

    def any_string(self, least: int) -> int:
        """An escape of half a pair stands beside the other half, high then low."""
        terms = self.terms
        quote = terms.text('"')
        plain = term_of(terms, r'[^"\\\x00-\x1f]')
        short = term_of(terms, r'\\["\\/bfnrt]')
        unit = term_of(terms, r"\\u[0-9a-fA-F]{4}")
        half = term_of(terms, r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
        pair = term_of(terms, r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
        one = terms.either([plain, short, terms.both([unit, terms.negated(half)]), pair])
        return terms.sequence([quote, terms.repeat(one, least, None), quote])
