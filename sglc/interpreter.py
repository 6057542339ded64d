"""Runs a program's body as plain Python, each primitive at once: for debugging, and the oracle of the compiled mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sglc.arguments import Arguments
from sglc.ir.errors import ConstraintError, RunError
from sglc.ir.ops import DEFAULT_SAMPLING, Sampling
from sglc.ir.tokens import Piece, Text, TokenAutomaton
from sglc.machine import Answered, running
from sglc.passes.regex.compile import compile_regex
from sglc.runtime.backend import Engine
from sglc.runtime.executor import located
from sglc.runtime.jobs import DecodeJob, Job, Outcome, Prompt, ScoreJob, chat_messages, draw_seed
from sglc.state import ProgramState
from sglc.symbolic import raised_at, user_location


def interpret(
    function: Callable[..., Any], arguments: Arguments, engine: Engine, sampling: Sampling, seed: int, row: int
) -> Outcome:
    """One run. An exception of the body is the outcome's error."""
    machine = _Interpreter(engine, sampling, seed, row, list(arguments.texts.values()))
    state = ProgramState(machine)
    error: Exception | None = None
    try:
        with running(machine):
            state.ret_value = function(state, **arguments.values)
    except Exception as raised:  # noqa: BLE001 - the body's exception is the program's error
        error = located(raised, raised_at(raised, function.__code__.co_filename))
    return Outcome(
        text="" if error else machine.text(state.prompt),
        messages=chat_messages(state.prompt),
        variables=state.variables,
        value=None if isinstance(state.ret_value, ProgramState) else state.ret_value,
        meta=state.meta,
        error=error,
    )


class _Interpreter:
    """The machine that executes."""

    def __init__(self, engine: Engine, sampling: Sampling, seed: int, row: int, untrusted: list[str]) -> None:
        self._engine = engine
        self._sampling = sampling
        self._seed = seed
        self._row = row
        self._untrusted = untrusted  # arguments and answers: their text never becomes a control token
        self._samples = 0

    def root(self) -> Prompt:
        return ()

    def pieces(self, text: str, *, trusted: bool = False) -> tuple[Piece, ...]:
        if trusted or not self._engine.tokenizer.spells_control(text):
            return (Text(text, trusted=True),)
        return tuple(_by_origin(text, self._untrusted))

    def image(self, path: Any) -> Piece:
        raise RunError(
            "this model takes text only", where=user_location(), hint="leave images out, or load a model for images"
        )

    def append(self, prompt: Prompt, pieces: Sequence[Piece]) -> Prompt:
        return (*prompt, *pieces)

    def gen(self, prompt: Prompt, name: str | None, sampling: Sampling, regex: str | None) -> Answered:
        settings = sampling.filled_from(self._sampling).filled_from(DEFAULT_SAMPLING)
        identity = (self._seed, self._row, self._samples) if settings.seed is None else (settings.seed,)
        self._samples += 1
        automaton = None if regex is None else self._automaton(regex)
        return self._ask(DecodeJob(prompt, settings, draw_seed(*identity), automaton))

    def select(self, prompt: Prompt, name: str | None, choices: Sequence[Sequence[Piece]]) -> Answered:
        return self._ask(ScoreJob(prompt, tuple(tuple(choice) for choice in choices)))

    def text(self, prompt: Prompt) -> str:
        return self._engine.tokenizer.render(prompt)

    def _ask(self, job: Job) -> Answered:
        answer = self._engine.ask(job)
        self._untrusted.append(answer.text)
        return Answered(answer.prompt, answer.text, answer.meta)

    def _automaton(self, regex: str) -> TokenAutomaton:
        try:
            return compile_regex(regex, self._engine.tokenizer.vocabulary)
        except ConstraintError as error:
            raise located(error, user_location()) from error


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
