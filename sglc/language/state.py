"""What a program body works on: a prompt that grows, the variables the model filled, forks and joins.

A `ProgramState` does not care whether it is traced or interpreted: it hands each primitive to a `Machine`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, TypeAlias, cast

from sglc.ir.errors import ProgramError
from sglc.ir.ops import NO_SETTINGS, Role, Sampling
from sglc.language.expressions import (
    Expression,
    GenExpression,
    ImageExpression,
    ReasoningExpression,
    RoleEdge,
    SelectExpression,
    TrustedExpression,
    UnorderedExpression,
    VideoExpression,
)
from sglc.language.machine import Answered, Machine, Piece
from sglc.language.symbolic import characters, is_symbolic, user_location
from sglc.language.template import TemplateExpression

JoinMode: TypeAlias = Literal["gather_variable", "concate_and_append"]


class UnknownVariable(ProgramError, KeyError):
    """A variable that nothing has given a value; a `KeyError` too, as in SGLang."""


class ProgramState:
    """The `s` of a program. What a body wants to keep is a variable, `s["found"]`: it has no attributes of the body's.

    sampling, n: settings of a nested call, which its gens inherit; a gen's own come first.
    """

    __slots__ = (
        "_added", "_answers", "_assigned", "_machine", "_n", "_prompt", "_role", "_sampling", "_variables", "ret_value",
    )  # fmt: skip

    def __init__(
        self, machine: Machine, prompt: Any = None, sampling: Sampling = NO_SETTINGS, n: int | None = None
    ) -> None:
        self._machine = machine
        self._prompt = machine.root() if prompt is None else prompt
        self._sampling = sampling
        self._n = n
        self._variables: dict[str, Any] = {}
        self._answers: dict[str, Any] = {}  # of variables that gens and selects filled: the prompt with the answer
        self._assigned: dict[str, None] = {}  # names given a value since the fork, in order
        self._role: str | None = None
        self._added: list[Piece] = []  # since the fork
        self.ret_value: Any = None

    def __iadd__(self, other: Any) -> ProgramState:
        self._run(other)
        return self

    def __getitem__(self, name: str) -> Any:
        try:
            return self._machine.read(self._variables[name])
        except KeyError:
            known = ", ".join(map(repr, self._variables)) or "none yet"
            raise UnknownVariable(
                f"the state has no variable {name!r}", where=user_location(), hint=f"it has: {known}"
            ) from None

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str) and not is_symbolic(name):  # pyright: ignore[reportUnnecessaryIsInstance]: input
            raise ProgramError(
                f"the name of a variable is of type {type(name).__name__}", where=user_location(), hint="give a text"
            )
        name = characters(name)
        self._variables[name] = value
        self._assigned[name] = None
        self._answers.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._variables

    def __repr__(self) -> str:
        return f"ProgramState({self.text()})"

    get_var = __getitem__
    set_var = __setitem__

    @property
    def prompt(self) -> Any:
        return self._prompt

    @property
    def variables(self) -> dict[str, Any]:
        """The variables as they are, not as the body reads them."""
        return self._variables

    @property
    def answers(self) -> dict[str, Any]:
        """For each variable that a gen or select filled, the prompt with the answer; a list for those of joined forks,
        with None for what no answer filled."""
        return self._answers

    def get_meta_info(self, name: str) -> Any:
        """What is known about the answer in a variable: counts, why it ended, log probabilities. None for a variable
        that no gen or select filled; a list for the variable of joined forks."""
        return each_prompt(self._answers.get(name), self._machine.meta)

    def text(self) -> Any:
        """All text so far."""
        return self._machine.text(self._prompt)

    def messages(self) -> list[dict[str, Any]]:
        """The chat messages so far, in OpenAI's form."""
        return self._machine.messages(self._prompt)

    def text_iter(self, var_name: str | None = None) -> Iterator[Any]:
        """The text, or a variable's, in one piece. (Pieces come from the result of `run(stream=True)`.)"""
        yield self.text() if var_name is None else self[var_name]

    async def text_async_iter(self, var_name: str | None = None, return_meta_data: bool = False) -> AsyncIterator[Any]:
        """The same for asyncio; with return_meta_data a pair of it and the variable's meta info."""
        for piece in self.text_iter(var_name):
            yield (piece, self.get_meta_info(var_name or "")) if return_meta_data else piece

    def sync(self) -> None:
        """Nothing: each primitive is in order already. Kept for programs written for SGLang."""

    def error(self) -> Exception | None:
        """None: an error ends the program. Kept for programs written for SGLang."""
        return None

    @contextmanager
    def var_scope(self, name: str) -> Generator[ProgramState]:
        """`with s.var_scope("x"):` makes `s["x"]` the text that is added inside."""
        begin = self._prompt
        yield self
        self[name] = self._machine.text(self._prompt, begin)

    def system(self, expr: Any = None) -> Any:
        return self._message("system", expr)

    def user(self, expr: Any = None) -> Any:
        return self._message("user", expr)

    def assistant(self, expr: Any = None) -> Any:
        return self._message("assistant", expr)

    def fork(self, size: int = 1, position_ids_offset: Sequence[int] | None = None) -> ProgramStateGroup:
        """`size` states that begin as this one is now. `position_ids_offset` is accepted and has no effect."""
        count = size.__index__() if hasattr(type(size), "__index__") and type(size) is not bool else -1
        if count < 0:
            raise ProgramError("fork needs a whole number of at least 0", where=user_location(), hint="s.fork(3)")
        return ProgramStateGroup([self._child() for _ in range(count)], self)

    def copy(self, position_ids_offset: Sequence[int] | None = None) -> _Copy:
        """A fork of one, joined at the end of the `with` block."""
        return _Copy(self.fork(1, position_ids_offset))

    def _child(self) -> ProgramState:
        child = ProgramState(self._machine, self._prompt, self._sampling, self._n)
        child._variables = dict(self._variables)
        child._answers = dict(self._answers)
        child._role = self._role
        return child

    def _message(self, role: str, expression: Any) -> Any:
        begin, end = RoleEdge(Role(role, "begin")), RoleEdge(Role(role, "end"))
        if expression is None:
            return _Message(self, begin, end)
        self._run(begin + expression + end)
        return self

    def _run(self, other: Any) -> None:
        pending: list[Piece] = []
        items: Iterator[Any] = other.items() if isinstance(other, Expression) else iter((other,))
        for item in items:
            if isinstance(item, GenExpression):
                self._append(pending)
                self._gen(item)
            elif isinstance(item, SelectExpression):
                self._append(pending)
                choices = [self._pieces(choice) for choice in item.choices]
                self._answered(item.name, [self._machine.select(self._prompt, item.name, choices, item.method)])
            elif isinstance(item, ReasoningExpression):
                self._append(pending)
                self._reason(item)
            elif isinstance(item, TemplateExpression):
                self._append(pending)
                self._template(item)
            else:
                pending.extend(self._pieces(item))
        self._append(pending)

    def _gen(self, item: GenExpression) -> list[Answered]:
        sampling = item.sampling.filled_from(self._sampling)
        answers: list[Answered] = []
        for number in range(item.n or self._n or 1):
            own = sampling if sampling.seed is None else replace(sampling, seed=sampling.seed + number)
            answers.append(self._machine.gen(self._prompt, item.name, own, item.constraint))
        self._answered(item.name, answers)
        return answers

    def _template(self, item: TemplateExpression) -> None:
        """One gen; each field's variable is its part of the answer, with what is known about the whole of it."""
        answers = self._gen(item.gen)
        constraint = item.gen.constraint
        assert constraint is not None
        for name, number in item.fields:
            texts: list[Any] = []
            for answer in answers:
                whole = self._machine.read(answer.text)
                texts.append(self._machine.text_method("group", whole, constraint.text, number))
            prompts = [answer.prompt for answer in answers]
            self[name] = texts if len(texts) > 1 else texts[0]
            self._answers[name] = prompts if len(prompts) > 1 else prompts[0]

    def _answered(self, name: str | None, answers: list[Answered]) -> None:
        """Goes on after the first answer; the variable has all of them where there are several."""
        first = answers[0]
        self._prompt = first.prompt
        self._added.extend(first.pieces)
        if name is not None:
            several = len(answers) > 1
            self[name] = [answer.text for answer in answers] if several else first.text
            self._answers[name] = [answer.prompt for answer in answers] if several else first.prompt

    def _reason(self, item: ReasoningExpression) -> None:
        """Runs the expression, answer by answer: each prompt goes on without the reasoning in it."""
        for part in item.expression.items():
            before = self._prompt
            self._run(part)
            if isinstance(part, GenExpression | SelectExpression) and part.name is not None:
                text = self[part.name]
                self[f"{part.name}_reasoning_content"] = self._machine.text_method("reasoning", text, item.end)
                answer = self._answers[part.name]
                self[part.name] = self._machine.text_method("after_reasoning", text, item.end)
                self._answers[part.name] = answer
                self._prompt = before
                self._added.pop()
                self._run(self[part.name])

    def _append(self, pending: list[Piece]) -> None:
        if pending:
            self._prompt = self._machine.append(self._prompt, tuple(pending))
            self._added.extend(pending)
            pending.clear()

    def _pieces(self, item: Any) -> tuple[Piece, ...]:
        if isinstance(item, str):
            return self._machine.pieces(characters(item))
        if isinstance(item, RoleEdge):
            self._turn(item.role)
            return (item.role,)
        if isinstance(item, TrustedExpression):
            return self._machine.pieces(characters(item.text), trusted=True)
        if isinstance(item, UnorderedExpression):
            return self._machine.unordered([self._machine.pieces(characters(part)) for part in item.parts], item.place)
        if isinstance(item, ImageExpression):
            return (self._machine.image(item.path, None),)
        if isinstance(item, VideoExpression):
            return (self._machine.image(item.path, item.num_frames),)
        if item is None:
            raise ValueError("Tried to append None to state.")
        hint = "append text, or str(...) of it"
        if isinstance(item, ProgramState):
            hint = "s.system(...), s.user(...) and s.assistant(...) have appended already: leave s += out, or use sgl.user(...)"
        raise ProgramError(f"a prompt cannot take {_described(item)}", where=user_location(), hint=hint)

    def _turn(self, role: Role) -> None:
        if role.edge == "begin" and self._role is not None:
            raise ProgramError(
                f"{_a(role.name)} message begins inside {_a(self._role)} message",
                where=user_location(),
                hint=f"end the {self._role} message first",
            )
        if role.edge == "end" and self._role != role.name:
            open_role = f"{_a(self._role)} message is open" if self._role else "no message is open"
            raise ProgramError(f"{_a(role.name)} message ends, but {open_role}", where=user_location())
        self._role = role.name if role.edge == "begin" else None


