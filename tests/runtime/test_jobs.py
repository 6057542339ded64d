"""What gens and selects ask of the engine, and what their meta says: on the fake device, and against numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, get_args

import numpy as np
import pytest

from sglc.ir.ops import DEFAULT_SAMPLING, ChoicesMethod, Sampling
from sglc.ir.tokens import Text
from sglc.runtime.choices import choose
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.engine.request import Finished, Request, Score
from sglc.runtime.jobs import Answer, DecodeJob, Job, Prompt, ScoreJob, draw_seed
from sglc.runtime.port import Owner
from tests.runtime.toy import BEGIN, ByteTokenizer, Machine

METHODS: tuple[ChoicesMethod, ...] = get_args(ChoicesMethod)
UNCONDITIONAL = "unconditional_likelihood_normalized"
TOKENIZER = ByteTokenizer()
PROMPT: Prompt = (Text("Which? ", trusted=True),)


def prompts(*texts: str) -> tuple[Prompt, ...]:
    return tuple((Text(text, trusted=True),) for text in texts)


def ask(job: Job, machine: Machine | None = None) -> tuple[Answer, list[str]]:
    """The answer, and the text that came before it."""
    machine, asker = machine or Machine(), Asker()
    machine.port.submit(job, asker)
    while not machine.port.idle:
        machine.port.turn()
    (answer,) = asker.answers
    assert isinstance(answer, Answer), answer
    return answer, asker.news


class Asker(Owner):
    def __init__(self) -> None:
        self.answers: list[Answer | Exception] = []
        self.news: list[str] = []

    def answered(self, answer: Answer | Exception) -> None:
        self.answers.append(answer)

    def progressed(self, text: str) -> None:
        self.news.append(text)


def reference(request: Request) -> Finished:
    finished = FakeDevice(1, vocabulary=128).reference(request, TOKENIZER)
    assert finished is not None
    return finished


# Selects


def scored(prompt: Sequence[int], branches: Sequence[tuple[Sequence[int], Sequence[float]]]) -> Finished:
    """A request's end, from the ids and the log probabilities of its branches."""
    scores = tuple(tuple(map(Score, ids, logprobs)) for ids, logprobs in branches)
    return Finished(request=0, prompt=prompt, branch_scores=scores, prompt_tokens=len(branches) + 9, cached_tokens=2)


def without_prompt(ids: Sequence[Sequence[int]], logprobs: Sequence[Sequence[float]]) -> list[Finished]:
    """The ends of a select's requests without a prompt. logprobs: of each choice from the second token on."""
    firsts = dict.fromkeys(row[0] for row in ids if len(row) > 1)
    several = [(row[0], (row[1:], values)) for row, values in zip(ids, logprobs, strict=True) if len(row) > 1]
    return [scored([first], [branch for begin, branch in several if begin == first]) for first in firsts]


def by_numpy(
    method: ChoicesMethod, inside: list[list[float]], alone: list[list[float | None]]
) -> tuple[int, dict[str, Any]]:
    """SGLang's methods as its documentation describes them: the winner and the numbers that decide."""
    means = np.array([np.mean(row) for row in inside])
    if method == "token_length_normalized":
        return int(np.argmax(means)), {}
    if method == "greedy_token_selection":
        matrix = np.repeat(means[:, None], max(map(len, inside)), axis=1)
        for row, values in enumerate(inside):
            matrix[row, : len(values)] = values
        alive = np.full(len(inside), True)
        for column in matrix.T:
            alive &= column == column[alive].max()
        return int(np.argmax(alive)), {"greedy_logprob_matrix": matrix}
    gains = np.array(
        [
            np.mean(np.array(row) - np.array([0.0, *other[1:]], dtype=float))
            for row, other in zip(inside, alone, strict=True)
        ]
    )
    return int(np.argmax(gains)), {"normalized_unconditional_prompt_logprobs": gains}


def random_choices(random: Random) -> tuple[list[list[int]], list[list[float]], list[list[float]]]:
    """Ids of choices, some of which begin alike, and their log probabilities with and without a prompt: multiples of
    1/4, so that there are ties."""
    known: dict[tuple[int, ...], float] = {}
    ids = [[random.randint(1, 3) for _ in range(random.randint(1, 4))] for _ in range(random.randint(1, 5))]
    inside = [
        [known.setdefault(tuple(row[: n + 1]), -random.randint(0, 9) / 4) for n in range(len(row))] for row in ids
    ]
    alone = [[-random.randint(0, 9) / 4 for _ in row[1:]] for row in ids]
    return ids, inside, alone


