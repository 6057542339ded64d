"""Runs a program's body on symbolic text and records what it does: Python function -> Graph."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sglc.arguments import Arguments, is_record, replace_texts, signature
from sglc.ir.builder import Builder
from sglc.ir.errors import Location, ProgramError, SglcError
from sglc.ir.graph import Graph, Tree
from sglc.ir.ops import Op, Part, Sampling, Trusted
from sglc.machine import Answered, Piece, running
from sglc.state import ProgramState
from sglc.symbolic import Markers, NeedsText, SymbolicText, is_symbolic, raised_at, shown_path, user_location


def trace(function: Callable[..., Any], arguments: Arguments) -> Graph:
    """The graph of a program for arguments of this shape; the texts' characters are not used.

    Raises `ProgramError` at the user's line: for a body that raises, needs characters that are not known yet, or gives
    back what is no plain data.
    """
    builder = Builder(function.__name__)
    tracer = _Tracer(builder)
    defaults = {
        name: parameter.default
        for name, parameter in signature(function).parameters.items()
        if isinstance(parameter.default, str)
    }
    params = {path: builder.param(path, default=defaults.get(path)) for path in arguments.texts}
    values = replace_texts(arguments.values, lambda path: tracer.symbolic(params[path], path))
    start = Location(shown_path(function.__code__.co_filename), function.__code__.co_firstlineno)
    state = ProgramState(tracer, builder.root(loc=start))
    with running(tracer), _errors_at_the_users_line(function):
        state.ret_value = function(state, **values)
    variables: dict[str, Tree] = {
        name: tracer.result(value, f"variable {name!r}") for name, value in state.variables.items()
    }
    return builder.finish(
        final=state.prompt,
        variables=variables,
        value=tracer.result(state.ret_value, "the returned value"),
        statics=arguments.statics,
    )


class _Tracer:
    """The machine that records."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._markers = Markers()

    def symbolic(self, op: Op, name: str) -> Any:
        return SymbolicText(op, self._markers, name, self._joined)

    def root(self) -> Op:
        return self._builder.root(loc=user_location())

    def pieces(self, text: Any, *, trusted: bool = False) -> tuple[Piece, ...]:
        if is_symbolic(text):
            return (Trusted(text.op),) if trusted else (text.op,)
        parts = self._markers.parts(text)
        return tuple(Trusted(part) if isinstance(part, Op) else part for part in parts) if trusted else parts

    def image(self, path: Any) -> Op:
        return self._builder.image(self._text_op(path), loc=user_location())

    def append(self, prompt: Op, pieces: Sequence[Part]) -> Op:
        return self._builder.append(prompt, pieces, loc=user_location())

    def gen(self, prompt: Op, name: str | None, sampling: Sampling, regex: str | None) -> Answered:
        state = self._builder.gen(prompt, name=name, sampling=sampling, regex=regex, loc=user_location())
        return Answered(state, self._answer(state, name))

    def select(self, prompt: Op, name: str | None, choices: Sequence[Sequence[Part]]) -> Answered:
        state = self._builder.select(
            prompt, choices=tuple(tuple(choice) for choice in choices), name=name, loc=user_location()
        )
        return Answered(state, self._answer(state, name))

    def text(self, prompt: Op) -> Any:
        raise ProgramError(
            "s.text() inside a program is known only when it runs",
            where=user_location(),
            hint='read a variable with s["name"], or run with mode="interpret"',
        )

    def result(self, value: Any, what: str) -> Tree:
        """A variable or the return value as plain data with ops in it."""
        if isinstance(value, str):
            return self._text_op(value) if is_symbolic(value) or len(self._markers.parts(value)) != 1 else value
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, list | tuple):
            items = [self.result(item, what) for item in cast("Sequence[Any]", value)]
            return items if isinstance(value, list) else tuple(items)
        if is_record(value):
            return {key: self.result(item, what) for key, item in value.items()}
        if isinstance(value, ProgramState):
            return None  # the state itself: its text and variables are the result already
        raise ProgramError(
            f"{what} is of type {type(value).__name__}, which a compiled program cannot give back",
            where=user_location(),
            hint="give text, numbers, lists, tuples or dicts, or run with mode='interpret'",
        )

    def _answer(self, state: Op, name: str | None) -> Any:
        read = self._builder.read(state, loc=user_location())
        return self.symbolic(read, "the answer of an unnamed gen" if name is None else f"s[{name!r}]")

    def _text_op(self, text: Any) -> Op:
        return text.op if is_symbolic(text) else self._builder.format(self._markers.parts(text), loc=user_location())

    def _joined(self, texts: tuple[Any, ...]) -> Any:
        parts = tuple(part for text in texts for part in self.pieces(text))
        return self.symbolic(self._builder.format(parts, loc=user_location()), "a text made from others")


@contextmanager
def _errors_at_the_users_line(function: Callable[..., Any]) -> Generator[None]:
    try:
        yield
    except NeedsText as need:
        raise ProgramError(
            f"{need.operation} needs the characters of {need.text.name}, which are known only when the program runs",
            where=need.location,
            hint="data-dependent branches are not compiled yet: run with mode='interpret' (sglc run --mode interpret), "
            "or pass what decides the branch as a number or bool",
        ) from None
    except SglcError:
        raise
    except Exception as error:
        where = raised_at(error, function.__code__.co_filename)
        hint = ""
        if isinstance(error, TypeError) and SymbolicText.__name__ in str(error):
            hint = (
                "the text is not known while the program is traced: use an f-string or +, or run with mode='interpret'"
            )
        raise ProgramError(
            f"{function.__name__} raised {type(error).__name__} while it was traced: {error}", where=where, hint=hint
        ) from error
