r"""A JSON schema to a regex of the answers: JSON texts, each valid for the schema.

    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}
    =>  \{"a": (?:0|-?[1-9][0-9]*)(?:, "b": (?:true|false))?\}

Exact: every text is valid, and every valid value of which the schema names all parts has a text. What is not regular, or
not known here, is refused at its place in the schema. How a value is written:

- One space after `:` and `,` and no other white space, as `json.dumps` writes. So the structure is forced text, which is
  not decoded token by token; a model that is free to write white space can also write it without end.
- Properties in the order of the schema, and none that the schema does not name, even where it would allow them. The same
  holds for the items of `prefixItems` without `items`.
- Names, constants and strings that are counted or have a pattern spell each character in one way: itself, or the escape
  of `json.dumps(..., ensure_ascii=False)`. (Counted, each spelling costs states: with every escape the longest
  `maxLength` is 740.) Other strings may use every escape of JSON; half a surrogate pair is none.
- An integer is written in digits, and an exponent has three digits at most: every double has such a text.
- Dates begin with the year 1, and no minute has 61 seconds: Python's `datetime` knows no others. A domain of an email is
  of letters, digits, hyphens and dots, and its local part is not quoted.
- `oneOf` stands where a value written for one alternative is provably invalid for the others (other types, other
  constants, a property that tells them apart). Elsewhere it is refused: as `anyOf` it would let wrong answers pass.

`pattern` is a search, as JSON Schema says, in the regular part of JavaScript's syntax, with characters as units.
"""

from __future__ import annotations

import json
from typing import NoReturn

from sglc.ir.errors import ConstraintError
from sglc.passes.json_schema.places import Json, beyond
from sglc.passes.json_schema.reader import Reader
from sglc.passes.json_schema.writing import groups_in_one_another
from sglc.passes.regex.syntax import MAX_DEPTH, MAX_OPERATORS


def regex_of_schema(schema: str) -> str:
    """The regex, in Python's syntax, of the JSON texts that may answer a schema; an answer matches as a whole.

    schema: JSON text of an object. Raises `ConstraintError`, with a JSON pointer to the place, for what is no schema, what
    no value is valid for, what is not regular or not known here, and what needs a regex longer than the compiler takes.
    """
    try:
        root: Json = json.loads(schema, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ConstraintError(f"json_schema is no JSON: {error}", hint="give a JSON schema as JSON text") from error
    if not isinstance(root, dict):
        raise ConstraintError("json_schema is not an object", hint='give one, such as {"type": "integer"}')
    try:
        text = Reader(root).value(root, "#")
    except RecursionError as error:  # from whatever depth we are called at
        raise ConstraintError("json_schema is nested too deeply", hint="use fewer values in one another") from error
    if groups_in_one_another(text) > MAX_DEPTH:
        beyond("#", "its values are nested too deeply", "use fewer arrays and objects in one another")
    if sum(map(text.count, "\\.*+?{[|(")) > MAX_OPERATORS:  # as the compiler of regexes counts
        beyond("#", "it needs too complex a regex", "say less, or split the answer into several gens")
    return text


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
