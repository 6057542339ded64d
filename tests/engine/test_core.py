"""What the engine promises, one promise a test, on the fake device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.ir.errors import CapacityError
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.device import Batch, Draw, Result
from sglc.runtime.engine.fake_device import FakeDevice, FakePending
from sglc.runtime.engine.family import Family, Kind, longer
from sglc.runtime.engine.request import Event, Failed, Finished, Progress, Request, Stats
from tests.engine.episodes import COMPARED, Episode, fails_at_draw
from tests.engine.invariants import check
from tests.engine.support import AUTOMATA, END, VOCABULARY, Bytes, drive, words

PREFIX = [2 + n % 7 for n in range(40)]


class Recorder(FakeDevice):
    """Keeps its batches, as (start, rows, draws) a chunk."""

    def __init__(self, num_pages: int, **more: object) -> None:
        super().__init__(num_pages, **more)  # type: ignore[arg-type]  # passed on as they are
        self.batches: list[list[tuple[int, int, bool]]] = []

    def submit(self, batch: Batch) -> FakePending:
        self.batches.append([(chunk.start, len(chunk.ids), chunk.draws) for chunk in batch.chunks])
        return super().submit(batch)


def engine(device: FakeDevice, **options: Any) -> EngineCore:
    return EngineCore(device, Bytes(), **{"chunk_tokens": 16, "headroom_tokens": 2, **options})


def answer(event: Event) -> tuple[object, ...]:
    """What of an event may not depend on the neighbours."""
    assert isinstance(event, Finished), event
    return tuple(getattr(event, name) for name in COMPARED)


def alone(device: FakeDevice, request: Request) -> tuple[object, ...]:
    expected = device.reference(request, Bytes())
    assert expected is not None
    return answer(expected)


def fork(branches: int, **options: object) -> list[Request]:
    base = Request(ids=PREFIX, max_tokens=3)
    return [replace(base, ids=[*PREFIX, END, branch], **options) for branch in range(branches)]  # type: ignore[arg-type]


# Sharing


@pytest.mark.parametrize("chunk", [5, 16, 41, 512])
def test_a_cold_fork_prefills_its_prefix_once(chunk: int) -> None:
    device = FakeDevice(400)
    core = engine(device, chunk_tokens=chunk)
    events, _ = drive(core, device, fork(6))
    assert [answer(events[n]) for n in range(6)] == [alone(device, request) for request in fork(6)]
    # 40 of the prefix, the separator that the six have in common, and one of its own for each.
    assert core.stats.prefilled_tokens == 41 + 6
    assert core.stats.cached_tokens == 5 * 41
    assert core.stats.prompt_tokens == 6 * 42


@pytest.mark.parametrize("leaves", ["cancelled", "failed"])
def test_siblings_go_on_when_the_one_they_wait_for_leaves(leaves: str) -> None:
    batches = iter([False, leaves == "failed"])
    device = FakeDevice(400, fail_batch=lambda: next(batches, False))
    core = engine(device)
    events, _ = drive(core, device, fork(6), lambda n: core.cancel(0) if leaves == "cancelled" and n == 1 else None)
    assert isinstance(events.get(0), Failed) == (leaves == "failed")
    assert [answer(events[n]) for n in range(1, 6)] == [alone(device, request) for request in fork(6)[1:]]
    assert core.stats.prefilled_tokens == 41 + 5


def test_a_step_costs_the_same_however_many_wait() -> None:
    device = FakeDevice(400)
    core = engine(device)
    matches = 0
    match = core._tree.match

    def counted(*args: object) -> object:
        nonlocal matches
        matches += 1
        return match(*args)  # type: ignore[arg-type]

    core._tree.match = counted  # type: ignore[method-assign]  # a spy
    count = 1_000
    _, steps = drive(core, device, [replace(request, max_tokens=0) for request in fork(10)] * (count // 10))
    # Each is looked up when its turn comes, and again when its sibling's prefix is there.
    assert matches <= 3 * count + steps


def test_a_full_hit_computes_its_last_token_only() -> None:
    device = Recorder(100)
    core = engine(device)
    request = Request(ids=PREFIX, max_tokens=1)
    drive(core, device, [request])
    device.batches.clear()
    events, _ = drive(core, device, [request])
    assert device.batches == [[(39, 1, True)]]
    assert answer(events[1]) == alone(device, request)
    assert core.stats.prompt_tokens == core.stats.cached_tokens + core.stats.prefilled_tokens == 80


def test_a_full_hit_that_draws_nothing_needs_no_batch() -> None:
    device = Recorder(100)
    core = engine(device)
    drive(core, device, [Request(ids=PREFIX)])
    assert [rows for batch in device.batches for _, rows, _ in batch] == [16, 16, 8]
    device.batches.clear()
    events, steps = drive(core, device, [Request(ids=PREFIX), Request(ids=PREFIX[:17])])
    assert (device.batches, steps) == ([], 1)
    first = events[1]
    assert isinstance(first, Finished)
    assert (first.ids, first.text, first.reason, first.cached_tokens) == ((), "", "length", 40)


@pytest.mark.parametrize("first", range(1, 40))
def test_scores_do_not_depend_on_what_is_cached(first: int) -> None:
    device = Recorder(100)
    core = engine(device, chunk_tokens=7)
    request = Request(ids=PREFIX, score_from=first)
    cold, _ = drive(core, device, [request])
    device.batches.clear()
    warm, _ = drive(core, device, [request])
    assert answer(cold[0]) == answer(warm[1]) == alone(device, request)
    assert device.batches[0][0][0] == first - 1, "computes from the position before the first score"
    event = warm[1]
    assert isinstance(event, Finished)
    assert (len(event.prompt_scores), event.cached_tokens) == (40 - first, first - 1)


@pytest.mark.parametrize("pages", [28, 34, 400])
@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_scores_of_answers_do_not_depend_on_the_engine(chunk: int, pages: int) -> None:
    """Drawn and forced ids, cold and warm, in chunks and after preemptions."""
    base = Request(ids=PREFIX[:17], max_tokens=9, score_answer=True, score_top=3)
    requests = [
        base,
        replace(base, constraint=words("abcab", "abcaa"), score_from=4),
        replace(base, constraint=words("aaaaaaaa"), score_top=0),
        replace(base, constraint=words("bbbbb"), stop=("bb",), score_from=17),
        replace(base, ids=PREFIX[:9], temperature=1.0, end_ids=frozenset({END}), stop_regex=("b.",), score_from=1),
        replace(base, max_tokens=0, score_from=2),
    ]
    device = FakeDevice(pages)
    core = engine(device, chunk_tokens=chunk, headroom_tokens=0)
    for first in (0, len(requests)):
        events, _ = drive(core, device, requests)
        for number, request in enumerate(requests):
            event = events[first + number]
            assert answer(event) == alone(device, request), request
            assert isinstance(event, Finished)
            assert len(event.answer_scores) == len(event.ids)
            assert [score.id for score in event.answer_scores] == list(event.ids)
            assert all(len(score.top) == request.score_top for score in event.answer_scores + event.prompt_scores)


def test_scores_of_forced_ids_come_with_the_ids_before_them() -> None:
    device = Recorder(100)
    core = engine(device)
    forced = Request(ids=[3, 4, 5], max_tokens=9, constraint=words("aaaa"), score_answer=True)
    events, _ = drive(core, device, [forced])
    assert answer(events[0]) == alone(device, forced)
    assert device.batches == [[(0, 7, False)]], "one pass for the prompt and all that is forced"
    device.batches.clear()
    drive(core, device, [forced])
    assert device.batches == [[(2, 5, False)]], "the first of them is scored behind the prompt's last token"


def test_a_generated_answer_is_cached_for_what_follows() -> None:
    device = FakeDevice(100)
    core = engine(device)
    events, _ = drive(core, device, [Request(ids=PREFIX, max_tokens=4)])
    first = events[0]
    assert isinstance(first, Finished)
    # The KV of the last id is never computed: nothing was drawn after it.
    assert core.cached_length([*PREFIX, *first.ids]) == 43
    assert core.cached_length(PREFIX[:9]) == 9
    assert core.cached_length([END]) == 0
    core.flush_cache()
    assert core.cached_length(PREFIX) == 0
    assert core.stats.evicted_tokens == 0


# KV from and to elsewhere


def test_kv_moves_from_one_engine_to_another() -> None:
    first, second = FakeDevice(60), Recorder(60)
    source, target = engine(first), engine(second)
    drive(source, first, [Request(ids=PREFIX)])
    cells = source.read_cached(PREFIX, lambda pages: [first.cells[page] for page in pages])

    def write(start: int, pages: Sequence[int]) -> None:
        for page, value in zip(pages, cells[start:], strict=True):
            second.cells[page] = value

    drive(target, second, [Request(ids=PREFIX[:10])])
    second.batches.clear()
    assert [target.write_cached(PREFIX, write) for _ in range(2)] == [30, 0]
    check(target, second)
    request = Request(ids=PREFIX, max_tokens=3)
    events, _ = drive(target, second, [request])
    assert answer(events[1]) == alone(first, request)
    assert second.batches[0] == [(39, 1, True)], "no token of it is computed again"


def test_kv_that_is_not_there_or_does_not_fit_is_an_error() -> None:
    device = FakeDevice(20)
    core = engine(device)
    drive(core, device, [Request(ids=PREFIX[:10])])
    with pytest.raises(CapacityError) as caught:
        core.read_cached(PREFIX[:12], list)
    assert str(caught.value) == ("only 10 of the 12 tokens of a prompt are in the cache\n  hint: raise max_kv_tokens")
    with pytest.raises(CapacityError) as caught:
        core.write_cached(PREFIX, lambda start, pages: None)
    assert str(caught.value) == "30 more tokens do not fit the KV pool of 20\n  hint: raise max_kv_tokens"

    def broken(start: int, pages: Sequence[int]) -> None:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        core.write_cached(PREFIX[:12], broken)
    check(core, device)
    assert (core.cached_length(PREFIX), core.stats.kv_tokens_in_use) == (10, 10)


# Batches


def test_decode_rows_come_first_and_a_batch_is_bounded() -> None:
    device = Recorder(400)
    core = engine(device, chunk_tokens=8)
    core.submit(Request(ids=[3, 4], max_tokens=6))
    core.step()
    drive(core, device, [Request(ids=PREFIX, max_tokens=2)])
    assert device.batches[:3] == [[(0, 2, True)], [(2, 1, True), (0, 7, False)], [(3, 1, True), (7, 7, False)]]
    assert all(sum(rows for _, rows, _ in batch) <= 8 for batch in device.batches)


def test_more_requests_than_tokens_in_a_batch() -> None:
    device = Recorder(400)
    core = engine(device, chunk_tokens=2)
    requests = [Request(ids=[n, 3, n], max_tokens=5) for n in range(8)]
    events, _ = drive(core, device, requests)
    assert [answer(events[n]) for n in range(8)] == [alone(device, request) for request in requests]
    assert max(sum(rows for _, rows, _ in batch) for batch in device.batches) == 2


def test_a_smaller_order_is_admitted_first() -> None:
    device = FakeDevice(100)
    core = engine(device, max_running=1)
    orders = [(2,), (1, 5), (), (1,), (2,)]
    events, _ = drive(core, device, [Request(ids=[n], max_tokens=1, order=order) for n, order in enumerate(orders)])
    assert list(events) == [2, 3, 1, 0, 4]


def test_a_device_that_is_not_ready_is_only_asked() -> None:
    device = Recorder(100, delay=lambda: 3)
    core = engine(device)
    core.submit(Request(ids=[5], max_tokens=1))
    assert [core.step() for _ in range(3)] == [[], [], []]
    assert (len(device.batches), core.stats.forward_passes, core.idle) == (1, 1, False)
    assert len(core.step()) == 1
    assert core.idle


# Constraints


def test_forced_ids_are_computed_with_the_prompt_and_counted() -> None:
    device = Recorder(100)
    core = engine(device)
    request = Request(ids=[3, 4, 5], max_tokens=9, constraint=words("aaab", "aaac"))
    events, _ = drive(core, device, [request])
    event = events[0]
    assert answer(event) == alone(device, request)
    assert isinstance(event, Finished)
    assert (event.text, event.reason) in {("aaab", "match"), ("aaac", "match")}
    assert device.batches[0] == [(0, 3 + core.stats.forced_tokens, True)]
    assert core.stats.forced_tokens + core.stats.decoded_tokens == len(event.ids)
    assert core.stats.prefilled_tokens == 3


def test_an_answer_that_is_forced_from_end_to_end_only_fills_the_cache() -> None:
    device = Recorder(100)
    core = engine(device)
    events, _ = drive(core, device, [Request(ids=[3, 4, 5], max_tokens=9, constraint=words("aaaa"))])
    event = events[0]
    assert isinstance(event, Finished)
    assert (event.text, event.reason, event.decoded_tokens) == ("aaaa", "match", 0)
    assert device.batches == [[(0, 3, False)]]
    assert (core.stats.forced_tokens, core.stats.decoded_tokens, core.stats.prefilled_tokens) == (4, 0, 3)


def test_an_id_that_the_constraint_does_not_allow_fails_its_request_alone() -> None:
    class Disobedient(FakeDevice):
        def compute(self, batch: Batch, draws: Sequence[Draw | None] | None = None) -> Result:
            result = super().compute(batch, draws)
            pairs = zip(draws or [], result.drawn, strict=True)
            result.drawn = [4 if draw and draw.constraint else drawn for draw, drawn in pairs]
            return result

    device = Disobedient(100)
    core = engine(device)
    free = Request(ids=[6], max_tokens=3)
    events, _ = drive(core, device, [Request(ids=[5], max_tokens=3, constraint=words("ab", "ba")), free])
    failed = events[0]
    assert isinstance(failed, Failed)
    assert str(failed.error) == "the device drew id 4 (b'c'), which the constraint does not allow here"
    assert answer(events[1]) == alone(device, free)


# Failures


def test_a_batch_that_fails_ends_its_requests_and_leaves_nothing_in_the_cache() -> None:
    batches = iter([False, True])
    device = FakeDevice(100, fail_batch=lambda: next(batches, False))
    core = engine(device, max_running=2)
    requests = [Request(ids=[n, *PREFIX[:12]], max_tokens=4) for n in range(4)]
    events, _ = drive(core, device, requests)
    assert [type(events[n]) for n in range(4)] == [Failed, Failed, Finished, Finished]
    assert events[0].error is events[1].error  # type: ignore[union-attr]
    assert [answer(events[n]) for n in (2, 3)] == [alone(device, request) for request in requests[2:]]


def test_a_device_that_refuses_a_batch_ends_its_requests() -> None:
    class Refuses(FakeDevice):
        def submit(self, batch: Batch) -> FakePending:
            if batch.chunks[0].ids[0] == 9:
                raise MemoryError("no memory for the batch")
            return super().submit(batch)

    device = Refuses(100)
    core = engine(device, max_running=1)
    events, _ = drive(core, device, [Request(ids=[9, 3], max_tokens=2), Request(ids=[4], max_tokens=2)])
    failed = events[0]
    assert isinstance(failed, Failed)
    assert repr(failed.error) == "MemoryError('no memory for the batch')"
    assert answer(events[1]) == alone(device, Request(ids=[4], max_tokens=2))


# Streams


@pytest.mark.parametrize("chunk", [2, 64])
def test_text_is_told_as_it_comes_and_the_rest_in_the_end(chunk: int) -> None:
    device = FakeDevice(400, vocabulary=len(VOCABULARY))
    core = engine(device, chunk_tokens=chunk)
    base = Request(ids=PREFIX, max_tokens=12, stream=True)
    requests = [replace(base, temperature=1.0, seed=seed, stop=("ab",) if seed % 2 else ()) for seed in range(12)]
    numbers = {core.submit(request): request for request in requests}
    core.submit(replace(base, stream=False))
    told: dict[int, list[str]] = {number: [] for number in numbers}
    ended: set[int] = set()
    while not core.idle:
        for event in core.step():
            assert event.request not in ended, "nothing comes after the end"
            if isinstance(event, Progress):
                told[event.request].append(event.text)
                continue
            assert isinstance(event, Finished)
            ended.add(event.request)
            if event.request in numbers:
                assert answer(event) == alone(device, numbers[event.request])
                assert event.text.startswith("".join(told[event.request]))
    assert "" not in [text for texts in told.values() for text in texts]
    assert sum(len(texts) > 2 for texts in told.values()) > 6, "it comes in parts"


def test_a_cancelled_request_tells_nothing_more() -> None:
    device = FakeDevice(100, delay=lambda: 1)
    core = engine(device)
    number = core.submit(Request(ids=[9], max_tokens=50, stream=True, temperature=1.0))
    assert sum(isinstance(event, Progress) for _ in range(20) for event in core.step()) > 2
    core.cancel(number)
    events, _ = drive(core, device, [])
    assert events == {}


# Requests


@pytest.mark.parametrize(
    ("pages", "positions", "message"),
    [
        (
            100,
            30,
            "a prompt of 27 tokens and 4 to generate are 31, more than the model's context of 30\n"
            "  hint: shorten the prompt or lower max_tokens",
        ),
        (
            30,
            100,
            "a prompt of 27 tokens and 4 to generate are 31, more than the KV pool of 30 tokens\n"
            "  hint: raise max_kv_tokens, shorten the prompt or lower max_tokens",
        ),
    ],
)
def test_what_can_never_fit_is_refused_at_once(pages: int, positions: int, message: str) -> None:
    core = engine(FakeDevice(pages, max_positions=positions))
    with pytest.raises(CapacityError) as caught:
        core.submit(Request(ids=PREFIX[:27], max_tokens=4))
    assert str(caught.value) == message
    assert core.idle
    assert core.stats == Stats()
    core.submit(Request(ids=PREFIX[:26], max_tokens=4))


@pytest.mark.parametrize(
    ("pages", "positions", "message"),
    [
        (
            100,
            29,
            "a prompt of 27 tokens and 3 of a choice are 30, more than the model's context of 29\n"
            "  hint: shorten the prompt or give shorter choices",
        ),
        (
            30,
            100,
            "a prompt of 27 tokens and 4 of all choices are 31, more than the KV pool of 30 tokens\n"
            "  hint: raise max_kv_tokens, shorten the prompt or give shorter choices",
        ),
    ],
)
def test_choices_that_can_never_fit_are_refused_at_once(pages: int, positions: int, message: str) -> None:
    core = engine(FakeDevice(pages, max_positions=positions))
    with pytest.raises(CapacityError) as caught:
        core.submit(Request(ids=PREFIX[:27], branches=[[1, 2, 3], [2, 2, 3], [1, 2, 4]]))
    assert str(caught.value) == message
    assert core.idle
    core.submit(Request(ids=PREFIX[:27], branches=[[1, 2], [2, 2], [3, 2]]))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            Request(ids=[1], branches=[[2]], max_tokens=1),
            "a request with branches generates nothing and scores nothing else",
        ),
        (
            Request(ids=[1, 2], branches=[[2]], score_from=1),
            "a request with branches generates nothing and scores nothing else",
        ),
        (Request(ids=[]), "a request needs at least one id"),
        (Request(ids=[1], max_tokens=-1), "max_tokens and min_tokens cannot be negative"),
        (Request(ids=[1], min_tokens=-1), "max_tokens and min_tokens cannot be negative"),
        (Request(ids=[1], stop=("a", "")), "an empty stop string would end every answer"),
        (Request(ids=[1, 2], score_from=0), "score_from is 0, not one of 1 .. 2"),
        (Request(ids=[1, 2], score_top=-1), "score_top cannot be negative"),
        (
            Request(ids=[1], stop_regex=("b", "(")),
            "stop_regex '(' is no pattern: missing ), unterminated subpattern at position 0",
        ),
        (Request(ids=[1, 2], score_from=3), "score_from is 3, not one of 1 .. 2"),
    ],
)
def test_a_request_without_sense_is_refused(request_: Request, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        engine(FakeDevice(10)).submit(request_)
    assert str(caught.value) == message


# Branches

TREE = [[2, 3, 4], [2, 3, 5, 6], [7], [2, 3], [8, 9, 4], [7], []]
"""Rows: 2, 2 3, 2 3 5, 8, 8 9."""


def test_one_token_each_is_one_look_at_the_last_row() -> None:
    device = Recorder(100)
    core = engine(device, chunk_tokens=64)
    request = Request(ids=PREFIX, branches=[[token] for token in range(10)])
    for number in range(2):
        device.batches.clear()
        events, _ = drive(core, device, [request])
        assert device.batches == [[(0, 40, False)] if number == 0 else [(39, 1, False)]]
        assert answer(events[number]) == alone(device, request)
    assert core.stats.prompt_tokens == core.stats.cached_tokens + core.stats.prefilled_tokens == 80


def test_branches_are_computed_with_the_prompts_end() -> None:
    device = Recorder(100)
    core = engine(device, chunk_tokens=30)
    request = Request(ids=PREFIX, branches=TREE)
    events, _ = drive(core, device, [request])
    assert device.batches == [[(0, 30, False)], [(30, 10, False), (40, 3, False), (40, 2, False)]]
    assert answer(events[0]) == alone(device, request)
    (event,) = events.values()
    assert isinstance(event, Finished)
    assert [[score.id for score in scores] for scores in event.branch_scores] == TREE
    assert (event.prompt_tokens, core.stats.prefilled_tokens) == (45, 45)
    assert core.stats.prompt_tokens + core.stats.shared_tokens == sum(40 + len(branch) for branch in TREE)
    assert core.cached_length([*PREFIX, 2, 3, 5]) == core.stats.kv_tokens_in_use == 40, "branches are not kept"


def test_branches_score_what_each_would_alone() -> None:
    device = FakeDevice(100)
    expected = [device.reference(Request(ids=[*PREFIX, *branch], score_from=40), Bytes()) for branch in TREE]
    events, _ = drive(core := engine(device), device, [Request(ids=PREFIX, branches=TREE)])
    (event,) = events.values()
    assert isinstance(event, Finished)
    assert list(event.branch_scores) == [one.prompt_scores for one in expected if one is not None]
    assert core.idle


@pytest.mark.parametrize("pages", [45, 60])
@pytest.mark.parametrize("chunk", range(1, 8))
def test_branches_that_do_not_fit_a_batch_are_cut_anywhere(chunk: int, pages: int) -> None:
    """Also where the pool has room for one such request alone, and with others that draw."""
    device = FakeDevice(pages)
    core = engine(device, chunk_tokens=chunk, headroom_tokens=0)
    requests = [Request(ids=PREFIX[n:], branches=TREE) for n in (0, 0, 20)] + [Request(ids=PREFIX[:9], max_tokens=9)]
    events, _ = drive(core, device, requests)
    assert [answer(events[n]) for n in range(4)] == [alone(device, request) for request in requests]


def test_branches_begin_again_after_a_preemption() -> None:
    device = Recorder(46)
    core = engine(device, chunk_tokens=3, headroom_tokens=0)
    growing = Request(ids=[9] * 5, max_tokens=24)
    request = Request(ids=PREFIX[:17], branches=[[n, n + 1, n + 2] for n in range(8)])
    events, _ = drive(core, device, [growing, request])
    assert [answer(events[n]) for n in range(2)] == [alone(device, growing), alone(device, request)]
    stats = core.stats
    assert stats.prefilled_tokens + stats.cached_tokens > stats.prompt_tokens, "it was preempted"


def test_a_failed_batch_ends_a_request_with_branches_once() -> None:
    device = FakeDevice(100, fail_batch=iter([True, False, False]).__next__)
    core = engine(device, chunk_tokens=64)
    requests = [Request(ids=PREFIX, branches=TREE), Request(ids=[3, 4], branches=TREE)]
    events, _ = drive(core, device, requests)
    assert [type(events[n]) for n in range(2)] == [Failed, Failed]
    assert core.stats.kv_tokens_in_use == 0


def test_a_request_with_branches_is_cancelled_in_flight() -> None:
    device = FakeDevice(100, delay=lambda: 2)
    core = engine(device, chunk_tokens=64)
    events, _ = drive(core, device, [Request(ids=PREFIX, branches=TREE)], lambda n: core.cancel(0) if n == 1 else None)
    assert events == {}
    assert core.stats.kv_tokens_in_use == 0


def test_statistics_are_copies_and_can_be_reset() -> None:
    device = FakeDevice(100)
    core = engine(device)
    drive(core, device, [Request(ids=PREFIX, max_tokens=3)])
    before = core.stats
    assert before == Stats(
        prompt_tokens=40,
        prefilled_tokens=40,
        decoded_tokens=3,
        forward_passes=5,
        kv_tokens_in_use=42,
        kv_tokens_peak=42,
    )
    core.reset_stats()
    assert core.stats == Stats(kv_tokens_in_use=42, kv_tokens_peak=42)
    assert before.prompt_tokens == 40


def test_eviction_is_counted_and_takes_what_was_used_least_recently() -> None:
    device = FakeDevice(20)
    core = engine(device)
    old, new = [2] * 8, [3] * 8
    for ids in (old, new, old):
        drive(core, device, [Request(ids=ids)])
    drive(core, device, [Request(ids=[4] * 10)])
    assert (core.cached_length(old), core.cached_length(new)) == (8, 2)
    assert core.stats.evicted_tokens == 6
    assert core.stats.kv_tokens_in_use == core.stats.kv_tokens_peak == 20


# Families


def rows_of(count: int, size: int = 6) -> list[Request]:
    """A first request for each of so many rows, without a common beginning."""
    return [Request(ids=[2 + row % 7] * size, max_tokens=2, order=(row, 0)) for row in range(count)]


def running(core: EngineCore) -> list[int]:
    return [sequence.request.order[0] for sequence in core._scheduler.running.values()]


def test_a_run_begins_when_what_it_is_expected_to_take_fits() -> None:
    device = FakeDevice(50)
    core = engine(device, headroom_tokens=0)
    families = [Family(Kind(), 20) for _ in range(4)]
    for family, request in zip(families, rows_of(4), strict=True):
        core.submit(request, family)
    core.step()
    assert running(core) == [0]  # 26 each: two do not fit beside each other
    while not core.idle:
        core.step()
    assert core.stats.evicted_tokens == 0


@pytest.mark.parametrize(
    ("begun", "newcomer", "peak"),
    [
        ([], (20, 6), 20),
        ([(20, 6)], (20, 6), 40),  # both end at a time
        ([(5, 100)], (20, 6), 10),  # the old one ends before the new one grows: 2 * 5, then 20 - 100
        ([(5, 10)], (20, 6), 10),  # 2 * 5, then 20 - 10
        ([(5, 2), (10, 4)], (20, 6), 18),  # 3 * 5, then 2 * 10 - 2, then 20 - 6
        ([(0, 50)], (0, 6), 0),
    ],
)
def test_the_most_that_runs_hold_at_a_time(begun: list[tuple[int, int]], newcomer: tuple[int, int], peak: int) -> None:
    scheduler = engine(FakeDevice(10))._scheduler
    for coming, taken in begun:
        family = Family(Kind(), coming + taken)
        family.taken = taken
        scheduler._begun[family] = None
    assert scheduler._peak(*newcomer) == peak


def test_runs_are_expected_to_be_like_those_before() -> None:
    kind = Kind()
    device = FakeDevice(60)
    core = engine(device, headroom_tokens=0, chunk_tokens=64)
    first = Family(kind, 1_000)
    drive_family(core, device, first, [Request(ids=[9] * 4, max_tokens=3), Request(ids=[9] * 5 + [8] * 5)])
    # The first prompt's four are not counted, one more and two of the answer are, and of the second prompt all but the
    # five that it has in common.
    assert kind.expected == first.taken - first.first == 8
    for request in rows_of(6):
        core.submit(request, Family(kind, 1_000))
    core.step()
    assert running(core) == [0, 1, 2, 3]  # 14 each of 60


def test_where_the_short_runs_have_ended_the_others_are_expected_to_be_longer() -> None:
    kind = Kind()
    families = [Family(kind, 1_000) for _ in range(8)]
    for family in families:
        family.begin(10)
        family.taken = 10 + 30
    expected: list[int] = []
    for family in families:  # each later one takes more
        family.tell()
        expected.append(family.expected())
        for other in families:
            other.taken += 1
    assert expected == [1_000] * 3 + [33, 34, 35, 36, 37]


def after_redistribution(ended: Sequence[int], ages: Sequence[int]) -> Fraction:
    """What `longer` gives, in another way: each run that has not ended hands its weight on to all that took longer (Efron
    1967, redistribution to the right)."""
    runs = sorted([(taken, 0) for taken in ended] + [(age, 1) for age in ages])
    weights = [Fraction(1, len(runs))] * len(runs)
    for place, (_, alive) in enumerate(runs):
        if alive and (after := len(runs) - place - 1):
            for later in range(place + 1, len(runs)):
                weights[later] += weights[place] / after
            weights[place] = Fraction(0)
    return sum((weight for weight, (_, alive) in zip(weights, runs, strict=True) if alive), Fraction(0))


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.lists(st.integers(0, 20), max_size=12))
def test_the_share_of_longer_runs(ended: list[int], ages: list[int]) -> None:
    assert longer(ended, sorted(ages)) == pytest.approx(float(after_redistribution(ended, ages)))


@pytest.mark.parametrize("turns", [0, 2, 99])
def test_a_run_is_over_when_its_last_request_is(turns: int) -> None:
    kind = Kind()
    family = Family(kind, 20)
    device = FakeDevice(60)
    core = engine(device)
    for number in range(2):
        core.submit(Request(ids=[9] * 4 + [number], max_tokens=4), family)
    for _ in range(turns):
        core.step()
    core.end(family)  # others may wait for its answers
    assert bool(kind.taken) is core.idle
    core.cancel(0)
    drive(core, device, [])
    assert not core._scheduler._begun
    assert len(kind.taken) == 1


def drive_family(core: EngineCore, device: FakeDevice, family: Family, requests: Sequence[Request]) -> None:
    """One request after another, and the end of their family."""
    for request in requests:
        core.submit(request, family)
        drive(core, device, [])
    core.end(family)


def test_a_run_that_has_begun_goes_on_before_another_begins() -> None:
    device = FakeDevice(100)
    core = engine(device, max_running=1)
    first, second = Family(Kind(), 0), Family(Kind(), 0)
    early, late = rows_of(2)
    core.submit(late, second)
    core.step()  # the later row is the first to come
    core.submit(early, first)
    core.submit(replace(late, ids=[*late.ids, 5], order=(1, 1)), second)
    order = [running(core)]
    while not core.idle:
        core.step()
        if running(core) not in ([], order[-1]):
            order.append(running(core))
    assert order == [[1], [0]]
    assert core.stats.cached_tokens == 6


@pytest.mark.parametrize(("firm", "kept"), [(True, 10), (False, 9)])
def test_a_claim_of_a_run_that_has_begun_keeps_others_out(firm: bool, kept: int) -> None:
    """One that is only waiting does not: what it claims goes, the last reader's first."""
    device = FakeDevice(24)
    core = engine(device, headroom_tokens=0, max_running=2)
    held = [3] * 10
    drive(core, device, [Request(ids=held)])
    core.submit(Request(ids=[4] * 4, max_tokens=6))  # runs on
    core.step()
    if firm:
        claim = core.claim(held, (0,))
    else:
        core.submit(Request(ids=[*held, 1], order=(9, 0)), Family(Kind(), 0))
    core.submit(Request(ids=[5] * 10, max_tokens=0, order=(1, 0)), Family(Kind(), 0))
    core.step()
    assert core.cached_length(held) == kept
    if firm:
        core.give_up(claim)
    drive(core, device, [])


