"""Strings: of some length, of a format, or with a pattern."""

from __future__ import annotations

import json

from sglc.passes.json_schema.formats import ANY_TEXT, FORMATS
from sglc.passes.json_schema.keywords import counts
from sglc.passes.json_schema.lengths import NOTHING, of_length
from sglc.passes.json_schema.patterns import Pattern
from sglc.passes.json_schema.places import Schema, beyond, none_is_valid, refuse
from sglc.passes.json_schema.spelling import any_spelling, every_character, in_string
from sglc.passes.json_schema.writing import times, written
from sglc.passes.regular.tree import Regular


def string(schema: Schema, at: str) -> Regular:
    least, most = counts(schema, at, "Length")
    if most is not None and least > most:
        what = f"no string has at least {least} characters and at most {most}"
        none_is_valid(at, what, "change minLength or maxLength")
    return written('"', _body(schema, least, most, at), '"')


def _body(schema: Schema, least: int, most: int | None, at: str) -> Regular:
    if "format" in schema and schema["format"] not in ANY_TEXT:
        return _format(schema, at)
    if "pattern" in schema:
        return _pattern(schema, least, most, at)
    unit = any_spelling() if most is None and least <= 1 else every_character()
    return times(unit, least, most, f"{at}/{'minLength' if most is None else 'maxLength'}")


def _pattern(schema: Schema, least: int, most: int | None, at: str) -> Regular:
    pattern = schema["pattern"]
    if not isinstance(pattern, str):
        refuse(f"{at}/pattern", "it is not a string", "give a regex")
    tree = of_length(Pattern(pattern, f"{at}/pattern").tree(), least, most)
    if tree is None:
        what = "the lengths that minLength and maxLength allow cannot be counted in this pattern"
        beyond(f"{at}/pattern", what, "write the length into the pattern, as in ^[a-z]{1,20}$")
    if tree == NOTHING:
        what = "no string matches the pattern and has the length"
        none_is_valid(at, what, "change pattern, minLength or maxLength")
    return in_string(tree, f"{at}/pattern")


def _format(schema: Schema, at: str) -> Regular:
    name = schema["format"]
    if not isinstance(name, str) or name not in FORMATS:
        hint = "leave it out, write a pattern, or use " + ", ".join(FORMATS)
        beyond(f"{at}/format", f"the format {json.dumps(name)} is not supported", hint)
    for keyword in ("pattern", "minLength", "maxLength"):
        if keyword in schema:
            what = f"{keyword} beside format is not supported"
            beyond(f"{at}/{keyword}", what, "leave one of them out")
    return FORMATS[name]
