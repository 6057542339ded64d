"""The words of a program: `gen`, `select`, roles, images. They build expressions; a state runs them when appended."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sglc.ir.errors import ProgramError
from sglc.ir.ops import Role, Sampling
from sglc.settings import checked_sampling
from sglc.symbolic import SymbolicText, user_location

Appendable: TypeAlias = "str | Expression | SymbolicText"

INT_REGEX = r"[-+]?[0-9]+[ \n]*"
FLOAT_REGEX = r"[-+]?[0-9]*\.?[0-9]+[ \n]*"
BOOL_REGEX = r"(True|False)"
STR_REGEX = r'"[\w\d\s]*"'
DTYPE_REGEX = {"int": INT_REGEX, "float": FLOAT_REGEX, "bool": BOOL_REGEX, "str": STR_REGEX}


class Expression:
    """Something a state can append; `+` builds lists of them."""

    def __add__(self, other: Any) -> ExpressionList:
        return ExpressionList((self, other))

    def __radd__(self, other: Any) -> ExpressionList:
        return ExpressionList((other, self))

    def items(self) -> Iterator[Any]:
        """The expressions without lists in it, left to right."""
        yield self


class ExpressionList(Expression):
    def __init__(self, children: Sequence[Any]) -> None:
        self._children = children

    def items(self) -> Iterator[Any]:
        # Without recursion: `+` in a loop nests a list a thousand deep.
        stack: list[Any] = [self]
        while stack:
            item = stack.pop()
            if isinstance(item, ExpressionList):
                stack.extend(reversed(item._children))
            else:
                yield item


@dataclass(frozen=True, eq=False)
class RoleEdge(Expression):
    role: Role


@dataclass(frozen=True, eq=False)
class GenExpression(Expression):
    name: str | None
    sampling: Sampling
    regex: str | None


@dataclass(frozen=True, eq=False)
class SelectExpression(Expression):
    name: str | None
    choices: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class ImageExpression(Expression):
    path: Any


@dataclass(frozen=True, eq=False)
class TrustedExpression(Expression):
    text: Any


def gen(
    name: str | None = None,
    max_tokens: int | None = None,
    min_tokens: int | None = None,
    *,
    stop: str | Sequence[str] | None = None,
    stop_token_ids: Sequence[int] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    seed: int | None = None,
    dtype: type | str | None = None,
    choices: Sequence[Any] | None = None,
    regex: str | None = None,
) -> Expression:
    """Text that the model says; `s[name]` reads it. What is None is taken from `run`.

    max_tokens, min_tokens: how many tokens. stop: strings that end the answer and are cut from it. temperature: 0 is
    greedy. dtype: int, float, bool or str. choices: the same as `select`. regex: what the whole answer must match, in
    Python's syntax.
    """
    if choices is not None:
        return select(name, choices)
    stops = stop
    if dtype is not None:
        type_name = dtype if isinstance(dtype, str) else dtype.__name__
        if type_name not in DTYPE_REGEX:
            raise ProgramError(
                f"gen does not know dtype {type_name!r}", where=user_location(), hint="use int, float, bool or str"
            )
        if regex is not None:
            warnings.warn("gen: dtype and regex are both given; dtype is used", stacklevel=2)
        regex = DTYPE_REGEX[type_name]
        if type_name in ("int", "float"):
            given = (stop,) if isinstance(stop, str) else tuple(stop or ())
            stops = [*given, " ", "\n"]
    sampling = checked_sampling(
        max_tokens=max_tokens,
        min_tokens=min_tokens,
        stop=stops,
        stop_token_ids=stop_token_ids,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        frequency_penalty=frequency_penalty,
        presence_penalty=presence_penalty,
        ignore_eos=ignore_eos,
        seed=seed,
    )
    return GenExpression(name, sampling, regex)


def select(name: str | None = None, choices: Sequence[Any] | None = None, temperature: float = 0.0) -> Expression:
    """The choice that the model finds likeliest, by mean log probability per token; `s[name]` reads it."""
    if not choices:
        raise ProgramError("select needs at least one choice", where=user_location(), hint='select("x", choices=[...])')
    if temperature > 1e-5:
        raise ProgramError(
            "select scores its choices and draws none, so temperature must be 0",
            where=user_location(),
            hint="leave temperature out",
        )
    return SelectExpression(name, tuple(choices))


def image(path: str | SymbolicText) -> Expression:
    """An image, named by its path."""
    return ImageExpression(path)


def trusted(text: str | SymbolicText) -> Expression:
    """Run-time text that may spell the model's control tokens; without it they stay plain text."""
    return TrustedExpression(text)


def _role(name: str, expression: Any) -> Expression:
    begin, end = RoleEdge(Role(name, "begin")), RoleEdge(Role(name, "end"))
    return ExpressionList((begin, end) if expression is None else (begin, expression, end))


def system(expression: Appendable | None = None) -> Expression:
    """A system message."""
    return _role("system", expression)


def user(expression: Appendable | None = None) -> Expression:
    """A user message."""
    return _role("user", expression)


def assistant(expression: Appendable | None = None) -> Expression:
    """An assistant message."""
    return _role("assistant", expression)


def _edge(name: str, edge: Literal["begin", "end"]) -> Expression:
    return RoleEdge(Role(name, edge))


def system_begin() -> Expression:
    return _edge("system", "begin")


def system_end() -> Expression:
    return _edge("system", "end")


def user_begin() -> Expression:
    return _edge("user", "begin")


def user_end() -> Expression:
    return _edge("user", "end")


def assistant_begin() -> Expression:
    return _edge("assistant", "begin")


def assistant_end() -> Expression:
    return _edge("assistant", "end")


def join(separator: str, texts: Sequence[Any]) -> Any:
    """`separator.join(texts)` for texts that may be known only when the program runs."""
    joined: Any = ""
    for number, text in enumerate(texts):
        joined = joined + (separator if number else "") + text
    return joined
