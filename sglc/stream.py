"""The result of a run that is read while it goes on: `run(stream=True)`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from sglc.ir.ops import Gen, Op, Primitive, Select, prompts
from sglc.result import Result
from sglc.runtime.executor import Run
from sglc.runtime.jobs import Outcome
from sglc.runtime.program import answers_below, inputs_of


class Stream(Result):
    """A run under way. Pieces come in the order of the program's text; reading a variable waits for it, anything else
    for the end of the run."""

    def __init__(self) -> None:
        super().__init__(Outcome())
        self._changed = threading.Condition()
        self._listeners: list[Callable[[], None]] = []
        self._text = ""
        self._answers: dict[str, _Said] = {}  # by name: what the first gen of that name has said
        self._partial: dict[Gen, str] = {}  # of gens that have not answered yet
        self._done = False

    # -- from the loop

    def progress(self, run: Run, gen: Gen | None, more: str) -> None:
        """More of an answer, or (gen None) a step that has answered."""
        with self._changed:
            if gen is not None:
                self._partial[gen] = self._partial.get(gen, "") + more
                self._said(gen, self._partial[gen], None)
            else:
                for op, answer in run.answers.items():
                    if isinstance(op, Gen | Select):
                        self._said(op, answer.text, answer.meta)
            self._grow(_text_so_far(run, self._partial))
        self._notify()

    def finish(self, outcome: Outcome) -> None:
        """The end of the run."""
        with self._changed:
            self._outcome = outcome
            if outcome.error is None:
                self._grow(outcome.text)
            self._done = True
        self._notify()

    def _said(self, op: Gen | Select, text: str, meta: dict[str, Any] | None) -> None:
        if op.name is not None:
            said = self._answers.setdefault(op.name, _Said(op))
            if said.op is op:
                said.text, said.meta = text, meta

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
            loop.call_soon_threadsafe(changed.set)

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
                self._changed.wait()

    def __getitem__(self, name: str) -> Any:
        with self._changed:
            while not self._done and (name not in self._answers or self._answers[name].meta is None):
                self._changed.wait()
            if not self._done:
                return self._answers[name].text
        return super().__getitem__(name)

    def get_meta_info(self, name: str) -> Any:
        self[name]
        with self._changed:
            if not self._done:
                return self._answers[name].meta
        return super().get_meta_info(name)

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
    """What a gen has said so far. meta: None until it has answered."""

    __slots__ = ("meta", "op", "text")

    def __init__(self, op: Gen | Select) -> None:
        self.op = op
        self.text = ""
        self.meta: dict[str, Any] | None = None


def _text_so_far(run: Run, partial: dict[Gen, str]) -> str:
    """The program's text as far as it is certain: up to the first answer that is under way, and the part of it that has
    come."""
    *states, _ = prompts(run.block.end.final)  # without the root
    last: Op | None = None
    more = ""
    for state in reversed(states):
        if isinstance(state, Primitive):
            if state not in run.values:
                more = partial.get(state, "") if isinstance(state, Gen) else ""
                break
        elif state not in run.values:
            if any(op not in run.values for op in answers_below([state])):
                break
            run.compute(inputs_of([state]))
        last = state
    return ("" if last is None else run.rendered(run.values[last], ())) + more
