"""`@function`: a Python function that prompts a model, made runnable, traceable and compilable."""

from __future__ import annotations

import copy
import inspect
import secrets
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, overload

from sglc.backends import chosen_backend
from sglc.guards import Guard
from sglc.ir.errors import ENDS_ALL, ArgumentsError, ProgramError, SglcError, in_words
from sglc.ir.graph import Graph
from sglc.ir.ops import Sampling
from sglc.kept import Kept, kept_for
from sglc.language.arguments import Arguments, bind, signature, takes, unknown_arguments
from sglc.language.machine import current_machine
from sglc.language.settings import RUN_SETTINGS, Bounds, checked_settings
from sglc.language.state import ProgramState
from sglc.language.symbolic import raised_at, user_location
from sglc.result import Result

if TYPE_CHECKING:
    from sglc.compiled import CompiledProgram
    from sglc.compiler import Observer
    from sglc.live import LiveProgram
    from sglc.runtime.runner import Row, Runner
    from sglc.trace.explore import Traced

Mode: TypeAlias = Literal["compiled", "interpret"]

_NO_BODY = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_GENERATOR

IGNORED = ("use_thread",)
"""Settings of SGLang's `run` that have no meaning here."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run gives: `sampling` and `n` to its gens; seed: of all draws, None for a new one."""

    sampling: Sampling
    n: int | None
    given_seed: int | None
    mode: Mode

    @property
    def seed(self) -> int:
        return secrets.randbelow(2**62) if self.given_seed is None else self.given_seed


