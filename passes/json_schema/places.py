"""Schemas, and what is said of a place in one."""

from __future__ import annotations

import re
from typing import NoReturn, TypeAlias

from sglc.ir.errors import ConstraintError
from sglc.passes.regular.source import NotRegular, shortened

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Schema: TypeAlias = dict[str, Json]


def _said(at: str, what: str) -> str:
    return f"json_schema at {shortened(at)}: {shortened(what)}"


def refuse(at: str, what: str, hint: str) -> NoReturn:
    """at: a JSON pointer as a fragment, such as `#/properties/a`."""
    raise ConstraintError(_said(at, what), hint=hint)


class NoneIsValidError(ConstraintError):
    """No value of one type is valid."""


def none_is_valid(at: str, what: str, hint: str) -> NoReturn:
    """As `refuse`, for a type of which no value is valid; beside others it goes away."""
    raise NoneIsValidError(_said(at, what), hint=hint)


def beyond(at: str, what: str, hint: str) -> NoReturn:
    """`refuse` for what makes sense, but is not regular, not known here, or too large."""
    raise NotRegular(_said(at, what), hint=hint)


def escaped(name: str) -> str:
    """A step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def part(value: Json, step: str) -> Json:
    """What a step of a JSON pointer leads to, None where that is nothing."""
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and re.fullmatch("[0-9]{1,6}", step) and int(step) < len(value):
        return value[int(step)]
    return None
