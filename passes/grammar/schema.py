"""A JSON schema to a grammar of llguidance's own.

The library reads the schema itself, in a form that means there what it means here (`normal.py`). It is asked to be strict;
keywords that it does not know are refused by name (it passes over them in silence), and so are schemas that no finite text
is valid for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from sglc.passes.ebnf.depth import MAX_DEPTH, depth
from sglc.passes.grammar.library import complaint
from sglc.passes.grammar.normal import Normal
from sglc.passes.json_schema.places import Json, Schema, beyond, refuse
from sglc.passes.regular.source import NotRegular


def lark_of_schema(text: str, whitespace: int | None) -> str:
    """The grammar of the answers, white space between 0 and `whitespace` characters wherever JSON allows some; None: one
    space after each `:` and `,` and no other.

    text: JSON of an object. Raises `ConstraintError` for keywords that the library does not know, for a schema that no text
    is valid for, and for one that goes too deep for the library.
    """
    root = cast("Schema", json.loads(text))
    normal = Normal(root, closed=True)
    _check_depth(normal)
    finite = _finite(normal)
    if not _holds(normal.root, finite):
        if normal.nothing:
            raise normal.nothing[0]
        refuse("#", "no text is valid for it: it contains itself without end", "give it a way to end")
    if normal.exclusive:  # closed objects exclude one another more often than those that the schema means
        meant = Normal(root, closed=False)
        _check_depth(meant)
        if found := complaint(_grammar(meant, _finite(meant), whitespace)):
            raise NotRegular(f"llguidance: {found}", hint="use anyOf")
    return _grammar(normal, finite, whitespace)


def _grammar(normal: Normal, finite: set[str], whitespace: int | None) -> str:
    """The grammar of the entries that have a finite text."""
    options: dict[str, Json] = {
        "item_separator": ", " if whitespace is None else ",",
        "key_separator": ": " if whitespace is None else ":",
        "whitespace_flexible": bool(whitespace),
        "coerce_one_of": False,
        "lenient": False,
    }
    if whitespace:
        options["whitespace_pattern"] = f"[\\x20\\x0A\\x0D\\x09]{{1,{whitespace}}}"
    defs = {name: _pruned(schema, finite) for name, schema in normal.defs.items() if name in finite}
    return f"start: %json {json.dumps({**normal.root, '$defs': defs, 'x-guidance': options})}"


def _check_depth(normal: Normal) -> None:
    levels = depth(_target(normal.root), lambda name: _steps(normal.defs[name], 0))
    if levels > MAX_DEPTH:
        what = f"its schemas lead to one another through {levels:,} levels, at most {MAX_DEPTH:,}"
        beyond("#", what, "say less, or split the answer into several gens")


def _steps(schema: Json, level: int) -> Iterator[tuple[int, str]]:
    """The entries that a schema leads to, and at which level of it."""
    match schema:
        case list():
            for each in schema:
                yield from _steps(each, level)
        case {"$ref": str()}:
            yield level + 1, _target(schema)
        case dict():
            for keyword, said in schema.items():
                if keyword in ("properties", "patternProperties") and isinstance(said, dict):
                    yield from _steps(list(said.values()), level + 1)
                elif keyword not in ("enum", "const"):
                    yield from _steps(said, level + 1)
        case _:
            return


def _finite(normal: Normal) -> set[str]:
    """The entries that a finite text can be valid for, as far as what contains itself decides it: the least fixed point."""
    finite: set[str] = set()
    left = list(reversed(normal.defs))  # what is inside comes after what it is in, mostly
    while True:
        waiting = [name for name in left if not _holds(normal.defs[name], finite)]
        if len(waiting) == len(left):
            return finite
        finite |= set(left) - set(waiting)
        left = waiting


def _holds(schema: Json, finite: set[str]) -> bool:
    """Whether a finite text is valid for a schema in its normal form where the entries known so far have one."""
    if not isinstance(schema, dict):
        return schema is not False
    if "$ref" in schema:
        return _target(schema) in finite
    for keyword in ("anyOf", "oneOf"):
        if isinstance(branches := schema.get(keyword), list):
            return any(_holds(each, finite) for each in branches)
    kinds = _kinds(schema)
    return not kinds or any(_kind_holds(kind, schema, finite) for kind in kinds)


def _kind_holds(kind: Json, schema: Schema, finite: set[str]) -> bool:
    if kind == "object":
        properties, required = schema.get("properties"), schema.get("required")
        if isinstance(properties, dict) and isinstance(required, list):
            return all(_holds(properties[name], finite) for name in required if isinstance(name, str))
    least = schema.get("minItems")
    if kind == "array" and isinstance(least, int):
        prefix, items = schema.get("prefixItems"), schema.get("items", True)
        firsts = prefix if isinstance(prefix, list) else []
        return all(_holds(each, finite) for each in [*firsts, items][:least])
    return True


def _pruned(schema: Json, finite: set[str]) -> Json:
    """A schema without what no finite text is valid for; False where nothing is left."""
    if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
        return schema
    if "$ref" in schema:
        return schema if _target(schema) in finite else False
    made: Schema = dict(schema)
    for keyword in ("anyOf", "oneOf"):
        if isinstance(branches := schema.get(keyword), list):
            left = [each for each in (_pruned(branch, finite) for branch in branches) if each is not False]
            return {keyword: left} if left else False
    for keyword in ("properties", "patternProperties"):
        if isinstance(members := schema.get(keyword), dict):
            made[keyword] = {name: _pruned(member, finite) for name, member in members.items()}
    if isinstance(firsts := schema.get("prefixItems"), list):
        heads = [_pruned(each, finite) for each in firsts]
        until = heads.index(False) if False in heads else len(heads)
        made["prefixItems"] = heads[:until]
        if until < len(heads):
            made["items"] = False
    if "items" in made:
        made["items"] = _pruned(made["items"], finite)
    if kinds := _kinds(schema):
        left = [kind for kind in kinds if _kind_holds(kind, schema, finite)]
        made["type"] = left[0] if len(left) == 1 else left
        return made if left else False
    return made


def _kinds(schema: Schema) -> list[Json]:
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _target(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
