"""What rows of a batch ask alike is asked once, and nothing else changes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from random import Random
from typing import Any

import pytest

from sglc import ProgramState, Result, Scripted, SglFunction, call, function, gen, select
from sglc.ir.ops import DEFAULT_SAMPLING, Sampling
from sglc.ir.tokens import Sampled, Text
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from sglc.runtime.jobs import Answer, DecodeJob, Job, Outcome, PrefillJob, Prompt, ScoreJob
from sglc.runtime.port import Owner
from sglc.runtime.runner import Runner
from sglc.runtime.scripted import Question
from sglc.runtime.shared import Shared
from tests.graphs import random_graph
from tests.runtime.test_executor import for_bytes, hosts_of, meaning
from tests.runtime.toy import Machine

# The desk itself, and jobs that are answered by hand


class Desk:
    """Notes the jobs, answers when it is told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Job, Owner]] = []
        self.cancelled: list[Hashable] = []
        self.posted: list[Callable[[], None]] = []

    def submit(self, job: Job, owner: Owner) -> Hashable:
        self.jobs.append((job, owner))
        return f"job {len(self.jobs)}"

    def cancel(self, handle: Hashable) -> None:
        self.cancelled.append(handle)

    def answer(self, number: int, answer: Answer | Exception) -> None:
        self.jobs[number - 1][1].answered(answer)

    def work(self) -> None:
        while self.posted:
            self.posted.pop(0)()


class Row(Owner):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Answer | Exception] = []

    def answered(self, answer: Answer | Exception) -> None:
        self.told.append(answer)


def job(text: str = "Why?", trusted: bool = True, **settings: Any) -> DecodeJob:
    sampling = Sampling(**{"temperature": 0.0, **settings}).filled_from(DEFAULT_SAMPLING)
    return DecodeJob((Text("".join(text), trusted),), sampling, (1, 2))


def score(*choices: str, method: Any = "token_length_normalized") -> ScoreJob:
    return ScoreJob((Text("Why?", True),), tuple((Text(choice, True),) for choice in choices), (), method)


def sampled(*ids: int) -> DecodeJob:
    prompt: Prompt = (Sampled(ids, "ab"),)
    return DecodeJob(prompt, job().sampling, (1,))


def done(text: str = "So.") -> Answer:
    meta = {"prompt_tokens": 9, "cached_tokens": 4, "finish_reason": {"type": "stop"}, "logprobs": [(0.5, 7)]}
    return Answer((Text(text, False),), text, meta)


@pytest.mark.parametrize(
    ("first", "second", "jobs"),
    [
        (job(), job(), 1),
        (score("a", "b"), score("a", "b"), 1),
        (sampled(1, 2), sampled(1, 2), 1),
        (job(), job("Why"), 2),
        (job(), job(trusted=False), 2),
        (job(), job(max_tokens=3), 2),
        (job(), score("a"), 2),
        (job(temperature=0.1), job(temperature=0.1), 2),
        (job(temperature=1.0, seed=3), job(temperature=1.0, seed=3), 2),
        (score("a", "b"), score("b", "a"), 2),
        (score("a"), score("a", method="greedy_token_selection"), 2),
        (sampled(1, 2), sampled(3), 2),
        (PrefillJob((1,)), PrefillJob((1,)), 2),
    ],
)
def test_what_is_one_question(first: Job, second: Job, jobs: int) -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append)
    rows = [Row(), Row()]
    for row, asked in zip(rows, (first, second), strict=True):
        shared.submit(asked, row)
    assert len(desk.jobs) == jobs
    for number in range(jobs):
        desk.answer(number + 1, done())
    assert [len(row.told) for row in rows] == [1, 1]


def test_each_row_has_meta_info_of_its_own() -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append)
    rows = [Row(), Row(), Row()]
    for row in rows[:2]:
        shared.submit(job(), row)
    desk.answer(1, done())
    first, second = (row.told[0] for row in rows[:2])
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert first.meta == done().meta
    assert second.meta == {**done().meta, "cached_tokens": 9}  # nothing was computed for it
    first.meta["finish_reason"]["type"] = second.meta["logprobs"][0] = "changed"
    shared.submit(job(), rows[2])
    assert rows[2].told == []  # not before the caller is through with it
    desk.work()
    (third,) = rows[2].told
    assert isinstance(third, Answer)
    assert third.meta == {**done().meta, "cached_tokens": 9}
    assert len(desk.jobs) == 1


