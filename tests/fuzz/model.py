"""A backend without a model: each answer is a hash of the question, so equal questions and no others have equal answers.

Answers that are on their way together come in an order of their own, as with a real model.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Set
from hashlib import blake2b
from typing import Any, cast

from sglc.ir.ops import Sampling
from sglc.ir.tokens import Sampled
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.family import Family
from sglc.runtime.engine.radix import Claim
from sglc.runtime.futures import Foresight
from sglc.runtime.jobs import Answer, DecodeJob, Job, Prompt, ScoreJob
from sglc.runtime.port import Owner
from sglc.runtime.runner import Runner
from sglc.runtime.scripted import PlainTokenizer, Question, render

Key = tuple[Any, ...]
"""All of a question that its answer depends on."""

Asked = tuple[int, Key]
"""The row that asked, and what. Interpreted runs do not say which row they are: -1."""


class ModelFailure(Exception):
    """What a failing model raises."""


class Model(Runner):
    """words: what answers are taken from. seeded: whether draws depend on the seed. failing: one question in so many
    fails, 0 for none. log: the questions so far. other: questions that are answered in another way this time. claims: those
    of its runs that are not given up."""

    def __init__(self) -> None:
        self.words: Sequence[str] = ("yes",)
        self.seeded = True
        self.failing = 0
        self.log: list[Asked] = []
        self.other: Set[Key] = frozenset()
        self.claims = Claims()
        super().__init__(_Port(self), PlainTokenizer())

    def prepare(
        self, words: Sequence[str], failing: int = 0, *, seeded: bool = True, other: Set[Key] = frozenset()
    ) -> None:
        self.words, self.failing, self.seeded, self.other = words, failing, seeded, other
        self.log = []

    def ask(self, job: Job, progressed: Any = None) -> Answer:
        """At once, without the loop: many times faster, and nothing but the answer counts here."""
        answer = self.answered(job)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answered(self, job: Job) -> Answer | Exception:
        if not isinstance(job, DecodeJob | ScoreJob):
            return Answer((), "", {})
        key = self.key(job)
        self.log.append((job.order[0] if job.order else -1, key))
        drawn = _hash(key, key in self.other)
        if self.failing and drawn % self.failing == 1:
            return ModelFailure(f"no answer {drawn % 1000}")
        meta = {"finish_reason": {"type": "stop"}, "drawn": drawn % 10_000}
        if isinstance(job, DecodeJob):
            text = self.words[drawn % len(self.words)]
            return Answer((*job.prompt, Sampled((), text)), text, meta)
        choice = job.choices[drawn % len(job.choices)]
        return Answer((*job.prompt, *choice), render(choice), meta)

    def key(self, job: DecodeJob | ScoreJob) -> Key:
        """A greedy gen draws nothing, so its seed does not count."""
        asked = Question(job)
        if isinstance(job, ScoreJob):
            return ("select", asked.prompt, asked.choices, job.method)
        assert asked.sampling is not None
        seed = asked.seed if self.seeded and asked.sampling.temperature != 0 else 0
        return ("gen", asked.prompt, _named(asked.sampling), job.constraint is not None, seed)


def draws_nothing(key: Key) -> bool:
    """Whether rows of a batch may share its answer."""
    return key[0] == "select" or ("temperature", 0) in key[2]


def _named(sampling: Sampling) -> tuple[tuple[str, Any], ...]:
    return tuple((name, getattr(sampling, name)) for name in Sampling.__dataclass_fields__ if name != "seed")


def _hash(key: Key, other: bool) -> int:
    return int.from_bytes(blake2b(repr((key, other)).encode(), digest_size=6).digest(), "little")


class Claims:
    """In the place of an engine: which claims are open. A KeyError for one that is given up twice."""

    def __init__(self) -> None:
        self._open: set[object] = set()

    def __len__(self) -> int:
        return len(self._open)

    def claim(self, ids: Sequence[int], when: tuple[int, ...]) -> Claim:
        claim = object()
        self._open.add(claim)
        return cast("Claim", claim)

    def give_up(self, claim: Claim) -> None:
        self._open.remove(claim)

    def end(self, family: Family) -> None:
        pass


class _Port:
    """Answers all that is on its way in one turn, in the order of a hash."""

    def __init__(self, model: Model) -> None:
        self.foresight = Foresight(cast("EngineCore", model.claims), PlainTokenizer())
        self._model = model
        self._asked: dict[_Asked, None] = {}

    @property
    def idle(self) -> bool:
        return not self._asked

    def submit(self, job: Job, owner: Owner) -> Hashable:
        asked = _Asked(job, owner)
        self._asked[asked] = None
        return asked

    def cancel(self, handle: Any) -> None:
        self._asked.pop(handle, None)

    def turn(self) -> None:
        answered = [(self._model.answered(asked.job), asked) for asked in self._asked]
        if len(answered) > 1:
            answered.sort(key=_place)
        for answer, asked in answered:
            if asked in self._asked:  # an answer before it may have cancelled it
                del self._asked[asked]
                asked.owner.answered(answer)

    def fail_all(self, error: Exception) -> None:
        while self._asked:
            asked, _ = self._asked.popitem()
            asked.owner.answered(error)

    def render(self, prompt: Prompt, since: Prompt = ()) -> str:
        return render(prompt)[len(render(since)) :]


class _Asked:
    __slots__ = ("job", "owner")

    def __init__(self, job: Job, owner: Owner) -> None:
        self.job = job
        self.owner = owner


def _place(answered: tuple[Answer | Exception, _Asked]) -> int:
    answer, _ = answered
    return -1 if isinstance(answer, Exception) else answer.meta.get("drawn", 0)