class SglFunction:
    """A program. Its first parameter is the state `s`; the others are its arguments.

    max_paths, max_depth: how far it is traced ahead of time (`sglc.language.settings.Bounds`).
    """

    def __init__(
        self,
        function: Callable[..., Any],
        num_api_spec_tokens: int | None = None,
        max_paths: int | None = None,
        max_depth: int | None = None,
    ) -> None:
        if not isinstance(function, FunctionType):  # pyright: ignore[reportUnnecessaryIsInstance]: input
            kind = (
                f"the class {function.__name__}" if isinstance(function, type) else f"of type {type(function).__name__}"
            )
            raise ProgramError(
                f"a program is made of a plain function, and this is {kind}",
                where=user_location(),
                hint="def f(s, ...): ..., which calls it",
            )
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        if not names or names[0] != "s":
            raise ProgramError(
                f"the first parameter of {function.__name__} must be named s",
                where=user_location(),
                hint=f"def {function.__name__}(s, ...):",
            )
        if function.__code__.co_flags & _NO_BODY:
            raise ProgramError(
                f"{function.__name__} is async or a generator, and a program is a plain function",
                where=user_location(),
                hint="def, without await and yield; what waits is a host function (@sglc.host)",
            )
        self.func = function
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.num_api_spec_tokens = num_api_spec_tokens
        self.bind_arguments: dict[str, Any] = {}
        given = {"max_paths": max_paths, "max_depth": max_depth}
        self.bounds = Bounds(**{key: value for key, value in given.items() if value is not None})
        self.kept = kept_for(function, self.bounds)

    def __repr__(self) -> str:
        return f"<sglc function {self.__name__}>"

    def __copy__(self) -> SglFunction:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __deepcopy__(self, memo: Any) -> SglFunction:
        """Itself, as of a function."""
        return self

    def __reduce__(self) -> str:
        """By its name, as a function: for processes that import its module."""
        return self.__qualname__

    def bind(self, **arguments: Any) -> SglFunction:
        """The same program with some arguments given; they come before those of a call, as in SGLang."""
        if unknown := [name for name in arguments if not takes(self.func, name)]:
            raise ArgumentsError(f"{self.__name__} has no argument {unknown[0]!r}", where=str(user_location()))
        bound = copy.copy(self)  # with all settings, and with what was compiled
        bound.bind_arguments = {**self.bind_arguments, **arguments}
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(*args, **kwargs)

    def run(
        self,
        *args: Any,
        backend: Runner | None = None,
        stream: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Runs the program and waits for its end; with `stream` returns at once, and the result is read as it comes
        (`text_iter`).

        Besides the program's own arguments it takes the settings that its gens inherit, by SGLang's names:
        max_new_tokens (128), temperature (1.0), stop, top_p, top_k, min_p, frequency_penalty, presence_penalty,
        ignore_eos, min_tokens, stop_token_ids; and seed: of all draws, None is a new one each run; and mode: "compiled", or
        "interpret" for plain Python with each primitive at once. What the program has as an argument itself is that.

        Inside another program's body it is part of that program and returns its own state; otherwise a `Result`.
        """
        arguments, settings = self._split(kwargs)
        machine = current_machine()
        if machine is not None:
            _check_inner(self.__name__, backend, settings)
            state = ProgramState(machine, sampling=settings.sampling, n=settings.n)
            values = {**arguments, **self.bind_arguments}
            state.ret_value = self.func(state, *args, **values)
            return state
        row = bind(self.func, args, {**arguments, **self.bind_arguments}, self.__name__)
        backend = chosen_backend(backend)
        if stream and settings.mode == "interpret":
            raise ArgumentsError("only compiled runs stream", hint="leave mode='interpret' out")
        if settings.mode == "interpret":
            return next(self._interpreted([row], settings, backend))[1]
        ready = self._one(row, settings, backend, waits=not stream)
        if isinstance(ready, Result):
            return ready
        if not stream:
            return Result(next(backend.run([ready]))[1])
        from sglc.stream import Stream  # here: torch comes with it

        result = Stream(backend.workers.check_may_wait)
        backend.begin(replace(ready, progress=result.progress), result.finish)
        return result

    async def arun(
        self,
        *args: Any,
        backend: Runner | None = None,
        stream: bool = False,
        **kwargs: Any,
    ) -> Any:
        """`run` for asyncio: other tasks go on meanwhile. Cancelling the task gives the run up."""
        given: dict[str, Any] = {**kwargs, "backend": backend, "stream": stream}
        if stream or current_machine() is not None:
            return self.run(*args, **given)
        from sglc.asynchronous import in_thread, result_of  # here: torch comes with it

        arguments, settings = self._split(kwargs)
        if settings.mode != "compiled":
            return await in_thread(self.run, *args, **given)
        row = bind(self.func, args, {**arguments, **self.bind_arguments}, self.__name__)
        backend = chosen_backend(backend)
        ready = self._one(row, settings, backend, waits=False)
        return ready if isinstance(ready, Result) else await result_of(backend, ready)

    async def arun_batch(
        self,
        batch_kwargs: Sequence[Mapping[str, Any] | Sequence[Any]],
        *,
        backend: Runner | None = None,
        mode: Mode = "compiled",
        seed: int | None = None,
        **settings: Any,
    ) -> AsyncIterator[Result]:
        """`run_batch` for asyncio: `async for result in f.arun_batch(rows)`, in the order of the rows. Leaving the loop
        early gives up the rows under way."""
        rows, given = self._batch(batch_kwargs, settings, mode, seed)
        from sglc.asynchronous import in_thread, results_of  # here: torch comes with it

        backend = chosen_backend(backend)
        if mode == "interpret":
            results = self._interpreted(rows, given, backend)
            while (numbered := await in_thread(next, results, None)) is not None:
                yield numbered[1]
            return
        async for result in results_of(backend, list(self._ready(rows, given, backend, waits=False))):
            yield result

    @overload
    def run_batch(
        self,
        batch_kwargs: Sequence[Mapping[str, Any] | Sequence[Any]],
        *,
        backend: Runner | None = None,
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
        backend: Runner | None = None,
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
        if current_machine() is not None:
            given: dict[str, Any] = {**settings, "backend": backend} | ({} if seed is None else {"seed": seed})
            return self._inside(batch_kwargs, given, generator_style)
        rows, chosen = self._batch(batch_kwargs, settings, mode, seed)
        from sglc.batch import collect, in_order, run_rows  # here: torch comes with it

        backend = chosen_backend(backend)
        if mode == "interpret":
            results = self._interpreted(rows, chosen, backend)
        else:
            results = run_rows(self._ready(rows, chosen, backend), backend)
        return in_order(results) if generator_style else collect(results, len(rows), progress_bar)

    def _inside(
        self, rows: Sequence[Mapping[str, Any] | Sequence[Any]], given: Mapping[str, Any], generator_style: bool
    ) -> Any:
        """A batch inside of another program's body is part of that program, as each of its runs is."""
        runs = [self.run(**row, **given) if isinstance(row, Mapping) else self.run(*row, **given) for row in rows]
        return iter(runs) if generator_style else runs

    def trace(self, *args: Any, **kwargs: Any) -> Graph:
        """The program as a graph. Arguments that are not given are texts that stay open."""
        return self._traced(args, kwargs).graph

    def _traced(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Traced:
        from sglc.trace.confirm import confirmed_trace  # here: what traces is half of what `import sglc` would load
        from sglc.trace.effects import no_effects
        from sglc.trace.replay import raise_if_always

        kwargs.pop("backend", None)
        arguments = unknown_arguments(self.func, args, {**kwargs, **self.bind_arguments})
        guard = Guard(self.func)
        try:
            with no_effects(self.func, guard):
                traced = confirmed_trace(self.func, arguments, self.bounds, guard=guard)
                if traced.failure is not None:
                    raise_if_always(self.func, arguments, None, traced.failure)
        except SglcError:
            raise
        except ENDS_ALL:
            raise
        except BaseException as error:
            raise _raised(self.func, error) from error
        return traced

    def cache(self, backend: Runner | None = None) -> None:
        """Prefills the program's constant prompts, so that the first run finds them."""
        backend = chosen_backend(backend)
        self.compile(backend=backend).warm(backend)

    def compile(
        self, *args: Any, backend: Runner | None = None, observe: Observer | None = None, **kwargs: Any
    ) -> CompiledProgram:
        """The program compiled for any texts; with a backend also for its model (tokens and automata).

        observe(pass, graph) is called after each pass.
        """
        from sglc.compiled import CompiledProgram  # here: most of what `import sglc` would load
        from sglc.compiler import compile_graph

        traced = self._traced(args, kwargs)
        for place in dict.fromkeys(risk.where for risk in traced.risks if risk is not None):
            what = "makes a string of a text that is not known yet, and only a run of the source can check what looks at it"
            warnings.warn(f"{place}: {self.__name__} {what}; append the text, or compare it itself", RuntimeWarning, 2)
        compiled = compile_graph(traced.graph, observe)
        if backend is not None:
            compiled.for_model(backend.tokenizer)
        return CompiledProgram(compiled.graph, compiled.schedule, compiled.models, traced.hosts)

    def compiled_for(self, row: Arguments, n: int | None = None) -> LiveProgram | Exception:
        """The compiled program for a row's shape, or why there is none."""
        from sglc.programs import program_for  # here: torch comes with it

        if not self.kept.serves(self.func):  # it was another's, made of the same code, which has changed since
            self.kept = Kept(self.func, self.bounds)
        return program_for(self.func, self.kept, row, n)

    def _split(self, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], Settings]:
        """A call's keywords: the program's arguments, and the settings of the run."""
        own = signature(self.func).parameters
        ours = {
            name: value for name, value in kwargs.items() if name not in own and name in (*RUN_SETTINGS, "mode", "seed")
        }
        arguments = {name: value for name, value in kwargs.items() if name not in ours and name not in IGNORED}
        return arguments, _settings(ours)

    def _row(self, row: Mapping[str, Any] | Sequence[Any], where: str) -> Arguments:
        if isinstance(row, Mapping):
            return bind(self.func, (), {**row, **self.bind_arguments}, where)
        if isinstance(row, str) or not isinstance(row, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]: input
            raise ArgumentsError(f"a row is a {type(row).__name__}", where=where, hint="give dicts or tuples")
        return bind(self.func, row, self.bind_arguments, where)

    def _batch(
        self,
        batch_kwargs: Sequence[Mapping[str, Any] | Sequence[Any]],
        settings: Mapping[str, Any],
        mode: Mode,
        seed: int | None,
    ) -> tuple[list[Arguments | ArgumentsError], Settings]:
        if isinstance(batch_kwargs, str | Mapping) or not isinstance(batch_kwargs, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]: input
            what = f"run_batch takes a list of rows, not a {type(batch_kwargs).__name__}"
            raise ArgumentsError(what, hint="give a list of dicts or tuples of arguments")
        given = {name: value for name, value in settings.items() if name not in IGNORED}
        if unknown := [name for name in given if name not in RUN_SETTINGS]:
            raise ArgumentsError(f"run_batch has no setting {unknown[0]!r}", hint="put arguments into the rows")
        given = _settings({**given, "mode": mode, "seed": seed})
        rows: list[Arguments | ArgumentsError] = []
        for number, row in enumerate(batch_kwargs):
            try:
                rows.append(self._row(row, f"row {number}"))
            except ArgumentsError as error:  # of this row alone, where others fit
                rows.append(error)
        if rows and isinstance(rows[0], ArgumentsError) and all(isinstance(row, ArgumentsError) for row in rows):
            raise rows[0]
        return rows, given

    def _interpreted(
        self, rows: Sequence[Arguments | ArgumentsError], settings: Settings, backend: Runner
    ) -> Iterator[tuple[int, Result]]:
        from sglc.batch import interpret_rows  # here: torch comes with it

        return interpret_rows(self.func, rows, backend, settings.sampling, settings.seed, settings.n)

    def _ready(
        self, rows: Sequence[Arguments | ArgumentsError], settings: Settings, backend: Runner, waits: bool = True
    ) -> Iterator[Row | Result]:
        """The rows with their compiled programs: see `ready_rows`."""
        from sglc.batch import ready_rows  # here: torch comes with it

        return ready_rows(
            lambda row: self.compiled_for(row, settings.n), rows, backend, settings.sampling, settings.seed, waits
        )

    def _one(self, row: Arguments, settings: Settings, backend: Runner, waits: bool) -> Row | Result:
        """The same for one row. Raises what is wrong with the program itself."""
        ready = next(self._ready([row], settings, backend, waits))
        if isinstance(ready, Result) and isinstance(failure := ready.error(), ProgramError):
            raise failure
        return ready


def _settings(given: Mapping[str, Any]) -> Settings:
    """From settings by SGLang's names, mode and seed. Raises `ArgumentsError`."""
    sampling, n = checked_settings(**{RUN_SETTINGS[name]: given[name] for name in given if name in RUN_SETTINGS})
    mode: Any = given.get("mode", "compiled")
    if mode not in ("compiled", "interpret"):
        raise ArgumentsError(f"mode must be 'compiled' or 'interpret', not {mode!r}")
    seed: Any = given.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ArgumentsError(f"seed is {seed!r}, not a whole number")
    return Settings(sampling, n, seed, mode)


def _check_inner(name: str, backend: Runner | None, settings: Settings) -> None:
    """Raises `ProgramError` for what a program inside of another's body cannot have of its own."""
    for own, hint in (
        (backend, "leave backend out, or put the run into a host function (@sglc.host), where it is a run of its own"),
        (settings.given_seed, "leave seed out, or give its gens one: gen(..., seed=7)"),
    ):
        if own is not None:
            what = "backend" if own is backend else "seed"
            raise ProgramError(
                f"{name} runs as a part of another program here, with that one's {what}",
                where=user_location(),
                hint=hint,
            )


def _raised(function: Callable[..., Any], error: BaseException) -> ProgramError:
    """The error of a body that raises whatever the texts are."""
    return ProgramError(
        f"{function.__name__} raised {in_words(error)}",
        where=raised_at(error, function.__code__.co_filename),
    )


@overload
def function(
    func: Callable[..., Any],
    num_api_spec_tokens: int | None = None,
    max_paths: int | None = None,
    max_depth: int | None = None,
) -> SglFunction: ...
@overload
def function(
    *, num_api_spec_tokens: int | None = None, max_paths: int | None = None, max_depth: int | None = None
) -> Callable[[Callable[..., Any]], SglFunction]: ...
def function(
    func: Callable[..., Any] | None = None,
    num_api_spec_tokens: int | None = None,
    max_paths: int | None = None,
    max_depth: int | None = None,
) -> Any:
    """Makes a program of a Python function: `@function`, or `@function(...)`.

    max_paths, max_depth: how many paths, and how many branches on one, are compiled ahead of time; what lies beyond is
    compiled when a run gets there. num_api_spec_tokens is accepted and has no effect.
    """
    inner = cast("Any", func)
    if type(inner) is partial and not inner.args:
        return SglFunction(inner.func, num_api_spec_tokens, max_paths, max_depth).bind(**inner.keywords)
    if func is not None:
        return SglFunction(func, num_api_spec_tokens, max_paths, max_depth)

    def decorator(decorated: Callable[..., Any]) -> SglFunction:
        return SglFunction(decorated, num_api_spec_tokens, max_paths, max_depth)

    return decorator
