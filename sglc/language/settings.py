"""Settings of a gen, or of a run for all its gens: normalised and checked where the user wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, cast

from sglc.ir.errors import ConstraintError, ProgramError
from sglc.ir.ops import NO_SETTINGS, Constraint, Sampling
from sglc.ir.values import MAX_CONSTRAINT, SETTINGS, what_is_wrong_with_text
from sglc.language.symbolic import characters, is_symbolic, user_location
from sglc.passes.regex.python import python_flags

RUN_SETTINGS = {
    "max_new_tokens": "max_tokens",
    "min_tokens": "min_tokens",
    "n": "n",
    "stop": "stop",
    "stop_token_ids": "stop_token_ids",
    "stop_regex": "stop_regex",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "ignore_eos": "ignore_eos",
    "return_logprob": "return_logprob",
    "logprob_start_len": "logprob_start_len",
    "top_logprobs_num": "top_logprobs_num",
    "return_text_in_logprobs": "return_text_in_logprobs",
}
"""What `run` takes, by SGLang's names -> what `checked_settings` calls it: a field of `Sampling`, or n."""

DTYPE_REGEX = {
    "int": r"[-+]?[0-9]+[ \n]*",
    "float": r"[-+]?[0-9]*\.?[0-9]+[ \n]*",
    "bool": r"(True|False)",
    "str": r'"[\w\d\s]*"',
}
"""SGLang's: what an answer of a type looks like."""

_TEXTS = ("stop", "stop_regex")  # one or several: a single one need not stand in a list


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a program is traced ahead of time.

    max_paths: paths at most; None: so many that they can all be seen ahead of time (`AHEAD`) where the program is compiled for
    any texts, and fewer (`FOR_A_ROW`) where a row waits for its first token meanwhile. max_depth: switches on a path at most.
    """

    max_paths: int | None = None
    max_depth: int = 32

    def paths(self, *, for_row: bool) -> int:
        if self.max_paths is not None:
            return self.max_paths
        return self.FOR_A_ROW if for_row else self.AHEAD

    AHEAD: ClassVar[int] = 64
    FOR_A_ROW: ClassVar[int] = 16


def checked_settings(**settings: Any) -> tuple[Sampling, int | None]:
    """The settings that a run gives its gens, and `n`, which is no matter of sampling; None where it is not given.

    Raises `ProgramError` at the user's line for a value out of range.
    """
    n = checked_n(settings.pop("n", None))
    return checked_sampling(**settings), n


def checked_sampling(**settings: Any) -> Sampling:
    """The settings, by the names of the fields of `Sampling`. Raises `ProgramError` at the user's line for a value out
    of range."""
    checked: dict[str, Any] = {}
    for name, given in settings.items():
        if given is None:  # most are
            continue
        value = _plain(given)
        if name in _TEXTS and isinstance(value, str):
            value = (value,)
        holds, wanted = SETTINGS[name]
        if not holds(value):
            raise ProgramError(f"{name} is {_shown(given)}, not {wanted}", where=user_location())
        if name in _TEXTS:
            value = tuple(checked_text(name, text) for text in value)
        checked[name] = value
    if not checked:
        return NO_SETTINGS
    sampling = Sampling(**checked)
    low, high = sampling.min_tokens, sampling.max_tokens
    if low is not None and high is not None and low > high:
        raise ProgramError(f"min_tokens is {low}, over max_tokens, which is {high}", where=user_location())
    return sampling


def _plain(value: Any) -> Any:
    """A number or text of a subclass, such as a member of an `IntEnum`, as the plain one; other values as they are."""
    if value is None or type(value) in (bool, int, float, str):  # most are
        return value
    if isinstance(value, list | tuple):
        return tuple(map(_plain, cast("Sequence[Any]", value)))
    if isinstance(value, str):
        return characters(value)
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else value


def checked_n(n: Any) -> int | None:
    """How many answers a gen gives. Raises `ProgramError`."""
    n = _plain(n)
    if n is not None and (type(n) is not int or n < 1):
        raise ProgramError(f"n is {n!r}, not an integer of at least 1", where=user_location())
    return n


def checked_dtype(dtype: Any) -> str:
    """The name of a type of answers, given as a type or as its name. Raises `ProgramError` for another."""
    name = dtype.__name__ if isinstance(dtype, type) else dtype
    if not isinstance(name, str) or name not in DTYPE_REGEX:
        shown = repr(name) if isinstance(name, str) else f"of type {type(name).__name__}"
        raise ProgramError(
            f"gen does not know dtype {shown}", where=user_location(), hint="use int, float, bool or str"
        )
    return name


def checked_constraint(
    dtype: str | None, regex: Any, json_schema: Any, ebnf: Any, whitespace: Any
) -> Constraint | None:
    """What an answer must be, given in one of four ways at most. dtype: the name of a type.

    Raises `ProgramError` at the user's line for several or for what makes no sense, and `InvalidRegex`.
    """
    ways = {"dtype": dtype, "regex": regex, "json_schema": json_schema, "ebnf": ebnf}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ProgramError(
            f"gen has {given[1]} and {given[0]}, but an answer follows one of them",
            where=user_location(),
            hint="leave one of them out",
        )
    if whitespace is not None and (type(whitespace) is not int or whitespace < 0 or json_schema is None):
        raise ProgramError(
            f"json_whitespace is {whitespace!r}" + (", without json_schema" if json_schema is None else ""),
            where=user_location(),
            hint="give beside json_schema how many characters of white space there may be at each place, such as 0",
        )
    match given:
        case ["dtype"]:
            return Constraint("regex", DTYPE_REGEX[str(dtype)])
        case ["regex"]:
            return Constraint("regex", checked_regex(regex))
        case ["json_schema"]:
            return Constraint("json_schema", checked_schema(json_schema), whitespace)
        case ["ebnf"]:
            return Constraint("ebnf", _checked_size("ebnf", known_text("ebnf", ebnf)))
        case _:
            return None


def checked_text(name: str, text: Any) -> str:
    """Raises `ProgramError` for what is no text. A text that is not known yet is one."""
    if not isinstance(text, str):
        raise ProgramError(
            f"{name} is of type {type(text).__name__}, not str", where=user_location(), hint="give its text"
        )
    if not is_symbolic(text) and (problem := what_is_wrong_with_text(str(text))) is not None:
        raise ProgramError(f"{name} is no text: {problem}", where=user_location(), hint="write whole characters")
    return characters(text)


def known_text(name: str, text: Any) -> str:
    """A text of which the characters count. One that is not known yet is asked for here."""
    if is_symbolic(text):
        hash(text)
    return checked_text(name, text)


def _shown(value: Any) -> str:
    """A value for a message, however long it is."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."