def test_where_nothing_runs_the_first_goes_on_whatever_is_claimed() -> None:
    device = FakeDevice(20)
    core = engine(device)
    drive(core, device, [Request(ids=[3] * 15)])
    claim = core.claim([3] * 15, (0,))
    events, _ = drive(core, device, [Request(ids=[4] * 12, max_tokens=4)])
    assert isinstance(events[1], Finished)
    assert core.cached_length([3] * 15) == 5
    core.give_up(claim)


def test_a_batch_in_a_tenth_of_its_footprint_computes_nothing_twice() -> None:
    """Rows of two requests, the second of which comes when the first has answered, as an executor would ask."""
    device = FakeDevice(250)
    core = engine(device, chunk_tokens=64)
    kind = Kind()
    steps: dict[int, tuple[int, Family]] = {}
    count = 120
    for row in range(count):
        family = Family(kind, 12)
        ids = [2, 3, 4, 5, *(2 + (row >> bit & 1) for bit in range(8)), *[2 + row % 5] * 6]
        steps[core.submit(Request(ids=ids, max_tokens=4, order=(row, 0)), family)] = (0, family)
    while not core.idle:
        for event in core.step():
            assert isinstance(event, Finished)
            step, family = steps.pop(event.request)
            if step == 3:
                core.end(family)
            else:
                more = Request(ids=[*event.prompt, *event.ids, 7], max_tokens=4, order=(0, step))
                steps[core.submit(more, family)] = (step + 1, family)
        check(core, device)
    stats = core.stats
    assert not steps
    assert stats.evicted_tokens > 10 * 250 // 2
    assert stats.prefilled_tokens + stats.cached_tokens == stats.prompt_tokens  # nothing was preempted
    # Of a later prompt two tokens are new: the one that was drawn last, and the one that was appended.
    assert stats.prefilled_tokens <= count * (18 + 3 * 2)


