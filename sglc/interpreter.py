"""Runs a program's body as plain Python, each primitive at once: for debugging, and the oracle of the compiled mode."""

from __future__ import annotations

import copy
import enum
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NoReturn, TypeAlias, cast

from sglc.ir.errors import ENDS_ALL, ConstraintError, Location, RunError
from sglc.ir.functions import METHODS
from sglc.ir.ops import DEFAULT_SAMPLING, ChoicesMethod, Constraint, Sampling
from sglc.ir.tokens import Piece, Text, TokenConstraint
from sglc.language.arguments import Arguments
from sglc.language.host_function import Host
from sglc.language.machine import Answered, outside, running
from sglc.language.orders import NO_ORDERS, FreeOrders
from sglc.language.state import ProgramState, each_prompt
from sglc.language.symbolic import note_folder, raised_at, user_location
from sglc.passes.compile_constraints import check_length, compile_constraint
from sglc.runtime.executor import located
from sglc.runtime.jobs import Answer, DecodeJob, Outcome, Prompt, ScoreJob, chat_messages
from sglc.runtime.program import CalledOtherwise
from sglc.runtime.runner import Runner
from sglc.trace.replay import normal, plain, question_of, shown


def interpret(
    function: Callable[..., Any],
    arguments: Arguments,
    engine: Runner,
    sampling: Sampling,
    seed: int,
    row: int,
    n: int | None = None,
    answered: Mapping[Asked, Any] | None = None,
    orders: FreeOrders = NO_ORDERS,
    notes: Notes | None = None,
) -> Outcome:
    """One run. An exception of the body, or of a primitive, is the outcome's error. answered: what is known already and
    is not asked again; an exception is raised again. orders: of parts whose order is free. notes: gets what was asked."""
    assert arguments.call is not None
    note_folder()
    machine = _Interpreter(engine, sampling, seed, row, list(arguments.texts.values()), answered or {}, orders, notes)
    state = ProgramState(machine, n=n)
    error: Exception | None = None
    try:
        with running(machine):
            state.ret_value = arguments.call.of(function, state)
    except Failed as failed:
        error = failed.error
    except ENDS_ALL:
        raise
    except BaseException as raised:  # noqa: BLE001 - the body's exception is the program's error
        error = located(raised, raised_at(raised, function.__code__.co_filename))
    return Outcome(
        prompt=state.prompt,
        render=engine.tokenizer.render,
        variables=state.variables,
        value=None if isinstance(state.ret_value, ProgramState) else state.ret_value,
        meta={name: each_prompt(answers, machine.known) for name, answers in state.answers.items()},
        error=machine.error or error,
    )


Asked: TypeAlias = tuple[int, str]
"""The number of a primitive, and what it asks (`sglc.trace.replay.question_of`) as text."""


Notes: TypeAlias = dict[int, tuple[Any, Any]]
"""number of a primitive -> what a gen, a select or a host function was asked, as `Events.calls` has it, and the answer."""


class _Unknown(enum.Enum):
    """Not known: None is what some host functions give. (An enum's member is itself when it is copied.)"""

    UNKNOWN = 0


_UNKNOWN = _Unknown.UNKNOWN


