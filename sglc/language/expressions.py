"""The words of a program: `gen`, `select`, roles, images. They build expressions; a state runs them when appended.

The names, arguments and their order are SGLang's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from sglc.ir.errors import Location, ProgramError
from sglc.ir.ops import ChoicesMethod, Constraint, Role, Sampling
from sglc.language.machine import current_machine
from sglc.language.settings import (
    checked_constraint,
    checked_dtype,
    checked_n,
    checked_regex,
    checked_sampling,
    checked_text,
    known_text,
)
from sglc.language.symbolic import SymbolicText, user_location, user_place

Appendable: TypeAlias = "str | Expression | SymbolicText"


class Expression:
    """Something a state can append; `+` builds lists of them."""

    def __add__(self, other: Any) -> ExpressionList:
        return ExpressionList((self, other))

    def __radd__(self, other: Any) -> ExpressionList:
        return ExpressionList((other, self))

    def items(self) -> Iterator[Any]:
        """The expressions without lists in it, left to right."""
        yield self

    def __str__(self) -> str:
        """Its text, which is asked for where it stands in an f-string, does not exist before it is run."""
        if current_machine() is None:
            return repr(self)
        raise ProgramError(
            f"{self._words} stands inside a text: Python makes the text {self._before}",
            where=user_location(),
            hint=self._hint,
        )

    def __getattr__(self, name: str) -> Any:
        """Methods of texts, which are asked for where it is taken for its text; all else it has not."""
        if name.startswith("_") or not hasattr(str, name):
            return object.__getattribute__(self, name)  # raises what Python raises
        raise ProgramError(f".{name} of {self._words}, which is no text yet", where=user_location(), hint=self._hint)

    _words = "an expression"
    _before = "before the model is asked"
    _hint = 'append it: s += "Answer: " + sgl.gen("a"), and read the answer afterwards, as s["a"]'


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
    """n: how many answers; None is what the run was given."""

    _words = "a gen"
    name: str | None
    sampling: Sampling
    constraint: Constraint | None = None
    n: int | None = None


@dataclass(frozen=True, eq=False)
class SelectExpression(Expression):
    _words = "a select"
    name: str | None
    choices: tuple[Any, ...]
    method: ChoicesMethod = "token_length_normalized"


@dataclass(frozen=True, eq=False)
class ReasoningExpression(Expression):
    """Each answer of the expression is parted at the first `end`, which goes: what is before it becomes the variable
    `<name>_reasoning_content`, what is after it the variable `<name>`."""

    expression: Any
    end: str


@dataclass(frozen=True, eq=False)
class ImageExpression(Expression):
    path: Any


@dataclass(frozen=True, eq=False)
class VideoExpression(Expression):
    """`num_frames` images, taken from a video at even distances."""

    path: Any
    num_frames: int


@dataclass(frozen=True, eq=False)
class TrustedExpression(Expression):
    text: Any


@dataclass(frozen=True, eq=False)
class UnorderedExpression(Expression):
    """place: where it was written, its file as Python names it."""

    _words = "an unordered"
    _before = "before the order of the parts is chosen"
    _hint = 'append it: s += "Read: " + sgl.unordered(a, b); what is to be done to a text is done to each part'
    parts: tuple[Any, ...]
    place: Location | None


@dataclass(frozen=True, slots=True)
class ChoicesSamplingMethod:
    """How `select` scores its choices; `name` is what the IR calls it."""

    name: ChoicesMethod


token_length_normalized = ChoicesSamplingMethod("token_length_normalized")
"""The mean log probability of a choice's tokens."""

greedy_token_selection = ChoicesSamplingMethod("greedy_token_selection")
"""Token by token, the choices that go on with the likeliest token."""

unconditional_likelihood_normalized = ChoicesSamplingMethod("unconditional_likelihood_normalized")
"""The mean log probability, less that of the choice without the prompt: how much the prompt speaks for it."""

_METHODS = {m.name: m for m in (token_length_normalized, greedy_token_selection, unconditional_likelihood_normalized)}

_THINK_END = "</think>"
REASONING_END = {
    **dict.fromkeys(
        (
            "deepseek-r1", "deepseek-v3", "deepseek-v4", "glm45", "interns1", "kimi_k2", "mimo", "minimax", "nemotron_3",
            "qwen3", "qwen3-thinking", "step3", "step3p5",
        ),
        _THINK_END,
    ),
    # Control tokens are no part of a text: of `<|end|><|start|>assistant<|channel|>final<|message|>` this is left.
    "gpt-oss": "assistantfinal",
    "kimi": "◁/think▷",
    "mistral": "[/THINK]",
}  # fmt: skip
"""SGLang's name of a kind of models -> what they write at the end of their thinking."""


