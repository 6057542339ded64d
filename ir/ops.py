"""The ops of the IR: a prompt state is an immutable value, and every op is pure.

Each op is one frozen dataclass: its fields that are ops are its operands, the others its attributes, and `result` is
the type of its value. Ops compare by identity: two equal `gen`s are two samples.

    op        operands                 result  meaning
    param     -                        text    an argument of the program
    root      -                        state   the empty prompt
    append    state, parts             state   the prompt with text, roles, values and images at its end
    gen       state                    state   the prompt with what the model said at its end
    select    state, choices           state   the prompt with the choice the model scores best at its end
    call      texts                    text    what a host function (a tool of the program) gives
    read      state (gen or select)    text    what that gen or select added
    meta      state (gen or select)    data    what is known about that answer: counts, log probabilities ...
    render    state, state             text    the text between two states, the chat template's own included
    format    parts                    text    text from parts
    unordered groups of parts          text    the groups one after the other, in the order that shares most
    method    text                     text    a method of str: strip, lower, a slice ... (sglc.ir.functions)
    test      texts                    bool    a question about texts: eq, contains ... (sglc.ir.functions)
    image     text                     image   an image, named by its path

Gens, selects, calls, metas and renders have a `number`: their place in the order in which the text of the program runs
them. Equal numbers on one path are one op; it is the identity of a gen's draws, however the graph was rewritten, and
where a run that leaves the compiled paths finds what is known already.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, TypeAlias, cast

from sglc.ir.errors import Location


class Type(enum.Enum):
    STATE = "state"
    TEXT = "text"
    BOOL = "bool"
    DATA = "data"
    IMAGE = "image"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Op:
    """One value of the graph; `loc` is the user's line that made it and is no part of its meaning."""

    result: ClassVar[Type]
    loc: Location | None = None

    def __repr__(self) -> str:  # short: an op holds all that it is made from
        return f"<{type(self).__name__.lower()}{f' at {self.loc}' if self.loc else ''}>"


@dataclass(frozen=True, slots=True)
class Role:
    """A part that opens or closes a chat message; its text and ids come from the model's chat template."""

    name: str  # "system", "user" or "assistant"
    edge: Literal["begin", "end"]


@dataclass(frozen=True, slots=True, eq=False)
class Trusted:
    """A part whose run-time text may spell control tokens (`sglc.trusted`); other run-time text never does."""

    text: Op


Part: TypeAlias = str | Role | Op | Trusted
"""A piece of a prompt: literal text of the program, a role's edge, or a value of type text or image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a gen samples. None means "what the run was given, else the default" (`DEFAULT_SAMPLING`).

    max_tokens, min_tokens: counts of generated tokens. stop: strings, cut from the answer. stop_token_ids: end the
    answer like the model's own end tokens. stop_regex: patterns (Python's) that end the answer where one first matches,
    cut from the answer too. temperature: 0 is greedy. top_k: -1 is off. seed: the draws' seed; None takes the run's.
    finish_in_time: under a constraint, the answer is steered so that it matches in full within max_tokens.

    Log probabilities, for the meta info: return_logprob asks for those of the answer's tokens; logprob_start_len also
    for those of the prompt from that token on; top_logprobs_num for as many of the likeliest tokens at each place;
    return_text_in_logprobs for the tokens' texts.
    """

    max_tokens: int | None = None
    min_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    stop_token_ids: tuple[int, ...] | None = None
    stop_regex: tuple[str, ...] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    ignore_eos: bool | None = None
    seed: int | None = None
    return_logprob: bool | None = None
    logprob_start_len: int | None = None
    top_logprobs_num: int | None = None
    return_text_in_logprobs: bool | None = None
    finish_in_time: bool | None = None

    def filled_from(self, other: Sampling) -> Sampling:
        """This, with `other`'s settings where this has none."""
        if other is NO_SETTINGS:  # most are
            return self
        missing = {name: getattr(other, name) for name in SETTINGS_NAMES if getattr(self, name) is None}
        return replace(self, **missing) if missing else self


NO_SETTINGS = Sampling()

