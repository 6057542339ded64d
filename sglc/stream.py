"""The result of a run that is read while it goes on: `run(stream=True)`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

from sglc.asynchronous import post
from sglc.ir.graph import End
from sglc.ir.ops import Gen, Op, Select, prompts
from sglc.result import Result
from sglc.runtime.executor import known_variables
from sglc.runtime.jobs import Answer, Outcome
from sglc.runtime.program import Run
from sglc.runtime.values import answers_below, inputs_of


class Stream(Result):
    """A run under way. Pieces come in the order of the program's text, those of a variable from the first gen of its name
    that adds to the program's own state. Reading a variable waits until it is certain, anything else for the end of the
    run."""

    def __init__(self, check_may_wait: Callable[[], None]) -> None:
        super().__init__(Outcome())
        self._check_may_wait = check_may_wait
        self._changed = threading.Condition()
        self._listeners: list[Callable[[], None]] = []
        self._text = ""
        self._answers: dict[str, _Said] = {}  # by name: what the first gen of that name has said
        self._final: dict[str, tuple[Any, Any]] = {}  # by name: values that no later step changes, and their meta info
        self._partial: dict[Gen, str] = {}  # of gens that have not answered yet
        self._done = False

    # -- from the loop

    def progress(self, run: Run, gen: Gen | None, more: str) -> None:
        """More of an answer, or (gen None) a step that has answered, or is certain now."""
        with self._changed:
            if gen is not None:
                self._partial[gen] = self._partial.get(gen, "") + more
            said = _said_so_far(run, self._partial)
            self._grow(said.text)
            for op in said.steps:
                if op.name is not None and (known := self._answers.setdefault(op.name, _Said(op))).op is op:
                    known.tell(run.answers.get(op), self._partial.get(op, "") if isinstance(op, Gen) else "")
            if gen is None and said.certain and isinstance(end := run.block.end, End):
                for name, value, meta in known_variables(run, end, self._final):
                    self._final[name] = value, meta
        self._notify()

    def finish(self, outcome: Outcome) -> None:
        """The end of the run."""
        with self._changed:
            self._outcome = outcome
            if outcome.error is None:
                self._grow(outcome.text)
            self._done = True
        self._notify()

    def _grow(self, text: str) -> None:
        if text.startswith(self._text):
            self._text = text

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
            for listener in self._listeners:
                listener()

    # -- from the reader

    def text_iter(self, var_name: str | None = None) -> Iterator[str]:
        """The text, or a variable's, in pieces as they come. Raises the run's error where there is one."""
        sent = 0
        while True:
            with self._changed:
                while not (state := self._ready(var_name, sent)):
                    self._check_may_wait()
                    self._changed.wait()
            piece, ended = state
            sent += len(piece)
            if piece:
                yield piece
            if ended:
                return

    async def text_async_iter(self, var_name: str | None = None, return_meta_data: bool = False) -> AsyncIterator[Any]:
        """The same for asyncio; with return_meta_data pairs of a piece and the variable's meta info, None before its
        answer is complete."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def listener() -> None:
            post(loop, changed.set)

        with self._changed:
            self._listeners.append(listener)
        try:
            sent = 0
            while True:
                changed.clear()
                with self._changed:
                    state = self._ready(var_name, sent)
                    said = self._answers.get(var_name or "")
                if not state:
                    await changed.wait()
                    continue
                piece, ended = state
                sent += len(piece)
                if piece:
                    yield (piece, said.meta if said else None) if return_meta_data else piece
                if ended:
                    return
        finally:
            with self._changed:
                self._listeners.remove(listener)

    def _ready(self, name: str | None, sent: int) -> tuple[str, bool] | None:
        """What is new after `sent` characters and whether that is all; None where there is nothing to say yet."""
        if self._done:
            self._raise_error()
        if name is None:
            text, ended = self._text, self._done
        elif name in self._answers:
            said = self._answers[name]
            text, ended = said.text, said.meta is not None or self._done
        elif self._done:
            text, ended = str(Result.__getitem__(self, name)), True
        else:
            return None
        return (text[sent:], ended) if ended or len(text) > sent else None

    def _wait(self) -> None:
        with self._changed:
            while not self._done:
                self._check_may_wait()
                self._changed.wait()

    def __getitem__(self, name: str) -> Any:
        known = self._known(name)
        return super().__getitem__(name) if known is None else known[0]

    def get_meta_info(self, name: str) -> Any:
        known = self._known(name)
        return super().get_meta_info(name) if known is None else known[1]

    def _known(self, name: str) -> tuple[Any, Any] | None:
        """A variable and its meta info, as soon as nothing can change it any more; None where the run has ended first."""
        with self._changed:
            while not self._done and name not in self._final:
                self._check_may_wait()
                self._changed.wait()
            return None if self._done else self._final[name]

    def sync(self) -> None:
        """Waits for the end of the run."""
        self._wait()

    def text(self) -> str:
        self._wait()
        return super().text()

    def messages(self) -> list[dict[str, str]]:
        self._wait()
        return super().messages()

    def error(self) -> Exception | None:
        self._wait()
        return super().error()

    @property
    def ret_value(self) -> Any:
        self._wait()
        return super().ret_value

    @property
    def variables(self) -> dict[str, Any]:
        self._wait()
        return super().variables

    @property
    def meta(self) -> dict[str, Any]:
        self._wait()
        return super().meta

    def __contains__(self, name: str) -> bool:
        self._wait()
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._wait()
        return super().__iter__()

    def __repr__(self) -> str:
        return super().__repr__() if self._done else f"Stream({self._text!r} ...)"


class _Said:
    """What a gen or select has said so far. meta: None until it has answered."""

    __slots__ = ("meta", "op", "text")

    def __init__(self, op: Gen | Select) -> None:
        self.op = op
        self.text = ""
        self.meta: dict[str, Any] | None = None

    def tell(self, answer: Answer | None, so_far: str) -> None:
        self.text = so_far if answer is None else answer.text
        self.meta = None if answer is None else answer.meta


class _SoFar(NamedTuple):
    """What can be told of a run. steps: the gens and selects whose answers `text` has, the last one maybe in part.
    certain: whether the program's own state has nothing in doubt."""

    text: str
    steps: list[Gen | Select]
    certain: bool


def _said_so_far(run: Run, partial: dict[Gen, str]) -> _SoFar:
    """The program's text as far as it is certain: up to the first answer that is under way, and the part of it that has
    come. What stands behind the last step that is certain is not, where the run's path is in doubt."""
    *states, root = prompts(run.block.end.final)
    in_doubt = run.block.doubts is not None
    told: Op = root
    last: Op = root
    more = ""
    steps: list[Gen | Select] = []
    for state in reversed(states):
        if isinstance(state, Gen | Select):
            if run.doubts(state):
                break
            told = last
            steps.append(state)
            if state not in run.values:
                more = partial.get(state, "") if isinstance(state, Gen) else ""
                break
            told = state
        elif state not in run.values:
            if any(op not in run.values for op in answers_below([state])):
                break
            run.compute(inputs_of([state]))
        last = state
        if not in_doubt:
            told = last
    return _SoFar(("" if told is root else run.rendered(run.values[told], ())) + more, steps, not in_doubt)
