"""What the executor asks a model through: jobs in, answers out. `EnginePort` is the engine; tests and programs without
a model have ports of their own (`sglc.runtime.scripted`)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Protocol

from sglc.ir.tokens import Tokenizer
from sglc.runtime.desk import Desk, Owner
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.request import Failed, Finished, Progress
from sglc.runtime.futures import Foresight
from sglc.runtime.jobs import Answer, Decode, Job, Prompt
from sglc.runtime.speculation import Speculation


class Render(Protocol):
    def __call__(self, prompt: Prompt, since: Prompt = (), /) -> str: ...


class Port(Desk, Protocol):
    """foresight: who wants to know what runs will read again; None where nothing is cached."""

    @property
    def foresight(self) -> Foresight | None: ...

    def turn(self) -> None:
        """Goes on by one step and tells the owners. May wait for a moment where nothing is ready."""
        ...

    @property
    def idle(self) -> bool:
        """No job is under way, and nothing else that only `turn` brings to an end."""
        ...

    def fail_all(self, error: Exception) -> None:
        """Ends all jobs with an error."""
        ...

    @property
    def render(self) -> Render:
        """What makes the text of a prompt after another that it begins with. Results keep it, so it should not keep the port."""
        ...


class _Asked:
    """A job at the engine: its requests and what came back."""

    __slots__ = ("finished", "job", "owner", "requests")

    def __init__(self, job: Job, owner: Owner, requests: Sequence[int]) -> None:
        self.job = job
        self.owner = owner
        self.requests = requests
        self.finished: dict[int, Finished] = {}


class EnginePort:
    """The engine as a port. speculate: prompts that are to come are computed where its user says so (`Speculation`)."""

    def __init__(self, core: EngineCore, tokenizer: Tokenizer, decode: Decode, speculate: bool = False) -> None:
        self._core = core
        self._tokenizer = tokenizer
        self._decode = decode
        speculation = Speculation(core, tokenizer) if speculate else None
        self.foresight: Foresight | None = Foresight(core, tokenizer, speculation)
        self._asked: dict[int, _Asked] = {}  # by request
        self.render: Render = partial(_rendered, tokenizer)

    @property
    def idle(self) -> bool:
        return not self._asked and not self._core.in_flight

    def submit(self, job: Job, owner: Owner) -> Hashable:
        ids: list[int] = []
        try:
            for request in job.requests(self._tokenizer):
                ids.append(self._core.submit(request, owner.family))
        except Exception:
            for submitted in ids:
                self._core.cancel(submitted)
            raise
        asked = _Asked(job, owner, ids)
        for request in ids:
            self._asked[request] = asked
        return asked

    def cancel(self, handle: Hashable) -> None:
        assert isinstance(handle, _Asked)
        for request in handle.requests:
            if self._asked.pop(request, None) is not None:
                self._core.cancel(request)

    def turn(self) -> None:
        for event in self._core.step():
            asked = self._asked.get(event.request)
            if asked is None:
                continue
            if isinstance(event, Progress):
                asked.owner.progressed(event.text)
            elif isinstance(event, Failed):
                self.cancel(asked)
                asked.owner.answered(event.error)
            else:
                asked.finished[event.request] = event
                del self._asked[event.request]
                if len(asked.finished) == len(asked.requests):
                    asked.owner.answered(self._answer(asked))

    def _answer(self, asked: _Asked) -> Answer | Exception:
        try:
            return asked.job.answer([asked.finished[request] for request in asked.requests], self._decode)
        except Exception as error:  # noqa: BLE001 - belongs to the job's program, not to the loop
            return error

    def fail_all(self, error: Exception) -> None:
        for asked in dict.fromkeys(self._asked.values()):
            self.cancel(asked)
            asked.owner.answered(error)


def _rendered(tokenizer: Tokenizer, prompt: Prompt, since: Prompt = ()) -> str:
    text = tokenizer.render(prompt)
    return text[len(tokenizer.render(since)) :] if since else text