# Many small scenarios


def scenario(seed: int) -> list[Request]:
    episode = Episode(seed)
    return [episode.request() for _ in range(4)]


def most_pages(request: Request) -> int:
    return len(request.ids) + request.max_tokens + sum(map(len, request.branches))


def play(
    requests: list[Request], pages: int, cancel: dict[int, int] | None = None, delay: int = 0, chunk: int = 5
) -> tuple[int, int]:
    """Runs requests, some cancelled at a step, and compares all others with the reference."""
    device = FakeDevice(pages, vocabulary=len(VOCABULARY), delay=lambda: delay, fail_draw=fails_at_draw)
    core = engine(device, chunk_tokens=chunk, headroom_tokens=0)
    cancel = cancel or {}
    gone: set[int] = set()

    def before_step(step: int) -> None:
        for request, at in cancel.items():
            if at == step:
                core.cancel(request)
                gone.add(request)

    kind = Kind()
    families = [Family(kind, 2 * (pages % 7)) for _ in range(pages % 3)]
    for number, request in enumerate(requests):
        core.submit(request, families[number % len(families)] if families else None)
    events, steps = drive(core, device, [], before_step)
    for family in families:
        core.end(family)
    assert events.keys() | gone == set(range(len(requests)))
    for number, event in events.items():
        expected = device.reference(requests[number], Bytes())
        if expected is None:
            assert isinstance(event, Failed), requests[number]
        else:
            assert answer(event) == answer(expected), requests[number]
    assert core._pool.free + core._tree.size == pages
    assert core._tree.loose == core._tree.unlocked == core._tree.size
    return steps, core.stats.evicted_tokens