def test_a_failure_goes_to_all_that_wait_and_is_not_remembered() -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append)
    rows = [Row(), Row(), Row()]
    for row in rows[:2]:
        shared.submit(job(), row)
    error = ValueError("no")
    desk.answer(1, error)
    assert [row.told for row in rows] == [[error], [error], []]
    shared.submit(job(), rows[2])
    assert len(desk.jobs) == 2
    desk.answer(2, done())
    assert len(rows[2].told) == 1


def test_what_cannot_be_submitted_is_no_question() -> None:
    desk, error = Desk(), ValueError("too long")
    shared = Shared(desk, desk.posted.append)
    submit = desk.submit

    def refuse(job: Job, owner: Owner) -> Hashable:
        raise error

    desk.submit = refuse  # pyright: ignore[reportAttributeAccessIssue]: for this test
    for _ in range(2):
        with pytest.raises(ValueError, match="too long"):
            shared.submit(job(), Row())
    desk.submit = submit  # pyright: ignore[reportAttributeAccessIssue]
    shared.submit(job(), Row())
    assert len(desk.jobs) == 1


@pytest.mark.parametrize("leaving", [0, 1])
def test_a_job_goes_on_while_anybody_waits(leaving: int) -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append)
    rows = [Row(), Row()]
    handles = [shared.submit(job(), row) for row in rows]
    for _ in range(2):  # a second time it is no news
        shared.cancel(handles[leaving])
    assert desk.cancelled == []
    desk.answer(1, done())
    assert [len(row.told) for row in rows] == [leaving, 1 - leaving]
    for handle in handles:
        shared.cancel(handle)
    assert desk.cancelled == []


def test_a_job_that_nobody_waits_for_is_cancelled() -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append)
    for handle in [shared.submit(job(), Row()) for _ in range(3)]:
        assert desk.cancelled == []
        shared.cancel(handle)
    assert desk.cancelled == ["job 1"]
    shared.cancel(shared.submit(job(temperature=1.0), Row()))  # one of a row's own
    assert desk.cancelled == ["job 1", "job 2"]
    shared.submit(job(), Row())
    assert len(desk.jobs) == 3


def test_who_has_left_is_not_told_an_answer_that_is_on_its_way() -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append)
    rows = [Row(), Row()]
    shared.submit(job(), rows[0])
    desk.answer(1, done())
    shared.cancel(shared.submit(job(), rows[1]))
    desk.work()
    assert rows[1].told == []


def test_one_who_is_told_may_make_another_leave() -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append)

    class Leaving(Row):
        def answered(self, answer: Answer | Exception) -> None:
            super().answered(answer)
            shared.cancel(other)

    shared.submit(job(), Leaving())
    last = Row()
    other = shared.submit(job(), last)
    desk.answer(1, done())
    assert last.told == []
    assert desk.cancelled == []


def test_the_answer_used_least_recently_is_forgotten() -> None:
    desk = Desk()
    shared = Shared(desk, desk.posted.append, remembered=2)
    for text in ("a", "b", "a", "c", "a", "b"):  # the b before c is forgotten, for a was asked after it
        before = len(desk.jobs)
        shared.submit(job(text), Row())
        if len(desk.jobs) > before:
            desk.answer(len(desk.jobs), done())
        desk.work()
    assert [asked.prompt[0].text for asked, _ in desk.jobs if isinstance(asked, DecodeJob)] == ["a", "b", "c", "b"]  # pyright: ignore[reportAttributeAccessIssue]: texts


# Programs on a backend that counts


@function
def two_gens(s: ProgramState, x: str, y: str) -> None:
    s += "Start " + x + gen("a") + " then " + y + gen("b")


@function
def chooses(s: ProgramState, x: str, y: str) -> None:
    s += "Start " + x + select("a", choices=["left", "right"])
    if s["a"] == "left":
        s += " L" + gen("b")
    else:
        s += " R" + y + gen("b")


@function
def samples(s: ProgramState, x: str, y: str) -> None:
    s += "Start " + x + gen("a", n=3) + y


@function
def looks_up(s: ProgramState, x: str, y: str) -> None:
    s += "Start " + x + gen("a")
    s += call(found, s["a"], y) + gen("b")


called: list[tuple[str, str]] = []


def found(a: str, y: str) -> str:
    called.append((a, y))
    return f"[{y[:1]}]"


def rows_of(*pairs: str) -> list[dict[str, str]]:
    return [{"x": pair[0], "y": pair[1:]} for pair in pairs]


