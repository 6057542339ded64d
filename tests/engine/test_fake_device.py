"""The oracle itself: what is wrong with a page shows in the drawn id, or raises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sglc.runtime.engine.device import Batch, Chunk, Draw
from sglc.runtime.engine.fake_device import BatchFailure, DrawFailure, FakeDevice, UnwrittenPage
from sglc.runtime.engine.request import Request
from tests.engine.support import AUTOMATA

GREEDY = Draw(0.0, 1.0, -1, 0.0, 0.0, 0.0, seed=0, position=0)


class Silent:
    """A detokenizer for which no id has text."""

    def bytes_of(self, token: int) -> bytes | None:
        return None


def device(**options: object) -> FakeDevice:
    """Nine pages: the prompt 5 6 7 is in 0 1 2, the prompt 8 8 8 in 3 4 5, the others were never written."""
    made = FakeDevice(9, vocabulary=1 << 30, **options)  # type: ignore[arg-type]  # passed on as they are
    made.compute(Batch([Chunk([5, 6, 7], 0, [0, 1, 2]), Chunk([8, 8, 8], 0, [3, 4, 5])]))
    return made


def drawn(pages: list[int], ids: list[int] | None = None) -> object:
    return device().compute(Batch([Chunk(ids or [9], len(pages) - 1, pages)]), [GREEDY]).drawn[0]


def test_only_the_right_pages_give_the_right_id() -> None:
    right = drawn([0, 1, 2, 6])
    assert right == drawn([0, 1, 2, 7])
    expected = device().reference(Request(ids=[5, 6, 7, 9], max_tokens=1), Silent())
    assert expected is not None
    assert expected.ids == (right,)


@pytest.mark.parametrize("pages", [[1, 0, 2, 6], [0, 1, 5, 6], [3, 1, 2, 6], [0, 0, 2, 6]])
def test_a_foreign_or_misplaced_page_gives_another_id(pages: list[int]) -> None:
    assert drawn(pages) != drawn([0, 1, 2, 6])


@pytest.mark.parametrize("pages", [[0, 1, 8, 6], [8, 1, 2, 6]])
def test_an_unwritten_page_raises(pages: list[int]) -> None:
    with pytest.raises(UnwrittenPage, match="page 8"):
        drawn(pages)


def test_too_few_pages_raise() -> None:
    with pytest.raises(ValueError, match=r"3 pages for positions 0 \.\. 3"):
        device().compute(Batch([Chunk([9], 3, [0, 1, 2])]))


def test_a_failed_batch_spoils_its_pages() -> None:
    made = device(fail_batch=lambda: True)
    before = list(made.cells)
    with pytest.raises(BatchFailure):
        made.submit(Batch([Chunk([9], 3, [0, 1, 2, 6])])).result()
    assert [n for n in range(9) if made.cells[n] != before[n]] == [6]


def test_a_draw_that_fails_spares_its_neighbours() -> None:
    made = device(fail_draw=lambda seed, position: position == 1)
    second = replace(GREEDY, position=1)
    batch = Batch([Chunk([9], 3, [0, 1, 2, 6]), Chunk([9], 3, [3, 4, 5, 7])])
    result = made.compute(batch, [second, GREEDY])
    assert isinstance(result.drawn[0], DrawFailure)
    assert isinstance(result.drawn[1], int)


def test_masks_and_forbidden_ids_are_kept() -> None:
    made = FakeDevice(4, vocabulary=16)
    automaton = AUTOMATA[3]  # "b", after it another, or "c", or the end
    seen: dict[int, set[object]] = {0: set(), 1: set()}
    for token in range(16):
        for state in (0, 1):
            draw = replace(GREEDY, constraint=automaton, state=state)
            seen[state].update(made.compute(Batch([Chunk([token], 0, [0])]), [draw]).drawn)
    assert seen == {0: {3}, 1: {0, 3, 4}}
    forbidden = replace(GREEDY, constraint=AUTOMATA[4], state=1, forbidden=frozenset({0}))
    assert isinstance(made.compute(Batch([Chunk([1], 0, [0])]), [forbidden]).drawn[0], ValueError)


def test_scores_are_of_the_prefix_and_the_drawn_id_comes_last() -> None:
    made = FakeDevice(4, vocabulary=16)
    asked = Chunk([5, 6, 7], 0, [0, 1, 2], score=[(0, 6), (1, 7)], score_top=2)
    result = made.compute(Batch([asked]), [replace(GREEDY, score=True)])
    (drawn,), (scores,) = result.drawn, result.scores
    assert isinstance(drawn, int)
    assert [score.id for score in scores] == [6, 7, drawn]
    expected = made.reference(
        Request(ids=[5, 6, 7], max_tokens=1, score_from=1, score_answer=True, score_top=2), Silent()
    )
    assert expected is not None
    assert (expected.prompt_scores, expected.answer_scores) == (tuple(scores[:2]), tuple(scores[2:]))
    for score in scores:
        assert score.top == tuple(sorted(score.top, key=lambda each: (-each[1], each[0])))
        assert score.logprob <= score.top[0][1]


def test_a_chunk_has_the_id_that_it_follows() -> None:
    made = device()
    first = made.submit(Batch([Chunk([9], 3, [0, 1, 2, 6], draws=True), Chunk([9], 3, [3, 4, 5, 7], draws=True)]))
    first.draw([GREEDY, GREEDY])
    second = made.submit(Batch([Chunk([0], 4, [3, 4, 5, 7, 8], draws=True, follows=1)]))
    second.draw([GREEDY])
    (_, drawn), (last,) = first.result().drawn, second.result().drawn
    expected = device().reference(Request(ids=[8, 8, 8, 9], max_tokens=2), Silent())
    assert expected is not None
    assert expected.ids == (drawn, last)


def test_nothing_follows_what_is_not_drawn() -> None:
    made = device()
    made.submit(Batch([Chunk([9], 3, [0, 1, 2, 6], draws=True)])).draw([None])
    with pytest.raises(ValueError, match="chunk 0, for which nothing is being drawn"):
        made.submit(Batch([Chunk([0], 4, [0, 1, 2, 6, 7], draws=True, follows=0)]))
    with pytest.raises(ValueError, match="does not draw"):
        made.submit(Batch([Chunk([9], 3, [0, 1, 2, 6])])).draw([GREEDY])