def each_prompt(tree: Any, function: Callable[[Any], Any]) -> Any:
    """`function` of each prompt in a tree of lists; None stays."""
    if tree is None:
        return None
    return (
        [each_prompt(item, function) for item in cast("list[Any]", tree)] if isinstance(tree, list) else function(tree)
    )


def _a(role: str) -> str:
    return f"an {role}" if role == "assistant" else f"a {role}"


def _described(item: Any) -> str:
    if isinstance(item, list | tuple):
        return "a list: append its items one by one"
    if isinstance(item, Expression):
        return "a gen or select inside a select's choices"
    return f"a value of type {type(item).__name__}"


class _Message:
    """`with s.user(): ...`"""

    def __init__(self, state: ProgramState, begin: Expression, end: Expression) -> None:
        self._state, self._begin, self._end = state, begin, end

    def __enter__(self) -> ProgramState:
        self._state += self._begin
        return self._state

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._state += self._end


class _Copy:
    """`with s.copy() as c: ...`"""

    def __init__(self, group: ProgramStateGroup) -> None:
        self._group = group

    def __enter__(self) -> ProgramState:
        return self._group[0]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._group.join()


class ProgramStateGroup:
    """The states of a fork."""

    def __init__(self, states: list[ProgramState], parent: ProgramState) -> None:
        self._states = states
        self._parent = parent

    def __getitem__(self, index: int) -> ProgramState:
        return self._states[index]

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[ProgramState]:
        return iter(self._states)

    def __setitem__(self, index: int, state: ProgramState) -> None:
        # `forks[i] += x` assigns the state that `+=` returned; anything else would lose a prompt.
        if self._states[index] is not state:
            raise ProgramError("a state of a fork cannot be replaced", where=user_location(), hint="use +=")

    def __iadd__(self, other: Callable[[int], Any] | Expression | Sequence[Any]) -> ProgramStateGroup:
        """Appends to each state: `other(i)` of a function, `other[i]` of a list, an expression to all."""
        if isinstance(other, list | tuple):
            values = cast("Sequence[Any]", other)
            if len(values) != len(self._states):
                raise ProgramError(f"{len(values)} values for {len(self._states)} forked states", where=user_location())
            each: Iterator[Any] = iter(values)
        elif isinstance(other, Expression):
            each = iter([other] * len(self._states))
        elif callable(other):
            each = (other(index) for index in range(len(self._states)))
        else:
            raise ValueError(f"Invalid value: {other!r}")
        for state, value in zip(self._states, each, strict=True):
            state += value  # noqa: PLW2901 - appends in place
        return self

    def join(self, mode: JoinMode = "gather_variable") -> None:
        """Brings the forks' results to the state they were forked from.

        gather_variable: each name that a fork gave a value becomes the list of the forks' values, None where a fork has
        none. concate_and_append: the forks' texts since the fork are appended one after another.
        """
        if mode == "gather_variable":
            names = dict.fromkeys(name for state in self._states for name in state._assigned)  # pyright: ignore[reportPrivateUsage]: one module
            for name in names:
                self._parent[name] = [state.variables.get(name) for state in self._states]
                answers = [state.answers.get(name) for state in self._states]
                if any(answer is not None for answer in answers):
                    self._parent._answers[name] = answers  # pyright: ignore[reportPrivateUsage]: one module
        elif mode == "concate_and_append":
            for state in self._states:
                for piece in state._added:  # pyright: ignore[reportPrivateUsage]: one module
                    if isinstance(piece, Role):
                        self._parent._turn(piece)  # pyright: ignore[reportPrivateUsage]: one module
                self._parent._append(list(state._added))  # pyright: ignore[reportPrivateUsage]: one module
        else:
            raise ValueError(f"Invalid join mode: {mode}")
