"""Questions that rows of one batch ask alike are asked once.

A select, and a gen that draws nothing (temperature 0), has one answer for equal prompts and settings, whoever asks:
another row, or another step of the same one. The first that asks submits the job; others that ask meanwhile wait for it,
and the answer is remembered for those that come later. Equal answers make equal prompts, so whole programs of equal rows are run once, and those of rows that part
late up to where they part.

A question that failed is not remembered: all that wait have its error, and who asks again submits it again. Its place in
the engine's order, and the run that the scheduler counts it to, are those of the first row, and stay so when that row
leaves while others wait.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeGuard

from sglc.ir.ops import Role
from sglc.runtime.desk import Desk, Owner
from sglc.runtime.engine.family import Family
from sglc.runtime.jobs import Answer, DecodeJob, Job, ScoreJob

REMEMBERED = 4096
"""Answers of a batch that are remembered; the least recently used goes."""


class Shared:
    """The questions of one batch: a desk (`desk.Desk`) before the backend's own, used from the loop alone.

    post: runs a function on the loop, soon. remembered: how many answers.
    """

    def __init__(self, port: Desk, post: Callable[[Callable[[], None]], None], remembered: int = REMEMBERED) -> None:
        self._port = port
        self._post = post
        self._remembered = remembered
        self._open: dict[_Question, _Question] = {}  # asked and not answered
        self._answered: OrderedDict[_Question, Answer] = OrderedDict()

    def submit(self, job: Job, owner: Owner) -> Hashable:
        if not _has_one_answer(job):
            return self._port.submit(job, owner)
        new, asker = _Question(self, job), _Asker(owner)
        answer = self._answered.get(new)
        if answer is not None:
            self._answered.move_to_end(new)
            # Not at once: a program whose answers are all known would go on inside itself, step in step.
            self._post(lambda: asker.answered(answer.again()))
            return asker
        asker.question = question = self._open.get(new, new)
        question.askers.append(asker)
        question.waiting += 1
        if question is new:
            new.handle = self._port.submit(job, new)
            self._open[new] = new
        return asker

    def cancel(self, handle: Hashable) -> None:
        """Who asked hears no more. The job goes on as long as anybody waits for it."""
        if not isinstance(handle, _Asker):
            self._port.cancel(handle)
            return
        question = handle.leave()
        if question is not None and not question.waiting:
            del self._open[question]
            self._port.cancel(question.handle)

    def answered(self, question: _Question, answer: Answer | Exception) -> None:
        """Tells all that wait: the first of them has the counts of the job."""
        del self._open[question]
        waiting = question.close()
        if isinstance(answer, Answer):
            self._answered[question] = answer  # nobody else has this one: who asked may change what it gets
            if len(self._answered) > self._remembered:
                self._answered.popitem(last=False)
        for number, asker in enumerate(waiting):
            if isinstance(answer, Exception):
                asker.answered(answer)
            else:
                asker.answered(answer.again() if number else answer.copy())


def _has_one_answer(job: Job) -> TypeGuard[DecodeJob | ScoreJob]:
    """Whether no draw answers it."""
    return job.sampling.temperature == 0 if isinstance(job, DecodeJob) else isinstance(job, ScoreJob)


class _Question(Owner):
    """A job, which owns itself at the port, and equals all that have the same answer. askers: who waits for it, and who
    has left; waiting: how many those are that wait.

    The hash takes the texts of the prompt alone: a text knows its own, so no characters and no ids are gone through.
    """

    __slots__ = ("_hash", "_job", "_shared", "askers", "handle", "waiting")

    def __init__(self, shared: Shared, job: DecodeJob | ScoreJob) -> None:
        self._shared: Shared | None = shared  # until it is answered: then it is remembered there
        self._job = job
        self._hash = hash(tuple([piece.name if isinstance(piece, Role) else piece.text for piece in job.prompt]))
        self.askers: list[_Asker] = []
        self.waiting = 0
        self.handle: Hashable = None

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Question) and _asked(self._job) == _asked(other._job)

    @property
    def family(self) -> Family | None:
        owner = self.askers[0].owner
        return owner.family if owner is not None else None

    def answered(self, answer: Answer | Exception) -> None:
        assert self._shared is not None
        self._shared.answered(self, answer)

    def close(self) -> list[_Asker]:
        """Those that wait; from now on nobody does."""
        self._shared = None
        askers, self.askers, self.waiting = self.askers, [], 0
        waiting = [asker for asker in askers if asker.owner is not None]
        for asker in waiting:
            asker.question = None
        return waiting


def _asked(job: DecodeJob | ScoreJob) -> tuple[Any, ...]:
    """All that the answer depends on."""
    if isinstance(job, DecodeJob):
        return job.prompt, job.sampling, job.constraint
    return job.prompt, job.choices, job.method


class _Asker:
    """One who asked. owner: until it is told, or leaves. question: while it waits for one."""

    __slots__ = ("owner", "question")

    def __init__(self, owner: Owner) -> None:
        self.owner: Owner | None = owner
        self.question: _Question | None = None

    def leave(self) -> _Question | None:
        """The question that it has waited for."""
        question, self.owner, self.question = self.question, None, None
        if question is not None:
            question.waiting -= 1
        return question

    def answered(self, answer: Answer | Exception) -> None:
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.answered(answer)