def gen(
    name: str | None = None,
    max_tokens: int | None = None,
    min_tokens: int | None = None,
    n: int | None = None,
    stop: str | Sequence[str] | None = None,
    stop_token_ids: Sequence[int] | None = None,
    stop_regex: str | Sequence[str] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
    dtype: type | str | None = None,
    choices: Sequence[Any] | None = None,
    choices_method: ChoicesSamplingMethod | str | None = None,
    regex: str | None = None,
    json_schema: str | dict[str, Any] | type | None = None,
    *,
    ebnf: str | None = None,
    json_whitespace: int | None = None,
    seed: int | None = None,
    finish_in_time: bool | None = None,
) -> Expression:
    """Text that the model says; `s[name]` reads it. What is None is taken from `run`.

    max_tokens, min_tokens: how many tokens. n: how many answers, as a list; the prompt goes on with the first. stop,
    stop_regex: strings and patterns that end the answer and are cut from it. stop_token_ids: tokens that end it.
    temperature: 0 is greedy. top_k: -1 is off. ignore_eos: the model's own end does not end the answer. seed: of the
    draws. finish_in_time: the answer matches its regex, schema or dtype in full within max_tokens; near the limit, tokens
    from which it could not end in time are not drawn. return_logprob, logprob_start_len, top_logprobs_num, return_text_in_logprobs: log probabilities in the meta
    info, see `Sampling`.

    What the whole answer must be, one of them: dtype: an int, float, bool or str, the type or its name. regex: what it
    matches, in Python's syntax. json_schema: JSON of a schema, given as JSON text, a dict or a pydantic model class; one space after each `:` and `,`,
    or json_whitespace characters of white space at most wherever JSON allows some. ebnf: a grammar, as docs/language.md
    says.
    choices: as in `select`, with nothing else but choices_method; all other settings have no effect.

    Raises `ProgramError` at the caller's line for a value that makes no sense, and `re.error` for a regex that is none.
    """
    if choices is not None:
        return select(name, choices, 0.0, token_length_normalized if choices_method is None else choices_method)
    type_name = None if dtype is None else checked_dtype(dtype)
    if type_name is not None and regex is not None:
        checked_regex(regex)
        warnings.warn("gen: dtype and regex are both given; dtype is used", stacklevel=2)
        regex = None
    constraint = checked_constraint(type_name, regex, json_schema, ebnf, json_whitespace)
    sampling = checked_sampling(
        max_tokens=max_tokens,
        min_tokens=min_tokens,
        stop=_number_stops(stop) if type_name in ("int", "float") else stop,
        stop_token_ids=stop_token_ids,
        stop_regex=stop_regex,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        frequency_penalty=frequency_penalty,
        presence_penalty=presence_penalty,
        ignore_eos=ignore_eos,
        seed=seed,
        return_logprob=return_logprob,
        logprob_start_len=logprob_start_len,
        top_logprobs_num=top_logprobs_num,
        return_text_in_logprobs=return_text_in_logprobs,
        finish_in_time=finish_in_time,
    )
    if constraint is None and finish_in_time:
        raise ProgramError(
            "finish_in_time without a constraint: any text is whole",
            where=user_location(),
            hint="give what the answer must match (regex, json_schema, dtype), or leave finish_in_time out",
        )
    return GenExpression(checked_name("gen", name), sampling, constraint, checked_n(n))


def gen_int(
    name: str | None = None,
    max_tokens: int | None = None,
    n: int | None = None,
    stop: str | Sequence[str] | None = None,
    stop_token_ids: Sequence[int] | None = None,
    stop_regex: str | Sequence[str] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
    *,
    seed: int | None = None,
    finish_in_time: bool | None = None,
) -> Expression:
    """`gen` with dtype=int: a whole number."""
    return gen(dtype=int, **locals())  # each of its arguments, and no list of them that could forget one


def gen_string(
    name: str | None = None,
    max_tokens: int | None = None,
    n: int | None = None,
    stop: str | Sequence[str] | None = None,
    stop_token_ids: Sequence[int] | None = None,
    stop_regex: str | Sequence[str] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
    *,
    seed: int | None = None,
    finish_in_time: bool | None = None,
) -> Expression:
    """`gen` with dtype=str: letters, digits and white space in double quotes."""
    return gen(dtype=str, **locals())  # as above