ConstraintKind: TypeAlias = Literal["regex", "json_schema", "ebnf"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a whole answer must be, as the user wrote it.

    text: of a regex, in Python's syntax; of a JSON schema, as compact JSON, for an answer in JSON; of a grammar in EBNF.
    whitespace: of a JSON schema; so many characters of white space at most between any two tokens of the JSON (not before
    and after all of it). None: one space after each `:` and `,`, and no other.
    """

    kind: ConstraintKind
    text: str
    whitespace: int | None = None


SETTINGS_NAMES = tuple(f.name for f in fields(Sampling))


DEFAULT_SAMPLING = Sampling(
    max_tokens=128,
    min_tokens=0,
    stop=(),
    stop_token_ids=(),
    stop_regex=(),
    temperature=1.0,
    top_p=1.0,
    top_k=-1,
    min_p=0.0,
    frequency_penalty=0.0,
    presence_penalty=0.0,
    ignore_eos=False,
    return_logprob=False,
    top_logprobs_num=0,
    return_text_in_logprobs=False,
    finish_in_time=False,
)


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Param(Op):
    """A text among the arguments. `name` is its path: `essay`, `docs[0]`, `user.name`."""

    result: ClassVar[Type] = Type.TEXT
    name: str
    default: str | None = None


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Root(Op):
    result: ClassVar[Type] = Type.STATE


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Append(Op):
    result: ClassVar[Type] = Type.STATE
    state: Op
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Gen(Op):
    """`constraint`: what the whole answer must be, or None."""

    result: ClassVar[Type] = Type.STATE
    state: Op
    name: str | None = None
    sampling: Sampling = NO_SETTINGS
    constraint: Constraint | None = None
    number: int = 0


ChoicesMethod: TypeAlias = Literal[
    "token_length_normalized", "greedy_token_selection", "unconditional_likelihood_normalized"
]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Select(Op):
    """The choice that scores best by `method`; ties go to the first."""

    result: ClassVar[Type] = Type.STATE
    state: Op
    choices: tuple[tuple[Part, ...], ...]
    name: str | None = None
    method: ChoicesMethod = "token_length_normalized"
    number: int = 0


Argument: TypeAlias = (
    "Op | str | int | float | bool | tuple[Argument, ...] | list[Argument] | dict[str, Argument] | None"
)
"""What a function is applied to: values of the graph among plain constants."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Call(Op):
    """`function`: the name under which the program knows it. `timeout`: seconds, or None. Its value is a text, or, for
    a switch on it, plain data. `dropped`: nothing looks at it, so that it may be anything."""

    result: ClassVar[Type] = Type.TEXT
    function: str
    arguments: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...] = ()
    timeout: float | None = None
    dropped: bool = False
    number: int = 0


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Read(Op):
    result: ClassVar[Type] = Type.TEXT
    state: Op


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Meta(Op):
    result: ClassVar[Type] = Type.DATA
    state: Op
    number: int = 0


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Render(Op):
    """The text that `state` has after `since`, one of the states it was made from."""

    result: ClassVar[Type] = Type.TEXT
    state: Op
    since: Op
    number: int = 0


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Format(Op):
    result: ClassVar[Type] = Type.TEXT
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Unordered(Op):
    """Texts one after the other: as written, until an order is chosen for its place (`Graph.orders`). Then it goes, and the
    texts stand where it stood."""

    result: ClassVar[Type] = Type.TEXT
    groups: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Method(Op):
    """`name` is one of `sglc.ir.functions.METHODS`."""

    result: ClassVar[Type] = Type.TEXT
    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Test(Op):
    """`name` is one of `sglc.ir.functions.TESTS`."""

    __test__: ClassVar[bool] = False  # no test of pytest's
    result: ClassVar[Type] = Type.BOOL
    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Image(Op):
    """frames: of a video, at even distances; None for an image."""

    result: ClassVar[Type] = Type.IMAGE
    path: Op
    frames: int | None = None


Primitive: TypeAlias = Gen | Select | Call
"""Ops that something outside of the graph answers: the model, or a host function."""

Numbered: TypeAlias = Gen | Select | Call | Meta | Render


@functools.cache
def field_names(kind: type[Op]) -> tuple[str, ...]:
    """The fields of a kind of ops, but for its place in the user's program."""
    return tuple(f.name for f in fields(kind) if f.name != "loc")


def prompts(state: Op) -> Iterator[Op]:
    """A state and those that it was made from, to the root."""
    yield state
    while isinstance(state, Append | Gen | Select):
        state = state.state
        yield state


def token_bound(op: Primitive, longest: int | None = None, settings: Sampling = DEFAULT_SAMPLING) -> int:
    """Tokens that a request may decode in a run with these settings; a select and a call count as one. longest: the
    tokens of the longest answer that its constraint allows, as `Step.longest` says it."""
    if not isinstance(op, Gen):
        return 1
    limits = (sampling.max_tokens for sampling in (op.sampling, settings, DEFAULT_SAMPLING))
    most = next((limit for limit in limits if limit is not None), 0)
    return most if longest is None else min(most, longest)


@functools.cache
def _operand_fields(kind: type[Op]) -> tuple[str, ...]:
    """The fields of a kind of ops that ops may stand in, by what they are declared as."""
    return tuple(f.name for f in fields(kind) if re.search(r"\b(Op|Part|Argument)\b", str(f.type)))


def operands(op: Op) -> list[Op]:
    """The ops that `op` reads, in the order of its fields, repeated where it reads one twice."""
    found: list[Op] = []
    for name in _operand_fields(type(op)):
        _add_ops(getattr(op, name), found)
    return found


def with_operands(op: Op, new: Callable[[Op], Op]) -> Op:
    """`op` with each operand `x` replaced by `new(x)`; `op` itself where nothing changed."""
    changes: dict[str, Any] = {}
    for name in _operand_fields(type(op)):
        old = getattr(op, name)
        replaced = _replaced(old, new)
        if replaced is not old:
            changes[name] = replaced
    return replace(op, **changes) if changes else op


def _add_ops(value: object, found: list[Op]) -> None:
    if isinstance(value, Op):
        found.append(value)
    elif isinstance(value, Trusted):
        found.append(value.text)
    elif isinstance(value, tuple | list):
        for item in cast("Sequence[object]", value):
            _add_ops(item, found)
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            _add_ops(item, found)


def _replaced(value: Any, new: Callable[[Op], Op]) -> Any:
    if isinstance(value, Op):
        return new(value)
    if isinstance(value, Trusted):
        text = new(value.text)
        return value if text is value.text else Trusted(text)
    if isinstance(value, tuple):
        old = cast("tuple[Any, ...]", value)
        items = tuple(_replaced(item, new) for item in old)
        return old if all(a is b for a, b in zip(items, old, strict=True)) else items
    if isinstance(value, list):
        return [_replaced(item, new) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _replaced(item, new) for key, item in cast("dict[str, Any]", value).items()}
    return value