@pytest.mark.parametrize("method", METHODS)
def test_choices_methods_against_numpy(method: ChoicesMethod) -> None:
    random = Random(0)
    won: set[int] = set()
    differs = 0
    for _ in range(500):
        ids, inside, alone = random_choices(random)
        texts = prompts(*(f"{n}: {row}" for n, row in enumerate(ids)))
        job = ScoreJob(PROMPT, texts, method=method)
        finished = [scored([9], list(zip(ids, inside, strict=True)))]
        if method == UNCONDITIONAL:
            finished += without_prompt(ids, alone)
        entries = [[None, *row] for row in alone]
        best, numbers = by_numpy(method, inside, entries)
        answer = job.answer(finished, TOKENIZER.decode)
        assert answer.prompt == (*PROMPT, *texts[best])
        assert answer.text == f"{best}: {ids[best]}"
        won.add(best)
        differs += best != by_numpy("token_length_normalized", inside, entries)[0]

        meta = answer.meta
        assert meta["normalized_prompt_logprobs"] == pytest.approx([np.mean(row) for row in inside])
        assert meta["input_token_logprobs"] == [
            [(logprob, token, None) for logprob, token in zip(*row, strict=True)]
            for row in zip(inside, ids, strict=True)
        ]
        assert meta["output_token_logprobs"] == [[] for _ in ids]
        for key, values in numbers.items():
            assert np.allclose(np.array(meta[key]), values, atol=1e-12), key
        if method == UNCONDITIONAL:
            assert meta["unconditional_token_logprobs"] == [
                [(logprob, token, None) for logprob, token in zip(*row, strict=True)]
                for row in zip(entries, ids, strict=True)
            ]
        assert meta.keys() - numbers.keys() - {"unconditional_token_logprobs"} == {
            "prompt_tokens", "cached_tokens", "completion_tokens", "normalized_prompt_logprobs",
            "input_token_logprobs", "output_token_logprobs",
        }  # fmt: skip
        assert meta["prompt_tokens"] == sum(done.prompt_tokens for done in finished)
    assert len(won) == 5
    assert (differs > 50) == (method != "token_length_normalized")


@pytest.mark.parametrize("method", METHODS)
def test_ties_go_to_the_first_choice(method: ChoicesMethod) -> None:
    finished = [scored([9], [([1, 2], [-1.0, -1.0]), ([1, 3], [-1.0, -1.0]), ([2], [-1.0])])]
    if method == UNCONDITIONAL:
        finished += without_prompt([[1, 2], [1, 3], [2]], [[0.0], [0.0], []])
    answer = ScoreJob(PROMPT, prompts("x", "y", "z"), method=method).answer(finished, TOKENIZER.decode)
    assert answer.text == "x"


@pytest.mark.parametrize("method", METHODS)
def test_selects_on_the_engine(method: ChoicesMethod) -> None:
    texts = ("good", "bad", "b", "so so", "bad")
    job = ScoreJob(PROMPT, prompts(*texts), method=method)
    own = [list(text.encode()) for text in texts]
    wanted = [Request(ids=TOKENIZER.encode(PROMPT), branches=own)]
    if method == UNCONDITIONAL:  # those that begin alike together
        alone = {"g": ["ood"], "b": ["ad", "ad"], "s": ["o so"]}
        wanted += [
            Request(ids=list(first.encode()), branches=[list(rest.encode()) for rest in rests])
            for first, rests in alone.items()
        ]
    assert job.requests(TOKENIZER) == wanted

    machine = Machine()
    answer, news = ask(job, machine)
    assert machine.core.stats.forward_passes == 1
    assert news == []
    one_by_one = by_single_requests(job)
    assert (answer.prompt, answer.text) == (one_by_one.prompt, one_by_one.text)
    assert [[token for _, token, _ in row] for row in answer.meta["input_token_logprobs"]] == own
    counts = ("prompt_tokens", "cached_tokens")
    assert {**answer.meta, **dict.fromkeys(counts)} == {**one_by_one.meta, **dict.fromkeys(counts)}
    # The prompt is 8 tokens; g go goo b ba s so so_ so_s are computed behind it, and without it b ba g go goo s so so_ so_s.
    assert answer.meta["prompt_tokens"] == (26 if method == UNCONDITIONAL else 17)


def by_single_requests(job: ScoreJob) -> Answer:
    """The answer where each choice is a request of its own, alone on the engine."""
    prompt = TOKENIZER.encode(job.prompt)
    own = [TOKENIZER.encode((*job.prompt, *choice))[len(prompt) :] for choice in job.choices]
    inside = [reference(Request(ids=[*prompt, *ids], score_from=len(prompt))).prompt_scores for ids in own]
    alone = [reference(Request(ids=ids, score_from=1)).prompt_scores for ids in own if len(ids) > 1]
    best, meta = choose(job.method, inside, alone)
    choice = job.choices[best]
    text = "".join(piece.text for piece in choice if isinstance(piece, Text))
    return Answer((*job.prompt, *choice), text, {"completion_tokens": 0, **meta})


