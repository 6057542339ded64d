"""`@function`: a Python function that prompts a model, made runnable, traceable and compilable."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from sglc.arguments import Arguments, bind, signature, unknown_arguments
from sglc.backends import default_backend
from sglc.confirm import confirmed_trace
from sglc.ir.errors import ArgumentsError, ProgramError
from sglc.ir.graph import Graph
from sglc.ir.ops import Sampling
from sglc.machine import current_machine
from sglc.settings import RUN_SETTINGS, checked_sampling
from sglc.state import ProgramState
from sglc.symbolic import user_location

if TYPE_CHECKING:
    from sglc.compiled import CompiledProgram
    from sglc.compiler import Observer
    from sglc.result import Result
    from sglc.runtime.backend import Engine

Mode: TypeAlias = Literal["compiled", "interpret"]


class SglFunction:
    """A program. Its first parameter is the state `s`; the others are its arguments."""

    def __init__(self, function: Callable[..., Any], num_api_spec_tokens: int | None = None) -> None:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        if not names or names[0] != "s":
            raise ProgramError(
                f"the first parameter of {function.__name__} must be named s",
                where=user_location(),
                hint=f"def {function.__name__}(s, ...):",
            )
        self.func = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.num_api_spec_tokens = num_api_spec_tokens
        self.bind_arguments: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<sglc function {self.__name__}>"

    def bind(self, **arguments: Any) -> SglFunction:
        """The same program with some arguments given."""
        known = signature(self.func).parameters
        if unknown := [name for name in arguments if name not in known]:
            raise ArgumentsError(f"{self.__name__} has no argument {unknown[0]!r}", where=str(user_location()))
        bound = SglFunction(self.func, self.num_api_spec_tokens)
        bound.bind_arguments = {**self.bind_arguments, **arguments}
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(*args, **kwargs)

    def run(
        self,
        *args: Any,
        backend: Engine | None = None,
        mode: Mode = "compiled",
        seed: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Runs the program and waits for its end.

        Besides the program's own arguments it takes the settings that its gens inherit, by SGLang's names:
        max_new_tokens (128), temperature (1.0), stop, top_p, top_k, min_p, frequency_penalty, presence_penalty,
        ignore_eos, min_tokens, stop_token_ids. seed: of all draws; None is a new one each run. mode: "compiled", or
        "interpret" for plain Python with each primitive at once.

        Inside another program's body it is part of that program and returns its own state; otherwise a `Result`.
        """
        arguments, sampling = self._split(kwargs)
        machine = current_machine()
        if machine is not None:
            state = ProgramState(machine, sampling=sampling)
            values = {**self.bind_arguments, **arguments}
            state.ret_value = self.func(state, *args, **values)
            return state
        row = bind(self.func, args, {**self.bind_arguments, **arguments}, self.__name__)
        from sglc.batch import collect  # here: torch comes with it

        return collect(self._numbered([row], sampling, backend, mode, seed), 1)[0]

    @overload
    def run_batch(
        self,
        batch_kwargs: Sequence[Mapping[str, Any] | Sequence[Any]],
        *,
        backend: Engine | None = None,
        mode: Mode = "compiled",
        seed: int | None = None,
        progress_bar: bool = False,
        num_threads: int | str = "auto",
        generator_style: Literal[False] = False,
        **settings: Any,
    ) -> list[Result]: ...
    @overload
    def run_batch(
        self,
        batch_kwargs: Sequence[Mapping[str, Any] | Sequence[Any]],
        *,
        generator_style: Literal[True],
        **settings: Any,
    ) -> Iterator[Result]: ...
    def run_batch(
        self,
        batch_kwargs: Sequence[Mapping[str, Any] | Sequence[Any]],
        *,
        backend: Engine | None = None,
        mode: Mode = "compiled",
        seed: int | None = None,
        progress_bar: bool = False,
        num_threads: int | str = "auto",
        generator_style: bool = False,
        **settings: Any,
    ) -> list[Result] | Iterator[Result]:
        """Runs the program for each row of arguments, all at once; results in the order of the rows.

        A row is a dict of arguments or a tuple of them. A failed row carries its error and leaves the others alone.
        Ctrl-C raises `BatchInterrupted`, which holds the results of the rows that were done. `num_threads` is accepted
        and has no effect: rows need no threads. generator_style: give results one by one, as an iterator.
        """
        arguments, sampling = self._split(settings)
        if arguments:
            raise ArgumentsError(
                f"run_batch has no setting {next(iter(arguments))!r}", hint="put arguments into the rows"
            )
        rows = [self._row(row, f"row {number}") for number, row in enumerate(batch_kwargs)]
        from sglc.batch import collect, in_order  # here: torch comes with it

        results = self._numbered(rows, sampling, backend, mode, seed)
        return in_order(results) if generator_style else collect(results, len(rows), progress_bar)

    def trace(self, *args: Any, **kwargs: Any) -> Graph:
        """The program as a graph. Arguments that are not given are texts that stay open."""
        kwargs.pop("backend", None)
        return confirmed_trace(self.func, unknown_arguments(self.func, args, {**self.bind_arguments, **kwargs}))

    def compile(
        self, *args: Any, backend: Engine | None = None, observe: Observer | None = None, **kwargs: Any
    ) -> CompiledProgram:
        """The program compiled for any texts; with a backend also for its model (tokens and automata).

        observe(pass, graph) is called after each pass.
        """
        from sglc.compiled import CompiledProgram  # here: most of what `import sglc` would load
        from sglc.compiler import compile_graph

        compiled = compile_graph(self.trace(*args, **kwargs), observe)
        if backend is not None:
            compiled.for_model(backend.tokenizer)
        return CompiledProgram(compiled.graph, compiled.schedule, compiled.models)

    def _split(self, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], Sampling]:
        """A call's keywords: the program's arguments, and the settings for its gens."""
        own = signature(self.func).parameters
        settings = {name: value for name, value in kwargs.items() if name in RUN_SETTINGS and name not in own}
        arguments = {name: value for name, value in kwargs.items() if name not in settings}
        return arguments, checked_sampling(**{RUN_SETTINGS[name]: value for name, value in settings.items()})

    def _row(self, row: Mapping[str, Any] | Sequence[Any], where: str) -> Arguments:
        if isinstance(row, Mapping):
            return bind(self.func, (), {**self.bind_arguments, **row}, where)
        if isinstance(row, str) or not isinstance(row, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]: input
            raise ArgumentsError(f"a row is a {type(row).__name__}", where=where, hint="give dicts or tuples")
        return bind(self.func, row, self.bind_arguments, where)

    def _numbered(
        self, rows: Sequence[Arguments], sampling: Sampling, backend: Engine | None, mode: Mode, seed: int | None
    ) -> Iterator[tuple[int, Result]]:
        from sglc.batch import compile_rows, interpret_rows, run_rows  # here: torch comes with it

        if mode not in ("compiled", "interpret"):
            raise ArgumentsError(f"mode must be 'compiled' or 'interpret', not {mode!r}")
        seed = secrets.randbelow(2**62) if seed is None else seed
        if mode == "interpret":
            return interpret_rows(self.func, rows, backend or default_backend(), sampling, seed)
        compiled = compile_rows(self.func, rows)
        return run_rows(compiled, rows, backend or default_backend(), sampling, seed)


@overload
def function(func: Callable[..., Any]) -> SglFunction: ...
@overload
def function(*, num_api_spec_tokens: int | None = None) -> Callable[[Callable[..., Any]], SglFunction]: ...
def function(func: Callable[..., Any] | None = None, num_api_spec_tokens: int | None = None) -> Any:
    """Makes a program of a Python function: `@function`, or `@function(...)`."""
    if func is not None:
        return SglFunction(func)

    def decorator(decorated: Callable[..., Any]) -> SglFunction:
        return SglFunction(decorated, num_api_spec_tokens)

    return decorator