@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("first", range(0, 120, 30))
def test_cancel_at_every_step(first: int, delay: int) -> None:
    for seed in range(first, first + 30):
        requests = scenario(seed)
        pages = max(map(most_pages, requests)) + seed % 7
        steps, _ = play(requests, pages, delay=delay)
        for step in range(steps):
            play(requests, pages, {seed % 4: step}, delay)
            play(requests, pages, dict.fromkeys(range(4), step), delay)


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_the_size_of_the_pool_changes_no_answer(first: int) -> None:
    evicted = 0
    for seed in range(first, first + 20):
        requests = scenario(seed)
        least = max(map(most_pages, requests))
        for pages in (*range(least, least + 25), 400):
            evicted += play(requests, pages)[1]
    assert evicted


@pytest.mark.parametrize("size", range(1, 20))
@pytest.mark.parametrize("chunk", [1, 2, 5, 8])
def test_lengths_at_every_edge(size: int, chunk: int) -> None:
    requests = [
        Request(ids=PREFIX[:size], max_tokens=2),
        Request(ids=PREFIX[: size + 1], max_tokens=2, temperature=1.0, seed=3),
        Request(ids=PREFIX[: max(1, size - 1)], score_from=1),
        Request(ids=PREFIX[:size], max_tokens=3, constraint=AUTOMATA[1]),
    ]
    for pages in (size + 3, size + 4, 100):
        play(requests, pages, chunk=chunk)