# Gens


GEN = replace(DEFAULT_SAMPLING, max_tokens=7, temperature=0.0)


def test_a_gen_hands_its_settings_on() -> None:
    settings = Sampling(
        max_tokens=9, min_tokens=1, stop=("x",), stop_token_ids=(3,), stop_regex=("a.",), temperature=0.5, top_p=0.8,
        top_k=7, min_p=0.1, frequency_penalty=0.2, presence_penalty=0.3, ignore_eos=True, return_logprob=True,
        logprob_start_len=4, top_logprobs_num=2, return_text_in_logprobs=True,
    )  # fmt: skip
    (request,) = DecodeJob(PROMPT, settings, draw=(11,), order=(3,), stream=True).requests(TOKENIZER)
    assert request == Request(
        ids=TOKENIZER.encode(PROMPT), max_tokens=9, min_tokens=1, end_ids=frozenset({3}), stop=("x",),
        stop_regex=("a.",), temperature=0.5, top_p=0.8, top_k=7, min_p=0.1, frequency_penalty=0.2,
        presence_penalty=0.3, seed=draw_seed(11), score_from=4, score_answer=True, score_top=2, stream=True, order=(3,),
    )  # fmt: skip


def test_nothing_is_scored_where_nobody_asks() -> None:
    (request,) = DecodeJob(PROMPT, replace(GEN, logprob_start_len=0, top_logprobs_num=3), (0,)).requests(TOKENIZER)
    assert (request.score_from, request.score_answer, request.score_top) == (None, False, 0)
    answer, news = ask(DecodeJob(PROMPT, GEN, (0,)))
    assert answer.meta.keys() == {"prompt_tokens", "cached_tokens", "completion_tokens", "finish_reason"}
    assert news == []


@pytest.mark.parametrize("start", [None, 0, 1, 5, 7, 8, 99])
@pytest.mark.parametrize("top", [0, 2])
@pytest.mark.parametrize("text", [False, True])
def test_the_meta_of_log_probabilities(start: int | None, top: int, text: bool) -> None:
    settings = replace(
        GEN, return_logprob=True, logprob_start_len=start, top_logprobs_num=top, return_text_in_logprobs=text
    )
    answer, _ = ask(DecodeJob(PROMPT, settings, (0,)))
    prompt = TOKENIZER.encode(PROMPT)
    assert len(prompt) == 8
    known = reference(Request(ids=prompt, max_tokens=7, score_from=1, score_answer=True, score_top=2))

    def entries(pairs: Sequence[tuple[int, float | None]]) -> list[Any]:
        return [(logprob, token, TOKENIZER.decode([token]) if text else None) for token, logprob in pairs]

    first = 99 if start is None else start
    inputs = [(BEGIN, None), *((score.id, score.logprob) for score in known.prompt_scores)][first:]
    meta = answer.meta
    assert meta["input_token_logprobs"] == entries(inputs)
    assert meta["output_token_logprobs"] == entries([(score.id, score.logprob) for score in known.answer_scores])
    assert len(meta["output_token_logprobs"]) == len(known.ids) == 7
    if not top:
        assert "input_top_logprobs" not in meta
        assert "output_top_logprobs" not in meta
        return
    assert meta["input_top_logprobs"] == [None, *(entries(score.top) for score in known.prompt_scores)][first:]
    assert meta["output_top_logprobs"] == [entries(score.top) for score in known.answer_scores]


def test_a_stop_pattern_is_named_and_cut() -> None:
    whole, _ = ask(DecodeJob(PROMPT, GEN, (0,)))
    pattern = f"[{whole.text[2]}]."
    answer, _ = ask(DecodeJob(PROMPT, replace(GEN, stop_regex=("never", pattern)), (0,)))
    assert answer.text == whole.text[: whole.text.index(whole.text[2])]
    assert answer.meta["finish_reason"] == {"type": "stop", "matched": pattern}


def test_a_gen_that_streams_tells_its_text_as_it_comes() -> None:
    settings = replace(GEN, max_tokens=30, temperature=1.0)
    whole, none = ask(DecodeJob(PROMPT, settings, (5,)))
    answer, news = ask(DecodeJob(PROMPT, settings, (5,), stream=True))
    assert (answer.text, none) == (whole.text, [])
    assert answer.text.startswith("".join(news))
    assert len(news) == 29, "one a token, and the last with the answer"


def test_a_job_that_was_given_up_says_nothing() -> None:
    machine, asker = Machine(), Asker()
    handle = machine.port.submit(DecodeJob(PROMPT, GEN, (0,), stream=True), asker)
    machine.port.turn()
    machine.port.cancel(handle)
    while not machine.core.idle:
        machine.port.turn()
    assert asker.answers == []