def _checked_size(kind: str, text: str, *, layout: int = 1) -> str:
    """A constraint of a kind. Raises `ConstraintError` for one that is too long to be read."""
    most = MAX_CONSTRAINT[kind] * layout
    if not is_symbolic(text) and len(text) > most:
        raise ConstraintError(
            f"{kind} is too long: {len(text):,} characters, at most {most:,}",
            where=user_location(),
            hint="split the answer into several gens",
        )
    return text


class InvalidRegex(ConstraintError, re.error):
    """What Python's `re` says about a regular expression, at the user's line; an `re.error`, as in SGLang."""

    def __init__(self, error: re.error, regex: str, refusal: ConstraintError) -> None:
        re.error.__init__(self, error.msg, regex, error.pos)
        self.what = refusal.what
        self.where = user_location()
        self.hint = f"{refusal.hint}; escape what stands for itself"


def checked_regex(regex: Any) -> str:
    """A regular expression in Python's syntax. Raises `InvalidRegex` for one that is none, and `ConstraintError` for one
    that is too large."""
    if not isinstance(regex, str):
        raise ProgramError(
            f"regex is of type {type(regex).__name__}, not str",
            where=user_location(),
            hint="give its text; a compiled one has it as .pattern",
        )
    if is_symbolic(regex):
        re.compile(regex)  # looks it up among those it knows, so a text that is not known yet is asked for here
        return regex
    try:
        regex = checked_text("regex", regex)
        python_flags(_checked_size("regex", regex))
    except ConstraintError as refusal:
        if isinstance(refusal.__cause__, re.error):
            raise InvalidRegex(refusal.__cause__, regex, refusal) from None
        raise ConstraintError(refusal.what, where=user_location(), hint=refusal.hint) from None
    return regex


def checked_schema(schema: Any) -> str:
    """A JSON schema as compact JSON, from JSON text, a dict or a pydantic model class.

    Properties keep their order, because answers follow it. Raises `ProgramError` for what is no JSON object.
    """
    parsed = _parsed(schema) if isinstance(schema, str) else _of_class(schema) if isinstance(schema, type) else schema
    if not isinstance(parsed, dict):
        _refuse_schema(f"is of type {type(parsed).__name__}, not an object")
    try:
        text = json.dumps(parsed, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_no_json)
    except _NotKnown:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        _refuse_schema(f"is no JSON: {error}", error)
    if (problem := what_is_wrong_with_text(text)) is not None:
        _refuse_schema(f"is no text: {problem}")
    return _checked_size("json_schema", text)


def _parsed(text: str) -> Any:
    _checked_size("json_schema", text, layout=4)  # characters for each that is left without the white space
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        _refuse_schema(f"is no JSON: {error}", error)


def _of_class(model: type) -> Any:
    make = getattr(model, "model_json_schema", None)
    if not callable(make):
        _refuse_schema(f"is the class {model.__name__}, which has no schema")
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - pydantic's, for a class that has none
        problem, _, _ = str(error).partition("\n")
        _refuse_schema(f"is the class {model.__name__}, which has no schema: {problem}", error)


class _NotKnown(TypeError):
    """What Python's own C code says of a text that is not known yet: the tracer knows what to do about it."""


def _no_json(value: object) -> NoReturn:
    if is_symbolic(value):
        raise _NotKnown("a JSON schema cannot hold a text that is known only when the program runs")
    raise TypeError(f"it holds a value of type {type(value).__name__}")


def _refuse_schema(problem: str, cause: Exception | None = None) -> NoReturn:
    raise ProgramError(
        f"json_schema {problem}",
        where=user_location(),
        hint="give a JSON schema: JSON text, a dict, or a pydantic model class",
    ) from cause