def run(program: SglFunction, rows: Sequence[Mapping[str, str]], **settings: Any) -> tuple[list[Result], int]:
    """With sharing, and how many questions; what comes of the rows is what comes of them without."""
    asked: list[str] = []

    def answer(question: Question) -> str:
        asked.append(question.prompt)
        drawn = Random(question.prompt + (str(question.seed) if settings.get("temperature") else ""))
        return drawn.choice(question.choices or ["yes", "no", "perhaps"])

    with Scripted(answer) as on, Scripted(answer, share_rows=False) as off:
        results = program.run_batch(rows, backend=on, seed=3, **settings)
        count = len(asked)
        apart = program.run_batch(rows, backend=off, seed=3, **settings)
    for result, other in zip(results, apart, strict=True):
        assert (result.text(), result.variables, result.meta) == (other.text(), other.variables, other.meta)
    return results, count


@pytest.mark.parametrize(
    ("program", "rows", "settings", "questions"),
    [
        (two_gens, rows_of("ab", "ab", "ab"), {"temperature": 0}, 2),
        (two_gens, rows_of("ab", "ac", "ab", "db"), {"temperature": 0}, 5),
        (two_gens, rows_of("ab", "ab"), {"temperature": 0.5}, 4),
        (two_gens, rows_of("ab"), {"temperature": 0}, 2),
        (chooses, rows_of("ab", "ab"), {"temperature": 0}, 2),
        (chooses, rows_of("ab", "ab"), {"temperature": 1.0}, 3),
        (samples, rows_of("ab", "ac"), {"temperature": 0}, 1),
        (samples, rows_of("ab", "ac"), {"temperature": 1.0}, 6),
    ],
)
def test_questions_of_a_batch(
    program: SglFunction, rows: Sequence[Mapping[str, str]], settings: dict[str, Any], questions: int
) -> None:
    assert run(program, rows, **settings)[1] == questions


def test_host_functions_are_called_for_each_row() -> None:
    called.clear()
    results, questions = run(looks_up, rows_of("ab", "ab", "ac"), temperature=0)
    first = results[0]["a"]
    assert questions == 3
    assert sorted(called) == sorted([(first, "b"), (first, "b"), (first, "c")] * 2)


def test_nothing_is_shared_between_batches_and_runs() -> None:
    asked: list[str] = []

    def answer(question: Question) -> str:
        asked.append(question.prompt)
        return "yes"

    (row,) = rows_of("ab")
    with Scripted(answer) as backend:
        for _ in range(2):
            two_gens.run(x=row["x"], y=row["y"], backend=backend, temperature=0)
            two_gens.run_batch([row, row], backend=backend, temperature=0)
        "".join(two_gens.run(x=row["x"], y=row["y"], backend=backend, temperature=0, stream=True).text_iter())
    assert len(asked) == 2 * 5


def test_a_failure_is_the_error_of_each_row_that_asked() -> None:
    def answer(question: Question) -> str:
        if "Start a" in question.prompt:
            raise ValueError("no answer")
        return "yes"

    with Scripted(answer) as backend:
        results = two_gens.run_batch(rows_of("ab", "db", "ab"), backend=backend, temperature=0)
    errors = [result.error() for result in results]
    assert [error is not None and "ValueError: no answer" in str(error) for error in errors] == [True, False, True]


def test_rows_that_come_later_find_the_answers() -> None:
    asked: list[str] = []

    def answer(question: Question) -> str:
        asked.append(question.prompt)
        return "yes"

    with Scripted(answer) as backend:
        ready = list(two_gens._ready([two_gens._row(row, "") for row in rows_of("ab") * 50], _settings(), backend))
        outcomes = list(backend.run(ready, window=2))  # pyright: ignore[reportArgumentType]: no row is refused
    assert len(outcomes) == 50
    assert len({outcome.text for _, outcome in outcomes}) == 1
    assert len(asked) == 2


def _settings() -> Any:
    return two_gens._split({"temperature": 0, "seed": 3})[1]


def test_what_a_batch_knows_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    desks: list[weakref.ref[Any]] = []
    desk = Runner.desk

    def noted(self: Runner, rows: int) -> Any:
        made = desk(self, rows)
        desks.append(weakref.ref(made))
        return made

    monkeypatch.setattr(Runner, "desk", noted)
    with Scripted(lambda question: "yes") as backend:
        results = two_gens.run_batch(rows_of("ab", "ab", "cd"), backend=backend, temperature=0)
        backend.on_loop(gc.collect)  # when the loop is through with the last answer
        assert [ref() for ref in desks] == [None]
    assert len(results) == 3