# A batch behind the one on its way


class Ahead(Recorder):
    """On its way for two looks. Keeps the ids that chunks follow too, and how many batches were on their way."""

    def __init__(self, num_pages: int, **more: object) -> None:
        super().__init__(num_pages, runs_ahead=True, delay=lambda: 2, **more)
        self.follows: list[list[int | None]] = []

    def submit(self, batch: Batch) -> FakePending:
        self.follows.append([chunk.follows for chunk in batch.chunks])
        return super().submit(batch)


def test_a_batch_is_submitted_before_the_one_before_it_is_read() -> None:
    device = Ahead(100)
    core = engine(device)
    requests = [Request(ids=PREFIX[:20], max_tokens=4), Request(ids=[9, 9], max_tokens=2)]
    events, _ = drive(core, device, requests)
    assert [answer(events[n]) for n in (0, 1)] == [alone(device, request) for request in requests]
    # The prompt is cut at 16 rows; behind its end, and the other prompt, each id follows the draw of its own row.
    assert device.batches == [[(0, 16, False)], [(16, 4, True), (0, 2, True)], [(20, 1, True), (2, 1, True)], *[[(n, 1, True)] for n in (21, 22)]]  # fmt: skip
    assert device.follows == [[None], [None, None], [0, 1], [0], [0]]