def _number_stops(stop: Any) -> Any:
    """A number may go on with white space, which is no part of its text."""
    given = (stop,) if isinstance(stop, str) else () if stop is None else stop
    return (*given, " ", "\n") if isinstance(given, list | tuple) else given


def select(
    name: str | None = None,
    choices: Sequence[Any] | None = None,
    temperature: float = 0.0,
    choices_method: ChoicesSamplingMethod | str = token_length_normalized,
) -> Expression:
    """The choice that the model finds likeliest; `s[name]` reads it. Ties go to the first.

    choices: texts. choices_method: what "likeliest" is: `token_length_normalized`, `greedy_token_selection` or
    `unconditional_likelihood_normalized`, or its name. temperature: 0; there is no draw.

    Raises `ProgramError` at the caller's line.
    """
    drawn = checked_sampling(temperature=temperature).temperature
    if drawn is not None and drawn > 1e-5:
        raise ProgramError(
            "select scores its choices and draws none, so temperature must be 0",
            where=user_location(),
            hint="leave temperature out",
        )
    return SelectExpression(checked_name("select", name), _checked_choices(choices), _checked_method(choices_method))


def _checked_choices(choices: Any) -> tuple[Any, ...]:
    hint = 'select("x", choices=["yes", "no"])'
    if choices is None or isinstance(choices, str) or not isinstance(choices, Sequence):
        what = "a list of texts" if choices is None else f"a list of texts, not a {choices.__class__.__name__}"
        raise ProgramError(f"select needs {what}", where=user_location(), hint=hint)
    texts = tuple(cast("Sequence[Any]", choices))
    if not texts:
        raise ProgramError("select needs at least one choice", where=user_location(), hint=hint)
    for number, text in enumerate(texts):
        if not isinstance(text, str | TrustedExpression):
            what = f"choice {number} of a select is of type {type(text).__name__}, not str"
            raise ProgramError(what, where=user_location(), hint="give texts, or str(...) of it")
        checked_text(f"choice {number} of a select", text.text if isinstance(text, TrustedExpression) else text)
    return texts


def _checked_method(method: Any) -> ChoicesMethod:
    if isinstance(method, ChoicesSamplingMethod):
        return method.name
    if isinstance(method, str) and method in _METHODS:
        return _METHODS[method].name
    raise ProgramError(
        f"select does not know choices_method {method!r}",
        where=user_location(),
        hint=f"use {', '.join(map(repr, _METHODS))}",
    )


def checked_name(word: str, name: Any) -> str | None:
    """The name of a variable. Raises `ProgramError` for what is none."""
    if name is not None and not isinstance(name, str):
        raise ProgramError(
            f"the name of a {word} is of type {type(name).__name__}, not str",
            where=user_location(),
            hint=f'{word}("x", ...)',
        )
    return None if name is None else known_text(f"the name of a {word}", name)


def separate_reasoning(expr: Appendable | None = None, model_type: str | None = None) -> Expression:
    """The expression with each of its answers parted into reasoning, `s["<name>_reasoning_content"]`, and answer,
    `s["<name>"]`. The prompt goes on with the answer alone, as a model's own template leaves earlier reasoning out.

    model_type: what marks the end of the reasoning, as SGLang names it: "deepseek-r1", "qwen3", "gpt-oss" ...; upper
    and lower case are one. Raises `ProgramError` where it is missing or unknown, and where an answer has no name.
    """
    if not isinstance(model_type, str) or model_type.lower() not in REASONING_END:
        problem = "needs a model_type" if model_type is None else f"does not know model_type {model_type!r}"
        raise ProgramError(
            f"separate_reasoning {problem}",
            where=user_location(),
            hint=f"use one of {', '.join(sorted(REASONING_END))}",
        )
    items: list[Any] = list(expr.items()) if isinstance(expr, Expression) else []
    answers = [item for item in items if isinstance(item, GenExpression | SelectExpression)]
    if not answers or not all(answer.name for answer in answers):
        problem = "an answer without a name" if answers else "nothing that the model says"
        raise ProgramError(
            f"separate_reasoning has {problem}",
            where=user_location(),
            hint='separate_reasoning(gen("answer"), model_type="qwen3")',
        )
    return ReasoningExpression(expr, REASONING_END[model_type.lower()])


