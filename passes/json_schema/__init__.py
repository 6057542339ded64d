r"""A JSON schema to a tree of the answers: JSON texts, each valid for the schema.

    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}
    =>  what the regex \{"a": (?:0|-?[1-9][0-9]*)(?:, "b": (?:true|false))?\} is read as

Exact: every text is valid, and every valid value of which the schema names all parts has a text. What is not regular, or
not known here, is refused at its place in the schema. How a value is written:

- One space after `:` and `,` and no other white space, as `json.dumps` writes. So the structure is forced text, which is
  not decoded token by token; a model that is free to write white space can also write it without end. On request, some
  characters of white space at most wherever JSON allows any (but before and after the whole), or none at all.
- Properties in the order of the schema, and none that the schema does not name, even where it would allow them. The same
  holds for the items of `prefixItems` without `items`.
- Names, constants and strings that are counted or have a pattern spell each character in one way: itself, or the escape
  of `json.dumps(..., ensure_ascii=False)`. (Counted, each spelling costs states.) Other strings may use every escape of
  JSON; half a surrogate pair is none.
- An integer is written in digits, and an exponent has three digits at most: every double has such a text.
- Dates begin with the year 1, and no minute has 61 seconds: Python's `datetime` knows no others. T and Z are capitals, as
  RFC 3339 has whoever writes a time do. A domain of an email is of letters, digits, hyphens and dots, with one dot at
  least: what has none is a local alias, which RFC 5321 (2.3.5) lets nobody send. Its local part is not quoted.
- `oneOf` stands where a value written for one alternative is provably invalid for the others (other types, other
  constants, a property that tells them apart). Elsewhere it is refused: as `anyOf` it would let wrong answers pass.
- Of several types, those of which no value is valid go away.

`pattern` is a search, as JSON Schema says, in the regular part of JavaScript's syntax, with characters as units. Looks ahead
are among it where all that comes behind is in their own alternative, as in `^(?=.*[0-9])[a-z0-9]+$`.
"""

from __future__ import annotations

import json
from typing import NoReturn

from sglc.ir.errors import ConstraintError
from sglc.ir.values import MAX_CONSTRAINT
from sglc.passes.json_schema.places import Json
from sglc.passes.json_schema.reader import Reader
from sglc.passes.json_schema.writing import Layout
from sglc.passes.regular.tree import Regular


def tree_of_schema(schema: str, whitespace: int | None = None) -> Regular:
    """The tree of the JSON texts that may answer a schema. Its repeats and parts have places in words.

    schema: JSON text of an object. whitespace: characters of white space at most between two tokens, 0 for none; None is
    one space after each `:` and `,`. Raises `ConstraintError`, with a JSON pointer to the place, for what is no schema,
    what no value is valid for, and what is not regular or not known here. What is too large the compiler of trees finds.
    """
    if len(schema) > (most := MAX_CONSTRAINT["json_schema"]):
        what = f"json_schema is too long: {len(schema):,} characters, at most {most:,}"
        raise ConstraintError(what, hint="split the answer into several gens")
    try:
        root: Json = json.loads(schema, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ConstraintError(f"json_schema is no JSON: {error}", hint="give a JSON schema as JSON text") from error
    if not isinstance(root, dict):
        raise ConstraintError("json_schema is not an object", hint='give one, such as {"type": "integer"}')
    try:
        return Reader(root, Layout.of(whitespace)).value(root, "#")
    except RecursionError as error:  # from whatever depth we are called at
        raise ConstraintError("json_schema is nested too deeply", hint="use fewer values in one another") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
