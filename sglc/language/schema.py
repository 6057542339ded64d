"""JSON schemas of gens as regular expressions, each made once."""

from __future__ import annotations

import functools

from sglc.ir.errors import ConstraintError
from sglc.language.symbolic import user_location


def schema_regex(schema: str) -> str:
    """Raises `ConstraintError` at the user's line for a schema that is not supported."""
    try:
        return _regex(schema)
    except ConstraintError as error:
        raise ConstraintError(error.what, where=user_location(), hint=error.hint) from None


@functools.lru_cache(256)
def _regex(schema: str) -> str:
    from sglc.passes.json_schema import regex_of_schema  # here: `import sglc` needs none of it

    return regex_of_schema(schema)