def image(expr: str | os.PathLike[str] | SymbolicText) -> Expression:
    """An image, named by its path."""
    return ImageExpression(_checked_path("image", expr))


def video(path: str | os.PathLike[str] | SymbolicText, num_frames: int) -> Expression:
    """`num_frames` images of a video, named by its path."""
    if type(num_frames) is not int or num_frames < 1:
        raise ProgramError(
            f"num_frames is {num_frames!r}, not an integer of at least 1",
            where=user_location(),
            hint='video("clip.mp4", num_frames=8)',
        )
    return VideoExpression(_checked_path("video", path), num_frames)


def _checked_path(word: str, path: Any) -> Any:
    text = os.fspath(cast("os.PathLike[Any]", path)) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise ProgramError(
            f"{word} takes the path of a file, not a value of type {type(text).__name__}", where=user_location()
        )
    return text


def trusted(text: str | SymbolicText) -> Expression:
    """Run-time text that may spell the model's control tokens; without it they stay plain text. Raises `ProgramError` at
    the caller's line for what is no text."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]: input
        raise ProgramError(
            f"trusted takes a text, not a {type(text).__name__}", where=user_location(), hint="give str(...) of it"
        )
    return TrustedExpression(text)


def unordered(*parts: str | SymbolicText) -> Expression:
    """Texts whose order does not matter. A compiled program puts them in the order that shares most of the prompt between
    calls: constants first, then what few arguments are in, then what holds answers; `sglc ir` shows it. One line of a
    program has one order. They stay as written where the program itself looks at the text that holds them.

    With mode="interpret" they stand as written: the two modes may differ in the order of these parts, and in nothing else.

    Raises `ProgramError` at the caller's line for a part that is no text.
    """
    for number, part in enumerate(parts):
        if not isinstance(part, str):
            what, hint = _no_free_part(part)
            raise ProgramError(f"part {number} of unordered is {what}", where=user_location(), hint=hint)
    return UnorderedExpression(parts, user_place())


def _no_free_part(part: Any) -> tuple[str, str]:
    """What stands where a text belongs, and what to do."""
    items = list(part.items()) if isinstance(part, Expression) else [part]
    item = next((item for item in items if not isinstance(item, str)), part)
    match item:
        case GenExpression() | SelectExpression() | ReasoningExpression():
            return (
                "an answer of the model",
                'append it before or after, or give the text of an earlier one, s["answer"]',
            )
        case RoleEdge():
            return "a role", "put it around: sgl.user(sgl.unordered(...))"
        case ImageExpression() | VideoExpression():
            return "an image", "append it before or after"
        case UnorderedExpression():
            return "another unordered", "write its parts among the others: sgl.unordered(a, b, c)"
        case TrustedExpression():
            return "a trusted text", "append it before or after, or give the text without sgl.trusted"
        case Expression():
            return "no text", "append it before or after"
        case _:
            return f"of type {type(item).__name__}, not str", "give texts, or str(...) of it"


def _role(name: str, expression: Any) -> Expression:
    begin, end = RoleEdge(Role(name, "begin")), RoleEdge(Role(name, "end"))
    return ExpressionList((begin, end) if expression is None else (begin, expression, end))


def system(expr: Appendable | None = None) -> Expression:
    """A system message."""
    return _role("system", expr)


def user(expr: Appendable | None = None) -> Expression:
    """A user message."""
    return _role("user", expr)


def assistant(expr: Appendable | None = None) -> Expression:
    """An assistant message."""
    return _role("assistant", expr)


def _edge(name: str, edge: Literal["begin", "end"]) -> Expression:
    return RoleEdge(Role(name, edge))


def system_begin() -> Expression:
    """The beginning of a system message."""
    return _edge("system", "begin")


def system_end() -> Expression:
    """The end of a system message."""
    return _edge("system", "end")


def user_begin() -> Expression:
    """The beginning of a user message."""
    return _edge("user", "begin")


def user_end() -> Expression:
    """The end of a user message."""
    return _edge("user", "end")


def assistant_begin() -> Expression:
    """The beginning of an assistant message."""
    return _edge("assistant", "begin")


def assistant_end() -> Expression:
    """The end of an assistant message."""
    return _edge("assistant", "end")


def join(separator: str, texts: Sequence[Any]) -> Any:
    """`separator.join(texts)` for texts that may be known only when the program runs."""
    joined: Any = ""
    for number, text in enumerate(texts):
        joined = joined + (separator if number else "") + text
    return joined
