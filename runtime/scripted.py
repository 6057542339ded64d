"""A backend without a model: a function answers. For tests of programs, and for measuring what everything but the model
costs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence

from sglc.ir.errors import RunError, in_words
from sglc.ir.ops import Role, Sampling
from sglc.ir.tokens import Piece, Sampled, Vocabulary
from sglc.runtime.desk import Owner
from sglc.runtime.jobs import Answer, DecodeJob, Job, Prompt, ScoreJob, draw_seed
from sglc.runtime.runner import Runner

WAIT = 0.0005
"""Seconds at most that the loop sleeps, while answers are on their way."""


class Question:
    """What a program asks. `prompt`: its text, with roles as tags. choices: of a select, else ()."""

    __slots__ = ("_job",)

    def __init__(self, job: DecodeJob | ScoreJob) -> None:
        self._job = job

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(map(render, self._job.choices)) if isinstance(self._job, ScoreJob) else ()

    @property
    def prompt(self) -> str:
        return render(self._job.prompt)

    @property
    def sampling(self) -> Sampling | None:
        """Of a gen."""
        return self._job.sampling if isinstance(self._job, DecodeJob) else None

    @property
    def seed(self) -> int:
        return draw_seed(*self._job.draw) if isinstance(self._job, DecodeJob) else 0


class Scripted(Runner):
    """Runs programs on `answer(question)`, which gives the text of a gen, or one of a select's choices.

    latency: seconds until an answer is there. An exception of `answer` is the program's error. share_rows: what rows of a
    batch ask alike, with a select or temperature 0, is asked once.
    """

    def __init__(self, answer: Callable[[Question], str], latency: float = 0.0, share_rows: bool = True) -> None:
        super().__init__(_ScriptedPort(answer, latency), PlainTokenizer(), share_rows)


class _ScriptedPort:
    foresight = None

    def __init__(self, answer: Callable[[Question], str], latency: float) -> None:
        self._answer = answer
        self._latency = latency
        self._asked: deque[_Asked] = deque()

    @property
    def idle(self) -> bool:
        return not self._asked

    def submit(self, job: Job, owner: Owner) -> Hashable:
        due = time.monotonic() + self._latency if self._latency else 0.0
        asked = _Asked(job, owner, due)
        self._asked.append(asked)
        return asked

    def cancel(self, handle: Hashable) -> None:
        assert isinstance(handle, _Asked)
        handle.owner = None

    def turn(self) -> None:
        now = time.monotonic() if self._latency else 0.0
        if self._asked and self._asked[0].due > now:
            time.sleep(min(WAIT, self._asked[0].due - now))
            return
        for _ in range(len(self._asked)):
            if self._asked[0].due > now:
                return
            asked = self._asked.popleft()
            if asked.owner is not None:
                asked.owner.answered(self._answered(asked.job))

    def _answered(self, job: Job) -> Answer | Exception:
        try:
            if isinstance(job, DecodeJob):
                text = self._answer(Question(job))
                if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]: the user's function
                    what = f"the scripted answer is of type {type(text).__name__}"
                    return RunError(what, hint="let the function of Scripted return a text")
                return Answer((*job.prompt, Sampled((), text)), text, {"finish_reason": {"type": "stop"}})
            if not isinstance(job, ScoreJob):
                return Answer((), "", {})
            text = self._answer(Question(job))
            rendered = [render(choice) for choice in job.choices]
            if text not in rendered:
                return _no_choice(text, rendered)
            choice = job.choices[rendered.index(text)]
            return Answer((*job.prompt, *choice), text, {})
        except Exception as error:  # noqa: BLE001 - the program's error
            return error
        except BaseException as error:  # noqa: BLE001 - `sys.exit`, or what a test gives up with: of that program alone
            ended = RunError(in_words(error))
            ended.__cause__ = error
            return ended

    def fail_all(self, error: Exception) -> None:
        while self._asked:
            owner = self._asked.popleft().owner
            if owner is not None:
                owner.answered(error)

    @staticmethod
    def render(prompt: Prompt, since: Prompt = ()) -> str:
        return render(prompt)[len(render(since)) :]


def _no_choice(text: object, choices: Sequence[str]) -> RunError:
    """What is said of an answer to a select that is none of its choices."""
    shown = ", ".join(map(repr, choices[:20])) + (f" and {len(choices) - 20} more" if len(choices) > 20 else "")
    hint = "let the function of Scripted return one of question.choices for a select"
    return RunError(f"the scripted answer {text!r:.200} is none of the choices of the select: {shown}", hint=hint)


class _Asked:
    __slots__ = ("due", "job", "owner")

    def __init__(self, job: Job, owner: Owner, due: float) -> None:
        self.job = job
        self.owner: Owner | None = owner
        self.due = due


def render(prompt: Sequence[Piece]) -> str:
    """The text of a prompt, with roles as tags."""
    return "".join(
        [(f"<{p.name}>" if p.edge == "begin" else f"</{p.name}>") if isinstance(p, Role) else p.text for p in prompt]
    )


class PlainTokenizer:
    """Bytes as tokens: all that a program needs where nothing is computed on tokens."""

    def __init__(self) -> None:
        self.vocabulary = Vocabulary(
            tokens=(*(bytes([byte]) for byte in range(256)), None),
            end_ids=frozenset({256}),
            size=257,
            fingerprint="bytes",
        )

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        return list(render(prompt).encode())

    def render(self, prompt: Sequence[Piece]) -> str:
        return render(prompt)

    def stable_prefix(self, prompt: Sequence[Piece]) -> list[int]:
        return self.encode(prompt)

    def spells_control(self, text: str) -> bool:
        return False


__all__ = ["PlainTokenizer", "Question", "Scripted", "render"]