class Failed(BaseException):
    """A primitive failed: that ends the program. Not an `Exception`, so that no body swallows the cause."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def followed(constraint: Constraint, sampling: Sampling, backend: Runner) -> TokenConstraint:
    """A constraint that is first seen while the program runs, as the backend follows it. Raises `ConstraintError` where it
    cannot be compiled, or not be met within max_tokens."""
    if constraint not in backend.automata:
        compiled = compile_constraint(constraint, backend.tokenizer.vocabulary)
        backend.automata[constraint] = backend.follow(compiled)
    check_length(backend.automata[constraint], sampling)
    return backend.automata[constraint]


class _Interpreter:
    """The machine that executes."""

    def __init__(
        self,
        engine: Runner,
        sampling: Sampling,
        seed: int,
        row: int,
        untrusted: list[str],
        answered: Mapping[Asked, Any],
        orders: FreeOrders,
        notes: Notes | None,
    ) -> None:
        self.error: Exception | None = None
        self._engine = engine
        self._sampling = sampling
        self._seed = seed
        self._row = row
        self._answered = answered
        self._orders = orders
        self._notes = notes
        self._untrusted = untrusted  # arguments and answers: their text never becomes a control token
        self._numbered = 0
        self._metas: dict[int, tuple[Prompt, dict[str, Any]]] = {}  # by the identity of the prompt with the answer

    def root(self) -> Prompt:
        return ()

    def pieces(self, text: str, *, trusted: bool = False) -> tuple[Piece, ...]:
        if trusted or not self._engine.tokenizer.spells_control(text):
            return (Text(text, trusted=True),)
        return tuple(_by_origin(text, self._untrusted))

    def unordered(self, groups: Sequence[tuple[Piece, ...]], place: Location | None) -> tuple[Piece, ...]:
        return self._orders.put(groups, place)

    def image(self, path: Any, frames: int | None) -> Piece:
        self._fail(RunError("this model takes text only", where=user_location(), hint="leave images out"))

    def read(self, value: Any) -> Any:
        return value

    def append(self, prompt: Prompt, pieces: Sequence[Piece]) -> Prompt:
        self._go_on()
        return (*prompt, *pieces)

    def gen(self, prompt: Prompt, name: str | None, sampling: Sampling, constraint: Constraint | None) -> Answered:
        settings = sampling.filled_from(self._sampling).filled_from(DEFAULT_SAMPLING)
        number = self._number()
        draw = (self._seed, self._row, number) if settings.seed is None else (settings.seed,)
        try:
            automaton = None if constraint is None else followed(constraint, sampling, self._engine)
        except ConstraintError as error:
            self._fail(located(error, user_location()))

        def call() -> tuple[Any, ...]:
            return ("gen", normal(prompt), name, sampling, constraint)

        answered = self._ask(DecodeJob(prompt, settings, draw, automaton), self._known_answer(number, call))
        self._note(number, call, answered.text)
        return answered

    def select(
        self, prompt: Prompt, name: str | None, choices: Sequence[Sequence[Piece]], method: ChoicesMethod
    ) -> Answered:
        def call() -> tuple[Any, ...]:
            return ("select", normal(prompt), name, tuple(shown(normal(choice)) for choice in choices), method)

        number = self._number()
        job = ScoreJob(prompt, tuple(tuple(choice) for choice in choices), method=method)
        answered = self._ask(job, self._known_answer(number, call))
        self._note(number, call, answered.text)
        return answered

    def call(self, host: Host, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        number = self._number()

        def call() -> tuple[Any, ...]:
            return ("call", host.name, plain(arguments), plain(keywords))

        asked = call() if self._notes is not None else None  # before the function can change its arguments
        value = self._known_answer(number, call)
        if value is _UNKNOWN:
            done: Future[Any] = Future()
            self._engine.workers.call(
                outside(), host.function, arguments, keywords, host.timeout, host.name, done.set_result
            )
            value = done.result()
        if isinstance(value, CalledOtherwise):
            if value.changed:
                _change((*arguments, *keywords.values()), (*value.changed[0], *value.changed[1].values()))
            value = copy.deepcopy(value.value)
        if isinstance(value, Exception):
            self._fail(located(value, user_location()))
        if host.gives_text and isinstance(value, str):
            self._untrusted.append(value)
        self._note(number, lambda: asked, value)
        return value

    def _note(self, number: int, asked: Callable[[], Any], answer: Any) -> None:
        if self._notes is not None:
            self._notes[number] = asked(), copy.deepcopy(answer)

    def _known_answer(self, number: int, call: Callable[[], tuple[Any, ...]]) -> Any:
        """What is known already and is not asked again; _UNKNOWN where it has to be."""
        if not self._answered:
            return _UNKNOWN
        known = self._answered.get((number, repr(question_of(call()))), _UNKNOWN)
        return known if isinstance(known, Exception) else copy.deepcopy(known)

    def meta(self, prompt: Prompt) -> dict[str, Any]:
        meta = copy.deepcopy(self.known(prompt))
        self._note(self._number(), lambda: None, meta)
        return meta

    def known(self, prompt: Prompt) -> dict[str, Any]:
        """What is known about the answer that a prompt ends with."""
        return self._metas[id(prompt)][1]

    def text(self, prompt: Prompt, since: Prompt | None = None) -> str:
        text = self._engine.tokenizer.render(prompt)
        text = text[len(self._engine.tokenizer.render(since)) :] if since else text
        self._note(self._number(), lambda: None, text)
        return text

    def messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        return chat_messages(prompt)

    def text_method(self, name: str, text: Any, *arguments: Any) -> Any:
        return METHODS[name](text, *arguments)

    def _ask(self, job: DecodeJob | ScoreJob, known: Any) -> Answered:
        try:
            answer: Answer = self._engine.ask(job) if known is _UNKNOWN else known
        except Exception as error:  # noqa: BLE001 - ends the program, whatever the body catches
            self._fail(located(error, user_location()))
        self._untrusted.append(answer.text)
        self._metas[id(answer.prompt)] = answer.prompt, answer.meta
        text = "".join((answer.text[:1], answer.text[1:]))  # a text of its own, told from an equal one in the same list
        return Answered(answer.prompt, text, (Text(text, trusted=False),))

    def _number(self) -> int:
        """The next number of a primitive, as the tracer counts them."""
        self._go_on()
        self._numbered += 1
        return self._numbered - 1

    def _go_on(self) -> None:
        if self.error is not None:
            raise Failed(self.error)

    def _fail(self, error: Exception) -> NoReturn:
        self.error = error
        raise Failed(error)


def _change(arguments: Sequence[Any], changed: Sequence[Any]) -> None:
    """Makes lists and dicts what a host function has made of the copies that it was given."""
    for one, other in zip(arguments, changed, strict=True):
        kind = cast("type[Any]", type(one))
        if kind not in (list, dict) or repr(one) == repr(other):
            continue
        one.clear()
        (one.extend if kind is list else one.update)(copy.deepcopy(other))


def _by_origin(text: str, untrusted: Sequence[str]) -> list[Piece]:
    """A plain string no longer says where its characters are from, so what equals an untrusted text counts as that
    text. Only strings in which a control token is spelled come here."""
    owned = [False] * len(text)
    for source in untrusted:
        start = text.find(source) if source else -1
        while start >= 0:
            owned[start : start + len(source)] = [True] * len(source)
            start = text.find(source, start + 1)
    pieces: list[Piece] = []
    begin = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or owned[end] != owned[begin]:
            pieces.append(Text(text[begin:end], trusted=not owned[begin]))
            begin = end
    return pieces