# On the engine


def start_rows(machine: Machine, count: int, ended: dict[int, Outcome], **more: Any) -> list[Any]:
    graph = optimise(two_gens.trace())
    texts = {"x": "<x>", "y": "<y>"}
    return [machine.start(graph, lower(graph), texts, row, ended, temperature=0.0, **more) for row in range(count)]


@pytest.mark.parametrize("leaving", [[0], [1], [0, 1], [0, 1, 2]])
def test_runs_that_leave_are_not_missed(leaving: list[int]) -> None:
    wanted: dict[int, Outcome] = {}
    alone = Machine()
    start_rows(alone, 1, wanted)
    alone.drain()
    for turns in range(0, 14):
        machine = Machine()
        ended: dict[int, Outcome] = {}
        runs = start_rows(machine, 3, ended, desk=machine.desk())
        for _ in range(turns):
            machine.port.turn()
        for row in leaving:
            machine.executor.cancel(runs[row])
        machine.drain()
        for row in set(range(3)) - set(leaving):
            assert meaning(ended[row]) == meaning(wanted[0])
        while not machine.core.idle:
            machine.port.turn()
        assert not machine.core._scheduler._begun
        assert machine.core._tree.loose == machine.core._tree.size  # nothing is claimed
        machine.core.flush_cache()
        assert machine.core.stats.kv_tokens_in_use == 0
        assert machine.core.stats.decoded_tokens <= alone.core.stats.decoded_tokens


def test_a_streamed_run_shares_nothing() -> None:
    machine = Machine()
    ended: dict[int, Outcome] = {}
    told: list[str] = []
    desk = machine.desk()
    start_rows(machine, 2, ended, desk=desk)
    start_rows(machine, 1, streamed := {}, desk=desk, progress=lambda run, op, text: told.append(text))
    machine.drain()
    assert meaning(streamed[0]) == meaning(ended[0]) == meaning(ended[1])
    assert len([text for text in told if text]) >= 2
    assert machine.core.stats.decoded_tokens == 2 * sum(meta["completion_tokens"] for meta in ended[0].meta.values())


def test_random_batches_say_the_same_shared_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = 0
    for seed in range(50):
        rng = Random(seed)
        graph = for_bytes(random_graph(rng, size=25))
        graph = graph if seed % 3 else optimise(graph)
        rows = [{param.name: rng.choice("ab") for param in graph.params} for _ in range(5)]
        temperature = rng.choice((None, 0.0))
        came: list[dict[int, Outcome]] = []
        counts: list[int] = []
        for shared in (False, True):
            machine = Machine(pages=rng.choice((20_000, 2_000)), chunk_tokens=64)
            asked = note_questions(machine)
            desk = machine.desk() if shared else None
            ended: dict[int, Outcome] = {}
            for row, texts in enumerate(rows):
                machine.start(
                    graph, lower(graph), texts, row, ended, hosts_of(graph), desk=desk, temperature=temperature
                )
            machine.drain()
            came.append(ended)
            counts.append(len(asked))
            while not machine.core.idle:
                machine.port.turn()
            assert not machine.core._scheduler._begun
            assert machine.core._tree.loose == machine.core._tree.size
        apart, together = came
        for row in range(len(rows)):
            assert (apart[row].error is None) == (together[row].error is None), f"seed {seed}"
            if apart[row].error is None:
                assert meaning(together[row]) == meaning(apart[row]), f"seed {seed}"
        if all(outcome.error is None for outcome in together.values()):
            assert len(set(asked)) == len(asked), f"seed {seed}: a question was asked twice"
        saved += counts[0] - counts[1]
    assert saved > 200


def note_questions(machine: Machine) -> list[Hashable]:
    """The questions without draws that are submitted from now on."""
    asked: list[Hashable] = []
    submit = machine.port.submit

    def noted(job: Job, owner: Owner) -> Hashable:
        if isinstance(job, ScoreJob):
            asked.append((job.prompt, job.choices, job.method))
        elif isinstance(job, DecodeJob) and job.sampling.temperature == 0:
            asked.append((job.prompt, job.sampling))
        return submit(job, owner)

    machine.port.submit = noted  # pyright: ignore[reportAttributeAccessIssue]: for this test
    return asked