def test_what_ends_in_a_batch_is_dropped_from_the_next_and_cached_at_once() -> None:
    device = Ahead(100)
    core = engine(device)
    reference = device.reference(Request(ids=PREFIX[:5], max_tokens=9), Bytes())
    assert reference is not None
    request = Request(ids=PREFIX[:5], max_tokens=9, end_ids=frozenset({reference.ids[2]}))
    number = core.submit(request)
    while not (events := core.step()):
        check(core, device)
    assert [event.request for event in events] == [number]
    assert answer(events[0]) == alone(device, request)
    assert (core.in_flight, core.idle) == (True, False)
    assert core.cached_length([*PREFIX[:5], *reference.ids]) == 7, "the two ids before the end"
    while core.in_flight:
        assert core.step() == []
        check(core, device)
    assert core.idle
    assert core.stats.decoded_tokens == 3


def test_what_a_constraint_forces_comes_after_the_row_that_was_ahead() -> None:
    device = Ahead(100)
    core = engine(device)
    request = Request(ids=[5], max_tokens=9, constraint=words("aaab", "aaac", "ca"))
    events, _ = drive(core, device, [request])
    assert answer(events[0]) == alone(device, request)


def test_nothing_goes_ahead_of_scores_or_of_a_preemption() -> None:
    scored = Request(ids=PREFIX[:4], max_tokens=3, score_answer=True)
    device = Ahead(100)
    core = engine(device)
    events, _ = drive(core, device, [scored, Request(ids=[3], max_tokens=3)])
    assert answer(events[0]) == alone(device, scored)
    assert all(follows is None for batch in device.follows for follows in batch)
    small = Ahead(12)
    core = engine(small, headroom_tokens=0)
    requests = [Request(ids=[n] * 5, max_tokens=5) for n in (3, 4)]
    events, _ = drive(core, small, requests)
    assert [answer(events[n]) for n in (0, 1)] == [alone(small, request) for request in requests]


def test_a_batch_that_is_refused_behind_another_ends_its_requests_alone() -> None:
    class Refuses(Ahead):
        def submit(self, batch: Batch) -> FakePending:
            if any(chunk.ids[0] == 9 for chunk in batch.chunks):
                raise MemoryError("no memory for the batch")
            return super().submit(batch)

    device = Refuses(100)
    core = engine(device)
    core.submit(Request(ids=[4], max_tokens=4))
    core.step()
    core.submit(Request(ids=[9, 3], max_tokens=2))
    core.submit(Request(ids=[5], max_tokens=2))
    first = core.step()
    assert sorted(event.request for event in first) == [0, 1, 2]
    assert all(isinstance(event, Failed) for event in first)
    check(core, device)
    events, _ = drive(core, device, [Request(ids=[6], max_tokens=3)])
    assert answer(events[3]) == alone(device, Request(ids=[6], max_tokens=3))
