"""Regular expressions."""

from __future__ import annotations

import re

from tests.language.idioms.table import idiom, start


@idiom("so", "a 12", "", "٣ é", "3\n4")
def re_search(s, row):
    a = start(s, row)
    found = re.search(r"(\d)(\d*)", a)
    s += f" {found[1]} at {found.start()}" if found else " none"
    return found.groups() if found else None


@idiom("so", "yes, so", "", "Yes", "no: why")
def re_match_case(s, row):
    a = start(s, row)
    if re.match("yes|no", a):
        s += " prefix"
    if re.fullmatch(r"\w*", a, re.I):
        s += " word"
    if m := re.match(r"(?P<word>\w+)(?:: (?P<reason>.*))?", a):
        return m.groupdict()
    return None


COMPILED = re.compile(r"([a-z]+)=(\d+)")


@idiom("so", "a=1", "", "a=1, b=22;c=", "é=1")
def re_compiled(s, row):
    a = start(s, row)
    pairs = {m[1]: int(m[2]) for m in COMPILED.finditer(a)}
    s += str(COMPILED.findall(a)) + COMPILED.sub(r"\2=\1", a)
    return pairs


@idiom("so", "a1b2", "", "12", "a.b")
def re_substitution(s, row):
    a = start(s, row)
    s += re.sub(r"\d", lambda m: str(int(m.group()) + 1), a) + "|".join(re.split(r"\d", a))
    return [re.subn("[a-z]", "", a), re.findall(re.escape(a), "so a.b axb") if a else []]


@idiom("so", "[", "s+", "", "(o)")
def re_pattern_of_the_answer(s, row):
    a = start(s, row)
    try:
        s += str(re.findall(a, "so [so]"))
    except re.error as error:
        s += f" {error}"
