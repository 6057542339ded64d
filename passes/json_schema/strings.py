"""Strings: of some length, of a format, or with a pattern."""

from __future__ import annotations

import json

from sglc.passes.json_schema.formats import FORMATS
from sglc.passes.json_schema.keywords import counts
from sglc.passes.json_schema.lengths import NOTHING, of_length
from sglc.passes.json_schema.patterns import Pattern
from sglc.passes.json_schema.places import Schema, beyond, refuse
from sglc.passes.json_schema.spelling import ANY_SPELLING, text_of, units
from sglc.passes.json_schema.writing import times
from sglc.passes.regular.charset import EVERY

MAX_CHARACTERS = 1_500  # of a counted string: a bit less than what one alone may have in the compiler's bounds


def string(schema: Schema, at: str) -> str:
    least, most = counts(schema, at, "Length")
    if most is not None and least > most:
        refuse(at, f"no string has at least {least} characters and at most {most}", "change minLength or maxLength")
    if max(least, most or 0) > MAX_CHARACTERS:
        keyword = "minLength" if least > MAX_CHARACTERS else "maxLength"
        what = f"more than {MAX_CHARACTERS:,} characters are too many to count"
        beyond(f"{at}/{keyword}", what, "leave it out, and bound the answer with max_tokens")
    if "format" in schema:
        return f'"{_format(schema, at)}"'
    if "pattern" in schema:
        return f'"{_pattern(schema, least, most, at)}"'
    counted = most is not None or least > 1
    return '"' + times(units(EVERY) if counted else ANY_SPELLING, least, most) + '"'


def _pattern(schema: Schema, least: int, most: int | None, at: str) -> str:
    pattern = schema["pattern"]
    if not isinstance(pattern, str):
        refuse(f"{at}/pattern", "it is not a string", "give a regex")
    tree = of_length(Pattern(pattern, f"{at}/pattern").tree(), least, most)
    if tree is None:
        what = "the lengths that minLength and maxLength allow cannot be counted in this pattern"
        beyond(f"{at}/pattern", what, "write the length into the pattern, as in ^[a-z]{1,20}$")
    if tree == NOTHING:
        refuse(at, "no string matches the pattern and has the length", "change pattern, minLength or maxLength")
    return text_of(tree)


def _format(schema: Schema, at: str) -> str:
    name = schema["format"]
    if not isinstance(name, str) or name not in FORMATS:
        hint = "leave it out, write a pattern, or use " + ", ".join(FORMATS)
        beyond(f"{at}/format", f"the format {json.dumps(name)} is not supported", hint)
    for keyword in ("pattern", "minLength", "maxLength"):
        if keyword in schema:
            what = f"{keyword} beside format is not supported"
            beyond(f"{at}/{keyword}", what, "leave one of them out")
    return FORMATS[name]
